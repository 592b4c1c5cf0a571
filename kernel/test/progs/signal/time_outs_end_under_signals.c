/* NEEDS: MEM=64M CPUS=1 ICOUNT=1 TIMEOUT=60 KIND=exact */
/*
 * A signal comes each 10 ms, and a call waits for 9: its time is over before
 * the next one, so that it ends by that, now and then.  A signal that is there
 * before the call waits ends it, unless there is an answer.
 */
#include "lib/alarms.h"
#include "lib/futex.h"
#include <sys/select.h>

enum call { SIGTIMEDWAIT, NANOSLEEP, SLEEP_TO, REAL_SLEEP_TO, FUTEX,
	FUTEX_TO, POLL, PPOLL, SELECT, PSELECT, CALLS };

static const char *const call_name[] = { "sigtimedwait", "nanosleep",
	"clock_nanosleep", "clock_nanosleep by the wall", "futex",
	"futex to a moment", "poll", "ppoll", "select", "pselect" };

#define TRIES 100
#define WAIT_NS 9000000

static int fd[2], word;

static struct timespec
moment(int clock)
{
	struct timespec ts;

	OK(clock_gettime(clock, &ts));
	ts.tv_nsec += WAIT_NS;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

/* One wait: did it end by its time?  Else by a signal. */
static int
ends_by_time(enum call c)
{
	struct timespec ts = { 0, WAIT_NS }, mono = moment(CLOCK_MONOTONIC),
	    real = moment(CLOCK_REALTIME);
	struct pollfd p = { fd[0], POLLIN, 0 };
	uint64_t set = 1ul << (SIGUSR2 - 1);
	int by_time = 0;
	fd_set in;
	long r = -1;

	FD_ZERO(&in);
	FD_SET(fd[0], &in);
	errno = 0;
	switch (c) {
	case SIGTIMEDWAIT:
		r = syscall(SYS_rt_sigtimedwait, &set, NULL, &ts, 8);
		by_time = EAGAIN;
		break;
	case NANOSLEEP:
		r = nanosleep(&ts, NULL);
		break;
	case SLEEP_TO:
		r = errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
		    &mono, NULL);
		break;
	case REAL_SLEEP_TO:
		r = errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME,
		    &real, NULL);
		break;
	case FUTEX:
		r = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts);
		by_time = ETIMEDOUT;
		break;
	case FUTEX_TO:
		r = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &mono,
		    NULL, ~0);
		by_time = ETIMEDOUT;
		break;
	case POLL:
		r = poll(&p, 1, WAIT_NS / 1000000);
		break;
	case PPOLL:
		r = ppoll(&p, 1, &ts, NULL);
		break;
	case SELECT:
		r = select(fd[0] + 1, &in, NULL, NULL,
		    &(struct timeval){ 0, WAIT_NS / 1000 });
		break;
	case PSELECT:
		r = pselect(fd[0] + 1, &in, NULL, NULL, &ts, NULL);
		break;
	case CALLS:
		break;
	}
	if (r == 0 ? by_time == 0 : errno == by_time)
		return 1;
	if (errno != EINTR)
		FAIL("%s: returned %ld, errno %d", call_name[c], r, errno);
	return 0;
}

/* A signal that is blocked is pending; the call lets it in. */
static void
signal_is_there(long ns)
{
	struct timespec ts = { 0, ns }, again = ts;
	struct pollfd p = { fd[0], POLLIN, 0 };
	sigset_t none;
	fd_set in;

	sigemptyset(&none);
	FD_ZERO(&in);
	FD_SET(fd[0], &in);
	OK(raise(SIGALRM));
	ERR(ppoll(&p, 1, &ts, &none), EINTR);
	OK(raise(SIGALRM));
	ERR(pselect(fd[0] + 1, &in, NULL, NULL, &again, &none), EINTR);
	/* What answers comes first; the handler runs all the same. */
	OK(raise(SIGALRM));
	EQ(write(fd[1], "x", 1), 1);
	EQ(ppoll(&p, 1, &ts, &none), 1);
	EQ(read(fd[0], &word, 1), 1);
	word = 0;
	OK(raise(SIGALRM));
	p.fd = 999;
	EQ(ppoll(&p, 1, &ts, &none), 1);
	EQ(p.revents, POLLNVAL);
}

/* Signals so long after the end of a sleep, which is a tick; one has come. */
static void
signals_from(int ms)
{
	uint64_t t0;

	sleep_ms(1);
	t0 = now_ns();
	while (now_ns() - t0 < ms * 1000000ul)
		;
	alarms(10000);
	ERR(pause(), EINTR);
}

static void
time_is_over(enum call c)
{
	for (int ms = 1; ms < 10; ms += 3) {
		signals_from(ms);
		for (int n = 0; !ends_by_time(c); n++) {
			if (n == TRIES)
				FAIL("%s: its time never ends", call_name[c]);
		}
		alarms(0);
	}
}

int
main(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t alarm_only;

	OK(pipe(fd));
	OK(sigaction(SIGALRM, &sa, NULL));
	for (enum call c = 0; c < CALLS; c++)
		time_is_over(c);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	OK(sigprocmask(SIG_BLOCK, &alarm_only, NULL));
	signal_is_there(0);
	signal_is_there(1);
	signal_is_there(100000000);
	return test_done();
}
