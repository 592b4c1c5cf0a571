/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch18-fmo.c: the work of ch18-pages.c under design fmo, in a working set of as many pages
 *
 * GUEST: --design fmo --memory 128M --append ramdisk=32M --append swap=rama
 */
#define KERNEL_PAGES
#include "ch18-pages.c"
#include <sys/resource.h>

static int go[2], done[2];

static void
say(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(1);
}

static void
hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

static void
small(void)
{
	volatile char *p = run_map(SMALL, RW, PRIVATE);
	int pid;

	run_step("map");
	run_store(p, SMALL);
	run_step("store");
	pid = fork();
	if (pid == 0) {
		hear(go[0]);
		run_store(p, 16);
		say(done[1]);
		hear(go[0]);
		_exit(0);
	}
	run_step("fork");
	say(go[1]);
	hear(done[0]);
	run_step("child-stores");
	run_store(p, 16);
	run_step("parent-same");
	run_store(p + 16 * PAGE, 16);
	run_step("parent-other");
	say(go[1]);
	if (waitpid(pid, NULL, 0) != pid)
		exit(7);
	run_step("child-ends");
	run_store(p, SMALL);
	run_step("parent-all");
	munmap((void *)p, SMALL * PAGE);
	run_step("unmap");
}

static void
large(void)
{
	volatile char *p = run_map(MANY, RW, PRIVATE);

	run_step("map-large");
	run_store(p, FEW / 2);
	run_step("half");
	run_store(p, MANY);
	run_step("first");
	near((volatile uint64_t *)p);
	run_step("near");
}

/* A limit counts from the next program on. */
int
main(int argc, char **argv)
{
	struct rlimit few = { FEW * PAGE, FEW * PAGE };

	if (strcmp(argv[0], "again") != 0) {
		setrlimit(RLIMIT_RSS, &few);
		execl("/proc/self/exe", "again", NULL);
		return 8;
	}
	if (pipe(go) < 0 || pipe(done) < 0)
		return 9;
	run_begin();
	small();
	large();
	return run_end();
}
