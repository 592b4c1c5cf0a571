/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recv.c: receiving
 *
 * Problem   A read of a stream goes on from message to message, one of datagrams
 *           takes one; while bytes go to the user, more may come.
 *
 * Picture   sock_recv ─ reader ─→ first message: bytes to the user
 *              none: the end, an error, or sleep         │ read up: off the queue,
 *              ↑                                         ↓ its sender has room again
 *              └──────────── a stream, and more is wanted
 *
 * Rules     1. One thread reads at a time (sock->reader): the first message stays the
 *              first.  Nobody holds it while sleeping for more bytes.
 *           2. A read of a stream ends after a message with descriptors, and before
 *              bytes of another sender if credentials are wanted.
 *           3. MSG_PEEK takes nothing off: descriptors come as copies.
 *
 * Read next message.c.
 */
#include "fs/unix/unix.h"
#include "mem/mem.h"

/* One receive. */
struct take {
	struct sock *s;
	struct sock_io *io;
	uint64_t deadline;           /* 0: it does not wait */
	size_t want;                 /* of a stream: it waits for so many bytes */
	struct sock_msg *seen;       /* MSG_PEEK: the last one looked at */
	ssize_t done;
	bool has_first;              /* the sender's name and credentials are known */
	struct list read_up;         /* freed when nothing is locked */
};

static size_t wanted(const struct sock *s, const struct sock_io *io);
static int stream_take(struct take *t);
static int packet_take(struct take *t);

/*
 * Receive as io says.
 *
 * Locks:    none held.
 * Returns:  bytes, 0 at the end, -EAGAIN, -EINVAL, -ENOTCONN, -ECONNRESET, …
 * Owns:     the caller gets io->files: sock_files_put().
 */
ssize_t
sock_recv(struct file *f, struct sock_io *io)
{
	struct sock *s = sock_of(f);
	struct take t = { .s = s, .io = io, .want = wanted(s, io),
		.deadline = sock_deadline(f, io->flags,
		    atomic_load_relaxed(&s->rcv_ns)) };
	int r;

	io->nfiles = 0;
	io->files = NULL;
	io->told = 0;
	/* As on Linux: at the end of a stream the receiver gets credentials of nobody;
	 * when there is no packet it gets none. */
	io->has_cred = sock_is_stream(s);
	if ((io->flags & MSG_OOB) != 0)
		return -EOPNOTSUPP;
	if (s->type != SOCK_DGRAM && atomic_load_relaxed(&s->state) != SOCK_CONNECTED)
		return sock_is_stream(s) ? -EINVAL : -ENOTCONN;
	list_init(&t.read_up);
	mutex_lock(&s->reader);
	while ((r = sock_is_stream(s) ? stream_take(&t) : packet_take(&t)) == 1) {
		mutex_unlock(&s->reader);
		r = sock_sleep(s, t.deadline, sock_has_news_locked(s));
		mutex_lock(&s->reader);
		if (r != 0)
			break;
	}
	mutex_unlock(&s->reader);
	sock_msgs_free(&t.read_up);
	io->has_cred = io->has_cred && sock_asks_cred(s);
	async_send_due();
	return t.done > 0 ? t.done : r;
}

/* The sender of m, if the receiver wants it.  Locks: sock_lock held. */
static void
tell_sender_locked(struct sock_io *io, const struct sock_msg *m)
{
	HELD(&sock_lock);
	io->cred = m->cred;
	io->has_cred = true;
	if (io->name != NULL && m->from->label != NULL)
		sock_label_copy_locked(m->from, io->name);
}

/* Its descriptors go to io, or copies of them.  Locks: sock_lock held. */
static void
take_files_locked(struct sock_io *io, struct sock_msg *m)
{
	unsigned i;

	HELD(&sock_lock);
	if ((io->flags & MSG_PEEK) == 0) {
		if (list_is_linked(&m->node))
			flight_count_locked(m, -1);
		io->files = m->files;
		io->nfiles = m->nfiles;
		m->files = NULL;
		m->nfiles = 0;
		return;
	}
	io->files = kmem_alloc(m->nfiles * sizeof(struct file *));
	for (i = 0; io->files != NULL && i < m->nfiles; i++) {
		file_get(m->files[i]);
		io->files[io->nfiles++] = m->files[i];
	}
}

/* ---- streams ---- */

/* There is nothing.  1: there may be more; 0: never; -errno.  Locks: sock_lock held. */
static int
more_locked(struct sock *s)
{
	int r = sock_error_locked(s);

	HELD(&sock_lock);
	return r == 0 && (s->shut & SHUT_RECEIVES) == 0 ? 1 : r;
}

/* The next message; NULL: *r says why: 1 for that it shall wait. */
static struct sock_msg *
stream_next(struct take *t, int *r)
{
	struct sock *s = t->s;
	struct list_node *n;

	spin_lock(&sock_lock);
	n = t->seen != NULL ? t->seen->node.next : s->queue.head.next;
	*r = 0;
	if (n == &s->queue.head) {
		n = NULL;
		if (t->seen == NULL && (size_t)t->done < t->want)
			*r = more_locked(s);
	}
	spin_unlock(&sock_lock);
	return n == NULL ? NULL : LIST_ENTRY(n, struct sock_msg, node);
}

/* Rule 2.  Locks: sock_lock held. */
static bool
is_of_another_locked(const struct take *t, const struct sock_msg *m)
{
	const struct sock_cred *c = &t->io->cred;

	HELD(&sock_lock);
	return t->has_first && sock_asks_cred(t->s) &&
	    (c->pid != m->cred.pid || c->uid != m->cred.uid || c->gid != m->cred.gid);
}

/* false: m is not for this receive. */
static bool
begin_message(struct take *t, struct sock_msg *m)
{
	bool fits;

	spin_lock(&sock_lock);
	fits = !is_of_another_locked(t, m);
	if (fits && !t->has_first)
		tell_sender_locked(t->io, m);
	t->has_first = true;
	spin_unlock(&sock_lock);
	return fits;
}

/* n bytes of m were read.  True: and there may be more. */
static bool
end_message(struct take *t, struct sock_msg *m, size_t n)
{
	bool peeks = (t->io->flags & MSG_PEEK) != 0, goes_on = true;

	spin_lock(&sock_lock);
	if (m->nfiles > 0) {
		take_files_locked(t->io, m);
		goes_on = false;
	}
	if (peeks) {
		t->seen = m;
	} else {
		m->off += (uint32_t)n;
		if (m->off == m->len) {
			sock_msg_unlink_locked(t->s, m);
			list_push_back(&t->read_up, &m->node);
		} else {
			goes_on = false;
		}
	}
	spin_unlock(&sock_lock);
	return goes_on;
}

/* Bytes of what is there.  1: it shall wait for more; 0: it is over; -errno. */
static int
stream_take(struct take *t)
{
	struct uio *u = t->io->uio;
	struct sock_msg *m;
	ssize_t got;
	size_t n;
	int r;

	do {
		m = stream_next(t, &r);
		if (m == NULL)
			return r;
		if (!begin_message(t, m))
			return 0;
		n = MIN((size_t)(m->len - m->off), u->left);
		got = n == 0 ? 0 : uio_put(u, m->data + m->off, n);
		if (got != (ssize_t)n)
			return t->done > 0 ? 0 : -EFAULT;
		t->done += got;
	} while (end_message(t, m, n) && u->left > 0);
	return 0;
}

/* So many bytes does a receive wait for: all, or SO_RCVLOWAT. */
static size_t
wanted(const struct sock *s, const struct sock_io *io)
{
	size_t n = io->uio->left;

	if ((io->flags & MSG_WAITALL) == 0)
		n = MIN(n, (size_t)atomic_load_relaxed(&s->lowat));
	return MAX(n, 1ul);
}

/* ---- datagrams, packets in a row ---- */

/* Copy its bytes to the user.  Returns the result of the call. */
static ssize_t
packet_copy(struct sock_io *io, const struct sock_msg *m)
{
	size_t n = MIN((size_t)m->len, io->uio->left);

	if (n < m->len)
		io->told |= MSG_TRUNC;
	if (n > 0 && uio_put(io->uio, m->data, n) != (ssize_t)n)
		return -EFAULT;
	return (ssize_t)((io->flags & MSG_TRUNC) != 0 ? m->len : n);
}

/* The first message, off the queue unless it is only looked at.  1: it shall wait for
 * one; 0: it is over; -errno. */
static int
packet_take(struct take *t)
{
	struct sock *s = t->s;
	bool peeks = (t->io->flags & MSG_PEEK) != 0;
	struct sock_msg *m = NULL;
	int r;

	spin_lock(&sock_lock);
	r = sock_error_locked(s);
	if (r == 0 && !list_is_empty(&s->queue)) {
		m = LIST_ENTRY(list_first(&s->queue), struct sock_msg, node);
		tell_sender_locked(t->io, m);
		if (!peeks)
			sock_msg_unlink_locked(s, m);
	} else if (r == 0) {
		r = (s->shut & SHUT_RECEIVES) == 0 ||
		    (t->deadline == 0 && s->type == SOCK_DGRAM);
	}
	spin_unlock(&sock_lock);
	if (m == NULL)
		return r;
	t->done = packet_copy(t->io, m);
	spin_lock(&sock_lock);
	if (t->done >= 0 && m->nfiles > 0)
		take_files_locked(t->io, m);
	spin_unlock(&sock_lock);
	if (!peeks)
		list_push_back(&t->read_up, &m->node);
	return (int)MIN(t->done, 0);
}
