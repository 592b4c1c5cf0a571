/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Threads sleep on words of shared memory that is unmapped meanwhile.  The
 * kernel has other objects at the same addresses afterwards: a wake of a word
 * of theirs is for who sleeps there.
 */
#include "lib/test.h"
#include "lib/futex.h"
#include <pthread.h>

#define OBJECTS 40

static int *word;

static void *
sleeper(void *arg)
{
	syscall(SYS_futex, arg, FUTEX_WAIT, 0, NULL);
	return NULL;
}

/* Asleep on words of objects that are gone. */
static void
leave_sleepers(int ready)
{
	pthread_t t;

	for (int i = 0; i < rounds(OBJECTS); i++) {
		word = (int *)pages_shared(1);
		EQ(pthread_create(&t, NULL, sleeper, word), 0);
		sleep_ms(10);
		OK(munmap(word, PAGE));
	}
	EQ(write(ready, "x", 1), 1);
	for (;;)
		pause();
}

static void
wake_another(void)
{
	struct timespec soon = { .tv_sec = 5 };
	int *w = (int *)pages_shared(1), woken = 0;
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(syscall(SYS_futex, w, FUTEX_WAIT, 0, &soon) == 0 ? 0 : 1);
	while (woken == 0)
		woken = OK(syscall(SYS_futex, w, FUTEX_WAKE, 1));
	EQ(woken, 1);
	REAP(pid, 0);
}

int
main(void)
{
	int ready[2];
	char c;
	pid_t pid;

	OK(pipe(ready));
	pid = OK(fork());
	if (pid == 0)
		leave_sleepers(ready[1]);
	EQ(read(ready[0], &c, 1), 1);
	for (int i = 0; i < rounds(OBJECTS); i++)
		wake_another(); /* its object stays, the next is another */
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	return test_done();
}
