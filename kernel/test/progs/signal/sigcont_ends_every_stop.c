/* NEEDS: MEM=64M CPUS=2 TIMEOUT=60 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * SIGCONT comes at every moment of a stop, also between the taking of SIGSTOP
 * and the stop itself: afterwards the process runs, with all its threads.
 */
#include "lib/test.h"
#include <pthread.h>

#define ROUNDS_MIN 200

static volatile unsigned long *steps; /* shared; one word per thread */

static void *
thread(void *arg)
{
	for (;;)
		steps[1]++;
	return arg;
}

static pid_t
runner(int threads)
{
	pid_t pid = OK(fork());
	pthread_t t;

	if (pid != 0)
		return pid;
	if (threads == 2)
		EQ(pthread_create(&t, NULL, thread, NULL), 0);
	for (;;)
		steps[0]++;
}

/* Thread i goes on within some seconds. */
static void
runs(int i, long round)
{
	unsigned long was = steps[i];
	uint64_t t0 = now_ns();

	while (steps[i] == was)
		if (now_ns() - t0 > 5000000000)
			FAIL("round %ld: thread %d stays stopped", round, i);
}

static void
stop_and_continue(long n, int threads)
{
	pid_t pid = runner(threads);
	uint64_t seed = 29, t0 = now_ns();
	int status;

	for (int i = 0; i < threads; i++)
		runs(i, -1);
	for (long round = 0; round < n; round++) {
		if (round >= ROUNDS_MIN && now_ns() - t0 > 30000000000)
			break; /* each waits until the runner has its turn */
		OK(kill(pid, SIGSTOP));
		for (volatile unsigned k = rnd(&seed) % 400; k > 0; k--)
			continue;
		OK(kill(pid, SIGCONT));
		for (int i = 0; i < threads; i++)
			runs(i, round);
	}
	/* What was told of the stops is stale by now. */
	EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

int
main(void)
{
	steps = (void *)pages_shared(1);
	stop_and_continue(rounds(rounds(2500)), 1);
	stop_and_continue(rounds(50), 2);
	return test_done();
}
