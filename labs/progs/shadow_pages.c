/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow_pages.c: chains of objects that grow by forks and are shortened by ends
 *
 * --what forks    --writes children, one after the other: each stores, and ends
 * --what only     a child ends, the parent has stored to none of --pages
 * --what both     the same; the parent has stored to --writes of them
 * --what out      the same, pages are on swap
 * --what servers  --writes children stay; before each fork the parent stores to all
 * --what partly   the same, and it stores to every other page
 * --what once     a parent ends while its child, on another processor, faults
 * --what relay    --writes generations: each forks the next one, and ends
 *
 * What is counted lies between the marks 1 and 2, 3 and 4, and so on.
 */
#include "libt.h"

#define MADV_PAGEOUT 21
#define TRIES 60
#define ROUNDS 4

struct work {
	u8 *p;
	u64 pages, writes;
	volatile u64 *turn;  /* shared: [0], of each child from [8] on, pids from [64] on */
	u64 me;
};

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
	const volatile u64 *v = (const volatile u64 *)(w->p + i * PAGE);

	return v[0] == (version << 32 | i) && v[PAGE / 8 - 1] == v[0];
}

static void
put_some(const struct work *w, u64 lo, u64 hi, u64 step, u64 version)
{
	for (; lo < hi; lo += step)
		put(w, lo, version);
}

static int
some_are(const struct work *w, u64 lo, u64 hi, u64 step, u64 version)
{
	for (; lo < hi; lo += step)
		if (!is_of(w, lo, version))
			return 0;
	return 1;
}

static void
wait_turn(const struct work *w, u64 turn)
{
	u64 k;

	for (k = 0; *w->turn < turn; k++)
		if (k % 64 == 63)
			nap();
		else
			yield();
}

/* ---- children that end ---- */

static int
stores_one(void *arg)
{
	struct work *w = arg;

	EXPECT(some_are(w, 0, w->me, 1, 2) && some_are(w, w->me, w->pages, 1, 1));
	put(w, w->me, 3);
	return 0;
}

static int
reads_all(void *arg)
{
	struct work *w = arg;

	EXPECT(some_are(w, 0, w->pages, 1, 2));
	return 0;
}

/* Page i is of version 2 once child i has gone. */
static void
forks(struct work *w)
{
	long pid;

	EXPECT(w->writes == w->pages);
	put_some(w, 0, w->pages, 1, 1);
	mark(1);
	for (w->me = 0; w->me < w->writes; w->me++) {
		pid = child(stores_one, w);
		EXPECT(pid > 0 && wait_for(pid) == 0);
		put(w, w->me, 2);
	}
	mark(2);
	mark(3);
	pid = child(reads_all, w);
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(4);
	EXPECT(some_are(w, 0, w->pages, 1, 2));
}

/* It has all pages mapped as they were. */
static int
stays(void *arg)
{
	struct work *w = arg;

	EXPECT(some_are(w, 0, w->pages, 1, 1));
	*w->turn = 1;
	wait_turn(w, 2);
	EXPECT(some_are(w, 0, w->pages, 1, 1));
	return 0;
}

static void
child_ends(struct work *w, u64 stored)
{
	long pid;

	put_some(w, 0, w->pages, 1, 1);
	pid = child(stays, w);
	wait_turn(w, 1);
	put_some(w, 0, stored, 1, 2);
	mark(1);
	*w->turn = 2;
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(2);
	EXPECT(some_are(w, 0, stored, 1, 2));
	EXPECT(some_are(w, stored, w->pages, 1, 1));
	mark(3);
	put_some(w, 0, w->pages, 1, 3);
	mark(4);
	EXPECT(some_are(w, 0, w->pages, 1, 3));
}

static u64
in_memory(const struct work *w)
{
	u8 there[512];
	u64 i, n = 0;

	EXPECT(w->pages <= sizeof(there));
	EXPECT(sys(27, w->p, w->pages * PAGE, there) == 0);
	for (i = 0; i < w->pages; i++)
		n += there[i] & 1;
	return n;
}

static int
ends_in_turn(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	return 0;
}

static void
out(struct work *w)
{
	long pid;
	int i;

	put_some(w, 0, w->pages, 1, 1);
	for (i = 0; i < TRIES && in_memory(w) != 0; i++) {
		EXPECT(sys(28, w->p, w->pages * PAGE, MADV_PAGEOUT) == 0);
		nap();
	}
	EXPECT(in_memory(w) == 0);
	pid = child(ends_in_turn, w);
	mark(1);
	*w->turn = 1;
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(2);
	mark(3);
	EXPECT(some_are(w, 0, w->pages, 1, 1));
	mark(4);
	mark(5);
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	mark(6);
}

/* ---- children that stay ---- */

static int
serves(void *arg)
{
	struct work w = *(struct work *)arg;
	u64 step = w.me >> 32, version = w.me & 0xffffffff;

	/* The stack that w is on is shared. */
	w.turn[7 + version] = 1;
	wait_turn(&w, 1);
	EXPECT(some_are(&w, 0, w.pages, step, version));
	EXPECT(step == 1 || some_are(&w, 1, w.pages, step, 1));
	return 0;
}

/* A child that is forked last reads all. */
static int
is_last(void *arg)
{
	struct work *w = arg;
	u64 step = w->me >> 32;

	mark(3);
	EXPECT(some_are(w, 0, w->pages, step, w->writes + 1));
	EXPECT(step == 1 || some_are(w, 1, w->pages, step, 1));
	mark(4);
	return 0;
}

static void
servers(struct work *w, u64 step)
{
	long pid[32];
	u64 i;

	EXPECT(w->writes <= 32);
	put_some(w, 0, w->pages, 1, 1);
	mark(1);
	for (i = 0; i < w->writes; i++) {
		w->me = step << 32 | (i + 1);
		pid[i] = child(serves, w);
		EXPECT(pid[i] > 0);
		while (w->turn[8 + i] == 0)
			nap();
		put_some(w, 0, w->pages, step, i + 2);
	}
	mark(2);
	i = (u64)child(is_last, w);
	EXPECT(wait_for((long)i) == 0);
	*w->turn = 1;
	for (i = 0; i < w->writes; i++)
		EXPECT(wait_for(pid[i]) == 0);
	mark(5);
	EXPECT(some_are(w, 0, w->pages, step, w->writes + 1));
	mark(6);
}

/* ---- a parent that ends ---- */

/* Reads and stores, page by page, from both ends, while what is behind it moves. */
static int
outlives(void *arg)
{
	struct work *w = arg;
	u64 i, j;

	for (i = 0; i < w->pages; i++) {
		j = i % 2 == 0 ? i / 2 : w->pages - 1 - i / 2;
		EXPECT(is_of(w, j, 1));
		if (i % 3 == 0)
			put(w, j, 2);
	}
	for (i = 0; i < w->pages; i++) {
		j = i % 2 == 0 ? i / 2 : w->pages - 1 - i / 2;
		EXPECT(is_of(w, j, i % 3 == 0 ? 2 : 1));
	}
	return 0;
}

static int
ends_first(void *arg)
{
	struct work *w = arg;

	w->turn[64 + w->me] = (u64)child(outlives, w);
	return 0;
}

static void
once(struct work *w)
{
	long pid;

	put_some(w, 0, w->pages, 1, 1);
	mark(1);
	for (w->me = 0; w->me < ROUNDS; w->me++) {
		pid = child(ends_first, w);
		EXPECT(pid > 0 && wait_for(pid) == 0);
		EXPECT(wait_for((long)w->turn[64 + w->me]) == 0);
	}
	mark(2);
	EXPECT(some_are(w, 0, w->pages, 1, 1));
}

/* Generation g stores to page g % pages, after it has looked at all. */
static int
hands_on(void *arg)
{
	struct work *w = arg;
	u64 i, g = w->me, n = w->pages;

	for (i = 0; i < n; i++)
		EXPECT(is_of(w, i, g <= i ? 1 : 2 + (g - 1 - i) / n));
	put(w, g % n, 2 + g / n);
	w->me = g + 1;
	if (g + 1 < w->writes)
		w->turn[64 + g] = (u64)child(hands_on, w);
	return 0;
}

static void
relay(struct work *w)
{
	long pid;
	u64 g;

	EXPECT(w->writes <= 256);
	put_some(w, 0, w->pages, 1, 1);
	w->me = 0;
	mark(1);
	pid = child(hands_on, w);
	EXPECT(pid > 0 && wait_for(pid) == 0);
	for (g = 0; g + 1 < w->writes; g++)
		EXPECT(wait_for((long)w->turn[64 + g]) == 0);
	mark(2);
	EXPECT(some_are(w, 0, w->pages, 1, 1));
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
	struct work w = { .pages = option(argv, "pages"),
		.writes = option(argv, "writes") };

	w.turn = shared(1);
	w.p = anon(w.pages);
	if (is(what, "forks"))
		forks(&w);
	else if (is(what, "only"))
		child_ends(&w, 0);
	else if (is(what, "both"))
		child_ends(&w, w.writes);
	else if (is(what, "out"))
		out(&w);
	else if (is(what, "servers"))
		servers(&w, 1);
	else if (is(what, "partly"))
		servers(&w, 2);
	else if (is(what, "once"))
		once(&w);
	else if (is(what, "relay"))
		relay(&w);
	else
		return 2;
	return 0;
}
