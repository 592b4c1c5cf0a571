/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anonshape.c: lab 03, step 1: what the shape of an object's tables costs
 *
 * Problem   Which word of the header leads where is the learner's choice: no shape is
 *           right or wrong, as long as each page has a way of its own.  What can be
 *           said is what it costs, beside shapes that are known.
 *
 * Picture   a hundred objects, small and large ─→ tables that they have; tables that
 *           a look-up passes; instructions of a look-up
 *
 * Rules     1. anon_shape_holds() comes first: who walks over the ranges of a shape
 *              that has a gap does not come to an end.
 *
 * Read next vm/object/anon.c, lab_anonword.c.
 */
#include "test/boot/anon/lab_anon.h"

#define OBJECTS 100u
#define SMALL 64u            /* of 1 to 16 pages */
#define MIDDLE 88u           /* those up to here, of 20 to 500 */
#define SPARSE (OBJECTS - 1) /* the last: pages here and there */
#define SPARSE_PAGES 12u
#define SPARSE_SIZE (1130ul << 18)
#define NEAR_PERCENT 110u
#define SAMPLES 4u
#define WALKED 24u           /* objects of which pages are looked up */

/* ---- is it one? ---- */

/* Each page of a range has the same answer, but that words in the header are its own. */
static bool
same_for_all(struct anon_top top, uint64_t *seed)
{
	struct anon_top t;
	uint64_t at, n = MIN(top.end, VMO_MAX_PAGES) - top.first;
	unsigned i;

	for (i = 0; i < SAMPLES; i++) {
		at = top.first + (i == 0 ? n - 1 : lab_random(seed) % n);
		t = anon_top(at);
		if (t.first == top.first && t.end == top.end && t.depth == top.depth &&
		    t.word == top.word + (top.depth == 0 ? at - top.first : 0))
			continue;
		CLAIM(false, "page %lu: anon_top says word %u, depth %u, pages %lu to %lu; "
		    "of page %lu it has said word %u, depth %u, to %lu", at, t.word, t.depth,
		    t.first, t.end, top.first, top.word, top.depth, top.end);
		return false;
	}
	return true;
}

static bool
range_holds(uint64_t at, struct anon_top top, unsigned *used)
{
	uint64_t n = 1;
	uint32_t bits;

	CLAIM(top.first == at && top.end > at, "page %lu: anon_top says that its range is "
	    "%lu to %lu: it begins where the one before ends", at, top.first, top.end);
	CLAIM(top.depth <= ANON_LEVELS, "page %lu: %u tables above it; %u are the most", at,
	    top.depth, ANON_LEVELS);
	if (top.first != at || top.end <= at || top.depth > ANON_LEVELS)
		return false;
	if (top.depth == 0)
		n = top.end - top.first;
	CLAIM(top.depth == 0 || top.end - at == 1ul << 9 * top.depth, "page %lu: below a word "
	    "with %u tables are %lu pages, not %lu", at, top.depth, 1ul << 9 * top.depth,
	    top.end - at);
	CLAIM(top.word < ANON_WORDS && n <= ANON_WORDS - top.word, "page %lu: %lu words from "
	    "number %u on, and the header has %u", at, n, top.word, ANON_WORDS);
	if ((top.depth > 0 && top.end - at != 1ul << 9 * top.depth) ||
	    top.word >= ANON_WORDS || n > ANON_WORDS - top.word)
		return false;
	bits = (uint32_t)(((1u << n) - 1) << top.word);
	CLAIM((*used & bits) == 0, "page %lu: word %u of the header leads to other pages "
	    "already: two pages would be one", at, top.word);
	if ((*used & bits) != 0)
		return false;
	*used |= bits;
	return true;
}

bool
anon_shape_holds(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, at = 0;
	struct anon_top top;
	unsigned used = 0;

	for (; at < VMO_MAX_PAGES; at = top.end) {
		top = anon_top(at);
		if (!range_holds(at, top, &used) || !same_for_all(top, &seed))
			return false;
	}
	return true;
}

/* ---- shapes that are known ---- */

enum known { INODE, FOUR, FLAT, LEAVES, SHAPES };

/* Tables below each word of the header; the last one reaches the end. */
static const uint8_t below[SHAPES][ANON_WORDS] = {
	[INODE] = { 0, 0, 0, 0, 0, 0, 1, 2, 3, 4 },
	[FOUR] = { 4 },
	[FLAT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 4 },
	[LEAVES] = { 1, 1, 1, 1, 1, 1, 1, 1, 2, 4 },
};

/* The range of a page, in one of them; SHAPES: the learner's. */
static struct anon_top
range_in(enum known shape, uint64_t pgoff)
{
	struct anon_top top = { .end = 0 };

	if (shape == SHAPES)
		return anon_top(pgoff);
	for (; pgoff >= top.end; top.word++) {
		top.first = top.end;
		top.depth = below[shape][top.word];
		top.end += 1ul << 9 * top.depth;
	}
	return top;
}

/* ---- objects ---- */

static struct {
	uint64_t pages[OBJECTS];          /* but of the last */
	uint64_t sparse[SPARSE_PAGES];    /* pages of that, from below */
	struct vmo *vmo[OBJECTS];
} some;

static void
choose(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, part = SPARSE_SIZE / SPARSE_PAGES;
	unsigned i;

	for (i = 0; i < SPARSE; i++)
		some.pages[i] = i < SMALL ? 1 + lab_random(&seed) % 16 :
		    i < MIDDLE ? 20 + lab_random(&seed) % 481 :
		    600 + lab_random(&seed) % 3401;
	for (i = 0; i < SPARSE_PAGES; i++)
		some.sparse[i] = i * part + lab_random(&seed) % part;
}

struct cost {
	uint64_t tables, passed, pages;
};

/* n pages from pgoff on; those below have_to have their tables. */
static void
cost_add(struct cost *c, enum known shape, uint64_t pgoff, uint64_t n, uint64_t have_to)
{
	struct anon_top top;
	uint64_t end = pgoff + n, last, each;
	unsigned d;

	for (; pgoff < end; pgoff = last + 1) {
		top = range_in(shape, pgoff);
		last = MIN(top.end, end) - 1;
		c->passed += top.depth * (last + 1 - pgoff);
		c->pages += last + 1 - pgoff;
		for (d = 1; d <= top.depth; d++) {
			each = 1ul << 9 * d;
			c->tables += (last - top.first) / each - (pgoff - top.first) / each;
			c->tables += have_to <= top.first ||
			    (have_to - 1 - top.first) / each < (pgoff - top.first) / each;
		}
	}
}

static struct cost
cost_of(enum known shape)
{
	struct cost c = { 0 };
	unsigned i;

	for (i = 0; i < SPARSE; i++)
		cost_add(&c, shape, 0, some.pages[i], 0);
	for (i = 0; i < SPARSE_PAGES; i++)
		cost_add(&c, shape, some.sparse[i], 1, i == 0 ? 0 : some.sparse[i - 1] + 1);
	return c;
}

/* The tables of all pages of an object. */
static bool
make_tables(unsigned i)
{
	uint64_t at;

	some.vmo[i] = anon_object(VMO_MAX_PAGES << PAGE_SHIFT);
	if (some.vmo[i] == NULL)
		return false;
	for (at = 0; i < SPARSE && at < some.pages[i]; at = anon_run_end(at))
		if (anon_make_path(some.vmo[i], at) != 0)
			return false;
	for (at = 0; i == SPARSE && at < SPARSE_PAGES; at++)
		if (anon_make_path(some.vmo[i], some.sparse[at]) != 0)
			return false;
	return true;
}

static void
objects_end(void)
{
	unsigned i;

	for (i = 0; i < OBJECTS; i++) {
		anon_object_end(some.vmo[i]);
		some.vmo[i] = NULL;
	}
}

/* ---- what it costs ---- */

static void
show_costs(const struct cost *c)
{
	const struct cost *yours = &c[SHAPES], *inode = &c[INODE];
	uint64_t p[SHAPES + 1];
	unsigned i;

	for (i = 0; i <= SHAPES; i++)
		p[i] = c[i].passed * 100 / c[i].pages;
	lab_show("                      inode    four    flat  leaves   yours");
	lab_show("tables             %8lu%8lu%8lu%8lu%8lu", c[INODE].tables, c[FOUR].tables,
	    c[FLAT].tables, c[LEAVES].tables, yours->tables);
	lab_show("passed by a look-up%5lu.%02lu%5lu.%02lu%5lu.%02lu%5lu.%02lu%5lu.%02lu",
	    p[INODE] / 100, p[INODE] % 100, p[FOUR] / 100, p[FOUR] % 100, p[FLAT] / 100,
	    p[FLAT] % 100, p[LEAVES] / 100, p[LEAVES] % 100, p[SHAPES] / 100,
	    p[SHAPES] % 100);
	lab_show(yours->tables <= inode->tables &&
	    yours->passed * NEAR_PERCENT <= inode->passed * 100 ?
	    "badge: no more tables than inode, and a tenth fewer on the way" :
	    "no badge yet: as few tables as inode, and a tenth fewer on the way");
}

static void
shape(void)
{
	struct cost c[SHAPES + 1];
	uint64_t made;
	unsigned i;

	if (!anon_shape_holds())
		return;
	choose();
	for (i = 0; i <= SHAPES; i++)
		c[i] = cost_of((enum known)i);
	ev_mark(1);
	made = ev_read(EV_anon_table_alloc);
	for (i = 0; i < OBJECTS && make_tables(i); i++)
		;
	made = ev_read(EV_anon_table_alloc) - made;
	ev_mark(2);
	CLAIM(i == OBJECTS, "the tables of object %u cannot be made, though memory is ample", i);
	CLAIM(i < OBJECTS || made == c[SHAPES].tables, "%lu tables were made, and by the shape "
	    "that anon_top says it should be %lu", made, c[SHAPES].tables);
	c[SHAPES].tables = made;
	if (i == OBJECTS)
		show_costs(c);
	CLAIM(made * 100 <= c[INODE].tables * NEAR_PERCENT, "a hundred objects have %lu tables, "
	    "and inode needs %lu; at most a tenth more should be", made, c[INODE].tables);
	CLAIM(c[SHAPES].passed * 100 <= c[INODE].passed * NEAR_PERCENT, "on the way to %lu pages "
	    "are %lu tables, and inode passes %lu; at most a tenth more should be",
	    c[SHAPES].pages, c[SHAPES].passed, c[INODE].passed);
	EXPECT_IS(vm_check(2), ==, 0);
	objects_end();
}

/* Each object is as likely, and in it each page. */
static void
find_words(void)
{
	static struct want w;
	static struct anon_path way;
	uint64_t seed = lab_param("seed", 1) | 1, n = lab_param("n", 20000), at;
	unsigned i;
	int r = 0;

	if (!anon_shape_holds())
		return;
	choose();
	ev_mark(1);
	for (i = OBJECTS - WALKED; i < SPARSE && make_tables(i); i++)
		;
	ev_mark(2);
	CLAIM(i == SPARSE, "the tables of object %u cannot be made, though memory is ample", i);
	w = (struct want){ .what = WANT_AGAIN };
	ev_mark(3);
	for (; i == SPARSE && r == 0 && n > 0; n--) {
		unsigned k = OBJECTS - WALKED + (unsigned)(lab_random(&seed) % (WALKED - 1));

		at = lab_random(&seed) % some.pages[k];
		spin_lock(&some.vmo[k]->lock);
		r = anon_walk(some.vmo[k], at, &way, &w);
		spin_unlock(&some.vmo[k]->lock);
		anon_unpin_table(way.table);
	}
	ev_mark(4);
	CLAIM(r == 0, "anon_walk of a page whose tables exist says %d", r);
	objects_end();
}

const struct selftest selftests_lab_anonshape[] = {
	{ "lab_anon_shape", shape, "what the tables of a hundred objects cost" },
	{ "lab_anon_pace", find_words, "how long it takes to find a word" },
	{ NULL, NULL, NULL },
};
