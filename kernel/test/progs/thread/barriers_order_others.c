/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * membarrier(2): of two threads that each store and then load what the other stores,
 * one sees it, though only the one that asks has a barrier; who has not registered is
 * refused, after exec as well, and a forked child has registered with its parent.
 */
#include "lib/test.h"
#include <pthread.h>

enum { QUERY, GLOBAL, GLOBAL_EXPEDITED, REGISTER_GLOBAL = 4, PRIVATE = 8,
	REGISTER_PRIVATE = 16 };

#define ROUNDS 1000

static volatile int asked, done, mine, theirs, seen;

static long
barrier(int what)
{
	return syscall(SYS_membarrier, what, 0, 0);
}

/* It stores, and loads without a barrier. */
static void *
cheap(void *arg)
{
	for (int round = 1; round <= ROUNDS; round++) {
		while (asked < round)
			sched_yield();
		theirs = round;
		__asm__ volatile ("" ::: "memory");
		seen = mine;
		__asm__ volatile ("" ::: "memory");
		done = round;
	}
	return arg;
}

static void
order(int what)
{
	pthread_t t;

	asked = done = mine = theirs = 0;
	EQ(pthread_create(&t, NULL, cheap, NULL), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		asked = round;
		mine = round;
		OK(barrier(what));
		if (theirs == round)
			continue;
		while (done < round)
			sched_yield();
		EQ(seen, round);
	}
	EQ(pthread_join(t, NULL), 0);
}

int
main(int argc, char **argv)
{
	long known = OK(barrier(QUERY));
	pid_t pid;

	EQ(known & 31, 31);
	ERR(barrier(PRIVATE), EPERM);
	if (argc > 1)
		return test_done();
	OK(barrier(REGISTER_PRIVATE));
	OK(barrier(REGISTER_GLOBAL));
	order(PRIVATE);
	order(GLOBAL_EXPEDITED);
	OK(barrier(GLOBAL));
	pid = OK(fork());
	if (pid == 0) {
		OK(barrier(PRIVATE));
		OK(execl("/proc/self/exe", argv[0], "again", (char *)NULL));
	}
	REAP(pid, 0);
	return test_done();
}
