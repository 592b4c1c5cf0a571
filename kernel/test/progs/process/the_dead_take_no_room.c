/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 MORE=4 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who makes processes or threads all the time, each after the end of the last
 * one, always gets the next: what the ended ones had is there again.
 */
#include "lib/test.h"
#include <pthread.h>

#define ROUNDS (is_watched() ? 200 : 6000)

/* Nobody waits for them: they are gone when they say that they end. */
static void
processes(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < ROUNDS; i++)
		if (OK(vfork()) == 0)
			_exit(0);
	signal(SIGCHLD, SIG_DFL);
}

static void *
ends(void *arg)
{
	return arg;
}

static void
threads(void)
{
	pthread_t t;

	for (int i = 0; i < ROUNDS; i++) {
		EQ(pthread_create(&t, NULL, ends, NULL), 0);
		EQ(pthread_join(t, NULL), 0);
	}
}

int
main(void)
{
	processes();
	threads();
	return test_done();
}
