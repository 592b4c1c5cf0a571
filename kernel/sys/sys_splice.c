/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_splice.c: bytes through pipes: splice, tee, vmsplice
 *
 * Problem   Like sys_copy.c, but one end is a pipe.
 *
 * Rules     1. Pages that move are the kernel's own: SPLICE_F_MOVE, _MORE and _GIFT
 *              are hints that change nothing.
 *           2. If bytes were moved but the offset cannot be written back: -EFAULT.
 *
 * Read next fs/splice.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL 15u

/* An offset argument, where there is one.  0, -EFAULT. */
static int
offset_fetch(va_t addr, uint64_t *off)
{
	return addr == 0 ? 0 : copyin(off, addr, sizeof(*off));
}

/* See filecall.h. */
int64_t
sys_splice_ends(struct splice_call *c, va_t in_addr, va_t out_addr)
{
	uint64_t in_off, out_off;
	int64_t r;

	if (file_is_path(c->in) || file_is_path(c->out))
		return -EBADF;
	/* An offset of a pipe is refused before it is read. */
	if ((in_addr != 0 && pipe_size(c->in) >= 0) ||
	    (out_addr != 0 && pipe_size(c->out) >= 0))
		return -ESPIPE;
	r = offset_fetch(out_addr, &out_off);
	if (r == 0)
		r = offset_fetch(in_addr, &in_off);
	if (r != 0)
		return r;
	c->in_off = in_addr != 0 ? &in_off : NULL;
	c->out_off = out_addr != 0 ? &out_off : NULL;
	if (!sys_file_can(c->in, O_RDONLY) || !sys_file_can(c->out, O_WRONLY))
		return -EBADF;
	return sys_splice_end(c, file_splice_pipes(c), in_addr, out_addr);
}

int64_t
sys_splice(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[5];
	struct splice_call c = { .n = a[4],
		.nowait = (flags & SPLICE_F_NONBLOCK) != 0 };
	int64_t r = -EBADF;

	if (a[4] == 0)
		return 0;
	if ((flags & ~SPLICE_F_ALL) != 0)
		return -EINVAL;
	c.in = sys_file(a[0]);
	c.out = sys_file(a[2]);
	if (c.in != NULL && c.out != NULL)
		r = sys_splice_ends(&c, a[1], a[3]);
	file_put_any(c.in);
	file_put_any(c.out);
	return r;
}

int64_t
sys_tee(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	struct splice_call c;
	int64_t r = -EBADF;

	if ((flags & ~SPLICE_F_ALL) != 0)
		return -EINVAL;
	if (a[2] == 0)
		return 0;
	c.in = sys_file(a[0]);
	c.out = sys_file(a[1]);
	if (c.in != NULL && c.out != NULL && sys_file_can(c.in, O_RDONLY) &&
	    sys_file_can(c.out, O_WRONLY))
		r = pipe_move(c.in, c.out, a[2], (flags & SPLICE_F_NONBLOCK) != 0,
		    PIPE_COPIES);
	file_put_any(c.in);
	file_put_any(c.out);
	return r;
}

int64_t
sys_vmsplice(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	int n = (int)a[2]; /* as on Linux: the upper half is ignored */
	struct uio u = { .as = as_current(), .nvec = (unsigned)n,
		.nowait = (flags & SPLICE_F_NONBLOCK) != 0 };
	struct uio_vec *vec;
	struct file *f;
	int64_t r;

	if ((flags & ~SPLICE_F_ALL) != 0)
		return -EINVAL;
	f = sys_file(a[0]);
	if (f == NULL)
		return -EBADF;
	r = !sys_file_can(f, O_RDONLY) && !sys_file_can(f, O_WRONLY) ? -EBADF :
	    sys_iov_copyin(a[1], n, &vec, &u.left);
	if (r == 0) {
		u.vec = vec;
		if (u.left != 0)
			r = sys_file_can(f, O_WRONLY) ? pipe_put_pages(f, &u) :
			    pipe_get_pages(f, &u);
		sys_iov_free(vec, (size_t)n);
	}
	file_put(f);
	return r;
}
