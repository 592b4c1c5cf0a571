/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice.c: bytes from a pipe to a file, from a file to a pipe
 *
 * Problem   splice(2) needs a pipe at one end at least, and at the other anything
 *           that is read and written in pieces: a file, a terminal, a socket.
 *
 * Picture   file_splice_pipes ─┬→ pipe_move()                   both are pipes
 *                              ├→ lend → write → give back      out is none
 *                              └→ promise → read → fill         in is none
 *
 * Rules     1. A piece is a page at most, so that it has one slot.
 *           2. Once bytes have moved, the call does not sleep any more.
 *           3. As on Linux eventfds and their kin are refused, and so are outputs
 *              that take no vectors (a text of /proc), and /dev/null as an input.
 *           4. As on Linux a signal does not end it before all is moved that a pipe
 *              can have: only then it is looked for.  SIGKILL ends it at once.
 *
 * Read next pipesplice.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* Slots that are promised at once. */
#define SLOTS_AT_ONCE 16u
#define SPLICE_MAX 0x7ffff000ul  /* bytes of one call */
#define SIGNAL_BYTES 65536u      /* rule 4 */

/* Does a signal end a call that has moved `done` bytes, with the last ones?  Rule 4. */
bool
splice_is_ended(size_t done, size_t last)
{
	return thread_is_killed() || (thread_current()->pending != 0 &&
	    done / SIGNAL_BYTES != (done - last) / SIGNAL_BYTES);
}

/* Are bytes to be had from it?  Rule 3: an eventfd and its kin have names. */
static bool
gives(const struct file *f)
{
	struct chr_dev *d = devfs_device(f);

	if (f->ops == NULL)
		return f->vn->type == S_IFREG;
	return f->ops->read != NULL && f->ops->name == NULL && !file_is_pipe(f) &&
	    (d == NULL || d->is_endless || d->ops->poll != NULL);
}

/* Do bytes go to f without a buffer of the user's?  Rule 3, as above. */
bool
file_takes_splice(const struct file *f)
{
	if (f->ops == NULL)
		return f->vn->type == S_IFREG;
	return f->ops->write != NULL && f->ops->name == NULL &&
	    f->knows < KNOWS_READ_NOWAIT;
}

/* May n bytes be moved from or to f, at *off or its position?  0, -EINVAL. */
static int
place_check(struct file *f, const uint64_t *off, size_t n)
{
	uint64_t at = off != NULL ? *off : file_position(f);

	if (off == NULL && !file_is_seekable(f))
		at = 0;
	return at > INT64_MAX || n > INT64_MAX - at ? -EINVAL : 0;
}

/* ---- pipe → file ---- */

/* n bytes at `from`, to *off or the position of out.  Bytes, -errno. */
ssize_t
file_put_at(struct file *out, uint64_t *off, void *from, size_t n)
{
	struct uio u;
	ssize_t r;

	uio_init_kernel(&u, from, n);
	if (off == NULL)
		return file_write(out, &u);
	r = file_pwrite(out, *off, &u);
	if (r > 0)
		*off += (uint64_t)r;
	return r;
}

static ssize_t
pipe_to_file(struct splice_call *c)
{
	size_t done = 0, n;
	ssize_t r;
	uint8_t *at;

	if ((file_flags(c->out) & O_APPEND) != 0)
		return -EINVAL;
	r = place_check(c->out, c->out_off, c->n);
	if (r == 0 && !file_takes_splice(c->out))
		r = -EINVAL;
	if (r != 0)
		return r;
	c->n = MIN(c->n, SPLICE_MAX);
	do {
		r = pipe_lend(c->in, c->nowait || done > 0, &at, &n);
		if (r <= 0)
			break;
		r = file_put_at(c->out, c->out_off, at, MIN(n, c->n - done));
		pipe_give_back(c->in, (size_t)MAX(r, 0));
		done += (size_t)MAX(r, 0);
	} while (r > 0 && done < c->n && !splice_is_ended(done, (size_t)r));
	c->end = r < 0 ? (int)r : 0;
	return done > 0 ? (ssize_t)done : r;
}

/* ---- file → pipe ---- */

/* Read the next page of in, or the rest of c, into a promised slot.  Bytes, -errno. */
static ssize_t
piece_read(struct splice_call *c, uint64_t *off, size_t left)
{
	uint8_t *page = kmem_alloc(PAGE_SIZE);
	struct uio u;
	ssize_t r;

	if (page == NULL)
		return -ENOMEM;
	if (off != NULL)
		left = MIN(left, PAGE_SIZE - (*off & PAGE_MASK));
	uio_init_kernel(&u, page, MIN(left, PAGE_SIZE));
	u.nowait = c->nowait && c->in->vn->type == S_IFSOCK;
	r = off != NULL ? file_pread(c->in, *off, &u) : file_read(c->in, &u);
	if (r <= 0) {
		kmem_free(page);
		return r;
	}
	pipe_fill(c->out, page, (size_t)r);
	if (off != NULL)
		*off += (uint64_t)r;
	return r;
}

/* Fill so many promised slots.  Bytes, or what ended it. */
static ssize_t
slots_fill(struct splice_call *c, uint64_t *off, unsigned slots)
{
	ssize_t r;
	size_t done = 0;

	do {
		r = piece_read(c, off, c->n - done);
		slots -= r > 0;
		done += (size_t)MAX(r, 0);
	} while (r > 0 && slots > 0 && done < c->n &&
	    !splice_is_ended(done, (size_t)r));
	pipe_break_promise(c->out, slots);
	return done > 0 ? (ssize_t)done : r;
}

/* Room in the pipe is promised first: bytes that were read always have a place. */
static ssize_t
file_to_pipe(struct splice_call *c)
{
	bool seeks = file_is_seekable(c->in);
	uint64_t pos = file_position(c->in), *off = seeks ? &pos : NULL;
	int slots;
	ssize_t r;

	if (c->in_off != NULL)
		off = c->in_off;
	/* For an input that may sleep, one slot is reserved at a time. */
	slots = pipe_promise(c->out, c->nowait, seeks ? SLOTS_AT_ONCE : 1);
	if (slots < 0)
		return slots;
	c->n = MIN(c->n, (size_t)slots << PAGE_SHIFT);
	r = place_check(c->in, c->in_off, c->n);
	if (r == 0 && !gives(c->in))
		r = -EINVAL;
	if (r != 0) {
		pipe_break_promise(c->out, (unsigned)slots);
		return r;
	}
	r = slots_fill(c, off, (unsigned)slots);
	if (r > 0 && off == &pos)
		file_set_position(c->in, pos);
	return r;
}

/*
 * splice(2): c->n bytes at most.  The modes of access were checked; a pipe has no
 * offset.
 *
 * Locks:    none held.
 * Returns:  bytes, 0 at the end; -EINVAL, -EPIPE (it was signalled), -EAGAIN,
 *           -ERESTARTSYS, what reading and writing give; c->end: the error of a write
 *           that ended it, or 0.
 */
ssize_t
file_splice_pipes(struct splice_call *c)
{
	bool from = file_is_pipe(c->in), to = file_is_pipe(c->out);

	c->end = 0;
	if (from && to && !c->sends)
		return pipe_move(c->in, c->out, c->n, c->nowait, PIPE_MOVES);
	if (!from && !to)
		return -EINVAL;
	if ((c->in_off != NULL && !file_is_seekable(c->in)) ||
	    (c->out_off != NULL && !file_is_seekable(c->out)))
		return -EINVAL;
	if ((file_flags(to ? c->out : c->in) & O_NONBLOCK) != 0)
		c->nowait = true;
	return to ? file_to_pipe(c) : pipe_to_file(c);
}
