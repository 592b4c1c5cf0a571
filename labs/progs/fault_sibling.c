/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_sibling.c: a page is replaced on one CPU while another knows the old one
 *
 * A thread on CPU 1 reads each page and keeps its translation; a thread on CPU 0
 * then stores to the page, which gets another frame.  What the first one reads
 * next must be what was stored.
 *
 * --what zero     the page was the common zero page
 * --what copy     it was the page of a file, mapped privately
 * --pages N
 */
#include "libt.h"

struct work {
	volatile u64 *p;
	u64 pages;
	int fd;                    /* the file, or -1: zero pages */
	volatile u64 seen, stored; /* pages that are read once; that are stored to */
	volatile u64 old, wrong;   /* pages whose second read was the old, or neither */
	volatile int tid;
};

static void
run_on(unsigned cpu)
{
	u64 mask = 1ul << cpu;

	EXPECT(sys(203, 0, sizeof(mask), &mask) == 0); /* sched_setaffinity */
}

static u64
tag_of(u64 i)
{
	return 0x1000 + i;
}

/* What stands behind the word that is stored to. */
static u64
rest_of(const struct work *w, u64 i)
{
	return w->fd < 0 ? 0 : ~i;
}

static int
reader(void *arg)
{
	struct work *w = arg;
	u64 i, before, after;

	run_on(1);
	for (i = 0; i < w->pages; i++) {
		before = w->p[i * PAGE / 8];
		w->seen = i + 1;
		while (w->stored <= i)
			__builtin_ia32_pause();
		after = w->p[i * PAGE / 8];
		if (after == before)
			w->old++;
		else if (after != tag_of(i) ||
		    w->p[i * PAGE / 8 + 1] != rest_of(w, i))
			w->wrong++;
	}
	return 0;
}

/* A private mapping of a file whose pages are not those tags. */
static volatile u64 *
file(struct work *w)
{
	u64 n = w->pages, i, two[2];
	volatile u64 *p;

	w->fd = open_new("/tmp/fault_sibling");
	EXPECT(w->fd >= 0);
	for (i = 0; i < n; i++) {
		two[0] = i;
		two[1] = ~i;
		EXPECT(pwrite(w->fd, two, 16, i * PAGE) == 16);
	}
	p = map(NULL, n * PAGE, PROT_R | PROT_W, MAP_PRIVATE, w->fd, 0);
	EXPECT((long)p > 0);
	return p;
}

int
main(int argc, char **argv)
{
	struct work w = { .pages = option(argv, "pages"), .fd = -1 };
	int zero = option_text(argv, "what")[0] == 'z';
	u64 i, two[2];

	w.p = zero ? (volatile u64 *)anon(w.pages) : file(&w);
	run_on(0);
	EXPECT(thread(reader, &w, &w.tid) > 0);
	mark(1);
	for (i = 0; i < w.pages; i++) {
		while (w.seen <= i)
			__builtin_ia32_pause();
		w.p[i * PAGE / 8] = tag_of(i);
		w.stored = i + 1;
	}
	thread_join(&w.tid);
	mark(2);
	answer("old", w.old);
	answer("wrong", w.wrong);
	for (i = 0; w.fd >= 0 && i < w.pages; i++)
		EXPECT(pread(w.fd, two, 16, i * PAGE) == 16 && two[0] == i &&
		    two[1] == ~i);
	return 0;
}
