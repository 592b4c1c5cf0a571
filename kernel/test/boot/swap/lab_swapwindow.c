/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swapwindow.c: lab 08, step 4: a window that learns, and what it costs
 *
 * Problem   How far to read ahead is the learner's choice: no window is right or
 *           wrong.  What can be said is what a disk pays for it, beside windows that
 *           never change.
 *
 * Picture   runs of pages ─→ reads of 1, 2, 4 … window ─┬→ wanted: hits, at once
 *                                   ↑                   └→ in vain: misses, later
 *                                   └──── swap_learn ←──────┘
 *
 * Rules     1. A request costs REQUEST, a page PAGE, and one in vain IN_VAIN more: it
 *              has pushed out another.
 *           2. A page in vain is known as such when its frame is given away: LATER pages
 *              behind it.
 *
 * Read next vm/swap/ahead.c, vm/swap/swap.c.
 */
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"

#define REQUEST 8u
#define PAGE 1u
#define IN_VAIN 3u
#define LATER 48u
#define STRINGS 5u          /* of these so many have to be near the doubled one's */
#define NEAR 4u
#define NEAR_PERCENT 110u
#define PAGES 20000u        /* of a string */
#define JUDGE 64u
#define REAL 128u           /* pages that are read, and no model */

#define RUN_MAX 400u
#define DENSE 100u          /* of so many pages of a run are wanted, in percent */
#define HALF 50u
#define SPARSE 12u

enum reach { FIXED2, FIXED4, FIXED8, FIXED16, DOUBLED, YOURS, RULES };

static const char *const names[] = { "0 all of a run", "1 one of eight", "2 a half",
	"3 phases", "4 by turns" };

/* Of a run of pages: which are wanted? */
static struct {
	bool wanted[RUN_MAX];
	unsigned len;
} run;

/* The next run of string s; `at` pages have passed. */
static void
make_run(unsigned s, unsigned at, uint64_t *seed)
{
	static const unsigned of[] = { DENSE, SPARSE, HALF };
	unsigned percent, i;

	run.len = RUN_MAX / 2 + (unsigned)(lab_random(seed) >> 20) % (RUN_MAX / 2);
	if (s < 3)
		percent = of[s];
	else if (s == 3)
		percent = at / (4 * RUN_MAX) % 4 == 0 ? DENSE : SPARSE;
	else
		percent = lab_random(seed) % 4 == 0 ? DENSE : SPARSE;
	for (i = 0; i < run.len; i++)
		run.wanted[i] = lab_random(seed) % 100 < percent;
}

/* ---- a rule that is known ---- */

static void
doubled(unsigned *window, struct ahead_count *c)
{
	unsigned all = c->hits + c->misses;

	if (all < JUDGE)
		return;
	if (c->hits * 4 < all)
		*window = MAX(*window / 2, 2u);
	else if (c->hits * 4 >= all * 3)
		*window = MIN(*window * 2, (unsigned)SWAP_RUN);
	*c = (struct ahead_count){ 0, 0 };
}

/* ---- a disk that is read ---- */

static struct {
	enum reach rule;
	unsigned window;
	struct ahead_count count;
	unsigned read;            /* pages, all */
	unsigned cost;
	struct { unsigned at, n; } vain[LATER + 1]; /* misses to come: when, how many */
	unsigned first, last;
	bool broken;
} disk;

static void
learn(void)
{
	if (disk.rule == DOUBLED)
		doubled(&disk.window, &disk.count);
	if (disk.rule != YOURS)
		return;
	spin_lock(&pfn_lock);
	swap_learn(&disk.window, SWAP_RUN, &disk.count);
	spin_unlock(&pfn_lock);
	disk.broken |= disk.window < 2 || disk.window > SWAP_RUN;
	disk.window = MAX(2u, MIN(disk.window, (unsigned)SWAP_RUN));
}

static void
hits(unsigned n)
{
	for (; n > 0; n--) {
		disk.count.hits++;
		learn();
	}
}

/* Frames of pages in vain that are given away by now. */
static void
misses(void)
{
	unsigned *n;

	while (disk.first != disk.last && disk.vain[disk.first].at <= disk.read) {
		for (n = &disk.vain[disk.first].n; *n > 0; (*n)--) {
			disk.count.misses++;
			learn();
		}
		disk.first = (disk.first + 1) % (LATER + 1);
	}
}

/* A read of n pages, of which so many are wanted. */
static void
read_some(unsigned n, unsigned wanted)
{
	disk.read += n;
	disk.cost += REQUEST + n * PAGE + (n - wanted) * IN_VAIN;
	if (n > wanted) {
		disk.vain[disk.last].at = disk.read + LATER;
		disk.vain[disk.last].n = n - wanted;
		disk.last = (disk.last + 1) % (LATER + 1);
	}
	hits(wanted - 1);
	misses();
}

/* A run is read, the first page alone, then two, four …: pages that were wanted. */
static unsigned
read_run(void)
{
	unsigned at = 0, n = 1, i, wanted, all = 0;

	while (at < run.len) {
		if (!run.wanted[at]) {
			at++;
			continue;
		}
		n = MIN(n, run.len - at);
		for (wanted = 0, i = 0; i < n; i++)
			wanted += run.wanted[at + i];
		read_some(n, wanted);
		all += wanted;
		at += n;
		n = MIN(2 * n, disk.window);
	}
	return all;
}

/* What the string costs, for a hundred pages that are wanted. */
static unsigned
cost(unsigned s, uint64_t seed, enum reach rule)
{
	static const unsigned fixed[] = { 2, 4, 8, 16 };
	unsigned at, wanted = 0;

	memset(&disk, 0, sizeof(disk));
	disk.rule = rule;
	disk.window = rule < DOUBLED ? fixed[rule] : SWAP_RUN / 2;
	for (at = 0; at < PAGES; at += run.len) {
		make_run(s, at, &seed);
		wanted += read_run();
	}
	return disk.cost * 100 / wanted;
}

/* Pages come back in their order, through your window. */
static void
come_back(void)
{
	struct pages p = family_pages(lab_space(), REAL);
	uint64_t i, value;

	swp_write_all(&p);
	CLAIM(swp_out(&p), "pages do not leave memory: step 2 comes first");
	ev_mark(3);
	for (i = 0; i < REAL; i++) {
		CLAIM(family_load(p.as, pages_at(&p, i), &value) == 0, "page %lu is "
		    "on swap, and a load of it fails", i);
	}
	ev_mark(4);
	lab_space_end(p.as);
	CLAIM(swp_settle(), "a write never ends");
	swp_read_all();
}

static void
window(void)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	unsigned c[STRINGS][RULES], all[RULES] = { 0 }, s, r, near = 0, worst = 0;
	bool broken = false;

	ev_mark(1);
	for (s = 0; s < STRINGS; s++) {
		for (r = 0; r < RULES; r++) {
			c[s][r] = cost(s, seed, (enum reach)r);
			all[r] += c[s][r];
		}
		broken |= disk.broken;
		near += c[s][YOURS] * 100 <= c[s][DOUBLED] * NEAR_PERCENT;
		if (c[s][YOURS] * c[worst][DOUBLED] > c[worst][YOURS] * c[s][DOUBLED])
			worst = s;
	}
	ev_mark(2);
	lab_show("cost of 100 pages   window 2       4       8      16 doubled   yours");
	for (s = 0; s < STRINGS; s++)
		lab_show("%-16s %11u%8u%8u%8u%8u%8u", names[s], c[s][FIXED2],
		    c[s][FIXED4], c[s][FIXED8], c[s][FIXED16], c[s][DOUBLED],
		    c[s][YOURS]);
	if (all[YOURS] < all[DOUBLED])
		lab_show("badge: %u beats the doubled window's %u", all[YOURS],
		    all[DOUBLED]);
	else
		lab_show("no badge yet: %u, and a doubled window has %u", all[YOURS],
		    all[DOUBLED]);
	CLAIM(!broken, "the window was set to what it must not be: 2 to %u pages",
	    SWAP_RUN);
	CLAIM(near >= NEAR, "%u of the %u strings cost at most a tenth more than with a "
	    "window that is doubled and halved, and %u should; the worst is %s: %u, "
	    "and that has %u", near, STRINGS, NEAR, names[worst], c[worst][YOURS],
	    c[worst][DOUBLED]);
	come_back();
}

const struct selftest selftests_lab_swapwindow[] = {
	{ "lab_swap_window", window, "how far to read ahead, learnt" },
	{ NULL, NULL, NULL },
};
