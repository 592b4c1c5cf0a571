/* SPDX-License-Identifier: BSD-2-Clause */
/* ch12-policies.c: which page goes?  Six answers, counted on the same references */
/*
 * Problem   A policy is judged by the faults that it causes, and a kernel
 *           cannot be asked what would have happened.  Here it can.
 *
 * Picture   ch12-policies                the traces of chapter 12
 *           ch12-policies 3 1 2 3 4 1 …  three frames, these pages
 *
 * Rules     1. Pages are numbers from 0 to 4095, frames at most 256.
 *           2. Each policy sees what a kernel could see: a bit for each page,
 *              set by a use.  Only lru and opt see more.
 */
#include "run.h"

#define REFS 8192
#define FRAMES 256
#define AGES 4

struct frame {
	int page;        /* -1: free */
	int used;        /* the bit A */
	int age;         /* in passes */
	long last;       /* lru: reference; wsclock: when A was found */
};

struct memory {
	struct frame f[FRAMES];
	int n, hand;
	long now, faults;
	const int *next; /* opt: the references to come, and how many */
	long left;
};

static int trace[REFS];
static long refs;

/* ---- policies: each says which frame is taken ---- */

static int
next_hand(struct memory *m)
{
	int at = m->hand;

	m->hand = (m->hand + 1) % m->n;
	return at;
}

static int
fifo(struct memory *m)
{
	return next_hand(m);
}

static int
lru(struct memory *m)
{
	int i, best = 0;

	for (i = 1; i < m->n; i++)
		if (m->f[i].last < m->f[best].last)
			best = i;
	return best;
}

/* Second chance. */
static int
second_chance(struct memory *m)
{
	int at;

	while (m->f[at = next_hand(m)].used)
		m->f[at].used = 0;
	return at;
}

/* What has not been found used for twice the memory's size is out of its set. */
static int
wsclock(struct memory *m)
{
	int i, at;

	for (i = 0; i < m->n; i++) {
		at = next_hand(m);
		if (m->f[at].used) {
			m->f[at].used = 0;
			m->f[at].last = m->now;
		} else if (m->now - m->f[at].last > 2 * m->n) {
			return at;
		}
	}
	return lru(m);
}

/* This kernel: the oldest first, and among those of age 0 second chance. */
static int
aged(struct memory *m)
{
	int min, i, at;

	for (min = AGES - 1; min > 0; min--)
		for (i = 0; i < m->n; i++) {
			at = next_hand(m);
			if (!m->f[at].used && m->f[at].age >= min)
				return at;
		}
	return second_chance(m);
}

/* A pass for each quarter of the memory that has changed hands. */
static void
age_all(struct memory *m)
{
	int i;

	for (i = 0; i < m->n; i++) {
		m->f[i].age = m->f[i].used ? 0 : m->f[i].age + 1;
		m->f[i].age -= m->f[i].age == AGES;
		m->f[i].used = 0;
	}
}

/* Who knows the future takes what is wanted last. */
static int
opt(struct memory *m)
{
	long at, best_at = -1;
	int i, best = 0;

	for (i = 0; i < m->n; i++) {
		for (at = 0; at < m->left && m->next[at] != m->f[i].page;)
			at++;
		if (at > best_at) {
			best_at = at;
			best = i;
		}
	}
	return best;
}

/* ---- a machine of n frames ---- */

static int
find(const struct memory *m, int page)
{
	int i;

	for (i = 0; i < m->n && m->f[i].page != page; i++)
		;
	return i;
}

static long
faults(int n, int (*policy)(struct memory *))
{
	static struct memory m;
	int at;

	memset(&m, 0, sizeof m);
	m.n = n;
	for (at = 0; at < n; at++)
		m.f[at].page = -1;
	for (m.now = 0; m.now < refs; m.now++) {
		m.next = trace + m.now + 1;
		m.left = refs - m.now - 1;
		at = find(&m, trace[m.now]);
		if (at == n) {
			at = m.faults < n ? (int)m.faults : policy(&m);
			m.faults++;
			if (policy == aged && n >= AGES &&
			    m.faults % (n / AGES) == 0)
				age_all(&m);
			m.f[at].page = trace[m.now];
			m.f[at].age = 0;
			m.f[at].last = m.now;
		}
		m.f[at].used = 1;
		if (policy == lru)
			m.f[at].last = m.now;
	}
	return m.faults;
}

/* ---- traces ---- */

static void
use(int page)
{
	if (refs < REFS)
		trace[refs++] = page;
}

static void
make_belady(void)
{
	static const int page[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
	size_t i;

	for (i = 0; i < sizeof page / sizeof *page; i++)
		use(page[i]);
}

/* A page that is hot, among others: what section 12.6 works by hand. */
static void
make_hand(void)
{
	static const int page[] = { 1, 2, 3, 4, 2, 5, 2, 6, 2, 1 };
	size_t i;

	for (i = 0; i < sizeof page / sizeof *page; i++)
		use(page[i]);
}

/* A loop over one page more than there are frames. */
static void
make_loop(void)
{
	int i, k;

	for (k = 0; k < 20; k++)
		for (i = 0; i < 65; i++)
			use(i);
}

/* Thirty-two pages in use, and a scan of a thousand that are used once. */
static void
make_scan(void)
{
	int i, k;

	for (i = 0; i < 1024; i++) {
		use(100 + i);
		for (k = 0; i % 8 == 7 && k < 32; k++)
			use(k);
	}
}

/* Forty-eight pages for a while, by chance, then forty-eight others. */
static void
make_phases(void)
{
	unsigned x = 12345;
	int i;

	for (i = 0; i < 8000; i++) {
		x = x * 1103515245 + 12345;
		use(i / 1000 * 40 + (int)(x >> 16) % 48);
	}
}

static void
count(const char *step, int n)
{
	static const struct {
		const char *name;
		int (*policy)(struct memory *);
	} all[] = { { "fifo", fifo }, { "clock", second_chance },
		{ "wsclock", wsclock }, { "aged", aged }, { "lru", lru },
		{ "opt", opt } };
	char name[32];
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all; i++) {
		snprintf(name, sizeof name, "%s_%d", all[i].name, n);
		run_note(step, name, faults(n, all[i].policy));
	}
}

static void
count_trace(const char *step, void (*make)(void), int small, int large)
{
	refs = 0;
	make();
	run_step(step);
	count(step, small);
	if (large != 0)
		count(step, large);
}

int
main(int argc, char **argv)
{
	int i;

	run_begin();
	if (argc > 2) {
		for (i = 2; i < argc; i++)
			use(atoi(argv[i]));
		count("yours", atoi(argv[1]));
		return run_end();
	}
	count_trace("belady", make_belady, 3, 4);
	count_trace("loop", make_loop, 64, 0);
	count_trace("scan", make_scan, 64, 0);
	count_trace("phases", make_phases, 40, 64);
	count_trace("hand", make_hand, 3, 0);
	count_trace("curve", make_phases, 16, 0);
	for (i = 24; i <= 80; i += 8)
		count("curve", i);
	return run_end();
}
