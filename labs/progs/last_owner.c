/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_owner.c: who still has a page, when others let it go
 *
 * --what exit         the child exits, then the parent unmaps
 * --what half         the child unmaps half, which it has not touched
 * --what reuse        the child exits, the parent stores to all
 * --what both         the parent stores to all, then the child does
 * --what generations  five of them, one the child of the other; each stores to a
 *                     fifth
 * --what again        a second fork, while the first child lives
 * --what orders       four processes let go in each of 24 orders
 * --what once         parent and child store to the same page at once
 * --pages N
 *
 * Two processes take turns by a number in shared memory.
 */
#include "libt.h"

#define GENERATIONS 5ul

struct work {
	u8 *p;               /* the pages */
	u64 pages;
	volatile u64 *turn;  /* shared */
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
put_all(const struct work *w, u64 version)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		put(w, i, version);
}

static int
all_are(const struct work *w, u64 lo, u64 hi, u64 version)
{
	u64 i;

	for (i = lo; i < hi; i++)
		if (!is_of(w, i, version))
			return 0;
	return 1;
}

static void
wait_turn(const struct work *w, u64 turn)
{
	while (*w->turn != turn)
		yield();
}

/* ---- to zero ---- */

static int
reads_half(void *arg)
{
	struct work *w = arg;

	EXPECT(all_are(w, 0, w->pages / 2, 1));
	return 0;
}

static void
exit_both(struct work *w)
{
	long pid;

	mark(1);
	pid = child(reads_half, w);
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(2);
	EXPECT(all_are(w, 0, w->pages, 1));
	mark(3);
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	mark(4);
}

static int
unmaps_half(void *arg)
{
	struct work *w = arg;
	u64 half = w->pages / 2;

	mark(1);
	EXPECT(unmap(w->p, half * PAGE) == 0);
	mark(2);
	EXPECT(all_are(w, half, w->pages, 1));
	return 0;
}

static void
half(struct work *w)
{
	EXPECT(wait_for(child(unmaps_half, w)) == 0);
	EXPECT(all_are(w, 0, w->pages, 1));
}

/* ---- reuse ---- */

static void
reuse(struct work *w)
{
	EXPECT(wait_for(child(reads_half, w)) == 0);
	mark(1);
	put_all(w, 2);
	mark(2);
	EXPECT(all_are(w, 0, w->pages, 2));
}

static int
stores_second(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	EXPECT(all_are(w, 0, w->pages, 1));
	put_all(w, 3);
	EXPECT(all_are(w, 0, w->pages, 3));
	return 0;
}

static void
both(struct work *w)
{
	long pid;

	mark(1);
	pid = child(stores_second, w);
	put_all(w, 2);
	*w->turn = 1;
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(2);
	EXPECT(all_are(w, 0, w->pages, 2));
}

/* ---- generations ---- */

static u64
fifth(const struct work *w, u64 k)
{
	return k * w->pages / GENERATIONS;
}

/* Generation me, of 1 to 5, has stored to fifths 0 to me - 1, with its ancestors. */
static int
has_its_own(const struct work *w)
{
	u64 k;

	for (k = 0; k < GENERATIONS; k++)
		if (!all_are(w, fifth(w, k), fifth(w, k + 1),
		    k < w->me ? 10 + k : 1))
			return 0;
	return 1;
}

static int
generation(void *arg)
{
	struct work w = *(struct work *)arg;
	u64 i;

	w.me++;
	for (i = fifth(&w, w.me - 1); i < fifth(&w, w.me); i++)
		put(&w, i, 10 + w.me - 1);
	EXPECT(has_its_own(&w));
	if (w.me < GENERATIONS)
		EXPECT(wait_for(child(generation, &w)) == 0);
	else
		mark(2);
	EXPECT(has_its_own(&w));
	return 0;
}

static void
generations(struct work *w)
{
	w->me = 0;
	mark(1);
	EXPECT(wait_for(child(generation, w)) == 0);
	EXPECT(has_its_own(w));
	mark(3);
	put_all(w, 2);
	mark(4);
	EXPECT(all_are(w, 0, w->pages, 2));
}

static int
reads_late(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	EXPECT(all_are(w, 0, w->pages, 1));
	return 0;
}

static void
again(struct work *w)
{
	long first = child(reads_late, w), second;

	mark(1);
	second = child(reads_late, w);
	mark(2);
	*w->turn = 1;
	EXPECT(wait_for(second) == 0);
	EXPECT(wait_for(first) == 0);
	mark(3);
	put_all(w, 2);
	mark(4);
	EXPECT(all_are(w, 0, w->pages, 2));
}

/* ---- orders ---- */

/* Child me reads so many thirds of the pages, and ends when it is told to. */
static int
ends_in_turn(void *arg)
{
	struct work w = *(struct work *)arg;

	w.turn[1 + w.me] = 1;
	EXPECT(all_are(&w, 0, w.me * w.pages / 2, 1));
	wait_turn(&w, w.me + 1);
	EXPECT(all_are(&w, 0, w.pages, 1));
	return 0;
}

/* order: four digits; 3 is the parent, which unmaps. */
static void
one_order(struct work *w, const u64 *order)
{
	struct work of[3];
	long pid[3];
	u64 k;

	w->p = anon(w->pages);
	put_all(w, 1);
	*w->turn = 0;
	for (k = 0; k < 3; k++) {
		of[k] = *w;
		of[k].me = k;
		w->turn[1 + k] = 0;
		pid[k] = child(ends_in_turn, &of[k]);
		EXPECT(pid[k] > 0);
	}
	for (k = 0; k < 3; k++)
		while (w->turn[1 + k] == 0)
			yield();
	for (k = 0; k < 4; k++) {
		if (order[k] == 3) {
			EXPECT(unmap(w->p, w->pages * PAGE) == 0);
		} else {
			*w->turn = order[k] + 1;
			EXPECT(wait_for(pid[order[k]]) == 0);
		}
	}
}

static void
orders(struct work *w)
{
	u64 k, j, rest, left[4], order[4];

	unmap(w->p, w->pages * PAGE);
	mark(1);
	for (k = 0; k < 24; k++) {
		for (j = 0; j < 4; j++)
			left[j] = j;
		rest = k;
		for (j = 0; j < 4; j++) {
			u64 at = rest % (4 - j);

			rest /= 4 - j;
			order[j] = left[at];
			left[at] = left[3 - j];
		}
		one_order(w, order);
	}
	mark(2);
}

/* Page i is stored to when the other one is there, too. */
static void
store_at_once(struct work *w, u64 version)
{
	volatile u64 *mine = &w->turn[2 + w->me], *other = &w->turn[3 - w->me];
	u64 i, k;

	for (i = 0; i < w->pages; i++) {
		*mine = i + 1;
		for (k = 0; *other < i + 1; k++)
			if (k % 16 == 15)
				nap();
			else
				yield();
		put(w, i, version);
	}
}

static int
stores_at_once(void *arg)
{
	struct work w = *(struct work *)arg;

	w.me = 1;
	store_at_once(&w, 3);
	EXPECT(all_are(&w, 0, w.pages, 3));
	return 0;
}

static void
once(struct work *w)
{
	long pid;

	w->me = 0;
	mark(1);
	pid = child(stores_at_once, w);
	store_at_once(w, 2);
	EXPECT(wait_for(pid) == 0);
	mark(2);
	EXPECT(all_are(w, 0, w->pages, 2));
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

	w.turn = shared(1);
	w.turn[0] = 0;
	w.turn[2] = w.turn[3] = 0;
	w.p = anon(w.pages);
	put_all(&w, 1);
	if (is(what, "exit"))
		exit_both(&w);
	else if (is(what, "half"))
		half(&w);
	else if (is(what, "reuse"))
		reuse(&w);
	else if (is(what, "both"))
		both(&w);
	else if (is(what, "generations"))
		generations(&w);
	else if (is(what, "again"))
		again(&w);
	else if (is(what, "orders"))
		orders(&w);
	else if (is(what, "once"))
		once(&w);
	else
		return 2;
	return 0;
}
