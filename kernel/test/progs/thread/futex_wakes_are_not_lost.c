/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A wake between the check of the value and the sleep is not lost: pairs
 * of threads and of processes play ping-pong by futex without a timeout.
 */
#include "lib/test.h"
#include "lib/futex.h"
#include <pthread.h>

#define ROUNDS 3000

struct table {
	int word;
	int pad[15];
};

static void
play(struct table *t, int me)
{
	int last = rounds(ROUNDS);

	for (int n = me; n < last; n += 2) {
		int v;

		while ((v = __atomic_load_n(&t->word, __ATOMIC_SEQ_CST)) != n)
			syscall(SYS_futex, &t->word, FUTEX_WAIT, v, NULL);
		__atomic_store_n(&t->word, n + 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &t->word, FUTEX_WAKE, 1);
	}
}

static void *
second(void *arg)
{
	play(arg, 1);
	return NULL;
}

static void *
first(void *arg)
{
	play(arg, 0);
	return NULL;
}

int
main(void)
{
	struct table *t = (void *)pages_shared(1);
	pthread_t th[8];
	pid_t pid;

	for (int i = 0; i < 4; i++) {
		EQ(pthread_create(&th[2 * i], NULL, first, &t[i]), 0);
		EQ(pthread_create(&th[2 * i + 1], NULL, second, &t[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		EQ(pthread_join(th[i], NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(t[i].word, rounds(ROUNDS));
	t[5].word = 0;
	pid = OK(fork());
	play(&t[5], pid == 0);
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	EQ(t[5].word, rounds(ROUNDS));
	return test_done();
}
