/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * epoll: level, edge, oneshot, exclusive; who may watch what; what goes when a file
 * ends; one of several sleepers wakes; nesting; limits; errors in Linux's order.
 */
#include "lib/host.h"
#include "lib/sleeps.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define EXCLUSIVE (1u << 28)

static int ep;

static int
ctl(int e, int op, int fd, unsigned events)
{
	struct epoll_event ev = { events, { .u64 = (unsigned)fd * 7u } };

	return epoll_ctl(e, op, fd, &ev);
}

/* What is answered first, at once; 0: nothing. */
static unsigned
first(int e)
{
	struct epoll_event ev = { 0, { .u64 = 0 } };
	int n = epoll_wait(e, &ev, 1, 0);

	CHECK(n == 0 || n == 1);
	return n == 0 ? 0 : ev.events;
}

static void
triggers(void)
{
	int p[2];
	char c[4];

	ep = OK(epoll_create1(EPOLL_CLOEXEC));
	OK(pipe(p));
	OK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
	EQ(first(ep), 0);
	EQ(write(p[1], "ab", 2), 2);
	EQ(first(ep), EPOLLIN);
	EQ(first(ep), EPOLLIN);
	OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
	EQ(first(ep), EPOLLIN);
	EQ(first(ep), 0);
	EQ(read(p[0], c, 1), 1);
	EQ(first(ep), 0);
	EQ(write(p[1], "c", 1), 1);
	EQ(first(ep), EPOLLIN);
	OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	EQ(first(ep), EPOLLIN);
	EQ(write(p[1], "d", 1), 1);
	EQ(first(ep), 0);
	OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLRDNORM | EPOLLET));
	EQ(first(ep), EPOLLIN | EPOLLRDNORM);
	close(p[1]);
	EQ(first(ep), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	close(p[0]);
	EQ(first(ep), 0);
	close(ep);
}

/* A file goes with its last descriptor, not with the one that was named. */
static void
ends(void)
{
	int e = OK(eventfd(1, 0)), e2;

	ep = OK(epoll_create(1));
	OK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN));
	e2 = OK(dup(e));
	OK(ctl(ep, EPOLL_CTL_ADD, e2, EPOLLIN));
	ERR(ctl(ep, EPOLL_CTL_ADD, e2, EPOLLIN), EEXIST);
	close(e);
	ERR(ctl(ep, EPOLL_CTL_DEL, e, 0), EBADF);
	EQ(first(ep), EPOLLIN);
	close(e2);
	EQ(first(ep), 0);
	e = OK(eventfd(1, 0));
	OK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN));
	close(ep);
	close(e);
}

static void
errors(void)
{
	int e = OK(eventfd(0, 0)), null = OK(open("/dev/null", O_RDONLY));
	int path = OK(open("/", O_PATH)), i;
	struct epoll_event ev;

	ep = OK(epoll_create1(0));
	ERR(epoll_create1(1), EINVAL);
	ERR(syscall(SYS_epoll_create, 0), EINVAL);
	ERR(syscall(SYS_epoll_ctl, -1, EPOLL_CTL_ADD, -1, 8), EFAULT);
	ERR(ctl(ep, EPOLL_CTL_ADD, 99, 0), EBADF);
	ERR(ctl(99, EPOLL_CTL_ADD, e, 0), EBADF);
	ERR(ctl(ep, EPOLL_CTL_ADD, path, 0), EBADF);
	ERR(ctl(ep, EPOLL_CTL_ADD, null, 0), EPERM);
	ERR(ctl(e, EPOLL_CTL_ADD, null, 0), EPERM);
	ERR(ctl(e, EPOLL_CTL_ADD, ep, 0), EINVAL);
	ERR(ctl(ep, EPOLL_CTL_ADD, ep, 0), EINVAL);
	ERR(ctl(ep, 7, e, 0), EINVAL);
	ERR(ctl(ep, EPOLL_CTL_MOD, e, 0), ENOENT);
	ERR(ctl(ep, EPOLL_CTL_DEL, e, 0), ENOENT);
	ERR(ctl(ep, EPOLL_CTL_MOD, e, EXCLUSIVE), EINVAL);
	ERR(ctl(ep, EPOLL_CTL_ADD, e, EXCLUSIVE | EPOLLONESHOT), EINVAL);
	OK(ctl(ep, EPOLL_CTL_ADD, e, EXCLUSIVE | EPOLLIN));
	ERR(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN), EINVAL);
	ERR(epoll_wait(ep, &ev, 0, 0), EINVAL);
	ERR(epoll_wait(e, &ev, 1, 0), EINVAL);
	ERR(epoll_wait(99, &ev, 1, 0), EBADF);
	eventfd_write(e, 1);
	ERR(syscall(SYS_epoll_wait, ep, 8, 1, 0), EFAULT);
	EQ(first(ep), EPOLLIN);
	ERR(read(ep, &i, 4), EINVAL);
	EQ(lseek(ep, 0, SEEK_SET), 0);
	close(e);
	close(ep);
	close(null);
	close(path);
}

/* An epoll is ready when one of its files is; no circles, no towers. */
static void
nested(void)
{
	int e[7], i, v = OK(eventfd(0, 0));
	struct pollfd p;

	for (i = 0; i < 7; i++)
		e[i] = OK(epoll_create1(0));
	for (i = 0; i < 4; i++)
		OK(ctl(e[i], EPOLL_CTL_ADD, e[i + 1], EPOLLIN));
	ERR(ctl(e[4], EPOLL_CTL_ADD, e[0], EPOLLIN), ELOOP);
	OK(ctl(e[4], EPOLL_CTL_ADD, v, EPOLLIN));
	p = (struct pollfd){ e[0], POLLIN, 0 };
	EQ(poll(&p, 1, 0), 0);
	eventfd_write(v, 1);
	EQ(poll(&p, 1, 1000), 1);
	EQ(first(e[0]), EPOLLIN);
	EQ(first(e[4]), EPOLLIN);
	/* One more above is too deep, and a chain of epolls alone, too. */
	ERR(ctl(e[5], EPOLL_CTL_ADD, e[0], EPOLLIN), ELOOP);
	ERR(ctl(e[4], EPOLL_CTL_ADD, e[6], EPOLLIN), ELOOP);
	OK(ctl(e[3], EPOLL_CTL_ADD, e[6], EPOLLIN));
	OK(ctl(e[0], EPOLL_CTL_DEL, e[1], 0));
	OK(ctl(e[5], EPOLL_CTL_ADD, e[0], EPOLLIN));
	OK(ctl(e[0], EPOLL_CTL_ADD, e[6], EPOLLIN));
	for (i = 0; i < 7; i++)
		close(e[i]);
	close(v);
}

/* Two ways to the same epoll are as deep as one; which of them is closed says nothing of
 * the other. */
static void
two_ways(void)
{
	int e[6], i, v = OK(eventfd(1, 0));

	for (i = 0; i < 6; i++)
		e[i] = OK(epoll_create1(0));
	OK(ctl(e[3], EPOLL_CTL_ADD, v, EPOLLIN));
	OK(ctl(e[1], EPOLL_CTL_ADD, e[3], EPOLLIN));
	OK(ctl(e[2], EPOLL_CTL_ADD, e[3], EPOLLIN));
	OK(ctl(e[0], EPOLL_CTL_ADD, e[1], EPOLLIN));
	OK(ctl(e[0], EPOLL_CTL_ADD, e[2], EPOLLIN));
	EQ(first(e[0]), EPOLLIN);
	OK(ctl(e[4], EPOLL_CTL_ADD, e[0], EPOLLIN));
	ERR(ctl(e[3], EPOLL_CTL_ADD, e[4], EPOLLIN), ELOOP);
	OK(ctl(e[3], EPOLL_CTL_ADD, e[5], EPOLLIN));
	close(e[1]);
	EQ(first(e[4]), EPOLLIN);
	for (i = 0; i < 6; i++)
		if (i != 1)
			close(e[i]);
	close(v);
}

/* From one file up there are few ways of each length: all of them are told at once. */
static void
many_ways(void)
{
	int v = OK(eventfd(0, 0)), low = OK(epoll_create1(0)), e, i;

	OK(ctl(low, EPOLL_CTL_ADD, v, EPOLLIN));
	for (i = 0; i < 500; i++) {
		e = OK(epoll_create1(0));
		OK(ctl(e, EPOLL_CTL_ADD, low, EPOLLIN));
	}
	e = OK(epoll_create1(0));
	ERR(ctl(e, EPOLL_CTL_ADD, low, EPOLLIN), EINVAL);
	OK(ctl(e, EPOLL_CTL_ADD, v, EPOLLIN));
	for (i = low; i <= e; i++)
		close(i);
	close(v);
}

/* Signals end it, a mask for its time, and the end of the time. */
static void
noted(int signo)
{
}

static void
waits(void)
{
	struct sigaction sa = { .sa_handler = noted, .sa_flags = SA_RESTART };
	int v = OK(eventfd(0, 0)), heard[2];
	struct epoll_event ev;
	uint64_t t0;
	pid_t pid;
	char c = 0;

	ep = OK(epoll_create1(0));
	OK(pipe(heard));
	OK(ctl(ep, EPOLL_CTL_ADD, v, EPOLLIN));
	t0 = now_ns();
	EQ(epoll_wait(ep, &ev, 1, 50), 0);
	CHECK(now_ns() - t0 >= 50000000);
	OK(sigaction(SIGUSR1, &sa, NULL));
	pid = OK(fork());
	if (pid == 0) {
		process_sleeps(getppid());
		kill(getppid(), SIGUSR1);
		EQ(read(heard[0], &c, 1), 1);
		process_sleeps(getppid());
		_exit(eventfd_write(v, 1) != 0);
	}
	ERR(epoll_wait(ep, &ev, 1, 10000), EINTR);
	EQ(write(heard[1], &c, 1), 1);
	EQ(epoll_wait(ep, &ev, 1, 10000), 1);
	REAP(pid, 0);
	close(heard[0]);
	close(heard[1]);
	close(v);
	close(ep);
}

/* Two sleep, one event: exactly one wakes for it. */
static void
one_wakes(void)
{
	int v = OK(eventfd(0, EFD_NONBLOCK)), i;
	struct epoll_event ev;
	pid_t pid[2], first;
	uint64_t n;
	int status;

	ep = OK(epoll_create1(0));
	OK(ctl(ep, EPOLL_CTL_ADD, v, EPOLLIN | EPOLLET));
	for (i = 0; i < 2; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			_exit(epoll_wait(ep, &ev, 1, -1) != 1);
	}
	process_sleeps(pid[0]);
	process_sleeps(pid[1]);
	eventfd_write(v, 1);
	first = OK(waitpid(-1, &status, 0));
	EQ(status, 0);
	sleep_ms(100);
	i = first == pid[0];
	EQ(waitpid(pid[i], &status, WNOHANG), 0);
	OK(kill(pid[i], SIGKILL));
	REAP_SIGNAL(pid[i], SIGKILL);
	EQ(read(v, &n, 8), 8);
	close(v);
	close(ep);
}

static volatile int usrs;

static void
on_usr(int sig)
{
	usrs++;
}

/* Of two who ask at once neither is told that nothing is ready while something is. */
static void *
asks(void *arg)
{
	struct epoll_event ev[2];
	long none = 0;

	for (int i = 0; i < 20000; i++)
		none += epoll_wait(ep, ev, 2, 0) != 1;
	return (void *)none;
}

static void
two_ask(void)
{
	int v = OK(eventfd(1, 0));
	void *none[2];
	pthread_t t;

	ep = OK(epoll_create1(0));
	OK(ctl(ep, EPOLL_CTL_ADD, v, EPOLLIN));
	EQ(pthread_create(&t, NULL, asks, NULL), 0);
	none[0] = asks(NULL);
	EQ(pthread_join(t, &none[1]), 0);
	EQ((long)none[0], 0);
	EQ((long)none[1], 0);
	close(v);
	close(ep);
}

/* A time to the nanosecond, none, and a mask for as long as it waits. */
static void
waits_by_timespec(void)
{
	struct timespec t = { 0, 20000000 };
	uint64_t open = 0, t0 = now_ns();
	struct epoll_event ev;
	int v = OK(eventfd(0, 0));
	sigset_t usr;

	ep = OK(epoll_create1(0));
	OK(ctl(ep, EPOLL_CTL_ADD, v, EPOLLIN));
	EQ(syscall(SYS_epoll_pwait2, ep, &ev, 1, &t, NULL, 8), 0);
	CHECK(now_ns() - t0 >= 20000000);
	EQ(t.tv_nsec, 20000000);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	signal(SIGUSR1, on_usr);
	OK(sigprocmask(SIG_BLOCK, &usr, NULL));
	OK(raise(SIGUSR1));
	t.tv_sec = 1000;
	ERR(syscall(SYS_epoll_pwait2, ep, &ev, 1, &t, &open, 8), EINTR);
	EQ(usrs, 1);
	OK(raise(SIGUSR1));
	eventfd_write(v, 1);
	EQ(syscall(SYS_epoll_pwait2, ep, &ev, 1, NULL, NULL, 8), 1);
	EQ(ev.events, EPOLLIN);
	EQ(usrs, 1);
	OK(sigprocmask(SIG_UNBLOCK, &usr, NULL));
	EQ(usrs, 2);
	close(v);
	close(ep);
}

int
main(void)
{
	triggers();
	ends();
	errors();
	nested();
	two_ways();
	many_ways();
	waits();
	one_wakes();
	two_ask();
	waits_by_timespec();
	return test_done();
}
