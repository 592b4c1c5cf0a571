/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd.c: a counter that is a file
 *
 * Problem   A thread wants to wake another that sleeps in poll: a pipe could do
 *           it, at the price of two descriptors and a page.
 *
 * Picture   write adds n ─→ count ─→ read takes all of it, or one (SEMAPHORE)
 *
 * Rules     1. A write that does not fit sleeps until a read; a read of nothing sleeps
 *              until a write.  Both look again: others may have been faster.
 *           2. Each has an id: fdinfo shows whether two descriptors are one eventfd.
 *
 * Read next epoll.c.
 */
#include "fs/event/event.h"

#define COUNT_MAX (UINT64_MAX - 1)

static uint32_t eventfds;            /* [A] made so far */

struct eventfd {
	struct spinlock lock;        /* rank LR_LEAF */
	uint64_t count;              /* lock */
	enum eventfd_kind kind;      /* [c] */
	uint32_t id;                 /* [c] rule 2 */
	struct ready ready;          /* [c] */
};

static bool
try_take(struct eventfd *e, uint64_t *taken)
{
	spin_lock(&e->lock);
	*taken = e->kind == EVENTFD_SEMAPHORE ? MIN(e->count, 1ul) : e->count;
	e->count -= *taken;
	spin_unlock(&e->lock);
	return *taken != 0;
}

static bool
try_add(struct eventfd *e, uint64_t add)
{
	bool fits;

	spin_lock(&e->lock);
	fits = COUNT_MAX - e->count >= add;
	if (fits)
		e->count += add;
	spin_unlock(&e->lock);
	return fits;
}

static ssize_t
eventfd_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct eventfd *e = f->priv;
	uint64_t taken;
	int r;

	if (u->left < sizeof(taken))
		return -EINVAL;
	r = wait_or_refuse(&e->ready.sleepers, file_refuses(f, u), try_take(e, &taken));
	if (r != 0)
		return r;
	ready_wake(&e->ready, POLLOUT);
	return uio_put(u, &taken, sizeof(taken)) < (ssize_t)sizeof(taken) ? -EFAULT :
	    (ssize_t)sizeof(taken);
}

static ssize_t
eventfd_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct eventfd *e = f->priv;
	uint64_t add;
	int r;

	if (u->left < sizeof(add))
		return -EINVAL;
	if (uio_get(u, &add, sizeof(add)) < (ssize_t)sizeof(add))
		return -EFAULT;
	r = add > COUNT_MAX ? -EINVAL :
	    wait_or_refuse(&e->ready.sleepers, file_refuses(f, u), try_add(e, add));
	if (r != 0)
		return r;
	ready_wake(&e->ready, POLLIN);
	return sizeof(add);
}

static unsigned
eventfd_poll(struct file *f, struct ready **at)
{
	struct eventfd *e = f->priv;
	unsigned bits = 0;

	*at = &e->ready;
	spin_lock(&e->lock);
	if (e->count > 0)
		bits |= POLLIN;
	if (e->count < COUNT_MAX)
		bits |= POLLOUT;
	spin_unlock(&e->lock);
	return bits;
}

/* For fdinfo. */
static void
eventfd_show(struct file *f, struct out *o)
{
	struct eventfd *e = f->priv;

	out_printf(o, "eventfd-count: %16lx\neventfd-id: %u\n",
	    UNDER(&e->lock, e->count), e->id);
}

static const struct file_ops eventfd_ops = {
	.name = "[eventfd]",
	.seek = SEEKS_STAYS,
	.reads_nothing = true,
	.writes_nothing = true,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.show = eventfd_show,
	.close = anon_close,
};

/*
 * eventfd2(2).
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
eventfd_create(uint64_t count, enum eventfd_kind kind, unsigned flags,
    struct file **out)
{
	int r = anon_open(&eventfd_ops, sizeof(struct eventfd), flags, out);
	struct eventfd *e;

	if (r != 0)
		return r;
	e = (*out)->priv;
	spin_init(&e->lock, LR_LEAF);
	e->count = count;
	e->kind = kind;
	e->id = atomic_add(&eventfds, 1);
	ready_init(&e->ready);
	return 0;
}
