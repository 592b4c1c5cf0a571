/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockfile.c: a socket as a file: open, close, poll
 *
 * Problem   Two programs talk through two sockets, each of which may be shut down or
 *           closed at any time: the other program must notice.
 *
 * Rules     1. In a connection (SOCK_STREAM, SOCK_SEQPACKET) the end of one side wakes
 *              the other at once; a sender of datagrams notices it when it sends.
 *           2. Unread messages are lost with the socket; the other side of a connection
 *              gets an error.
 *
 * Read next send.c, recv.c.
 */
#include "fs/unix/unix.h"

#define FIONREAD 0x541bu
#define TIOCOUTQ 0x5411u

enum sock_past { SOCK_NEVER_ACCEPTED, SOCK_ACCEPTED };

static const struct vnode_ops sockfs_ops = { 0 };
static const struct fstype sockfs_type = { .name = "sockfs", .magic = 0x534f434b };
static struct mount sockfs = { .type = &sockfs_type };

static const struct file_ops sock_file_ops;

/* The room comes up.  Context: boot. */
void
sock_init(void)
{
	rw_init(&sockfs.tree, LR_VNODE);
	sockfs.dev = dev_make(0, 252);
}

/*
 * A file for s.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     takes the reference to s on success only.
 */
int
sock_file(struct sock *s, unsigned flags, struct file **out)
{
	struct vnode *v = vn_alloc(&sockfs, &sockfs_ops, S_IFSOCK | 0777);
	struct file *f;
	int r = v == NULL ? -ENOMEM : file_alloc(&f);

	if (r != 0) {
		vn_put(v);
		return r;
	}
	v->uid = fs_cred()->fsuid;
	v->gid = fs_cred()->fsgid;
	v->nlink = 1;
	f->flags = O_RDWR | (flags & O_NONBLOCK);
	f->ops = &sock_file_ops;
	f->priv = s;
	f->vn = v;
	s->file = f;
	*out = f;
	return 0;
}

/*
 * socket(2); flags: O_NONBLOCK.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
sock_create(int type, unsigned flags, struct file **out)
{
	struct sock *s = sock_alloc(type);
	int r = s == NULL ? -ENOMEM : sock_file(s, flags, out);

	if (r != 0)
		sock_put(s);
	return r;
}

/*
 * socketpair(2).
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets both references.
 */
int
sock_pair(int type, unsigned flags, struct file *out[2])
{
	int i, r = sock_create(type, flags, &out[0]);

	if (r != 0)
		return r;
	r = sock_create(type, flags, &out[1]);
	if (r != 0) {
		file_put(out[0]);
		return r;
	}
	spin_lock(&sock_lock);
	for (i = 0; i < 2; i++) {
		sock_of(out[i])->state = SOCK_CONNECTED;
		sock_of(out[i])->peer_cred = sock_acting_now();
		sock_meet_locked(sock_of(out[i]), sock_of(out[!i]));
	}
	spin_unlock(&sock_lock);
	return 0;
}

/* ---- shut ---- */

/* One side of a connection ends, or both.  Locks: sock_lock held. */
static void
shut_locked(struct sock *s, unsigned how)
{
	struct sock *peer = s->peer;

	HELD(&sock_lock);
	s->shut |= how;
	ready_wake(&s->ready, READY_ALL);
	if (peer == NULL || s->type == SOCK_DGRAM)
		return;
	peer->shut |= ((how & SHUT_RECEIVES) != 0 ? SHUT_SENDS : 0) |
	    ((how & SHUT_SENDS) != 0 ? SHUT_RECEIVES : 0);
	ready_wake(&peer->ready, READY_ALL);
}

/* shutdown(2).  0, -EINVAL. */
int
sock_shutdown(struct file *f, int how)
{
	if (how < 0 || how > 2)
		return -EINVAL;
	spin_lock(&sock_lock);
	shut_locked(sock_of(f), (unsigned)how + 1);
	spin_unlock(&sock_lock);
	async_send_due();
	return 0;
}

/* Is it lost with s that somebody has written?  One message without bytes alone is
 * nothing, as on Linux.  Locks: sock_lock held. */
static bool
has_unread_locked(const struct sock *s)
{
	const struct list_node *n = list_first(&s->queue);

	HELD(&sock_lock);
	return n != NULL && (n->next != &s->queue.head ||
	    LIST_ENTRY(n, struct sock_msg, node)->len > 0);
}

/* What is lost with s, and its peer, for sock_put().  Locks: sock_lock held. */
static struct sock *
end_locked(struct sock *s, enum sock_past past, struct list *lost)
{
	struct sock *c;

	HELD(&sock_lock);
	s->dead = true;
	s->file = NULL;
	shut_locked(s, SHUT_BOTH);
	s->state = SOCK_IDLE;
	if (list_is_linked(&s->named))
		list_remove(&s->named);
	if (s->peer != NULL && s->type != SOCK_DGRAM &&
	    (past == SOCK_NEVER_ACCEPTED || has_unread_locked(s)))
		s->peer->error = -ECONNRESET;
	LIST_FOREACH(c, &s->callers, caller)
		ready_wake(&c->ready, READY_ALL);
	sock_msgs_unlink_locked(s, lost, MSGS_ALL);
	return sock_part_locked(s);
}

/*
 * Rules 1 and 2: nobody has the file of s any more, or had it ever.
 *
 * Locks:    none held.
 * Owns:     the reference to s goes.
 */
static void
sock_end(struct sock *s, enum sock_past past)
{
	struct list_node *n;
	struct sock *peer;
	struct list lost;

	list_init(&lost);
	spin_lock(&sock_lock);
	peer = end_locked(s, past, &lost);
	while ((n = list_pop_front(&s->arrivals)) != NULL) {
		spin_unlock(&sock_lock);
		sock_end(LIST_ENTRY(n, struct sock, arrival), SOCK_NEVER_ACCEPTED);
		spin_lock(&sock_lock);
	}
	spin_unlock(&sock_lock);
	sock_msgs_free(&lost);
	sock_put(peer);
	sock_put(s);
}

static void
sock_close(struct file *f)
{
	sock_end(sock_of(f), SOCK_ACCEPTED);
	flight_collect();
}

/* ---- the socket as a file ---- */

static ssize_t
sock_file_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct sock_io io = { .uio = u, .flags = u->nowait ? MSG_DONTWAIT : 0 };
	ssize_t n = sock_recv(f, &io);

	sock_files_put(&io);
	return n;
}

static ssize_t
sock_file_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct sock_io io = { .uio = u, .flags = u->nowait ? MSG_DONTWAIT : 0 };

	return sock_send(f, &io);
}

/* Is there room for a send by s?  Locks: sock_lock held. */
static bool
can_send_locked(const struct sock *s)
{
	const struct sock *peer = s->peer;

	HELD(&sock_lock);
	if (s->state == SOCK_LISTENS || !sock_has_room_locked(s))
		return false;
	return sock_is_stream(s) || peer == NULL || peer->peer == s ||
	    !sock_is_full_locked(peer);
}

static unsigned
sock_poll(struct file *f, struct ready **at)
{
	struct sock *s = sock_of(f);
	unsigned bits = 0;

	*at = &s->ready;
	spin_lock(&sock_lock);
	if (s->error != 0)
		bits |= POLLERR;
	if (s->shut == SHUT_BOTH || (s->type != SOCK_DGRAM && s->state == SOCK_IDLE))
		bits |= POLLHUP;
	if ((s->shut & SHUT_RECEIVES) != 0)
		bits |= POLLRDHUP | POLL_RD;
	if (s->queued != 0)
		bits |= POLL_RD;
	if (can_send_locked(s))
		bits |= SOCK_WR;
	spin_unlock(&sock_lock);
	return bits;
}

/* Bytes that wait: of datagrams, of the first.  Locks: sock_lock held.  -EINVAL. */
static int64_t
waiting_locked(const struct sock *s)
{
	struct sock_msg *m;
	int64_t n = 0;

	HELD(&sock_lock);
	if (s->state == SOCK_LISTENS)
		return -EINVAL;
	LIST_FOREACH(m, &s->queue, node) {
		n += m->len - m->off;
		if (s->type == SOCK_DGRAM)
			break;
	}
	return n;
}

static int64_t
sock_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct sock *s = sock_of(f);
	int64_t r;
	int32_t n;

	if (cmd != FIONREAD && cmd != TIOCOUTQ)
		return -ENOTTY;
	r = UNDER(&sock_lock, cmd == FIONREAD ? waiting_locked(s) : s->sent);
	n = (int32_t)r;
	return r < 0 ? r : copyout(arg, &n, sizeof(n));
}

static const struct file_ops sock_file_ops = {
	.seek = SEEKS_NEVER,
	.writes_nothing = true,
	.read = sock_file_read,
	.write = sock_file_write,
	.poll = sock_poll,
	.ioctl = sock_ioctl,
	.close = sock_close,
};
