/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon_share.c: pages that belong to an object, seen by all who map it
 *
 * --what fork     parent and child store to all of --pages shared pages
 * --what memfd    --pages of a memfd, written, mapped from page --from on
 *                 (--data FILE fills them), stored to and read
 * --what four     four processes load from each of --pages pages
 */
#include "libt.h"

enum { WAITING, STORING, STORED };

struct work {
	u8 *p;
	u64 pages;
	volatile u64 *turn;      /* shared */
	u64 who;
};

/* Let the others get on: also where they run on our CPU. */
static void
wait_until(volatile u64 *turn, u64 value)
{
	while (*turn != value)
		yield();
}

static void
begin(struct work *w)
{
	w->p = shared(w->pages);
	w->turn = (volatile u64 *)shared(1);
	*w->turn = WAITING;
}

/* ---- parent and child ---- */

static int
child_stores(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + 1] = (u8)(i + 1);
	*w->turn = STORING;
	wait_until(w->turn, STORED);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == (u8)(i + 2));
	return 0;
}

static void
both_store(struct work *w)
{
	long pid;
	u64 i;

	mark(1);
	pid = child(child_stores, w);
	EXPECT(pid > 0);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE] = (u8)(i + 2);
	wait_until(w->turn, STORING);
	*w->turn = STORED;
	EXPECT(wait_for(pid) == 0);
	mark(2);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == (u8)(i + 2) &&
		    w->p[i * PAGE + 1] == (u8)(i + 1));
}

/* ---- a file of memory ---- */

static u64
sum(const u8 *p, u64 n)
{
	u64 s = 0;

	while (n-- != 0)
		s += *p++;
	return s;
}

/* Bytes of the file of random bytes come to a file of memory. */
static void
copy_data(int to, const char *path, u64 pages)
{
	int from = (int)open(path, O_RDONLY);
	u8 *buf = anon(1);
	u64 i;

	EXPECT(from >= 0);
	for (i = 0; i < pages; i++) {
		EXPECT(pread(from, buf, PAGE, i * PAGE) == (long)PAGE);
		EXPECT(pwrite(to, buf, PAGE, i * PAGE) == (long)PAGE);
	}
	close(from);
	unmap(buf, PAGE);
}

static void
written_and_mapped(char **argv, u64 pages)
{
	u64 from = option(argv, "from"), i, n = pages - from;
	int fd = (int)sys(319, "anon_share", 0, 0);
	u8 *p, byte;

	EXPECT(fd >= 0 && sys(77, fd, pages * PAGE, 0) == 0);
	copy_data(fd, option_text(argv, "data"), pages);
	p = map(NULL, n * PAGE, PROT_R | PROT_W, MAP_SHARED, fd, from * PAGE);
	EXPECT((long)p > 0);
	answer("mapped", sum(p, n * PAGE));
	for (i = 0; i < n; i++) {
		p[i * PAGE + 9] = (u8)(from + i);
		EXPECT(pread(fd, &byte, 1, (from + i) * PAGE + 9) == 1);
		EXPECT(byte == (u8)(from + i));
	}
	for (i = 0; i < n; i++) {
		byte = (u8)(i * 3);
		EXPECT(pwrite(fd, &byte, 1, (from + i) * PAGE + 8) == 1);
		EXPECT(p[i * PAGE + 8] == byte && p[i * PAGE + 9] ==
		    (u8)(from + i));
	}
	unmap(p, n * PAGE);
	close(fd);
}

/* ---- four processes ---- */

#define OTHERS 3u

static int
child_loads(void *arg)
{
	struct work *w = arg;
	u64 i;

	wait_until(w->turn, w->who);
	*w->turn = 0;            /* here, and its stack and turn are mapped */
	wait_until(w->turn, 10 + w->who);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE] == (u8)i);
	*w->turn = 0;
	wait_until(w->turn, 20);
	return 0;
}

static void
four_load(struct work *w)
{
	long pid[OTHERS];
	u64 i;

	for (i = 0; i < OTHERS; i++) {
		w->who = i + 1;
		pid[i] = child(child_loads, w);
		*w->turn = i + 1;
		wait_until(w->turn, 0);
	}
	mark(1);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE] = (u8)i;
	for (i = 0; i < OTHERS; i++) {
		*w->turn = 11 + i;
		wait_until(w->turn, 0);
	}
	mark(2);
	*w->turn = 20;
	for (i = 0; i < OTHERS; i++)
		EXPECT(wait_for(pid[i]) == 0);
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

	if (is(what, "memfd")) {
		mark(1);
		written_and_mapped(argv, w.pages);
		mark(2);
		return 0;
	}
	begin(&w);
	if (is(what, "fork"))
		both_store(&w);
	else
		four_load(&w);
	return 0;
}
