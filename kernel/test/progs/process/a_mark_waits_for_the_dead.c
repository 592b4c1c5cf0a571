/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 MORE=1,2 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process is waited for before its last thread has left its stack: that is freed
 * a little later, by another one.  A mark made in between would count it for ever.
 */
#include "lib/test.h"
#include <pthread.h>

#define TURNS 200
#define THREADS 3

static void *
nothing(void *arg)
{
	return arg;
}

/* Ends with its threads, all at once. */
static void
child(void)
{
	pthread_t t;

	for (int i = 0; i < THREADS; i++)
		EQ(pthread_create(&t, NULL, nothing, NULL), 0);
	_exit(0);
}

int
main(void)
{
	pid_t pid;

	leak_mark();
	for (int i = 0; i < TURNS; i++) {
		pid = OK(fork());
		if (pid == 0)
			child();
		REAP(pid, 0);
		leak_mark();
		leak_diff();
	}
	return test_done();
}
