/* SPDX-License-Identifier: BSD-2-Clause */
/* 01-words.c: four pages, touched in four ways */
#include "show.h"

int
main(void)
{
	volatile char *p = map_at_base(4);
	const char *f = "/proc/self/vmstat";

	show("mapped, nothing touched", f, 4);
	p[0] = 1;
	show("one store into the first page", f, 4);
	(void)p[PAGE];
	show("one load from the second page", f, 4);
	p[PAGE] = 1;
	show("one store into the second page", f, 4);
	return 0;
}
