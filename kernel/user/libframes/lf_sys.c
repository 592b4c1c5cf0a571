/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lf_sys.c: what libframes asks of the kernel
 *
 * Picture   lf_sys ─→ calls 0x1000 …, of design frames
 *                  └→ pread, pwrite of one file; bytes of a page by its address
 *
 * Rules     1. No C library: the signal of a fault may come anywhere.
 */
#include "user/libframes/lf.h"

#define FIRST 0x1000
#define READ_AT 17
#define WRITE_AT 18

static int file = -1;

static long
system_call(long n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	register uint64_t r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) :
	    "rcx", "r11", "memory");
	return r;
}

static long
call(enum lf_call n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return system_call(FIRST + (long)n, a, b, c, d);
}

static int
move(long n, uint32_t slot, uint64_t va)
{
	long r = system_call(n, (uint64_t)file, va, LF_PAGE, slot * LF_PAGE);

	return r == (long)LF_PAGE ? 0 : r < 0 ? (int)r : -5;
}

static int
out(uint32_t slot, uint64_t va)
{
	return move(WRITE_AT, slot, va);
}

static int
in(uint32_t slot, uint64_t va)
{
	return move(READ_AT, slot, va);
}

static void
copy(uint64_t to, uint64_t from)
{
	volatile uint64_t *t = (uint64_t *)to, *f = (uint64_t *)from;
	unsigned i;

	for (i = 0; i < LF_PAGE / 8; i++)
		t[i] = f[i];
}

static void
clear(uint64_t va)
{
	volatile uint64_t *t = (uint64_t *)va;
	unsigned i;

	for (i = 0; i < LF_PAGE / 8; i++)
		t[i] = 0;
}

/* See lf.h. */
const struct lf_os *
lf_sys(int fd)
{
	static const struct lf_os os = {
		.call = call, .out = out, .in = in, .copy = copy, .clear = clear,
	};

	file = fd;
	return &os;
}
