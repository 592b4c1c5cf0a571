/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Sockets of AF_UNIX between processes: who sleeps is woken, ends are told, names lead
 * to who listens, descriptors and credentials travel, what nobody can reach any more is
 * given back, and one user cannot fill the kernel's memory.
 */
#include "lib/host.h"
#include <limits.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BYTES (1 << 20)

static int
answer(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	(void)poll(&p, 1, 0);
	return p.revents;
}

static char
byte_at(unsigned i)
{
	return (char)(i * 7 + i / 4096);
}

/* A megabyte through a buffer of 200 KiB: both sides sleep, pieces come whole. */
static void
streams(void)
{
	static char block[70000];
	unsigned at = 0, i;
	int fd[2];
	pid_t pid;
	ssize_t n;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	pid = OK(fork());
	if (pid == 0) {
		close(fd[0]);
		while (at < BYTES) {
			n = BYTES - at < sizeof(block) ? BYTES - at : (ssize_t)sizeof(block);
			for (i = 0; i < (unsigned)n; i++)
				block[i] = byte_at(at + i);
			EQ(write(fd[1], block, (size_t)n), n);
			at += (unsigned)n;
		}
		_exit(0);
	}
	close(fd[1]);
	while ((n = OK(recv(fd[0], block, 10000 + at % 5000, at % 3 == 0 ? MSG_WAITALL : 0))) > 0)
		for (i = 0; i < (unsigned)n; i++, at++)
			if (block[i] != byte_at(at))
				FAIL("byte %u", at);
	EQ(at, BYTES);
	EQ(answer(fd[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	ERR(send(fd[0], block, 1, MSG_NOSIGNAL), EPIPE);
	REAP(pid, 0);
	pid = OK(fork());
	if (pid == 0)
		_exit((int)write(fd[0], block, 1));
	REAP_SIGNAL(pid, SIGPIPE);
	close(fd[0]);
}

/* A name leads there, the backlog is kept, bytes come before they are accepted. */
static void
names(void)
{
	struct sockaddr_un a = { AF_UNIX, "talk" }, b;
	int l = OK(socket(AF_UNIX, SOCK_STREAM, 0)), c, s, e = OK(epoll_create1(0));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	socklen_t n = sizeof(b);
	struct ucred cred;
	struct stat st;
	char text[8];
	pid_t pid;

	OK(bind(l, (void *)&a, sizeof(a)));
	OK(stat("talk", &st));
	EQ(st.st_mode, S_IFSOCK | (0777 & ~022));
	OK(listen(l, 1));
	OK(epoll_ctl(e, EPOLL_CTL_ADD, l, &ev));
	pid = OK(fork());
	if (pid == 0) {
		for (int i = 0; i < 8; i++) {
			c = OK(socket(AF_UNIX, SOCK_STREAM, 0));
			OK(connect(c, (void *)&a, sizeof(a)));
			EQ(write(c, "hello", 5), 5);
			EQ(read(c, text, 8), 2);
			close(c);
		}
		_exit(0);
	}
	for (int i = 0; i < 8; i++) {
		EQ(epoll_wait(e, &ev, 1, i == 0 ? -1 : 0) >= 0, 1);
		s = OK(accept(l, (void *)&b, &n));
		EQ(n, 2);
		EQ(read(s, text, 8), 5);
		n = sizeof(cred);
		OK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &n));
		EQ(cred.pid, pid);
		EQ(write(s, "ok", 2), 2);
		EQ(read(s, text, 8), 0);
		close(s);
	}
	REAP(pid, 0);
	close(l);
	c = OK(socket(AF_UNIX, SOCK_STREAM, 0));
	ERR(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
	close(c);
	close(e);
	OK(unlink("talk"));
}

/* Send what fds says over s. */
static int
send_fds(int s, const int *fds, unsigned n)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(200 * sizeof(int))];
	} c;
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&c.h), fds, n * sizeof(int));
	return (int)sendmsg(s, &m, MSG_DONTWAIT);
}

static int
recv_fd(int s, int flags)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	char x;
	struct iovec v = { &x, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd;

	EQ(recvmsg(s, &m, flags), 1);
	EQ(c.h.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

static void
rights(void)
{
	int s[2], p[2], fd, again;
	struct stat st;
	char c;
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		close(s[0]);
		close(p[0]);
		EQ(send_fds(s[1], &p[1], 1), 1);
		_exit(0);
	}
	close(p[1]);
	close(s[1]);
	again = recv_fd(s[0], MSG_PEEK | MSG_CMSG_CLOEXEC);
	EQ(fcntl(again, F_GETFD), FD_CLOEXEC);
	fd = recv_fd(s[0], 0);
	REAP(pid, 0);
	EQ(write(fd, "a", 1), 1);
	EQ(write(again, "b", 1), 1);
	close(fd);
	close(again);
	EQ(read(p[0], &c, 1), 1);
	EQ(read(p[0], &c, 1), 1);
	EQ(read(p[0], &c, 1), 0);
	EQ(read(s[0], &c, 1), 0);
	OK(fstat(s[0], &st));
	EQ(st.st_mode, S_IFSOCK | 0777);
	close(s[0]);
	close(p[0]);
}

/* What goes with messages that nobody reads, and what holds itself, comes back: the
 * last writer of a pipe has gone with it. */
static void
unreachable(void)
{
	int a[2], b[2], p[2], i, chain;
	char c;

	OK(pipe(p));
	/* each in the queue of the other, a pipe with them */
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, a));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	EQ(send_fds(a[0], (int[]){ b[0], p[1] }, 2), 1);
	EQ(send_fds(b[1], (int[]){ a[1], a[0] }, 2), 1);
	close(p[1]);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, a));
	close(a[0]);
	close(a[1]);
	EQ(read(p[0], &c, 1), 0);
	close(p[0]);

	/* a chain: each holds the one before; it ends one by one, not on the stack */
	chain = OK(open("/dev/null", O_RDONLY));
	for (i = 0; i < 900; i++) {
		OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, a));
		EQ(send_fds(a[0], &chain, 1), 1);
		close(chain);
		close(a[0]);
		chain = a[1];
	}
	close(chain);
}

/* A user's descriptors under way are bounded, and so are his bytes. */
static void
limits(void)
{
	static char block[100000];
	int a[2], n = 0, i, fds[200];
	pid_t pid = OK(fork());

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	OK(setresuid(4321, 4321, 4321)); /* nobody's: no other has descriptors under way */
	OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 300, 300 }));
	for (i = 0; i < 200; i++)
		fds[i] = 0;
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	while (send_fds(a[0], fds, 200) == 1)
		n++;
	EQ(errno, ETOOMANYREFS);
	EQ(n, 2);
	close(a[0]);
	close(a[1]);
	for (i = 0; i < 140; i++) {
		OK(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		if (send(a[0], block, sizeof(block), MSG_DONTWAIT) < 0)
			break;
	}
	if (on_vadose())
		EQ(errno, ENOBUFS);
	_exit(0);
}

/* The sender of what waits at s, as s is told; 0: it is told nothing. */
static int
sender(int s)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} c;
	struct ucred *u = (struct ucred *)CMSG_DATA(&c.h);
	char text[8];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };

	EQ(recvmsg(s, &m, 0), 5);
	if (m.msg_controllen == 0)
		return 0;
	EQ(c.h.cmsg_type, SCM_CREDENTIALS);
	EQ(u->uid, getuid());
	return u->pid;
}

/* Who is accepted asks for credentials if the one that listens does, and of what came
 * before that they are known however late he asks. */
static void
credentials(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0creds" };
	int l = OK(socket(AF_UNIX, SOCK_STREAM, 0)), c, s, on, i;
	socklen_t n = sizeof(on);

	OK(bind(l, (void *)&a, 8));
	OK(listen(l, 1));
	for (i = 0; i < 3; i++) {
		on = i == 0;
		OK(setsockopt(l, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
		c = OK(socket(AF_UNIX, SOCK_STREAM, 0));
		OK(connect(c, (void *)&a, 8));
		EQ(write(c, "hello", 5), 5);
		s = OK(accept(l, NULL, NULL));
		OK(getsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, &n));
		EQ(on, i == 0);
		OK(getsockopt(c, SOL_SOCKET, SO_PASSCRED, &on, &n));
		EQ(on, 0);
		on = i < 2;
		OK(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
		EQ(sender(s), i < 2 ? getpid() : 0);
		OK(close(c));
		OK(close(s));
	}
	OK(close(l));
}

/* Behind the last packet there are no credentials; at the end of a stream, nobody's. */
static void
credentials_at_the_end(int type, socklen_t len)
{
	char text[16], control[64];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int s[2], on = 1;

	OK(socketpair(AF_UNIX, type, 0, s));
	OK(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EQ(write(s[1], "x", 1), 1);
	OK(close(s[1]));
	for (int i = 0; i < 3; i++) {
		memset(control, 0, sizeof(control));
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		EQ(recvmsg(s[0], &m, 0), i == 0);
		EQ(m.msg_controllen, i == 0 ? CMSG_SPACE(sizeof(struct ucred)) : len);
		EQ(((struct ucred *)CMSG_DATA((struct cmsghdr *)control))->pid,
		    i == 0 ? getpid() : 0);
	}
	OK(close(s[0]));
}

/* A larger buffer is room, of which who watches is told. */
static void
larger_buffers(void)
{
	int s[2], e = OK(epoll_create1(0)), size = 1;
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	while (send(s[0], "x", 1, MSG_DONTWAIT) == 1)
		;
	EQ(errno, EAGAIN);
	OK(epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev));
	EQ(epoll_wait(e, &ev, 1, 0), 0);
	size = 100000;
	OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	EQ(epoll_wait(e, &ev, 1, 0), 1);
	EQ(ev.events, EPOLLOUT);
	EQ(epoll_wait(e, &ev, 1, 0), 0);
	OK(close(s[0]));
	OK(close(s[1]));
	OK(close(e));
}

static int
number_of(int s, int option)
{
	int n = -1;
	socklen_t len = sizeof(n);

	OK(getsockopt(s, SOL_SOCKET, option, &n, &len));
	EQ(len, sizeof(n));
	return n;
}

static int
number_set(int s, int option, int n)
{
	return setsockopt(s, SOL_SOCKET, option, &n, sizeof(n)) == 0 ? 0 : errno;
}

static void
linger(int s, int on, int sec)
{
	struct linger l = { -1, -1 };
	socklen_t len = sizeof(l);

	OK(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len));
	EQ(len, sizeof(l));
	EQ(l.l_onoff, on);
	EQ(l.l_linger, sec);
}

static void
for_root(int s)
{
	EQ(number_set(s, SO_PRIORITY, -1), 0);
	EQ(number_of(s, SO_PRIORITY), -1);
	EQ(number_set(s, SO_SNDBUF, 1 << 20), 0);
	EQ(number_of(s, SO_SNDBUF), 425984);
	EQ(number_set(s, SO_SNDBUFFORCE, 1 << 20), 0);
	EQ(number_of(s, SO_SNDBUF), 2 << 20);
	EQ(number_set(s, SO_RCVBUFFORCE, INT_MAX), 0);
	EQ(number_of(s, SO_RCVBUF), INT_MAX - 1);
	EQ(number_set(s, SO_RCVBUFFORCE, -1), 0);
	EQ(number_of(s, SO_RCVBUF), 2304);
}

/* What means nothing here is kept; a number has bounds. */
static void
kept(void)
{
	static const int low[][2] = { { 0, 1 }, { -1, INT_MAX }, { 5, 5 }, { 1, 1 } };
	int s[2];
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	linger(s[0], 0, 0);
	OK(setsockopt(s[0], SOL_SOCKET, SO_LINGER, (&(struct linger){ 7, 11 }), 8));
	linger(s[0], 1, 11);
	OK(setsockopt(s[0], SOL_SOCKET, SO_LINGER, (&(struct linger){ 0, 13 }), 8));
	linger(s[0], 0, 11);
	EQ(number_set(s[0], SO_LINGER, 1), EINVAL);
	linger(s[1], 0, 0);
	EQ(number_of(s[0], SO_SNDLOWAT), 1);
	EQ(number_set(s[0], SO_SNDLOWAT, 1), ENOPROTOOPT);
	EQ(number_of(s[0], SO_RCVLOWAT), 1);
	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		EQ(number_set(s[0], SO_RCVLOWAT, low[i][0]), 0);
		EQ(number_of(s[0], SO_RCVLOWAT), low[i][1]);
	}
	EQ(number_of(s[0], SO_PRIORITY), 0);
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(4321, 4321, 4321));
		EQ(number_set(s[0], SO_PRIORITY, 6), 0);
		EQ(number_set(s[0], SO_PRIORITY, 7), EPERM);
		EQ(number_set(s[0], SO_PRIORITY, -1), EPERM);
		EQ(number_set(s[0], SO_SNDBUFFORCE, 1), EPERM);
		EQ(number_set(s[0], SO_RCVBUFFORCE, 1), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(number_of(s[0], SO_PRIORITY), 6);
	if (on_vadose()) /* elsewhere root may have lost the right to it */
		for_root(s[0]);
	OK(close(s[0]));
	OK(close(s[1]));
}

/* Who reads a stream waits for as many bytes as SO_RCVLOWAT says, if he asks for more. */
static void
low_mark(void)
{
	char text[16];
	int s[2];
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EQ(number_set(s[0], SO_RCVLOWAT, 5), 0);
	pid = OK(fork());
	if (pid == 0) {
		EQ(write(s[1], "abc", 3), 3);
		EQ(write(s[1], "abc", 3), 3);
		sleep_ms(100);
		EQ(write(s[1], "de", 2), 2);
		sleep_ms(100);
		EQ(write(s[1], "fgh", 3), 3);
		_exit(0);
	}
	EQ(recv(s[0], text, 3, 0), 3);
	EQ(recv(s[0], text, sizeof(text), 0), 5);
	EQ(memcmp(text, "abcde", 5), 0);
	EQ(recv(s[0], text, 1, 0), 1);
	EQ(recv(s[0], text, sizeof(text), MSG_DONTWAIT), 2);
	OK(shutdown(s[1], SHUT_WR));
	EQ(recv(s[0], text, sizeof(text), 0), 0);
	REAP(pid, 0);
	OK(close(s[0]));
	OK(close(s[1]));
}

/* Four processes on one pair of packets: none is lost or cut. */
static void
many(void)
{
	int s[2], i, k, n = 0;
	unsigned sum = 0, part[4];
	pid_t pid[4];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	for (i = 0; i < 4; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0) {
			close(s[0]);
			for (k = 0; k < 500; k++) {
				part[0] = part[1] = part[2] = part[3] = (unsigned)(i * 500 + k);
				EQ(send(s[1], part, sizeof(part), 0), sizeof(part));
			}
			_exit(0);
		}
	}
	close(s[1]);
	while (OK(recv(s[0], part, sizeof(part), 0)) == sizeof(part)) {
		if (part[0] != part[3])
			FAIL("a cut packet");
		sum += part[0];
		n++;
	}
	EQ(n, 2000);
	EQ(sum, 1999 * 1000);
	for (i = 0; i < 4; i++)
		REAP(pid[i], 0);
	close(s[0]);
}

static void
all(void)
{
	streams();
	names();
	rights();
	unreachable();
	limits();
	credentials();
	credentials_at_the_end(SOCK_STREAM, CMSG_SPACE(sizeof(struct ucred)));
	credentials_at_the_end(SOCK_SEQPACKET, 0);
	larger_buffers();
	kept();
	low_mark();
	many();
}

int
main(void)
{
	own_tmp();
	mkdir("/tmp/sockets", 0777);
	OK(chdir("/tmp/sockets"));
	leaves_nothing(all);
	return test_done();
}
