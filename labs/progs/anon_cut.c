/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon_cut.c: a file of memory is cut, grows again, and ends
 *
 * --what shrink   --pages mapped and full; cut to --keep pages and --part bytes,
 *                 grown again
 * --what life     unmapped, then closed; closed, then unmapped; by two processes
 */
#include "libt.h"

/* A memfd of so many pages, mapped, every byte stored to. */
static u8 *
full(u64 pages, int *fd)
{
	u8 *p;
	u64 i;

	*fd = (int)sys(319, "anon_cut", 0, 0);
	EXPECT(*fd >= 0 && sys(77, *fd, pages * PAGE, 0) == 0);
	p = map(NULL, pages * PAGE, PROT_R | PROT_W, MAP_SHARED, *fd, 0);
	EXPECT((long)p > 0);
	for (i = 0; i < pages; i++)
		__builtin_memset(p + i * PAGE, (int)(i | 128), PAGE);
	return p;
}

/* Words from a to b that are not as i | 128 in each byte. */
static u64
changed(const u8 *p, u64 from, u64 to)
{
	u64 i, n = 0;

	for (i = from; i < to; i++)
		n += p[i] != (u8)(i / PAGE | 128);
	return n;
}

static u64
not_zero(const u8 *p, u64 from, u64 to)
{
	u64 i, n = 0;

	for (i = from; i < to; i++)
		n += p[i] != 0;
	return n;
}

static void
shrink(u64 pages, u64 keep, u64 part)
{
	u64 bytes = keep * PAGE + part, i, alive = 0;
	struct trap t;
	int fd;
	u8 *p = full(pages, &fd);

	trap_begin(&t);
	mark(1);
	EXPECT(sys(77, fd, bytes, 0) == 0);
	mark(2);
	for (i = keep + 1; i < pages; i++)
		alive += try_load(&t, p + i * PAGE) != SIGBUS;
	answer("alive", alive);
	answer("changed", changed(p, 0, bytes));
	answer("tail", not_zero(p, bytes, (keep + 1) * PAGE));
	mark(3);
	EXPECT(sys(77, fd, pages * PAGE, 0) == 0);
	answer("grown", not_zero(p, bytes, pages * PAGE));
	mark(4);
	answer("kept", changed(p, 0, bytes));
	unmap(p, pages * PAGE);
	close(fd);
}

static int
child_looks(void *arg)
{
	u8 *p = arg;

	return p[0] == 128 && p[PAGE] == 129 ? 0 : 1;
}

static void
life(u64 pages)
{
	u8 byte = 0;
	int fd;
	u8 *p = full(pages, &fd);

	mark(1);
	unmap(p, pages * PAGE);
	mark(2);
	EXPECT(pread(fd, &byte, 1, (pages - 1) * PAGE) == 1);
	EXPECT(byte == (u8)((pages - 1) | 128));
	mark(3);
	close(fd);
	mark(4);
	p = full(pages, &fd);
	mark(5);
	close(fd);
	EXPECT(wait_for(child(child_looks, p)) == 0);
	mark(6);
	EXPECT(changed(p, 0, pages * PAGE) == 0);
	mark(7);
	unmap(p, pages * PAGE);
	mark(8);
}

int
main(int argc, char **argv)
{
	u64 pages = option(argv, "pages");

	if (option_text(argv, "what")[0] == 's')
		shrink(pages, option(argv, "keep"), option(argv, "part"));
	else
		life(pages);
	return 0;
}
