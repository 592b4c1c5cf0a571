/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A relative sleep of CPU time that a handler ends tells what is left of it;
 * a stop does not start it anew.  An absolute one tells nothing.
 */
#include "lib/alarms.h"
#include <pthread.h>

#define SEC 1000000000L
/* A busy machine gives little time between two; where our kernel runs that counts. */
#define STOPS (on_vadose() ? 40 : 400)

static long
sleep_cpu(int flags, long ns, struct timespec *left)
{
	const struct timespec ts = { ns / SEC, ns % SEC };

	return syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, flags,
	    &ts, left);
}

static void
handled(void)
{
	struct timespec left = { 77, 77 };

	alarms(20000);
	ERR(sleep_cpu(TIMER_ABSTIME, 100 * SEC, &left), EINTR);
	EQ(left.tv_sec, 77);
	ERR(sleep_cpu(0, 100 * SEC, &left), EINTR);
	CHECK(left.tv_sec == 99 && left.tv_nsec > 0 && left.tv_nsec < SEC);
	ERR(sleep_cpu(0, 100 * SEC, (void *)8), EFAULT);
	alarms(0);
}

static void *
burn(void *arg)
{
	for (;;)
		*(volatile long *)arg += 1;
	return NULL;
}

/* It ends when another thread has used the time, on this side of the stops. */
static void
stopped(void)
{
	static long work;
	int status, stops = 0;
	pthread_t t;
	pid_t pid = OK(fork());

	if (pid == 0) {
		EQ(pthread_create(&t, NULL, burn, &work), 0);
		EQ(sleep_cpu(0, SEC, NULL), 0);
		_exit(0);
	}
	/* Each time less of it is used than would end it. */
	for (; stops < STOPS; stops++) {
		sleep_ms(200);
		OK(kill(pid, SIGSTOP));
		EQ(waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status))
			break;
		OK(kill(pid, SIGCONT));
	}
	CHECK(stops < STOPS);
	EQ(status, 0);
}

int
main(void)
{
	struct sigaction sa = { .sa_handler = nothing };

	OK(sigaction(SIGALRM, &sa, NULL));
	handled();
	stopped();
	return test_done();
}
