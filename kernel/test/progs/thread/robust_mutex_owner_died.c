/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A robust mutex whose owner ended is handed on with EOWNERDEAD: the
 * thread's or process's robust list is walked at its end, however it ends.
 */
#include "lib/test.h"
#include <pthread.h>

static pthread_mutex_t *m;

static void *
taker(void *arg)
{
	EQ(pthread_mutex_lock(m), 0);
	return arg;
}

static void
make(void)
{
	pthread_mutexattr_t a;

	EQ(pthread_mutexattr_init(&a), 0);
	EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	EQ(pthread_mutex_init(m, &a), 0);
}

static void
took_over(void)
{
	EQ(pthread_mutex_lock(m), EOWNERDEAD);
	EQ(pthread_mutex_consistent(m), 0);
	EQ(pthread_mutex_unlock(m), 0);
	EQ(pthread_mutex_lock(m), 0);
	EQ(pthread_mutex_unlock(m), 0);
}

int
main(void)
{
	pthread_t t;
	pid_t pid;

	m = (void *)pages_shared(1);
	make();
	EQ(pthread_create(&t, NULL, taker, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	took_over();
	for (int i = 0; i < 2; i++) {
		pid = OK(fork());
		if (pid == 0) {
			taker(NULL);
			if (i == 0)
				_exit(0);
			raise(SIGKILL);
		}
		reap(pid);
		took_over();
	}
	/* The waiter sleeps when the owner dies. */
	pid = OK(fork());
	if (pid == 0) {
		taker(NULL);
		sleep_ms(50);
		raise(SIGKILL);
	}
	while (*(volatile int *)((char *)m + 4) == 0)
		sched_yield();
	took_over();
	REAP_SIGNAL(pid, SIGKILL);
	/* A list of garbage does no harm. */
	pid = OK(fork());
	if (pid == 0) {
		static long head[3];

		head[0] = 0x123456789abcdef0;
		OK(syscall(SYS_set_robust_list, head, 24));
		_exit(0);
	}
	REAP(pid, 0);
	pid = OK(fork());
	if (pid == 0) {
		static long head[3], loop[2];

		head[0] = (long)loop;
		loop[0] = (long)loop;
		head[2] = (long)loop | 1;
		OK(syscall(SYS_set_robust_list, head, 24));
		_exit(0);
	}
	REAP(pid, 0);
	ERR(syscall(SYS_set_robust_list, m, 23), EINVAL);
	return test_done();
}
