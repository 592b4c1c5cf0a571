/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch16-shares.c: one map of anons for two processes: stores, a partial unmap, trimming
 *
 * GUEST: --design scalux --memory 128M --append ramdisk=32M --append swap=rama
 */
#define RUN_ALSO "scalux.", "page.pv_live", "swap.slots_used", "swap.out_scalux", \
	"swap.in_scalux", "uvm."
#include "run.h"

#define PAGES 64
#define HALF (PAGES / 2)
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

/* A child that has stored to its stack and its data, and to nothing else. */
static int
child_begins(const char *fork_step, const char *begins)
{
	char c = 0;
	int pid = fork();

	if (pid == 0) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		turn();
		return 0;
	}
	run_step(fork_step);
	let(begins);
	return pid;
}

static void
child_ends(int pid, const char *step)
{
	char c = 0;

	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		exit(3);
	run_step(step);
}

static void
out(volatile char *p)
{
	if (madvise((void *)p, HALF * PAGE, MADV_PAGEOUT_) != 0)
		_exit(6);
	usleep(300000);
}

static void
two_counts(volatile char *p)
{
	int pid = child_begins("fork", "child-begins");

	if (pid == 0) {
		run_load(p, PAGES);
		turn();
		run_mark(1);
		run_store(p, 1);
		turn();
		run_store(p + PAGE, 15);
		turn();
		_exit(0);
	}
	let("child-loads");
	let("child-first");
	let("child-more");
	run_store(p, 16);
	run_step("parent-same");
	run_store(p + 16 * PAGE, 16);
	run_step("parent-other");
	child_ends(pid, "child-ends");
	run_store(p, PAGES);
	run_step("parent-all");
}

/* Who only reads leaves nothing that a later store would have to pay for. */
static void
reader(volatile char *p)
{
	int pid = child_begins("fork-2", "reader-begins");

	if (pid == 0) {
		run_load(p, PAGES);
		turn();
		_exit(0);
	}
	let("reader-loads");
	child_ends(pid, "reader-ends");
	run_store(p, PAGES);
	run_step("parent-again");
}

static void
trimmed(volatile char *p)
{
	int pid = child_begins("fork-3", "third-begins");

	if (pid == 0) {
		run_load(p, HALF);
		turn();
		run_load(p, HALF);
		turn();
		out(p);
		turn();
		_exit(0);
	}
	let("third-loads");
	run_load(p, HALF);
	run_step("parent-loads");
	out(p);
	run_step("parent-trimmed");
	let("third-reads-on");
	let("both-trimmed");
	munmap((void *)(p + HALF * PAGE), HALF * PAGE);
	run_step("half-unmapped");
	child_ends(pid, "third-ends");
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
	two_counts(p);
	reader(p);
	trimmed(p);
	return run_end();
}
