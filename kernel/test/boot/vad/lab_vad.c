/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vad.c: the kernel's tests of lab 01
 *
 * Problem   Every mmap needs finding, gaps, cutting and merging; the first
 *           steps of the lab have to be tested without one.
 *
 * Picture   a space without mappings; VADs put into its tree by hand; a model
 *           beside it that is too simple to be wrong
 *
 * Rules     1. map_lock is held for writing throughout a test.
 *           2. What is in the tree at the end goes with the space.
 *
 * Read next vm/map/vad.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/lab/lab.h"

#define LOW 0x1000ul
#define HIGH (MD_USER_END >> PAGE_SHIFT)
#define SEARCH_MAX 96 /* VADs that a search may look at: up and down a tree */

struct aspace *
lab_vads_begin(void)
{
	struct aspace *as = lab_space();

	rw_lock_write(&as->map_lock);
	return as;
}

void
lab_vads_end(struct aspace *as)
{
	rw_unlock_write(&as->map_lock);
	lab_space_end(as);
}

struct vad *
lab_vad(struct aspace *as, struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct vad *v = vad_alloc(as, vmo);

	CHECK(v != NULL);
	v->start = lo;
	v->end = hi;
	v->prot = PROT_R | PROT_W;
	v->maxprot = PROT_R | PROT_W | PROT_X;
	v->flags = VAD_NORESERVE;
	return v;
}

/* What vad_insert() says of [lo, hi); the VAD goes if it does not take it. */
static int
insert(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct vad *v = lab_vad(as, NULL, lo, hi);
	int r = vad_insert(as, v);

	if (r != 0)
		vad_free(v);
	return r;
}

static bool
finds(struct aspace *as, uint64_t vpn, uint64_t lo, uint64_t hi)
{
	struct vad *v = vad_find(as, vpn);

	return v != NULL && v->start == lo && v->end == hi;
}

bool
lab_is_sound(struct aspace *as)
{
	unsigned findings;

	rw_unlock_write(&as->map_lock);
	findings = vm_check(1);
	rw_lock_write(&as->map_lock);
	return findings == 0;
}

/* ---- step 1: find, insert ---- */

static void
find_ends(void)
{
	uint64_t a = LOW + lab_param("a", 77), n = lab_param("n", 9);
	struct aspace *as = lab_vads_begin();

	ev_mark(1);
	EXPECT_IS(insert(as, a + 4 * n, a + 5 * n), ==, 0);
	EXPECT_IS(insert(as, a, a + n), ==, 0);
	EXPECT_IS(insert(as, a + 2 * n, a + 3 * n), ==, 0);
	EXPECT(finds(as, a, a, a + n));
	EXPECT(finds(as, a + n - 1, a, a + n));
	EXPECT_IS(vad_find(as, a + n), ==, NULL);
	EXPECT_IS(vad_find(as, a - 1), ==, NULL);
	EXPECT(finds(as, a + 2 * n, a + 2 * n, a + 3 * n));
	EXPECT(finds(as, a + 3 * n - 1, a + 2 * n, a + 3 * n));
	EXPECT_IS(vad_find(as, a + 3 * n), ==, NULL);
	EXPECT(finds(as, a + 5 * n - 1, a + 4 * n, a + 5 * n));
	EXPECT_IS(vad_find(as, a + 5 * n), ==, NULL);
	EXPECT_IS(vad_find(as, HIGH - 1), ==, NULL);
	ev_mark(2);
	EXPECT_IS(as->map.nvads, ==, 3);
	lab_vads_end(as);
}

static void
overlaps(void)
{
	uint64_t a = LOW + lab_param("a", 77), n = 4 + lab_param("n", 9);
	const uint64_t bad[8][2] = {
		{ a, a + n },                   /* the same */
		{ a + 1, a + n - 1 },           /* inside */
		{ a - 1, a + n + 1 },           /* around */
		{ a - 1, a + 1 },               /* over the start */
		{ a + n - 1, a + n + 1 },       /* over the end */
		{ a + n + 1, a + 2 * n + 1 },   /* over the successor's start */
		{ a - 1, a + 3 * n + 1 },       /* over both */
		{ a + n, a + 2 * n + 1 },       /* from the first to the second */
	};
	struct aspace *as = lab_vads_begin();
	unsigned i;

	ev_mark(1);
	EXPECT_IS(insert(as, a, a + n), ==, 0);
	EXPECT_IS(insert(as, a + 2 * n, a + 3 * n), ==, 0);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_IS(insert(as, bad[i][0], bad[i][1]), ==, -EEXIST);
		EXPECT_IS(as->map.nvads, ==, 2);
	}
	EXPECT_IS(insert(as, a + n, a + 2 * n), ==, 0);
	ev_mark(2);
	EXPECT(as->map.nvads == 3 && as->map.total_pages == 3 * n);
	EXPECT(finds(as, a + n, a + n, a + 2 * n));
	EXPECT(lab_is_sound(as));
	lab_vads_end(as);
}

/* What the space says of itself, and of its VADs. */
static void
counts_are(struct aspace *as, uint64_t vads, uint64_t pages, uint64_t locked)
{
	CLAIM(as->map.nvads == vads, "%lu mappings, the space counts %lu (nvads)",
	    vads, as->map.nvads);
	CLAIM(as->map.total_pages == pages, "%lu pages are mapped, the space counts "
	    "%lu (total_pages)", pages, as->map.total_pages);
	CLAIM(as->map.locked_pages == locked, "%lu pages lie in locked mappings, the "
	    "space counts %lu (locked_pages)", locked, as->map.locked_pages);
	CLAIM(lab_is_sound(as), "the tree is not what it was told to be");
}

/* Removed, grown, cut: no find and no count remembers what was. */
static void
counts(void)
{
	uint64_t a = LOW + lab_param("a", 77), n = 3 + lab_param("n", 9);
	struct aspace *as = lab_vads_begin();
	struct vad *low = lab_vad(as, NULL, a, a + n);
	struct vad *mid = lab_vad(as, NULL, a + 2 * n, a + 3 * n);
	struct vad *high = lab_vad(as, NULL, a + 4 * n, a + 5 * n);

	ev_mark(1);
	mid->flags |= VAD_LOCKED;
	EXPECT(vad_insert(as, mid) == 0 && vad_insert(as, high) == 0);
	EXPECT_IS(vad_insert(as, low), ==, 0);
	counts_are(as, 3, 3 * n, n);
	CLAIM(as->map.peak_pages == 3 * n, "peak_pages is not the most that was mapped");
	EXPECT_IS(vad_find(as, a), ==, low);
	vad_remove(as, high);
	EXPECT(vad_find(as, a) == low && vad_find(as, a + 4 * n) == NULL);
	EXPECT_IS(vad_find(as, a + 2 * n), ==, mid);
	vad_remove(as, mid);
	CLAIM(vad_find(as, a + 2 * n) == NULL, "a mapping that has been removed is "
	    "still found: does as->map.hint name it?");
	counts_are(as, 1, n, 0);
	CLAIM(as->map.peak_pages == 3 * n, "peak_pages fell when a mapping went");
	EXPECT(vad_insert(as, mid) == 0 && vad_insert(as, high) == 0);
	ev_mark(2);
	/* Both ends of one move out, then in. */
	vad_set_range(as, mid, a + 2 * n - 1, a + 3 * n + 2);
	counts_are(as, 3, 3 * n + 3, n + 3);
	CLAIM(as->map.peak_pages == 3 * n + 3, "peak_pages is not the most that was "
	    "mapped");
	EXPECT_IS(vad_find(as, a + 2 * n - 1), ==, mid);
	EXPECT_IS(vad_find(as, a + 3 * n + 1), ==, mid);
	vad_set_range(as, mid, a + 2 * n + 1, a + 3 * n - 1);
	counts_are(as, 3, 3 * n - 2, n - 2);
	EXPECT_IS(vad_find(as, a + 2 * n), ==, NULL);
	EXPECT_IS(vad_find(as, a + 3 * n - 1), ==, NULL);
	lab_vads_end(as);
}

/* n ranges of 1 to 4 pages, one in each 8, in an order that is not theirs. */
static void
fill_ranges(struct aspace *as, uint64_t n, uint64_t *seed)
{
	uint64_t i, k, start;

	for (i = 0; i < n; i++) {
		k = i * 7919 % n;
		start = LOW + 8 * k + lab_random(seed) % 4;
		EXPECT_IS(insert(as, start, start + 1 + lab_random(seed) % 4), ==, 0);
	}
}

static void
find_many(void)
{
	uint64_t n = lab_param("n", 10000), seed = lab_param("seed", 1) | 1;
	struct aspace *as = lab_vads_begin();
	uint64_t i, vpn, found = 0, inside = 0;
	struct vad *v;

	ev_mark(1);
	fill_ranges(as, n, &seed);
	ev_mark(2);
	for (i = 0; i < n; i++) {
		vpn = LOW + lab_random(&seed) % (8 * n);
		v = vad_find(as, vpn);
		if (v != NULL) {
			found++;
			inside += v->start <= vpn && vpn < v->end;
		}
	}
	ev_mark(3);
	EXPECT(found == inside && found > n / 8 && found < n / 2);
	i = 0;
	VAD_FOREACH(v, as)
		i += finds(as, v->start, v->start, v->end);
	EXPECT_IS(i, ==, n);
	lab_vads_end(as);
}

/* ---- step 2: gaps ---- */

/* Where the highest hole of `pages` in [lo, hi) begins, by looking at all. */
static uint64_t
model_gap(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi)
{
	uint64_t at = lo, best = 0;
	struct vad *v;

	VAD_FOREACH(v, as) {
		if (v->start > at && MIN(v->start, hi) >= at + pages)
			best = MIN(v->start, hi) - pages;
		at = MAX(at, v->end);
	}
	if (at < hi && hi - at >= pages)
		best = hi - pages;
	return best;
}

static void
search(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi)
{
	uint64_t want = model_gap(as, pages, lo, hi), visits;
	static uint64_t got;
	int r;

	got = 0;
	visits = ev_read(EV_vad_visit);
	r = vad_find_gap(as, pages, lo, hi, &got);
	visits = ev_read(EV_vad_visit) - visits;
	if (r != (want == 0 ? -ENOMEM : 0) || (want != 0 && got != want))
		selftest_fail(__FILE__, __LINE__, "%lu pages in [%lx,%lx): "
		    "got %d %lx, expected %lx", pages, lo, hi, r, got, want);
	if (visits > SEARCH_MAX)
		selftest_fail(__FILE__, __LINE__, "%lu VADs looked at", visits);
}

static void
places(void)
{
	uint64_t n = lab_param("n", 300), seed = lab_param("seed", 1) | 1;
	uint64_t i, pages, vpn;
	struct aspace *as = lab_vads_begin();

	ev_mark(1);
	for (i = 0; i < n; i++) {
		pages = 1 + lab_random(&seed) % 40;
		search(as, pages, LOW, as->map.base);
		vpn = model_gap(as, pages, LOW, as->map.base);
		EXPECT_IS(insert(as, vpn, vpn + pages), ==, 0);
		/* Every fourth one goes again, so that there are holes. */
		if (i % 4 == 3) {
			struct vad *v = vad_next(vad_first(as));

			vad_remove(as, v);
			vad_free(v);
		}
	}
	ev_mark(2);
	for (i = 1; i < 200; i += 7)
		search(as, i, LOW, as->map.base);
	lab_vads_end(as);
}

/* n ranges with a hole of one page behind each, of `big` behind one of them. */
static void
one_gap(void)
{
	uint64_t n = lab_param("n", 5000), big = 3 + lab_param("big", 8);
	uint64_t which = 1 + lab_param("which", 1234) % (n - 2);
	uint64_t i, at = LOW, hole = 0;
	struct aspace *as = lab_vads_begin();
	struct vad *v;

	ev_mark(1);
	for (i = 0; i < n; i++) {
		EXPECT_IS(insert(as, at, at + 2), ==, 0);
		at += 2;
		if (i == which)
			hole = at;
		at += i == which ? big : 1;
	}
	at--;
	search(as, 1, LOW, at);
	search(as, big, LOW, at);
	search(as, big - 1, LOW, at);
	search(as, big + 1, LOW, at);
	search(as, 2, LOW, hole + 2);
	search(as, 2, hole + 1, at);
	search(as, big, hole + 1, at);
	EXPECT_IS(insert(as, hole, hole + big), ==, 0);
	search(as, big, LOW, at);
	search(as, 2, LOW, at);
	ev_mark(2);
	/* What closes a hole opens it again. */
	v = vad_find(as, hole);
	EXPECT_IS(v, !=, NULL);
	if (v != NULL) {
		vad_remove(as, v);
		vad_free(v);
	}
	search(as, big, LOW, at);
	search(as, big, LOW, HIGH);
	search(as, HIGH - at, LOW, HIGH);
	search(as, HIGH - at + 1, LOW, HIGH);
	lab_vads_end(as);
}

/* Few mappings side by side and apart, and every window on them. */
static void
exact(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, at, end, lo, hi, pages;
	struct aspace *as;
	unsigned tree, i;

	ev_mark(1);
	for (tree = 0; tree < 15; tree++) {
		as = lab_vads_begin();
		at = LOW + 1;
		for (i = 0; i < tree / 2; i++) {
			at += lab_random(&seed) % 5;
			end = at + 1 + lab_random(&seed) % 2;
			EXPECT_IS(insert(as, at, end), ==, 0);
			at = end;
		}
		for (lo = LOW; lo < at + 3; lo++)
			for (hi = lo + 1; hi <= at + 3; hi++)
				for (pages = 1; pages < 7; pages++)
					search(as, pages, lo, hi);
		lab_vads_end(as);
	}
	ev_mark(2);
}

/* ---- hidden: both against a model ---- */

/* The model of a small part of the space: a byte for each page. */
#define MODEL_PAGES 4096u

static bool
model_is_free(const uint8_t *model, uint64_t lo, uint64_t hi)
{
	for (; lo < hi; lo++)
		if (model[lo] != 0)
			return false;
	return true;
}

static void
one_operation(struct aspace *as, uint8_t *model, uint64_t *seed)
{
	uint64_t lo = lab_random(seed) % MODEL_PAGES;
	uint64_t pages = 1 + lab_random(seed) % 12;
	uint64_t hi = MIN(lo + pages, MODEL_PAGES);
	uint64_t kind = lab_random(seed) % 4;
	static struct vad_list gone;

	if (kind == 0) {
		EXPECT_IS(insert(as, LOW + lo, LOW + hi),
		    ==, (model_is_free(model, lo, hi) ? 0 : -EEXIST));
		if (model_is_free(model, lo, hi))
			memset(model + lo, 1, hi - lo);
	} else if (kind == 1) {
		EXPECT_IS((vad_find(as, LOW + lo) != NULL), ==, (model[lo] != 0));
	} else if (kind == 2) {
		EXPECT_IS(vad_remove_range(as, LOW + lo, LOW + hi, &gone), ==, 0);
		vad_list_free(&gone);
		memset(model + lo, 0, hi - lo);
	} else {
		EXPECT_IS((vad_find_above(as, LOW + lo) == NULL),
		    ==, model_is_free(model, lo, MODEL_PAGES));
	}
}

static void
against_model(void)
{
	uint64_t n = lab_param("n", 20000), seed = lab_param("seed", 1) | 1, i;
	uint8_t *model = kmem_alloc(MODEL_PAGES);
	struct aspace *as = lab_vads_begin();

	CHECK(model != NULL);
	memset(model, 0, MODEL_PAGES);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		one_operation(as, model, &seed);
		if (i % 256 == 0)
			search(as, 1 + lab_random(&seed) % 30, LOW,
			    LOW + MODEL_PAGES);
	}
	ev_mark(2);
	EXPECT(lab_is_sound(as));
	lab_vads_end(as);
	kmem_free(model);
}

static void
edges(void)
{
	struct aspace *as = lab_vads_begin();
	uint64_t n = 1 + lab_param("n", 5);
	static uint64_t vpn;

	vpn = 0;
	ev_mark(1);
	EXPECT(vad_find_gap(as, n, 1, HIGH, &vpn) == 0 && vpn == HIGH - n);
	EXPECT(vad_find_gap(as, HIGH - 1, 1, HIGH, &vpn) == 0 && vpn == 1);
	EXPECT_IS(vad_find_gap(as, HIGH, 1, HIGH, &vpn), ==, -ENOMEM);
	EXPECT_IS(insert(as, HIGH - n, HIGH), ==, 0);
	EXPECT_IS(insert(as, 1, 1 + n), ==, 0);
	EXPECT(finds(as, HIGH - 1, HIGH - n, HIGH) && finds(as, 1, 1, 1 + n));
	search(as, n, 1, HIGH);
	search(as, HIGH - 2 * n - 1, 1, HIGH);
	search(as, HIGH - 2 * n, 1, HIGH);
	search(as, 1, 1, 1 + n);
	search(as, 1, 1, 2 + n);
	ev_mark(2);
	lab_vads_end(as);
}

/* ---- step 5: no memory ---- */

/* Does the tree hold exactly these? */
static bool
tree_is(struct aspace *as, const uint64_t want[][2], unsigned n)
{
	struct vad *v;
	unsigned i = 0;

	VAD_FOREACH(v, as) {
		if (i >= n || v->start != want[i][0] || v->end != want[i][1])
			return false;
		i++;
	}
	return i == n && lab_is_sound(as);
}

static void
split_without_memory(struct aspace *as, uint64_t a, uint64_t n)
{
	const uint64_t whole[1][2] = { { a, a + n } };
	const uint64_t halves[2][2] = { { a, a + n / 2 }, { a + n / 2, a + n } };
	struct vad *v = vad_find(as, a);
	static struct vad *hi;

	hi = NULL;
	EXPECT_IS(v, !=, NULL);
	if (v == NULL)
		return;
	EXPECT_IS(inject_set("FI_SLAB:1:0:1"), ==, 0);
	EXPECT_IS(vad_split(as, v, a + n / 2, &hi), ==, -ENOMEM);
	inject_set("off");
	EXPECT(tree_is(as, whole, 1));
	EXPECT_IS(vad_split(as, v, a + n / 2, &hi), ==, 0);
	EXPECT(hi != NULL && tree_is(as, halves, 2));
	EXPECT(vad_merge(as, v) == v && tree_is(as, whole, 1));
}

/* The k-th allocation of a protect in the middle fails. */
static void
protect_without_memory(struct aspace *as, uint64_t a, uint64_t n, unsigned k)
{
	const uint64_t whole[1][2] = { { a, a + n } };
	char spec[32];

	snprintf(spec, sizeof(spec), "FI_SLAB:%u:0:1", k);
	EXPECT_IS(inject_set(spec), ==, 0);
	EXPECT_IS(vad_protect_range(as, a + 2, a + 4, PROT_R), ==, -ENOMEM);
	inject_set("off");
	EXPECT(tree_is(as, whole, 1));
	EXPECT(vad_find(as, a + 3) != NULL &&
	    vad_find(as, a + 3)->prot == (PROT_R | PROT_W));
}

static void
without_memory(void)
{
	uint64_t a = LOW + lab_param("a", 77), n = 8 + 2 * lab_param("n", 9);
	struct aspace *as = lab_vads_begin();
	const uint64_t thirds[3][2] = { { a, a + 2 }, { a + 2, a + 4 },
		{ a + 4, a + n } };

	ev_mark(1);
	EXPECT_IS(insert(as, a, a + n), ==, 0);
	split_without_memory(as, a, n);
	protect_without_memory(as, a, n, 1);
	protect_without_memory(as, a, n, 2);
	EXPECT_IS(vad_protect_range(as, a + 2, a + 4, PROT_R), ==, 0);
	EXPECT(tree_is(as, thirds, 3));
	ev_mark(2);
	lab_vads_end(as);
}

const struct selftest selftests_lab_vad[] = {
	{ "lab_vad_find", find_ends, "three ranges, their ends" },
	{ "lab_vad_overlap", overlaps, "eight overlaps are refused" },
	{ "lab_vad_counts", counts, "what was removed is not found, counts follow" },
	{ "lab_vad_exact", exact, "each window on a few mappings, by a model" },
	{ "lab_vad_many", find_many, "many ranges are found fast" },
	{ "lab_vad_places", places, "gaps from the top, by a model" },
	{ "lab_vad_gap", one_gap, "one gap among many, and none" },
	{ "lab_vad_model", against_model, "mixed operations, by a model" },
	{ "lab_vad_edges", edges, "the ends of the user half" },
	{ "lab_vad_nomem", without_memory, "a failed split changes nothing" },
	{ NULL, NULL, NULL },
};
