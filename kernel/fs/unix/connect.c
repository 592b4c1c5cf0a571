/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c: two sockets become each other's peers
 *
 * Problem   A listening socket is found by name; while another connects it may be
 *           closed, or have too many connections waiting.
 *
 * Picture   connect: a new socket, peer of the caller ─→ arrivals of the listener
 *           accept:  ←─ it gets a file
 *
 * Rules     1. A connection is there when connect returns: bytes may be sent before
 *              it is accepted.
 *           2. The socket that a name led to is checked again under sock_lock; if it
 *              is dead, the name is looked up once more.
 *           3. A datagram socket chooses its peer, which need not know it.
 *
 * Read next name.c.
 */
#include "fs/unix/unix.h"

#define BACKLOG_MAX 4096u

/* Why an attempt is to be made anew. */
enum { TOO_MANY = 1, HAS_DIED };

/* listen(2).  0, -EOPNOTSUPP, -EINVAL. */
int
sock_listen(struct file *f, int backlog)
{
	struct sock *s = sock_of(f);
	int r = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	spin_lock(&sock_lock);
	if (s->label == NULL || s->state == SOCK_CONNECTED) {
		r = -EINVAL;
	} else {
		s->backlog = MIN((uint32_t)backlog, BACKLOG_MAX);
		s->state = SOCK_LISTENS;
		s->peer_cred = sock_acting_now();
		wake_all(&s->ready.sleepers);
	}
	spin_unlock(&sock_lock);
	return r;
}

/* One more waits to be accepted.  Locks: sock_lock held. */
static void
arrived_locked(struct sock *listens)
{
	HELD(&sock_lock);
	listens->queued++;
	ready_wake(&listens->ready, POLL_RD | POLLPRI);
}

/* Rule 1: new, whose reference goes to the list, is the other end of s.  Locks:
 * sock_lock held. */
static void
meet_locked(struct sock *s, struct sock *listens, struct sock *new)
{
	HELD(&sock_lock);
	new->peer_cred = sock_acting_now();
	s->peer_cred = listens->peer_cred;
	new->state = s->state = SOCK_CONNECTED;
	sock_meet_locked(s, new);
	sock_meet_locked(new, s);
	new->label = listens->label;
	(void)atomic_add(&new->label->refs, 1);
	list_push_back(&listens->arrivals, &new->arrival);
	arrived_locked(listens);
}

/* 0, -ECONNREFUSED, -EISCONN, -EINVAL; TOO_MANY, HAS_DIED.  Locks: sock_lock held. */
static int
attempt_locked(struct sock *s, struct sock *listens, struct sock *new)
{
	HELD(&sock_lock);
	if (listens->dead)
		return HAS_DIED;
	if (listens->state != SOCK_LISTENS || (listens->shut & SHUT_RECEIVES) != 0)
		return -ECONNREFUSED;
	if (sock_is_full_locked(listens))
		return TOO_MANY;
	if (s->state != SOCK_IDLE)
		return s->state == SOCK_CONNECTED ? -EISCONN : -EINVAL;
	meet_locked(s, listens, new);
	return 0;
}

static bool
takes_one_locked(const struct sock *listens)
{
	HELD(&sock_lock);
	return listens->dead || listens->state != SOCK_LISTENS ||
	    (listens->shut & SHUT_RECEIVES) != 0 || !sock_is_full_locked(listens);
}

static int
stream_connect(struct sock *s, const struct sock_addr *a, uint64_t deadline)
{
	struct sock *new = sock_alloc(s->type), *other;
	int r = new == NULL ? -ENOMEM : HAS_DIED, slept;

	while (r > 0) {
		r = sock_find(a, s->type, &other);
		if (r != 0)
			break;
		r = UNDER(&sock_lock, attempt_locked(s, other, new));
		if (r == TOO_MANY) {
			slept = sock_sleep(other, deadline, takes_one_locked(other));
			r = slept != 0 ? slept : TOO_MANY;
		}
		sock_put(other);
	}
	if (r != 0)
		sock_put(new);
	return r;
}

/* other, or nobody, is the peer of s.  Who it was, in *old, with his reference.
 * 0, -EPERM; 1: he has died.  Locks: sock_lock held. */
static int
turn_to_locked(struct sock *s, struct sock *other, struct sock **old)
{
	HELD(&sock_lock);
	if (other != NULL && other->dead)
		return 1;
	if (other != NULL && other->peer != NULL && other->peer != s)
		return -EPERM;
	*old = sock_part_locked(s);
	if (other != NULL)
		sock_meet_locked(s, other);
	s->state = other != NULL ? SOCK_CONNECTED : SOCK_IDLE;
	if (*old != NULL && *old != other)
		ready_wake(&s->ready, SOCK_WR);
	return 0;
}

/* s has left old: what that had sent is lost, and if it was something it is told so,
 * unless it has another peer. */
static void
leave(struct sock *s, struct sock *old)
{
	if (!sock_purge(s))
		return;
	spin_lock(&sock_lock);
	if (!old->dead && old->peer == s) {
		old->error = -ECONNRESET;
		ready_wake(&old->ready, READY_ALL);
	}
	spin_unlock(&sock_lock);
}

/* Rule 3.  AF_UNSPEC: no peer any more. */
static int
datagram_connect(struct sock *s, const struct sock_addr *a)
{
	struct sock *other, *old = NULL;
	int r;

	do {
		other = NULL;
		r = a->family == AF_UNSPEC ? 0 : sock_find(a, s->type, &other);
		if (r != 0)
			return r;
		r = UNDER(&sock_lock, turn_to_locked(s, other, &old));
		if (old != NULL && old != other)
			leave(s, old);
		sock_put(old);
		sock_put(other);
	} while (r == 1);
	return r;
}

/* connect(2). */
int
sock_connect(struct file *f, const struct sock_addr *a)
{
	struct sock *s = sock_of(f);
	uint64_t deadline = sock_deadline(f, 0, atomic_load_relaxed(&s->snd_ns));
	bool parts = s->type == SOCK_DGRAM && a->len >= SOCK_ADDR_PATH &&
	    a->family == AF_UNSPEC;
	int r = parts ? 0 : sock_addr_check(a);

	if (r == 0 && !parts && sock_asks_cred(s))
		r = sock_name_itself(s);
	if (r != 0)
		return r;
	return s->type == SOCK_DGRAM ? datagram_connect(s, a) :
	    stream_connect(s, a, deadline);
}

/* The first that waits, with the reference of the list; it asks for credentials if s
 * does.  NULL: *r says why, 1: none does.  Who does not wait does not hear that none
 * will.  Locks: sock_lock held. */
static struct sock *
arrival_locked(struct sock *s, bool waits, int *r)
{
	struct list_node *n = NULL;
	struct sock *new;

	HELD(&sock_lock);
	*r = s->state != SOCK_LISTENS ? -EINVAL : sock_error_locked(s);
	if (*r == 0) {
		n = list_pop_front(&s->arrivals);
		*r = n != NULL ? 0 : waits && (s->shut & SHUT_RECEIVES) != 0 ? -EINVAL : 1;
	}
	if (n == NULL)
		return NULL;
	s->queued--;
	wake_all(&s->ready.sleepers);
	new = LIST_ENTRY(n, struct sock, arrival);
	new->kept |= s->kept & ASKS_CRED;
	return new;
}

/* There was no memory for a file: who comes next gets it. */
static void
arrive_again(struct sock *listens, struct sock *new)
{
	spin_lock(&sock_lock);
	list_push_front(&listens->arrivals, &new->arrival);
	arrived_locked(listens);
	spin_unlock(&sock_lock);
}

/*
 * accept4(2); flags: O_NONBLOCK of the new one.
 *
 * Returns:  0, -EOPNOTSUPP, -EINVAL (it does not listen), -EAGAIN, -ENFILE, …
 * Owns:     the caller gets the reference.
 */
int
sock_accept(struct file *f, unsigned flags, struct file **out)
{
	struct sock *s = sock_of(f), *new;
	uint64_t deadline = sock_deadline(f, 0, atomic_load_relaxed(&s->rcv_ns));
	int r = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	do {
		new = UNDER(&sock_lock, arrival_locked(s, deadline != 0, &r));
		if (new == NULL && r == 1)
			r = sock_sleep(s, deadline, sock_has_news_locked(s));
	} while (new == NULL && r == 0);
	if (new == NULL)
		return r;
	r = sock_file(new, flags, out);
	if (r != 0)
		arrive_again(s, new);
	return r;
}
