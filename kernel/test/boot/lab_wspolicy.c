/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wspolicy.c: lab 07, step 4: a policy of one's own, and what it costs
 *
 * Problem   Which page goes is the learner's choice: no page of it is right or
 *           wrong.  What can be said is how many faults it makes, beside those
 *           of rules that are known, and how long it takes to choose.
 *
 * Picture   references ─→ fifo, clock, wsclock, lru, opt: models ─→ a table
 *               └─→ the set, with a limit ─→ faults ─→ its last column
 *
 * Rules     1. Fewer faults than are possible at all are a fault of the counting.
 *           2. The numbers are those of the seed: no clock of any wall is asked.
 *
 * Read next lab_wsage.c, lab_wsset.c; vm/ws/ws.c.
 */
#include "lib/string.h"
#include "test/boot/lab_swappages.h"
#include "test/boot/lab_wsset.h"

#define REFS 2400u
#define PAGES_MAX 256u
#define STRINGS 5u          /* of these so many have to be near a clock's */
#define NEAR 4u
#define NEAR_PERCENT 110u
#define ON_A_PAGE 16u       /* numbers of the heap sort */
#define WINDOW 2u           /* of wsclock: so many times the memory's size */
#define LOOKS_MAX 64u       /* words for each page that goes */

enum rule { FIFO, CLOCK, WSCLOCK, LRU, OPT, RULES };

/* A string of references, and what the models know of each page. */
static struct {
	uint16_t page[REFS];
	uint16_t next[REFS];       /* the next reference to the same page */
	unsigned n;
	bool in[PAGES_MAX], used[PAGES_MAX];
	uint16_t when[PAGES_MAX];  /* of a page: its next reference */
	uint16_t came[PAGES_MAX], last[PAGES_MAX];
	unsigned hand, now, fit;
} refs;

static const char *const names[] = { "0 a few often", "1 a long loop", "2 phases",
	"3 there and back", "4 a slow walk", "5 heap sort" };

/* ---- strings ---- */

/* One reference: k'th of string s, over n pages, c of which fit. */
static unsigned
reference(unsigned s, unsigned k, unsigned n, unsigned c, uint64_t *seed)
{
	unsigned r = (unsigned)(lab_random(seed) >> 20);

	switch (s) {
	case 0: /* a few often, all others seldom */
		return r % 10 < 8 ? (r >> 8) % (c / 2) : (r >> 8) % n;
	case 1: /* a loop that is a little too long, beside pages in use */
		return k % 2 == 0 ? (r >> 8) % (c / 3) :
		    c / 3 + k / 2 % (n - c / 3);
	case 2: /* phases */
		return (k / 300 * 31 + r % (c * 3 / 4)) % n;
	case 3: /* there and back */
		return k / n % 2 == 0 ? k % n : n - 1 - k % n;
	}
	/* a walk at random, its place moving slowly */
	return (k / 8 + r % (c / 2)) % n;
}

static uint16_t heap[PAGES_MAX * ON_A_PAGE];

/* Number i of the heap is looked at: its page, if it is another one than before. */
static uint16_t
heap_at(unsigned i)
{
	uint16_t page = (uint16_t)(i / ON_A_PAGE);

	if (refs.n < REFS && (refs.n == 0 || refs.page[refs.n - 1] != page))
		refs.page[refs.n++] = page;
	return heap[i];
}

static void
heap_sink(unsigned i, unsigned len)
{
	unsigned c = 2 * i + 1;
	uint16_t top = heap_at(i);

	for (; c < len; i = c, c = 2 * i + 1) {
		if (c + 1 < len && heap_at(c + 1) > heap_at(c))
			c++;
		if (heap_at(c) <= top)
			break;
		heap[i] = heap[c];
		heap[c] = top;
	}
}

/* A program: the pages that a heap sort of n pages of numbers asks for. */
static void
heap_sort(unsigned n, uint64_t *seed)
{
	unsigned len = n * ON_A_PAGE, i;
	uint16_t last;

	for (i = 0; i < len; i++)
		heap[i] = (uint16_t)(lab_random(seed) >> 40);
	for (i = len / 2; i-- > 0;)
		heap_sink(i, len);
	for (i = len - 1; i > 0; i--) {
		last = heap_at(i);
		heap[i] = heap_at(0);
		heap[0] = last;
		heap_sink(0, i);
	}
}

static void
make_string(unsigned s, unsigned n, unsigned c, uint64_t *seed)
{
	unsigned k;

	refs.n = 0;
	refs.fit = c;
	if (s == STRINGS)
		heap_sort(n, seed);
	else
		for (; refs.n < REFS; refs.n++)
			refs.page[refs.n] = (uint16_t)reference(s, refs.n, n, c,
			    seed);
	for (k = 0; k < PAGES_MAX; k++)
		refs.when[k] = REFS;
	for (k = refs.n; k-- > 0;) {
		refs.next[k] = refs.when[refs.page[k]];
		refs.when[refs.page[k]] = (uint16_t)k;
	}
}

/* ---- the rules that are known ---- */

static unsigned
next_in(unsigned n)
{
	unsigned at;

	do {
		at = refs.hand;
		refs.hand = (refs.hand + 1) % n;
	} while (!refs.in[at]);
	return at;
}

/* Over the pages in the order of their addresses. */
static unsigned
clock_victim(unsigned n)
{
	unsigned at;

	while (refs.used[at = next_in(n)])
		refs.used[at] = false;
	return at;
}

/* The page in memory of which `of` is least, or greatest. */
static unsigned
extreme(unsigned n, const uint16_t *of, bool greatest)
{
	unsigned i, best = n;

	for (i = 0; i < n; i++)
		if (refs.in[i] && (best == n ||
		    (greatest ? of[i] > of[best] : of[i] < of[best])))
			best = i;
	return best;
}

/* What was not used for a window goes; else what was found used longest ago. */
static unsigned
wsclock_victim(unsigned n)
{
	unsigned looks, at;

	for (looks = 0; looks < 2 * refs.fit; looks++) {
		at = next_in(n);
		if (refs.used[at]) {
			refs.used[at] = false;
			refs.last[at] = (uint16_t)refs.now;
		} else if (refs.now - refs.last[at] > WINDOW * refs.fit) {
			return at;
		}
	}
	return extreme(n, refs.last, false);
}

static unsigned
victim(enum rule rule, unsigned n)
{
	switch (rule) {
	case FIFO:
		return extreme(n, refs.came, false);
	case CLOCK:
		return clock_victim(n);
	case WSCLOCK:
		return wsclock_victim(n);
	case LRU:
		return extreme(n, refs.last, false);
	case OPT:
	case RULES:
		return extreme(n, refs.when, true);
	}
	return n;
}

/* Faults of the string over n pages. */
static unsigned
model_faults(unsigned n, enum rule rule)
{
	unsigned k, pg, have = 0, faults = 0;

	memset(refs.in, 0, sizeof(refs.in));
	memset(refs.used, 0, sizeof(refs.used));
	refs.hand = 0;
	for (k = 0; k < refs.n; k++) {
		pg = refs.page[k];
		refs.now = k;
		if (!refs.in[pg]) {
			if (have == refs.fit)
				refs.in[victim(rule, n)] = false;
			else
				have++;
			refs.in[pg] = true;
			refs.came[pg] = (uint16_t)k;
			refs.last[pg] = (uint16_t)k;
			faults++;
		}
		refs.used[pg] = true;
		refs.when[pg] = refs.next[k];
		if (rule == LRU)
			refs.last[pg] = (uint16_t)k;
	}
	return faults;
}

/* ---- the learner's ---- */

/* Faults of the string in a space in which c pages fit; 0: the limit did not hold. */
static unsigned
real_faults(unsigned s, unsigned n, unsigned c)
{
	struct pages p = wset_begin(n);
	unsigned k, faults = 0;

	as_set_rss(p.as, c * PAGE_SIZE);
	for (k = 0; k < refs.n && p.as->ws_pages <= c; k++)
		faults += wset_use(&p, refs.page[k]);
	CLAIM(p.as->ws_pages <= c, "string %s: %u pages fit, and %lu are in the "
	    "set: a trim of a page finds none, though each that was used has lost "
	    "A when the hand comes again", names[s], c, p.as->ws_pages);
	faults = p.as->ws_pages <= c ? faults : 0;
	as_set_rss(p.as, UINT64_MAX);
	wset_end(&p);
	return faults;
}

static unsigned model[STRINGS + 1][RULES];

static void
show_strings(const unsigned *yours)
{
	unsigned s, all = 0, clock = 0;

	lab_show("faults               fifo   clock wsclock     lru     opt   yours");
	for (s = 0; s <= STRINGS; s++) {
		lab_show("%-16s %8u%8u%8u%8u%8u%8u", names[s], model[s][FIFO],
		    model[s][CLOCK], model[s][WSCLOCK], model[s][LRU],
		    model[s][OPT], yours[s]);
		all += yours[s];
		clock += model[s][CLOCK];
	}
	if (all < clock)
		lab_show("badge: %u faults beat the clock's %u", all, clock);
	else
		lab_show("no badge yet: %u faults, and a clock has %u", all, clock);
}

static void
strings(void)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	unsigned c = (unsigned)lab_param("fit", 60), s, yours[STRINGS + 1];
	unsigned n = c + (unsigned)lab_param("more", 40), near = 0, worst = 0, r;
	bool whole = true;

	CHECK(n <= PAGES_MAX);
	ev_mark(1);
	for (s = 0; s <= STRINGS; s++) {
		make_string(s, n, c, &seed);
		for (r = 0; r < RULES; r++)
			model[s][r] = model_faults(n, (enum rule)r);
		yours[s] = real_faults(s, n, c);
		whole = whole && yours[s] != 0;
		CLAIM(yours[s] == 0 || yours[s] >= model[s][OPT], "string %s: %u "
		    "faults, and %u are the fewest possible: pages stay mapped that "
		    "were said to be gone", names[s], yours[s], model[s][OPT]);
		if (s < STRINGS)
			near += yours[s] * 100 <= model[s][CLOCK] * NEAR_PERCENT;
		if (s < STRINGS && yours[s] * model[worst][CLOCK] >
		    yours[worst] * model[s][CLOCK])
			worst = s;
	}
	ev_mark(2);
	show_strings(yours);
	CLAIM(!whole || near >= NEAR, "%u of the %u strings have at most a tenth "
	    "more faults than with a clock, and %u should; the worst is %s: %u, "
	    "and a clock has %u", near, STRINGS, NEAR, names[worst], yours[worst],
	    model[worst][CLOCK]);
}

/* A large set at its limit, a seventh of which is in use: pages go one by one. */
static void
pace(void)
{
	uint64_t n = lab_param("n", 3000), more = lab_param("more", 400), i, went;
	struct pages p = wset_begin(n + more);
	uint64_t looks;

	wset_fill(&p, 0, n);
	as_set_rss(p.as, n * PAGE_SIZE);
	for (i = 0; i < n; i += 7)
		(void)wset_use(&p, i);
	ev_mark(1);
	looks = ev_read(EV_ws_looks);
	went = p.as->ws_trimmed;
	for (i = n; i < n + more && p.as->ws_pages <= n; i++)
		pages_write(&p, i);
	looks = ev_read(EV_ws_looks) - looks;
	went = p.as->ws_trimmed - went;
	ev_mark(2);
	CLAIM(p.as->ws_pages <= n, "%lu pages fit, and %lu are in the set: a trim "
	    "of a page finds none", n, p.as->ws_pages);
	CLAIM(went > 0, "no page went");
	if (went > 0)
		lab_show("words passed over for each page that went, of %lu: yours "
		    "%lu.%lu; at most %u", n, looks / went, looks * 10 / went % 10,
		    LOOKS_MAX);
	CLAIM(looks <= went * LOOKS_MAX, "slow: %lu words were passed over for each "
	    "page that went, of a set of %lu, and %u are allowed",
	    went > 0 ? looks / went : looks, n, LOOKS_MAX);
	as_set_rss(p.as, UINT64_MAX);
	wset_end(&p);
}

const struct selftest selftests_lab_wspolicy[] = {
	{ "lab_ws_strings", strings, "faults of five reference strings and a sort" },
	{ "lab_ws_pace", pace, "how long it takes to choose a page" },
	{ NULL, NULL, NULL },
};
