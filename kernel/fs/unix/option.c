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

#define BUFFER_MAX 212992u     /* that may be asked for */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define TICK_NSEC 4000000ul    /* what is set is rounded up to it */

#define KEPT ((1u << SO_REUSEADDR) | (1u << SO_DONTROUTE) | (1u << SO_BROADCAST) | \
	(1u << SO_KEEPALIVE) | (1u << SO_OOBINLINE) | (1u << SO_PASSCRED))
#define IS_KEPT(option) ((unsigned)(option) < 32 && (KEPT & 1u << (option)) != 0)

#define LINGERS (1u << SO_LINGER)
#define PRIORITY_FREE 6        /* one above it is for root */

static struct sock_timeout
timeout_of(const uint64_t *ns)
{
	uint64_t v = atomic_load_relaxed(ns);

	if (v == WAIT_FOREVER)
		return (struct sock_timeout){ 0, 0 };
	return (struct sock_timeout){ (int64_t)(v / NS_PER_S),
		(int64_t)(v % NS_PER_S / 1000) };
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
	return !IS_KEPT(option) ? -ENOPROTOOPT : (s->kept & 1u << option) != 0;
}

/* getsockopt(2) of SOL_SOCKET.  How many bytes it has, -ENOPROTOOPT. */
int
sock_get(struct file *f, int option, union sock_value *v)
{
	struct sock *s = sock_of(f);
	int64_t n, bytes = sizeof(v->n);

	spin_lock(&sock_lock);
	if (option == SO_RCVTIMEO || option == SO_SNDTIMEO) {
		v->timeout = timeout_of(option == SO_RCVTIMEO ? &s->rcv_ns : &s->snd_ns);
		bytes = sizeof(v->timeout);
	} else if (option == SO_PEERCRED) {
		v->cred = s->peer_cred;
		bytes = sizeof(v->cred);
	} else if (option == SO_LINGER) {
		v->linger.on = (s->kept & LINGERS) != 0;
		v->linger.sec = s->linger;
		bytes = sizeof(v->linger);
	} else {
		n = number_locked(s, option);
		v->n = (int32_t)n;
		bytes = n < 0 ? n : bytes;
	}
	spin_unlock(&sock_lock);
	return (int)bytes;
}

static int
timeout_set(uint64_t *ns, const struct sock_timeout *t)
{
	uint64_t v;

	if (t->usec < 0 || t->usec >= 1000000)
		return -EDOM;
	if (t->sec < 0)
		v = 0;
	else if ((t->sec == 0 && t->usec == 0) || t->sec > (int64_t)(INT64_MAX / NS_PER_S) - 1)
		v = WAIT_FOREVER;
	else
		v = ((uint64_t)t->sec * NS_PER_S + (uint64_t)t->usec * 1000 + TICK_NSEC - 1) /
		    TICK_NSEC * TICK_NSEC;
	atomic_store(ns, v);
	return 0;
}

/* Rule 1.  Who waits for room may have it now.  0, -EPERM. */
static int
buffer_set(struct sock *s, int option, int32_t n)
{
	bool sends = option == SO_SNDBUF || option == SO_SNDBUFFORCE;
	bool forced = option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE;
	uint32_t half = forced ? (uint32_t)MIN(MAX(n, 0), INT32_MAX / 2) :
	    MIN((uint32_t)n, BUFFER_MAX);

	if (forced && !fs_may(CAP_NET_ADMIN))
		return -EPERM;
	spin_lock(&sock_lock);
	atomic_store(sends ? &s->sndbuf : &s->rcvbuf,
	    MAX(2 * half, sends ? SNDBUF_MIN : RCVBUF_MIN));
	if (sends && sock_has_room_locked(s))
		ready_wake(&s->ready, SOCK_WR);
	spin_unlock(&sock_lock);
	return 0;
}

/* An option that is on or off. */
static void
keep(struct sock *s, uint32_t bit, bool on)
{
	spin_lock(&sock_lock);
	s->kept = on ? s->kept | bit : s->kept & ~bit;
	spin_unlock(&sock_lock);
}

/* How long it lingers outlasts that it does not.  0, -EINVAL. */
static int
linger_set(struct sock *s, const union sock_value *v, size_t len)
{
	if (len < sizeof(v->linger))
		return -EINVAL;
	if (v->linger.on != 0)
		atomic_store(&s->linger, v->linger.sec);
	keep(s, LINGERS, v->linger.on != 0);
	return 0;
}

/* 0, -EPERM. */
static int
priority_set(struct sock *s, int32_t n)
{
	if ((n < 0 || n > PRIORITY_FREE) && !fs_may(CAP_NET_RAW) && !fs_may(CAP_NET_ADMIN))
		return -EPERM;
	atomic_store(&s->priority, n);
	return 0;
}

/* setsockopt(2) of SOL_SOCKET; len: so much of it there is.  0, -ENOPROTOOPT, -EINVAL,
 * -EDOM, -EPERM. */
int
sock_set(struct file *f, int option, const union sock_value *v, size_t len)
{
	struct sock *s = sock_of(f);

	if (len < sizeof(v->n))
		return -EINVAL;
	switch (option) {
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return len < sizeof(v->timeout) ? -EINVAL :
		    timeout_set(option == SO_RCVTIMEO ? &s->rcv_ns : &s->snd_ns, &v->timeout);
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return buffer_set(s, option, v->n);
	case SO_RCVLOWAT:
		atomic_store(&s->lowat, v->n < 0 ? INT32_MAX : MAX(v->n, 1));
		return 0;
	case SO_LINGER:
		return linger_set(s, v, len);
	case SO_PRIORITY:
		return priority_set(s, v->n);
	}
	if (!IS_KEPT(option))
		return -ENOPROTOOPT;
	keep(s, 1u << option, v->n != 0);
	return 0;
}
