/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Of several threads that would take a signal of their process one has it: when
 * CPU time is over the one that uses it, so a profiler sees who works; of kill(2)
 * the one whose number was given.
 */
#include "lib/sleeps.h"

#include <pthread.h>

#define ENOUGH 5
#define LIMIT_NS 20000000000ul

static __thread volatile int mine; /* signals that this thread has had */
static volatile long work;
static volatile int main_has; /* of them while it slept and another worked */
static volatile bool main_sleeps;
static pthread_t main_thread;
static _Atomic pid_t sleeper, taken_by;

static void
on_time(int signo)
{
	(void)signo;
	mine++;
	main_has += main_sleeps && pthread_equal(pthread_self(), main_thread);
}

static void *
worker(void *arg)
{
	uint64_t t0 = now_ns();

	thread_sleeps(getpid(), getpid());
	main_sleeps = true;
	while (mine < *(int *)arg && now_ns() - t0 < LIMIT_NS)
		work++;
	main_sleeps = false;
	return (void *)(long)mine;
}

/* Signals that a working thread has had, of those that are enough. */
static int
had_by_worker(int enough)
{
	pthread_t t;
	void *had;

	main_has = 0;
	EQ(pthread_create(&t, NULL, worker, &enough), 0);
	EQ(pthread_join(t, &had), 0);
	return (int)(long)had;
}

static void
timer(int which, int signo)
{
	const struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };
	int had;

	signal(signo, on_time);
	OK(setitimer(which, &it, NULL));
	had = had_by_worker(ENOUGH);
	OK(setitimer(which, &off, NULL));
	EQ(had, ENOUGH);
	EQ(main_has, 0);
}

static void
cpu_limit(void)
{
	struct rlimit lim = { 0, RLIM_INFINITY };
	struct timespec used;

	signal(SIGXCPU, on_time);
	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
	lim.rlim_cur = (rlim_t)used.tv_sec + 1;
	OK(setrlimit(RLIMIT_CPU, &lim));
	EQ(had_by_worker(1), 1);
	EQ(main_has, 0);
}

static void
on_kill(int signo)
{
	(void)signo;
	taken_by = (pid_t)syscall(SYS_gettid);
}

static void *
sleep_until_taken(void *arg)
{
	sleeper = (pid_t)syscall(SYS_gettid);
	while (taken_by == 0)
		sleep_ms(1000);
	return arg;
}

static void
by_number(void)
{
	pthread_t t;

	signal(SIGUSR1, on_kill);
	EQ(pthread_create(&t, NULL, sleep_until_taken, NULL), 0);
	while (sleeper == 0)
		sleep_ms(1);
	thread_sleeps(getpid(), sleeper);
	OK(kill(sleeper, SIGUSR1));
	EQ(pthread_join(t, NULL), 0);
	EQ(taken_by, sleeper);
	taken_by = 0;
	OK(kill(getpid(), SIGUSR1));
	EQ(taken_by, getpid());
}

int
main(void)
{
	main_thread = pthread_self();
	timer(ITIMER_PROF, SIGPROF);
	timer(ITIMER_VIRTUAL, SIGVTALRM);
	by_number();
	cpu_limit();
	return test_done();
}
