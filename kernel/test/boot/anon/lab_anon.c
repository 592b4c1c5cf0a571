/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anon.c: lab 03, step 1: the tables of an object
 *
 * Problem   Where the word of a page lies, and which tables lead there, shows
 *           itself before the first page exists.
 *
 * Picture   anon_make_path(object, index) ─→ anon_walk ─→ the same word as by
 *           lab_anonword.c?  and so many tables
 *
 * Rules     1. To end an object is step 4: anon_object_end() does it by hand, after
 *              vm_check(2) has counted its tables again.
 *
 * Read next lab_anonword.c, lab_anonpage.c; vm/object/anon.c.
 */
#include "test/boot/anon/lab_anon.h"

#define WHOLE (VMO_MAX_PAGES << PAGE_SHIFT)
#define HOLES 10000u
#define GIB (1ul << 30)

/* ---- the way to a word ---- */

/* anon_walk() finds what is there, and holds one pin, of the table of the slot. */
static void
walks_to(struct vmo *vmo, uint64_t pgoff)
{
	static struct want w;
	static struct anon_path way;
	struct anon_place p = anon_place(vmo, pgoff);
	unsigned pins = p.table == NULL ? 0 : p.table->pins;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	spin_lock(&vmo->lock);
	r = anon_walk(vmo, pgoff, &way, &w);
	spin_unlock(&vmo->lock);
	CLAIM(r == (p.missing == 0 ? 0 : -ENOENT), "page %lu: anon_walk says %d, "
	    "and %u tables are missing on the way", pgoff, r, p.missing);
	if (r != 0 && r != -ENOENT)
		goto out;
	CLAIM(way.slot == p.slot, "page %lu: anon_walk ends at another word than "
	    "that of its index", pgoff);
	CLAIM(way.table == p.table, "page %lu: way.table is not the table in which "
	    "the word lies", pgoff);
	CLAIM(way.depth == p.missing, "page %lu: way.depth is %u, and %u tables "
	    "lie between the word and the page's own", pgoff, way.depth,
	    p.missing);
	CLAIM(way.at == p.at, "page %lu: way.at is %lu, not %lu, its place below "
	    "its word of the header", pgoff, way.at, p.at);
	if (way.table == p.table && p.table != NULL) {
		CLAIM(p.table->pins == pins + 1, "page %lu: its table has %u "
		    "pins more, and the caller owns one", pgoff,
		    p.table->pins - pins);
		kpaged_unpin(p.table);
	}
	anon_place_end(&p);
	p = anon_place(vmo, pgoff);
	CLAIM(p.upper_pins == 0, "page %lu: %u pins of the tables above are still "
	    "held: they never leave memory again", pgoff, p.upper_pins);
out:
	anon_place_end(&p);
}

static void
make_path(struct vmo *vmo, uint64_t pgoff)
{
	struct anon_place p;
	int r = anon_make_path(vmo, pgoff);

	CLAIM(r == 0, "anon_make_path of page %lu says %d, though memory is ample",
	    pgoff, r);
	p = anon_place(vmo, pgoff);
	CLAIM(p.missing == 0, "page %lu: %u tables are still missing", pgoff,
	    p.missing);
	anon_place_end(&p);
}

/* The neighbours of all edges, where there are tables and where not. */
static void
walks_to_edges(struct vmo *vmo)
{
	struct anon_top top = { .end = 0 };

	while (top.end < VMO_MAX_PAGES) {
		top = anon_top(top.end);
		walks_to(vmo, top.first);
		walks_to(vmo, top.first + 1);
		walks_to(vmo, MIN(top.end, VMO_MAX_PAGES) - 1);
	}
}

static void
index(void)
{
	const uint64_t at[] = { 0, 511, 512, 1ul << 18, 1ul << 27,
		lab_param("far", 25ul << 30) };
	uint64_t made = ev_read(EV_anon_table_alloc), missing = 0;
	struct vmo *vmo = anon_shape_holds() ? anon_object(WHOLE) : NULL;
	unsigned i, k;

	if (vmo == NULL)
		return;
	ev_mark(1);
	for (i = 0; i < ARRAY_LEN(at); i++) {
		walks_to(vmo, at[i]);
		missing += anon_missing(vmo, at[i]);
		make_path(vmo, at[i]);
		for (k = 0; k <= i; k++)
			walks_to(vmo, at[k]);
	}
	ev_mark(2);
	made = ev_read(EV_anon_table_alloc) - made;
	CLAIM(made == missing, "%lu tables were made, and %lu were missing on the way "
	    "to six pages", made, missing);
	walks_to_edges(vmo);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

/* ---- holes ---- */

static void
look_for_holes(struct vmo *vmo, uint64_t *seed)
{
	static struct want w;
	static struct anon_path way;
	unsigned i, found = 0;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	for (i = 0; i < HOLES; i++) {
		spin_lock(&vmo->lock);
		r = anon_walk(vmo, ANON_WORDS + lab_random(seed) %
		    (VMO_MAX_PAGES - ANON_WORDS), &way, &w);
		spin_unlock(&vmo->lock);
		if (r != -ENOENT && r != 0)
			break;
		found += r == 0;
		anon_unpin_table(way.table);
	}
	CLAIM(i == HOLES, "looking for a hole ended with %d: an interior word that "
	    "is 0 leads nowhere", r);
	CLAIM(found < 10, "%u of %u holes have a table", found, HOLES);
}

static void
holes(void)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	struct vmo *vmo = anon_shape_holds() ? anon_object(WHOLE) : NULL;

	if (vmo == NULL)
		return;
	ev_mark(1);
	look_for_holes(vmo, &seed);
	ev_mark(2);
	make_path(vmo, lab_param("far", 25ul << 30));
	ev_mark(3);
	look_for_holes(vmo, &seed);
	ev_mark(4);
	anon_object_end(vmo);
}

/* ---- what an object costs ---- */

static void
sparse_and_dense(void)
{
	uint64_t pages = 1130 * GIB >> PAGE_SHIFT, dense = 4 * GIB >> PAGE_SHIFT;
	struct vmo *vmo = anon_shape_holds() ? anon_object(1130 * GIB) : NULL;
	struct vmo *full = vmo == NULL ? NULL : anon_object(4 * GIB);
	uint64_t i;

	if (full == NULL)
		return;
	ev_mark(1);
	make_path(vmo, lab_param("a", 7));
	make_path(vmo, lab_param("b", 100000000));
	make_path(vmo, pages - 1);
	ev_mark(2);
	for (i = 0; i < dense; i = anon_run_end(i))
		if (anon_make_path(full, i) != 0)
			break;
	CLAIM(i >= dense, "the tables of a full object of 4 GiB cannot be made: "
	    "they end at page %lu", i);
	ev_mark(3);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(full);
	anon_object_end(vmo);
}

/* ---- a table that cannot be had ---- */

/* The n-th try fails: then nothing is left, and after it all is made. */
static void
refused_at(struct vmo *vmo, const char *point, uint64_t n, unsigned tables)
{
	uint64_t far = lab_param("far", 25ul << 30);
	struct anon_books was = anon_books(vmo);
	int r;

	anon_refuse(point, n);
	r = anon_make_path(vmo, far);
	CHECK(inject_set("off") == 0);
	CLAIM(r == -ENOMEM, "%s refuses the %lu-th time: anon_make_path says %d, "
	    "not -ENOMEM", point, n, r);
	anon_books_moved("a table was refused, what had been made goes", vmo, was,
	    0, 0, 0);
	make_path(vmo, far);
	anon_books_moved("tables were made", vmo, was, 0, tables, tables);
	anon_prune(vmo, far);
	anon_books_moved("tables were made and pruned", vmo, was, 0, 0, 0);
}

/* Paid for as a whole: no table is charged again. */
static void
whole(void)
{
	uint64_t price = anon_price(1000);
	struct anon_books was;
	struct vmo *vmo;
	unsigned tables;

	CHECK(commit_charge(price) == 0);
	vmo = vmo_create_anon(1000 * PAGE_SIZE, price, NULL, NULL);
	CLAIM(vmo != NULL, "no object of shared memory can be made");
	if (vmo == NULL)
		return;
	was = anon_books(vmo);
	tables = anon_missing(vmo, 999);
	make_path(vmo, 999);
	anon_books_moved("the object was paid for as a whole", vmo, was, 0, tables, 0);
	anon_object_end(vmo);
}

/* A table is not in memory just now: the walk says so. */
static void
table_is_out(struct vmo *vmo, uint64_t pgoff)
{
	static struct want w;
	static struct anon_path way;
	struct anon_books was = anon_books(vmo);
	struct anon_place p;
	unsigned n;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	for (n = 1; n <= anon_top(pgoff).depth; n++) {
		anon_refuse("TRYPIN", n);
		spin_lock(&vmo->lock);
		r = anon_walk(vmo, pgoff, &way, &w);
		spin_unlock(&vmo->lock);
		CHECK(inject_set("off") == 0);
		CLAIM(r == -EAGAIN && w.what == WANT_OTHER, "the %u-th table is "
		    "out: anon_walk says %d, not -EAGAIN with what it wants", n,
		    r);
		if (r == 0 || r == -ENOENT || r == -EAGAIN)
			anon_unpin_table(way.table);
		want_finish(&w);
		want_end(&w);
	}
	anon_refuse("TRYPIN", 2);
	r = anon_make_path(vmo, pgoff);
	CHECK(inject_set("off") == 0);
	p = anon_place(vmo, pgoff);
	CLAIM(r == 0 && p.upper_pins == 0 && p.table != NULL && p.table->pins == 1,
	    "all tables are there, and one was out: anon_make_path says %d, and "
	    "keeps %u pins (want_end)", r, p.upper_pins);
	anon_place_end(&p);
	CHECK(inject_set("TRYPIN:2:7") == 0);
	r = anon_make_path(vmo, pgoff + 512);
	CHECK(inject_set("off") == 0);
	CLAIM(r == 0, "tables are out now and then: anon_make_path says %d, and "
	    "should bring them", r);
	anon_prune(vmo, pgoff + 512);
	anon_books_moved("tables were out", vmo, was, 0, 0, 0);
}

/* What stood in a table is lost with it: nothing leads on. */
static void
lost(struct vmo *vmo)
{
	static struct want w;
	static struct anon_path way;
	struct anon_books was = anon_books(vmo);
	uint64_t *top = &vmo->a.words[anon_top(100).word], word = *top;
	int r, made;

	w = (struct want){ .what = WANT_AGAIN };
	*top = AOBJ_LOST;
	spin_lock(&vmo->lock);
	r = anon_walk(vmo, 100, &way, &w);
	spin_unlock(&vmo->lock);
	made = r != -EIO ? 0 : anon_make_path(vmo, 100);
	*top = word;
	CLAIM(r == -EIO && made == -EIO, "a table is lost on swap: anon_walk says "
	    "%d and anon_make_path %d, not -EIO: a new one would hide the loss",
	    r, made);
	anon_books_moved("a table is lost", vmo, was, 0, 0, 0);
}

static void
tables_refused(void)
{
	struct vmo *vmo = anon_shape_holds() ? anon_object(WHOLE) : NULL;
	uint64_t far = lab_param("far", 25ul << 30);
	unsigned n, tables;

	if (vmo == NULL)
		return;
	tables = anon_missing(vmo, far);
	make_path(vmo, far);
	anon_prune(vmo, far);
	CLAIM(vmo->a.n_tables == 0, "the object counts %lu tables, and all are "
	    "pruned", vmo->a.n_tables);
	ev_mark(1);
	for (n = 1; n <= tables; n++) {
		refused_at(vmo, "KPAGED", n, tables);
		refused_at(vmo, "COMMIT", n, tables);
	}
	whole();
	make_path(vmo, far);
	table_is_out(vmo, far);
	lost(vmo);
	ev_mark(2);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

const struct selftest selftests_lab_anon[] = {
	{ "lab_anon_index", index, "the word of a page is where its index says" },
	{ "lab_anon_holes", holes, "looking for what is not there makes nothing" },
	{ "lab_anon_sparse", sparse_and_dense, "an object costs what exists, not what could" },
	{ "lab_anon_refused", tables_refused, "a table that cannot be had leaves nothing behind" },
	{ NULL, NULL, NULL },
};
