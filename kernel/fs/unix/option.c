/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.c: options of a socket
 *
 * Rules     1. Sizes of buffers are kept doubled and within bounds, as on Linux; root
 *              may go beyond.
 *           2. Options without a meaning between programs of one machine are stored
 *              and returned.
 *
 * Read next sock.c.
 */
#include "fs/unix/unix.h"
#include "lib/string.h"

#define BUFFER_MAX 212992u     /* that may be asked for */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define TICK_NSEC 4000000ul    /* what is set is rounded up to it */

#define KEPT ((1u << SO_REUSEADDR) | (1u << SO_DONTROUTE) | (1u << SO_BROADCAST) | \
	(1u << SO_KEEPALIVE) | (1u << SO_OOBINLINE) | (1u << SO_PASSCRED))

#define LINGERS (1u << SO_LINGER)
#define PRIORITY_FREE 6        /* one above it is for root */

/* struct timeval. */
struct timeout {
	int64_t sec, usec;
};

/* struct linger. */
struct lingering {
	int32_t on, sec;
};

static struct timeout
timeout_of(const uint64_t *ns)
{
	uint64_t v = atomic_load_relaxed(ns);

	if (v == WAIT_FOREVER)
		return (struct timeout){ 0, 0 };
	return (struct timeout){ (int64_t)(v / NS_PER_S), (int64_t)(v % NS_PER_S / 1000) };
}

/* What the option says, if that is a number.  Locks: sock_lock held.  -ENOPROTOOPT. */
static int64_t
number_locked(struct sock *s, int option)
{
	HELD(&sock_lock);
	switch (option) {
	case SO_TYPE:
		return s->type;
	case SO_ERROR:
		return -sock_error_locked(s);
	case SO_SNDBUF:
		return atomic_load_relaxed(&s->sndbuf);
	case SO_RCVBUF:
		return atomic_load_relaxed(&s->rcvbuf);
	case SO_RCVLOWAT:
		return atomic_load_relaxed(&s->lowat);
	case SO_SNDLOWAT:
		return 1;
	case SO_ACCEPTCONN:
		return s->state == SOCK_LISTENS;
	case SO_PRIORITY:
		return (uint32_t)s->priority;
	case SO_PROTOCOL:
		return 0;
	case SO_DOMAIN:
		return AF_UNIX;
	}
	if (option < 0 || option >= 32 || (KEPT & 1u << option) == 0)
		return -ENOPROTOOPT;
	return (s->kept & 1u << option) != 0;
}

/* getsockopt(2) of SOL_SOCKET.  0, -ENOPROTOOPT. */
int
sock_get(struct file *f, int option, void *buf, size_t *len)
{
	struct sock *s = sock_of(f);
	struct lingering l;
	struct timeout t;
	int64_t r = 0;
	int32_t n;

	spin_lock(&sock_lock);
	if (option == SO_RCVTIMEO || option == SO_SNDTIMEO) {
		t = timeout_of(option == SO_RCVTIMEO ? &s->rcv_ns : &s->snd_ns);
		*len = sizeof(t);
		memcpy(buf, &t, sizeof(t));
	} else if (option == SO_PEERCRED) {
		*len = sizeof(struct sock_cred);
		memcpy(buf, &s->peer_cred, *len);
	} else if (option == SO_LINGER) {
		l = (struct lingering){ (s->kept & LINGERS) != 0, s->linger };
		*len = sizeof(l);
		memcpy(buf, &l, sizeof(l));
	} else {
		r = number_locked(s, option);
		n = (int32_t)r;
		*len = sizeof(n);
		memcpy(buf, &n, sizeof(n));
	}
	spin_unlock(&sock_lock);
	return r < 0 ? (int)r : 0;
}

static int
timeout_set(uint64_t *ns, const void *buf, size_t len)
{
	struct timeout t;
	uint64_t v;

	if (len < sizeof(t))
		return -EINVAL;
	memcpy(&t, buf, sizeof(t));
	if (t.usec < 0 || t.usec >= 1000000)
		return -EDOM;
	if (t.sec < 0)
		v = 0;
	else if ((t.sec == 0 && t.usec == 0) || t.sec > (int64_t)(INT64_MAX / NS_PER_S) - 1)
		v = WAIT_FOREVER;
	else
		v = ((uint64_t)t.sec * NS_PER_S + (uint64_t)t.usec * 1000 + TICK_NSEC - 1) /
		    TICK_NSEC * TICK_NSEC;
	atomic_store(ns, v);
	return 0;
}

static uint32_t
buffer_size(int32_t n, uint32_t min)
{
	return MAX(2 * MIN((uint32_t)n, BUFFER_MAX), min);
}

/* Who waits for room may have it now. */
static void
sndbuf_set(struct sock *s, uint32_t bytes)
{
	spin_lock(&sock_lock);
	atomic_store(&s->sndbuf, bytes);
	if (sock_has_room_locked(s))
		sock_tell_locked(s, SOCK_WR);
	spin_unlock(&sock_lock);
}

/* SO_SNDBUFFORCE, SO_RCVBUFFORCE: what is asked for, of root. */
static int
buffer_force(struct sock *s, int option, int32_t n)
{
	uint32_t bytes = 2 * (uint32_t)MIN(MAX(n, 0), INT32_MAX / 2);

	if (!fs_may(CAP_NET_ADMIN))
		return -EPERM;
	if (option == SO_SNDBUFFORCE)
		sndbuf_set(s, MAX(bytes, SNDBUF_MIN));
	else
		atomic_store(&s->rcvbuf, MAX(bytes, RCVBUF_MIN));
	return 0;
}

/* How long it lingers outlasts that it does not.  0, -EINVAL. */
static int
linger_set(struct sock *s, const void *buf, size_t len)
{
	struct lingering l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, buf, sizeof(l));
	spin_lock(&sock_lock);
	s->kept = l.on != 0 ? s->kept | LINGERS : s->kept & ~LINGERS;
	if (l.on != 0)
		s->linger = l.sec;
	spin_unlock(&sock_lock);
	return 0;
}

/* 0, -EPERM. */
static int
priority_set(struct sock *s, int32_t n)
{
	if ((n < 0 || n > PRIORITY_FREE) && !fs_may(CAP_NET_RAW) && !fs_may(CAP_NET_ADMIN))
		return -EPERM;
	spin_lock(&sock_lock);
	s->priority = n;
	spin_unlock(&sock_lock);
	return 0;
}

/* setsockopt(2) of SOL_SOCKET.  0, -ENOPROTOOPT, -EINVAL, -EDOM, -EPERM. */
int
sock_set(struct file *f, int option, const void *buf, size_t len)
{
	struct sock *s = sock_of(f);
	int32_t n;

	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, buf, sizeof(n));
	switch (option) {
	case SO_RCVTIMEO:
		return timeout_set(&s->rcv_ns, buf, len);
	case SO_SNDTIMEO:
		return timeout_set(&s->snd_ns, buf, len);
	case SO_SNDBUF:
		sndbuf_set(s, buffer_size(n, SNDBUF_MIN));
		return 0;
	case SO_RCVBUF:
		atomic_store(&s->rcvbuf, buffer_size(n, RCVBUF_MIN));
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return buffer_force(s, option, n);
	case SO_RCVLOWAT:
		atomic_store(&s->lowat, n < 0 ? INT32_MAX : MAX(n, 1));
		return 0;
	case SO_LINGER:
		return linger_set(s, buf, len);
	case SO_PRIORITY:
		return priority_set(s, n);
	}
	if (option < 0 || option >= 32 || (KEPT & 1u << option) == 0)
		return -ENOPROTOOPT;
	spin_lock(&sock_lock);
	s->kept = n != 0 ? s->kept | 1u << option : s->kept & ~(1u << option);
	spin_unlock(&sock_lock);
	return 0;
}
