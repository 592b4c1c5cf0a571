/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 */
/*
 * alarm and setitimer: they fire, repeat, can be read and taken back; a
 * child does not inherit them.
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

int
main(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;
	uint64_t t0;
	pid_t pid;

	signal(SIGALRM, on_alarm);
	signal(SIGVTALRM, on_alarm);
	EQ(alarm(100), 0);
	pid = OK(fork());
	if (pid == 0)
		_exit(alarm(0) == 0 ? 0 : 1);
	REAP(pid, 0);
	EQ(alarm(0), 100);
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
	it.it_value.tv_usec = 30000;
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	sleep_ms(100);
	EQ(virtuals, 0); /* it counts only time that is used */
	t0 = now_ns();
	while (virtuals == 0 && now_ns() - t0 < 10000000000)
		continue;
	EQ(virtuals, 1);
	it.it_value.tv_usec = 1000000;
	ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	ERR(setitimer(9, &it, NULL), EINVAL);
	return test_done();
}
