/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A21: a forked memory object is a dense array with a count for each
 * entry: n, live and nptes agree in parent and child; pages follow n.
 */
#include "../lib/vmtext.h"

#define PAGES 700

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	turn_wait(turn, 1);
	return arg != NULL;
}

static void
check_fmo(pid_t pid, long n)
{
	const char *text = text_of(pid, "fmo");

	EQ(count_lines(text), 1);
	EQ(sum_key(text, "base=", " n="), n);
	EQ(sum_key(text, "base=", " live="), n);
	EQ(sum_key(text, "base=", " nptes="), n);
}

static int
body(void)
{
	char *stack = shared_stack();
	long n;
	pid_t pid;

	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 1;
	snap_self(1);
	snap_all(2);
	pid = fork_on(child, NULL, stack);
	snap_all(3);
	n = snap_get(1, "table.n_priv");
	DELTA_EQ(2, 3, "fork.entries", n);
	DELTA_EQ(2, 3, "fmo.live", 1);
	DELTA_EQ(2, 3, "fmo.refs_live", 2);
	DELTA_EQ(2, 3, "fmo.entries_live", n);
	DELTA_EQ(2, 3, "fmo.pages_live", (n + 255) / 256);
	check_fmo(0, n);
	check_fmo(pid, n);
	turn_give(turn, 1);
	REAP(pid, 0);
	snap_all(4);
	DELTA_EQ(2, 4, "fmo.refs_live", 1);
	return test_done();
}

int
main(void)
{
	snap_init();
	text_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	return run_on_shared_stack(body);
}
