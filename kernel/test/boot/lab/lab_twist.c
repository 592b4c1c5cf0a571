/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_twist.c: labs whose public reference is not the answer
 *
 * Problem   The file of each lab can be read by anyone.  A course may ask for one that
 *           does the same and one thing otherwise, by numbers of its own.
 *
 * Picture   seed ─→ grading/twists/make ─→ PARAM lines ─→ lab_param() ─→ a model ─→ claims
 *
 * Rules     1. Nothing here knows the numbers: they come from the test.  Without one
 *              these are the public labs' own, which the kernel passes.
 *           2. What is found is compared with a slow look at everything.
 *
 * Read next grading/twists/README.md.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"
#include "test/boot/ws/lab_wsset.h"
#include "vm/cache/cache.h"
#include "vm/map/map.h"
#include "vm/swap/swap.h"

/* ---- 01: which hole, and where in it ---- */

#define LOW 0x1000ul
#define RANGES 120u
#define SEARCHES 300u

enum fit { SMALLEST, LARGEST, LOWEST, HIGHEST };

struct hole {
	uint64_t at, end; /* end 0: none */
};

static uint64_t
width(const struct hole *h)
{
	return h->end - h->at;
}

/* Is the hole, which lies above best, taken rather than that? */
static bool
takes(const struct hole *hole, const struct hole *best, enum fit fit, bool higher)
{
	if (best->end == 0 || fit == HIGHEST)
		return true;
	if (fit == LOWEST)
		return false;
	if (width(hole) == width(best))
		return higher;
	return (fit == SMALLEST) == (width(hole) < width(best));
}

/* Where so many pages of [lo, hi) should lie, by a look at all; 0: nowhere. */
static uint64_t
twist_place(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi)
{
	enum fit fit = (enum fit)lab_param("fit", HIGHEST);
	struct hole hole = { .at = lo }, best = { 0 };
	struct vad *v = vad_first(as);

	while (hole.at < hi) {
		hole.end = v == NULL ? hi : MIN(hi, v->start);
		if (hole.end > hole.at && width(&hole) >= pages &&
		    takes(&hole, &best, fit, lab_param("higher", 0) != 0))
			best = hole;
		if (v == NULL)
			break;
		hole.at = MAX(hole.at, v->end);
		v = vad_next(v);
	}
	if (best.end == 0)
		return 0;
	return lab_param("top", 1) != 0 ? best.end - pages : best.at;
}

static void
twist_gap(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, at = LOW, pages, lo, hi, want;
	struct aspace *as = lab_vads_begin();
	static uint64_t got;
	unsigned i;
	int r;

	ev_mark(1);
	for (i = 0; i < RANGES; i++) {
		at += 1 + lab_random(&seed) % 30;
		pages = 1 + lab_random(&seed) % 20;
		CHECK(vad_insert(as, lab_vad(as, NULL, at, at + pages)) == 0);
		at += pages;
	}
	for (i = 0; i < SEARCHES; i++) {
		pages = 1 + lab_random(&seed) % 32;
		lo = LOW + lab_random(&seed) % (at - LOW);
		hi = lo + 1 + lab_random(&seed) % (at + 40 - lo);
		want = twist_place(as, pages, lo, hi);
		got = 0;
		r = vad_find_gap(as, pages, lo, hi, &got);
		CLAIM(r == (want == 0 ? -ENOMEM : 0) && (want == 0 || got == want),
		    "%lu pages in [%lx, %lx) belong at %lx, and vad_find_gap says %d, "
		    "%lx", pages, lo, hi, want, r, got);
	}
	ev_mark(2);
	lab_vads_end(as);
}

/* ---- 04: requests within a stripe of the disk ---- */

#define FILE_PAGES 1200u

static struct {
	uint64_t stripe;
	unsigned broken;
	uint64_t idx;      /* of one that was broken */
	int n;
} line;

static void
request(struct cdisk *d, uint64_t idx, int n)
{
	if (idx / line.stripe == (idx + (uint64_t)n - 1) / line.stripe)
		return;
	line.broken++;
	line.idx = idx;
	line.n = n;
}

static void
none_is_broken(const char *what)
{
	CLAIM(line.broken == 0, "%s: %u requests went over the border of two stripes of %lu "
	    "pages, one of them of %d pages from %lu on", what, line.broken,
	    line.stripe, line.n, line.idx);
	line.broken = 0;
}

static void
read_pages(struct cdisk *d, uint64_t lo, unsigned n, bool down)
{
	static struct vm_page *pg;
	unsigned k;

	for (k = 0; k < n; k++)
		if (cache_get(d->vmo, lo + (down ? n - 1 - k : k), CACHE_READ, &pg) == 0)
			page_unpin(pg);
}

/* So many requests write them: none is longer than a cluster. */
static unsigned
requests_for(uint64_t lo, uint64_t hi)
{
	unsigned n = 0;

	for (; lo < hi; n++)
		lo = MIN(lo + CACHE_CLUSTER, (lo / line.stripe + 1) * line.stripe);
	return n;
}

static void
written_back(struct cdisk *d, uint64_t lo, uint64_t hi)
{
	static struct vm_page *out[CACHE_CLUSTER];
	unsigned most = requests_for(lo, hi);
	unsigned was = atomic_load(&d->writes);
	uint64_t idx = lo;
	int n;

	cd_store_all(d, lo, hi, 77000);
	while ((n = cache_collect_dirty(d->vmo, &idx, hi, out)) > 0)
		CHECK(cache_writeback(d->vmo, idx, out, n) == 0);
	CLAIM(atomic_load(&d->writes) - was == most, "pages [%lu, %lu) are dirty, %u "
	    "requests can write them, and %u did", lo, hi, most,
	    atomic_load(&d->writes) - was);
	CLAIM(d->tag[lo] == 77000 + lo && d->tag[hi - 1] == 77000 + hi - 1, "pages [%lu, "
	    "%lu) were dirty, and are not on the disk", lo, hi);
}

static void
twist_stripes(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, lo;
	struct cdisk *d;
	unsigned k;

	vm_leak_begin();
	line.stripe = lab_param("stripe", FILE_PAGES);
	line.broken = 0;
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	d->asked = request;
	ev_mark(1);
	read_pages(d, 0, 200, false);
	none_is_broken("read in order");
	CLAIM(atomic_load(&d->reads) <= 200 / line.stripe + 12, "200 pages in order, in stripes "
	    "of %lu, took %u requests", line.stripe, atomic_load(&d->reads));
	read_pages(d, 300, 150, true);
	none_is_broken("read downwards");
	for (k = 0; k < 20; k++)
		CLAIM(cache_readahead(d->vmo, 500 + lab_random(&seed) % 300,
		    CACHE_WINDOW, NULL) == 0, "a page cannot be read ahead");
	none_is_broken("read ahead");
	for (k = 0; k < 6; k++) {
		lo = 900 + 40 * k + lab_random(&seed) % 8;
		read_pages(d, lo, 32, false);
		written_back(d, lo, lo + 2 + lab_random(&seed) % 30);
	}
	none_is_broken("written");
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- 07: pages that leave together ---- */

#define SET 400u

static void
twist_groups(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, group = lab_param("group", 1), i, at, n;
	struct pages p = wset_begin(SET);
	static bool used[SET], young[MD_PT_WORDS];
	bool stays;

	wset_fill(&p, 0, SET);
	wset_unused(&p);
	for (i = 0; i < SET; i++) {
		used[i] = lab_random(&seed) % (2 * group) == 0;
		wset_change(&p, i, PTE_AGE_MASK, used[i] && i % 2 == 0 ?
		    3ul << PTE_AGE_SHIFT | MD_PTE_A :
		    (used[i] ? 1ul : 3ul) << PTE_AGE_SHIFT);
	}
	ev_mark(1);
	n = wset_evict(&p, SIZE_MAX, 2);
	ev_mark(2);
	for (i = 0; i < SET; i++) {
		at = pages_at(&p, i) >> PAGE_SHIFT;
		if (i == 0 || at % MD_PT_WORDS == 0) {
			memset(young, 0, sizeof(young));
			for (uint64_t k = i; k < SET && (k == i || (pages_at(&p, k) >>
			    PAGE_SHIFT) % MD_PT_WORDS != 0); k++)
				if (used[k])
					young[(pages_at(&p, k) >> PAGE_SHIFT) %
					    MD_PT_WORDS / group] = true;
		}
		stays = young[at % MD_PT_WORDS / group];
		n -= !stays;
		CLAIM(wset_is_in(&p, i) == stays, "page %lu, of group %lu of its table, of "
		    "%lu pages each: %s of them is too young, and it has %s", i,
		    at % MD_PT_WORDS / group, group, stays ? "one" : "none",
		    wset_is_in(&p, i) ? "stayed" : "left");
	}
	CLAIM(n == 0, "a trim says another number of pages than have left");
	wset_end(&p);
}

/* ---- 08: slots within a stripe ---- */

#define TAKEN 3000u

/* The longest free run within a stripe, at most n, by a look at all slots. */
static unsigned
longest(const struct swap_area *a, unsigned n, uint64_t stripe)
{
	unsigned best = 0, len = 0;
	uint32_t i;

	for (i = 1; i < a->nslots && best < n; i++) {
		if (i % stripe == 0)
			len = 0;
		len = bitmap_test(a->map, i) ? 0 : len + 1;
		best = MAX(best, len);
	}
	return MIN(best, n);
}

static void
twist_slots(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, stripe = lab_param("stripe", SWAP_INDEX_MAX);
	struct swap_area *a = swap_area(0);
	static slot_t slot[TAKEN * 2];
	unsigned n = 0, want, most, got, i, k;
	slot_t first;
	uint32_t at;

	CHECK(a != NULL);
	ev_mark(1);
	for (k = 0; k < 400 && n + SWAP_RUN < TAKEN; k++) {
		want = 1 + (unsigned)(lab_random(&seed) >> 20) % SWAP_RUN;
		most = longest(a, want, stripe);
		got = 0;
		first = swap_alloc(want, &got);
		at = first & SWAP_INDEX_MAX;
		CLAIM(first != 0 && got == most, "%u slots are wanted, %u lie side by side in a "
		    "stripe of %lu, and swap_alloc gives %u", want, most, stripe, got);
		CLAIM(got == 0 || at / stripe == (at + got - 1) / stripe, "slots %u to %u lie in "
		    "two stripes of %lu", at, at + got - 1, stripe);
		for (i = 0; first != 0 && i < got; i++)
			slot[n++] = first + i;
		/* Some go back, from any place. */
		for (i = 0; k % 3 == 2 && i < 8 && n > 0; i++) {
			want = (unsigned)(lab_random(&seed) >> 20) % n;
			swap_free(slot[want]);
			slot[want] = slot[--n];
		}
	}
	while (n > 0)
		swap_free(slot[--n]);
	ev_mark(2);
}

const struct selftest selftests_lab_twist[] = {
	{ "lab_twist_gap", twist_gap, "lab 01: another hole, another place in it" },
	{ "lab_twist_stripes", twist_stripes, "lab 04: requests within a stripe" },
	{ "lab_twist_groups", twist_groups, "lab 07: pages that leave together" },
	{ "lab_twist_slots", twist_slots, "lab 08: slots within a stripe" },
	{ NULL, NULL, NULL },
};
