/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_race.c: a thread stores while another forks; the child must not see it
 *
 * --pages N    that the thread stores to, round after round
 * --forks F    children, one after the other
 */
#include "libt.h"

#define PASSES 6
#define SPIN 500000ul /* long enough for the writer to come round */

struct work {
	u8 *p;
	u64 pages;
	volatile int stop, tid;
};

static int
writer(void *arg)
{
	struct work *w = arg;
	u64 round = 0, i;

	while (!w->stop) {
		round++;
		for (i = 0; i < w->pages; i++)
			*(volatile u64 *)(w->p + i * PAGE) = round;
	}
	return 0;
}

/* The pages of the child stand still. */
static int
reader(void *arg)
{
	struct work *w = arg;
	volatile u64 spin;
	u64 first[64], i, pass;

	for (i = 0; i < w->pages; i++)
		first[i] = *(volatile u64 *)(w->p + i * PAGE);
	for (pass = 0; pass < PASSES; pass++) {
		for (spin = 0; spin < SPIN; spin++)
			;
		for (i = 0; i < w->pages; i++)
			if (*(volatile u64 *)(w->p + i * PAGE) != first[i])
				return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	u64 forks = option(argv, "forks"), i;
	struct work w = { .pages = option(argv, "pages") };

	EXPECT(w.pages <= 64);
	w.p = anon(w.pages);
	for (i = 0; i < w.pages; i++)
		w.p[i * PAGE] = 0;
	EXPECT(thread(writer, &w, &w.tid) > 0);
	while (*(volatile u64 *)w.p == 0)
		nap();
	mark(1);
	for (i = 0; i < forks; i++)
		EXPECT(wait_for(child(reader, &w)) == 0);
	mark(2);
	w.stop = 1;
	thread_join(&w.tid);
	return 0;
}
