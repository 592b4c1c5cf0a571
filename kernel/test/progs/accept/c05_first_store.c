/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design scalux: the example of a fork, counter by counter.  All pages of a region
 * are shared by amap; reads raise no reference; the first store copies the entries
 * of the region and one page; when one process is left, nothing is copied.
 */
#include "../lib/design.h"
#include "../lib/entries.h"

#define K 40      /* pages of the region: all are shown */
#define Q 7       /* the one that is stored to */
#define ROUNDS 8

static char *p, *stack; /* of the child: the next one has it, too */
static volatile int *turn;

/* Reads each page; its stores go to its shared stack. */
static int
read_all(void)
{
	int sum = 0;

	for (int i = 0; i < K; i++)
		sum += *(volatile char *)(p + i * PAGE);
	return sum;
}

static int
child(void *store)
{
	turn_wait(turn, 1);
	EQ(read_all(), K);
	turn_give(turn, 2);
	turn_wait(turn, 3);
	if (store != NULL)
		p[Q * PAGE] = 'c';
	turn_give(turn, 4);
	turn_wait(turn, 5);
	return 0;
}

/* C5, C6. */
static int
child_stores(void)
{
	static int one;
	pid_t pid;

	*turn = 0;
	for (int i = 0; i < K; i++)
		p[i * PAGE] = 1;
	EQ(entry_of(0, p + Q * PAGE, "refs="), 1);
	pid = fork_on(child, &one, stack);
	snap_all(1);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	snap_all(2);
	DELTA_EQ(1, 2, "scalux.amap_copies", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	EQ(entry_of(0, p + Q * PAGE, "refs="), 1);
	EQ(entry_of(0, p + Q * PAGE, "nmapped="), 2);

	snap_all(1);
	turn_give(turn, 3);
	turn_wait(turn, 4);
	snap_all(2);
	DELTA_EQ(1, 2, "scalux.amap_copies", 1);
	DELTA_EQ(1, 2, "scalux.amap_entries_copied", K);
	DELTA_EQ(1, 2, "page.copy", 1);
	DELTA_EQ(1, 2, "scalux.copy", 1);
	EQ(entry_of(0, p + Q * PAGE, "refs="), 1);
	EQ(entry_of(0, p, "refs="), 2);
	EQ(entry_of(0, p, "nmapped="), 2);
	EQ(entry_of(pid, p + Q * PAGE, "refs="), 1);
	EQ(p[Q * PAGE], 1);

	turn_give(turn, 5);
	REAP(pid, 0);
	EQ(read_all(), K);
	EQ(entry_of(0, p, "refs="), 1);
	snap_all(1);
	for (int i = 0; i < K; i++)
		p[i * PAGE] = 2;
	snap_all(2);
	DELTA_EQ(1, 2, "scalux.amap_copies", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	DELTA_EQ(1, 2, "fault.upgrade", K);
	return 0;
}

/* C7: both read a hundred times; the child goes; the parent stores without a copy. */
static int
both_read(void)
{
	pid_t pid;

	*turn = 0;
	for (int i = 0; i < K; i++)
		p[i * PAGE] = 1;
	pid = fork_on(child, NULL, stack);
	for (int i = 0; i < 100; i++)
		EQ(read_all(), K);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	for (int i = 0; i < K; i++)
		OK(madvise(p + i * PAGE, PAGE, MADV_PAGEOUT));
	EQ(read_all(), K);
	turn_give(turn, 3);
	turn_wait(turn, 4);
	turn_give(turn, 5);
	REAP(pid, 0);
	snap_all(1);
	for (int i = 0; i < K; i++)
		p[i * PAGE] = 3;
	snap_all(2);
	DELTA_EQ(1, 2, "page.copy", 0);
	DELTA_EQ(1, 2, "scalux.amap_copies", 0);
	return 0;
}

/* The amap is never copied for nothing: no amap and no entry is left over. */
static int
again_and_again(void)
{
	long amaps, entries;

	snap_all(3);
	amaps = snap_get(3, "scalux.amap_live");
	entries = snap_get(3, "scalux.entries");
	for (int i = 0; i < ROUNDS; i++)
		child_stores();
	snap_all(3);
	EQ(snap_get(3, "scalux.amap_live"), amaps);
	EQ(snap_get(3, "scalux.entries"), entries);
	return 0;
}

static int
body(void)
{
	child_stores(); /* the paths are mapped from now on */
	both_read();
	return again_and_again();
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SCALUX, argv);
	snap_init();
	text_init();
	p = pages_private(K);
	turn = (void *)pages_shared(1);
	stack = shared_stack();
	EQ(run_on_shared_stack(body), 0);
	return test_done();
}
