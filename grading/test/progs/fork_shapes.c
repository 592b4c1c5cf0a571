/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_shapes.c: the forks of lab 05 in other shapes
 *
 * --what handler  fork inside a signal handler; the child stores to --pages
 * --what ranges   fifty mappings with holes, some pages of each written
 * --what thread   a thread forks while the first one stores
 */
#include "libt.h"

struct work {
	u8 *p;
	u64 pages;
	volatile int tid, stop;
	volatile long pid;
};

static int
stores(void *arg)
{
	struct work *w = arg;
	u64 i;

	mark(1);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + 1] = 2;
	mark(2);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == 1 && w->p[i * PAGE + 1] == 2);
	return 0;
}

/* The page of a struct work whose address the signal's value has. */
static void
on_signal(int signo, const int *info, void *uc)
{
	struct work *w = *(struct work *const *)(info + 6);

	w->pid = child(stores, w);
}

void return_from(void);
__asm__("return_from:\n	mov $15, %eax\n	syscall\n");

static void
handler(struct work *w)
{
	struct { void *fn; u64 flags; void *restorer; u64 mask; } sa = {
		(void *)on_signal, 0x04000004, (void *)return_from, 0 };
	int info[32] = { 0 };
	u64 i;

	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE] = 1;
	EXPECT(sys6(13, 10, (long)&sa, 0, 8, 0, 0) == 0);
	/* rt_sigqueueinfo: SI_QUEUE with our pointer */
	info[2] = -1;
	*(struct work **)(info + 6) = w;
	EXPECT(sys(129, sys(39, 0, 0, 0), 10, info) == 0);
	EXPECT(w->pid > 0 && wait_for(w->pid) == 0);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == 1 && w->p[i * PAGE + 1] == 0);
}

#define RANGES 50ul

static int
sees_ranges(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < RANGES; i++)
		EXPECT(w->p[(i * 8 + i % 4) * PAGE] == (u8)(i + 1));
	return 0;
}

static void
ranges(struct work *w)
{
	u64 i;

	w->p = anon(RANGES * 8);
	for (i = 0; i < RANGES; i++) {
		w->p[(i * 8 + i % 4) * PAGE] = (u8)(i + 1);
		EXPECT(unmap(w->p + (i * 8 + 5) * PAGE, 3 * PAGE) == 0);
	}
	mark(1);
	EXPECT(wait_for(child(sees_ranges, w)) == 0);
	mark(2);
}

static int
stands_still(void *arg)
{
	struct work *w = arg;
	volatile u64 *word = (u64 *)w->p;
	volatile u64 spin;
	u64 first = *word;

	for (spin = 0; spin < 2000000; spin++)
		;
	return *word != first;
}

static int
forker(void *arg)
{
	struct work *w = arg;

	mark(1);
	w->pid = child(stands_still, w);
	mark(2);
	EXPECT(w->pid > 0 && wait_for(w->pid) == 0);
	w->stop = 1;
	return 0;
}

static void
from_thread(struct work *w)
{
	u64 n = 0;

	*(volatile u64 *)w->p = 1;
	EXPECT(thread(forker, w, &w->tid) > 0);
	while (!w->stop)
		*(volatile u64 *)w->p = ++n;
	thread_join(&w->tid);
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	struct work w = { .pages = option(argv, "pages") };

	w.p = anon(w.pages);
	if (what[0] == 'h')
		handler(&w);
	else if (what[0] == 'r')
		ranges(&w);
	else
		from_thread(&w);
	return 0;
}
