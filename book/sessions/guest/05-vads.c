/* SPDX-License-Identifier: BSD-2-Clause */
/* 05-vads.c: the six calls of section 5.3, seen in the tree */
#include "show.h"

int
main(void)
{
	char *p = (char *)map_at_base(16);
	const char *f = "/proc/self/vadtree";

	show("1. mmap 16 pages", f, 16);
	mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ);
	show("2. mprotect pages 4 to 7: read only", f, 16);
	munmap(p + 10 * PAGE, 2 * PAGE);
	show("3. munmap pages 10 and 11", f, 16);
	mprotect(p + 4 * PAGE, 4 * PAGE, RW);
	show("4. mprotect pages 4 to 7: writable again", f, 16);
	mmap(p + 10 * PAGE, 2 * PAGE, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("5. mmap pages 10 and 11", f, 16);
	munmap(p, 16 * PAGE);
	show("6. munmap all", f, 16);
	return 0;
}
