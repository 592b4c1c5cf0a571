/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_events.h: pipes, files of events, and who waits for which
 */
#ifndef SEEDED_CALLS_EVENTS_H
#define SEEDED_CALLS_EVENTS_H

#include "calls.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define EVENTS 4 /* asked for at once */

/* ---- pipes ---- */

static void
op_pipe(void)
{
	int flags = PICK(0, O_CLOEXEC);
	int end[2];

	say("pipe2 %x", flags);
	if (tell(pipe2(end, flags | O_NONBLOCK)) == 0)
		say(" %d %d", end[0], end[1]);
}

static void
op_getpipe_sz(void)
{
	int fd = fd_that(is_pipe);

	say("getpipe_sz %d", fd);
	tell(fcntl(fd, F_GETPIPE_SZ));
}

static void
op_setpipe_sz(void)
{
	int fd = fd_that(is_pipe);
	long n = PICK(4096, 8192, 65536, 0, 5000, 131072);

	say("setpipe_sz %d %ld", fd, n);
	tell(fcntl(fd, F_SETPIPE_SZ, n));
}

static size_t
any_amount(int from, int to)
{
	size_t n = PICK(1, 100, 4096, 5000, 0, 20000);
	bool terminal = is_terminal(from) || is_terminal(to);

	return terminal && n > TERMINAL_BYTES ? TERMINAL_BYTES : n;
}

static void
op_splice(void)
{
	bool out = chance(2); /* of a pipe */
	int from = out ? fd_that(is_pipe) : any_fd();
	int to = out ? any_fd() : fd_that(is_pipe);
	off_t at = PICK(0, 100, 4096);
	off_t *off = chance(2) ? &at : NULL;
	off_t to_at = PICK(0, 4096, 10);
	off_t *to_off = chance(3) ? NULL : &to_at;
	size_t n = any_amount(from, to);

	if (is_hung_up(from) || is_hung_up(to))
		return;
	say("splice %d %s %d %s %zu", from, off ? "@" : "-", to,
	    to_off ? "@" : "-", n);
	tell(splice(from, off, to, to_off, n, SPLICE_F_NONBLOCK));
	say(" @%ld @%ld", (long)at, (long)to_at);
}

static void
op_tee(void)
{
	int from = fd_that(is_pipe);
	int to = fd_that(is_pipe);
	size_t n = any_amount(from, to);

	say("tee %d %d %zu", from, to, n);
	tell(tee(from, to, n, SPLICE_F_NONBLOCK));
}

static void
op_vmsplice(void)
{
	int fd = fd_that(is_pipe);
	struct iovec piece = { data, PICK(1, 100, 4096, 5000, 0, 20000) };

	say("vmsplice %d %zu", fd, piece.iov_len);
	tell(vmsplice(fd, &piece, 1, SPLICE_F_NONBLOCK));
}

static void
op_fionread(void)
{
	int fd = any_fd();
	int n = -7;

	say("fionread %d", fd);
	if (tell(ioctl(fd, FIONREAD, &n)) == 0 && !is_folder(fd))
		say(" %d", n);
}

static void
op_fionbio(void)
{
	int fd = any_fd();
	int on = 1;

	say("fionbio %d", fd);
	tell(ioctl(fd, FIONBIO, &on));
}

static void
op_fioclex(void)
{
	int fd = any_fd();
	bool on = chance(2);

	say("fioclex %d %d", fd, on);
	tell(ioctl(fd, on ? FIOCLEX : FIONCLEX));
}

/* ---- events ---- */

static void
op_eventfd(void)
{
	unsigned n = PICK(0, 3, 100);
	int flags = PICK(0, EFD_SEMAPHORE);

	say("eventfd %u %x", n, flags);
	tell(eventfd(n, flags | EFD_NONBLOCK));
}

static void
op_write_count(void)
{
	int fd = fd_that(is_anonymous);
	uint64_t n = PICK(1, 0, 5, -1, -2);

	say("write_count %d %ld", fd, (long)n);
	tell(write(fd, &n, sizeof(n)));
}

static void
op_read_count(void)
{
	int fd = fd_that(is_anonymous);

	say("read_count %d", fd);
	show_bytes(fd, in, tell(read(fd, in, sizeof(uint64_t))));
}

static void
op_signalfd(void)
{
	int fd = any_fd();
	sigset_t set;

	if (chance(3))
		fd = -1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (chance(2))
		sigaddset(&set, SIGCHLD);
	say("signalfd %d", fd);
	tell(signalfd(fd, &set, SFD_NONBLOCK));
}

static void
op_timerfd(void)
{
	say("timerfd_create");
	tell(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
}

/* It never rings here. */
static void
op_timerfd_settime(void)
{
	int fd = fd_that(is_anonymous);
	struct itimerspec t = { .it_value = { PICK(0, 1000), 0 } };

	say("timerfd_settime %d %ld", fd, (long)t.it_value.tv_sec);
	tell(timerfd_settime(fd, 0, &t, NULL));
}

static void
op_timerfd_gettime(void)
{
	int fd = fd_that(is_anonymous);
	struct itimerspec t;

	say("timerfd_gettime %d", fd);
	if (tell(timerfd_gettime(fd, &t)) == 0)
		say(" %s", t.it_value.tv_sec > 0 ? "runs" : "stands");
}

/* ---- waiting ---- */

static void
op_poll(void)
{
	struct pollfd p[EVENTS];

	for (int i = 0; i < EVENTS; i++) {
		p[i].fd = any_fd();
		p[i].events = PICK(POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI,
		    POLLRDHUP | POLLIN, 0, 0x3ff);
		p[i].revents = 77;
	}
	say("poll");
	tell(poll(p, EVENTS, 0));
	for (int i = 0; i < EVENTS; i++)
		say(" %d:%x=%x", p[i].fd, p[i].events, p[i].revents);
}

static uint64_t
first_word(const void *set)
{
	uint64_t word;

	memcpy(&word, set, sizeof(word));
	return word;
}

static void
op_select(void)
{
	struct timeval now = { 0, 0 };
	fd_set set[3];

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&set[i]);
		for (int k = 0; k < 3; k++) {
			int fd = (int)chance(DRAWN_FDS);

			FD_SET(fd, &set[i]);
		}
	}
	say("select");
	for (int i = 0; i < 3; i++)
		say(" %lx", first_word(&set[i]));
	if (tell(select(DRAWN_FDS, &set[0], &set[1], &set[2], &now)) < 0)
		return;
	for (int i = 0; i < 3; i++)
		say(" %lx", first_word(&set[i]));
}

static bool
is_epoll(int fd)
{
	char path[32], text[32] = "";

	if (!is_anonymous(fd))
		return false;
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	return readlink(path, text, sizeof(text) - 1) > 0 &&
	    strcmp(text, "anon_inode:[eventpoll]") == 0;
}

static void
op_epoll_create(void)
{
	say("epoll_create1");
	tell(epoll_create1(0));
}

static void
op_epoll_ctl(void)
{
	int fd = fd_that(is_epoll);
	int of = any_fd();
	int what = PICK(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
	    EPOLL_CTL_DEL, EPOLL_CTL_MOD, 9);
	struct epoll_event e = { .data.u64 = (uint64_t)of };

	e.events = PICK(EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT,
	    EPOLLIN | EPOLLET, EPOLLIN | EPOLLOUT | EPOLLONESHOT,
	    EPOLLIN | EPOLLEXCLUSIVE, EPOLLPRI | EPOLLRDHUP, 0);
	say("epoll_ctl %d %d %d %x", fd, what, of, e.events);
	tell(epoll_ctl(fd, what, of, &e));
}

/* The order of the events is the kernel's affair. */
static void
op_epoll_wait(void)
{
	int fd = fd_that(is_epoll);
	struct epoll_event e[EVENTS];
	uint64_t sum = 0;
	long n;

	say("epoll_wait %d", fd);
	n = tell(epoll_wait(fd, e, EVENTS, 0));
	for (int i = 0; i < n; i++)
		sum += e[i].events * (e[i].data.u64 * 131 + 7);
	if (n > 0)
		say(" #%lx", sum);
}

static const struct op event_ops[] = { { op_pipe, 4 }, { op_getpipe_sz, 2 },
	{ op_setpipe_sz, 2 }, { op_splice, 5 }, { op_tee, 5 },
	{ op_vmsplice, 5 }, { op_fionread, 2 }, { op_fionbio, 2 },
	{ op_fioclex, 2 }, { op_eventfd, 2 }, { op_write_count, 2 },
	{ op_read_count, 2 }, { op_signalfd, 3 }, { op_timerfd, 2 },
	{ op_timerfd_settime, 2 }, { op_timerfd_gettime, 2 }, { op_poll, 10 },
	{ op_select, 5 }, { op_epoll_create, 2 }, { op_epoll_ctl, 10 },
	{ op_epoll_wait, 8 } };

#endif
