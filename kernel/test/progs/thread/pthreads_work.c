/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * musl's threads: 50 at once with thread-local data, mutex and condition,
 * detached ones, cancellation, exit of the process from a thread.
 */
#include "lib/test.h"
#include <pthread.h>
#include <semaphore.h>

#define THREADS 50
#define ROUNDS 200

static __thread long local = 5;
static long total;
static int waiting, gate;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;

static void *
worker(void *arg)
{
	long me = (long)arg;

	EQ(local, 5);
	local = me;
	EQ(pthread_mutex_lock(&lock), 0);
	waiting++;
	pthread_cond_broadcast(&cond);
	while (!gate)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	for (long i = rounds(ROUNDS); i > 0; i--) {
		pthread_mutex_lock(&lock);
		total += me;
		pthread_mutex_unlock(&lock);
		if (i % 50 == 0)
			sched_yield();
	}
	EQ(local, me);
	return (void *)(me * 2);
}

static void
many(void)
{
	pthread_t t[THREADS];
	void *r;

	total = waiting = gate = 0;
	for (long i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, worker, (void *)i), 0);
	pthread_mutex_lock(&lock);
	while (waiting < THREADS)
		pthread_cond_wait(&cond, &lock);
	gate = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	for (long i = 0; i < THREADS; i++) {
		EQ(pthread_join(t[i], &r), 0);
		EQ((long)r, i * 2);
	}
	EQ(total, rounds(ROUNDS) * THREADS * (THREADS - 1) / 2);
	EQ(local, 5);
}

static void *
detached(void *arg)
{
	sem_post(&sem);
	return arg;
}

static void *
sleeper(void *arg)
{
	for (;;)
		sleep(100);
	return arg;
}

static void *
exiter(void *arg)
{
	exit(arg ? 33 : 1);
}

static void
others(void)
{
	struct timespec soon;
	pthread_t t;
	void *r;
	pid_t pid;

	EQ(sem_init(&sem, 0, 0), 0);
	for (int i = 0; i < 30; i++) {
		EQ(pthread_create(&t, NULL, detached, NULL), 0);
		EQ(pthread_detach(t), 0);
		EQ(sem_wait(&sem), 0);
	}
	EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
	sleep_ms(20);
	EQ(pthread_cancel(t), 0);
	EQ(pthread_join(t, &r), 0);
	CHECK(r == PTHREAD_CANCELED);
	OK(clock_gettime(CLOCK_REALTIME, &soon));
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	EQ(pthread_cond_timedwait(&cond, &lock, &soon), ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	pid = OK(fork());
	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			pthread_create(&t, NULL, sleeper, NULL);
		pthread_create(&t, NULL, exiter, &sem);
		for (;;)
			pause();
	}
	REAP(pid, 33);
}

int
main(void)
{
	many();
	many();
	others();
	return test_done();
}
