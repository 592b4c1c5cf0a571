/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=no MORE=4 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A fork bomb, under RLIMIT_NPROC and without: fork fails with EAGAIN or
 * ENOMEM, the bystander goes on, and all comes back when it is killed.
 */
#include "lib/test.h"

struct shared {
	volatile int failed, error, forks;
};

static struct shared *s;

static void
bomb(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid < 0) {
			s->error = errno;
			__atomic_fetch_add(&s->failed, 1, __ATOMIC_RELAXED);
			sleep_ms(50);
		} else if (pid > 0) {
			__atomic_fetch_add(&s->forks, 1, __ATOMIC_RELAXED);
		}
		if (s->failed > 20)
			pause();
	}
}

static void
explode(long limit)
{
	uint64_t until = now_ns() + 100000000000UL;
	pid_t pid;

	memset(s, 0, sizeof(*s));
	pid = OK(fork());
	if (pid == 0) {
		struct rlimit rl = { limit, limit };

		OK(setsid());
		if (limit > 0) {
			OK(setrlimit(RLIMIT_NPROC, &rl));
			OK(setuid(4242)); /* root is not limited */
		}
		bomb();
	}
	while (s->failed < 10 && now_ns() < until)
		sleep_ms(20);
	CHECK(s->failed >= 10);
	CHECK(s->error == EAGAIN || s->error == ENOMEM);
	if (limit > 0)
		EQ(s->error, EAGAIN);
	CHECK(s->forks >= 5 && (limit == 0 || s->forks <= limit));
	for (int i = 0; i < 30; i++) {
		kill(-pid, SIGKILL);
		sleep_ms(10);
	}
	REAP_SIGNAL(pid, SIGKILL);
	while (wait(NULL) > 0)
		continue;
	ERR(kill(-pid, 0), ESRCH);
	pid = OK(fork()); /* the machine is as before */
	if (pid == 0)
		_exit(3);
	REAP(pid, 3);
}

int
main(void)
{
	s = (void *)pages_shared(1);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	explode(40);
	leak_mark();
	explode(30);
	leak_diff();
	if (!on_vadose()) /* other people live there */
		return 0;
	explode(0);
	leak_mark();
	explode(0);
	leak_diff();
	return test_done();
}
