/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_refs.c: strings of references, and what known rules make of them
 *
 * Problem   Who chooses what leaves memory is neither right nor wrong.  What can be
 *           said is how much comes back, beside rules that are known.
 *
 * Picture   references ─→ fifo, clock, wsclock, lru, opt: models ─→ a table
 *               └─→ the learner's ─→ its last column
 *
 * Rules     1. Less than is possible at all is a fault of the counting.
 *           2. The numbers are those of the seed: no clock of any wall is asked.
 *
 * Read next lab_wspolicy.c, lab_tablepolicy.c.
 */
#include "lib/string.h"
#include "test/boot/ws/lab_refs.h"

#define STRINGS 5u          /* of these so many have to be near */
#define NEAR 4u
#define NEAR_PERCENT 110u
#define ON_A_PAGE 16u       /* numbers of the heap sort */
#define WINDOW 2u           /* of wsclock: so many times the memory's size */

struct refs refs;

/* What the models know of each page. */
static struct {
	uint16_t next[REFS];       /* the next reference to the same page */
	bool in[REFS_PAGES], used[REFS_PAGES];
	uint16_t when[REFS_PAGES]; /* of a page: its next reference */
	uint16_t came[REFS_PAGES], last[REFS_PAGES];
	unsigned hand, now, fit;
} m;

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

static uint16_t heap[REFS_PAGES * ON_A_PAGE];

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
	m.fit = c;
	if (s == STRINGS)
		heap_sort(n, seed);
	else
		for (; refs.n < REFS; refs.n++)
			refs.page[refs.n] = (uint16_t)reference(s, refs.n, n, c,
			    seed);
	for (k = 0; k < REFS_PAGES; k++)
		m.when[k] = REFS;
	for (k = refs.n; k-- > 0;) {
		m.next[k] = m.when[refs.page[k]];
		m.when[refs.page[k]] = (uint16_t)k;
	}
}

/* ---- the rules that are known ---- */

static unsigned
next_in(unsigned n)
{
	unsigned at;

	do {
		at = m.hand;
		m.hand = (m.hand + 1) % n;
	} while (!m.in[at]);
	return at;
}

/* Over the pages in the order of their addresses. */
static unsigned
clock_victim(unsigned n)
{
	unsigned at;

	while (m.used[at = next_in(n)])
		m.used[at] = false;
	return at;
}

/* The page in memory of which `of` is least, or greatest. */
static unsigned
extreme(unsigned n, const uint16_t *of, bool greatest)
{
	unsigned i, best = n;

	for (i = 0; i < n; i++)
		if (m.in[i] && (best == n ||
		    (greatest ? of[i] > of[best] : of[i] < of[best])))
			best = i;
	return best;
}

/* What was not used for a window goes; else what was found used longest ago. */
static unsigned
wsclock_victim(unsigned n)
{
	unsigned looks, at;

	for (looks = 0; looks < 2 * m.fit; looks++) {
		at = next_in(n);
		if (m.used[at]) {
			m.used[at] = false;
			m.last[at] = (uint16_t)m.now;
		} else if (m.now - m.last[at] > WINDOW * m.fit) {
			return at;
		}
	}
	return extreme(n, m.last, false);
}

static unsigned
victim(enum refs_rule rule, unsigned n)
{
	switch (rule) {
	case REFS_FIFO:
		return extreme(n, m.came, false);
	case REFS_CLOCK:
		return clock_victim(n);
	case REFS_WSCLOCK:
		return wsclock_victim(n);
	case REFS_LRU:
		return extreme(n, m.last, false);
	case REFS_OPT:
	case REFS_RULES:
		return extreme(n, m.when, true);
	}
	return n;
}

/* Faults of the string over n pages. */
static unsigned
model_faults(unsigned n, enum refs_rule rule)
{
	unsigned k, pg, have = 0, faults = 0;

	memset(m.in, 0, sizeof(m.in));
	memset(m.used, 0, sizeof(m.used));
	m.hand = 0;
	for (k = 0; k < refs.n; k++) {
		pg = refs.page[k];
		m.now = k;
		if (!m.in[pg]) {
			if (have == m.fit)
				m.in[victim(rule, n)] = false;
			else
				have++;
			m.in[pg] = true;
			m.came[pg] = (uint16_t)k;
			m.last[pg] = (uint16_t)k;
			faults++;
		}
		m.used[pg] = true;
		m.when[pg] = m.next[k];
		if (rule == REFS_LRU)
			m.last[pg] = (uint16_t)k;
	}
	return faults;
}

/* ---- beside the learner's ---- */

static unsigned model[STRINGS + 1][REFS_RULES];

static void
show_strings(const unsigned *yours, const struct refs_trial *t)
{
	unsigned s, all = 0, of = 0;

	lab_show("%-16s     fifo   clock wsclock     lru     opt   yours", t->what);
	for (s = 0; s <= STRINGS; s++) {
		lab_show("%-16s %8u%8u%8u%8u%8u%8u", names[s], model[s][REFS_FIFO],
		    model[s][REFS_CLOCK], model[s][REFS_WSCLOCK], model[s][REFS_LRU],
		    model[s][REFS_OPT], yours[s]);
		all += yours[s];
		of += model[s][t->rule];
	}
	if (all < of)
		lab_show("badge: %u %s beat the %u of %s", all, t->what, of, t->rule_name);
	else
		lab_show("no badge yet: %u %s, and %s has %u", all, t->what, t->rule_name,
		    of);
}

void
refs_try(const struct refs_trial *t)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	unsigned c = (unsigned)lab_param("fit", 60), s, yours[STRINGS + 1];
	unsigned n = c + (unsigned)lab_param("more", 40), near = 0, worst = 0, r;
	bool whole = true;

	CHECK(n <= REFS_PAGES);
	ev_mark(1);
	for (s = 0; s <= STRINGS; s++) {
		make_string(s, n, c, &seed);
		for (r = 0; r < REFS_RULES; r++)
			model[s][r] = model_faults(n, (enum refs_rule)r);
		yours[s] = t->count(names[s], n, c);
		whole = whole && yours[s] != 0;
		CLAIM(yours[s] == 0 || yours[s] >= model[s][REFS_OPT], "string %s: %u "
		    "%s, and %u are the fewest possible: %s", names[s], yours[s],
		    t->what, model[s][REFS_OPT], t->too_few);
		if (s < STRINGS)
			near += yours[s] * 100 <= model[s][t->rule] * NEAR_PERCENT;
		if (s < STRINGS && yours[s] * model[worst][t->rule] >
		    yours[worst] * model[s][t->rule])
			worst = s;
	}
	ev_mark(2);
	show_strings(yours, t);
	CLAIM(!whole || near >= NEAR, "%u of the %u strings have at most a tenth "
	    "more %s than with %s, and %u should; the worst is %s: %u, "
	    "and %s has %u", near, STRINGS, t->what, t->rule_name, NEAR, names[worst],
	    yours[worst], t->rule_name, model[worst][t->rule]);
}
