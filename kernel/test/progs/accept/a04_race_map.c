/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 APPEND=locks=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A4: four threads fault while four others map and unmap: no page is lost,
 * the order of locks was checked, and nothing was found wrong.
 */
#include "../lib/events.h"
#include <pthread.h>

#define PAGES 64
#define ROUNDS 40

static volatile int stop;

/* Own pages, dropped and faulted again; each must keep its last value. */
static void *
faulter(void *arg)
{
	volatile long *p = (long *)pages_private(PAGES);
	size_t stride = PAGE / sizeof(*p);
	long me = (long)arg;

	for (long n = 1; !stop; n++) {
		for (int i = 0; i < PAGES; i++)
			p[i * stride] = n * 10 + me;
		for (int i = 0; i < PAGES; i++)
			EQ(p[i * stride], n * 10 + me);
		OK(madvise((void *)p, PAGES * PAGE, MADV_DONTNEED));
		for (int i = 0; i < PAGES; i++)
			EQ(p[i * stride], 0);
	}
	OK(munmap((void *)p, PAGES * PAGE));
	return NULL;
}

static void *
mapper(void *arg)
{
	for (int n = 0; n < ROUNDS; n++) {
		char *p[8];

		for (int i = 0; i < 8; i++) {
			p[i] = pages_private(1 + i);
			p[i][i * PAGE] = i + 1;
		}
		for (int i = 0; i < 8; i++) {
			EQ(p[i][i * PAGE], i + 1);
			OK(munmap(p[i], (1 + i) * PAGE));
		}
	}
	return arg;
}

int
main(void)
{
	pthread_t f[4], m[4];

	snap_init();
	snap_all(1);
	for (long i = 0; i < 4; i++) {
		EQ(pthread_create(&f[i], NULL, faulter, (void *)i), 0);
		EQ(pthread_create(&m[i], NULL, mapper, NULL), 0);
	}
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(m[i], NULL), 0);
	stop = 1;
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(f[i], NULL), 0);
	check_vm();
	snap_all(2);
	CHECK(snap_delta(1, 2, "lock.order_checks") > 0);
	EQ(snap_get(2, "check.failures"), 0);
	return test_done();
}
