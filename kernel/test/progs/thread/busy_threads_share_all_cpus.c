/* NEEDS: MEM=64M CPUS=4 ICOUNT=1 TIMEOUT=60 TURN=3 KIND=bounded LINUX=no */
/* BOUNDED: several CPUs; a slice is a twentieth of the time that is counted */
/*
 * Threads that never sleep, twice as many as there are processors: each has
 * as much of them as the others, wherever it was made.
 */
#include "lib/test.h"
#include <pthread.h>

#define MAX_THREADS 64
#define SETTLE_MS 100
#define WINDOW_MS 600

static volatile int phase; /* 1: counted from now on, 2: to now */
static uint64_t used[MAX_THREADS];

static uint64_t
my_time(void)
{
	struct timespec ts;

	OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	return ts.tv_sec * 1000000000ul + ts.tv_nsec;
}

static void *
busy(void *slot)
{
	uint64_t t0;

	while (phase == 0)
		continue;
	t0 = my_time();
	while (phase == 1)
		continue;
	*(uint64_t *)slot = my_time() - t0;
	return NULL;
}

int
main(void)
{
	int n = 2 * (int)OK(sysconf(_SC_NPROCESSORS_ONLN)), i;
	uint64_t least = UINT64_MAX, most = 0;
	pthread_t t[MAX_THREADS];

	n = n < MAX_THREADS ? n : MAX_THREADS;
	for (i = 0; i < n; i++)
		EQ(pthread_create(&t[i], NULL, busy, &used[i]), 0);
	sleep_ms(SETTLE_MS);
	phase = 1;
	sleep_ms(WINDOW_MS);
	phase = 2;
	for (i = 0; i < n; i++) {
		EQ(pthread_join(t[i], NULL), 0);
		least = used[i] < least ? used[i] : least;
		most = used[i] > most ? used[i] : most;
	}
	LE(most * 10, least * 13);
	return test_done();
}
