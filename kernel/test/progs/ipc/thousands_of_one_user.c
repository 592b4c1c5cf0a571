/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=120 KIND=exact,bounded ARGS=60 SHORT=10 */
/* BOUNDED: several CPUs run in any order, and who is killed differs */
/*
 * 10,000 sockets, timers, timerfds and watches of one user: the next is refused with the
 * errno of its limit, for descriptors under way as well.  Rings of sockets that travel
 * in each other's queues are made and left by threads of processes that are killed,
 * while other threads change what is sent.  All limits are whole again, and all memory
 * comes back.  Linux 6.1 and 6.18 keep some of the rings for good, so there are none
 * there; nor is a limit changed there that others have, too.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define USER 1234
#define MANY 10000
#define SPARE 40             /* numbers of files that are for other things */
#define OF_A_MESSAGE 100
#define RING 5
#define PROCESSES 4
#define THREADS 3
#define WATCHES_MAX "/proc/sys/fs/epoll/max_user_watches"

union control {
	struct cmsghdr h;
	char room[CMSG_SPACE(OF_A_MESSAGE * sizeof(int))];
};

static int fds[MANY + 1];

static long
send_files(int to, const int *files, size_t n)
{
	union control c = { { 0 } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	c.h.cmsg_len = CMSG_LEN(n * sizeof(int));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.h), files, n * sizeof(int));
	return sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
close_all(int n)
{
	while (n-- > 0)
		OK(close(fds[n]));
}

/* Until one is refused; those before are open, so many. */
static int
open_all(int (*open_one)(void))
{
	int n = 0;

	while (n <= MANY && (fds[n] = open_one()) >= 0)
		n++;
	EQ(errno, EMFILE);
	return n;
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* Due often. */
static int
new_timerfd(void)
{
	const struct itimerspec often = { { 0, 3000000 }, { 0, 1000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	if (fd >= 0)
		OK(timerfd_settime(fd, 0, &often, NULL));
	return fd;
}

static void
sockets_and_timerfds(void)
{
	struct epoll_event e = { .events = EPOLLIN }, got[16];
	int n, i, ep = OK(epoll_create1(0)), pair[2];
	uint64_t ticks;

	n = open_all(new_socket);
	LE(MANY - SPARE, n);
	ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
	close_all(n);
	n = open_all(new_timerfd);
	LE(MANY - SPARE, n);
	for (i = 0; i < n; i++) {
		e.data.fd = fds[i];
		OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e));
	}
	for (i = 0; i < 100; i++) {
		LE(1, epoll_wait(ep, got, 16, 10000));
		EQ(read(got[0].data.fd, &ticks, sizeof(ticks)), sizeof(ticks));
	}
	close_all(n);
	OK(close(ep));
}

static void
posix_timers(void)
{
	static int ids[MANY + 1];
	struct sigevent sent = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCHLD };
	const struct itimerspec often = { { 0, 3000000 }, { 0, 1000000 } };
	int n = 0;

	while (n <= MANY &&
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, &sent, &ids[n]) == 0)
		OK(syscall(SYS_timer_settime, ids[n++], 0, &often, NULL));
	EQ(errno, EAGAIN);
	EQ(n, MANY);
	OK(syscall(SYS_timer_delete, ids[--n]));
	OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &sent, &ids[n++]));
	while (n-- > 0)
		OK(syscall(SYS_timer_delete, ids[n]));
}

/* A hundred sets that watch a hundred pipes. */
static void
watches(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep[MANY / 100 + 1], p[100][2], i, n;

	for (i = 0; i < 100; i++)
		OK(pipe(p[i]));
	for (i = 0; i <= MANY / 100; i++)
		ep[i] = OK(epoll_create1(0));
	for (n = 0; n < MANY; n++)
		OK(epoll_ctl(ep[n / 100], EPOLL_CTL_ADD, p[n % 100][0], &e));
	if (on_vadose()) {
		ERR(epoll_ctl(ep[n / 100], EPOLL_CTL_ADD, p[0][0], &e), ENOSPC);
		OK(close(ep[0]));
		for (i = 0; i < 100; i++)
			OK(epoll_ctl(ep[n / 100], EPOLL_CTL_ADD, p[i][0], &e));
		ERR(epoll_ctl(ep[n / 100], EPOLL_CTL_ADD, p[0][1], &e), ENOSPC);
	} else {
		OK(close(ep[0]));
	}
	for (i = 0; i < 100; i++) {
		EQ(write(p[i][1], "x", 1), 1);
		OK(close(p[i][0]));
		OK(close(p[i][1]));
	}
	for (i = 1; i <= MANY / 100; i++)
		OK(close(ep[i]));
}

/* The end of a socket finds those that nobody reaches; Linux 6.18 looks a little later. */
static void
collect(void)
{
	OK(close(OK(new_socket())));
	if (!on_vadose())
		sleep_ms(500);
}

/* One message more than the limit is let through. */
static void
under_way(void)
{
	int s[2], files[OF_A_MESSAGE], n = 0;

	collect();
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	for (int i = 0; i < OF_A_MESSAGE; i++)
		files[i] = s[i % 2];
	while (n <= MANY && send_files(s[0], files, OF_A_MESSAGE) == 1)
		n++;
	EQ(errno, ETOOMANYREFS);
	EQ(n, MANY / OF_A_MESSAGE + 1);
	OK(close(s[0]));
	OK(close(s[1]));
	collect();
}

/* Each waits in the queue of the next, and both in a third's. */
static void
ring(uint64_t *seed)
{
	int s[RING][2], i, n = 0;

	while (n < RING && socketpair(AF_UNIX, rnd(seed) % 2 != 0 ? SOCK_STREAM :
	    SOCK_DGRAM, 0, s[n]) == 0)
		n++;
	for (i = 0; i < n; i++) {
		send_files(s[i][0], s[(i + 1) % n], 2);
		send_files(s[i][1], s[rnd(seed) % (unsigned)n], 1 + rnd(seed) % 2);
	}
	while (n-- > 0) {
		close(s[n][0]);
		close(s[n][1]);
	}
}

/* What two threads change, while a third sends it. */
static struct {
	union control c;
	struct iovec v;
	struct msghdr m;
} shared;

static void
change(uint64_t *seed)
{
	int fd = (int)(rnd(seed) % 64);

	memcpy(CMSG_DATA(&shared.c.h), &fd, sizeof(fd));
	shared.c.h.cmsg_len = CMSG_LEN(rnd(seed) % 4 * sizeof(int));
	shared.c.h.cmsg_type = rnd(seed) % 8 == 0 ? SCM_CREDENTIALS : SCM_RIGHTS;
	shared.v.iov_len = rnd(seed) % 16 == 0 ? SIZE_MAX : rnd(seed) % 64;
	shared.m.msg_controllen = rnd(seed) % sizeof(shared.c);
}

static void
send_shared(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) != 0)
		return;
	for (int i = 0; i < 8; i++) {
		sendmsg(s[0], &shared.m, MSG_DONTWAIT | MSG_NOSIGNAL);
		recvmsg(s[1], &shared.m, MSG_DONTWAIT);
	}
	close(s[0]);
	close(s[1]);
}

static void *
attacker(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (;;) {
		ring(&seed);
		for (int i = 0; i < 8; i++)
			change(&seed);
		send_shared();
		/* What was received and lies about. */
		for (int fd = 200; fd < 220; fd++)
			close(fd);
	}
	return NULL;
}

static pid_t
attack(uint64_t seed)
{
	static char text[64];
	pthread_t t;
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	shared.c.h.cmsg_level = SOL_SOCKET;
	shared.v.iov_base = text;
	shared.m.msg_iov = &shared.v;
	shared.m.msg_iovlen = 1;
	shared.m.msg_control = &shared.c;
	for (uintptr_t i = 1; i < THREADS; i++)
		EQ(pthread_create(&t, NULL, attacker, (void *)(seed + i)), 0);
	attacker((void *)(uintptr_t)seed);
	_exit(0);
}

static void
attacks(long n)
{
	pid_t pid[PROCESSES];
	uint64_t seed = 5;
	long i;

	for (i = 0; i < PROCESSES; i++)
		pid[i] = attack(rnd(&seed));
	for (; i < n + PROCESSES; i++) {
		sleep_ms(1 + (unsigned)(rnd(&seed) % 20));
		OK(kill(pid[i % PROCESSES], SIGKILL));
		REAP_SIGNAL(pid[i % PROCESSES], SIGKILL);
		if (i < n)
			pid[i % PROCESSES] = attack(rnd(&seed));
	}
}

static void
as_user(long n)
{
	const struct rlimit many = { MANY, MANY };
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setrlimit(RLIMIT_NOFILE, &many));
		OK(setrlimit(RLIMIT_SIGPENDING, &many));
		OK(setgid(USER));
		OK(setuid(USER));
		signal(SIGCHLD, SIG_IGN);
		sockets_and_timerfds();
		posix_timers();
		watches();
		signal(SIGCHLD, SIG_DFL);
		under_way();
		if (on_vadose())
			attacks(n);
		under_way();
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 20;
	char old[32] = "";
	int fd;

	if (geteuid() != 0)
		return 0;
	if (on_vadose()) {
		fd = OK(open(WATCHES_MAX, O_RDONLY));
		LE(1, read(fd, old, sizeof(old) - 1));
		OK(close(fd));
		EQ(proc_write(WATCHES_MAX, "10000"), 0);
	}
	as_user(4);
	leak_mark();
	as_user(n);
	leak_diff();
	if (on_vadose())
		EQ(proc_write(WATCHES_MAX, old), 0);
	return test_done();
}
