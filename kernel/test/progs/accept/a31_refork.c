/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A31: a second fork without writes between makes no new entries for the
 * region: it raises the counts of the old ones.
 */
#include "../lib/events.h"

#define PAGES 500

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	turn_wait(turn, 1);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], 7);
	return arg != NULL;
}

static int
body(void)
{
	char *stack[2] = { shared_stack(), shared_stack() };
	pid_t pid[2];

	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 7;
	pid[0] = fork_on(child, NULL, stack[0]);
	snap_self(1);
	snap_all(2);
	pid[1] = fork_on(child, NULL, stack[1]);
	snap_all(3);
	LE(snap_get(1, "table.n_priv"), 8);
	CHECK(snap_get(1, "table.n_fork") >= PAGES);
	DELTA_EQ(2, 3, "fork.entries", snap_get(1, "table.n_priv"));
	DELTA_EQ(2, 3, "fork.rerefs", snap_get(1, "table.n_fork"));
	DELTA_EQ(2, 3, "page.copy", 0);
	turn_give(turn, 1);
	REAP(pid[0], 0);
	REAP(pid[1], 0);
	return test_done();
}

int
main(void)
{
	snap_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	return run_on_shared_stack(body);
}
