/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vad_rights.c: mprotect divides a mapping, and joins it again
 *
 * --what protect  M pages at page A become read-only; stores before, in, behind
 * --what merge    they become writable again; parts of a file with and without
 *                 a gap in their offsets stand side by side
 * --what limits   a file opened for reading stays as it is; pages without any
 *                 right cannot be read
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

/*
 * Two mappings of one file side by side, of which one may be written.  Neither
 * gets the other's rights.
 */
static void
side_by_side(struct trap *t, u64 n, int ro, int rw, u64 writable)
{
	u8 *p = map(NULL, 2 * n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1,
	    0);
	u64 half = n * PAGE;

	EXPECT((long)p > 0);
	EXPECT(map(p, half, PROT_R, MAP_SHARED | MAP_FIXED,
	    writable == 0 ? rw : ro, 0) == p);
	EXPECT(map(p + half, half, PROT_R, MAP_SHARED | MAP_FIXED,
	    writable == 0 ? ro : rw, half) == p + half);
	EXPECT(protect(p + (1 - writable) * half, PAGE, PROT_R | PROT_W) ==
	    -EACCES);
	EXPECT(try_store(t, p + (1 - writable) * half + 7, 9) == SIGSEGV);
	EXPECT(protect(p + writable * half, half, PROT_R | PROT_W) == 0);
	EXPECT(try_store(t, p + writable * half + 8, 5) == 0);
	EXPECT(try_store(t, p + (1 - writable) * half + 7, 9) == SIGSEGV);
	EXPECT(unmap(p, 2 * half) == 0);
}

static void
limits(struct trap *t, u64 n)
{
	int rw = (int)open("/tmp/vad_limits", O_RDWR | O_CREAT);
	int ro = (int)open("/tmp/vad_limits", O_RDONLY);
	u8 *p = anon(n), byte;
	u64 i;

	EXPECT(rw >= 0 && ro >= 0);
	for (i = 0; i < 2 * n; i++)
		EXPECT(pwrite(rw, "x", 1, i * PAGE + 7) == 1);
	mark(1);
	side_by_side(t, n, ro, rw, 0);
	side_by_side(t, n, ro, rw, 1);
	mark(2);
	for (i = 0; i < 2 * n; i++)
		EXPECT(pread(ro, &byte, 1, i * PAGE + 7) == 1 && byte == 'x');
	EXPECT(pread(ro, &byte, 1, 8) == 1 && byte == 5);
	EXPECT(pread(ro, &byte, 1, n * PAGE + 8) == 1 && byte == 5);
	touch(p, n);
	EXPECT(protect(p, n * PAGE, PROT_NONE) == 0);
	EXPECT(try_load(t, p) == SIGSEGV);
	EXPECT(try_load(t, p + (n - 1) * PAGE) == SIGSEGV);
	EXPECT(protect(p, n * PAGE, PROT_R) == 0);
	EXPECT(p[0] == 1 && p[(n - 1) * PAGE] == (u8)n);
	EXPECT(try_store(t, p, 3) == SIGSEGV);
	EXPECT(protect(p, n * PAGE, PROT_NONE) == 0);
	EXPECT(try_load(t, p) == SIGSEGV);
	EXPECT(close(ro) == 0 && close(rw) == 0);
	EXPECT(sys(87, "/tmp/vad_limits", 0, 0) == 0); /* unlink */
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	u64 n = option(argv, "pages");
	struct trap t;

	trap_begin(&t);
	if (what[0] == 'l')
		limits(&t, n);
	else if (what[0] == 'p')
		protect_middle(&t, n, option(argv, "at"), option(argv, "middle"));
	else
		merge(n, option(argv, "at"), option(argv, "middle"));
	return 0;
}
