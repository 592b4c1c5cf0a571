/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipering.c: the ring of a pipe is made, resized and freed
 *
 * Problem   A ring may become larger or smaller with bytes in it, and what is
 *           in it stays in order.
 *
 * Picture   8 slots, 4 in use:  . . a b c d . .
 *           4 slots instead:    a b c d
 *
 * Rules     1. The ring exists while an end is open, and counts for the user who
 *              opened the first (pipeuser.c).
 *           2. A smaller ring is refused where the slots in use do not fit.
 *
 * Read next pipe.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mem/mem.h"

static size_t
ring_bytes(unsigned nslots)
{
	return nslots * sizeof(struct pipe_slot);
}

/*
 * A first end comes: make the ring.  Locks: pipe lock held.
 *
 * Returns:  0, -ENFILE (the user has too many), -ENOMEM.
 */
int
pipe_ring_make_locked(struct pipe *p)
{
	unsigned n = PIPE_SLOTS;
	struct user *user;
	int r;

	HELD(&p->lock);
	if (p->slot != NULL)
		return 0;
	r = pipe_user_take(&n, &user);
	if (r != 0)
		return r;
	p->slot = room_alloc(ring_bytes(n));
	if (p->slot == NULL) {
		user_give(user, USE_PIPE_PAGES, n);
		return -ENOMEM;
	}
	p->nslots = n;
	p->user = user;
	return 0;
}

static void
pages_free(struct pipe *p)
{
	unsigned i;

	for (i = 0; i < p->nslots; i++) {
		kmem_free(p->slot[i].page);
		p->slot[i].page = NULL;
	}
}

/* Nobody has an end: bytes, pages and ring go.  Locks: pipe lock held, or alone. */
void
pipe_ring_drop(struct pipe *p)
{
	if (p->slot == NULL)
		return;
	pages_free(p);
	room_free(p->slot, ring_bytes(p->nslots));
	user_give(p->user, USE_PIPE_PAGES, p->nslots);
	p->slot = NULL;
	p->nslots = 0;
	p->ends = 0;
}

/* F_GETPIPE_SZ.  -EBADF: not a pipe. */
int64_t
pipe_size(struct file *f)
{
	if (!file_is_pipe(f))
		return -EBADF;
	return (int64_t)(atomic_load_relaxed(&pipe_of(f)->nslots) * PAGE_SIZE);
}

/* Give p the ring fresh of n slots; those in use move.  Locks: pipe lock held. */
static void
ring_replace_locked(struct pipe *p, struct pipe_slot *fresh, unsigned n)
{
	uint32_t i, used = p->head - p->tail;

	HELD(&p->lock);
	for (i = 0; i < used; i++) {
		fresh[i] = *pipe_slot_at(p, p->tail + i);
		pipe_slot_at(p, p->tail + i)->page = NULL;
	}
	pages_free(p);
	room_free(p->slot, ring_bytes(p->nslots));
	p->slot = fresh;
	atomic_store_release(&p->nslots, n);
	atomic_store(&p->ends, used);
	pipe_tell_locked(p, READY_ALL);
}

/*
 * A ring of n slots instead of the other.  Locks: pipe lock held.
 *
 * Returns:  0, -EBUSY (too full), -EPERM (more than the user may have).
 */
static int
ring_resize_locked(struct pipe *p, struct pipe_slot *fresh, unsigned n)
{
	int r;

	HELD(&p->lock);
	if (n < p->head - p->tail + p->promised)
		return -EBUSY;
	r = pipe_user_change(p->user, p->nslots, n);
	if (r == 0)
		ring_replace_locked(p, fresh, n);
	return r;
}

/* F_SETPIPE_SZ: the new size; -EBADF, -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
int64_t
pipe_set_size(struct file *f, uint64_t bytes)
{
	struct pipe *p;
	struct pipe_slot *fresh;
	unsigned n = 1;
	int r;

	if (!file_is_pipe(f))
		return -EBADF;
	if (bytes > PIPE_BYTES_MAX)
		return -EINVAL;
	while (n * PAGE_SIZE < bytes)
		n *= 2;
	p = pipe_of(f);
	if (n > atomic_load_relaxed(&p->nslots) && !pipe_user_may_have(n))
		return -EPERM;
	fresh = room_alloc(ring_bytes(n));
	if (fresh == NULL)
		return -ENOMEM;
	mutex_lock(&p->lock);
	r = ring_resize_locked(p, fresh, n);
	mutex_unlock(&p->lock);
	if (r != 0)
		room_free(fresh, ring_bytes(n));
	return r != 0 ? r : (int64_t)(n * PAGE_SIZE);
}
