/* SPDX-License-Identifier: BSD-2-Clause */
/* ch10-fork.c: 64 pages, a child, a grandchild */
#include "run.h"

#define PAGES 64

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
child(volatile char *p, volatile char *fresh)
{
	char c;

	if (read(go[0], &c, 1) != 1)
		_exit(1);
	run_load(p, PAGES);
	turn();
	run_mark(1);
	run_store(p, 16);
	turn();
	run_store(fresh, 4);
	turn();
	_exit(0);
}

int
main(void)
{
	volatile char *p, *fresh, *sparse;
	char c = 0;
	pid_t pid;

	if (pipe(go) < 0 || pipe(done) < 0)
		return 2;
	run_begin();
	p = run_map(PAGES, RW, PRIVATE);
	fresh = run_map(1024, RW, PRIVATE);
	run_step("map");
	run_store(p, PAGES);
	run_step("store");
	pid = fork();
	if (pid == 0)
		child(p, fresh);
	run_step("fork");
	let("child-loads");
	let("child-stores");
	let("child-fresh");
	run_store(p, 16);
	run_step("parent-same");
	run_store(p + 16 * PAGE, 16);
	run_step("parent-other");
	c = 0;
	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		return 3;
	run_step("child-ends");
	run_store(p, PAGES);
	run_step("parent-all");

	/* Fork, and fork again before anything is written. */
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			turn();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		turn();
		_exit(0);
	}
	if (read(done[0], &c, 1) != 1)
		return 4;
	run_step("twice");
	let("grandchild-ends");
	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		return 5;
	run_step("both-ended");
	run_store(p, PAGES);
	run_step("parent-again");

	/* Much mapped, little touched. */
	sparse = run_map(1ul << 18, RW, PRIVATE | MAP_NORESERVE);
	sparse[0] = sparse[1ul << 29] = 1;
	run_step("sparse-map");
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	run_step("sparse-fork");
	return run_end();
}
