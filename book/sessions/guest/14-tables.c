/* SPDX-License-Identifier: BSD-2-Clause */
/* 14-tables.c: pages far from each other go to swap, and then their page tables */
#include "show.h"

#define PAGES 64ul
#define SPAN (512 * PAGE)
#define MUCH 16384ul
#define MADV_OUT 21 /* MADV_PAGEOUT */

static volatile char *
map_some(unsigned long at, size_t bytes)
{
	char *p = mmap((void *)at, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | (at != 0 ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

static unsigned long
count(const char *name)
{
	FILE *f = fopen("/proc/self/events", "r");
	unsigned long n = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			n = strtoul(line + strlen(name), NULL, 10);
	if (f != NULL)
		fclose(f);
	return n;
}

static void
look(const char *title)
{
	printf("-- %s\ntables: %lu in memory, %lu out\n", title,
	    count("table.live "), count("table.live_out "));
	fflush(stdout);
}

/* Load from so many pages; how many faults met a table that was out? */
static void
load(volatile char *p, size_t pages, const char *title)
{
	unsigned long before = count("fault.table_in ");
	size_t i;

	for (i = 0; i < pages; i++)
		(void)p[i * SPAN];
	look(title);
	printf("tables that faults have read: %lu\n",
	    count("fault.table_in ") - before);
	fflush(stdout);
}

static void
press(void)
{
	volatile char *p = map_some(0, MUCH * PAGE);
	size_t i;

	for (i = 0; i < MUCH; i++)
		p[i * PAGE] = 1;
	munmap((void *)p, MUCH * PAGE);
}

int
main(void)
{
	volatile char *p = map_some(BASE, PAGES * SPAN);
	size_t i;

	look("mapped");
	for (i = 0; i < PAGES; i++)
		p[i * SPAN] = 1;
	look("stored to 64 pages, each 2 MiB behind the last");
	madvise((void *)p, PAGES * SPAN, MADV_OUT);
	look("sent out");
	press();
	look("memory has been short");
	load(p, 1, "loaded from the first page");
	load(p, PAGES, "loaded from all");
	return 0;
}
