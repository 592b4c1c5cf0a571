/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_sockets.h: sockets of AF_UNIX, their names, and what goes through them
 */
#ifndef SEEDED_CALLS_SOCKETS_H
#define SEEDED_CALLS_SOCKETS_H

#include "calls_files.h"
#include <sys/socket.h>
#include <sys/un.h>

static int
any_type(void)
{
	return (int)PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET);
}

static bool
is_server(int fd)
{
	int listens = 0;
	socklen_t n = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) == 0 &&
	    listens;
}

/* Where servers are, mostly. */
static const char *
any_place_of_sockets(void)
{
	const char *other = any_name();

	switch (chance(4)) {
	case 0:
		return other;
	case 1:
		return "t";
	default:
		return "s";
	}
}

/* The address of a name, with and without the zero behind it. */
static struct sockaddr_un
any_address(socklen_t *n)
{
	const char *name = any_place_of_sockets();
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, name);
	*n = offsetof(struct sockaddr_un, sun_path) + strlen(name) + chance(2);
	if (meets_others && name[0] == '\0') /* else a name without a file, for all of them */
		*n = offsetof(struct sockaddr_un, sun_path);
	return a;
}

static void
op_socket(void)
{
	int type = PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW, 9);
	int protocol = PICK(0, 0, 1, 2);

	say("socket %d %d", type, protocol);
	tell(socket(AF_UNIX, type | SOCK_NONBLOCK, protocol));
}

static void
op_socketpair(void)
{
	int type = any_type();
	int end[2];

	say("socketpair %d", type);
	if (tell(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, end)) == 0)
		say(" %d %d", end[0], end[1]);
}

static void
op_bind(void)
{
	int fd = fd_that(is_socket);
	socklen_t n;
	struct sockaddr_un a = any_address(&n);

	say("bind %d %s %u", fd, a.sun_path, n);
	tell(bind(fd, (struct sockaddr *)&a, n));
}

static void
op_listen(void)
{
	int fd = fd_that(is_socket);
	int backlog = PICK(0, 1, 5, -1);

	say("listen %d %d", fd, backlog);
	tell(listen(fd, backlog));
}

/* A socket with a name that waits for others, and one that comes. */
static void
op_serve(void)
{
	int type = any_type();
	int backlog = PICK(0, 1, 5);
	socklen_t n;
	struct sockaddr_un a = any_address(&n);
	int fd;

	say("serve %d %s %u %d", type, a.sun_path, n, backlog);
	fd = (int)tell(socket(AF_UNIX, type | SOCK_NONBLOCK, 0));
	tell(bind(fd, (struct sockaddr *)&a, n));
	tell(listen(fd, backlog));
	fd = (int)tell(socket(AF_UNIX, type | SOCK_NONBLOCK, 0));
	tell(connect(fd, (struct sockaddr *)&a, n));
}

static void
op_connect(void)
{
	int fd = fd_that(is_socket);
	socklen_t n;
	struct sockaddr_un a = any_address(&n);

	say("connect %d %s %u", fd, a.sun_path, n);
	tell(connect(fd, (struct sockaddr *)&a, n));
}

static void
op_accept(void)
{
	int fd = fd_that(is_server);
	struct sockaddr_un a;
	socklen_t n = sizeof(a);

	say("accept %d", fd);
	if (tell(accept4(fd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK)) >= 0)
		say(" %u", n);
}

static void
op_shutdown(void)
{
	int fd = fd_that(is_socket);
	int how = (int)chance(4);

	say("shutdown %d %d", fd, how);
	tell(shutdown(fd, how));
}

static void
name_by(int call(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNSPEC };
	socklen_t n = sizeof(a);

	if (tell(call(fd, (struct sockaddr *)&a, &n)) == 0)
		say(" %u %d %.*s", n, a.sun_family, (int)sizeof(a.sun_path),
		    a.sun_path);
}

static void
op_getsockname(void)
{
	int fd = fd_that(is_socket);

	say("getsockname %d", fd);
	name_by(getsockname, fd);
}

static void
op_getpeername(void)
{
	int fd = fd_that(is_socket);

	say("getpeername %d", fd);
	name_by(getpeername, fd);
}

static void
op_getsockopt(void)
{
	int fd = fd_that(is_socket);
	int option = PICK(SO_TYPE, SO_ERROR, SO_ACCEPTCONN, SO_PASSCRED,
	    SO_DOMAIN, SO_PROTOCOL, SO_KEEPALIVE, SO_RCVLOWAT, SO_REUSEADDR,
	    SO_BROADCAST);
	int value[2] = { 0, 0 };
	socklen_t n = sizeof(value);

	say("getsockopt %d %d", fd, option);
	if (tell(getsockopt(fd, SOL_SOCKET, option, value, &n)) == 0)
		say(" %u %d", n, value[0]);
}

static void
op_setsockopt(void)
{
	int fd = fd_that(is_socket);
	int option = PICK(SO_KEEPALIVE, SO_KEEPALIVE, SO_TYPE, SO_REUSEADDR);
	int value = (int)chance(2);
	socklen_t n = PICK(4, 4, 1);

	say("setsockopt %d %d %d %u", fd, option, value, n);
	tell(setsockopt(fd, SOL_SOCKET, option, &value, n));
}

/* ---- messages ---- */

#define CONTROL_ROOM 100

/* A message that passes a descriptor. */
static void
pass(struct msghdr *m, char *control, int fd)
{
	struct cmsghdr *c;

	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(sizeof(fd));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	say(" with %d", fd);
}

/* No socket is passed: what only messages have is garbage, and when that is
 * collected is the kernel's affair. */
static void
op_sendmsg(void)
{
	char control[CONTROL_ROOM] __attribute__((aligned(8))) = "";
	int fd = fd_that(is_socket);
	size_t n = PICK(1, 10, 0, 500);
	struct iovec piece = { data + chance(50), n };
	int passed = any_fd();
	int flags = PICK(0, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_EOR, MSG_MORE);
	socklen_t name_length;
	struct sockaddr_un a = any_address(&name_length);
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };

	say("sendmsg %d %zu %x", fd, n, flags);
	if (chance(3) == 0 && !is_socket(passed))
		pass(&m, control, passed);
	if (chance(4) == 0) {
		m.msg_name = &a;
		m.msg_namelen = name_length;
		say(" to %s %u", a.sun_path, name_length);
	}
	tell(sendmsg(fd, &m, flags | MSG_DONTWAIT));
}

/* What came beside the bytes: how many, and the first descriptor. */
static void
show_control(struct msghdr *m)
{
	struct cmsghdr *c = m->msg_control ? CMSG_FIRSTHDR(m) : NULL;
	int first = -1, n;

	for (; c != NULL; c = CMSG_NXTHDR(m, c)) {
		n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (n > 0)
			memcpy(&first, CMSG_DATA(c), sizeof(first));
		say(" control %d: %d, %d", c->cmsg_type, n, first);
	}
}

static void
op_recvmsg(void)
{
	char control[CONTROL_ROOM] __attribute__((aligned(8))) = "";
	struct sockaddr_un a;
	int fd = fd_that(is_socket);
	int flags = PICK(0, 0, MSG_PEEK, MSG_TRUNC, MSG_WAITALL,
	    MSG_PEEK | MSG_TRUNC, MSG_CMSG_CLOEXEC);
	size_t room = PICK(1, 10, 100, 5000, 0);
	size_t control_room = PICK(CONTROL_ROOM, CONTROL_ROOM, 10, 20);
	struct iovec piece = { in, room };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	long n;

	if (chance(2)) {
		m.msg_control = control;
		m.msg_controllen = control_room;
	}
	if (chance(2)) {
		m.msg_name = &a;
		m.msg_namelen = sizeof(a);
	}
	say("recvmsg %d %zu %x", fd, room, flags);
	n = tell(recvmsg(fd, &m, flags | MSG_DONTWAIT));
	if (n < 0)
		return;
	say(" flags %x", m.msg_flags);
	if (m.msg_name != NULL)
		say(" name %u", m.msg_namelen);
	show_control(&m);
	show_bytes(fd, in, n < (long)room ? n : (long)room);
}

static const struct op socket_ops[] = { { op_socket, 4 }, { op_socketpair, 5 },
	{ op_bind, 4 }, { op_listen, 3 }, { op_serve, 4 }, { op_connect, 8 },
	{ op_accept, 8 }, { op_shutdown, 3 }, { op_getsockname, 2 },
	{ op_getpeername, 2 }, { op_getsockopt, 3 }, { op_setsockopt, 2 },
	{ op_sendmsg, 10 }, { op_recvmsg, 16 } };

#endif
