/* NEEDS: MEM=64M CPUS=2 TIMEOUT=30 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who sleeps until the process has used so much of the processors wakes about
 * then, also when two threads use two.
 */
#include "lib/test.h"
#include <pthread.h>
#include <time.h>

#define SLEEP_NS 600000000l
#define LATE_NS 450000000l

static volatile bool over;

static void *
burn(void *arg)
{
	while (!over)
		continue;
	return arg;
}

static long
used(void)
{
	struct timespec ts;

	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	return ts.tv_sec * 1000000000l + ts.tv_nsec;
}

/* So much had been used when the sleep ended. */
static long
woken_at(void)
{
	const struct timespec sleep = { 0, SLEEP_NS };
	long before = used();

	EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &sleep, NULL), 0);
	return used() - before;
}

int
main(void)
{
	pthread_t t[2];
	long at;

	for (int i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, burn, NULL), 0);
	/* Once a host may stand still; who forgets a thread is late each time. */
	for (int i = 0; (at = woken_at()) >= SLEEP_NS + LATE_NS && i < 4; i++)
		continue;
	over = true;
	for (int i = 0; i < 2; i++)
		EQ(pthread_join(t[i], NULL), 0);
	CHECK(at >= SLEEP_NS);
	CHECK(at < SLEEP_NS + LATE_NS);
	return test_done();
}
