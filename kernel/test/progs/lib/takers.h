/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * takers.h: what a process can take of what all share, and as much as it gives
 *
 * Each taker goes on until it is refused, or has taken taker_few: on a host, where
 * all of it is too much.  A taker's process keeps what it has until it ends.
 */
#ifndef TEST_TAKERS_H
#define TEST_TAKERS_H

#include "test.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define USER 1000

static long taker_few;          /* 0: until it is refused */
static char taker_block[64 * KIB];

static inline bool
taker_more(long i)
{
	return taker_few == 0 || i < taker_few;
}

/* The leader of a group, with as many descriptors as it may have; a user, or root. */
static inline void
become(bool is_user)
{
	struct rlimit all = { 4096, 4096 };

	OK(setpgid(0, 0));
	(void)setrlimit(RLIMIT_NOFILE, &all);
	if (!is_user)
		return;
	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(USER, USER, USER));
	OK(setresuid(USER, USER, USER));
}

static inline void
nothing(void)
{
}

/* All there is, in pieces, then page by page. */
static inline void
take_memory(int flags, bool lock)
{
	long i = 0;

	for (size_t n = MIB; n >= PAGE; n /= 16)
		for (; taker_more(i); i++) {
			char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | flags, -1, 0);

			if (p == MAP_FAILED)
				break;
			if (lock && mlock(p, n) != 0) {
				munmap(p, n);
				break;
			}
			for (size_t at = 0; at < n; at += PAGE)
				p[at] = 1;
		}
}

static inline void
private_memory(void)
{
	take_memory(MAP_PRIVATE, false);
}

/* Fill what is paid for when it is touched, one page each step. */
static inline void
fill_on_credit(unsigned long step, int advice)
{
	unsigned long bytes = taker_few != 0 ? taker_few * PAGE : GIB << 10;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (unsigned long at = 0; at < bytes && p != MAP_FAILED; at += step)
		if (madvise(p + at, PAGE, advice) != 0)
			break;
}

static inline void
late_memory(void)
{
	fill_on_credit(PAGE, 23 /* MADV_POPULATE_WRITE */);
}

static inline void
page_tables(void)
{
	fill_on_credit(2 * MIB, 22 /* MADV_POPULATE_READ */);
}

static inline void
shared_memory(void)
{
	take_memory(MAP_SHARED, false);
}

static inline void
locked_memory(void)
{
	take_memory(MAP_PRIVATE, true);
}

static inline void
populated_memory(void)
{
	take_memory(MAP_PRIVATE | MAP_LOCKED | MAP_POPULATE, false);
}

static inline void
pipes(void)
{
	int p[2];

	for (long i = 0; taker_more(i) && pipe2(p, O_NONBLOCK) == 0; i++) {
		(void)fcntl(p[1], F_SETPIPE_SZ, MIB);
		while (write(p[1], taker_block, sizeof(taker_block)) > 0)
			continue;
		if (errno != EAGAIN)
			break;
	}
}

static inline void
sockets_of(int type)
{
	int s[2], size = MIB;

	while (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s) == 0) {
		(void)setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while (write(s[0], taker_block, 4096) > 0)
			continue;
		if (errno != EAGAIN)
			break;
	}
}

static inline void
streams(void)
{
	sockets_of(SOCK_STREAM);
}

static inline void
datagrams(void)
{
	sockets_of(SOCK_DGRAM);
}

static inline int
sleeper(void *arg)
{
	for (;;)
		pause();
	return arg != NULL;
}

static inline void
threads(void)
{
	for (long i = 0; taker_more(i); i++) {
		char *stack = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (stack == MAP_FAILED ||
		    clone(sleeper, stack + PAGE, CLONE_VM | CLONE_FS |
		        CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		        CLONE_SYSVSEM, NULL) < 0)
			break;
	}
}

static inline void
processes(void)
{
	pid_t pid;

	while ((pid = fork()) > 0)
		continue;
	while (pid == 0)
		pause();
}

static inline void
descriptors(void)
{
	for (long i = 0; taker_more(i) && open("/", O_RDONLY) >= 0; i++)
		continue;
}

static inline void
tmpfs_pages(void)
{
	int fd = syscall(SYS_memfd_create, "gone", 0);

	for (long i = 0; fd >= 0 && taker_more(i) && write(fd, taker_block, sizeof(taker_block)) > 0; i++)
		continue;
}

static inline void
tmpfs_allocated(void)
{
	int fd = syscall(SYS_memfd_create, "gone", 0);

	for (long i = 0; fd >= 0 && taker_more(i); i++)
		if (fallocate(fd, 0, i * sizeof(taker_block), sizeof(taker_block)) != 0)
			break;
}

static inline void
shm_segments(void)
{
	for (size_t n = MIB; n >= PAGE; n /= 16)
		for (;;) {
			int id = shmget(IPC_PRIVATE, n, 0600 | IPC_CREAT);
			char *p;

			if (id < 0)
				break;
			p = shmat(id, NULL, 0);
			(void)shmctl(id, SHM_LOCK, NULL);
			(void)shmctl(id, IPC_RMID, NULL);
			if (p == (char *)-1)
				break;
			for (size_t i = 0; i < n; i += PAGE)
				p[i] = 1;
		}
}

static inline void
watches(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int p[2], e;

	if (pipe(p) != 0)
		return;
	while ((e = epoll_create1(0)) >= 0)
		if (epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev) != 0)
			break;
}

static inline void
timers(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t t;

	while (syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &t) == 0)
		continue;
	while (timerfd_create(CLOCK_MONOTONIC, 0) >= 0)
		continue;
}

static inline void
signals(void)
{
	struct rlimit lim;
	const union sigval v = { 0 };
	sigset_t all;

	OK(getrlimit(RLIMIT_SIGPENDING, &lim));
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_SIGPENDING, &lim);
	sigfillset(&all);
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	for (long i = 0; i < 200000 && taker_more(i) && sigqueue(getpid(), SIGRTMIN, v) == 0; i++)
		continue;
}

static inline void
messages(void)
{
	static struct { long type; char text[8000]; } m = { .type = 1 };
	int id;

	while ((id = msgget(IPC_PRIVATE, 0600)) >= 0)
		while (msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT) == 0)
			continue;
}

/* System V's queues outlive who made them. */
static inline void
remove_messages(void)
{
	struct msqid_ds ds;
	struct msginfo info;
	int max = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);

	for (int i = 0; i <= max; i++) {
		int id = msgctl(i, MSG_STAT, &ds);

		if (id >= 0)
			(void)msgctl(id, IPC_RMID, NULL);
	}
}

static inline void
terminals(void)
{
	int fd;

	while ((fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0) {
		int zero = 0;

		(void)ioctl(fd, TIOCSPTLCK, &zero);
		(void)!write(fd, taker_block, 4096);
	}
}

/* What a program has given to pipes stays where it is. */
static inline void
given_pages(void)
{
	int p[2];

	while (pipe2(p, O_NONBLOCK) == 0) {
		char *m = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct iovec v = { m, MIB };

		if (m == MAP_FAILED)
			break;
		(void)fcntl(p[1], F_SETPIPE_SZ, MIB);
		if (vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK) < 0)
			break;
	}
}

static inline void
mappings(void)
{
	int fd = syscall(SYS_memfd_create, "map", 0);
	char *p;

	if (fd < 0 || ftruncate(fd, 16384 * PAGE) != 0)
		return;
	p = mmap(NULL, 16384 * PAGE, PROT_NONE, MAP_SHARED, fd, 0);
	for (long i = 0; i < 16384 && p != MAP_FAILED; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ) != 0)
			break;
}

static inline void
sent_descriptors(void)
{
	char control[CMSG_SPACE(250 * sizeof(int))] = { 0 };
	struct iovec v = { control, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(250 * sizeof(int));
	while (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s) == 0) {
		for (int i = 0; i < 250; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &s[0], sizeof(int));
		while (sendmsg(s[0], &m, 0) >= 0)
			continue;
	}
}

static inline void
traced(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			raise(SIGSTOP);
			_exit(0);
		}
		waitpid(pid, NULL, WUNTRACED);
	}
}

#endif
