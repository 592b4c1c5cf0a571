/*
 * ws_set.c: pages that a program has mapped, no more mapped, and back again
 *
 * --what life   a child maps, stores to, unmaps half of --pages pages and ends:
 *               its marks 1 to 2 are the stores, 2 to 3 the unmap; 4 to 5 its life
 * --what soft   --pages pages are written, no rights are left on them, then they
 *               are read: marks 1 to 2
 * --what hot    --hot pages are used between any two of --pages pages of a scan,
 *               with room for --limit; marks 1 to 2
 * --what race   a thread counts in --hot pages while the main thread's --pages
 *               pages push them out, --rounds times; "lost" must be 0
 */
#include "libt.h"

#define RLIMIT_RSS 5

struct work {
	u8 *p, *scan;
	u64 pages, hot, rounds;
	volatile u64 *stop;      /* shared: 1: end; [1]: how often each was counted */
	volatile int tid;
};

static u64
tag(u64 i)
{
	u64 state = i * 2654435761u + 1;

	return random_next(&state) | 1;
}

static volatile u64 *
word(u8 *p, u64 i)
{
	return (volatile u64 *)(p + i * PAGE + i % 500 * 8);
}

static void
limit(u64 pages)
{
	u64 rl[2] = { pages * PAGE, ~0ul };

	EXPECT(sys(160, RLIMIT_RSS, rl, 0) == 0);
}

/* ---- a life ---- */

static int
lives(void *arg)
{
	struct work *w = arg;
	u64 i;

	w->p = anon(w->pages);
	mark(1);
	for (i = 0; i < w->pages; i++)
		*word(w->p, i) = tag(i);
	mark(2);
	EXPECT(unmap(w->p, w->pages / 2 * PAGE) == 0);
	mark(3);
	return 0;
}

static int
nothing(void *arg)
{
	return 0;
}

static void
life(struct work *w)
{
	/* The first one brings what all children need of ours. */
	EXPECT(wait_for(child(nothing, NULL)) == 0);
	mark(4);
	EXPECT(wait_for(child(lives, w)) == 0);
	mark(5);
}

/* ---- without rights, and back ---- */

static void
soft(struct work *w)
{
	u64 i;

	w->p = anon(w->pages);
	for (i = 0; i < w->pages; i++)
		*word(w->p, i) = tag(i);
	EXPECT(protect(w->p, w->pages * PAGE, PROT_NONE) == 0);
	EXPECT(protect(w->p, w->pages * PAGE, PROT_R | PROT_W) == 0);
	mark(1);
	for (i = 0; i < w->pages; i++)
		EXPECT(*word(w->p, i) == tag(i));
	mark(2);
}

/* ---- hot pages and a scan ---- */

static void
touch_hot(struct work *w)
{
	u64 i;

	for (i = 0; i < w->hot; i++)
		++*word(w->p, i);
}

static void
hot(struct work *w, u64 fit)
{
	u64 i;

	limit(fit);
	w->p = anon(w->hot);
	w->scan = anon(w->pages);
	touch_hot(w);
	mark(1);
	for (i = 0; i < w->pages; i++) {
		w->scan[i * PAGE] = 1;
		touch_hot(w);
	}
	mark(2);
	for (i = 0; i < w->hot; i++)
		EXPECT(*word(w->p, i) == w->pages + 1);
}

/* ---- stores while pages go ---- */

static void
give_way(void)
{
	yield();
	__asm__ volatile("pause");
}

static int
counts(void *arg)
{
	struct work *w = arg;

	while (w->stop[0] == 0) {
		touch_hot(w);
		w->stop[1]++;
		give_way();
	}
	return 0;
}

static void
race(struct work *w, u64 fit)
{
	u64 i, r, was, lost = 0;

	limit(fit);
	w->p = anon(w->hot);
	w->scan = anon(w->pages);
	w->stop = (volatile u64 *)shared(1);
	w->stop[0] = 0;
	w->stop[1] = 0;
	EXPECT(thread(counts, w, &w->tid) > 0);
	mark(1);
	for (r = 0; r < w->rounds; r++) {
		for (i = 0; i < w->pages; i++) {
			*word(w->scan, i) = tag(i + r);
			if (i % 8 == 0)
				give_way();
		}
		for (was = w->stop[1]; w->stop[1] < was + 2;)
			give_way();
		for (i = 0; i < w->pages; i++)
			lost += *word(w->scan, i) != tag(i + r);
	}
	mark(2);
	w->stop[0] = 1;
	thread_join(&w->tid);
	for (i = 0; i < w->hot; i++)
		lost += *word(w->p, i) != w->stop[1];
	answer("lost", lost);
}

static int
is(const char *what, const char *name)
{
	return length(what) == length(name) && same(what, name, length(name));
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	struct work w = { .pages = option(argv, "pages") };

	if (is(what, "life")) {
		life(&w);
	} else if (is(what, "soft")) {
		soft(&w);
	} else {
		w.hot = option(argv, "hot");
		if (is(what, "hot")) {
			hot(&w, option(argv, "limit"));
		} else {
			w.rounds = option(argv, "rounds");
			race(&w, option(argv, "limit"));
		}
	}
	return 0;
}
