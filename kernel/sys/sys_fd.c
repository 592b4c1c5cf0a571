/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_fd.c: descriptors: open, close, dup, pipe, fcntl, locks
 *
 * Problem   Descriptors are given out, copied, marked and closed; fcntl has many
 *           small commands.
 *
 * Rules     A descriptor is installed last, when nothing else can fail; what was
 *           made for it is undone by file_put().
 *
 * Read next sys_ioctl.c, proc/fdtab.c, fs/open.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"

/* Install f, or put it.  The number, -EMFILE, -ENOMEM.  Locks: none. */
int64_t
sys_install(struct file *f, int min, enum fd_at_exec at_exec)
{
	int fd = fdtab_install(fdtab_current(), f, min, at_exec);

	if (fd < 0)
		file_put(f);
	return fd;
}

struct file *
sys_open_file(uint64_t fd)
{
	struct file *f = sys_file(fd);

	if (f != NULL && file_is_path(f)) {
		file_put(f);
		f = NULL;
	}
	return f;
}

/* See sys.h. */
int64_t
sys_put_after(struct file *f, int64_t r)
{
	file_put(f);
	return r;
}

int64_t
sys_with_file(sys_file_fn *fn, const uint64_t a[6])
{
	struct file *f = sys_file(a[0]);

	return f == NULL ? -EBADF : sys_put_after(f, fn(f, a));
}

int64_t
sys_with_open(sys_file_fn *fn, const uint64_t a[6])
{
	struct file *f = sys_open_file(a[0]);

	return f == NULL ? -EBADF : sys_put_after(f, fn(f, a));
}

/* See filecall.h. */
int
sys_open_path(struct path_arg *p, uint64_t dirfd, va_t path)
{
	int r = path_arg_begin(p, dirfd, path, 0);

	if ((r == 0 || r == -EBADF) && !fdtab_has_room(fdtab_current())) {
		if (r == 0)
			path_arg_end(p);
		return -EMFILE;
	}
	return r;
}

/* See filecall.h. */
unsigned
sys_open_flags(unsigned flags)
{
	flags &= OPEN_KNOWN;
	if ((flags & O_SYNC & ~(unsigned)O_DSYNC) != 0)
		flags |= O_DSYNC;
	return (flags & O_PATH) != 0 ? flags : flags | O_LARGEFILE;
}

int64_t
sys_openat(const uint64_t a[6])
{
	unsigned flags = sys_open_flags((unsigned)a[2]);
	struct path_arg p;
	struct file *f;
	int64_t r = fs_open_check(flags);

	if (r == 0)
		r = sys_open_path(&p, a[0], a[1]);
	if (r != 0)
		return r;
	r = fs_open(&p.at, flags, (unsigned)a[3], &f);
	path_arg_end(&p);
	return r != 0 ? r : sys_install(f, 0, sys_at_exec(flags));
}

int64_t
sys_close(const uint64_t a[6])
{
	return fdtab_close(fdtab_current(), (int)a[0]);
}

int64_t
sys_close_range(const uint64_t a[6])
{
	unsigned first = (unsigned)a[0], last = (unsigned)a[1];
	unsigned flags = (unsigned)a[2];
	struct fdtab *t;
	struct file *f;
	int fd, r = 0;

	if (first > last ||
	    (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) != 0)
		r = proc_unshare_files();
	if (r != 0 || first > INT32_MAX)
		return r;
	t = fdtab_current();
	fd = (int)first;
	while ((fd = fdtab_next(t, fd, &f)) >= 0 && (unsigned)fd <= last) {
		/* If another thread has closed it meanwhile, nothing is left to do. */
		if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
			(void)fdtab_set_cloexec(t, fd, FD_CLOSES);
		else
			(void)fdtab_close(t, fd);
		file_put(f);
		fd++;
	}
	if (fd >= 0)
		file_put(f);
	return 0;
}

int64_t
sys_unshare(const uint64_t a[6])
{
	const uint64_t alone = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	uint64_t what = a[0];
	int r = 0;

	/* As on Linux: all threads of a process have the same user namespace. */
	if ((what & CLONE_NEWUSER) != 0)
		what |= CLONE_THREAD;
	if ((what & ~(alone | CLONE_NAMESPACES | CLONE_FS | CLONE_FILES |
	    CLONE_SYSVSEM)) != 0 ||
	    ((what & alone) != 0 && !proc_shares_nothing()))
		return -EINVAL;
	if ((what & CLONE_NAMESPACES) != 0)
		return -EPERM; /* there are no namespaces: as if the right were missing */
	if ((what & CLONE_FS) != 0)
		r = proc_unshare_place();
	if (r == 0 && (what & CLONE_FILES) != 0)
		r = proc_unshare_files();
	if (r == 0 && (what & CLONE_SYSVSEM) != 0)
		proc_unshare_undo();
	return r;
}

int64_t
sys_dup(const uint64_t a[6])
{
	struct file *f = sys_file(a[0]);

	return f == NULL ? -EBADF : sys_install(f, 0, FD_STAYS);
}

static int64_t
dup_to(uint64_t from, int to, enum fd_at_exec at_exec)
{
	struct file *f = sys_file(from);
	int r;

	if (f == NULL)
		return -EBADF;
	r = fdtab_replace(fdtab_current(), to, f, at_exec);
	if (r != 0)
		file_put(f);
	return r != 0 ? r : to;
}

int64_t
sys_dup2(const uint64_t a[6])
{
	struct file *f;

	if ((int)a[0] != (int)a[1])
		return dup_to(a[0], (int)a[1], FD_STAYS);
	f = sys_file(a[0]);
	if (f == NULL)
		return -EBADF;
	file_put(f);
	return (int)a[1];
}

int64_t
sys_dup3(const uint64_t a[6])
{
	if (((unsigned)a[2] & ~O_CLOEXEC) != 0 || (int)a[0] == (int)a[1])
		return -EINVAL;
	return dup_to(a[0], (int)a[1], sys_at_exec((unsigned)a[2]));
}

/* See filecall.h. */
int64_t
sys_install_two(struct file *const f[2], enum fd_at_exec at_exec, va_t out)
{
	int32_t fds[2];
	int64_t r = sys_install(f[0], 0, at_exec);

	if (r < 0) {
		file_put(f[1]);
		return r;
	}
	fds[0] = (int32_t)r;
	r = sys_install(f[1], 0, at_exec);
	fds[1] = (int32_t)r;
	if (r >= 0) {
		r = copyout(out, fds, sizeof(fds));
		if (r == 0)
			return 0;
		(void)fdtab_close(fdtab_current(), fds[1]);
	}
	(void)fdtab_close(fdtab_current(), fds[0]);
	return r;
}

int64_t
sys_pipe2(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	struct file *f[2];
	int r;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL)) != 0)
		return -EINVAL;
	if ((flags & O_EXCL) != 0) /* O_NOTIFICATION_PIPE: not provided */
		return -ENOPKG;
	r = pipe_create(flags & (O_NONBLOCK | O_DIRECT), &f[0], &f[1]);
	return r != 0 ? r : sys_install_two(f, sys_at_exec(flags), a[0]);
}

int64_t
sys_memfd_create(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	char name[MEMFD_NAME_MAX + 2];
	struct file *f;
	ssize_t n;
	int r;

	if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0)
		return -EINVAL;
	n = copyin_str(name, a[0], sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	r = fs_memfd(name, (flags & MFD_ALLOW_SEALING) != 0 ? MEMFD_SEALABLE :
	    MEMFD_SEALED, &f);
	return r != 0 ? r : sys_install(f, 0,
	    (flags & MFD_CLOEXEC) != 0 ? FD_CLOSES : FD_STAYS);
}

/* ---- record locks ---- */

/* start and len of a struct flock → [start, end).  0, -EINVAL, -EOVERFLOW. */
static int
flock_range(struct file *f, const struct abi_flock *fl, struct krange *k)
{
	int64_t base = 0, start;

	if (fl->whence == SEEK_CUR)
		base = file_lseek(f, 0, SEEK_CUR);
	else if (fl->whence == SEEK_END)
		base = (int64_t)file_size(f);
	else if (fl->whence != SEEK_SET)
		return -EINVAL;
	if (base < 0)
		base = 0;
	if (fl->start > INT64_MAX - base)
		return -EOVERFLOW;
	start = base + fl->start;
	if (start < 0 || (fl->len < 0 && start + fl->len < 0))
		return -EINVAL;
	if (fl->len > 0 && fl->len - 1 > INT64_MAX - start)
		return -EOVERFLOW;
	k->start = (uint64_t)(fl->len < 0 ? start + fl->len : start);
	k->end = (uint64_t)start + (fl->len < 0 ? 0 : (uint64_t)fl->len);
	/* A range up to the largest possible offset is a range to the end of the file. */
	if (fl->len == 0 || k->end > INT64_MAX)
		k->end = UINT64_MAX;
	return 0;
}

/* F_GETLK: tell the lock in the way, or F_UNLCK. */
static int64_t
getlk(struct file *f, const void *owner, struct abi_flock *fl, struct krange *k,
    va_t out)
{
	if (file_test_range(f, owner, k)) {
		fl->type = k->exclusive ? F_WRLCK : F_RDLCK;
		fl->whence = SEEK_SET;
		fl->start = (int64_t)k->start;
		fl->len = k->end == UINT64_MAX ? 0 :
		    (int64_t)(k->end - k->start);
		fl->pid = k->pid;
	} else {
		fl->type = F_UNLCK;
	}
	return copyout(out, fl, sizeof(*fl));
}

/* May f be locked so?  A shared lock wants it readable, the other writable. */
static int
lock_mode_check(struct file *f, int type)
{
	unsigned acc = file_flags(f) & O_ACCMODE;

	if (type == F_RDLCK)
		return acc == O_RDONLY || acc == O_RDWR ? 0 : -EBADF;
	if (type == F_WRLCK)
		return acc == O_WRONLY || acc == O_RDWR ? 0 : -EBADF;
	return type == F_UNLCK ? 0 : -EINVAL;
}

/*
 * A process has its lock.  If fd was closed meanwhile, the close dropped the
 * locks that there were, before this one came: nobody would drop it.
 *
 * Returns:  0, -EBADF (given back).
 */
static int
lock_confirm(struct file *f, int fd, const struct krange *k)
{
	struct fdtab *t = fdtab_current();
	struct file *now = fdtab_file(t, fd);

	/* If there is no memory to unlock a part, drop all locks of the owner, as the
	 * close would have done. */
	if (now != f && file_unlock_range(f, t, k->start, k->end) != 0)
		file_unlock_owner(f, t);
	file_put_any(now);
	return now == f ? 0 : -EBADF;
}

/* The six lock commands of fcntl. */
static int64_t
fcntl_lock(struct file *f, int fd, int cmd, va_t arg)
{
	bool ofd = cmd >= F_OFD_GETLK;
	bool asks = cmd == F_GETLK || cmd == F_OFD_GETLK;
	const void *owner = ofd ? (const void *)f : fdtab_current();
	struct abi_flock fl;
	struct krange k;
	int r;

	if (copyin(&fl, arg, sizeof(fl)) != 0)
		return -EFAULT;
	if (asks && fl.type != F_RDLCK && fl.type != F_WRLCK)
		return -EINVAL;
	r = flock_range(f, &fl, &k);
	if (r == 0 && !asks)
		r = lock_mode_check(f, fl.type);
	if (r == 0 && ofd && fl.pid != 0)
		r = -EINVAL;
	if (r != 0)
		return r;
	k.exclusive = fl.type == F_WRLCK;
	k.pid = ofd ? -1 : proc_current()->pid;
	if (asks)
		return getlk(f, owner, &fl, &k, arg);
	if (fl.type == F_UNLCK)
		return file_unlock_range(f, owner, k.start, k.end);
	r = file_lock_range(f, owner, &k,
	    cmd == F_SETLK || cmd == F_OFD_SETLK ? LOCK_NOWAIT : LOCK_WAIT);
	return r == 0 && !ofd ? lock_confirm(f, fd, &k) : r;
}

int64_t
sys_flock(const uint64_t a[6])
{
	struct file *f;
	int64_t r;

	/* LOCK_MAND asked for share modes; Linux 6.1 accepts it and does nothing. */
	if (((unsigned)a[1] & LOCK_MAND) != 0)
		return 0;
	if (!flock_is_op((int)a[1]))
		return -EINVAL;
	f = sys_file(a[0]);
	if (f == NULL)
		return -EBADF;
	r = file_is_path(f) ? -EBADF : file_flock(f, (int)a[1]);
	file_put(f);
	return r;
}

/* ---- fcntl ---- */

static int64_t
fcntl_dup(struct file *f, uint64_t min, enum fd_at_exec at_exec)
{
	if (min > INT32_MAX)
		return -EINVAL;
	file_get(f);
	return sys_install(f, (int)min, at_exec);
}

/* F_SETFL: bits that cannot be changed are ignored, but for two. */
static int64_t
set_flags(struct file *f, int fd, unsigned flags)
{
	const struct cred *c = fs_cred();
	unsigned now = file_flags(f);
	uint32_t marks;
	int r;

	if (((flags ^ now) & O_APPEND) != 0 && file_fsflags(f, &marks) == 0 &&
	    (marks & FS_APPEND_FL) != 0)
		return -EPERM;
	if ((flags & ~now & O_NOATIME) != 0 && !cred_may(c, CAP_FOWNER) &&
	    c->fsuid != file_uid(f))
		return -EPERM;
	if ((flags & O_DIRECT) != 0 && !file_takes_direct(f))
		return -EINVAL;
	r = sys_set_async(f, fd, (flags & O_ASYNC) != 0);
	if (r != 0 && r != -ENOTTY) /* -ENOTTY: f never tells, and O_ASYNC stays off */
		return r;
	file_set_flags(f, flags);
	return 0;
}

/* What an O_PATH descriptor does not answer. */
static int64_t
fcntl_file(struct file *f, int fd, int cmd, uint64_t arg)
{
	if (file_is_path(f))
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, fd, (unsigned)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(f, fd, cmd, arg);
	case F_GETPIPE_SZ:
		return pipe_size(f);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg);
	case F_GET_SEALS:
		return file_seals(f);
	case F_ADD_SEALS:
		return file_add_seals(f, (unsigned)arg);
	}
	return fcntl_owner(f, cmd, arg);
}

static int64_t
fcntl_any(struct file *f, int fd, int cmd, uint64_t arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_dup(f, arg,
		    cmd == F_DUPFD_CLOEXEC ? FD_CLOSES : FD_STAYS);
	case F_GETFD:
		return fdtab_cloexec(fdtab_current(), fd);
	case F_SETFD:
		return fdtab_set_cloexec(fdtab_current(), fd,
		    (arg & FD_CLOEXEC) != 0 ? FD_CLOSES : FD_STAYS);
	case F_GETFL:
		return file_flags(f);
	}
	return fcntl_file(f, fd, cmd, arg);
}

int64_t
sys_fcntl(struct file *f, const uint64_t a[6])
{
	return fcntl_any(f, (int)a[0], (int)a[1], a[2]);
}
