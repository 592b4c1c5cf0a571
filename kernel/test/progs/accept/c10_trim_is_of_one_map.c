/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design scalux: trimming is of one map.  What the child does not map any more the
 * parent maps still: the page stays in use, and the parent reads it without a fault.
 * A munmap of a part by the child takes nothing from the parent.
 */
#include "../lib/design.h"
#include "../lib/entries.h"

#define N 32

static char *p, *late; /* late: pages that are paid for when they are touched */
static volatile int *turn;

static int
read_all(void)
{
	int sum = 0;

	for (int i = 0; i < N; i++)
		sum += *(volatile char *)(p + i * PAGE);
	return sum;
}

static int
child(void *unused)
{
	EQ(read_all(), N);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	turn_give(turn, 3);
	turn_wait(turn, 4);
	OK(munmap(p + 8 * PAGE, 8 * PAGE));
	OK(madvise(p + 16 * PAGE, PAGE, MADV_DONTNEED));
	EQ(p[16 * PAGE], 0);
	OK(madvise(late, PAGE, MADV_DONTNEED));
	EQ(late[0], 0);
	EQ(late[PAGE], 1);
	EQ(p[7 * PAGE], 1);
	/* It may be mapped there anew, and is empty then. */
	CHECK(mmap(p + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 8 * PAGE);
	EQ(p[9 * PAGE], 0);
	p[9 * PAGE] = 9;
	turn_give(turn, 5);
	turn_wait(turn, 6);
	return 0;
}

static int
body(void)
{
	pid_t pid;

	late[0] = late[PAGE] = 1;
	for (int i = 0; i < N; i++)
		p[i * PAGE] = 1;
	pid = fork_on(child, NULL, shared_stack());
	turn_wait(turn, 1);
	EQ(read_all(), N);
	EQ(entry_of(0, p, "nmapped="), 2);
	turn_give(turn, 2);
	turn_wait(turn, 3);
	EQ(entry_of(0, p, "nmapped="), 1);
	EQ(entry_of(0, p, "resident="), 1);
	EQ(vmstat_pages(text_of(0, "vmstat"), p, N, "state=ACTIVE"), N);
	snap_self(1);
	EQ(read_all(), N);
	snap_self(2);
	DELTA_EQ(1, 2, "fault.total", 0);

	turn_give(turn, 4);
	turn_wait(turn, 5);
	snap_self(1);
	EQ(read_all(), N);
	snap_self(2);
	DELTA_EQ(1, 2, "fault.total", 0);
	for (int i = 0; i < N; i++)
		p[i * PAGE] = 2;
	turn_give(turn, 6);
	REAP(pid, 0);
	EQ(read_all(), 2 * N);
	EQ(late[0], 1);
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SCALUX, argv);
	snap_init();
	text_init();
	p = pages_private(N);
	late = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(late != MAP_FAILED);
	turn = (void *)pages_shared(1);
	EQ(run_on_shared_stack(body), 0);
	return test_done();
}
