/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_sibling.c: a child's thread reads what its other thread stores
 *
 * The pages are the parent's, too, so that each store copies one: from then on
 * all threads of the child have the copy, on whatever CPU they read the page.
 *
 * --pages N
 */
#include "libt.h"

#define PATIENCE 1000000ul
#define MAX_PAGES 64

struct work {
	volatile u64 *p;               /* one word of each page is used */
	u64 pages;
	volatile u64 seen[MAX_PAGES];  /* by the reader, on shared memory */
	volatile u64 round;            /* of the reader */
	volatile int stop, tid;
};

static volatile u64 *
word(const struct work *w, u64 i)
{
	return w->p + i * PAGE / sizeof(*w->p);
}

/* For who shares our CPU, and for the other CPUs: see fork_race.c. */
static void
give_way(void)
{
	yield();
	__asm__ volatile("pause");
}

static int
reader(void *arg)
{
	struct work *w = arg;
	u64 i;

	while (!w->stop) {
		for (i = 0; i < w->pages; i++)
			w->seen[i] = *word(w, i);
		w->round++;
		give_way();
	}
	return 0;
}

static void
wait_rounds(const struct work *w, u64 rounds)
{
	u64 until = w->round + rounds, patience = PATIENCE;

	while (w->round < until && --patience != 0)
		give_way();
	EXPECT(patience != 0);
}

static int
writer(void *arg)
{
	struct work *w = arg;
	u64 i, stale = 0;

	EXPECT(thread(reader, w, &w->tid) > 0);
	wait_rounds(w, 2); /* its CPU has all pages in its TLB */
	mark(1);
	for (i = 0; i < w->pages; i++) {
		*word(w, i) = 1000 + i;
		wait_rounds(w, 2);
		stale += w->seen[i] != 1000 + i;
	}
	mark(2);
	answer("stale", stale);
	w->stop = 1;
	thread_join(&w->tid);
	return 0;
}

int
main(int argc, char **argv)
{
	struct work w = { .pages = option(argv, "pages") };
	u64 i;

	EXPECT(w.pages <= MAX_PAGES);
	w.p = (volatile u64 *)anon(w.pages);
	for (i = 0; i < w.pages; i++)
		*word(&w, i) = i + 1;
	EXPECT(wait_for(child(writer, &w)) == 0);
	for (i = 0; i < w.pages; i++)
		EXPECT(*word(&w, i) == i + 1);
	return 0;
}
