/* SPDX-License-Identifier: BSD-2-Clause */
/* 11-generations.c: five generations, five pages, each has stored to one; then they end */
#include "show.h"

#define LAST 4

/* To how many objects of entries does this process refer? */
static int
objects(void)
{
	FILE *f = fopen("/proc/self/fmo", "r");
	int c, n = 0;

	while (f != NULL && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f != NULL)
		fclose(f);
	return n;
}

static void
generation(volatile char *p, int g)
{
	char title[64];

	if (g > 0)
		p[(g - 1) * PAGE] = 1;
	if (g < LAST) {
		if (fork() == 0)
			generation(p, g + 1);
		wait(NULL);
	}
	snprintf(title, sizeof title, "generation %d, %d objects", g, objects());
	show(title, "/proc/self/vmstat", LAST + 1);
	if (g > 0)
		_exit(0);
}

int
main(void)
{
	volatile char *p = map_at_base(LAST + 1);
	int i;

	for (i = 0; i <= LAST; i++)
		p[i * PAGE] = 1;
	generation(p, 0);
	p[0] = 2;
	show("and stores to the first page", "/proc/self/vmstat", LAST + 1);
	return 0;
}
