/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Several messages by one call, calls on sockets that end after a time, senders that wait
 * for room, credentials that a sender claims, names that sockets take by themselves, and
 * control data for which there is no room.
 */
#include "lib/sleeps.h"
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MANY 1500

static struct mmsghdr row[MANY];
static struct iovec piece[MANY];
static char text[MANY];

/* A row of n messages with a byte of text each. */
static void
row_make(int n)
{
	memset(row, 0, sizeof(row));
	for (int i = 0; i < n; i++) {
		piece[i] = (struct iovec){ text + i, 1 };
		row[i].msg_hdr.msg_iov = &piece[i];
		row[i].msg_hdr.msg_iovlen = 1;
		row[i].msg_len = 77;
	}
}

/* The call itself: a library may make one of each message. */
static long
send_row(int s, struct mmsghdr *m, unsigned n, unsigned flags)
{
	return syscall(SYS_sendmmsg, s, m, n, flags);
}

/* What comes before an error counts; the error comes when it is the first. */
static void
rows_end_at_errors(void)
{
	int s[2];

	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	row_make(4);
	memcpy(text, "abcd", 4);
	row[2].msg_hdr.msg_iov = (void *)8;
	EQ(send_row(s[0], row, 4, MSG_WAITFORONE), 2);
	EQ(row[0].msg_len, 1);
	EQ(row[1].msg_len, 1);
	EQ(row[2].msg_len, 77);
	ERR(send_row(s[0], row + 2, 2, 0), EFAULT);
	EQ(send_row(s[0], row + 3, 1, 0), 1);
	EQ(send_row(s[0], row, 0, 0), 0);
	row_make(4);
	memset(text, 0, 4);
	EQ(recvmmsg(s[1], row, 4, MSG_WAITFORONE, NULL), 3);
	EQ(memcmp(text, "abd", 4), 0);
	EQ(row[2].msg_len, 1);
	EQ(row[3].msg_len, 77);
	ERR(recvmmsg(s[1], row, 4, MSG_DONTWAIT, NULL), EAGAIN);
	ERR(recvmmsg(s[1], row, 4, 0, (void *)8), EFAULT);
	EQ(recvmmsg(s[1], row, 0, 0, NULL), 0);
	close(s[0]);
	close(s[1]);
}

/* Behind a message that was sent in part nothing more is sent. */
static void
rows_end_at_parts(void)
{
	char *half = mmap(NULL, 600000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	int s[2];

	OK(mprotect(half + 147456, 600000 - 147456, PROT_NONE));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	row_make(2);
	piece[0] = (struct iovec){ half, 600000 };
	EQ(send_row(s[0], row, 2, 0), 1);
	CHECK(row[0].msg_len > 0 && row[0].msg_len <= 147456);
	EQ(row[1].msg_len, 77);
	ERR(send_row(s[0], row, 1, MSG_DONTWAIT | 0x80000000), EINVAL);
	close(s[0]);
	close(s[1]);
	OK(munmap(half, 600000));
}

/* The time is looked at behind each message. */
static void
rows_end_in_time(void)
{
	struct timespec at_once = { 0, 0 }, long_time = { 1000, 5 };
	struct timespec bad = { 0, 1000000000 };
	int s[2];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	row_make(3);
	EQ(send_row(s[0], row, 3, 0), 3);
	ERR(recvmmsg(s[1], row, 3, 0, &bad), EINVAL);
	EQ(recvmmsg(s[1], row, 3, 0, &at_once), 1);
	EQ(at_once.tv_sec, 0);
	EQ(at_once.tv_nsec, 0);
	EQ(recvmmsg(s[1], row, 3, MSG_WAITFORONE, &long_time), 2);
	CHECK(long_time.tv_sec >= 900 && long_time.tv_sec < 1000);
	close(s[0]);
	EQ(recvmmsg(s[1], row, 3, 0, NULL), 3);
	EQ(row[2].msg_len, 0);
	close(s[1]);
}

/* One call may receive more than it could send. */
static void
rows_are_long(void)
{
	int s[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	row_make(MANY);
	memset(text, 'x', MANY);
	EQ(send(s[0], text, MANY, 0), MANY);
	EQ(recvmmsg(s[1], row, MANY, MSG_WAITFORONE, NULL), MANY);
	EQ(row[MANY - 1].msg_len, 1);
	close(s[0]);
	close(s[1]);
}

/* A row of receptions is told what has gone wrong before what waits. */
static void
rows_begin_with_the_error(void)
{
	int s[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EQ(send(s[0], "x", 1, 0), 1);
	EQ(send(s[1], "y", 1, 0), 1);
	close(s[0]);
	row_make(2);
	ERR(recvmmsg(s[1], row, 2, 0, NULL), ECONNRESET);
	EQ(recvmmsg(s[1], row, 1, 0, NULL), 1);
	close(s[1]);
}

/* ---- options that are times ---- */

static void
time_set(int s, int option, long sec, long usec)
{
	struct timeval t = { sec, usec };

	OK(setsockopt(s, SOL_SOCKET, option, &t, sizeof(t)));
}

/* The time of an option, in microseconds. */
static long
time_of(int s, int option)
{
	struct timeval t = { -1, -1 };
	socklen_t n = sizeof(t);

	OK(getsockopt(s, SOL_SOCKET, option, &t, &n));
	EQ(n, sizeof(t));
	return t.tv_sec * 1000000 + t.tv_usec;
}

static void
times_are_kept(void)
{
	struct timeval bad = { 0, 1000000 };
	int s = OK(socket(AF_UNIX, SOCK_STREAM, 0));

	EQ(time_of(s, SO_RCVTIMEO), 0);
	time_set(s, SO_RCVTIMEO, 7, 8000);
	time_set(s, SO_SNDTIMEO, 0, 1);
	EQ(time_of(s, SO_RCVTIMEO), 7008000);
	CHECK(time_of(s, SO_SNDTIMEO) > 0 && time_of(s, SO_SNDTIMEO) <= 10000);
	ERR(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)), EDOM);
	bad.tv_usec = -1;
	ERR(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)), EDOM);
	ERR(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &bad, 8), EINVAL);
	EQ(time_of(s, SO_RCVTIMEO), 7008000);
	time_set(s, SO_RCVTIMEO, -1, 0);
	time_set(s, SO_SNDTIMEO, LONG_MAX, 0);
	EQ(time_of(s, SO_RCVTIMEO), 0);
	EQ(time_of(s, SO_SNDTIMEO), 0);
	time_set(s, SO_RCVTIMEO, 0, 0);
	EQ(time_of(s, SO_RCVTIMEO), 0);
	close(s);
}

/* Who has waited for so long is told EAGAIN: for bytes, room, a connection, a place. */
static void
calls_end_in_time(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0stop in time" };
	int l = OK(socket(AF_UNIX, SOCK_STREAM, 0)), c[3], s[2], r;
	uint64_t t0 = now_ns();

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	time_set(s[0], SO_RCVTIMEO, 0, 20000);
	time_set(s[0], SO_SNDTIMEO, 0, 20000);
	time_set(l, SO_RCVTIMEO, 0, 20000);
	ERR(recv(s[0], text, 1, 0), EAGAIN);
	while ((r = (int)send(s[0], text, MANY, 0)) == MANY)
		;
	if (r < 0)
		EQ(errno, EAGAIN);
	ERR(send(s[0], text, MANY, 0), EAGAIN);
	OK(bind(l, (void *)&a, 15));
	OK(listen(l, 0));
	ERR(accept(l, NULL, NULL), EAGAIN);
	for (int i = 0; i < 3; i++)
		c[i] = OK(socket(AF_UNIX, SOCK_STREAM, 0));
	time_set(c[1], SO_SNDTIMEO, 0, 20000);
	OK(connect(c[0], (void *)&a, 15));
	ERR(connect(c[1], (void *)&a, 15), EAGAIN);
	CHECK(now_ns() - t0 >= 80000000);
	OK(fcntl(c[2], F_SETFL, O_NONBLOCK));
	ERR(connect(c[2], (void *)&a, 15), EAGAIN);
	time_set(s[1], SO_RCVTIMEO, -1, 0);
	while (recv(s[1], text, MANY, 0) > 0)
		;
	EQ(errno, EAGAIN);
	for (int i = 0; i < 3; i++)
		close(c[i]);
	close(s[0]);
	close(s[1]);
	close(l);
}

/* In a process of its own: connect and send a byte.  It ends with the errno. */
static pid_t
caller(const struct sockaddr_un *a, int l)
{
	pid_t pid = OK(fork());
	int c;

	if (pid != 0)
		return pid;
	close(l);
	c = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	_exit(connect(c, (const void *)a, 10) == 0 && send(c, "x", 1, 0) == 1 ? 0 : errno);
}

/* Who waits to be taken goes on when there is a place, and when nobody takes any more. */
static void
callers_wait(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0callers" };
	int l = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	pid_t first, next;

	OK(bind(l, (void *)&a, 10));
	OK(listen(l, 0));
	first = caller(&a, l);
	REAP(first, 0);
	next = caller(&a, l);
	process_sleeps(next);
	close(OK(accept(l, NULL, NULL)));
	REAP(next, 0);
	next = caller(&a, l);
	process_sleeps(next);
	OK(listen(l, 1));
	REAP(next, 0);
	next = caller(&a, l);
	process_sleeps(next);
	close(l);
	REAP(next, ECONNREFUSED);
}

/* A message to a, or to the peer, in a process of its own.  It ends with the errno. */
static pid_t
sender(int s, const struct sockaddr_un *a, int reader)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		close(reader);
		_exit(sendto(s, "x", 1, MSG_NOSIGNAL, (const void *)a,
		    a == NULL ? 0 : 7) == 1 ? 0 : errno);
	}
	process_sleeps(pid);
	return pid;
}

static int
can_send(int s)
{
	struct pollfd p = { s, POLLOUT, 0 };

	return OK(poll(&p, 1, 0));
}

/* Whose queue is full takes datagrams again when one is read: who sleeps in a send goes
 * on, who polls is told.  It ends, too, when he who should read is gone. */
static void
datagrams_wait(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0full" };
	int r = OK(socket(AF_UNIX, SOCK_DGRAM, 0)), c = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	int e = OK(epoll_create1(0)), n = 0;
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	pid_t pid;

	OK(bind(r, (void *)&a, 7));
	OK(connect(c, (void *)&a, 7));
	OK(epoll_ctl(e, EPOLL_CTL_ADD, c, &ev));
	EQ(epoll_wait(e, &ev, 1, 0), 1);
	while (send(c, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	EQ(errno, EAGAIN);
	CHECK(n > 0);
	while (epoll_wait(e, &ev, 1, 0) == 1 && can_send(c))
		;
	EQ(can_send(c), 0);
	pid = sender(c, NULL, r);
	EQ(recv(r, text, 1, 0), 1);
	REAP(pid, 0);
	EQ(recv(r, text, 1, 0), 1);
	EQ(epoll_wait(e, &ev, 1, 0), 1);
	EQ(can_send(c), 1);
	EQ(send(c, "x", 1, MSG_DONTWAIT), 1);
	pid = sender(c, NULL, r);
	close(r);
	REAP(pid, ECONNREFUSED);
	r = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	OK(bind(r, (void *)&a, 7));
	while (sendto(c, "x", 1, MSG_DONTWAIT, (void *)&a, 7) == 1)
		;
	EQ(errno, EAGAIN);
	pid = sender(c, &a, r);
	OK(shutdown(r, SHUT_RD));
	EQ(recv(r, text, 1, 0), 1); /* Linux wakes it only then */
	REAP(pid, EPIPE);
	close(e);
	close(c);
	close(r);
}

/* Packets in a row wait for room; when their reader goes, they go nowhere. */
static void
packets_wait(int type)
{
	static char big[60000];
	pid_t pid;
	int s[2];

	OK(socketpair(AF_UNIX, type, 0, s));
	while (send(s[0], big, sizeof(big), MSG_DONTWAIT) > 0)
		;
	EQ(errno, EAGAIN);
	pid = OK(fork());
	if (pid == 0) {
		close(s[1]);
		_exit(send(s[0], big, sizeof(big), MSG_NOSIGNAL) < 0 ? errno : 0);
	}
	process_sleeps(pid);
	close(s[1]);
	pid = waitpid(pid, &type, 0);
	EQ(type, (type >> 8 == ECONNRESET ? ECONNRESET : EPIPE) << 8);
	close(s[0]);
}

/* ---- what is sent beside the bytes ---- */

/* Sockets that only messages lead to, on connections that nobody has accepted. */
static void
lost_in_arrivals(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(8)];
	} c = { .h = { .cmsg_len = CMSG_LEN(8), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	struct sockaddr_un a = { AF_UNIX, "\0lost" };
	int fds[2];

	for (int i = 0; i < 20; i++) {
		fds[0] = OK(socket(AF_UNIX, SOCK_STREAM, 0));
		fds[1] = OK(socket(AF_UNIX, SOCK_STREAM, 0));
		if (bind(fds[0], (void *)&a, 7) != 0) {
			/* The one before is found to be lost when the next is closed. */
			EQ(errno, EADDRINUSE);
			a.sun_path[1]++;
			OK(bind(fds[0], (void *)&a, 7));
		}
		OK(listen(fds[0], 3));
		OK(connect(fds[1], (void *)&a, 7));
		memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
		EQ(sendmsg(fds[1], &m, 0), 1);
		close(fds[0]);
		close(fds[1]);
	}
}

union control {
	struct cmsghdr h;
	char room[CMSG_SPACE(64)];
};

/* Send a byte and a claim to be who. */
static long
claim(int s, struct ucred who, size_t size)
{
	union control c = { .h = { .cmsg_len = CMSG_LEN(size),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(size) };

	memcpy(CMSG_DATA(&c.h), &who, sizeof(who));
	return sendmsg(s, &m, 0);
}

/* Receive a byte with n bytes of control data at c.  The flags. */
static int
receive(int s, void *c, size_t *n)
{
	struct iovec v = { text, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c,
		.msg_controllen = *n };

	EQ(recvmsg(s, &m, 0), 1);
	*n = m.msg_controllen;
	return m.msg_flags;
}

/* A process may say that it is itself; root, that it is any process that there is. */
static void
claims(void)
{
	struct ucred me = { getpid(), getuid(), getgid() }, who = me;
	union control c;
	int s[2], on = 1;
	size_t n = sizeof(c);
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	ERR(claim(s[0], me, sizeof(me) - 1), EINVAL);
	ERR(claim(s[0], me, sizeof(me) + 4), EINVAL);
	who.uid = (uid_t)-1;
	ERR(claim(s[0], who, sizeof(who)), EINVAL);
	who = me;
	who.gid = (gid_t)-1;
	ERR(claim(s[0], who, sizeof(who)), EINVAL);
	if (getuid() == 0) {
		who = (struct ucred){ INT_MAX, 5, 6 };
		ERR(claim(s[0], who, sizeof(who)), ESRCH);
		who.pid = 1;
		EQ(claim(s[0], who, sizeof(who)), 1);
		EQ(receive(s[1], &c, &n), 0);
		EQ(memcmp(CMSG_DATA(&c.h), &who, sizeof(who)), 0);
	}
	pid = OK(fork());
	if (pid == 0) {
		if (getuid() == 0)
			OK(setresuid(7, 7, 7));
		ERR(claim(s[0], me, sizeof(me)), EPERM);
		me.pid = getpid();
		me.uid = getuid();
		EQ(claim(s[0], me, sizeof(me)), 1);
		me.uid++;
		ERR(claim(s[0], me, sizeof(me)), EPERM);
		me.uid--;
		me.gid++;
		ERR(claim(s[0], me, sizeof(me)), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	/* Part of it, as much as there is room for; less than a head is nothing. */
	n = sizeof(c.h) + 6;
	EQ(receive(s[1], &c, &n), MSG_CTRUNC);
	EQ(n, sizeof(c.h) + 6);
	EQ(c.h.cmsg_len, sizeof(c.h) + 6);
	EQ(send(s[0], "x", 1, 0), 1);
	n = sizeof(c.h) - 1;
	EQ(receive(s[1], &c, &n), MSG_CTRUNC);
	EQ(n, 0);
	close(s[0]);
	close(s[1]);
}

/* A socket that wants credentials gets a name of its own, for whom it writes to. */
static void
named_by_itself(int type, int is_connected)
{
	struct sockaddr_un a = { AF_UNIX, "\0named" }, b, own;
	int r = OK(socket(AF_UNIX, type, 0)), s = OK(socket(AF_UNIX, type, 0)), on = 1;
	socklen_t n = sizeof(own);

	OK(bind(r, (void *)&a, 8));
	ERR(bind(s, (void *)&a, 8), EADDRINUSE);
	if (type != SOCK_DGRAM)
		OK(listen(r, 1));
	OK(getsockname(s, (void *)&own, &n));
	EQ(n, 2);
	OK(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	if (is_connected)
		OK(connect(s, (void *)&a, 8));
	else
		EQ(sendto(s, "x", 1, 0, (void *)&a, 8), 1);
	n = sizeof(own);
	OK(getsockname(s, (void *)&own, &n));
	EQ(n, 2 + 6);
	EQ(own.sun_path[0], 0);
	if (!is_connected) {
		n = sizeof(b);
		EQ(recvfrom(r, text, 1, 0, (void *)&b, &n), 1);
		EQ(n, 2 + 6);
		EQ(memcmp(&b, &own, n), 0);
	}
	close(s);
	s = OK(socket(AF_UNIX, type, 0));
	OK(bind(s, (void *)&own, 2));
	n = sizeof(b);
	OK(getsockname(s, (void *)&b, &n));
	EQ(n, 2 + 6);
	close(r);
	close(s);
}

/* A descriptor whose number cannot be told is not given. */
static void
descriptors_are_not_lost(void)
{
	union control c = { .h = { .cmsg_len = CMSG_LEN(4),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(4) };
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t n = CMSG_SPACE(4);
	int s[2], next;

	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	memcpy(CMSG_DATA(&c.h), &s[0], 4);
	EQ(sendmsg(s[0], &m, 0), 1);
	EQ(receive(s[1], page, &n), MSG_CTRUNC);
	EQ(n, 0);
	next = OK(dup(s[0]));
	EQ(next, s[1] + 1);
	close(next);
	close(s[0]);
	close(s[1]);
	OK(munmap(page, 4096));
}

/* Of a buffer that is longer than all memory, so much is meant as one call can move. */
static void
buffers_are_cut(void)
{
	int s[2];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	ERR(send(s[0], text, SIZE_MAX, 0), EMSGSIZE);
	EQ(send(s[0], text, 5, 0), 5);
	EQ(recv(s[1], text, SIZE_MAX, 0), 5);
	close(s[0]);
	close(s[1]);
}

static void
all(void)
{
	rows_end_at_errors();
	rows_end_at_parts();
	rows_end_in_time();
	rows_are_long();
	rows_begin_with_the_error();
	times_are_kept();
	calls_end_in_time();
	callers_wait();
	datagrams_wait();
	packets_wait(SOCK_SEQPACKET);
	packets_wait(SOCK_STREAM);
	lost_in_arrivals();
	claims();
	named_by_itself(SOCK_DGRAM, 0);
	named_by_itself(SOCK_DGRAM, 1);
	named_by_itself(SOCK_STREAM, 1);
	descriptors_are_not_lost();
	buffers_are_cut();
}

int
main(void)
{
	leaves_nothing(all);
	return test_done();
}
