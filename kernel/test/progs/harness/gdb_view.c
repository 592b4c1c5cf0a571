/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdb_view.c: mappings and pages of each kind, a mark, and what /proc says
 *
 * Problem   What gdb's vm commands read out of a stopped kernel must be what the
 *           kernel says itself.  Nothing changes between the mark and the text.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define PR_VMM_MARK 0x564e

static char text[1 << 16];

static volatile char *
at(unsigned long va, size_t pages, int flags)
{
	void *p = mmap((void *)va, pages * PAGE, PROT_READ | PROT_WRITE,
	    flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

static void
copy_out(const char *file)
{
	int fd = open(file, O_RDONLY);
	ssize_t n;

	while ((n = read(fd, text, sizeof text)) > 0)
		if (write(1, text, (size_t)n) != n)
			exit(3);
	close(fd);
}

int
main(void)
{
	volatile char *private = at(0x100000000000, 8, MAP_PRIVATE);
	volatile char *shared = at(0x110000000000, 4, MAP_SHARED);
	int status;
	pid_t pid;

	memset(text, 1, sizeof text);
	private[0] = private[PAGE] = private[3 * PAGE] = 1;
	shared[PAGE] = 1;
	pid = fork();
	if (pid < 0)
		return 4;
	if (pid == 0) {
		private[PAGE] = private[0] + shared[PAGE];
		prctl(PR_VMM_MARK, 1, 0, 0, 0);
		copy_out("/proc/self/maps");
		_exit(0);
	}
	return waitpid(pid, &status, 0) != pid || status != 0;
}
