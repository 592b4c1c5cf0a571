/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_storm.c: forks of forks while memory is taken away, and reads come in
 *
 * Each round the parent stores to a quarter of its pages, has them written to
 * swap, and forks; children and grandchildren look at all pages and store to
 * some, all at the same time.  A thread of the parent reads a file into memory
 * that is being forked; another child does nothing but fork, until it is killed.
 *
 * --pages N    of the parent
 * --rounds R   each with three children
 */
#include "libt.h"

#define FAMILY 3
#define BUFFER 6ul         /* pages that the thread reads into */
#define SIGKILL 9
#define PAGEOUT 21         /* madvise */
#define OWN 1000ul         /* first version of a child's own stores */

struct work {
	u8 *p, *buffer;
	u64 pages, round, me;
	int fd;
	volatile int stop, tid;
};

/* ---- pages that say who wrote them ---- */

static void
put(const struct work *w, u64 i, u64 version)
{
	volatile u64 *v = (volatile u64 *)(w->p + i * PAGE);

	v[0] = version << 32 | i;
	v[PAGE / 8 - 1] = version << 32 | i;
}

static int
is_of(const struct work *w, u64 i, u64 version)
{
	volatile u64 *v = (volatile u64 *)(w->p + i * PAGE);

	return v[0] == (version << 32 | i) && v[PAGE / 8 - 1] == v[0];
}

/* The round at which the parent has last stored to page i. */
static u64
version_of(u64 i, u64 round)
{
	return round - (round + 4 - i % 4) % 4;
}

static int
all_are(const struct work *w, u64 from)
{
	u64 i;

	for (i = from; i < w->pages; i++)
		if (!is_of(w, i, version_of(i, w->round)))
			return 0;
	return 1;
}

/* ---- children ---- */

/* Of its pages a child stores to these. */
static int
is_mine(const struct work *w, u64 i)
{
	return i % 5 == w->me % 5;
}

static int
has_all(const struct work *w)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		if (!is_of(w, i, is_mine(w, i) ? OWN + w->me :
		    version_of(i, w->round)))
			return 0;
	return 1;
}

static int
grandchild(void *arg)
{
	struct work w = *(struct work *)arg; /* ours: the parent goes on */

	return has_all(&w) ? 0 : 3;
}

static int
one_child(void *arg)
{
	struct work w = *(struct work *)arg;
	long pid;
	u64 i;

	if (!all_are(&w, 0))
		return 1;
	for (i = 0; i < w.pages; i++)
		if (is_mine(&w, i))
			put(&w, i, OWN + w.me);
	pid = child(grandchild, &w);
	if (pid < 0 || wait_for(pid) != 0)
		return 2;
	return has_all(&w) ? 0 : 4;
}

/* It ends while it forks, by force. */
static int
forker(void *arg)
{
	while (child(grandchild, arg) > 0)
		;
	return 0;
}

/* ---- the parent's other thread ---- */

static int
reads(void *arg)
{
	struct work *w = arg;
	u64 i;

	while (!w->stop) {
		fill(w->buffer, BUFFER * PAGE, 0);
		EXPECT(pread(w->fd, w->buffer, BUFFER * PAGE, 0) ==
		    (long)(BUFFER * PAGE));
		for (i = 0; i < BUFFER * PAGE; i += PAGE / 4)
			EXPECT(w->buffer[i] == 0xa5);
		nap();
	}
	return 0;
}

/* ---- the parent ---- */

static void
wait_all(void)
{
	int status;

	while (sys6(61, -1, (long)&status, 0, 0, 0, 0) > 0)
		;
}

static void
one_round(struct work *w)
{
	struct work of[FAMILY];
	long pid[FAMILY];
	u64 i, k;

	for (i = w->round % 4; i < w->pages; i += 4)
		put(w, i, w->round);
	sys(28, w->p, w->pages * PAGE, PAGEOUT);
	for (k = 0; k < FAMILY; k++) {
		of[k] = *w;
		of[k].me = k;
		pid[k] = child(one_child, &of[k]);
		EXPECT(pid[k] > 0);
	}
	EXPECT(all_are(w, 0));
	for (k = 0; k < FAMILY; k++)
		EXPECT(wait_for(pid[k]) == 0);
	EXPECT(all_are(w, 0));
}

int
main(int argc, char **argv)
{
	struct work w = { .pages = option(argv, "pages") };
	u64 rounds = option(argv, "rounds"), i;
	long pid;

	w.p = anon(w.pages);
	w.buffer = anon(BUFFER);
	w.fd = open_new("/tmp/fork_storm");
	fill(w.buffer, BUFFER * PAGE, 0xa5);
	EXPECT(pwrite(w.fd, w.buffer, BUFFER * PAGE, 0) ==
	    (long)(BUFFER * PAGE));
	w.round = 3;
	for (i = 0; i < w.pages; i++)
		put(&w, i, version_of(i, w.round));
	EXPECT(thread(reads, &w, &w.tid) > 0);
	mark(1);
	for (i = 0; i < rounds; i++) {
		w.round++;
		one_round(&w);
	}
	mark(2);
	pid = child(forker, &w);
	EXPECT(pid > 0);
	for (i = 0; i < 5; i++)
		nap();
	EXPECT(sys(62, pid, SIGKILL, 0) == 0);
	wait_all();
	EXPECT(all_are(&w, 0));
	w.stop = 1;
	thread_join(&w.tid);
	return 0;
}
