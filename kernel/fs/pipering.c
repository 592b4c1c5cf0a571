/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipering.c: the ring of a pipe is made, changes its size, and goes
 *
 * Problem   A ring may become larger or smaller with bytes in it, and what is
 *           in it stays in order and in place.
 *
 * Picture   ring of n:  page[pos / 4096 % n]      8 pages: . . 2 3 4 5 . .
 *                                                 4 pages: 4 5 2 3
 *
 * Rules     1. The ring is there while an end is open, and paid for by who
 *              opened the first (pipeuser.c).
 *           2. A smaller ring is refused where the bytes do not fit.
 *
 * Read next pipe.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mem/mem.h"

static size_t
ring_bytes(unsigned npages)
{
	return npages * sizeof(uint8_t *);
}

/*
 * A first end comes: make the ring.  Locks: pipe lock held.
 *
 * Returns:  0, -ENFILE (the user has too many), -ENOMEM.
 */
int
pipe_ring_make_locked(struct pipe *p)
{
	unsigned n = PIPE_PAGES;
	struct pipe_user *user;
	int r;

	HELD(&p->lock);
	if (p->page != NULL)
		return 0;
	r = pipe_user_take(&n, &user);
	if (r != 0)
		return r;
	p->page = room_alloc(ring_bytes(n));
	if (p->page == NULL) {
		pipe_user_give(user, n);
		return -ENOMEM;
	}
	p->npages = n;
	p->user = user;
	return 0;
}

static void
pages_free(struct pipe *p)
{
	unsigned i;

	for (i = 0; i < p->npages; i++) {
		kmem_free(p->page[i]);
		p->page[i] = NULL;
	}
}

/* Nobody has an end: bytes, pages and ring go.  Locks: pipe lock held, or alone. */
void
pipe_ring_drop(struct pipe *p)
{
	if (p->page == NULL)
		return;
	pages_free(p);
	room_free(p->page, ring_bytes(p->npages));
	pipe_user_give(p->user, p->npages);
	p->page = NULL;
	p->npages = 0;
	p->head = p->tail = 0;
}

/* F_GETPIPE_SZ.  -EBADF: not a pipe. */
int64_t
pipe_size(struct file *f)
{
	if (f->ops != &pipe_file_ops)
		return -EBADF;
	return (int64_t)(atomic_load_relaxed(&pipe_of(f)->npages) * PAGE_SIZE);
}

/*
 * The last bytes may lie in front of the first ones, in the same page.  In a
 * larger ring they need a page of their own: it goes to its place in fresh.
 *
 * Locks:    pipe lock held.
 * Returns:  0, -ENOMEM.
 */
static int
ring_part_locked(struct pipe *p, uint8_t **fresh, unsigned n)
{
	uint64_t last = PAGE_DOWN(p->head);
	uint8_t *page;

	HELD(&p->lock);
	if (last == p->head ||
	    last - PAGE_DOWN(p->tail) < p->npages * PAGE_SIZE)
		return 0;
	page = kmem_alloc(PAGE_SIZE);
	if (page == NULL)
		return -ENOMEM;
	memcpy(page, *pipe_page_slot(p, last), p->head - last);
	fresh[(last >> PAGE_SHIFT) & (n - 1)] = page;
	return 0;
}

/*
 * Give p the page array fresh of n entries; what lies in p keeps its place
 * modulo the new size.  Each page of p moves once.  Locks: pipe lock held.
 */
static void
ring_replace_locked(struct pipe *p, uint8_t **fresh, unsigned n)
{
	uint64_t pos = PAGE_DOWN(p->tail);
	unsigned i;

	HELD(&p->lock);
	for (i = 0; i < p->npages && pos < p->head; i++, pos += PAGE_SIZE) {
		fresh[(pos >> PAGE_SHIFT) & (n - 1)] = *pipe_page_slot(p, pos);
		*pipe_page_slot(p, pos) = NULL;
	}
	pages_free(p);
	room_free(p->page, ring_bytes(p->npages));
	p->page = fresh;
	p->npages = n;
	wake_all(&p->wq);
}

/*
 * A ring of n pages instead of the other.  Locks: pipe lock held.
 *
 * Returns:  0, -EBUSY (too full), -EPERM (more than the user may have), -ENOMEM.
 */
static int
ring_resize_locked(struct pipe *p, uint8_t **fresh, unsigned n)
{
	unsigned was = p->npages;
	int r;

	HELD(&p->lock);
	if (n < was && PAGE_UP(p->head) - PAGE_DOWN(p->tail) > n * PAGE_SIZE)
		return -EBUSY;
	r = pipe_user_change(p->user, was, n);
	if (r != 0)
		return r;
	if (n > was)
		r = ring_part_locked(p, fresh, n);
	if (r == 0)
		ring_replace_locked(p, fresh, n);
	else
		CHECK(pipe_user_change(p->user, n, was) == 0);
	return r;
}

/* F_SETPIPE_SZ: the new size; -EBADF, -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
int64_t
pipe_set_size(struct file *f, uint64_t bytes)
{
	struct pipe *p;
	uint8_t **fresh;
	unsigned n = 1;
	int r;

	if (f->ops != &pipe_file_ops)
		return -EBADF;
	if (bytes > PIPE_BYTES_MAX)
		return -EINVAL;
	while (n * PAGE_SIZE < bytes)
		n *= 2;
	p = pipe_of(f);
	if (n > atomic_load_relaxed(&p->npages) && !pipe_user_may_have(n))
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
