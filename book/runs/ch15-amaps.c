/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch15-amaps.c: the run of chapter 10 under design uvm, and its pages on swap
 *
 * GUEST: --design uvm --memory 128M --append ramdisk=32M --append swap=rama
 */
#define RUN_ALSO "uvm.", "page.pv_live", "swap.slots_used", "swap.out_uvm", "swap.in_uvm"
#include "run.h"

#define PAGES 64
#define MADV_PAGEOUT_ 21

static int go[2], done[2];

/* The child stops here until the parent has counted. */
static void
turn(void)
{
	char c = 0;

	if (write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(1);
}

static void
let(const char *step)
{
	char c = 0;

	if (write(go[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
		exit(2);
	run_step(step);
}

static void
child(volatile char *p)
{
	char c;

	if (read(go[0], &c, 1) != 1)
		_exit(1);
	run_load(p, PAGES);
	turn();
	run_mark(1);
	run_store(p, 16);
	turn();
	_exit(0);
}

/* Where the pages of memory are does not depend on how many chunks there are. */
static void
sparse(void)
{
	volatile char *p = run_map(4096, RW, PRIVATE);
	volatile char *first = p + (128 * PAGE - ((unsigned long)p & (128 * PAGE - 1)));

	run_step("sparse-map");
	first[0] = first[31 * PAGE] = first[32 * PAGE] = first[1000 * PAGE] = 1;
	run_step("sparse");
}

static void
all_out(volatile char *p)
{
	if (madvise((void *)p, PAGES * PAGE, MADV_PAGEOUT_) != 0)
		exit(6);
	usleep(300000);
	run_step("out");
	run_load(p, PAGES);
	run_step("in");
}

int
main(void)
{
	volatile char *p;
	char c = 0;
	pid_t pid;

	if (pipe(go) < 0 || pipe(done) < 0)
		return 2;
	run_begin();
	p = run_map(PAGES, RW, PRIVATE);
	run_step("map");
	run_store(p, PAGES);
	run_step("store");
	pid = fork();
	if (pid == 0)
		child(p);
	run_step("fork");
	let("child-loads");
	let("child-stores");
	run_store(p, 16);
	run_step("parent-same");
	run_store(p + 16 * PAGE, 16);
	run_step("parent-other");
	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		return 3;
	run_step("child-ends");
	run_store(p, PAGES);
	run_step("parent-all");
	sparse();
	all_out(p);
	return run_end();
}
