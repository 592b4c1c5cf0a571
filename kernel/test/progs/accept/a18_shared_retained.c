/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A18: fork keeps shared mappings shared and makes entries for private
 * pages only.
 */
#include "../lib/events.h"

#define SHARED 300
#define PRIVATE 100

static char *shared, *private;

static int
child(void *arg)
{
	for (int i = 0; i < SHARED; i++)
		EQ(shared[i * PAGE], (char)i);
	for (int i = 0; i < SHARED; i++)
		shared[i * PAGE] = i + 1;
	return arg != NULL;
}

static int
body(void)
{
	char *stack = shared_stack();
	pid_t pid;

	shared = pages_shared(SHARED);
	private = pages_private(PRIVATE);
	for (int i = 0; i < SHARED; i++)
		shared[i * PAGE] = i;
	for (int i = 0; i < PRIVATE; i++)
		private[i * PAGE] = i;
	snap_self(1);
	snap_all(2);
	pid = fork_on(child, NULL, stack);
	REAP(pid, 0);
	snap_all(3);
	CHECK(snap_get(1, "table.n_priv") >= PRIVATE);
	DELTA_EQ(2, 3, "fork.entries", snap_get(1, "table.n_priv"));
	DELTA_EQ(2, 3, "fork.rerefs", snap_get(1, "table.n_fork"));
	DELTA_EQ(2, 3, "page.copy", 0);
	for (int i = 0; i < SHARED; i++)
		EQ(shared[i * PAGE], (char)(i + 1));
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
