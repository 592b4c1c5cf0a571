/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vad_rights.c: mprotect divides a mapping, and joins it again
 *
 * --what protect  M pages at page A become read-only; stores before, in, behind
 * --what merge    they become writable again; parts of a file with and without
 *                 a gap in their offsets stand side by side
 * --pages N --at A --middle M
 */
#include "libt.h"

static void
touch(u8 *p, u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		p[i * PAGE] = (u8)(i + 1);
}

static void
protect_middle(struct trap *t, u64 n, u64 at, u64 m)
{
	u8 *p = anon(n);

	touch(p, n);
	mark(1);
	EXPECT(protect(p + at * PAGE, m * PAGE, PROT_R) == 0);
	EXPECT(try_store(t, p + (at - 1) * PAGE, 9) == 0);
	EXPECT(try_store(t, p + at * PAGE + 5, 9) == SIGSEGV);
	EXPECT(t->code == SEGV_ACCERR);
	EXPECT(t->addr == (u64)p + at * PAGE + 5);
	EXPECT(try_store(t, p + (at + m) * PAGE, 9) == 0);
	mark(2);
	EXPECT(try_load(t, p + at * PAGE) == 0);
	EXPECT(p[at * PAGE] == (u8)(at + 1));
	EXPECT(p[(at - 1) * PAGE] == 9 && p[(at + m) * PAGE] == 9);
}

/* Two parts of one file, the second from page off on, side by side. */
static u8 *
two_parts(int fd, u64 n, u64 off)
{
	u8 *p = map(NULL, 2 * n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1,
	    0);

	EXPECT((long)p > 0);
	EXPECT(map(p, n * PAGE, PROT_R, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	EXPECT(map(p + n * PAGE, n * PAGE, PROT_R | PROT_W,
	    MAP_SHARED | MAP_FIXED, fd, off * PAGE) == p + n * PAGE);
	return p;
}

static void
merge(u64 n, u64 at, u64 m)
{
	long fd = open_new("/tmp/vad_rights");
	u8 *p = anon(n), *joins, *stays;
	u64 i;

	EXPECT(fd >= 0);
	for (i = 0; i < 3 * n; i++)
		EXPECT(pwrite((int)fd, &i, 8, i * PAGE) == 8);
	joins = two_parts((int)fd, n, n);
	stays = two_parts((int)fd, n, 2 * n);
	touch(p, n);
	EXPECT(protect(p + at * PAGE, m * PAGE, PROT_R) == 0);
	mark(1);
	EXPECT(protect(p + at * PAGE, m * PAGE, PROT_R | PROT_W) == 0);
	mark(2);
	touch(p, n);
	mark(3);
	EXPECT(protect(joins, n * PAGE, PROT_R | PROT_W) == 0);
	EXPECT(protect(stays, n * PAGE, PROT_R | PROT_W) == 0);
	mark(4);
	for (i = 0; i < n; i++) {
		EXPECT(*(u64 *)(joins + i * PAGE) == i);
		EXPECT(*(u64 *)(joins + (n + i) * PAGE) == n + i);
		EXPECT(*(u64 *)(stays + i * PAGE) == i);
		EXPECT(*(u64 *)(stays + (n + i) * PAGE) == 2 * n + i);
	}
}

int
main(int argc, char **argv)
{
	u64 n = option(argv, "pages"), at = option(argv, "at");
	u64 m = option(argv, "middle");
	struct trap t;

	trap_begin(&t);
	if (option_text(argv, "what")[0] == 'p')
		protect_middle(&t, n, at, m);
	else
		merge(n, at, m);
	return 0;
}
