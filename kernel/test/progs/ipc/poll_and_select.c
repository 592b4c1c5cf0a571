/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * poll and select on pipes: ready, hang-up, error, bad descriptors,
 * timeouts, a wake-up from another process; nothing but revents is written.
 */
#include "lib/alarms.h"
#include "lib/host.h"
#include <sys/select.h>

static int fd[2];

static void
noted(int signo)
{
}

static int
poll_one(int f, int events, int timeout)
{
	struct pollfd p = { f, events, -1 };
	int n = poll(&p, 1, timeout);

	EQ(n, p.revents != 0);
	return p.revents;
}

static void
states(void)
{
	static char block[65536];
	uint64_t t0 = now_ns();

	OK(pipe(fd));
	EQ(poll_one(fd[0], POLLIN, 0), 0);
	EQ(poll_one(fd[0], POLLIN, 50), 0);
	CHECK(now_ns() - t0 >= 50000000);
	EQ(poll_one(fd[1], POLLOUT | POLLIN, 0), POLLOUT);
	EQ(write(fd[1], block, 1), 1);
	EQ(poll_one(fd[0], POLLIN | POLLPRI, -1), POLLIN);
	EQ(write(fd[1], block, 65535), 65535);
	EQ(poll_one(fd[1], POLLOUT, 0), 0);
	close(fd[1]);
	EQ(poll_one(fd[0], POLLIN, 0), POLLIN | POLLHUP);
	EQ(read(fd[0], block, sizeof(block)), 65536);
	EQ(poll_one(fd[0], 0, 0), POLLHUP);
	EQ(poll_one(fd[1], POLLIN, 0), POLLNVAL);
	EQ(poll_one(-1, POLLIN, 0), 0);
	close(fd[0]);
	OK(pipe(fd));
	close(fd[0]);
	EQ(poll_one(fd[1], POLLOUT, 0) & POLLERR, POLLERR);
	close(fd[1]);
	ERR(syscall(SYS_poll, 8, 1, 0), EFAULT);
	ERR(syscall(SYS_poll, NULL, 1000000, 0), EINVAL);
	EQ(poll(NULL, 0, 10), 0);
}

static void
woken(void)
{
	struct pollfd p[3];
	int other[2];
	pid_t pid;

	OK(pipe(fd));
	OK(pipe(other));
	pid = OK(fork());
	if (pid == 0) {
		sleep_ms(50);
		_exit(write(fd[1], "x", 1) != 1);
	}
	p[0] = (struct pollfd){ other[0], POLLIN, 0 };
	p[1] = (struct pollfd){ -5, POLLIN, 7 };
	p[2] = (struct pollfd){ fd[0], POLLIN, 0 };
	EQ(poll(p, 3, 10000), 1);
	EQ(p[0].revents, 0);
	EQ(p[1].revents, 0);
	EQ(p[2].revents, POLLIN);
	REAP(pid, 0);
	close(other[0]);
	close(other[1]);
}

/* What others store into the array while poll waits stays there. */
static void
stored_to_meanwhile(void)
{
	struct pollfd *p = (struct pollfd *)pages_shared(1);
	pid_t pid;

	for (int i = 0; i < 2; i++)
		p[i] = (struct pollfd){ -1, POLLIN, 7 };
	pid = OK(fork());
	if (pid == 0) {
		sleep_ms(50);
		p[0].fd = -7; /* no descriptor, should poll begin late */
		p[1].events = POLLOUT;
		_exit(0);
	}
	EQ(poll(p, 2, 500), 0);
	REAP(pid, 0);
	for (int i = 0; i < 2; i++)
		EQ(p[i].revents, 0);
	EQ(p[0].fd, -7);
	EQ(p[1].events, POLLOUT);
	OK(munmap(p, PAGE));
}

/* Answers are stored at odd addresses, to pages that are a parent's, up to one that
 * cannot be written: what comes before it has its answer. */
static void
answers_fault(void)
{
	enum { N = 1000 };
	char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pollfd *p;
	int i, wrong = 0;
	pid_t pid;

	CHECK(m != MAP_FAILED);
	p = (struct pollfd *)(m + 1);
	for (i = 0; i < N; i++)
		p[i] = (struct pollfd){ i % 2 == 0 ? 9999 : -1, POLLIN, 7 };
	pid = OK(fork());
	if (pid == 0) {
		wrong = poll(p, N, 0) != N / 2;
		for (i = 0; i < N; i++)
			wrong += p[i].revents != (i % 2 == 0 ? POLLNVAL : 0) ||
			    p[i].events != POLLIN;
		_exit(wrong != 0);
	}
	REAP(pid, 0);
	OK(mprotect(m + PAGE, PAGE, PROT_READ));
	ERR(syscall(SYS_poll, p, N, 0), EFAULT);
	for (i = 0; i < N; i++)
		wrong += p[i].revents != ((char *)&p[i + 1] > m + PAGE ? 7 :
		    i % 2 == 0 ? POLLNVAL : 0);
	EQ(wrong, 0);
	OK(munmap(m, 2 * PAGE));
}

/* fd[0] holds one byte from woken(). */
static void
selects(void)
{
	struct timeval tv = { 0, 20000 };
	struct timespec ts = { 0, 20000000 };
	fd_set r, w;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd[0], &r);
	FD_SET(fd[1], &r);
	FD_SET(fd[1], &w);
	EQ(select(fd[1] + 1, &r, &w, NULL, NULL), 2);
	CHECK(FD_ISSET(fd[0], &r) && !FD_ISSET(fd[1], &r));
	CHECK(FD_ISSET(fd[1], &w));
	FD_ZERO(&r);
	FD_SET(fd[1], &r);
	EQ(select(fd[1] + 1, &r, NULL, NULL, &tv), 0);
	CHECK(!FD_ISSET(fd[1], &r));
	EQ(pselect(0, NULL, NULL, NULL, &ts, NULL), 0);
	close(fd[0]);
	close(fd[1]);
	FD_SET(fd[0], &r);
	tv.tv_usec = 0;
	ERR(select(fd[0] + 1, &r, NULL, NULL, &tv), EBADF);
	FD_ZERO(&r);
	FD_SET(63, &r); /* no table is so small */
	ERR(select(64, &r, NULL, NULL, &tv), EBADF);
	FD_ZERO(&r);
	FD_SET(1000, &r); /* behind the table */
	EQ(select(1024, &r, NULL, NULL, &tv), 0);
	CHECK(FD_ISSET(1000, &r));
	ERR(select(-1, NULL, NULL, NULL, &tv), EINVAL);
}

/* A timeval of select is the sum of its words; a number far up is as good as any. */
static void
odd_selects(void)
{
	static const struct {
		long sec, usec;
		int error;       /* EINTR: it waits */
	} rows[] = {
		{ 0, 1000000000000, EINTR }, { -1, 1000000000, EINTR },
		{ INT64_MAX, 999999, EINTR }, { 1, -1, EINVAL }, { -1, 0, EINVAL },
		{ INT64_MAX, 1000000, EINVAL }, { 1, -1000000, 0 }, { -1, 1000000, 0 },
	};
	const struct itimerval soon = { { 0, 0 }, { 0, 30000 } };
	struct sigaction sa = { .sa_handler = noted };
	unsigned long set[66000 / 64 + 1] = { 0 };
	struct rlimit lim = { 70000, 70000 };
	struct timeval tv;

	OK(sigaction(SIGALRM, &sa, NULL));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tv = (struct timeval){ rows[i].sec, rows[i].usec };
		if (rows[i].error == EINTR)
			OK(setitimer(ITIMER_REAL, &soon, NULL));
		if (rows[i].error == 0)
			EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
		else
			ERR(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), rows[i].error);
	}
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	OK(pipe(fd));
	EQ(write(fd[1], "x", 1), 1);
	EQ(dup2(fd[0], 66000), 66000);
	set[66000 / 64] = 1ul << 66000 % 64;
	tv = (struct timeval){ 0, 1000 };
	EQ(syscall(SYS_select, 66001, set, NULL, NULL, &tv), 1);
	close(66000);
	close(fd[0]);
	close(fd[1]);
}

/* A signal ends the wait: of poll's files none was ready, and so it is written;
 * select's sets are what they were. */
static void
interrupted(void)
{
	struct sigaction sa = { .sa_handler = noted };
	struct pollfd p[2] = { { .events = POLLIN }, { -1, POLLIN, 0 } };
	const struct timespec ten = { 10, 0 };
	fd_set r;
	int i;

	OK(sigaction(SIGALRM, &sa, NULL));
	OK(pipe(fd));
	p[0].fd = fd[0];
	alarms(20000);
	for (i = 0; i < 2; i++) {
		p[0].revents = p[1].revents = 77;
		ERR(i == 0 ? poll(p, 2, 10000) : ppoll(p, 2, &ten, NULL), EINTR);
		EQ(p[0].revents, 0);
		EQ(p[1].revents, 0);
		EQ(p[1].fd, -1);
		EQ(p[0].events, POLLIN);
	}
	FD_ZERO(&r);
	FD_SET(fd[0], &r);
	ERR(select(fd[0] + 1, &r, NULL, NULL, NULL), EINTR);
	CHECK(FD_ISSET(fd[0], &r));
	alarms(0);
	close(fd[0]);
	close(fd[1]);
}

/* The time of the caller, who cannot be told the rest, and a mask. */
static long
wait_masked(int nr, const struct timespec *ts)
{
	static const uint64_t usr2 = 1ul << (SIGUSR2 - 1);
	const uint64_t pair[2] = { (uintptr_t)&usr2, sizeof(usr2) };

	if (nr == SYS_ppoll)
		return syscall(nr, NULL, 0, ts, &usr2, sizeof(usr2));
	return syscall(nr, 0, NULL, NULL, NULL, ts, pair);
}

/* Stopped in the wait: where the rest of the time has no place it is over. */
static void
stopped(int nr)
{
	struct timespec *ts = (struct timespec *)pages_private(1);
	sigset_t now;
	int status, stops = 0;
	pid_t pid;

	ts->tv_sec = 10;
	OK(mprotect(ts, PAGE, PROT_READ));
	pid = OK(fork());
	if (pid == 0) {
		ERR(wait_masked(nr, ts), EINTR);
		OK(sigprocmask(SIG_BLOCK, NULL, &now));
		CHECK(!sigismember(&now, SIGUSR2));
		_exit(0);
	}
	/* The first may come before the wait does. */
	for (;;) {
		LE(++stops, 20);
		sleep_ms(50);
		OK(kill(pid, SIGSTOP));
		EQ(waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status))
			break;
		OK(kill(pid, SIGCONT));
	}
	EQ(status, 0);
	OK(munmap(ts, PAGE));
}

int
main(void)
{
	own_descriptors();
	states();
	woken();
	stored_to_meanwhile();
	answers_fault();
	selects();
	interrupted();
	stopped(SYS_ppoll);
	stopped(SYS_pselect6);
	odd_selects();
	return test_done();
}
