/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 CLOCK=1 KIND=exact,timed */
/* BOUNDED: milliseconds of the host on several CPUs */
/*
 * A32: a memfd of 1130 GiB: map, three touches, fork, unmap each take at
 * most 5 ms, and promise at most 20 pages.
 */
#include "../lib/events.h"

#define SIZE (1130 * GIB)
#define ROUNDS 8
#define LIMIT_US 5000

enum step { MAP, TOUCH, FORK, UNMAP, STEPS };

static const char *const step_name[] = { "map", "touch", "fork", "unmap" };
static uint64_t best_us[STEPS] = { -1UL, -1UL, -1UL, -1UL };
static volatile char *map;
static char *stack;

static int
child(void *arg)
{
	EQ(map[0] + map[SIZE / 2] + map[SIZE - 1], 3 * 'x');
	return arg != NULL;
}

static void
took(enum step step, uint64_t since)
{
	uint64_t us = (now_ns() - since) / 1000;

	if (us < best_us[step])
		best_us[step] = us;
}

static void
one_round(void)
{
	int fd = OK(syscall(SYS_memfd_create, "a32", 0));
	uint64_t t;
	pid_t pid;

	snap_all(1);
	t = now_ns();
	OK(ftruncate(fd, SIZE));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	took(MAP, t);
	CHECK(map != MAP_FAILED);
	t = now_ns();
	map[0] = map[SIZE / 2] = map[SIZE - 1] = 'x';
	took(TOUCH, t);
	snap_all(2);
	DELTA_LE(1, 2, "commit.total", 20);
	DELTA_EQ(1, 2, "anon.pages", 3);
	t = now_ns();
	pid = fork_on(child, NULL, stack);
	took(FORK, t);
	REAP(pid, 0);
	t = now_ns();
	OK(munmap((void *)map, SIZE));
	took(UNMAP, t);
	OK(close(fd));
	snap_all(2);
	DELTA_EQ(1, 2, "anon.pages", 0);
	DELTA_EQ(1, 2, "anon.tables", 0);
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
	return run_on_shared_stack(body);
}
