/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amap_pages.c: pages that have a record each, before and behind a fork
 *
 * --what touch   pages are read, every other one, and then stored to
 * --what file    a file of --pages, mapped privately: all are read, --writes are
 *                stored to; --data names it
 * --what fork    a child stores to --writes of --pages pages
 * --what two     two processes and two pages, the example of the book
 * --what late    a child reads, stores once, stores to --writes
 * --what reads   a child reads, and ends
 * --what swap    pages on swap that two have: both read them
 * --what once    parent and child store to the same page at once
 *
 * What is counted lies between the marks 1 and 2, 3 and 4, and so on.
 */
#include "libt.h"

#define MADV_PAGEOUT 21
#define TRIES 60

struct work {
	u8 *p;
	u64 pages, writes;
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
put_all(const struct work *w, u64 n, u64 version)
{
	u64 i;

	for (i = 0; i < n; i++)
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
give(const struct work *w, u64 turn)
{
	*w->turn = turn;
}

static void
wait_turn(const struct work *w, u64 turn)
{
	while (*w->turn != turn)
		yield();
}

/* ---- an anon for each page ---- */

static void
touch(struct work *w)
{
	u64 i;

	mark(1);
	for (i = 0; i < w->pages; i += 2)
		EXPECT(w->p[i * PAGE + i % PAGE] == 0);
	put_all(w, w->pages, 1);
	mark(2);
	EXPECT(all_are(w, 0, w->pages, 1));
	mark(3);
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	mark(4);
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

static void
drop_caches(void)
{
	long fd;

	EXPECT(sys6(165, (long)"proc", (long)"/t", (long)"proc", 0, 0, 0) == 0);
	fd = open("/t/sys/vm/drop_caches", 1);
	EXPECT(fd >= 0 && pwrite((int)fd, "1", 1, 0) == 1);
	close((int)fd);
}

static void
file(struct work *w, const char *path)
{
	long fd = open(path, O_RDWR);
	u64 i, tag, sum = 0;
	const u8 *b;

	EXPECT(fd >= 0);
	w->p = map(NULL, w->pages * PAGE, PROT_R | PROT_W, MAP_PRIVATE, (int)fd, 0);
	mark(1);
	for (b = w->p; b < w->p + w->pages * PAGE; b++)
		sum += *b;
	mark(2);
	answer("sum", sum);
	mark(3);
	put_all(w, w->writes, 1);
	mark(4);
	/* Neither does the file change, nor what was stored when the file does. */
	for (i = 0; i < w->pages; i++) {
		EXPECT(pread((int)fd, &tag, 8, i * PAGE) == 8);
		EXPECT(tag != (1ul << 32 | i));
		tag = 2ul << 32 | i;
		EXPECT(pwrite((int)fd, &tag, 8, i * PAGE) == 8);
		EXPECT(pwrite((int)fd, &tag, 8, i * PAGE + PAGE - 8) == 8);
	}
	EXPECT(all_are(w, 0, w->writes, 1));
	EXPECT(all_are(w, w->writes, w->pages, 2));
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	/* Nobody needs the pages: the kernel can drop them all. */
	EXPECT(sys(74, fd, 0, 0) == 0);
	mark(5);
	drop_caches();
	mark(6);
	w->p = map(NULL, w->pages * PAGE, PROT_R, MAP_SHARED, (int)fd, 0);
	EXPECT(in_memory(w) == 0);
}

/* ---- a fork ---- */

static int
stores_some(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	mark(3);
	EXPECT(all_are(w, 0, w->pages, 1));
	put_all(w, w->writes, 2);
	mark(4);
	EXPECT(all_are(w, 0, w->writes, 2));
	give(w, 2);
	wait_turn(w, 3);
	EXPECT(all_are(w, 0, w->writes, 2));
	EXPECT(all_are(w, w->writes, w->pages, 1));
	return 0;
}

static void
forked(struct work *w)
{
	long pid;

	put_all(w, w->pages, 1);
	mark(1);
	pid = child(stores_some, w);
	mark(2);
	EXPECT(pid > 0);
	give(w, 1);
	wait_turn(w, 2);
	EXPECT(all_are(w, 0, w->pages, 1));
	/* What the child has copied is the parent's alone; the rest is not. */
	mark(5);
	put_all(w, w->pages, 3);
	mark(6);
	give(w, 3);
	EXPECT(wait_for(pid) == 0);
	EXPECT(all_are(w, 0, w->pages, 3));
}

static int
second(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	mark(5);
	put(w, 1, 'b');
	mark(6);
	give(w, 2);
	wait_turn(w, 3);
	EXPECT(is_of(w, 0, 'x') && is_of(w, 1, 'b'));
	return 0;
}

static void
two(struct work *w)
{
	long pid;

	mark(1);
	put(w, 0, 'x');
	put(w, 1, 'y');
	mark(2);
	mark(3);
	pid = child(second, w);
	mark(4);
	EXPECT(pid > 0);
	give(w, 1);
	wait_turn(w, 2);
	EXPECT(is_of(w, 1, 'y'));
	mark(7);
	put(w, 1, 'a');
	mark(8);
	give(w, 3);
	EXPECT(wait_for(pid) == 0);
	mark(9);
	put(w, 0, 'z');
	mark(10);
	EXPECT(is_of(w, 0, 'z') && is_of(w, 1, 'a'));
}

/* ---- late ---- */

static int
reads_then_stores(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	mark(3);
	EXPECT(all_are(w, 0, w->pages, 1));
	mark(4);
	put(w, 0, 2);
	mark(5);
	put_all(w, w->writes, 2);
	mark(6);
	EXPECT(all_are(w, 0, w->writes, 2));
	EXPECT(all_are(w, w->writes, w->pages, 1));
	return 0;
}

static void
late(struct work *w)
{
	long pid;

	put_all(w, w->pages, 1);
	mark(1);
	pid = child(reads_then_stores, w);
	mark(2);
	give(w, 1);
	EXPECT(pid > 0 && wait_for(pid) == 0);
	EXPECT(all_are(w, 0, w->pages, 1));
	mark(7);
	put_all(w, w->pages, 3);
	mark(8);
	EXPECT(all_are(w, 0, w->pages, 3));
}

static int
reads_all(void *arg)
{
	struct work *w = arg;

	EXPECT(all_are(w, 0, w->pages, 1));
	return 0;
}

static void
reads(struct work *w)
{
	long pid;

	put_all(w, w->pages, 1);
	mark(1);
	pid = child(reads_all, w);
	EXPECT(pid > 0 && wait_for(pid) == 0);
	mark(2);
	mark(3);
	put_all(w, w->pages, 2);
	mark(4);
	EXPECT(all_are(w, 0, w->pages, 2));
}

/* ---- swap ---- */

static void
out(const struct work *w)
{
	int i;

	for (i = 0; i < TRIES && in_memory(w) != 0; i++) {
		EXPECT(sys(28, w->p, w->pages * PAGE, MADV_PAGEOUT) == 0);
		nap();
	}
	EXPECT(in_memory(w) == 0);
}

/* Maps nothing until its turn has come. */
static int
reads_in_turn(void *arg)
{
	struct work *w = arg;

	wait_turn(w, 1);
	EXPECT(all_are(w, 0, w->pages, 1));
	give(w, 2);
	wait_turn(w, 3);
	return 0;
}

static void
swapped(struct work *w)
{
	long pid;

	put_all(w, w->pages, 1);
	pid = child(reads_in_turn, w);
	EXPECT(pid > 0);
	out(w);
	mark(1);
	give(w, 1);
	wait_turn(w, 2);
	EXPECT(all_are(w, 0, w->pages, 1));
	mark(2);
	give(w, 3);
	EXPECT(wait_for(pid) == 0);
	/* Out once more, and given up there. */
	out(w);
	mark(3);
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	mark(4);
}

/* ---- two at once ---- */

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

	put_all(w, w->pages, 1);
	mark(1);
	pid = child(stores_at_once, w);
	store_at_once(w, 2);
	EXPECT(pid > 0 && wait_for(pid) == 0);
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
	struct work w = { .pages = option(argv, "pages"),
		.writes = option(argv, "writes") };

	w.turn = shared(1);
	w.turn[0] = 0;
	w.turn[2] = w.turn[3] = 0;
	if (is(what, "file")) {
		file(&w, option_text(argv, "data"));
		return 0;
	}
	w.p = anon(w.pages);
	if (is(what, "touch"))
		touch(&w);
	else if (is(what, "fork"))
		forked(&w);
	else if (is(what, "two"))
		two(&w);
	else if (is(what, "late"))
		late(&w);
	else if (is(what, "reads"))
		reads(&w);
	else if (is(what, "out"))
		swapped(&w);
	else if (is(what, "once"))
		once(&w);
	else
		return 2;
	return 0;
}
