/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Two threads wait for two signals, and both are sent to the process at once:
 * each thread gets one, also if both signals came while only one was on its way.
 */
#include "lib/test.h"

#include <pthread.h>

#define ROUNDS rounds(20)

static sigset_t both;
static _Atomic int ready, got, round_no;

/*
 * The next of the signals comes before five seconds are over: at the end of
 * the wait who was forgotten finds it.
 */
static void
take_one(void)
{
	struct timespec limit = { 5, 0 };
	uint64_t begin = now_ns();
	int signo;

	do
		signo = sigtimedwait(&both, NULL, &limit);
	while (signo < 0 && errno == EINTR);
	CHECK(signo > 0);
	LE((now_ns() - begin) / 1000000, 4999);
}

static void *
waiter(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		while (round_no < i)
			sleep_ms(1);
		ready++;
		take_one();
		got++;
	}
	return arg;
}

/* On the CPU of the others: both signals are there before one of them runs. */
static void
send_both(pid_t to)
{
	sleep_ms(2);
	OK(kill(to, SIGUSR1));
	OK(kill(to, SIGUSR2));
}

static void
one_round(int i)
{
	pid_t pid;

	ready = got = 0;
	round_no = i;
	while (ready < 2)
		sleep_ms(1);
	pid = OK(fork());
	if (pid == 0) {
		send_both(getppid());
		_exit(0);
	}
	REAP(pid, 0);
	while (got < 2)
		sleep_ms(1);
}

static void
one_cpu_for_all(void)
{
	cpu_set_t cpus;

	OK(sched_getaffinity(0, sizeof(cpus), &cpus));
	for (int c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, &cpus))
			continue;
		CPU_ZERO(&cpus);
		CPU_SET(c, &cpus);
		break;
	}
	OK(sched_setaffinity(0, sizeof(cpus), &cpus));
}

int
main(void)
{
	pthread_t t[2];

	alarm(20);
	one_cpu_for_all();
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &both, NULL));
	for (int i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, waiter, NULL), 0);
	for (int i = 1; i <= ROUNDS; i++)
		one_round(i);
	for (int i = 0; i < 2; i++)
		EQ(pthread_join(t[i], NULL), 0);
	return test_done();
}
