/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * pidfd_open, CLONE_PIDFD, pidfd_send_signal, pidfd_getfd, waitid(P_PIDFD), poll and
 * epoll of them, fdinfo.  The number of a process that is gone means nobody, whoever
 * has it now.  All calls at once on few descriptors that others close and wait for.
 */
#include "lib/fdinfo.h"
#include "lib/host.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define NONBLOCK O_NONBLOCK
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
	    tls, set_tid, set_tid_size, cgroup;
};

static int
pid_open(pid_t pid, unsigned flags)
{
	return (int)syscall(434, pid, flags);
}

static int
pid_signal(int fd, int signo, void *info)
{
	return (int)syscall(424, fd, signo, info, 0);
}

static int
pid_getfd(int fd, int theirs)
{
	return (int)syscall(438, fd, theirs, 0);
}

/* A child that waits for a signal. */
static pid_t
sleeper(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static short
polled(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	OK(poll(&p, 1, ms));
	return p.revents & ~POLLHUP; /* newer Linux: and waited for */
}

static int
waited(int fd, int options)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (waitid((idtype_t)P_PIDFD, (id_t)fd, &si, options) < 0)
		return -errno;
	return si.si_pid == 0 ? 0 : si.si_code << 8 | si.si_status;
}

static void
life_of_one(void)
{
	struct epoll_event ev = { EPOLLIN, { .u64 = 7 } };
	char line[32], link[64], path[64];
	pid_t pid = sleeper();
	int fd = OK(pid_open(pid, 0)), ep = OK(epoll_create1(0));

	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EQ(readlink(path, link, sizeof(link)) > 0, 1);
	snprintf(line, sizeof(line), "\nPid:\t%d\n", pid);
	fdinfo_has(fd, line);
	fdinfo_has(fd, "flags:\t02000002\n");
	ERR(read(fd, link, 1), EINVAL);
	ERR(write(fd, link, 1), EINVAL);
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	EQ(polled(fd, 0), 0);
	EQ(epoll_wait(ep, &ev, 1, 0), 0);
	EQ(waited(fd, WEXITED | WNOHANG), 0);
	OK(pid_signal(fd, 0, NULL));
	OK(pid_signal(fd, SIGSTOP, NULL));
	EQ(waited(fd, WSTOPPED), CLD_STOPPED << 8 | SIGSTOP);
	EQ(polled(fd, 0), 0);
	OK(pid_signal(fd, SIGKILL, NULL));
	EQ(polled(fd, -1), POLLIN);
	EQ(epoll_wait(ep, &ev, 1, -1), 1);
	EQ(ev.data.u64, 7);
	EQ(waited(fd, WEXITED | WNOWAIT), CLD_KILLED << 8 | SIGKILL);
	OK(pid_signal(fd, SIGTERM, NULL)); /* a zombie takes it, and nothing comes of it */
	fdinfo_has(fd, line);
	EQ(waited(fd, WEXITED), CLD_KILLED << 8 | SIGKILL);
	EQ(polled(fd, 0), POLLIN);
	ERR(pid_signal(fd, 0, NULL), ESRCH);
	EQ(waited(fd, WEXITED), -ECHILD);
	fdinfo_has(fd, "\nPid:\t-1\n");
	ERR(pid_open(pid, 0), ESRCH);
	OK(close(fd));
	EQ(epoll_wait(ep, &ev, 1, 0), 0);
	OK(close(ep));
}

/* waitid of one that has O_NONBLOCK does not wait, and says so. */
static void
nonblocking(void)
{
	pid_t pid = sleeper();
	int fd = OK(pid_open(pid, NONBLOCK));

	EQ(waited(fd, WEXITED), -EAGAIN);
	EQ(waited(fd, WEXITED | WNOHANG), 0);
	OK(pid_signal(fd, SIGKILL, NULL));
	EQ(polled(fd, -1), POLLIN);
	EQ(waited(fd, WEXITED), CLD_KILLED << 8 | SIGKILL);
	OK(close(fd));
}

static void
from_clone(void)
{
	struct clone3_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int fd = -1, before = OK(dup(0)), lowest;
	struct rlimit few = { 0, 0 }, was;
	pid_t pid;

	OK(close(before));
	args.pidfd = (uintptr_t)&fd;
	pid = (pid_t)OK(syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0) /* has no copy of it, nor of the number */
		_exit(fd == -1 && fcntl(before, F_GETFD) < 0 ? 5 : 6);
	EQ(fd, before);
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(polled(fd, -1), POLLIN);
	EQ(waited(fd, WEXITED), CLD_EXITED << 8 | 5);
	OK(close(fd));
	pid = (pid_t)OK(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0));
	if (pid == 0)
		_exit(8);
	EQ(waited(fd, WEXITED), CLD_EXITED << 8 | 8);
	OK(close(fd));
	/* Nothing is left of one that fails. */
	args.pidfd = 8;
	ERR(syscall(SYS_clone3, &args, sizeof(args)), EFAULT);
	OK(getrlimit(RLIMIT_NOFILE, &was));
	few.rlim_max = was.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &few));
	args.pidfd = (uintptr_t)&fd;
	ERR(syscall(SYS_clone3, &args, sizeof(args)), EMFILE);
	OK(setrlimit(RLIMIT_NOFILE, &was));
	ERR(wait(NULL), ECHILD);
	lowest = OK(dup(0));
	EQ(lowest, before);
	OK(close(lowest));
	ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0,
	    0), EINVAL);
}

static void
files_of_others(void)
{
	int p[2], pair[2], fd, theirs;
	char c = 0;
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = OK(fork());
	if (pid == 0) {
		OK(pipe(p));
		OK(write(pair[1], p, sizeof(p)));
		EQ(read(p[0], &c, 1), 1);
		_exit(c);
	}
	EQ(read(pair[0], p, sizeof(p)), sizeof(p));
	fd = OK(pid_open(pid, 0));
	theirs = OK(pid_getfd(fd, p[1]));
	EQ(fcntl(theirs, F_GETFD), FD_CLOEXEC);
	ERR(pid_getfd(fd, 900), EBADF);
	ERR(pid_getfd(theirs, 0), EBADF);
	if (getuid() == 0) {
		pid_t other = OK(fork());

		if (other == 0) {
			OK(setresuid(1000, 1000, 1000));
			ERR(pid_getfd(fd, 0), EPERM);
			ERR(pid_signal(fd, SIGTERM, NULL), EPERM);
			_exit(0);
		}
		REAP(other, 0);
	}
	EQ(write(theirs, "\x2a", 1), 1);
	EQ(waited(fd, WEXITED), CLD_EXITED << 8 | 42);
	ERR(pid_getfd(fd, 0), ESRCH);
	OK(close(fd));
	OK(close(theirs));
	OK(close(pair[0]));
	OK(close(pair[1]));
}

static void
what_is_sent(void)
{
	sigset_t usr;
	siginfo_t si;
	int fd = OK(pid_open(getpid(), 0)), dir;
	char path[32];

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &usr, NULL));
	OK(pid_signal(fd, SIGUSR1, NULL));
	EQ(sigwaitinfo(&usr, &si), SIGUSR1);
	EQ(si.si_code, SI_USER);
	EQ(si.si_pid, getpid());
	memset(&si, 0, sizeof(si));
	si.si_signo = SIGUSR1;
	si.si_code = SI_QUEUE;
	si.si_value.sival_int = 77;
	OK(pid_signal(fd, SIGUSR1, &si));
	EQ(sigwaitinfo(&usr, &si), SIGUSR1);
	EQ(si.si_value.sival_int, 77);
	si.si_signo = SIGUSR2;
	ERR(pid_signal(fd, SIGUSR1, &si), EINVAL);
	ERR(pid_signal(fd, SIGUSR1, (void *)8), EFAULT);
	ERR(pid_signal(fd, 99, NULL), EINVAL);
	ERR(pid_signal(0x7fff, 0, NULL), EBADF);
	OK(close(fd));
	snprintf(path, sizeof(path), "/proc/%d", getpid());
	dir = OK(open(path, O_RDONLY | O_DIRECTORY));
	OK(pid_signal(dir, SIGUSR1, NULL));
	EQ(sigwaitinfo(&usr, &si), SIGUSR1);
	ERR(waitid((idtype_t)P_PIDFD, (id_t)dir, &si, WEXITED), EBADF);
	OK(close(dir));
	OK(sigprocmask(SIG_UNBLOCK, &usr, NULL));
	ERR(pid_open(0, 0), EINVAL);
	ERR(pid_open(-1, 0), EINVAL);
	ERR(pid_open(getpid(), 1), EINVAL);
}

/* The last thread's end is the process's, not the first one's. */
static void *
outlives(void *arg)
{
	char c;

	EQ(read((int)(intptr_t)arg, &c, 1), 1);
	_exit(9);
}

static void
leader_goes_first(void)
{
	int p[2], fd;
	pid_t pid;

	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		pthread_t t;

		EQ(pthread_create(&t, NULL, outlives, (void *)(intptr_t)p[0]), 0);
		syscall(SYS_exit, 3);
	}
	fd = OK(pid_open(pid, 0));
	EQ(polled(fd, 50), 0);
	EQ(write(p[1], "x", 1), 1);
	EQ(polled(fd, -1), POLLIN);
	EQ(waited(fd, WEXITED), CLD_EXITED << 8 | 9);
	OK(close(fd));
	OK(close(p[0]));
	OK(close(p[1]));
}

/* ---- all at once ---- */

#define SLOTS 8
#define ROUNDS 400

static volatile int slot[SLOTS];
static volatile bool over;

static void *
attacks(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	siginfo_t si;

	while (!over) {
		int fd = slot[rand_r(&seed) % SLOTS];

		switch (rand_r(&seed) % 6) {
		case 0: pid_signal(fd, rand_r(&seed) % 2 ? SIGKILL : 0, NULL); break;
		case 1: waitid((idtype_t)P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG); break;
		case 2: polled(fd, 0); break;
		case 3: {
			int theirs = pid_getfd(fd, 1);

			if (theirs >= 0)
				close(theirs);
			break;
		}
		case 4: {
			int own = pid_open(getpid(), 0);

			if (own >= 0) {
				polled(own, 0);
				close(own);
			}
			break;
		}
		case 5: if (fd > 10) close(fd); break;
		}
	}
	return NULL;
}

static void
at_once(void)
{
	struct clone3_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	pthread_t t[4];
	int i, fd, base = OK(fcntl(0, F_DUPFD, 20));

	args.pidfd = (uintptr_t)&fd;
	for (i = 0; i < SLOTS; i++)
		slot[i] = base;
	for (i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, attacks, (void *)(intptr_t)(i + 1)), 0);
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

		if (pid == 0) {
			if (i % 3 == 0)
				_exit(1);
			for (;;)
				pause();
		}
		if (pid > 0)
			slot[i % SLOTS] = fd;
	}
	over = true;
	for (i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

int
main(void)
{
	pid_t pid;

	life_of_one();
	nonblocking();
	from_clone();
	files_of_others();
	what_is_sent();
	leader_goes_first();
	pid = OK(fork());
	if (pid == 0) {
		OK(setpgid(0, 0));
		at_once();
		OK(kill(0, SIGKILL));
	}
	/* It may have killed itself, by a number that was a child's before. */
	REAP_SIGNAL(pid, SIGKILL);
	if (kill(-pid, SIGKILL) < 0)
		EQ(errno, ESRCH);
	return test_done();
}
