/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipesplice.c: bytes of a pipe move without a buffer of the user's
 *
 * Problem   splice(2) moves the bytes of a pipe to another one or to a file, or those
 *           of a file to a pipe.  A file may take long, and take less than it was
 *           offered: the bytes that it left must still be read next.
 *
 * Picture   pipe → pipe   the slots exchange their pages: nothing is copied
 *           pipe → file   lend the first slot ─→ write ─→ give back what was left
 *           file → pipe   promise free slots ─→ read into new pages ─→ fill
 *
 * Rules     1. While a slot is lent its bytes stay where they are, and no other
 *              thread reads: it waits, even if it would not wait for bytes.
 *           2. A promised slot counts as full, so that the bytes of a file find room
 *              even if others write meanwhile.
 *           3. Neither is kept over a return to the user.
 *           4. Bytes from a file, and a part of a slot, become a slot by themselves; a
 *              whole slot stays what it was (pipe.c, rules 1 and 6).
 *           5. tee(2) copies: a page of a pipe has one place.
 *           6. Two pipes are locked in the order of their addresses.
 *
 * Read next splice.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mem/mem.h"

/* Wait for a slot.  0, -EPIPE (not yet signalled), -EAGAIN, -ERESTARTSYS. */
static int
wait_slot_locked(struct pipe *p, bool nowait)
{
	int r = 0;

	HELD(&p->lock);
	while (r == 0 && p->readers > 0 && pipe_is_full(p))
		r = nowait ? -EAGAIN : pipe_wait_locked(p);
	return r == 0 && p->readers == 0 ? -EPIPE : r;
}

/* r, once SIGPIPE is sent for -EPIPE.  Locks: none. */
static ssize_t
signalled(ssize_t r)
{
	if (r == -EPIPE)
		fs_signal_no_reader();
	return r;
}

/* ---- pipe → file ---- */

/*
 * What comes first in the pipe: rule 1.
 *
 * Returns:  1 and n bytes at *at; 0: its end; -EAGAIN, -ERESTARTSYS.
 * Owns:     they are the caller's after 1, until pipe_give_back().
 */
int
pipe_lend(struct file *f, bool nowait, uint8_t **at, size_t *n)
{
	struct pipe *p = pipe_of(f);
	struct pipe_slot *s;
	int r;

	mutex_lock(&p->lock);
	r = pipe_wait_bytes_locked(p, nowait);
	if (r == 1) {
		s = pipe_slot_at(p, p->tail);
		*at = s->page + s->off;
		*n = s->len;
		p->is_lent = true;
	}
	mutex_unlock(&p->lock);
	return r;
}

/* n bytes of them are read. */
void
pipe_give_back(struct file *f, size_t n)
{
	struct pipe *p = pipe_of(f);
	struct pipe_slot *s;
	bool was_full;

	mutex_lock(&p->lock);
	was_full = pipe_is_full(p);
	s = pipe_slot_at(p, p->tail);
	s->off += (uint16_t)n;
	s->len -= (uint16_t)n;
	if (s->len == 0)
		pipe_slot_leave_locked(p);
	p->is_lent = false;
	pipe_tell_locked(p, was_full && n > 0 ? POLL_WR : 0);
	mutex_unlock(&p->lock);
}

/* ---- file → pipe ---- */

/*
 * Slots for what a file is going to give: rule 2.
 *
 * Returns:  how many, of `want` at most; -EPIPE (it was signalled), -EAGAIN,
 *           -ERESTARTSYS.
 * Owns:     the caller fills each or gives it back (pipe_break_promise()).
 */
int
pipe_promise(struct file *f, bool nowait, unsigned want)
{
	struct pipe *p = pipe_of(f);
	unsigned n;
	int r;

	mutex_lock(&p->lock);
	r = wait_slot_locked(p, nowait);
	if (r == 0) {
		n = p->nslots - p->promised - pipe_slots_used(p);
		r = (int)MIN(n, want);
		atomic_store(&p->promised, p->promised + (unsigned)r);
	}
	mutex_unlock(&p->lock);
	return (int)signalled(r);
}

/* The n bytes of `page`, which is the pipe's from now on, into a promised slot. */
void
pipe_fill(struct file *f, uint8_t *page, size_t n)
{
	struct pipe *p = pipe_of(f);
	struct pipe_slot *s;
	uint8_t *old;

	mutex_lock(&p->lock);
	s = pipe_slot_at(p, p->head);
	old = s->page;
	*s = (struct pipe_slot){ .page = page, .len = (uint16_t)n,
		.is_closed = true };
	p->head++;
	atomic_store(&p->promised, p->promised - 1);
	pipe_tell_locked(p, POLL_RD);
	mutex_unlock(&p->lock);
	kmem_free(old);
}

/* n promised slots are free. */
void
pipe_break_promise(struct file *f, unsigned n)
{
	struct pipe *p = pipe_of(f);

	if (n == 0)
		return;
	mutex_lock(&p->lock);
	atomic_store(&p->promised, p->promised - n);
	pipe_tell_locked(p, POLL_WR);
	mutex_unlock(&p->lock);
}

/* ---- pipe → pipe ---- */

struct two_pipes {
	struct pipe *in, *out;
	bool nowait, copies;     /* [c] copies: tee */
	uint32_t at;             /* the next slot of in */
};

/* Rule 6. */
static void
both_lock(const struct two_pipes *t)
{
	bool in_first = (uintptr_t)t->in < (uintptr_t)t->out;

	mutex_lock(in_first ? &t->in->lock : &t->out->lock);
	mutex_lock_nested(in_first ? &t->out->lock : &t->in->lock);
}

static void
both_unlock(const struct two_pipes *t)
{
	mutex_unlock(&t->in->lock);
	mutex_unlock(&t->out->lock);
}

/* n bytes of the slot `from` become the slot `to`, which is free: they are all of it,
 * or are copied.  0, -ENOMEM. */
static int
slot_pass(struct pipe_slot *from, struct pipe_slot *to, size_t n, bool copies)
{
	uint8_t *page = to->page;

	if (!copies && n == from->len) {
		*to = *from;
		from->page = page;
		from->len = 0;
		return 0;
	}
	if (page == NULL)
		page = kmem_alloc(PAGE_SIZE);
	if (page == NULL)
		return -ENOMEM;
	memcpy(page, from->page + from->off, n);
	*to = (struct pipe_slot){ .page = page, .len = (uint16_t)n,
		.is_packet = from->is_packet, .is_closed = true };
	if (!copies) {
		from->off += (uint16_t)n;
		from->len -= (uint16_t)n;
	}
	return 0;
}

/*
 * The next slot of in, n bytes at most.
 *
 * Locks:    in->lock held, out->lock held.
 * Returns:  bytes, -ENOMEM.
 */
static ssize_t
pass_one_locked(struct two_pipes *t, size_t n)
{
	struct pipe_slot *from = pipe_slot_at(t->in, t->at);
	int r;

	HELD(&t->in->lock);
	HELD(&t->out->lock);
	n = MIN(n, from->len);
	r = slot_pass(from, pipe_slot_at(t->out, t->out->head), n, t->copies);
	if (r != 0)
		return r;
	t->out->head++;
	if (t->copies) {
		t->at++;
	} else if (from->len == 0) {
		pipe_slot_leave_locked(t->in);
		t->at = t->in->tail;
	}
	return (ssize_t)n;
}

/*
 * What is there, as much as there is room.
 *
 * Locks:    in->lock held, out->lock held.
 * Returns:  bytes, or what ended it.
 */
static ssize_t
pass_locked(struct two_pipes *t, size_t n)
{
	ssize_t done = 0, r = 0;

	HELD(&t->in->lock);
	HELD(&t->out->lock);
	t->at = t->in->tail;
	do {
		if (t->out->readers == 0) {
			r = -EPIPE;
		} else if (t->in->is_lent || t->at == t->in->head ||
		    pipe_is_full(t->out)) {
			r = -EAGAIN;
		} else {
			r = pass_one_locked(t, n - (size_t)done);
			done += MAX(r, 0);
		}
	} while (r > 0 && (size_t)done < n);
	return done > 0 ? done : r;
}

/* Bytes to read on one side, and room on the other.  1; 0: the end; -errno. */
static int
both_wait(struct two_pipes *t)
{
	int r, bytes;

	mutex_lock(&t->in->lock);
	bytes = pipe_wait_bytes_locked(t->in, t->nowait);
	mutex_unlock(&t->in->lock);
	if (bytes < 0)
		return bytes;
	mutex_lock(&t->out->lock);
	r = wait_slot_locked(t->out, t->nowait);
	mutex_unlock(&t->out->lock);
	return r != 0 ? r : bytes;
}

static ssize_t
pass(struct two_pipes *t, size_t n)
{
	ssize_t r;
	bool was_full;

	do {
		r = both_wait(t);
		if (r <= 0)
			return r;
		both_lock(t);
		was_full = pipe_is_full(t->in);
		r = pass_locked(t, n);
		if (r > 0) {
			pipe_tell_locked(t->out, POLL_RD);
			if (!t->copies)
				pipe_tell_locked(t->in, was_full ? POLL_WR : 0);
		}
		both_unlock(t);
	} while (r == -EAGAIN && !t->nowait); /* somebody was faster */
	return r;
}

/*
 * splice(2), or tee(2) (PIPE_COPIES), between two pipes: up to n bytes of in.
 *
 * Locks:    none held.
 * Returns:  bytes; 0: in is at its end; -EINVAL (no two pipes), -EPIPE (it was
 *           signalled), -EAGAIN, -ERESTARTSYS, -ENOMEM.
 */
ssize_t
pipe_move(struct file *in, struct file *out, size_t n, bool nowait, enum pipe_way way)
{
	struct two_pipes t = { .in = pipe_of(in), .out = pipe_of(out),
		.copies = way == PIPE_COPIES,
		.nowait = nowait || ((in->flags | out->flags) & O_NONBLOCK) != 0 };

	if (!file_is_pipe(in) || !file_is_pipe(out) || t.in == t.out)
		return -EINVAL;
	return signalled(pass(&t, n));
}

/* ---- user → pipe, pipe → user ---- */

/*
 * What lies in one page of the user, into a slot of its own.
 *
 * Locks:    pipe lock held.
 * Returns:  bytes, -EFAULT, -ENOMEM.
 */
static ssize_t
page_put_locked(struct pipe *p, struct uio *u)
{
	struct pipe_slot *s = pipe_slot_at(p, p->head);
	ssize_t n;

	HELD(&p->lock);
	while (u->vec->len == 0) {
		u->vec++;
		u->nvec--;
	}
	*s = (struct pipe_slot){ .page = s->page, .is_closed = true };
	n = pipe_slot_add(s, u, MIN(u->vec->len, PAGE_SIZE - (u->vec->base & PAGE_MASK)));
	p->head += n > 0;
	return n;
}

/*
 * vmsplice(2) to a pipe: as much as there are slots for, after the first.  The bytes
 * are copied: what the user does to them afterwards changes nothing.
 *
 * Returns:  bytes, -EBADF (no pipe), -EPIPE (it was signalled), -EAGAIN,
 *           -ERESTARTSYS, -EFAULT, -ENOMEM.
 */
ssize_t
pipe_put_pages(struct file *f, struct uio *u)
{
	struct pipe *p = pipe_of(f);
	ssize_t done = 0, n = 1;
	int r;

	if (!file_is_pipe(f))
		return -EBADF;
	mutex_lock(&p->lock);
	r = wait_slot_locked(p, u->nowait);
	while (r == 0 && n > 0 && u->left > 0 && !pipe_is_full(p)) {
		n = page_put_locked(p, u);
		done += MAX(n, 0);
	}
	if (done > 0)
		pipe_tell_locked(p, POLL_RD);
	mutex_unlock(&p->lock);
	if (r != 0)
		return signalled(r);
	return done > 0 ? done : n;
}

/* vmsplice(2) from a pipe.  As a read, whose nowait is of the call alone, and that knows
 * no packets. */
ssize_t
pipe_get_pages(struct file *f, struct uio *u)
{
	return file_is_pipe(f) ? pipe_get(pipe_of(f), u, u->nowait, false) :
	    -EBADF;
}
