/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A23: a write breaks the sharing of one page: the child copies, then the
 * parent, last owner, takes its page back without a copy.
 */
#include "../lib/events.h"

#define PAGES 200
#define WRITES 70

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	snap_self(4);
	for (int i = 0; i < WRITES; i++)
		area[i * PAGE] = 'c';
	snap_self(5);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], i < WRITES ? 'c' : 'o');
	return arg != NULL;
}

static int
body(void)
{
	char *stack = shared_stack();
	pid_t pid;

	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 'o';
	snap_all(1);
	pid = fork_on(child, NULL, stack);
	turn_wait(turn, 1);
	snap_all(2);
	DELTA_EQ(4, 5, "fault.fork_copy", WRITES);
	DELTA_EQ(4, 5, "fault.fork_steal", 0);
	DELTA_EQ(1, 2, "page.copy", WRITES);
	snap_self(6);
	for (int i = 0; i < WRITES; i++) {
		EQ(area[i * PAGE], 'o');
		area[i * PAGE] = 'p';
	}
	snap_self(7);
	snap_all(3);
	EQ(taken_back(6, 7), WRITES);
	DELTA_EQ(6, 7, "fault.fork_copy", 0);
	DELTA_EQ(2, 3, "page.copy", 0);
	turn_give(turn, 2);
	REAP(pid, 0);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], i < WRITES ? 'p' : 'o');
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
