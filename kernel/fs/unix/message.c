/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message.c: messages that were sent and not read yet
 *
 * Problem   Bytes wait in kernel memory until they are read: how many may wait, and
 *           for whom do they count?
 *
 * Picture   sock_msg_make: room? → counted → copied ─→ queue of the other ─→ read:
 *           the sender is credited, and told
 *
 * Rules     1. Bytes count for the sender, as on Linux: the size that a buffer and its
 *              head would have there.  A sender below its limit may send one more.
 *           2. Bytes are copied before the message is queued, without a lock: if the
 *              copy fails nothing is sent.
 *           3. Beside that the bytes and descriptors of all sockets of a user are
 *              counted (fs/user.c): such descriptors are open files without a number.
 *           4. A sender that waits for room is woken when three quarters are free.
 *
 * Read next send.c, recv.c.
 */
#include "fs/unix/unix.h"
#include "mem/mem.h"

/* Of Linux's buffers: head in one piece, what is longer in pages. */
#define HEAD_BYTES 256u
#define TAIL_BYTES 320u
#define LINE 64u
#define HEAD_MAX (PAGE_SIZE - TAIL_BYTES)          /* of a stream */
#define HEAD_MAX_WHOLE (4 * PAGE_SIZE - TAIL_BYTES) /* of a datagram */
#define PAGES_MAX 17u

/* Bytes that are not in the head. */
static size_t
in_pages(const struct sock *s, size_t len)
{
	size_t max = sock_is_stream(s) ? HEAD_MAX : HEAD_MAX_WHOLE, n;

	if (len <= max)
		return 0;
	n = len - max;
	if (!sock_is_stream(s))
		n = MIN(n, PAGES_MAX * PAGE_SIZE);
	n = (n + PAGE_MASK) & ~(size_t)PAGE_MASK;
	return sock_is_stream(s) ? MIN(n, len) : n;
}

/* Who sent what has no credentials: no user that there is. */
static const struct sock_cred nobody = { 0, 65534, 65534 };

/* Rule 1. */
static uint32_t
cost_of(const struct sock *s, size_t len)
{
	size_t pages = in_pages(s, len), size = 2 * HEAD_BYTES;
	size_t head = ((len - MIN(pages, len) + LINE - 1) & ~(size_t)(LINE - 1)) + TAIL_BYTES;

	while (size < head)
		size *= 2;
	return (uint32_t)(HEAD_BYTES + size +
	    ((pages + PAGE_MASK) & ~(size_t)PAGE_MASK));
}

/* Would poll say that it can be written?  Locks: sock_lock held. */
bool
sock_has_room_locked(const struct sock *s)
{
	HELD(&sock_lock);
	return (uint64_t)s->sent * 4 <= atomic_load_relaxed(&s->sndbuf);
}

/* Do too many messages or connections wait at s?  Locks: sock_lock held. */
bool
sock_is_full_locked(const struct sock *s)
{
	HELD(&sock_lock);
	return s->queued > s->backlog;
}

static bool
may_send_one_locked(const struct sock *s)
{
	HELD(&sock_lock);
	return s->error != 0 || (s->shut & SHUT_SENDS) != 0 ||
	    s->sent < atomic_load_relaxed(&s->sndbuf);
}

/* s is counted for so much; it may wait.  0, -EPIPE, -EAGAIN, -ERESTARTSYS, what has
 * gone wrong before. */
static int
count(struct sock *s, uint32_t cost, uint64_t deadline)
{
	bool fits = false;
	int r = 0;

	while (r == 0 && !fits) {
		spin_lock(&sock_lock);
		r = sock_error_locked(s);
		if (r == 0 && (s->shut & SHUT_SENDS) != 0)
			r = -EPIPE;
		fits = r == 0 && may_send_one_locked(s);
		if (fits)
			s->sent += cost;
		spin_unlock(&sock_lock);
		if (r == 0 && !fits)
			r = sock_sleep(s, deadline, may_send_one_locked(s));
	}
	return r;
}

/* Give the sender of m its room back.  Locks: sock_lock held. */
static void
credit_locked(struct sock_msg *m)
{
	HELD(&sock_lock);
	m->from->sent -= m->cost;
	m->cost = 0;
	if (sock_has_room_locked(m->from))
		ready_wake(&m->from->ready, SOCK_WR);
}

/*
 * m leaves the queue of s: its sender has room again, and those who wait for a place
 * in the queue hear it.
 *
 * Locks:    sock_lock and s->reader held; or nobody else has s.
 */
void
sock_msg_unlink_locked(struct sock *s, struct sock_msg *m)
{
	bool was_full = sock_is_full_locked(s);
	struct sock *c;

	HELD(&sock_lock);
	list_remove(&m->node);
	s->queued--;
	credit_locked(m);
	flight_count_locked(m, -1);
	if (s->type != SOCK_DGRAM || !was_full)
		return;
	wake_all(&s->ready.sleepers);
	LIST_FOREACH(c, &s->callers, caller)
		ready_tell(&c->ready, SOCK_WR);
}

/* All of them, or those with descriptors, to the end of out.  Locks: sock_lock held; else
 * as above. */
void
sock_msgs_unlink_locked(struct sock *s, struct list *out, enum sock_which which)
{
	struct list_node *next;
	struct sock_msg *m;

	HELD(&sock_lock);
	LIST_FOREACH_SAFE(m, next, &s->queue, node) {
		if (which == MSGS_WITH_FILES && m->nfiles == 0)
			continue;
		sock_msg_unlink_locked(s, m);
		list_push_back(out, &m->node);
	}
}

/* It is in no queue: so are its descriptors.  Locks: none. */
void
sock_msg_free(struct sock_msg *m)
{
	while (m->nfiles > 0)
		file_put(m->files[--m->nfiles]);
	kmem_free(m->files);
	room_free(m->data, m->len);
	(void)user_count(m->payer, USE_FLIGHTS, -(int64_t)m->flights);
	user_give(m->payer, USE_MESSAGE_BYTES, m->bytes);
	sock_put(m->from);
	kmem_free(m);
}

/* The descriptors that came, or were to go, are given up.  Locks: none. */
void
sock_files_put(struct sock_io *io)
{
	while (io->nfiles > 0)
		file_put(io->files[--io->nfiles]);
	kmem_free(io->files);
	io->files = NULL;
}

/*
 * All that waits at s is lost: its peer is another.
 *
 * Locks:    none held.
 * Returns:  whether there was something.
 */
bool
sock_purge(struct sock *s)
{
	struct list lost;
	bool lost_some;

	list_init(&lost);
	mutex_lock(&s->reader);
	spin_lock(&sock_lock);
	sock_msgs_unlink_locked(s, &lost, MSGS_ALL);
	spin_unlock(&sock_lock);
	mutex_unlock(&s->reader);
	lost_some = !list_is_empty(&lost);
	sock_msgs_free(&lost);
	return lost_some;
}

/* It was not queued.  Locks: none. */
void
sock_msg_undo(struct sock_msg *m)
{
	struct list one;

	list_init(&one);
	spin_lock(&sock_lock);
	credit_locked(m);
	spin_unlock(&sock_lock);
	list_push_back(&one, &m->node);
	sock_msgs_free(&one);
}

/* m goes to `to`, who takes credentials if he or its sender wants them, and while nobody
 * has accepted him: he may yet ask.  Locks: sock_lock held. */
void
sock_msg_queue_locked(struct sock *to, struct sock_msg *m)
{
	HELD(&sock_lock);
	if (!m->has_cred &&
	    (to->file == NULL || sock_asks_cred(to) || sock_asks_cred(m->from))) {
		m->has_cred = true;
		m->cred = sock_cred_now();
	}
	list_push_back(&to->queue, &m->node);
	to->queued++;
	flight_count_locked(m, 1);
	ready_wake(&to->ready, POLL_RD | POLLPRI);
}

/*
 * The current user pays for m until it is read.  As on Linux, who has not more descriptors
 * under way than files_max may send as many more as a message takes.
 *
 * Returns:  0, -ENOBUFS, -ETOOMANYREFS.
 */
static int
pay(struct sock_msg *m, uint32_t bytes, const struct sock_io *io)
{
	if (user_take(USE_MESSAGE_BYTES, bytes, &m->payer) != 0)
		return -ENOBUFS;
	if (user_count(m->payer, USE_FLIGHTS, io->nfiles) - io->nfiles <= io->files_max ||
	    io->nfiles == 0)
		return 0;
	(void)user_count(m->payer, USE_FLIGHTS, -(int64_t)io->nfiles);
	user_give(m->payer, USE_MESSAGE_BYTES, bytes);
	return -ETOOMANYREFS;
}

/* A message for len bytes, whose cost is counted.  -ENOBUFS, -ETOOMANYREFS. */
static int
msg_alloc(struct sock *from, struct sock_io *io, size_t len, struct sock_msg **out)
{
	struct sock_msg *m = kmem_zalloc(sizeof(*m));
	char *data = m == NULL ? NULL : room_alloc_raw(MAX(len, 1ul));
	uint32_t bytes = cost_of(from, len);
	int r = data == NULL ? -ENOBUFS : pay(m, bytes, io);

	if (r != 0) {
		room_free(data, len);
		kmem_free(m);
		return r;
	}
	list_node_init(&m->node);
	m->data = data;
	m->len = (uint32_t)len;
	m->from = from;
	sock_get_ref(from);
	m->cost = m->bytes = bytes;
	m->flights = m->nfiles = io->nfiles;
	m->files = io->files;
	io->nfiles = 0;
	io->files = NULL;
	m->has_cred = io->has_cred;
	m->cred = io->has_cred ? io->cred : nobody;
	*out = m;
	return 0;
}

/*
 * The next len bytes of io, and its descriptors, as a message of `from` that is not
 * queued yet.
 *
 * Locks:    none held.
 * Returns:  0, -EPIPE (it may not send), -EAGAIN, -ERESTARTSYS, -EINTR, -EFAULT,
 *           -ENOBUFS, -ETOOMANYREFS, what has gone wrong before.
 * Owns:     sock_msg_queue_locked() or sock_msg_undo().
 */
int
sock_msg_make(struct sock *from, struct sock_io *io, size_t len, uint64_t deadline,
    struct sock_msg **out)
{
	uint32_t cost = cost_of(from, len);
	int r = count(from, cost, deadline);

	if (r != 0)
		return r;
	r = msg_alloc(from, io, len, out);
	if (r != 0) {
		spin_lock(&sock_lock);
		from->sent -= cost;
		ready_wake(&from->ready, SOCK_WR);
		spin_unlock(&sock_lock);
	} else if (len > 0 && uio_get(io->uio, (*out)->data, len) != (ssize_t)len) {
		sock_msg_undo(*out);
		r = -EFAULT;
	}
	return r;
}
