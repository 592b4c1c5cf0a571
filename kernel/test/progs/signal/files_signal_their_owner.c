/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 APPEND=locks=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * O_ASYNC: a pipe, a socket and a terminal signal their owner, a process, a thread or a
 * group, with SIGIO or what F_SETSIG says; not when it is off, closed, or of another
 * user who may not.
 */
#include "lib/test.h"
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif

#define RT (SIGRTMIN + 2)

struct owner {
	int type, pid;
};

static sigset_t all;

/* The signal that is pending, taken; 0: none within a second (or at once). */
static int
next(siginfo_t *si, long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	int r = sigtimedwait(&all, si, &t);

	if (r < 0)
		EQ(errno, EAGAIN);
	return r < 0 ? 0 : r;
}

static void
none(void)
{
	siginfo_t si;

	EQ(next(&si, 0), 0);
}

static void
plain(void)
{
	siginfo_t si;

	EQ(next(&si, 5000), SIGIO);
	EQ(si.si_code, SI_KERNEL);
}

static void
told(int fd, int code, long band)
{
	siginfo_t si;

	EQ(next(&si, 5000), RT);
	EQ(si.si_code, code);
	EQ(si.si_fd, fd);
	EQ(si.si_band, band);
}

static void
async(int fd, bool on)
{
	int flags = OK(fcntl(fd, F_GETFL));

	OK(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
	EQ((fcntl(fd, F_GETFL) & O_ASYNC) != 0, on);
}

static void
pipes(void)
{
	char c[65536];
	int p[2], again;

	memset(c, 0, sizeof(c));
	OK(pipe(p));
	OK(fcntl(p[0], F_SETOWN, getpid()));
	EQ(fcntl(p[0], F_GETOWN), getpid());
	EQ(write(p[1], "a", 1), 1);
	none();
	async(p[0], true);
	none(); /* what was there before is nothing new */
	EQ(write(p[1], "a", 1), 1);
	plain(); /* at once: it is told before write returns */
	none();
	OK(fcntl(p[0], F_SETSIG, RT));
	EQ(fcntl(p[0], F_GETSIG), RT);
	again = OK(dup(p[0]));
	EQ(write(p[1], "a", 1), 1);
	told(p[0], POLL_IN, POLLIN | POLLRDNORM);
	async(again, false);
	EQ(write(p[1], "a", 1), 1);
	none();
	async(again, true);
	EQ(write(p[1], "a", 1), 1);
	told(again, POLL_IN, POLLIN | POLLRDNORM);
	OK(close(again));
	OK(close(p[1]));
	told(again, POLL_IN, POLLIN | POLLRDNORM);
	OK(close(p[0]));
	/* Room, where there was none; no reader any more. */
	OK(pipe2(p, O_NONBLOCK));
	OK(fcntl(p[1], F_SETOWN, getpid()));
	OK(fcntl(p[1], F_SETSIG, RT));
	EQ(write(p[1], c, sizeof(c)), (long)sizeof(c));
	async(p[1], true);
	EQ(read(p[0], c, sizeof(c)), (long)sizeof(c));
	told(p[1], POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
	OK(close(p[0]));
	told(p[1], POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
	OK(close(p[1]));
	none();
}

static void
sockets(void)
{
	int s[2], on = 1;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(fcntl(s[0], F_SETOWN, getpid()));
	OK(fcntl(s[0], F_SETSIG, RT));
	OK(ioctl(s[0], FIOASYNC, &on));
	EQ(send(s[1], "a", 1, 0), 1);
	told(s[0], POLL_IN, POLLIN | POLLRDNORM);
	OK(close(s[0]));
	OK(close(s[1]));
	none();
}

/* A socket knows its owner by ioctl as well, of two names; nothing else does. */
static void
owners_by_ioctl(void)
{
	int s[2], pid = getpid(), group = -getpgrp(), nobody = INT_MAX, was = -1;

	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	OK(ioctl(s[0], FIOGETOWN, &was));
	EQ(was, 0);
	OK(ioctl(s[0], FIOSETOWN, &pid));
	EQ(fcntl(s[0], F_GETOWN), pid);
	OK(ioctl(s[0], SIOCSPGRP, &group));
	EQ(fcntl(s[0], F_GETOWN), group);
	OK(ioctl(s[0], SIOCGPGRP, &was));
	EQ(was, group);
	ERR(ioctl(s[0], FIOSETOWN, &nobody), ESRCH);
	ERR(ioctl(s[0], FIOSETOWN, NULL), EFAULT);
	ERR(ioctl(s[0], FIOGETOWN, NULL), EFAULT);
	EQ(fcntl(s[0], F_GETOWN), group);
	OK(close(s[0]));
	OK(close(s[1]));
	OK(pipe(s));
	ERR(ioctl(s[0], FIOSETOWN, &pid), ENOTTY);
	ERR(ioctl(s[0], SIOCGPGRP, &was), ENOTTY);
	OK(close(s[0]));
	OK(close(s[1]));
}

static void
terminals(void)
{
	int m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY)), zero = 0, s;

	OK(ioctl(m, TIOCSPTLCK, &zero));
	s = OK(ioctl(m, TIOCGPTPEER, O_RDONLY | O_NOCTTY));
	async(s, true);
	EQ(fcntl(s, F_GETOWN), getpid());
	OK(fcntl(s, F_SETSIG, RT));
	EQ(write(m, "a\n", 2), 2);
	told(s, POLL_IN, POLLIN | POLLRDNORM);
	OK(close(s));
	OK(close(m));
}

/* A terminal that somebody has signals the job in front of it, its master who asked. */
static void
job_in_front(void)
{
	int m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY)), zero = 0, s;
	pid_t job, pid = OK(fork());

	if (pid == 0) {
		OK(ioctl(m, TIOCSPTLCK, &zero));
		OK(setsid());
		s = OK(ioctl(m, TIOCGPTPEER, O_RDWR));
		job = OK(fork());
		if (job == 0) {
			pause();
			_exit(0);
		}
		OK(setpgid(job, job));
		OK(ioctl(s, TIOCSPGRP, &job));
		async(s, true);
		EQ(fcntl(s, F_GETOWN), -job);
		async(m, true);
		EQ(fcntl(m, F_GETOWN), getpid());
		OK(kill(job, SIGKILL));
		REAP_SIGNAL(job, SIGKILL);
		_exit(0);
	}
	REAP(pid, 0);
	OK(close(m));
}

static void
threads_and_groups(void)
{
	struct owner o = { 0, (int)syscall(SYS_gettid) }, back;
	siginfo_t si;
	int p[2], go[2];
	pid_t pid;
	char c;

	OK(pipe(p));
	OK(fcntl(p[0], F_SETOWN_EX, &o));
	OK(fcntl(p[0], F_GETOWN_EX, &back));
	EQ(back.type, 0);
	EQ(back.pid, o.pid);
	async(p[0], true);
	EQ(write(p[1], "a", 1), 1);
	plain();
	OK(pipe(go));
	pid = OK(fork());
	if (pid == 0) {
		OK(setpgid(0, 0));
		EQ(write(go[1], "a", 1), 1);
		EQ(next(&si, 60000), SIGIO);
		_exit(0);
	}
	EQ(read(go[0], &c, 1), 1);
	OK(fcntl(p[0], F_SETOWN, -pid));
	EQ(fcntl(p[0], F_GETOWN), -pid);
	OK(fcntl(p[0], F_GETOWN_EX, &back));
	EQ(back.type, 2);
	EQ(back.pid, pid);
	EQ(write(p[1], "a", 1), 1);
	REAP(pid, 0);
	none();
	/* Nobody lives there any more. */
	EQ(fcntl(p[0], F_GETOWN), 0);
	EQ(write(p[1], "a", 1), 1);
	none();
	OK(close(p[0]));
	OK(close(p[1]));
	OK(close(go[0]));
	OK(close(go[1]));
}

/* Those who set the owner, as they were then. */
static void
users_who_set(void)
{
	uid_t u[2] = { 1, 1 };
	int p[2];
	pid_t pid;

	OK(pipe(p));
	OK(fcntl(p[0], 17, u)); /* F_GETOWNER_UIDS */
	EQ(u[0], 0);
	EQ(u[1], 0);
	if (getuid() == 0) {
		pid = OK(fork());
		if (pid == 0) {
			OK(setresuid(7, 8, 9));
			OK(fcntl(p[0], F_SETOWN, getpid()));
			_exit(0);
		}
		REAP(pid, 0);
		OK(fcntl(p[0], 17, u));
		EQ(u[0], 7);
		EQ(u[1], 8);
	}
	OK(close(p[0]));
	OK(close(p[1]));
}

/* Who has set the owner may not signal him: nothing comes. */
static void
strangers(void)
{
	int p[2];
	pid_t pid, me = getpid();

	if (getuid() != 0)
		return;
	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(1234, 1234, 1234));
		OK(fcntl(p[0], F_SETOWN, me));
		async(p[0], true);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(write(p[1], "a", 1), 1);
	none();
	OK(fcntl(p[0], F_SETOWN, me));
	EQ(write(p[1], "a", 1), 1);
	plain();
	OK(close(p[0]));
	OK(close(p[1]));
}

int
main(void)
{
	sigemptyset(&all);
	sigaddset(&all, SIGIO);
	sigaddset(&all, RT);
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	pipes();
	sockets();
	owners_by_ioctl();
	terminals();
	job_in_front();
	threads_and_groups();
	users_who_set();
	strangers();
	return test_done();
}
