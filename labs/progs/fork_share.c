/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_share.c: what parent and child see of the same pages
 *
 * --what read       the child reads all pages
 * --what untouched  the child stores to pages that the parent never touched
 * --what write      the child stores to --writes of them; --data FILE fills them
 * --what both       child and parent store to the same --writes pages
 * --what kinds      shared memory, private memory, memory that is not forked
 * --what file       a private file mapping of which the parent changed pages
 * --pages N
 *
 * The child's work lies between the marks 1 and 2; mark 3 is before its fork.
 */
#include "libt.h"

struct work {
	u8 *p;           /* the pages */
	u64 pages, writes;
	u8 *other;       /* kinds: shared; then the mapping that is not forked */
	u8 *gone;
};

static u8
tag(u64 i)
{
	return (u8)(i * 7 + 3);
}

static void
fill_pages(u8 *p, u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		fill(p + i * PAGE, 16, tag(i));
}

/* Which page is the i-th to be written? */
static u64
chosen(const struct work *w, u64 i)
{
	return i * w->pages / w->writes;
}

static int
child_reads(void *arg)
{
	struct work *w = arg;
	u64 i;

	mark(1);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == tag(i));
	mark(2);
	return 0;
}

static int
child_stores_fresh(void *arg)
{
	struct work *w = arg;
	u64 i;

	mark(1);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + 1] = 9;
	mark(2);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == 0 && w->p[i * PAGE + 1] == 9);
	return 0;
}

static int
child_stores(void *arg)
{
	struct work *w = arg;
	u64 i, at;

	mark(1);
	for (i = 0; i < w->writes; i++) {
		at = chosen(w, i) * PAGE;
		w->p[at + 8] = (u8)~w->p[at + 8];
	}
	mark(2);
	return 0;
}

static u64
sum(const u8 *p, u64 n)
{
	u64 s = 0;

	while (n-- != 0)
		s += *p++;
	return s;
}

/* The child inverts a byte of some pages; then says what it sees. */
static int
child_stores_and_sums(void *arg)
{
	struct work *w = arg;
	u64 i, at;

	child_stores(arg);
	for (i = 0; i < w->writes; i++) {
		at = chosen(w, i) * PAGE;
		w->p[at + 8] = (u8)~w->p[at + 8];
	}
	answer("child", sum(w->p, w->pages * PAGE));
	return 0;
}

static void
read_data(struct work *w, const char *path)
{
	long fd = open(path, O_RDONLY);

	EXPECT(fd >= 0);
	EXPECT(pread((int)fd, w->p, w->pages * PAGE, 0) ==
	    (long)(w->pages * PAGE));
}

static void
both(struct work *w)
{
	u64 i;

	fill_pages(w->p, w->pages);
	mark(3);
	EXPECT(wait_for(child(child_stores, w)) == 0);
	for (i = 0; i < w->writes; i++)
		w->p[chosen(w, i) * PAGE + 1] = 5;
	mark(4);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == tag(i) && w->p[i * PAGE + 8] == tag(i));
}

/* Both live while both store: whose store is whose? */
static int
child_stores_late(void *arg)
{
	struct work *w = arg;
	volatile u8 *turn = w->other;
	u64 i;

	for (i = 0; i < w->writes; i++)
		w->p[chosen(w, i) * PAGE + 1] = 4;
	turn[0] = 1;
	while (turn[0] == 1)
		yield();
	for (i = 0; i < w->writes; i++) {
		EXPECT(w->p[chosen(w, i) * PAGE + 1] == 4);
		EXPECT(w->p[chosen(w, i) * PAGE] == tag(chosen(w, i)));
	}
	return 0;
}

static void
both_at_once(struct work *w)
{
	volatile u8 *turn;
	long pid;
	u64 i;

	fill_pages(w->p, w->pages);
	w->other = shared(1);
	turn = w->other;
	turn[0] = 0;
	mark(1);
	pid = child(child_stores_late, w);
	while (turn[0] == 0)
		yield();
	for (i = 0; i < w->writes; i++)
		w->p[chosen(w, i) * PAGE + 1] = 5;
	mark(2);
	turn[0] = 2;
	EXPECT(wait_for(pid) == 0);
	for (i = 0; i < w->writes; i++)
		EXPECT(w->p[chosen(w, i) * PAGE + 1] == 5);
}

static int
child_sees_kinds(void *arg)
{
	struct work *w = arg;
	struct trap t;

	trap_begin(&t);
	EXPECT(w->other[0] == 1);
	w->other[1] = 2;
	EXPECT(w->p[0] == tag(0));
	w->p[0] = 0;
	EXPECT(try_load(&t, w->gone) == SIGSEGV && t.code == SEGV_MAPERR);
	return 0;
}

static void
kinds(struct work *w)
{
	w->other = shared(w->pages);
	w->gone = anon(w->pages);
	fill_pages(w->p, w->pages);
	fill(w->gone, w->pages * PAGE, 1);
	fill(w->other, w->pages * PAGE, 1);
	EXPECT(sys(28, w->gone, w->pages * PAGE, 10) == 0); /* DONTFORK */
	mark(1);
	EXPECT(wait_for(child(child_sees_kinds, w)) == 0);
	mark(2);
	EXPECT(w->other[1] == 2 && w->p[0] == tag(0) && w->gone[0] == 1);
}

/* Page i of the file says i; the parent has changed every page below writes. */
static int
child_sees_file(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == (i < w->writes ? 200 : tag(i)));
	return 0;
}

static void
file(struct work *w)
{
	long fd = open_new("/tmp/fork_share");
	u64 i;
	u8 byte;

	EXPECT(fd >= 0);
	for (i = 0; i < w->pages; i++) {
		byte = tag(i);
		EXPECT(pwrite((int)fd, &byte, 1, i * PAGE) == 1);
	}
	w->p = map(NULL, w->pages * PAGE, PROT_R | PROT_W, MAP_PRIVATE,
	    (int)fd, 0);
	EXPECT((long)w->p > 0);
	for (i = 0; i < w->writes; i++)
		w->p[i * PAGE] = 200;
	mark(1);
	EXPECT(wait_for(child(child_sees_file, w)) == 0);
	mark(2);
	EXPECT(pread((int)fd, &byte, 1, 0) == 1 && byte == tag(0));
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

	w.p = anon(w.pages);
	if (is(what, "read")) {
		fill_pages(w.p, w.pages);
		mark(3);
		EXPECT(wait_for(child(child_reads, &w)) == 0);
	} else if (is(what, "untouched")) {
		mark(3);
		EXPECT(wait_for(child(child_stores_fresh, &w)) == 0);
		EXPECT(w.p[0] == 0 && w.p[(w.pages - 1) * PAGE + 1] == 0);
	} else if (is(what, "kinds")) {
		kinds(&w);
	} else {
		w.writes = option(argv, "writes");
		if (is(what, "write")) {
			read_data(&w, option_text(argv, "data"));
			mark(3);
			EXPECT(wait_for(child(child_stores_and_sums, &w)) == 0);
			answer("parent", sum(w.p, w.pages * PAGE));
		} else if (is(what, "both")) {
			both(&w);
		} else if (is(what, "once")) {
			both_at_once(&w);
		} else {
			file(&w);
		}
	}
	return 0;
}
