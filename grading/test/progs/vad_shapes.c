/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vad_shapes.c: the mappings of lab 01 in other shapes
 *
 * --what chain   five neighbours become one: by one call, then by two
 * --pages N      of each
 */
#include "libt.h"

#define PIECES 5

/* Five mappings of n pages between two that join nothing. */
static u8 *
five(u64 n)
{
	u8 *p = anon(PIECES * n + 2);
	u64 i;

	EXPECT(protect(p, PAGE, PROT_NONE) == 0);
	EXPECT(protect(p + (PIECES * n + 1) * PAGE, PAGE, PROT_NONE) == 0);
	p += PAGE;
	for (i = 0; i < PIECES * n; i++)
		p[i * PAGE] = (u8)(i * 7 + 1);
	for (i = 1; i < PIECES; i += 2)
		EXPECT(protect(p + i * n * PAGE, n * PAGE, PROT_R) == 0);
	return p;
}

static void
still_there(u8 *p, u64 n)
{
	u64 i;

	for (i = 0; i < PIECES * n; i++) {
		EXPECT(p[i * PAGE] == (u8)(i * 7 + 1));
		p[i * PAGE + 1] = 1;
	}
}

int
main(int argc, char **argv)
{
	u64 n = option(argv, "pages");
	u8 *p = five(n), *q = five(n);

	mark(1);
	EXPECT(protect(p, PIECES * n * PAGE, PROT_R | PROT_W) == 0);
	mark(2);
	mark(3);
	EXPECT(protect(q + 3 * n * PAGE, n * PAGE, PROT_R | PROT_W) == 0);
	EXPECT(protect(q + n * PAGE, n * PAGE, PROT_R | PROT_W) == 0);
	mark(4);
	still_there(p, n);
	still_there(q, n);
	return 0;
}
