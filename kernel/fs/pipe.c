/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.c: pipes and FIFOs
 *
 * Problem   Bytes flow from writers to readers through a bounded buffer; each
 *           side sleeps when it must, and learns when the other has gone.
 *
 * Picture   slots, a page each:   [ab.] [cdef] [g..] [ ] [ ]
 *                               tail: readers    head: writers
 *
 * Rules     1. Bytes lie in slots as on Linux: of a write the part that fills no
 *              page goes into the last slot behind its bytes, if it fits, and
 *              each page into a slot of its own.  A pipe is full when no slot is
 *              free, even if slots have room.  So a write of at most PIPE_BUF
 *              bytes is one piece.
 *           2. A piece that cannot be copied whole from or to the user is not
 *              counted: readers never see half of it, nor lose any.
 *           3. One queue for readers, writers and openers: every change wakes
 *              all, each looks again.
 *           4. Only the open of a FIFO waits for the other side.  A pipe that is
 *              opened again (/dev/fd/N) does not wait: without writers it is at
 *              its end.
 *           5. The ring is there while an end is open.
 *           6. A slot that write(2) filled under O_DIRECT is a packet: nothing is
 *              added to it, one read(2) takes it and loses what does not fit.
 *           7. poll reads without the lock, for it may ask thousands of pipes.  It
 *              reads in this order: was there ever a writer, is one left, are
 *              there bytes (so the end is not reported before the last bytes).  A
 *              ring that changes its size meanwhile answers for either size.  A
 *              change after the look is told by a watch (kern/ready.c, rule 5).
 *           8. Slots that a splice has borrowed or reserved: pipesplice.c.
 *           9. Only the file of a FIFO has times; a pipe has none.
 *          10. A write that has begun waits for frames: it is not cut short.
 *
 * Read next pipering.c, pipeuser.c, pipesplice.c, poll.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/vm.h"

#define FIONREAD 0x541bu

enum end_kind { END_OF_FIFO, END_OF_PIPE };

static struct {
	void (*no_reader)(void);     /* [c] signals the writer */
} pipes;

static const struct vnode_ops pipefs_ops = { .inactive = pipe_inactive };
static const struct fstype pipefs_type = { .name = "pipefs", .magic = 0x50495045 };
static struct mount pipefs = { .type = &pipefs_type };

/* At fs_init(). */
void
pipe_init(void)
{
	rw_init(&pipefs.tree, LR_VNODE);
	pipe_user_init();
	pipefs.dev = dev_make(0, 255);
}

/* sys/ tells how to send SIGPIPE to the current thread. */
void
fs_set_no_reader_fn(void (*fn)(void))
{
	pipes.no_reader = fn;
}

static struct pipe *
pipe_alloc(void)
{
	struct pipe *p = kmem_zalloc(sizeof(*p));

	if (p == NULL)
		return NULL;
	mutex_init(&p->lock, LR_VNODE);
	ready_init(&p->ready);
	return p;
}

/* The vnode is going: so does its pipe. */
void
pipe_inactive(struct vnode *v)
{
	struct pipe *p = v->priv;

	if (p == NULL)
		return;
	ASSERT(p->readers == 0 && p->writers == 0);
	pipe_ring_drop(p);
	kmem_free(p);
}

/* The pipe of a FIFO, made at its first opening.  NULL: no memory. */
static struct pipe *
fifo_pipe(struct vnode *v)
{
	rw_lock_write(&v->lock);
	if (v->priv == NULL)
		v->priv = pipe_alloc();
	rw_unlock_write(&v->lock);
	return v->priv;
}

/* Wake the sleepers and tell the watches.  A sleeper queues and tests under the pipe's
 * lock, so with that held none is missed.  bits: for the watches; a write always tells
 * them, a read only if the pipe was full, as on Linux.  Locks: pipe
 * lock held. */
void
pipe_tell_locked(struct pipe *p, unsigned bits)
{
	HELD(&p->lock);
	if (!list_is_empty(&p->ready.sleepers.waiters))
		wake_all(&p->ready.sleepers);
	if (bits != 0)
		ready_tell(&p->ready, bits);
	async_send_due();
}

/*
 * f is an end of p now.  f->pos: writers it has seen, for POLLHUP; of a FIFO
 * whose writers have not come yet, a reader sees no end.
 */
static void
end_open(struct pipe *p, struct file *f, enum end_kind kind)
{
	f->pos = p->wr_opens;
	if (p->writers > 0 || kind == END_OF_PIPE)
		f->pos--;
	if (file_can_read(f)) {
		p->readers++;
		p->rd_opens++;
	}
	if (file_can_write(f)) {
		atomic_store_release(&p->writers, p->writers + 1);
		atomic_store_release(&p->wr_opens, p->wr_opens + 1);
	}
	/* Tell the watches: a new end was opened. */
	pipe_tell_locked(p, (file_can_read(f) && p->readers == 1) ||
	    (file_can_write(f) && p->writers == 1) ? POLL_RD : 0);
}

/* The last end takes the ring with it.  Locks: pipe lock held. */
static void
end_close(struct pipe *p, const struct file *f)
{
	HELD(&p->lock);
	if (file_can_read(f))
		p->readers--;
	if (file_can_write(f))
		p->writers--;
	if (p->readers == 0 && p->writers == 0)
		pipe_ring_drop(p);
	/* Tell the other side if this was the last end of its kind. */
	pipe_tell_locked(p, (p->readers == 0) != (p->writers == 0) ? READY_ALL : 0);
}

/*
 * Sleep until something changes.
 *
 * Locks:    pipe lock held; dropped while asleep.
 * Returns:  0: look again; -ERESTARTSYS.
 */
int
pipe_wait_locked(struct pipe *p)
{
	struct waiter w;
	int r;

	HELD(&p->lock);
	wait_prepare(&p->ready.sleepers, &w);
	mutex_unlock(&p->lock);
	r = wait_sleep(&w, WAIT_INTR, WAIT_FOREVER);
	wait_finish(&w);
	mutex_lock(&p->lock);
	return r != 0 ? -ERESTARTSYS : 0;
}

/* Wait for the other end, which need not stay.  Locks: pipe lock held. */
static int
fifo_wait_locked(struct pipe *p, const struct file *f)
{
	bool rd = file_can_read(f);
	uint64_t seen = rd ? p->wr_opens : p->rd_opens;
	int r = 0;

	HELD(&p->lock);
	while (r == 0 && (rd ? p->writers : p->readers) == 0 &&
	    (rd ? p->wr_opens : p->rd_opens) == seen)
		r = pipe_wait_locked(p);
	return r;
}

/* A FIFO is opened: it waits for its other end.  Locks: pipe lock held. */
static int
fifo_opened_locked(struct pipe *p, struct file *f)
{
	unsigned acc = f->flags & O_ACCMODE;
	bool nonblock = (f->flags & O_NONBLOCK) != 0;
	int r;

	HELD(&p->lock);
	if (acc == O_ACCMODE)
		return -EINVAL; /* no end of it: for ioctl alone */
	if (acc == O_WRONLY && nonblock && p->readers == 0)
		return -ENXIO;
	r = pipe_ring_make_locked(p);
	if (r != 0)
		return -ENOMEM;
	end_open(p, f, END_OF_FIFO);
	if (!nonblock && acc != O_RDWR)
		r = fifo_wait_locked(p, f);
	if (r != 0)
		end_close(p, f);
	return r;
}

/*
 * open(2) of a FIFO, or of a pipe through /proc/PID/fd: of a pipe both ends
 * have been there, so nobody waits for one that has gone (rule 4).
 *
 * Returns:  0, -ENXIO (writing, O_NONBLOCK, no reader), -ERESTARTSYS, -ENOMEM.
 */
int
pipe_opened(struct vnode *v, struct file *f)
{
	struct pipe *p = fifo_pipe(v);
	int r;

	if (p == NULL)
		return -ENOMEM;
	f->ops = &pipe_file_ops;
	mutex_lock(&p->lock);
	if (v->mnt != &pipefs) {
		r = fifo_opened_locked(p, f);
	} else {
		r = pipe_ring_make_locked(p);
		if (r == 0)
			end_open(p, f, END_OF_PIPE);
	}
	mutex_unlock(&p->lock);
	return r;
}

static void
pipe_close(struct file *f)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	end_close(p, f);
	mutex_unlock(&p->lock);
}

/* A file at one end of a new pipe.  0, -ENFILE, -ENOMEM. */
static int
end_make(struct vnode *v, unsigned flags, struct file **out)
{
	struct pipe *p = v->priv;
	struct file *f;
	int r = file_alloc(&f);

	if (r != 0)
		return r;
	mutex_lock(&p->lock);
	r = pipe_ring_make_locked(p);
	if (r == 0) {
		f->flags = flags;
		f->knows = KNOWS_NOWAIT;
		f->ops = &pipe_file_ops;
		f->vn = v;
		vn_get(v);
		end_open(p, f, END_OF_PIPE);
		*out = f;
	}
	mutex_unlock(&p->lock);
	if (r != 0)
		file_put(f);
	return r;
}

/*
 * pipe2(2); flags: O_NONBLOCK, O_DIRECT (of the end that is written).
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets both references.
 */
int
pipe_create(unsigned flags, struct file **rd, struct file **wr)
{
	struct vnode *v = vn_alloc(&pipefs, &pipefs_ops, S_IFIFO | 0600);
	int r;

	if (v == NULL)
		return -ENOMEM;
	v->uid = fs_cred()->fsuid;
	v->gid = fs_cred()->fsgid;
	v->nlink = 1;
	r = fifo_pipe(v) == NULL ? -ENOMEM : end_make(v, O_RDONLY | (flags & O_NONBLOCK), rd);
	if (r == 0) {
		r = end_make(v, O_WRONLY | flags, wr);
		if (r != 0)
			file_put(*rd);
	}
	vn_put(v);
	return r;
}

/* The first slot has been read: the only one is written again, while it is warm.
 * Locks: pipe lock held. */
void
pipe_slot_leave_locked(struct pipe *p)
{
	struct pipe_slot *s = pipe_slot_at(p, p->tail);

	HELD(&p->lock);
	s->off = s->len = 0;
	if (p->head - p->tail == 1)
		p->head--;
	else
		p->tail++;
}

/* Move what is there (rules 2 and, by packets, 6).  Locks: pipe lock held.  Bytes,
 * -EFAULT. */
static ssize_t
pipe_take_locked(struct pipe *p, struct uio *u, bool packets)
{
	struct pipe_slot *s;
	ssize_t done = 0, n;
	size_t piece;
	bool packet = false;

	HELD(&p->lock);
	while (u->left > 0 && !pipe_is_empty(p) && !packet) {
		s = pipe_slot_at(p, p->tail);
		piece = MIN(s->len, u->left);
		n = uio_put(u, s->page + s->off, piece);
		if (n != (ssize_t)piece)
			return done > 0 ? done : -EFAULT;
		done += n;
		s->off += (uint16_t)piece;
		s->len -= (uint16_t)piece;
		packet = packets && s->is_packet;
		if (packet || s->len == 0)
			pipe_slot_leave_locked(p);
	}
	return done;
}

/*
 * Wait for bytes.
 *
 * Locks:    pipe lock held; dropped while asleep.
 * Returns:  1; 0: there are none, and no writers; -EAGAIN, -ERESTARTSYS.
 */
int
pipe_wait_bytes_locked(struct pipe *p, bool nowait)
{
	int r = 0;

	HELD(&p->lock);
	while (r == 0 && (p->is_lent || (pipe_is_empty(p) && p->writers > 0)))
		r = !p->is_lent && nowait ? -EAGAIN : pipe_wait_locked(p);
	return r == 0 ? !pipe_is_empty(p) : r;
}

/* As read(2), by packets or not.  Locks: none. */
ssize_t
pipe_get(struct pipe *p, struct uio *u, bool nowait, bool packets)
{
	bool was_full;
	ssize_t n;

	mutex_lock(&p->lock);
	n = pipe_wait_bytes_locked(p, nowait);
	was_full = pipe_is_full(p);
	if (n == 1)
		n = pipe_take_locked(p, u, packets);
	if (n > 0)
		pipe_tell_locked(p, was_full ? POLL_WR : 0);
	mutex_unlock(&p->lock);
	return n;
}

/* Rule 9.  Locks: none. */
static inline void
end_touch(const struct file *f, unsigned which)
{
	if (f->vn->mnt != &pipefs)
		vn_touch(f->vn, which);
}

static ssize_t
pipe_read(struct file *f, uint64_t *off, struct uio *u)
{
	ssize_t n = pipe_get(pipe_of(f), u, file_refuses(f, u), true);

	if (n > 0 && (f->flags & O_NOATIME) == 0)
		end_touch(f, VN_ATIME);
	return n;
}

/* Rule 2: n bytes behind what is in s.  Locks: pipe lock held.  Bytes, -EFAULT,
 * -ENOMEM. */
ssize_t
pipe_slot_add(struct pipe_slot *s, struct uio *u, size_t n)
{
	ssize_t got;

	if (s->page == NULL)
		s->page = kmem_alloc(PAGE_SIZE);
	if (s->page == NULL)
		return -ENOMEM;
	got = uio_get(u, s->page + s->off + s->len, n);
	if (got >= 0 && (size_t)got < n)
		return -EFAULT;
	if (got > 0)
		s->len += (uint16_t)got;
	return got;
}

/* Rule 1: the last slot takes what fills no page.  Bytes, 0, -EFAULT. */
static ssize_t
piece_join_locked(struct pipe *p, struct uio *u)
{
	struct pipe_slot *s = pipe_slot_at(p, p->head - 1);
	size_t part = u->left & PAGE_MASK;

	HELD(&p->lock);
	if (part == 0 || pipe_is_empty(p) || p->readers == 0 || s->is_closed ||
	    s->off + s->len + part > PAGE_SIZE)
		return 0;
	return pipe_slot_add(s, u, part);
}

/* A page of u, or all of it, into the next slot.  Bytes, -EFAULT, -ENOMEM. */
static ssize_t
piece_fill_locked(struct pipe *p, const struct file *f, struct uio *u)
{
	struct pipe_slot *s = pipe_slot_at(p, p->head);
	ssize_t n = pipe_slot_add(s, u, MIN(u->left, PAGE_SIZE));

	HELD(&p->lock);
	s->is_closed = s->is_packet = (f->flags & O_DIRECT) != 0;
	if (n > 0)
		p->head++;
	return n;
}

/* A write has found no reader.  Locks: none. */
void
fs_signal_no_reader(void)
{
	if (pipes.no_reader != NULL)
		pipes.no_reader();
}

/* Rule 10: are there frames now for the rest?  Locks: p->lock, released meanwhile. */
static bool
frames_come_locked(struct pipe *p)
{
	bool r;

	HELD(&p->lock);
	pipe_tell_locked(p, POLL_RD);
	mutex_unlock(&p->lock);
	r = vm_frames_come();
	mutex_lock(&p->lock);
	return r;
}

/* file_ops.write.  What fits is written, then it waits for room; -EPIPE also sends
 * SIGPIPE, if nobody is left to read. */
static ssize_t
pipe_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct pipe *p = pipe_of(f);
	ssize_t done, n;

	mutex_lock(&p->lock);
	n = piece_join_locked(p, u);
	done = MAX(n, 0);
	while (u->left > 0 && n >= 0) {
		if (p->readers == 0) {
			n = -EPIPE;
		} else if (pipe_is_full(p)) {
			pipe_tell_locked(p, POLL_RD);
			n = file_refuses(f, u) ? -EAGAIN : pipe_wait_locked(p);
		} else {
			n = piece_fill_locked(p, f, u);
			done += MAX(n, 0);
			if (n == -ENOMEM && done > 0 && frames_come_locked(p))
				n = 0;
		}
	}
	if (done > 0)
		pipe_tell_locked(p, POLL_RD);
	mutex_unlock(&p->lock);
	if (n == -EPIPE)
		fs_signal_no_reader();
	if (done > 0)
		end_touch(f, VN_MTIME | VN_CTIME);
	return done > 0 ? done : n;
}

/* Rule 7.  Locks: none. */
static unsigned
pipe_poll(struct file *f, struct ready **at)
{
	struct pipe *p = pipe_of(f);
	unsigned bits = 0;

	*at = &p->ready;
	if (file_can_read(f)) {
		if (atomic_load(&p->wr_opens) != f->pos &&
		    atomic_load(&p->writers) == 0)
			bits |= POLLHUP;
		bits |= !pipe_is_empty(p) ? POLL_RD : 0;
	}
	if (file_can_write(f)) {
		bits |= !pipe_is_full(p) ? POLL_WR : 0;
		bits |= atomic_load(&p->readers) == 0 ? POLLERR : 0;
	}
	return bits;
}

static int64_t
pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pipe *p = pipe_of(f);
	uint32_t n = 0;
	uint32_t i;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (i = p->tail; i != p->head; i++)
		n += pipe_slot_at(p, i)->len;
	mutex_unlock(&p->lock);
	return copyout(arg, &n, sizeof(n));
}

const struct file_ops pipe_file_ops = {
	.seek = SEEKS_NEVER,
	.one_way = true,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.close = pipe_close,
};
