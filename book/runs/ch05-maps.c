/* SPDX-License-Identifier: BSD-2-Clause */
/* ch05-maps.c: six calls on one range, then many small ranges */
#include "run.h"

#define MANY 4096

static char *
at(unsigned long va, size_t pages, int prot)
{
	char *p = mmap((void *)va, pages * PAGE, prot, PRIVATE | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

static void
must(int r)
{
	if (r != 0)
		exit(3);
}

int
main(void)
{
	char *base = (char *)0x100000000000, *many;
	size_t i;

	run_begin();
	/* The six calls of section 5.3. */
	at(0x100000000000, 16, RW);
	run_step("1-map");
	run_mark(1);
	must(mprotect(base + 4 * PAGE, 4 * PAGE, PROT_READ));
	run_step("2-protect");
	must(munmap(base + 10 * PAGE, 2 * PAGE));
	run_step("3-hole");
	must(mprotect(base + 4 * PAGE, 4 * PAGE, RW));
	run_step("4-back");
	at(0x10000000a000, 2, RW);
	run_step("5-fill");
	must(munmap(base, 16 * PAGE));
	run_step("6-unmap");
	/* Every other page of a large range: MANY mappings, MANY holes. */
	many = at(0x110000000000, 2 * MANY, RW);
	for (i = 0; i < MANY; i++)
		must(mprotect(many + 2 * i * PAGE, PAGE, PROT_READ));
	run_step("split-many");
	/* One fault in each: how far is the way down the tree? */
	run_load((volatile char *)many, 2 * MANY);
	run_step("find-many");
	for (i = 0; i < 256; i++)
		run_map(1, i % 2 ? RW : PROT_READ, PRIVATE | MAP_NORESERVE);
	run_step("gap-256");
	must(munmap(many, 2 * MANY * PAGE));
	run_step("unmap-many");
	return run_end();
}
