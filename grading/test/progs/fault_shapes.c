/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_shapes.c: the faults of lab 02 in other shapes
 *
 * --what backward  from the last page to the first, every --stride-th of them
 * --what string    one string instruction over the edge of two mappings
 * --what odd       a private file of --pages, of the last only --stride bytes
 * --pages N
 */
#include "libt.h"

static void
backward(u64 n, u64 stride)
{
	u8 *p = anon(n * stride);
	u64 i;

	mark(1);
	for (i = n; i-- > 0;)
		p[i * stride * PAGE + 4095] = (u8)i;
	mark(2);
	for (i = 0; i < n; i++)
		EXPECT(p[i * stride * PAGE + 4095] == (u8)i &&
		    p[i * stride * PAGE] == 0);
}

static void
string(u64 n)
{
	u8 *p = anon(2 * n), *from = anon(1), *to = p + n * PAGE - PAGE / 2;
	u64 i, left = PAGE;

	/* The upper half becomes a mapping of its own. */
	EXPECT(protect(p + n * PAGE, n * PAGE, PROT_R) == 0);
	EXPECT(protect(p + n * PAGE, PAGE, PROT_R | PROT_W) == 0);
	for (i = 0; i < PAGE; i++)
		from[i] = (u8)(i * 3 + 1);
	mark(1);
	__asm__ volatile("rep movsb"
	    : "+D"(to), "+S"(from), "+c"(left) : : "memory");
	mark(2);
	for (i = 0; i < PAGE; i++)
		EXPECT(p[n * PAGE - PAGE / 2 + i] == (u8)(i * 3 + 1));
}

static void
odd(u64 n, u64 rest)
{
	u64 size = (n - 1) * PAGE + rest, i;
	u8 *from = anon(n + 1), *p, was, now;
	struct trap t;
	int fd = open_new("/tmp/odd");

	for (i = 0; i < size; i++)
		from[i] = (u8)(i / 3 + 1);
	EXPECT(pwrite(fd, from, size, 0) == (long)size);
	p = map(NULL, (n + 1) * PAGE, PROT_R | PROT_W, MAP_PRIVATE, fd, 0);
	trap_begin(&t);
	was = from[size - 1];
	now = (u8)(was + 1);
	mark(1);
	EXPECT(try_store(&t, p + size - 1, now) == 0);
	EXPECT(try_load(&t, p + n * PAGE) == SIGBUS);
	mark(2);
	EXPECT(t.code == BUS_ADRERR && t.addr == (u64)(p + n * PAGE));
	for (i = (n - 1) * PAGE; i < size - 1; i++)
		EXPECT(p[i] == from[i]);
	EXPECT(p[size - 1] == now);
	for (i = size; i < n * PAGE; i++)
		EXPECT(p[i] == 0);
	EXPECT(pread(fd, from, size, 0) == (long)size && from[size - 1] == was);
}

int
main(int argc, char **argv)
{
	u64 n = option(argv, "pages");

	const char *what = option_text(argv, "what");

	if (what[0] == 'b')
		backward(n, option(argv, "stride"));
	else if (what[0] == 'o')
		odd(n, option(argv, "stride"));
	else
		string(n);
	return 0;
}
