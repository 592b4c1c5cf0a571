/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch17-chains.c: objects in chains: two processes, a relay, a family, pages on swap
 *
 * GUEST: --design shadow --memory 128M --append ramdisk=32M --append swap=rama
 */
#define RUN_ALSO "shadow.", "swap.slots_used", "swap.out_shadow", "swap.in_pages", \
	"swap.in_shadow", "uvm.", "scalux.", "page.pv_live"
#include <signal.h>
#include "run.h"

#define PAGES 64
#define FAMILY 6
#define RELAY 20
#define MADV_PAGEOUT_ 21

static int go[2], done[2];

static void
say(int fd)
{
	char c = 0;

	if (write(fd, &c, 1) != 1)
		_exit(1);
}

static void
hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

/* The child stops here until the parent has counted. */
static void
turn(void)
{
	say(done[1]);
	hear(go[0]);
}

static void
let(const char *step)
{
	say(go[1]);
	hear(done[0]);
	run_step(step);
}

/* A child that stores to its stack, and to nothing else. */
static int
child_waits(const char *step)
{
	int pid = fork();

	if (pid == 0) {
		say(done[1]);
		for (;;)
			pause();
	}
	hear(done[0]);
	if (step != NULL)
		run_step(step);
	return pid;
}

static void
child_ends(int pid, const char *step)
{
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		exit(3);
	if (step != NULL)
		run_step(step);
}

/* The steps of chapter 15. */
static void
two(volatile char *p)
{
	int pid = fork();

	if (pid == 0) {
		hear(go[0]);
		run_load(p, PAGES);
		turn();
		run_mark(1);
		run_store(p, 16);
		turn();
		_exit(0);
	}
	run_step("fork");
	let("child-loads");
	let("child-stores");
	run_mark(2);
	run_store(p, 16);
	run_step("parent-same");
	run_store(p + 16 * PAGE, 16);
	run_step("parent-other");
	child_ends(pid, "child-ends");
	run_store(p, PAGES);
	run_step("parent-all");
}

/* Each generation stores to one page when its parent has gone. */
static void
relay(volatile char *p)
{
	int pid = fork(), parent, g;

	if (pid == 0) {
		for (g = 0; g < RELAY; g++) {
			parent = getpid();
			if (fork() != 0)
				_exit(0);
			while (getppid() == parent)
				usleep(1000);
			p[g * PAGE] = 2;
		}
		turn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	hear(done[0]);
	run_step("relay");
	say(go[1]);
	usleep(100000);
	run_step("relay-ends");
}

/* All children live, and after each fork the parent stores to another page. */
static void
family(volatile char *p, const char *forks, const char *ends, int oldest)
{
	int pid[FAMILY + 1], i;

	for (i = 0; i < FAMILY; i++) {
		pid[i] = child_waits(NULL);
		p[i * PAGE] = 3;
	}
	run_step(forks);
	if (oldest) {
		pid[FAMILY] = fork();
		if (pid[FAMILY] == 0) {
			turn();
			run_load(p, PAGES);
			turn();
			_exit(0);
		}
		hear(done[0]);
		run_step("seventh");
		let("seventh-loads");
		child_ends(pid[FAMILY], "seventh-ends");
	}
	for (i = 0; i < FAMILY; i++)
		child_ends(pid[oldest ? i : FAMILY - 1 - i], NULL);
	run_step(ends);
}

/* The parent stores to all while the child lives. */
static void
covered(volatile char *p)
{
	int pid = child_waits("fork-cover");

	run_store(p, PAGES);
	run_step("covered");
	child_ends(pid, "covered-ends");
}

static void
holes(volatile char *p)
{
	int pid = child_waits("fork-holes");

	madvise((void *)(p + 16 * PAGE), 8 * PAGE, MADV_DONTNEED);
	run_step("holes");
	child_ends(pid, "holes-end");
	run_store(p + 16 * PAGE, 8);
	run_step("holes-filled");
}

static void
swapped(volatile char *p)
{
	int pid;

	if (madvise((void *)p, PAGES * PAGE, MADV_PAGEOUT_) != 0)
		exit(6);
	usleep(300000);
	run_step("out");
	pid = child_waits("out-fork");
	child_ends(pid, "out-ends");
	run_load(p, PAGES);
	run_step("in");
}

/* A page of a private mapping of a file. */
static void
of_a_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		exit(7);
	run_step("file-map");
	*(volatile char *)p = 1;
	run_step("file-store");
}

int
main(void)
{
	volatile char *p;

	if (pipe(go) < 0 || pipe(done) < 0)
		return 2;
	run_begin();
	p = run_map(PAGES, RW, PRIVATE);
	run_step("map");
	run_store(p, PAGES);
	run_step("store");
	two(p);
	relay(p);
	family(p, "six", "oldest-first", 1);
	family(p, "six-again", "youngest-first", 0);
	covered(p);
	holes(p);
	of_a_file();
	swapped(p);
	return run_end();
}
