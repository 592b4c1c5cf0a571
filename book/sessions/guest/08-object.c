/* SPDX-License-Identifier: BSD-2-Clause */
/* 08-object.c: one object in two address spaces: its line, and the words of each */
#define _GNU_SOURCE
#include "show.h"

/* The line of /proc/vm/vmos of our object, the only one of this size. */
static void
object(const char *title)
{
	FILE *f = fopen("/proc/vm/vmos", "r");
	char line[256];

	printf("-- %s\n", title);
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strstr(line, "size=28672 ") != NULL)
			printf("%s", line);
	if (f != NULL)
		fclose(f);
	fflush(stdout);
}

int
main(void)
{
	const char *words = "/proc/self/vmstat";
	int fd = memfd_create("book", 0);
	volatile char *p;
	pid_t pid;

	if (fd < 0 || ftruncate(fd, 7 * PAGE) != 0)
		return 2;
	object("a file of memory, seven pages long");
	p = mmap((void *)BASE, 7 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED)
		return 3;
	p[0] = p[6 * PAGE] = 1;
	object("mapped, first and last page stored to");
	show("parent", words, 7);
	pid = fork();
	if (pid == 0) {
		show("child: nothing touched yet", words, 7);
		p[6 * PAGE] = 2;
		show("child: stored to the last page", words, 7);
		close(fd);
		object("two descriptors, one closed, two mappings");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("parent reads %d\n", p[6 * PAGE]);
	close(fd);
	object("the child has ended, the descriptor is closed");
	munmap((void *)p, 7 * PAGE);
	object("unmapped");
	return 0;
}
