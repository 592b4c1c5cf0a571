/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A24: pages of a forked object are in memory or in swap as any page: fork
 * with half of the pages in swap reads none of them, moves no byte, and
 * both processes see all.
 */
#define PAGES 2000
#include "../lib/shared_area.h"

static int
child(void *arg)
{
	turn_give(turn, 1);
	if (arg == NULL)
		return 0; /* the rehearsal */
	turn_wait(turn, 2);
	area_verify();
	for (size_t i = 0; i < PAGES; i += 3)
		stamp(area + i * PAGE, i, 1);
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, i % 3 == 0);
	return 0;
}

/* All code and data that the fork needs are brought in. */
static void
rehearse(char *stack)
{
	pid_t pid;

	OK(madvise(area, PAGES * PAGE, MADV_DONTFORK));
	snap_self(4);
	snap_all(5);
	for (int i = 1; i < 4; i++)
		snap_all(i); /* the memory of what is counted, too */
	pid = fork_on(child, NULL, stack);
	turn_wait(turn, 1);
	REAP(pid, 0);
	turn_give(turn, 0);
	OK(madvise(area, PAGES * PAGE, MADV_DOFORK));
	text_in();
}

static int
body(void)
{
	char *stack = shared_stack();
	pid_t pid;

	area_stamp();
	push_out(&hog, area, PAGES, PAGES * 9 / 10);
	for (size_t i = 0; i < PAGES / 2; i++)
		STAMPED(area + i * PAGE, i, 0);
	rehearse(stack);
	CHECK(pagemap_count(area, PAGES, PM_SWAPPED) >= PAGES / 4);
	snap_self(1);
	LE(PAGES / 4, snap_get(1, "table.n_swap"));
	snap_all(2);
	pid = fork_on(child, area, stack);
	turn_wait(turn, 1);
	snap_all(3);
	DELTA_EQ(2, 3, "swap.in_pages", 0);
	DELTA_EQ(2, 3, "swap.in_bios", 0);
	DELTA_EQ(2, 3, "swap.alloc", 0);
	LE(PAGES, snap_delta(2, 3, "fork.entries"));
	check_fork(1, 2, 3);
	turn_give(turn, 2);
	REAP(pid, 0);
	area_verify();
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	return area_main();
}
