/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_file.c: read, write and their family
 *
 * Problem   A descriptor, a user buffer or a vector of them, perhaps an offset:
 *           check them in Linux's order and hand them to fs/.
 *
 * Picture   fd → file; buffer → struct uio; file_read(file, uio)
 *
 * Rules     1. One call moves at most RW_MAX bytes; after an error its result is
 *              the number of bytes moved before.
 *           2. A pipe without readers raises SIGPIPE here, also behind bytes
 *              that it took before; -EFBIG by RLIMIT_FSIZE SIGXFSZ.  fs/ knows
 *              no signals.
 *
 * Read next sys_copy.c, fs/file.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FADV_MAX 5u

/* What preadv2 and pwritev2 know; NOWAIT of some files only. */
#define RWF_HIPRI 1u             /* a hint */
#define RWF_DSYNC 2u
#define RWF_SYNC 4u
#define RWF_NOWAIT 8u
#define RWF_APPEND 16u
#define RWF_PROVIDED (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | \
    RWF_APPEND)

/* A read or write: which way, and where. */
struct rw {
	struct file *f;
	bool is_write;
	const uint64_t *off;     /* NULL: at the position */
	unsigned rwf;            /* RWF_* of this call */
};

/* A signal that the current thread has earned. */
static void
raise(int signo)
{
	struct siginfo si;

	sig_fill_user(&si, signo, 0);
	spin_lock(&proc_lock);
	(void)sig_send_task_locked(task_current(), &si);
	spin_unlock(&proc_lock);
}

/* SIGXFSZ, when r is what a call answers that would pass RLIMIT_FSIZE. */
void
sys_raise_fsize(int64_t r)
{
	if (r == -EFBIG && proc_limit(RLIMIT_FSIZE) != RLIM_INFINITY)
		raise(SIGXFSZ);
}

/* For fs/.  Locks: none. */
void
sys_no_reader(void)
{
	raise(SIGPIPE);
}

/* RLIMIT_FSIZE of the current process, for fs/.  Locks: none. */
uint64_t
sys_fsize_limit(void)
{
	return proc_limit(RLIMIT_FSIZE);
}

/*
 * The transfer itself, and the signals that go with its errors.  In line, as
 * rw_check() is: of a byte through a pipe that is a twentieth.
 */
static inline int64_t
rw_perform(const struct rw *rw, struct uio *u)
{
	ssize_t n;

	if (!rw->is_write)
		return rw->off != NULL ? file_pread(rw->f, *rw->off, u) :
		    file_read(rw->f, u);
	n = file_write_as(rw->f, rw->off, u,
	    ((rw->rwf & RWF_APPEND) != 0 ? O_APPEND : 0u) |
	    ((rw->rwf & (RWF_DSYNC | RWF_SYNC)) != 0 ? O_DSYNC : 0u));
	sys_raise_fsize(n);
	return n;
}

/* Can n bytes from addr on be the user's at all?  Mapped or not. */
static bool
is_user_range(va_t addr, uint64_t n)
{
	return addr <= MD_USER_END && n <= MD_USER_END - addr;
}

/*
 * What has no offsets is asked first, whichever end it is, then the access mode,
 * then the buffer, then whether n bytes from where the transfer begins end at a
 * number.  0, -ESPIPE, -EBADF, -EFAULT, -EINVAL.
 */
static inline int
rw_check(const struct rw *rw, va_t addr, uint64_t n)
{
	unsigned acc = file_flags(rw->f) & (O_ACCMODE | O_PATH);
	int64_t at = 0;

	if (rw->off != NULL && (acc & O_PATH) == 0 && !file_is_seekable(rw->f))
		return -ESPIPE;
	if (acc != O_RDWR && acc != (rw->is_write ? O_WRONLY : O_RDONLY))
		return -EBADF;
	if (!is_user_range(addr, n))
		return -EFAULT;
	if (rw->off != NULL)
		at = (int64_t)*rw->off;
	else if (S_ISREG(file_mode(rw->f)))
		at = (int64_t)file_position(rw->f);
	return n > INT64_MAX - (uint64_t)MAX(at, 0) ? -EINVAL : 0;
}

enum rw_way { RW_READ, RW_WRITE };

/* read, write, pread64, pwrite64: one buffer. */
static int64_t
rw_buffer(const uint64_t a[6], enum rw_way way, const uint64_t *off)
{
	struct rw rw = { sys_file(a[0]), way == RW_WRITE, off, 0 };
	struct uio u;
	int64_t r;

	if (rw.f == NULL)
		return -EBADF;
	r = rw_check(&rw, a[1], a[2]);
	if (r == 0) {
		uio_init_user(&u, a[1], MIN(a[2], RW_MAX));
		r = rw_perform(&rw, &u);
	}
	file_put(rw.f);
	return r;
}

/* Add the vector up and cut it at RW_MAX.  0, -EINVAL, -EFAULT. */
static int
iov_sum(struct uio_vec *vec, unsigned n, size_t *total)
{
	uint64_t sum = 0;
	unsigned i;

	/* As on Linux: all lengths are checked before the first address. */
	for (i = 0; i < n; i++)
		if (vec[i].len > INT64_MAX)
			return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!is_user_range(vec[i].base, vec[i].len))
			return -EFAULT;
		sum += vec[i].len;
	}
	*total = MIN(sum, RW_MAX);
	return 0;
}

_Static_assert(sizeof(struct uio_vec) == sizeof(struct abi_iovec), "same");

static size_t
vec_bytes(size_t n)
{
	return (n + 1) * sizeof(struct uio_vec);
}

void
sys_iov_free(struct uio_vec *vec, size_t n)
{
	room_free(vec, vec_bytes(n));
}

/* The caller's vector in kernel memory.  0, -EINVAL, -EFAULT, -ENOMEM. */
int
sys_iov_copyin(va_t uvec, int n, struct uio_vec **out, size_t *total)
{
	struct uio_vec *vec;
	int r;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	vec = room_alloc_raw(vec_bytes((size_t)n));
	if (vec == NULL)
		return -ENOMEM;
	r = copyin(vec, uvec, (size_t)n * sizeof(*vec));
	if (r == 0)
		r = iov_sum(vec, (unsigned)n, total);
	if (r != 0) {
		sys_iov_free(vec, (size_t)n);
		return r;
	}
	*out = vec;
	return 0;
}

/* Is there a vector behind f's reads, or writes?  Else a buffer is a call. */
static bool
takes_vector(struct file *f, enum rw_way way)
{
	enum file_knows knows = file_knows(f);

	return way == RW_READ ? knows != KNOWS_HINTS && !S_ISDIR(file_mode(f)) :
	    knows < KNOWS_READ_NOWAIT;
}

/* Does f know these flags of one call?  0, -EOPNOTSUPP. */
static int
rwf_check(struct file *f, enum rw_way way, unsigned rwf)
{
	enum file_knows knows = file_knows(f);
	unsigned all = RWF_PROVIDED;

	if (knows != KNOWS_NOWAIT && knows != KNOWS_READ_NOWAIT)
		all &= ~RWF_NOWAIT;
	if (!takes_vector(f, way))
		all = RWF_HIPRI;
	return (rwf & ~all) != 0 ? -EOPNOTSUPP : 0;
}

/* Buffer by buffer, until one is not moved whole.  Bytes, -errno of the first. */
static int64_t
rw_each(const struct rw *rw, const struct uio_vec *vec, int n)
{
	uint64_t off = rw->off != NULL ? *rw->off : 0;
	struct rw one = { rw->f, rw->is_write, rw->off != NULL ? &off : NULL, 0 };
	int64_t done = 0, r = 0;
	struct uio u;

	for (; n > 0; n--, vec++) {
		if (vec->len == 0)
			continue;
		uio_init_user(&u, vec->base, vec->len);
		r = rw_perform(&one, &u);
		if (r <= 0)
			break;
		done += r;
		off += (uint64_t)r;
		if ((uint64_t)r != vec->len)
			break;
	}
	return done > 0 ? done : r;
}

/* readv, writev, preadv, pwritev, and the two with flags. */
static int64_t
rw_vector(const uint64_t a[6], enum rw_way way, const uint64_t *off,
    unsigned rwf)
{
	struct rw rw = { sys_file(a[0]), way == RW_WRITE, off, rwf };
	int n = (int)a[2]; /* as on Linux: the upper half is ignored */
	struct uio u = { .as = as_current(), .nvec = (unsigned)n,
		.nowait = (rwf & RWF_NOWAIT) != 0 };
	struct uio_vec *vec;
	int64_t r;

	if (rw.f == NULL)
		return -EBADF;
	/* If the file cannot be read or written, or has no offsets, that error comes
	 * first: the vector is not looked at. */
	r = rw_check(&rw, 0, 0);
	if (r == 0)
		r = sys_iov_copyin(a[1], n, &vec, &u.left);
	if (r == 0) {
		u.vec = vec;
		r = rw_check(&rw, 0, u.left);
		if (r == 0 && !(rw.is_write ? file_has_write : file_has_read)(rw.f))
			r = -EINVAL;
		if (r == 0 && u.left != 0)
			r = rwf_check(rw.f, way, rwf);
		if (r == 0 && u.left != 0)
			r = takes_vector(rw.f, way) ? rw_perform(&rw, &u) :
			    rw_each(&rw, vec, n);
		sys_iov_free(vec, (size_t)n);
	}
	file_put(rw.f);
	return r;
}

int64_t
sys_read(const uint64_t a[6])
{
	return rw_buffer(a, RW_READ, NULL);
}

int64_t
sys_write(const uint64_t a[6])
{
	return rw_buffer(a, RW_WRITE, NULL);
}

int64_t
sys_pread64(const uint64_t a[6])
{
	return (int64_t)a[3] < 0 ? -EINVAL : rw_buffer(a, RW_READ, &a[3]);
}

int64_t
sys_pwrite64(const uint64_t a[6])
{
	return (int64_t)a[3] < 0 ? -EINVAL : rw_buffer(a, RW_WRITE, &a[3]);
}

int64_t
sys_preadv(const uint64_t a[6])
{
	return (int64_t)a[3] < 0 ? -EINVAL : rw_vector(a, RW_READ, &a[3], 0);
}

int64_t
sys_pwritev(const uint64_t a[6])
{
	return (int64_t)a[3] < 0 ? -EINVAL : rw_vector(a, RW_WRITE, &a[3], 0);
}

/* preadv2, pwritev2: offset -1 is the position, and the flags are of this call. */
static int64_t
rw_flagged(const uint64_t a[6], enum rw_way way)
{
	if ((int64_t)a[3] < -1)
		return -EINVAL;
	return rw_vector(a, way, (int64_t)a[3] == -1 ? NULL : &a[3],
	    (unsigned)a[5]);
}

int64_t
sys_preadv2(const uint64_t a[6])
{
	return rw_flagged(a, RW_READ);
}

int64_t
sys_pwritev2(const uint64_t a[6])
{
	return rw_flagged(a, RW_WRITE);
}

int64_t
sys_lseek(struct file *f, const uint64_t a[6])
{
	return (unsigned)a[2] > SEEK_HOLE ? -EINVAL :
	    file_lseek(f, (int64_t)a[1], (int)a[2]);
}

/* ---- size, holes, and what reaches the disk ---- */

int64_t
sys_ftruncate(const uint64_t a[6])
{
	const struct kattr attr = { .valid = ATTR_SIZE, .size = a[1] };
	struct file *f;
	int64_t r;

	if ((int64_t)a[1] < 0)
		return -EINVAL;
	f = sys_file(a[0]);
	if (f == NULL)
		return -EBADF;
	r = file_is_path(f) ? -EBADF : file_setattr(f, &attr);
	sys_raise_fsize(r);
	file_put(f);
	return r;
}

int64_t
sys_truncate(const uint64_t a[6])
{
	const struct kattr attr = { .valid = ATTR_SIZE, .size = a[1] };
	int64_t r = (int64_t)a[1] < 0 ? -EINVAL :
	    ON_PATH((uint64_t)AT_FDCWD, a[0], 0, fs_setattr(at, &attr));

	sys_raise_fsize(r);
	return r;
}

int64_t
sys_fallocate(struct file *f, const uint64_t a[6])
{
	int64_t r = file_fallocate(f, (unsigned)a[1], a[2], a[3]);

	sys_raise_fsize(r);
	return r;
}

int64_t
sys_fadvise64(struct file *f, const uint64_t a[6])
{
	if (S_ISFIFO(file_mode(f)))
		return -ESPIPE;
	return (unsigned)a[3] > FADV_MAX || (int64_t)a[2] < 0 ? -EINVAL : 0;
}

/* A hint, as POSIX_FADV_WILLNEED. */
int64_t
sys_readahead(struct file *f, const uint64_t a[6])
{
	unsigned acc = file_flags(f) & O_ACCMODE;

	if (acc != O_RDONLY && acc != O_RDWR)
		return -EBADF;
	return !S_ISREG(file_mode(f)) || (int64_t)a[2] < 0 ? -EINVAL : 0;
}

/* Pages of f, [off, end) bytes, are written; not what leads to them. */
static int
sync_range(struct file *f, uint64_t off, uint64_t end, unsigned flags)
{
	struct vmo *vmo = file_vmo(f);

	if (vmo == NULL) /* a directory, or a text of /proc: there is nothing to write */
		return S_ISDIR(file_mode(f)) || S_ISREG(file_mode(f)) ? 0 : -ESPIPE;
	if (flags == 0)
		return 0;
	return vmo_sync(vmo, off >> PAGE_SHIFT, PAGE_UP(end) >> PAGE_SHIFT);
}

int64_t
sys_sync_file_range(struct file *f, const uint64_t a[6])
{
	uint64_t end = a[1] + a[2];

	if (a[1] > INT64_MAX || a[2] > INT64_MAX || end > INT64_MAX || (a[3] & ~7ul) != 0)
		return -EINVAL;
	return sync_range(f, a[1], a[2] == 0 ? INT64_MAX : end, (unsigned)a[3]);
}

int64_t
sys_fsync(struct file *f, const uint64_t a[6])
{
	return file_sync(f);
}

/* sync(2) has no errors; who wants to know asks fsync(2). */
int64_t
sys_sync(const uint64_t a[6])
{
	(void)fs_sync(NULL);
	return 0;
}

int64_t
sys_syncfs(struct file *f, const uint64_t a[6])
{
	return fs_sync(f);
}
