/* SPDX-License-Identifier: BSD-2-Clause */
/* 13-slots.c: twenty pages go to swap and some come back; words, and slots */
#include "show.h"

#define PAGES 20
#define MADV_OUT 21 /* MADV_PAGEOUT */
#define SWAPPED (1ul << 62)

/* The slot of each page that is on swap, as pagemap has it; - is in memory. */
static void
slots(void)
{
	unsigned long word[PAGES] = { 0 };
	int fd = open("/proc/self/pagemap", O_RDONLY), i;

	if (pread(fd, word, sizeof word, BASE / PAGE * 8) < 0)
		exit(3);
	close(fd);
	printf("slots:");
	for (i = 0; i < PAGES; i++)
		if ((word[i] & SWAPPED) != 0)
			printf(" %lu", (word[i] & ~SWAPPED) >> 5);
		else
			printf(" -");
	printf("\n");
	fflush(stdout);
}

static void
look(const char *title)
{
	show(title, "/proc/self/vmstat", PAGES);
	slots();
}

int
main(void)
{
	volatile char *p = map_at_base(PAGES);
	int i;

	for (i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	look("stored to all");
	madvise((void *)p, PAGES * PAGE, MADV_OUT);
	look("sent out");
	(void)p[0];
	look("loaded from the first page");
	p[PAGE] = 2;
	madvise((void *)p, PAGES * PAGE, MADV_OUT);
	look("stored to the second page, and sent all out again");
	if (fork() == 0) {
		look("child: nothing touched yet");
		(void)p[10 * PAGE];
		look("child: loaded from page 10");
		_exit(0);
	}
	wait(NULL);
	return 0;
}
