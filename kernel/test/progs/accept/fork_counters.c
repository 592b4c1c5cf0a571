/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Fork by counters: k touched pages make k entries and no copy; j writes
 * of the child make j copies, the same j of the parent j steals; when the
 * child is gone the parent writes all pages without a copy, and objects,
 * entries and frames are what they were.
 */
#include "../lib/events.h"

#define MAX_PAGES 1000

static volatile int *turn;
static char *area, *stack;

static const char *const base_names[] = { "fmo.live", "fmo.entries_live",
	"fmo.refs_live", "fmo.pages_live", "commit.total", "table.live",
	"vad.live" };

static int
child(void *arg)
{
	long writes = (long)arg;

	turn_wait(turn, 1);
	snap_self(8);
	for (long i = 0; i < writes; i++)
		area[i * PAGE] = 'c';
	snap_self(9);
	turn_give(turn, 2);
	turn_wait(turn, 3);
	return 0;
}

static void
parent_after_child(long pages, long writes)
{
	snap_self(5);
	snap_all(6);
	for (long i = 0; i < pages; i++)
		area[i * PAGE] = 'z';
	snap_self(7);
	snap_all(10);
	DELTA_EQ(6, 10, "page.copy", 0);
	/* And up to 15 behind the last one, which are his alone, too. */
	LE(pages - writes, taken_back(5, 7));
	LE(taken_back(5, 7), pages - writes + 15);
}

/* One fork of k pages, j of them written in child, then in parent. */
static void
scenario(long k, long j)
{
	pid_t pid;

	*turn = 0;
	for (long i = 0; i < k; i++)
		area[i * PAGE] = 'o';
	snap_self(1);
	snap_all(2);
	pid = fork_on(child, (void *)j, stack);
	snap_all(3);
	check_fork(1, 2, 3);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	snap_all(4);
	DELTA_EQ(3, 4, "page.copy", j);
	DELTA_EQ(8, 9, "fault.fork_copy", j);
	snap_self(5);
	for (long i = 0; i < j; i++)
		area[i * PAGE] = 'p';
	snap_self(6);
	snap_all(7);
	EQ(taken_back(5, 6), j);
	DELTA_EQ(4, 7, "page.copy", 0);
	turn_give(turn, 3);
	REAP(pid, 0);
	parent_after_child(k, j);
}

static void
check_base(int before, int after)
{
	for (size_t i = 0; i < sizeof(base_names) / sizeof(char *); i++)
		DELTA_EQ(before, after, base_names[i], 0);
}

static int
body(void)
{
	static const int sizes[][2] = { { 1, 1 }, { 10, 3 }, { 256, 256 },
		{ 257, 0 }, { 1000, 400 } };

	stack = shared_stack();
	area = pages_private(MAX_PAGES);
	memset(area, 'b', MAX_PAGES * PAGE);
	scenario(MAX_PAGES, MAX_PAGES / 2);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		leak_mark();
		snap_all(11);
		scenario(sizes[i][0], sizes[i][1]);
		for (int k = 0; k < MAX_PAGES; k++)
			area[k * PAGE] = 'n';
		snap_all(12);
		check_base(11, 12);
		leak_diff();
	}
	return test_done();
}

int
main(void)
{
	snap_init();
	turn = (int *)pages_shared(1);
	return run_on_shared_stack(body);
}
