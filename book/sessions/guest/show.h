/* SPDX-License-Identifier: BSD-2-Clause */
/* show.h: the lines of a /proc file that speak of one range */
#ifndef SHOW_H
#define SHOW_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define BASE 0x100000000000ul
#define RW (PROT_READ | PROT_WRITE)

static inline void
show(const char *title, const char *file, size_t pages)
{
	FILE *f = fopen(file, "r");
	char line[256];
	unsigned long at;

	printf("-- %s\n", title);
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		at = strtoul(line, NULL, 16);
		if (at >= BASE && at < BASE + pages * PAGE)
			printf("%s", line);
	}
	if (f != NULL)
		fclose(f);
	fflush(stdout);
}

static inline volatile char *
map_at_base(size_t pages)
{
	char *p = mmap((void *)BASE, pages * PAGE, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

#endif
