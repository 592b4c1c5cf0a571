/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A30: 50 generations, each writes one page, all alive at once: at most 51
 * objects per process, every read right; when the others are gone and all
 * pages were written once, at most one object is left.
 */
#include "../lib/vmtext.h"

#define GENERATIONS 50
#define PAGES 60

static volatile int *turn;
static char *area, *stacks[GENERATIONS + 2];

static int generation(void *arg);

/* The last worker: sees all values, then owns everything. */
static void
last(void)
{
	LE(count_lines(text_of(0, "fmo")), GENERATIONS + 1);
	snap_self(3);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], i > 0 && i <= GENERATIONS ? i : 100);
	snap_self(4);
	LE(snap_delta(3, 4, "fault.total") - snap_delta(3, 4, "fault.kernel"),
	    PAGES);
	turn_give(turn, 1);
	do
		snap_all(2);
	while (snap_delta(1, 2, "fmo.refs_live") > GENERATIONS + 2);
	while (turn[1] < GENERATIONS)
		sched_yield();
	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 'z';
	for (int tries = 0; tries < 1000; tries++) {
		snap_all(2);
		if (snap_delta(1, 2, "fmo.live") <= 1)
			break;
		sleep_ms(2);
	}
	DELTA_LE(1, 2, "fmo.live", 1);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], 'z');
	turn_give(turn, 2);
}

static int
generation(void *arg)
{
	long g = (long)arg;

	if (g > 0)
		area[g * PAGE] = g;
	if (g == GENERATIONS) {
		last();
		return 0;
	}
	fork_on(generation, (void *)(g + 1), stacks[g + 1]);
	turn_wait(turn, 1);
	__atomic_fetch_add(&turn[1], 1, __ATOMIC_RELEASE);
	return 0;
}

static int
first(void *arg)
{
	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 100;
	snap_all(1);
	return generation(arg);
}

static int
body(void)
{
	for (int i = 0; i <= GENERATIONS + 1; i++)
		stacks[i] = shared_stack();
	REAP(fork_on(first, NULL, stacks[GENERATIONS + 1]), 0);
	for (int i = 0; i < 2000 && *turn < 2; i++)
		sleep_ms(10);
	EQ(*turn, 2);
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
