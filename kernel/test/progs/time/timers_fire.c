/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * alarm and setitimer: they fire, repeat, can be read and taken back; a
 * child does not inherit them.  One of time that has fired stands still until its
 * signal is taken.
 */
#include "lib/test.h"

static volatile int alarms, virtuals;

static void
on_alarm(int signo)
{
	if (signo == SIGALRM)
		alarms++;
	else
		virtuals++;
}

static volatile long work, work_seen;
static volatile int profs, stuck;

/* The program runs between two signals of its CPU time. */
static void
on_prof(int signo)
{
	const struct itimerval again = { { 0, 0 }, { 0, 1 } };
	struct itimerval now;

	(void)signo;
	profs++;
	stuck = work == work_seen ? stuck + 1 : 0;
	work_seen = work;
	if (stuck > 20)
		FAIL("signals only: %d", profs);
	OK(getitimer(ITIMER_PROF, &now));
	if (now.it_interval.tv_usec == 0)
		OK(setitimer(ITIMER_PROF, &again, NULL));
}

static void
profile(int interval, int flags)
{
	struct itimerval it = { { 0, interval }, { 0, 1 } };
	struct sigaction sa = { .sa_handler = on_prof, .sa_flags = flags };
	uint64_t t0 = now_ns();

	OK(sigaction(SIGPROF, &sa, NULL));
	profs = 0;
	OK(setitimer(ITIMER_PROF, &it, NULL));
	while (profs < 5 && now_ns() - t0 < 10000000000)
		work++;
	signal(SIGPROF, SIG_IGN);
	memset(&it, 0, sizeof(it));
	OK(setitimer(ITIMER_PROF, &it, NULL));
	CHECK(profs >= 5);
}

static void
stands_still(void)
{
	struct itimerval now;

	sleep_ms(60);
	OK(getitimer(ITIMER_REAL, &now));
	EQ(now.it_value.tv_sec, 0);
	EQ(now.it_value.tv_usec, 0);
	EQ(now.it_interval.tv_usec, 20000);
}

static void
goes_on(void)
{
	struct itimerval now;

	CHECK(alarms > 0);
	OK(getitimer(ITIMER_REAL, &now));
	CHECK(now.it_value.tv_usec > 0 && now.it_value.tv_usec <= 20000);
	while (alarms < 4)
		pause();
}

/* While the signal is blocked, and when it was ignored, until another one is taken. */
static void
waits_for_its_signal(void)
{
	const struct itimerval it = { { 0, 20000 }, { 0, 10000 } };
	struct itimerval off = { { 0, 20000 }, { 0, 0 } }, now;
	sigset_t alrm;

	sigemptyset(&alrm);
	sigaddset(&alrm, SIGALRM);
	OK(sigprocmask(SIG_BLOCK, &alrm, NULL));
	alarms = 0;
	OK(setitimer(ITIMER_REAL, &it, NULL));
	stands_still();
	OK(sigprocmask(SIG_UNBLOCK, &alrm, NULL));
	goes_on();
	signal(SIGALRM, SIG_IGN);
	stands_still();
	alarms = 0;
	signal(SIGALRM, on_alarm);
	stands_still();
	EQ(alarms, 0);
	OK(raise(SIGALRM)); /* to the thread: that is another one */
	EQ(alarms, 1);
	stands_still();
	OK(kill(getpid(), SIGALRM));
	goes_on();
	/* What is off has no interval; of CPU time it keeps it. */
	OK(setitimer(ITIMER_REAL, &off, NULL));
	OK(getitimer(ITIMER_REAL, &now));
	EQ(now.it_interval.tv_usec, 0);
	OK(setitimer(ITIMER_PROF, &off, NULL));
	OK(getitimer(ITIMER_PROF, &now));
	EQ(now.it_interval.tv_usec, 20000);
	alarms = 0;
	sleep_ms(50);
	EQ(alarms, 0);
}

int
main(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;
	uint64_t t0;
	long left;
	pid_t pid;

	signal(SIGALRM, on_alarm);
	signal(SIGVTALRM, on_alarm);
	t0 = now_ns();
	EQ(alarm(100), 0);
	pid = OK(fork());
	if (pid == 0)
		_exit(alarm(0) == 0 ? 0 : 1);
	REAP(pid, 0);
	/* It is rounded: half a second later it is one less. */
	left = alarm(0);
	CHECK(left == 100 || (left > 90 && now_ns() - t0 >= 500000000));
	t0 = now_ns();
	OK(setitimer(ITIMER_REAL, &it, NULL));
	while (alarms < 5)
		pause();
	CHECK(now_ns() - t0 >= 50000000);
	OK(getitimer(ITIMER_REAL, &old));
	EQ(old.it_interval.tv_usec, 10000);
	memset(&it, 0, sizeof(it));
	OK(setitimer(ITIMER_REAL, &it, &old));
	alarms = 0;
	sleep_ms(50);
	EQ(alarms, 0);
	waits_for_its_signal();
	it.it_value.tv_usec = 30000;
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	sleep_ms(100);
	EQ(virtuals, 0); /* it counts only time that is used */
	t0 = now_ns();
	while (virtuals == 0 && now_ns() - t0 < 10000000000)
		continue;
	EQ(virtuals, 1);
	profile(1, 0);
	profile(1, SA_NODEFER);
	profile(0, 0);
	it.it_value.tv_usec = 1000000;
	ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	ERR(setitimer(9, &it, NULL), EINVAL);
	/* Which one is an int: what stands above it is not looked at. */
	OK(syscall(SYS_getitimer, 1ul << 32 | ITIMER_PROF, &it));
	OK(syscall(SYS_setitimer, 1ul << 32 | ITIMER_PROF, &it, NULL));
	return test_done();
}
