/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vadcut.c: tests of lab 01 about pieces that are cut off
 *
 * Problem   A piece has a dozen fields that must fit the piece beside it, the
 *           object and what was paid; a program notices one wrong field years
 *           later.  So each is looked at here, by its name.
 *
 * Picture   an object's mapping, split everywhere │ random cuts beside a model
 *           of pages │ charged memory with holes
 *
 * Rules     1. What is said when something does not hold is a sentence about a
 *              mapping, not about a number.
 *           2. A test leaves no VAD and no reference to its object behind.
 *
 * Read next lab_vadjoin.c, vm/map/vad.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/vad/lab_vadpiece.h"

struct vmo *
piece_object(uint64_t pages)
{
	struct vmo *vmo = vmo_create_anon(pages * PAGE_SIZE, 0, NULL, NULL);

	CHECK(vmo != NULL);
	return vmo;
}

/* VADs that are alive, in trees or not. */
uint64_t
piece_vads_alive(void)
{
	return ev_read(EV_vad_alloc) - ev_read(EV_vad_free);
}

unsigned
piece_refs(struct vmo *vmo)
{
	return atomic_load(&vmo->refs);
}

/* A VAD in the tree, listed in its object. */
struct vad *
piece_put(struct aspace *as, struct vmo *vmo, uint64_t lo, uint64_t hi, uint64_t off,
    uint8_t prot, uint8_t maxprot)
{
	struct vad *v = lab_vad(as, vmo, lo, hi);

	v->off = off;
	v->prot = prot;
	v->maxprot = maxprot;
	if (vmo != NULL)
		v->flags = VAD_SHARED;
	CHECK(vad_insert(as, v) == 0);
	vad_list_link(as, v);
	return v;
}

/* What vad_remove_range() handed back goes. */
void
piece_drop(struct vad_list *list)
{
	struct vad *v;

	for (v = list->first; v != NULL; v = vad_list_next(v))
		vad_unlist_link(v);
	vad_list_free(list);
}

void
piece_clear(struct aspace *as)
{
	static struct vad_list list;

	CHECK(vad_remove_range(as, 1, MD_USER_END >> PAGE_SHIFT, &list) == 0);
	piece_drop(&list);
}

/* The link says what the VAD says, and stands in the object's list. */
void
piece_link_fits(const struct vad *v)
{
	const struct vm_maplink *l = v->link;

	if (v->vmo == NULL)
		return;
	CLAIM(l != NULL && list_is_linked(&l->node), "a part of the mapping is "
	    "not in its object's list: a truncate would not find its pages");
	if (l == NULL)
		return;
	CLAIM(l->start == v->start && l->end == v->end && l->off == v->off,
	    "the link [%lx,%lx) page %lu is not the mapping's [%lx,%lx) page %lu",
	    l->start, l->end, l->off, v->start, v->end, v->off);
	CLAIM(l->flags == v->flags, "the link has other flags than the mapping");
}

/* ---- step 3: split ---- */

static void
halves_fit(struct aspace *as, const struct vad *lo, const struct vad *hi,
    const struct vad *was, uint64_t at)
{
	CLAIM(lo->start == was->start && lo->end == at && hi->start == at &&
	    hi->end == was->end, "the halves are [%lx,%lx) and [%lx,%lx)",
	    lo->start, lo->end, hi->start, hi->end);
	CLAIM(lo->off == was->off && hi->off == was->off + (at - was->start),
	    "the upper half begins at page %lu of the object, not %lu", hi->off,
	    was->off + (at - was->start));
	CLAIM(hi->flags == was->flags && lo->flags == was->flags &&
	    hi->prot == was->prot && lo->prot == was->prot &&
	    hi->maxprot == was->maxprot && lo->maxprot == was->maxprot,
	    "a half has other flags or rights than the whole had");
	CLAIM(hi->vmo == was->vmo && lo->vmo == was->vmo,
	    "a half has another object");
	piece_link_fits(lo);
	piece_link_fits(hi);
	CLAIM(was->link->nwr == hi->link->nwr && hi->link->as == as,
	    "the upper half's link does not say whose it is, or that it may be "
	    "written");
}

static void
split_at(uint64_t n, uint64_t at, uint32_t flags)
{
	uint64_t alive = piece_vads_alive();
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = piece_object(4 * n);
	struct vad *v = piece_put(as, vmo, LOW, LOW + n, n / 2, R, RW), was;
	struct vad *next = piece_put(as, NULL, LOW + 2 * n, LOW + 3 * n, 0, RW, RWX);
	static struct vad *hi;

	hi = NULL;
	vad_remove(as, v);
	v->flags |= flags;
	CHECK(vad_insert(as, v) == 0);
	vad_update_link(v);
	was = *v;
	EXPECT_IS(vad_split(as, v, LOW + at, &hi), ==, 0);
	if (hi != NULL)
		halves_fit(as, v, hi, &was, LOW + at);
	CLAIM(vad_find(as, LOW + at - 1) == v && vad_find(as, LOW + at) == hi,
	    "the halves are not where they should be found");
	CLAIM(as->map.nvads == 3 && as->map.total_pages == 2 * n, "a split changes what "
	    "is mapped: %lu mappings, %lu pages", as->map.nvads, as->map.total_pages);
	CLAIM(as->map.locked_pages == ((flags & VAD_LOCKED) != 0 ? n : 0),
	    "a split changes how many pages are locked: %lu", as->map.locked_pages);
	CLAIM(next->gap == n, "the hole behind a split mapping has %lu pages",
	    next->gap);
	CLAIM(lab_is_sound(as), "a split left the space unsound");
	piece_clear(as);
	CLAIM(piece_refs(vmo) == 1, "%u references to an object that no mapping has",
	    piece_refs(vmo) - 1);
	vmo_put(vmo);
	lab_vads_end(as);
	CLAIM(piece_vads_alive() == alive, "VADs were not freed");
}

/* ---- step 3: cuts beside a model ---- */

#define PAGES 48u

struct model {
	uint64_t off[PAGES]; /* page of the object + 1; 0: nothing is mapped */
};

static void
tree_fits(struct aspace *as, const struct model *m)
{
	uint64_t i, pages = 0;
	struct vad *v;

	for (i = 0; i < PAGES; i++) {
		v = vad_find(as, LOW + i);
		CLAIM((v != NULL) == (m->off[i] != 0), "page %lu of the test is %s",
		    i, v != NULL ? "mapped: it was cut out" : "not mapped: it "
		    "was not cut out");
		if (v == NULL || m->off[i] == 0)
			continue;
		pages++;
		CLAIM(v->off + (LOW + i - v->start) == m->off[i] - 1,
		    "an address shows page %lu of the object, not %lu",
		    v->off + (LOW + i - v->start), m->off[i] - 1);
		piece_link_fits(v);
	}
	CLAIM(as->map.total_pages == pages, "%lu pages are mapped, the space counts "
	    "%lu (total_pages)", pages, as->map.total_pages);
}

/* In order, inside, and what the model says was there. */
static void
list_fits(const struct vad_list *list, uint64_t lo, uint64_t hi,
    const struct model *m)
{
	uint64_t at = lo, i, found = 0, want = 0;
	const struct vad *v;

	for (i = lo; i < hi; i++)
		want += m->off[i - LOW] != 0;
	for (v = list->first; v != NULL; v = vad_list_next(v)) {
		CLAIM(v->start >= at && v->end <= hi && v->start < v->end,
		    "what was cut out of [%lx,%lx) has a part [%lx,%lx), or is "
		    "not in order", lo, hi, v->start, v->end);
		piece_link_fits(v);
		CLAIM(v->off == m->off[v->start - LOW] - 1, "a part that was cut "
		    "out begins at page %lu of the object, not %lu", v->off,
		    m->off[v->start - LOW] - 1);
		found += v->end - v->start;
		at = v->end;
	}
	CLAIM(found == want, "%lu pages were to be cut out, %lu were", want, found);
}

static void
fill_free(struct aspace *as, struct model *m, struct vmo *vmo, uint64_t *seed)
{
	uint64_t lo = lab_random(seed) % PAGES, n, i;
	uint64_t off = lab_random(seed) % PAGES;

	for (n = 0; lo + n < PAGES && n < 12 && m->off[lo + n] == 0; n++)
		;
	if (n == 0)
		return;
	(void)piece_put(as, vmo, LOW + lo, LOW + lo + n, off, RW, RW);
	for (i = 0; i < n; i++)
		m->off[lo + i] = off + i + 1;
}

static void
cuts(uint64_t rounds, uint64_t seed)
{
	uint64_t alive = piece_vads_alive(), i, lo, hi;
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = piece_object(3 * PAGES);
	struct model m = { { 0 } };
	static struct vad_list list;

	for (i = 0; i < rounds; i++) {
		fill_free(as, &m, vmo, &seed);
		fill_free(as, &m, vmo, &seed);
		lo = LOW + lab_random(&seed) % PAGES;
		hi = lo + 1 + lab_random(&seed) % 9;
		hi = MIN(hi, LOW + PAGES);
		EXPECT_IS(vad_remove_range(as, lo, hi, &list), ==, 0);
		list_fits(&list, lo, hi, &m);
		memset(&m.off[lo - LOW], 0, (hi - lo) * sizeof(m.off[0]));
		piece_drop(&list);
		tree_fits(as, &m);
		if (i % 16 == 0)
			CLAIM(lab_is_sound(as), "a cut left the space unsound");
	}
	EXPECT(vad_remove_range(as, 1, 2, &list) == 0 && list.first == NULL);
	piece_clear(as);
	CLAIM(piece_refs(vmo) == 1, "%u references to an object that no mapping has",
	    piece_refs(vmo) - 1);
	vmo_put(vmo);
	lab_vads_end(as);
	CLAIM(piece_vads_alive() == alive, "VADs were not freed");
}

/* ---- step 3: what was paid ---- */

/* Commit of a space whose charged pages are those of [a, b) and [c, d). */
static uint64_t
due(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t tables = (a < b ? piece_tables(a, b) : 0) +
	    (c < d ? piece_tables(c, d) : 0);

	if (a < b && c < d && (b - 1) / MD_PT_WORDS == c / MD_PT_WORDS)
		tables--;
	return b - a + (d - c) + tables;
}

/* Charged memory [lo, hi), a hole [at, to), then the lower or upper rest. */
static void
hole(struct aspace *as, uint64_t lo, uint64_t at, uint64_t to, uint64_t hi,
    bool upper)
{
	uint64_t base = as->commit.paid, total = commit_total();
	struct map_args a = { .addr = lo << PAGE_SHIFT,
		.len = (hi - lo) << PAGE_SHIFT, .prot = RW, .maxprot = RWX,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	va_t va;

	EXPECT_IS(map_mmap(as, &a, &va), ==, 0);
	EXPECT_IS(map_munmap(as, at << PAGE_SHIFT, (to - at) << PAGE_SHIFT), ==, 0);
	CLAIM(as->commit.paid == base + due(lo, at, to, hi), "%lu pages and tables are "
	    "left, and %lu are paid for", due(lo, at, to, hi),
	    as->commit.paid - base);
	CLAIM(vm_check(1) == 0, "what is paid does not fit what is mapped");
	if (upper)
		EXPECT_IS(map_munmap(as, to << PAGE_SHIFT, (hi - to) << PAGE_SHIFT),
		    ==, 0);
	else if (lo < at)
		EXPECT_IS(map_munmap(as, lo << PAGE_SHIFT, (at - lo) << PAGE_SHIFT),
		    ==, 0);
	CLAIM(as->commit.paid == base + (upper ? due(lo, at, 0, 0) :
	    due(0, 0, to, hi)), "what one half had paid went with the other");
	CLAIM(vm_check(1) == 0, "what is paid does not fit what is mapped");
	EXPECT_IS(map_munmap(as, a.addr, a.len), ==, 0);
	CLAIM(as->commit.paid == base, "%lu pages stay paid for, and nothing is mapped",
	    as->commit.paid - base);
	/* The memory of VADs comes and goes with them. */
	CLAIM(commit_total() <= total + 1, "memory was promised for ever");
}

static void
paid(uint64_t n)
{
	uint64_t block = LOW / MD_PT_WORDS * MD_PT_WORDS + MD_PT_WORDS;
	struct aspace *as = lab_space();

	/* Before the first the space takes a page for its VADs. */
	hole(as, block + 10, block + 15, block + 20, block + 30, false);
	hole(as, block + 10, block + 10 + n, block + 200, block + 300, true);
	hole(as, block + 10, block + 400, block + 500, block + 700, false);
	hole(as, block + 10, block + 400, block + 600, block + 700 + n, true);
	hole(as, block + 10, block + 512, block + 1024, block + 1500, false);
	hole(as, block, block + 100, block + 1300, block + 2048, true);
	hole(as, block + 511, block + 511, block + 513 + n, block + 1100, false);
	lab_space_end(as);
}

static void
pieces(void)
{
	uint64_t n = 6 + lab_param("n", 9), seed = lab_param("seed", 1) | 1;

	ev_mark(1);
	split_at(n, 1, 0);
	split_at(n, n / 2, VAD_LOCKED);
	split_at(n, n - 1, VAD_LOCKED | VAD_DONTFORK);
	cuts(120, seed);
	paid(n);
	ev_mark(2);
}

const struct selftest selftests_lab_vadcut[] = {
	{ "lab_vad_pieces", pieces, "each field of what is cut" },
	{ NULL, NULL, NULL },
};
