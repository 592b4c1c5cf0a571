/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send.c: sending bytes and datagrams
 *
 * Problem   A stream's bytes are cut where Linux cuts them, so that as many fit; a
 *           datagram goes whole, to its peer or to somebody it names.
 *
 * Picture   sock_send ─┬→ stream: piece, piece, … ─→ queue of the peer
 *                      └→ datagram, packet: one ─→ room at the other? ─→ its queue
 *
 * Rules     1. While a message is made the receiver may end: it is checked again under
 *              sock_lock.
 *           2. Two datagram sockets that are each other's peers are limited by their
 *              buffers alone; others by the receiver's backlog as well.
 *           3. Only a stream raises SIGPIPE, if not a byte was sent.
 *           4. A send that has begun waits for frames: it is not cut short.
 *
 * Read next recv.c.
 */
#include "fs/unix/unix.h"
#include "vm/vm.h"

#define PIECE_MAX 36544u       /* of a stream, in one message */
#define DATAGRAM_HEAD 32u      /* of the buffer, not for bytes */

static ssize_t stream_send(struct sock *s, struct sock_io *io, uint64_t deadline);
static ssize_t datagram_send(struct sock *s, struct sock_io *io, uint64_t deadline);

/*
 * Send the bytes of io.
 *
 * Locks:    none held.
 * Returns:  bytes, -EPIPE (it was signalled), -ENOTCONN, -EAGAIN, -ECONNREFUSED, …
 */
ssize_t
sock_send(struct file *f, struct sock_io *io)
{
	struct sock *s = sock_of(f);
	uint64_t deadline = sock_deadline(f, io->flags, atomic_load_relaxed(&s->snd_ns));
	ssize_t r = sock_send_check(f);

	if (r == 0 && (io->flags & MSG_OOB) != 0)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = sock_is_stream(s) ? stream_send(s, io, deadline) :
		    datagram_send(s, io, deadline);
	sock_files_put(io);
	async_send_due();
	return r;
}

/* The peer, with a reference, if sending is possible.  0, -ENOTCONN; of a stream,
 * -EPIPE. */
static int
peer_get(struct sock *s, struct sock **out)
{
	int r = 0;

	spin_lock(&sock_lock);
	if (s->peer == NULL)
		r = -ENOTCONN;
	else if (sock_is_stream(s) && (s->shut & SHUT_SENDS) != 0)
		r = -EPIPE;
	else
		sock_get_ref(*out = s->peer);
	spin_unlock(&sock_lock);
	return r;
}

/* ---- a place in a queue ---- */

/* Need s not wait for a place at other?  Rule 2. */
static bool
has_place_locked(const struct sock *s, const struct sock *other)
{
	HELD(&sock_lock);
	return other->dead || (other->shut & SHUT_RECEIVES) != 0 || other == s ||
	    other->peer != NULL || !sock_is_full_locked(other);
}

/* Why a message is not placed, but for errors. */
enum { NO_PLACE = 1, OTHER_IS_DEAD };

/* Rules 1 and 2.  0: m is other's; NO_PLACE, OTHER_IS_DEAD, -EPERM, -EPIPE. */
static int
place_locked(struct sock *s, struct sock *other, struct sock_msg *m)
{
	HELD(&sock_lock);
	if (other->peer != NULL && other->peer != s)
		return -EPERM;
	if (other->dead)
		return OTHER_IS_DEAD;
	if ((other->shut & SHUT_RECEIVES) != 0)
		return -EPIPE;
	if (!has_place_locked(s, other))
		return NO_PLACE;
	sock_msg_queue_locked(other, m);
	return 0;
}

/* The peer that s has is dead: it has none any more.  1: it was not the peer. */
static int
peer_has_died(struct sock *s, struct sock *other)
{
	struct sock *was = NULL;
	int r = 1;

	spin_lock(&sock_lock);
	if (s->type != SOCK_DGRAM) {
		r = -EPIPE;
	} else if (s->peer == other) {
		was = sock_part_locked(s);
		s->state = SOCK_IDLE;
		r = -ECONNREFUSED;
	}
	spin_unlock(&sock_lock);
	if (was != NULL)
		(void)sock_purge(s);
	sock_put(was);
	return r;
}

/* Until there is room at other.  0: m is his.  1: he is dead, and was not the peer. */
static int
queue_at(struct sock *s, struct sock *other, struct sock_msg *m, uint64_t deadline)
{
	int r, slept = 0;

	while ((r = UNDER(&sock_lock, place_locked(s, other, m))) == NO_PLACE && slept == 0)
		slept = sock_sleep(other, deadline, has_place_locked(s, other));
	return r == NO_PLACE ? slept : r == OTHER_IS_DEAD ? peer_has_died(s, other) : r;
}

/* ---- streams ---- */

static ssize_t
stream_send(struct sock *s, struct sock_io *io, uint64_t deadline)
{
	struct sock *peer = NULL;
	struct sock_msg *m;
	ssize_t done = 0;
	size_t n;
	int r;

	if (io->name != NULL)
		return atomic_load_relaxed(&s->state) == SOCK_CONNECTED ? -EISCONN :
		    -EOPNOTSUPP;
	r = peer_get(s, &peer);
	while (r == 0 && io->uio->left > 0) {
		n = MIN((size_t)PIECE_MAX, atomic_load_relaxed(&s->sndbuf) / 2 - 64ul);
		n = MIN(n, io->uio->left);
		r = sock_msg_make(s, io, n, deadline, &m);
		if (r == 0) {
			r = queue_at(s, peer, m, deadline);
			if (r != 0)
				sock_msg_undo(m);
		}
		if (r == 0)
			done += (ssize_t)n;
		else if (r == -ENOBUFS && done > 0 && vm_frames_come())
			r = 0;
	}
	sock_put(peer);
	if (r == -EPIPE && done == 0 && (io->flags & MSG_NOSIGNAL) == 0)
		fs_signal_no_reader();
	return done > 0 ? done : r;
}

/* ---- datagrams, packets in a row ---- */

/* Before what is to be sent is looked at.  0, -ENOTCONN, what has gone wrong. */
int
sock_send_check(struct file *f)
{
	struct sock *s = sock_of(f);
	int r;

	if (s->type != SOCK_SEQPACKET)
		return 0;
	spin_lock(&sock_lock);
	r = sock_error_locked(s);
	if (r == 0 && s->state != SOCK_CONNECTED)
		r = -ENOTCONN;
	spin_unlock(&sock_lock);
	return r;
}

/* Before a message is made: whom it is for.  0, -EINVAL, -ENOTCONN, … */
static int
datagram_begin(struct sock *s, struct sock_io *io, struct sock **other)
{
	int r = 0;

	if (s->type == SOCK_SEQPACKET)
		io->name = NULL;
	if (io->name != NULL)
		r = sock_addr_check(io->name);
	else
		r = peer_get(s, other);
	if (r == 0 && sock_asks_cred(s))
		r = sock_name_itself(s);
	if (r == 0 && io->uio->left > atomic_load_relaxed(&s->sndbuf) - DATAGRAM_HEAD)
		r = -EMSGSIZE;
	return r;
}

static ssize_t
datagram_send(struct sock *s, struct sock_io *io, uint64_t deadline)
{
	size_t n = io->uio->left;
	struct sock *other = NULL;
	struct sock_msg *m;
	int r = datagram_begin(s, io, &other);

	if (r == 0)
		r = sock_msg_make(s, io, n, deadline, &m);
	if (r != 0) {
		sock_put(other);
		return r;
	}
	do {
		if (other == NULL)
			r = io->name == NULL ? -ECONNRESET :
			    sock_find(io->name, s->type, &other);
		if (r == 0)
			r = queue_at(s, other, m, deadline);
		sock_put(other);
		other = NULL;
	} while (r == 1);
	if (r == 0)
		return (ssize_t)n;
	sock_msg_undo(m);
	return r;
}
