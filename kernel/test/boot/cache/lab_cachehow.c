/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cachehow.c: lab 04, step 2: how far to read, and what it costs
 *
 * Problem   How far to read where a page is missing is the learner's choice: no window
 *           is right or wrong.  What can be said is what a disk pays for it, beside
 *           rules that are known, and how long it takes to decide.
 *
 * Picture   pages wanted ─┬→ alone, 8, 32, doubled, given: models ─→ a table
 *                         └→ cache_get ─→ cache_window ─→ requests ─→ its last column
 *
 * Rules     1. A request costs REQUEST, a page PAGE, and one that nobody wanted IN_VAIN
 *              more: it has pushed out another.
 *           2. The numbers are those of the seed: time is instructions here.
 *
 * Read next lab_cachedisk.c, vm/swap/ahead.c, vm/cache/pagecache.c.
 */
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"
#include "vm/cache/cache.h"
#include "vm/swap/swap.h"

#define REQUEST 8u
#define PAGE 1u
#define IN_VAIN 3u
#define STRINGS 5u          /* of these so many have to be near the given rule's */
#define NEAR 4u
#define NEAR_PERCENT 125u
#define WANTED 256u         /* pages of a string */
#define FILE_PAGES 2000u
#define ASKED 200u          /* windows that are timed */
#define PACE 3000u          /* instructions for one of them */

enum rule { ALONE, EIGHT, MOST, DOUBLED, GIVEN, YOURS, RULES };

static const char *const names[] = { "0 in order", "1 downwards", "2 both ends",
	"3 records", "4 far apart" };

static unsigned want[WANTED];

/* ---- strings ---- */

/* Records at places of no order; each is read from its first page to its last. */
static void
make_records(uint64_t *seed)
{
	unsigned k, at = 0, left = 0;

	for (k = 0; k < WANTED; k++, at++, left--) {
		if (left == 0) {
			left = 2 + (unsigned)(lab_random(seed) >> 20) % 14;
			at = (unsigned)(lab_random(seed) >> 20) % (FILE_PAGES - 32);
		}
		want[k] = at;
	}
}

static void
make_reads(unsigned s, uint64_t *seed)
{
	unsigned lo = 64 + (unsigned)(lab_random(seed) >> 20) % 512, k;

	if (s == 3) {
		make_records(seed);
		return;
	}
	for (k = 0; k < WANTED; k++) {
		if (s == 0)
			want[k] = lo + k;
		else if (s == 1)
			want[k] = lo + WANTED - 1 - k;
		else if (s == 2)
			want[k] = k % 2 == 0 ? lo + k / 2 : lo + WANTED - 1 - k / 2;
		else /* at no distance twice in turn */
			want[k] = (k + 1) * (k + 2) * 317 % FILE_PAGES;
	}
}

/* ---- rules that are known ---- */

static struct {
	bool in[FILE_PAGES];
	unsigned next, window;      /* of the doubled one: where its last read ended */
	struct sequences given;
	unsigned requests, pages;
} m;

/* So many pages from idx on; < 0: so many that end with it. */
static int
model_window(enum rule rule, unsigned idx)
{
	switch (rule) {
	case EIGHT:
		return 8;
	case MOST:
		return CACHE_WINDOW;
	case DOUBLED:
		m.window = idx == m.next ? MIN(2 * m.window, (unsigned)CACHE_WINDOW) :
		    1;
		m.next = idx + m.window;
		return (int)m.window;
	case GIVEN:
		return swap_look_ahead_file(&m.given, idx,
		    (idx > 0 && m.in[idx - 1] ? HAS_BEFORE : 0) |
		    (idx + 1 < FILE_PAGES && m.in[idx + 1] ? HAS_BEHIND : 0));
	case ALONE:
	case YOURS:
	case RULES:
		break;
	}
	return 1;
}

static void
model_read(enum rule rule, unsigned idx)
{
	int n = model_window(rule, idx);
	unsigned lo = idx, hi = idx + 1;

	while (n < -1 && idx - lo + 1 < (unsigned)-n && lo > 0 && !m.in[lo - 1])
		lo--;
	while (n > 1 && hi - idx < (unsigned)n && hi < FILE_PAGES && !m.in[hi])
		hi++;
	m.requests++;
	m.pages += hi - lo;
	memset(&m.in[lo], true, hi - lo);
}

static unsigned
distinct(void)
{
	static bool seen[FILE_PAGES];
	unsigned k, n = 0;

	memset(seen, 0, sizeof(seen));
	for (k = 0; k < WANTED; k++) {
		n += !seen[want[k]];
		seen[want[k]] = true;
	}
	return n;
}

/* For a hundred pages that are wanted. */
static unsigned
reads_cost(unsigned requests, unsigned pages)
{
	unsigned wanted = distinct();

	return (requests * REQUEST + pages * PAGE +
	    (pages - MIN(pages, wanted)) * IN_VAIN) * 100 / wanted;
}

static unsigned
model_cost(enum rule rule)
{
	unsigned k;

	memset(&m, 0, sizeof(m));
	for (k = 0; k < WANTED; k++)
		if (!m.in[want[k]])
			model_read(rule, want[k]);
	return reads_cost(m.requests, m.pages);
}

/* ---- yours ---- */

static unsigned
your_cost(const char *name)
{
	struct cdisk *d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	static struct vm_page *pg;
	unsigned k, c, idx;

	for (k = 0; k < WANTED; k++) {
		idx = want[k];
		if (cache_get(d->vmo, idx, CACHE_READ, &pg) != 0) {
			CLAIM(false, "page %u cannot be had", idx);
			break;
		}
		CLAIM(cd_page_has(pg, d->tag[idx]), "page %u has other bytes", idx);
		page_unpin(pg);
		CLAIM(d->in[idx] == 1, "page %u of string %s was read %u times", idx,
		    name, d->in[idx]);
	}
	c = reads_cost(atomic_load(&d->reads), (unsigned)cd_count(d));
	cd_end(d);
	return c;
}

static void
show_reads(unsigned c[STRINGS][RULES], const unsigned *all)
{
	unsigned s;

	lab_show("cost of 100 pages    alone       8      32 doubled   given   yours");
	for (s = 0; s < STRINGS; s++)
		lab_show("%-16s %9u%8u%8u%8u%8u%8u", names[s], c[s][ALONE],
		    c[s][EIGHT], c[s][MOST], c[s][DOUBLED], c[s][GIVEN],
		    c[s][YOURS]);
	lab_show(all[YOURS] < all[GIVEN] ? "badge: %u beats the given rule's %u" :
	    "no badge yet: %u, and the given rule has %u", all[YOURS], all[GIVEN]);
}

static void
how_far(void)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	static unsigned c[STRINGS][RULES], all[RULES];
	unsigned s, r, near = 0, worst = 0;

	vm_leak_begin();
	ev_mark(1);
	for (s = 0; s < STRINGS; s++) {
		make_reads(s, &seed);
		for (r = 0; r < RULES; r++) {
			c[s][r] = r == YOURS ? your_cost(names[s]) :
			    model_cost((enum rule)r);
			all[r] += c[s][r];
		}
		near += c[s][YOURS] * 100 <= c[s][GIVEN] * NEAR_PERCENT;
		if (c[s][YOURS] * c[worst][GIVEN] > c[worst][YOURS] * c[s][GIVEN])
			worst = s;
	}
	ev_mark(2);
	show_reads(c, all);
	CLAIM(near >= NEAR, "%u of the %u strings cost at most a quarter more than by the "
	    "rule that is given, and %u should; the worst is %s: %u, and that has %u",
	    near, STRINGS, NEAR, names[worst], c[worst][YOURS], c[worst][GIVEN]);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- how long it takes to decide ---- */

/* Of the pages behind those that are there some are wanted, each alone. */
static uint64_t
windows_take(struct cdisk *d, uint64_t n_asked)
{
	uint64_t took = 0, t, idx;
	unsigned asked = 0;
	int n;

	for (idx = FILE_PAGES + 4; asked < n_asked && idx < CD_PAGES; idx += 9) {
		if (cd_find(d, idx) != NULL)
			continue;
		t = md_time_ns();
		n = cache_window(d->vmo, idx);
		took += md_time_ns() - t;
		asked++;
		CLAIM(cache_readahead(d->vmo, idx, (unsigned)MAX(n, 1), NULL) == 0,
		    "page %lu cannot be read", idx);
	}
	return took / asked;
}

static void
window_pace(void)
{
	struct cdisk *d = cd_begin(0, CD_PAGES * PAGE_SIZE);
	uint64_t asked = lab_param("asked", 0), idx, took;

	vm_leak_begin();
	for (idx = 0; idx < FILE_PAGES; idx += CACHE_WINDOW)
		CLAIM(cache_readahead(d->vmo, idx, CACHE_WINDOW, NULL) == 0,
		    "page %lu cannot be read", idx);
	ev_mark(1);
	took = windows_take(d, asked != 0 ? asked : ASKED);
	ev_mark(2);
	lab_show("instructions to decide how far: %lu (at most %u)", took, PACE);
	/* Time is instructions where the grader asks, and the host's elsewhere. */
	CLAIM(asked == 0 || took <= PACE, "slow: to say how far to read takes %lu instructions in a file "
	    "of which %u pages are in memory, and %u are allowed", took, FILE_PAGES,
	    PACE);
	cd_end(d);
}

const struct selftest selftests_lab_cachehow[] = {
	{ "lab_cache_how", how_far, "how far to read, and what a disk pays" },
	{ "lab_cache_pace", window_pace, "how long it takes to say how far" },
	{ NULL, NULL, NULL },
};
