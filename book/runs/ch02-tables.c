/* SPDX-License-Identifier: BSD-2-Clause */
/* ch02-tables.c: what a touch costs in tables, and a change in flushes */
#include "run.h"

static volatile char *
fixed(unsigned long va, size_t pages)
{
	char *p = mmap((void *)va, pages * PAGE, RW,
	    PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

int
main(void)
{
	volatile char *p, *q, *one;

	run_begin();
	/* 0x20_0000_0000 and its neighbours at growing distance. */
	p = fixed(0x200000000000, 512);
	p[0] = 1;
	run_mark(1);
	run_step("far");
	p[PAGE] = 1;
	run_step("next-page");
	fixed(0x200000200000, 1)[0] = 1;
	run_step("next-2m");
	fixed(0x200040000000, 1)[0] = 1;
	run_step("next-1g");
	fixed(0x208000000000, 1)[0] = 1;
	run_step("next-512g");
	munmap((void *)0x208000000000, PAGE);
	run_step("unmap-512g");
	run_store(p, 512);
	run_step("fill-2m");
	q = run_map(64, RW, PRIVATE);
	run_store(q, 64);
	run_step("fill-64");
	mprotect((void *)q, PAGE, PROT_READ);
	run_step("protect-1");
	mprotect((void *)q, 32 * PAGE, PROT_READ);
	run_step("protect-32");
	mprotect((void *)q, 64 * PAGE, PROT_NONE);
	run_step("protect-64");
	mprotect((void *)q, 64 * PAGE, RW);
	run_step("unprotect");
	run_store(q, 64);
	run_step("upgrade");
	one = run_map(1, RW, PRIVATE);
	one[0] = 1;
	run_step("one");
	munmap((void *)one, PAGE);
	run_step("unmap-1");
	munmap((void *)q, 64 * PAGE);
	run_step("unmap-64");
	return run_end();
}
