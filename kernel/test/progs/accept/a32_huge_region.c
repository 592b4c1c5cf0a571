/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 CLOCK=1 KIND=exact,timed */
/* BOUNDED: milliseconds of the host on several CPUs */
/*
 * A32: a 1130 GiB NORESERVE mapping: map, three touches, fork, unmap each
 * take at most 5 ms and promise at most 20 pages.
 */
#include "../lib/events.h"

#define SIZE (1130 * GIB)
#define ROUNDS 8
#define LIMIT_US 5000

enum step { MAP, TOUCH, FORK, UNMAP, STEPS };

static const char *const step_name[] = { "map", "touch", "fork", "unmap" };
static uint64_t best_us[STEPS] = { -1UL, -1UL, -1UL, -1UL };
static volatile int *turn;
static char *stack;

static int
child(void *arg)
{
	turn_wait(turn, 1);
	return arg != NULL;
}

static void
took(enum step step, uint64_t since)
{
	uint64_t us = (now_ns() - since) / 1000;

	if (us < best_us[step])
		best_us[step] = us;
}

/* Pages that a fork promises. */
static long
fork_commit(bool timed)
{
	uint64_t t;
	pid_t pid;

	*turn = 0;
	snap_all(3);
	t = now_ns();
	pid = fork_on(child, NULL, stack);
	if (timed)
		took(FORK, t);
	snap_all(4);
	turn_give(turn, 1);
	REAP(pid, 0);
	return snap_delta(3, 4, "commit.total");
}

static void
one_round(void)
{
	long without = fork_commit(false), with;
	volatile char *p;
	uint64_t t;

	snap_all(1);
	t = now_ns();
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	took(MAP, t);
	CHECK(p != MAP_FAILED);
	t = now_ns();
	p[0] = p[SIZE / 2] = p[SIZE - 1] = 'x';
	took(TOUCH, t);
	snap_all(2);
	DELTA_LE(1, 2, "commit.total", 20);
	with = fork_commit(true);
	LE(with - without, 20);
	EQ(p[0] + p[SIZE / 2] + p[SIZE - 1], 3 * 'x');
	t = now_ns();
	OK(munmap((void *)p, SIZE));
	took(UNMAP, t);
	snap_all(2);
	/* Entries of older forks stay until a later one gathers them. */
	EQ(snap_delta(1, 2, "commit.total"),
	    snap_delta(1, 2, "fmo.pages_live"));
}

static int
body(void)
{
	stack = shared_stack();
	for (int i = 0; i < ROUNDS; i++)
		one_round();
	for (int i = 0; i < STEPS; i++)
		if (best_us[i] > LIMIT_US)
			FAIL("%s: expected <= %d us, seen %lu us",
			    step_name[i], LIMIT_US, best_us[i]);
	return test_done();
}

int
main(void)
{
	snap_init();
	turn = (int *)pages_shared(1);
	return run_on_shared_stack(body);
}
