/* NEEDS: MEM=256M CPUS=1 TIMEOUT=120 KIND=exact */
/*
 * A thread that sleeps costs nothing: not the calls of the others, whatever limit of CPU
 * time the process has; and at the end of all each costs as much as another, however
 * many there are.  Judged where time is counted in instructions.
 */
#include "lib/test.h"

#define FEW 250
#define MANY 4000
#define CALLS 2000
#define STACK 1024UL

static char *stacks;
static volatile int begun;

/* Has next to no stack: no function of the library is called. */
static int
sleeps(void *arg)
{
	long r;

	(void)arg;
	__atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("syscall" : "=a"(r) : "a"(SYS_pause)
		    : "rcx", "r11", "memory");
	return 0;
}

static void
begin(int n)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
	    CLONE_THREAD | CLONE_SYSVSEM;

	begun = 0;
	for (int i = 0; i < n; i++)
		OK(clone(sleeps, stacks + (i + 1) * STACK, flags, NULL));
	while (begun < n)
		sched_yield();
}

static void
judge(uint64_t seen, uint64_t limit)
{
	if (on_vadose())
		LE(seen, limit);
}

static uint64_t
calls_take(void)
{
	uint64_t t0 = now_ns();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return now_ns() - t0;
}

static void
a_limit_costs_nothing(void)
{
	uint64_t without, with;
	struct rlimit rl;
	pid_t pid = OK(fork());

	if (pid == 0) {
		begin(FEW);
		without = calls_take();
		OK(getrlimit(RLIMIT_CPU, &rl));
		rl.rlim_cur = 1000;
		OK(setrlimit(RLIMIT_CPU, &rl));
		with = calls_take();
		judge(with, 4 * without);
		_exit(0);
	}
	REAP(pid, 0);
}

/* From the signal until nothing is left of n of them. */
static uint64_t
end_takes(int n)
{
	int told[2];
	uint64_t t0;
	pid_t pid;
	char c;

	OK(pipe(told));
	pid = OK(fork());
	if (pid == 0) {
		begin(n);
		EQ(write(told[1], "t", 1), 1);
		for (;;)
			pause();
	}
	EQ(read(told[0], &c, 1), 1);
	t0 = now_ns();
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	OK(close(told[0]));
	OK(close(told[1]));
	return now_ns() - t0;
}

static void
the_end_is_even(void)
{
	uint64_t few = end_takes(FEW), many = end_takes(MANY);

	judge(many / MANY, 3 * few / FEW);
}

int
main(void)
{
	stacks = pages_private((MANY + 1) * STACK / PAGE);
	a_limit_costs_nothing();
	the_end_is_even();
	return test_done();
}
