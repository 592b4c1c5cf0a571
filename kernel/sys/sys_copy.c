/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_copy.c: bytes from file to file: sendfile, copy_file_range
 *
 * Problem   Two descriptors, each with an offset or a position, and no buffer
 *           of the user between them.
 *
 * Picture   check both ─→ file_splice() ─→ offsets back to the user
 *
 * Rules     A call with an offset argument leaves the position alone, and writes
 *           the offset back only when bytes were moved.  At RLIMIT_FSIZE
 *           sendfile tries once more and copy_file_range does not: so sendfile
 *           raises SIGXFSZ also after a part was moved.
 *
 * Read next fs/fileinfo.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"

/* See filecall.h. */
bool
sys_file_can(struct file *f, unsigned mode)
{
	unsigned flags = file_flags(f) & (O_PATH | O_ACCMODE);

	return flags == mode || flags == O_RDWR;
}

/* May bytes go from in to out?  append: what O_APPEND of out answers. */
static int
splice_check(const struct splice_call *c, int append)
{
	if (!sys_file_can(c->in, O_RDONLY) || !sys_file_can(c->out, O_WRONLY))
		return -EBADF;
	return (file_flags(c->out) & O_APPEND) != 0 ? append : 0;
}

/* Where a copy begins: an offset argument, or the position. */
static int
copy_pos(struct file *f, va_t addr, uint64_t *pos)
{
	if (addr != 0)
		return copyin(pos, addr, sizeof(*pos));
	*pos = (uint64_t)file_lseek(f, 0, SEEK_CUR);
	return 0;
}

/* *n is cut to what RLIMIT_FSIZE lets be written at off.  0, -EFBIG. */
static int
fsize_cut(uint64_t off, size_t *n)
{
	uint64_t limit = MIN(sys_fsize_limit(), (uint64_t)INT64_MAX);

	if (off >= limit)
		return -EFBIG;
	*n = MIN(*n, limit - off);
	return 0;
}

/* How many bytes copy_file_range may copy, and from where to where; within a file no
 * overlap. */
static int
copy_check(struct splice_call *c, const uint64_t a[6], uint64_t *from, uint64_t *to)
{
	uint32_t in = file_mode(c->in), out = file_mode(c->out);
	uint64_t size = file_size(c->in);
	int r;

	if (((file_flags(c->in) | file_flags(c->out)) & O_PATH) != 0)
		return -EBADF;
	r = copy_pos(c->in, a[1], from);
	if (r == 0)
		r = copy_pos(c->out, a[3], to);
	if (r == 0 && a[5] != 0)
		r = -EINVAL;
	if (r != 0)
		return r;
	if (S_ISDIR(in) || S_ISDIR(out))
		return -EISDIR;
	if (!S_ISREG(in) || !S_ISREG(out))
		return -EINVAL;
	r = splice_check(c, -EBADF);
	if (r == 0 && !file_same_mount(c->in, c->out))
		r = -EXDEV;
	if (r != 0)
		return r;
	if (*from + c->n < *from || *to + c->n < *to)
		return -EOVERFLOW;
	c->n = MIN(c->n, size > *from ? size - *from : 0);
	if ((int64_t)*to < 0) /* no file has this offset: RLIMIT_FSIZE is not checked */
		return -EINVAL;
	r = fsize_cut(*to, &c->n);
	if (r == 0 && file_vmo(c->in) == file_vmo(c->out) && *to + c->n > *from &&
	    *to < *from + c->n)
		r = -EINVAL;
	return r;
}

/* An optional offset argument goes back.  0, -EFAULT. */
static int
offset_copyout(va_t addr, const uint64_t *off)
{
	return addr == 0 ? 0 : copyout(addr, off, sizeof(*off));
}

/* See filecall.h. */
int64_t
sys_splice_end(const struct splice_call *c, int64_t r, va_t in_addr, va_t out_addr)
{
	sys_raise_fsize(c->end);
	if (r >= 0 && (offset_copyout(in_addr, c->in_off) != 0 ||
	    offset_copyout(out_addr, c->out_off) != 0))
		r = -EFAULT;
	return r;
}

static int64_t
splice(struct splice_call *c, va_t in_addr, va_t out_addr)
{
	c->n = MIN(c->n, RW_MAX);
	return sys_splice_end(c, file_splice(c), in_addr, out_addr);
}

/* May bytes of in be sent, from an offset or its position?  Whether out takes them
 * is asked last. */
static int
sendfile_check(const struct splice_call *c)
{
	struct file *in = c->in, *out = c->out;
	uint64_t off = c->in_off != NULL ? *c->in_off : 0;
	int r;

	if (in == NULL || !sys_file_can(in, O_RDONLY))
		return -EBADF;
	if (c->in_off != NULL && !file_is_seekable(in) && !S_ISDIR(file_mode(in)))
		return -ESPIPE;
	if (c->in_off == NULL && S_ISREG(file_mode(in)))
		off = (uint64_t)file_lseek(in, 0, SEEK_CUR);
	if (off > INT64_MAX || c->n > INT64_MAX - off)
		return -EINVAL;
	r = out == NULL ? -EBADF : splice_check(c, S_ISFIFO(file_mode(out)) ? 0 : -EINVAL);
	if (r == 0 && S_ISREG(file_mode(out)) &&
	    c->n > INT64_MAX - (uint64_t)file_lseek(out, 0, SEEK_CUR))
		r = -EINVAL;
	return r;
}

/* Into a pipe it is a splice, but not from another pipe. */
int64_t
sys_sendfile(const uint64_t a[6])
{
	uint64_t from;
	struct splice_call c = { .out = sys_file(a[0]), .in = sys_file(a[1]), .n = a[3],
		.in_off = a[2] != 0 ? &from : NULL, .sends = true };
	int64_t r = 0;

	if (a[2] != 0 && copyin(&from, a[2], sizeof(from)) != 0)
		r = -EFAULT;
	if (r == 0)
		r = sendfile_check(&c);
	if (r == 0)
		r = S_ISFIFO(file_mode(c.out)) ? sys_splice_ends(&c, a[2], 0) :
		    splice(&c, a[2], 0);
	file_put_any(c.in);
	file_put_any(c.out);
	return r;
}

int64_t
sys_copy_file_range(const uint64_t a[6])
{
	uint64_t from, to;
	struct splice_call c = { .in = sys_file(a[0]), .out = sys_file(a[2]), .n = a[4],
		.in_off = a[1] != 0 ? &from : NULL, .out_off = a[3] != 0 ? &to : NULL };
	int64_t r = -EBADF;

	if (c.in != NULL && c.out != NULL)
		r = copy_check(&c, a, &from, &to);
	sys_raise_fsize(r);
	if (r == 0 && c.n != 0)
		r = splice(&c, a[1], a[3]);
	file_put_any(c.in);
	file_put_any(c.out);
	return r;
}
