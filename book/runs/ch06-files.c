/* SPDX-License-Identifier: BSD-2-Clause */
/* ch06-files.c: faults on a file of a disk.  GUEST: --root disk */
#include "run.h"

#define PAGES 64

int
main(void)
{
	volatile char *s, *p;
	static char data[PAGE] = { 1 };
	int fd = open("/root/file", O_RDWR | O_CREAT, 0600), i;

	if (fd < 0)
		return 2;
	for (i = 0; i < PAGES; i++)
		if (write(fd, data, PAGE) != (ssize_t)PAGE)
			return 3;
	if (fsync(fd) != 0)
		return 4;
	run_begin();
	s = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	run_step("map-shared");
	run_load(s, 1);
	run_step("load");
	run_load(s, PAGES);
	run_step("load-all");
	s[0] = 2;
	run_step("store");
	s[0] = 3;
	run_step("store-again");
	p = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
	run_load(p, 1);
	run_step("private-load");
	p[0] = 4;
	p[1 * PAGE] = 5;
	run_step("private-store");
	return run_end();
}
