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
splice_check(struct file *in, struct file *out, int append)
{
	if (!sys_file_can(in, O_RDONLY) || !sys_file_can(out, O_WRONLY))
		return -EBADF;
	return (file_flags(out) & O_APPEND) != 0 ? append : 0;
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

/* How many of *n bytes copy_file_range may copy; within a file no overlap. */
static int
copy_check(struct file *in, struct file *out, const uint64_t a[6], size_t *n)
{
	uint64_t from, to, size = file_size(in);
	int r;

	if (((file_flags(in) | file_flags(out)) & O_PATH) != 0)
		return -EBADF;
	r = copy_pos(in, a[1], &from);
	if (r == 0)
		r = copy_pos(out, a[3], &to);
	if (r == 0 && a[5] != 0)
		r = -EINVAL;
	if (r != 0)
		return r;
	if (S_ISDIR(file_mode(in)) || S_ISDIR(file_mode(out)))
		return -EISDIR;
	if (!S_ISREG(file_mode(in)) || !S_ISREG(file_mode(out)))
		return -EINVAL;
	r = splice_check(in, out, -EBADF);
	if (r == 0 && !file_same_mount(in, out))
		r = -EXDEV;
	if (r != 0)
		return r;
	if (from + *n < from || to + *n < to)
		return -EOVERFLOW;
	*n = MIN(*n, size > from ? size - from : 0);
	if ((int64_t)to < 0) /* of no file: no limit is asked */
		return -EINVAL;
	r = fsize_cut(to, n);
	if (r != 0)
		return r;
	if (file_vmo(in) == file_vmo(out) && to + *n > from && to < from + *n)
		return -EINVAL;
	return 0;
}

/* An optional offset argument.  0, -EFAULT, -EINVAL. */
static int
offset_copyin(va_t addr, uint64_t *off)
{
	if (addr == 0)
		return 0;
	if (copyin(off, addr, sizeof(*off)) != 0)
		return -EFAULT;
	return (int64_t)*off < 0 ? -EINVAL : 0;
}

/* See filecall.h. */
int
sys_offset_copyout(va_t addr, const uint64_t *off)
{
	return addr == 0 ? 0 : copyout(addr, off, sizeof(*off));
}

static int64_t
splice(struct file *in, va_t in_addr, struct file *out, va_t out_addr, size_t n)
{
	uint64_t in_off, out_off;
	int64_t done;
	int end, r = offset_copyin(in_addr, &in_off);

	if (r == 0)
		r = offset_copyin(out_addr, &out_off);
	if (r != 0)
		return r;
	done = file_splice(in, in_addr != 0 ? &in_off : NULL, out,
	    out_addr != 0 ? &out_off : NULL, MIN(n, RW_MAX), &end);
	sys_raise_fsize(end);
	if (done < 0)
		return done;
	r = sys_offset_copyout(in_addr, &in_off);
	if (r == 0)
		r = sys_offset_copyout(out_addr, &out_off);
	return r != 0 ? r : done;
}

/* May n bytes of in be sent, from an offset or its position?  Whether out takes them
 * is asked last. */
static int
sendfile_check(struct file *in, struct file *out, bool has_off, uint64_t off,
    uint64_t n)
{
	int r;

	if (in == NULL || !sys_file_can(in, O_RDONLY))
		return -EBADF;
	if (has_off && !file_is_seekable(in) && !S_ISDIR(file_mode(in)))
		return -ESPIPE;
	if (!has_off && S_ISREG(file_mode(in)))
		off = (uint64_t)file_lseek(in, 0, SEEK_CUR);
	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EINVAL;
	r = out == NULL ? -EBADF :
	    splice_check(in, out, S_ISFIFO(file_mode(out)) ? 0 : -EINVAL);
	if (r == 0 && S_ISREG(file_mode(out)) &&
	    n > INT64_MAX - (uint64_t)file_lseek(out, 0, SEEK_CUR))
		r = -EINVAL;
	return r;
}

/* Into a pipe, as splice does it, but not from another. */
static int64_t
send_to_pipe(struct file *in, struct file *out, const uint64_t a[6])
{
	struct splice_call c = { .in = in, .out = out, .n = a[3], .sends = true };

	return sys_splice_ends(&c, a[2], 0);
}

int64_t
sys_sendfile(const uint64_t a[6])
{
	struct file *out = sys_file(a[0]), *in = sys_file(a[1]);
	uint64_t from = 0;
	int64_t r = 0;

	if (a[2] != 0 && copyin(&from, a[2], sizeof(from)) != 0)
		r = -EFAULT;
	if (r == 0)
		r = sendfile_check(in, out, a[2] != 0, from, a[3]);
	if (r == 0)
		r = S_ISFIFO(file_mode(out)) ? send_to_pipe(in, out, a) :
		    splice(in, a[2], out, 0, a[3]);
	file_put_any(in);
	file_put_any(out);
	return r;
}

int64_t
sys_copy_file_range(const uint64_t a[6])
{
	struct file *in = sys_file(a[0]), *out = sys_file(a[2]);
	int64_t r = -EBADF;
	size_t n = a[4];

	if (in != NULL && out != NULL)
		r = copy_check(in, out, a, &n);
	sys_raise_fsize(r);
	if (r == 0 && n != 0)
		r = splice(in, a[1], out, a[3], n);
	file_put_any(in);
	file_put_any(out);
	return r;
}
