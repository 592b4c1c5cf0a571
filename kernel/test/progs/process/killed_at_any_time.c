/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * SIGKILL ends a process within a second wherever it is: in a loop, in a
 * pipe, asleep, in vfork, in a futex, while it faults or forks; and all of
 * its memory comes back.
 */
#include "lib/futex.h"
#include "lib/test.h"
#include <pthread.h>

#define LATE_MOST 2 /* for a host may stand still; who is late is late again */

static void *
thread(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

static void
victim(int kind)
{
	int word = 0, fd[2];
	pthread_t t;
	char *p, c;

	switch (kind) {
	case 0:
		for (;;)
			continue;
	case 1:
		OK(pipe(fd));
		OK(read(fd[0], &c, 1));
		break;
	case 2:
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
		break;
	case 3:
		if (vfork() == 0)
			for (;;)
				pause();
		break;
	case 4:
		for (;;) {
			p = pages_private(500);
			memset(p, 1, 500 * PAGE);
			munmap(p, 500 * PAGE);
		}
	case 5:
		p = pages_private(300);
		memset(p, 1, 300 * PAGE);
		for (;;)
			if (fork() == 0)
				_exit(0);
			else
				wait(NULL);
	case 6:
		for (int i = 0; i < 5; i++)
			pthread_create(&t, NULL, thread, NULL);
		pause();
		break;
	default:
		raise(SIGSTOP);
	}
	_exit(0);
}

static pid_t
start(int kind)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		setpgid(0, 0);
		victim(kind);
	}
	setpgid(pid, pid);
	return pid;
}

static int late; /* kills that took more than a second */

static void
round_of(int n, int kinds)
{
	uint64_t seed = 17;

	for (int i = 0; i < n; i++) {
		pid_t pid = start(i % kinds);
		uint64_t t0;

		sleep_ms(rnd(&seed) % 12);
		t0 = now_ns();
		OK(kill(-pid, SIGKILL));
		REAP_SIGNAL(pid, SIGKILL);
		late += now_ns() - t0 > 1000000000;
		LE(late, LATE_MOST);
	}
}

int
main(void)
{
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	round_of(16, 8);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	leak_mark();
	round_of(48, 8);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	leak_diff();
	return test_done();
}
