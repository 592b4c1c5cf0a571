/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_calls.c: the kernel faults on behalf of a program
 *
 * --what buffers  read and write with absent, read-only and fresh pages
 * --what wild     calls given addresses of the kernel, over the end, too high
 * --pages N
 */
#include "libt.h"

#define KERNEL ((u8 *)0xffffffff80200000ul)
#define USER_END ((u8 *)0x00007ffffffff000ul)

static void
buffers(u64 n)
{
	int fd = open_new("/tmp/fault_calls");
	u8 *p = anon(n), *ro = anon(1), *gone = anon(1);
	u64 i;

	ro[0] = 3;
	EXPECT(protect(ro, PAGE, PROT_R) == 0);
	EXPECT(unmap(gone, PAGE) == 0);
	for (i = 0; i < n; i++)
		EXPECT(pwrite(fd, &i, 8, i * PAGE) == 8);
	mark(1);
	for (i = 0; i < n; i++)
		EXPECT(pread(fd, p + i * PAGE, 8, i * PAGE) == 8);
	mark(2);
	EXPECT(pread(fd, ro, 8, 0) == -EFAULT && ro[0] == 3);
	EXPECT(pread(fd, gone, 8, 0) == -EFAULT);
	EXPECT(pwrite(fd, gone, 8, 0) == -EFAULT);
	EXPECT(pwrite(fd, ro, 1, 0) == 1);
	for (i = 1; i < n; i++)
		EXPECT(*(u64 *)(p + i * PAGE) == i);
}

/* A time is 16 bytes: the kernel copies it to the program with one copyout. */
static void
wild(u64 n)
{
	u8 *p = anon(2);
	u64 i;

	EXPECT(unmap(p + PAGE, PAGE) == 0);
	p[0] = 1;
	mark(1);
	for (i = 0; i < n; i++)
		EXPECT(sys(228, 1, p + PAGE - 1 - i % 15, 0) == -EFAULT);
	mark(2);
	EXPECT(sys(228, 1, KERNEL, 0) == -EFAULT);
	EXPECT(sys(228, 1, USER_END - 8, 0) == -EFAULT);
	EXPECT(sys(228, 1, -8l, 0) == -EFAULT);
	EXPECT(sys(228, 1, 0x0000900000000000ul, 0) == -EFAULT);
	EXPECT(open((const char *)KERNEL, O_RDONLY) == -EFAULT);
	EXPECT(sys(228, 1, p, 0) == 0);
}

int
main(int argc, char **argv)
{
	u64 n = option(argv, "pages");

	if (option_text(argv, "what")[0] == 'b')
		buffers(n);
	else
		wild(n);
	return 0;
}
