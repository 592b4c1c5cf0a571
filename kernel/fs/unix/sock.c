/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.c: shared by the files of the room: references, peers, sleepers
 *
 * Picture   struct file ─ priv ─→ struct sock ─ peer ─→ struct sock ←─ struct file
 *                                   ↑ queue: messages, each knows who sent it
 *
 * Rules     1. A socket whose file has gone is dead; it stays while another has it
 *              as its peer or has not read what it sent.
 *           2. Every change wakes all threads that wait at the socket: each looks again.
 *
 * Read next sockfile.c, message.c.
 */
#include "fs/unix/unix.h"
#include "lib/string.h"
#include "mem/mem.h"

#define BUFFER_BYTES 212992u   /* of a new socket, as Linux has it */
#define BACKLOG 10u            /* messages that wait for a reader of datagrams */

struct spinlock sock_lock = SPIN_INIT(LR_LEAF);

/* A path leads to no open file but by O_PATH, which has no ops. */
bool
file_is_socket(const struct file *f)
{
	return f->vn->type == S_IFSOCK && f->ops != NULL;
}

/* One without a file.  NULL: no memory. */
struct sock *
sock_alloc(int type)
{
	struct sock *s = kmem_zalloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->refs = 1;
	s->type = type;
	s->sndbuf = s->rcvbuf = BUFFER_BYTES;
	s->snd_ns = s->rcv_ns = WAIT_FOREVER;
	s->lowat = 1;
	s->backlog = BACKLOG;
	s->peer_cred = (struct sock_cred){ 0, UINT32_MAX, UINT32_MAX };
	list_init(&s->callers);
	list_init(&s->queue);
	list_init(&s->arrivals);
	mutex_init(&s->reader, LR_VNODE);
	ready_init(&s->ready);
	return s;
}

/* NULL is allowed.  Locks: none. */
void
sock_label_put(struct sock_label *l)
{
	if (l == NULL || atomic_sub(&l->refs, 1) != 0)
		return;
	vn_put(l->vn);
	kmem_free(l);
}

/* The last one frees it.  Locks: none. */
void
sock_put(struct sock *s)
{
	if (s == NULL || atomic_sub(&s->refs, 1) != 0)
		return;
	ASSERT(s->sent == 0 && list_is_empty(&s->queue) && s->peer == NULL);
	sock_label_put(s->label);
	kmem_free(s);
}

struct sock_cred
sock_cred_now(void)
{
	return (struct sock_cred){ procpid_self(), fs_cred()->uid, fs_cred()->gid };
}

/* Who has met somebody is known by what it acts as. */
struct sock_cred
sock_acting_now(void)
{
	return (struct sock_cred){ procpid_self(), fs_cred()->euid, fs_cred()->egid };
}

/* From now on s sends to peer.  Locks: sock_lock held; s has no peer. */
void
sock_meet_locked(struct sock *s, struct sock *peer)
{
	HELD(&sock_lock);
	sock_get_ref(peer);
	s->peer = peer;
	list_push_back(&peer->callers, &s->caller);
}

/* … and no more.  Who it was, for sock_put(); NULL.  Locks: sock_lock held. */
struct sock *
sock_part_locked(struct sock *s)
{
	struct sock *peer = s->peer;

	HELD(&sock_lock);
	s->peer = NULL;
	if (peer != NULL)
		list_remove(&s->caller);
	return peer;
}

/* ---- waiting ---- */

/* The pending error, once; 0: none.  Locks: sock_lock held. */
int
sock_error_locked(struct sock *s)
{
	int r = s->error;

	HELD(&sock_lock);
	s->error = 0;
	return r;
}

/* When a call ends that may wait ns; 0: it does not wait. */
uint64_t
sock_deadline(const struct file *f, unsigned flags, uint64_t ns)
{
	uint64_t now = md_time_ns();

	if ((f->flags & O_NONBLOCK) != 0 || (flags & MSG_DONTWAIT) != 0)
		return 0;
	return ns >= WAIT_FOREVER - now ? WAIT_FOREVER : now + ns;
}

/* The result of wait_until() as an errno for a call. */
int
sock_slept(int r, uint64_t deadline)
{
	if (r == -EINTR)
		return deadline == WAIT_FOREVER ? -ERESTARTSYS : -EINTR;
	return r == -ETIMEDOUT ? -EAGAIN : 0;
}

/* Is there something to receive, or to accept?  Locks: sock_lock held. */
bool
sock_has_news_locked(const struct sock *s)
{
	HELD(&sock_lock);
	return s->queued != 0 || s->error != 0 || (s->shut & SHUT_RECEIVES) != 0;
}
