/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_race.c: two threads store to the same fresh pages
 *
 * --pages N
 */
#include "libt.h"

struct work {
	u8 *p;
	u64 pages;
	volatile u64 at, done; /* pages that the first, the second has begun, had */
	volatile int tid;
};

static int
second(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < w->pages; i++) {
		while (w->at <= i)
			yield();
		w->p[i * PAGE + 1] = 2;
		w->done = i + 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct work w = { .pages = option(argv, "pages") };
	u64 i;

	w.p = anon(w.pages);
	EXPECT(thread(second, &w, &w.tid) > 0);
	mark(1);
	for (i = 0; i < w.pages; i++) {
		w.at = i + 1;
		w.p[i * PAGE] = 1;
		while (w.done <= i)
			yield();
	}
	thread_join(&w.tid);
	mark(2);
	for (i = 0; i < w.pages; i++)
		EXPECT(w.p[i * PAGE] == 1 && w.p[i * PAGE + 1] == 2);
	return 0;
}
