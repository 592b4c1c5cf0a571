/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_stat.c: attributes of a file: stat, access, chmod …; directories
 *
 * Problem   struct stat, statx, statfs and directory entries have layouts that
 *           programs know; fs/ has its own.
 *
 * Rules     1. Every byte of a layout is set before it is copied out: padding
 *              shows nothing of the kernel.
 *           2. A directory entry is copied out whole or not at all.
 *
 * Read next fs/attr.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define CWD ((uint64_t)AT_FDCWD)
#define AT_NO_AUTOMOUNT 0x800u   /* accepted: nothing is mounted by itself */
#define AT_STATX_SYNC 0x6000u
#define STAT_FLAGS \
	(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC)
#define USEC 1000000l

static struct abi_timespec
kts_to_abi(struct kts t)
{
	return (struct abi_timespec){ t.sec, t.nsec };
}

/* See filecall.h. */
struct kts
abi_to_kts(const struct abi_timespec *t)
{
	return (struct kts){ t->sec, (uint32_t)t->nsec };
}

/* ---- stat ---- */

static int64_t
stat_copyout(va_t out, const struct kstat *st)
{
	const struct abi_stat s = {
		.dev = st->dev, .ino = st->ino, .nlink = st->nlink,
		.mode = st->mode, .uid = st->uid, .gid = st->gid,
		.rdev = st->rdev, .size = (int64_t)st->size,
		.blksize = st->blksize, .blocks = (int64_t)st->blocks,
		.atime = kts_to_abi(st->atime), .mtime = kts_to_abi(st->mtime),
		.ctime = kts_to_abi(st->ctime),
	};

	return copyout(out, &s, sizeof(s));
}

/* stat by path or, AT_EMPTY_PATH, by descriptor. */
static int64_t
kstat_at(uint64_t dirfd, va_t path, unsigned flags, struct kstat *st)
{
	return ON_PATH(dirfd, path, flags, fs_stat(at, st));
}

int64_t
sys_newfstatat(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	struct kstat st;
	int64_t r;

	if ((flags & ~STAT_FLAGS) != 0)
		return -EINVAL;
	r = kstat_at(a[0], a[1], flags, &st);
	return r != 0 ? r : stat_copyout(a[2], &st);
}

int64_t
sys_fstat(struct file *f, const uint64_t a[6])
{
	struct kstat st;
	int64_t r = file_stat(f, &st);

	return r != 0 ? r : stat_copyout(a[1], &st);
}

static struct abi_statx_time
kts_to_statx(struct kts t)
{
	return (struct abi_statx_time){ t.sec, t.nsec, 0 };
}

int64_t
sys_statx(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[2], mask = (unsigned)a[3];
	struct abi_statx s = { .mask = STATX_BASIC | STATX_MNT_ID,
		.attributes_mask = STATX_ATTR_MOUNT_ROOT };
	struct kstat st;
	int64_t r;

	if ((flags & ~(STAT_FLAGS | AT_STATX_SYNC)) != 0 ||
	    (flags & AT_STATX_SYNC) == AT_STATX_SYNC ||
	    (mask & STATX_RESERVED) != 0)
		return -EINVAL;
	r = kstat_at(a[0], a[1], flags & ~AT_STATX_SYNC, &st);
	if (r != 0)
		return r;
	if (st.is_root)
		s.attributes = STATX_ATTR_MOUNT_ROOT;
	s.attributes |= st.fsflags & STATX_ATTR_FLAGS;
	s.attributes_mask |= st.fsflags_kept & STATX_ATTR_FLAGS;
	if (st.btime.sec != 0 || st.btime.nsec != 0)
		s.mask |= mask & STATX_BTIME;
	s.blksize = st.blksize;
	s.nlink = st.nlink;
	s.uid = st.uid;
	s.gid = st.gid;
	s.mode = (uint16_t)st.mode;
	s.ino = st.ino;
	s.size = st.size;
	s.blocks = st.blocks;
	s.atime = kts_to_statx(st.atime);
	s.btime = kts_to_statx(st.btime);
	s.ctime = kts_to_statx(st.ctime);
	s.mtime = kts_to_statx(st.mtime);
	s.rdev_major = dev_major(st.rdev);
	s.rdev_minor = dev_minor(st.rdev);
	s.dev_major = dev_major(st.dev);
	s.dev_minor = dev_minor(st.dev);
	s.mnt_id = st.mount;
	return copyout(a[4], &s, sizeof(s));
}

static int64_t
statfs_copyout(va_t out, const struct kstatfs *st)
{
	const struct abi_statfs s = {
		.type = (int64_t)st->type, .bsize = (int64_t)st->bsize,
		.frsize = (int64_t)st->bsize, .blocks = (int64_t)st->blocks,
		.bfree = (int64_t)st->bfree, .bavail = (int64_t)st->bavail,
		.files = (int64_t)st->files, .ffree = (int64_t)st->ffree,
		.fsid = { (int32_t)st->fsid, 0 },
		.namelen = (int64_t)st->namelen, .flags = (int64_t)st->flags,
	};

	return copyout(out, &s, sizeof(s));
}

int64_t
sys_statfs(const uint64_t a[6])
{
	struct kstatfs st;
	int64_t r = ON_PATH(CWD, a[0], 0, fs_statfs(at, &st));

	return r != 0 ? r : statfs_copyout(a[1], &st);
}

int64_t
sys_fstatfs(struct file *f, const uint64_t a[6])
{
	struct kstatfs st;
	int64_t r = file_statfs(f, &st);

	return r != 0 ? r : statfs_copyout(a[1], &st);
}

/* ---- access ---- */

int64_t
sys_faccessat2(const uint64_t a[6])
{
	unsigned want = (unsigned)a[2], flags = (unsigned)a[3];

	if ((want & ~7u) != 0 || (flags & ~(unsigned)(AT_EACCESS |
	    AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	return ON_PATH(a[0], a[1], flags, fs_access(at, want));
}

/* ---- directories ---- */

/* Entries go straight to the user's buffer. */
struct dents {
	struct dirsink sink;
	struct uio u;
	int error;               /* why it ended before anything was put */
	bool old;                /* the kind of a name is its entry's last byte */
};

static int
dent_emit(struct dirsink *sink, const struct dirsink_entry *e)
{
	struct dents *d = CONTAINER_OF(sink, struct dents, sink);
	union {
		struct abi_dirent de;
		char bytes[offsetof(struct abi_dirent, name) + NAME_MAX + 9];
	} b;
	size_t n = (offsetof(struct abi_dirent, name) + e->len + 1 + 7) & ~7ul;
	size_t done = d->u.done;

	if (n > d->u.left) {
		d->error = d->u.done == 0 ? -EINVAL : 0;
		return 1;
	}
	memset(&b, 0, n);
	b.de.ino = e->ino;
	b.de.off = e->next;
	b.de.reclen = (uint16_t)n;
	b.bytes[d->old ? n - 1 : offsetof(struct abi_dirent, type)] =
	    (char)(e->mode >> 12);
	memcpy(d->old ? (char *)&b.de.type : b.de.name, e->name, e->len);
	if (uio_put(&d->u, &b, n) == (ssize_t)n)
		return 0;
	d->error = done == 0 ? -EFAULT : 0;
	d->u.done = done;
	return 1;
}

static int64_t
dents_read(const uint64_t a[6], struct dents *d)
{
	struct file *f = sys_file(a[0]);
	int64_t r;

	if (f == NULL)
		return -EBADF;
	/* A negative length counts as 0, which is too short for any name. */
	uio_init_user(&d->u, a[1], (unsigned)MAX((int)a[2], 0));
	r = file_readdir(f, &d->sink);
	file_put(f);
	/* If some entries were written before the error, the next call reports it. */
	if (r < 0 && d->u.done != 0)
		r = 0;
	if (r == 0)
		r = d->error;
	return r != 0 ? r : (int64_t)d->u.done;
}

int64_t
sys_getdents(const uint64_t a[6])
{
	struct dents d = { .sink.emit = dent_emit, .old = true };

	return dents_read(a, &d);
}

int64_t
sys_getdents64(const uint64_t a[6])
{
	struct dents d = { .sink.emit = dent_emit };

	return dents_read(a, &d);
}

/* ---- changing attributes ---- */

static int64_t
setattr_at(uint64_t dirfd, va_t path, unsigned flags, const struct kattr *attr)
{
	return ON_PATH(dirfd, path, flags, fs_setattr(at, attr));
}

static int64_t
setattr_fd(uint64_t fd, const struct kattr *attr)
{
	struct file *f = sys_file(fd);
	int64_t r;

	if (f == NULL)
		return -EBADF;
	r = file_is_path(f) ? -EBADF : file_setattr(f, attr);
	file_put(f);
	return r;
}

static struct kattr
attr_mode(uint64_t mode)
{
	return (struct kattr){ .valid = ATTR_MODE, .mode = mode & S_PERM };
}

int64_t
sys_fchmodat(const uint64_t a[6])
{
	const struct kattr attr = attr_mode(a[2]);

	return setattr_at(a[0], a[1], 0, &attr);
}

int64_t
sys_fchmod(const uint64_t a[6])
{
	const struct kattr attr = attr_mode(a[1]);

	return setattr_fd(a[0], &attr);
}

/* -1 leaves an id alone. */
static struct kattr
attr_owner(uint64_t uid, uint64_t gid)
{
	struct kattr attr = { .uid = (uint32_t)uid, .gid = (uint32_t)gid };

	attr.valid = ATTR_CHOWN | ((uint32_t)uid != UINT32_MAX ? ATTR_UID : 0) |
	    ((uint32_t)gid != UINT32_MAX ? ATTR_GID : 0);
	return attr;
}

int64_t
sys_fchown(const uint64_t a[6])
{
	const struct kattr attr = attr_owner(a[1], a[2]);

	return setattr_fd(a[0], &attr);
}

int64_t
sys_fchownat(const uint64_t a[6])
{
	const struct kattr attr = attr_owner(a[2], a[3]);
	unsigned flags = (unsigned)a[4];

	if ((flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	return setattr_at(a[0], a[1], flags, &attr);
}

/* One of the two times of utimensat.  0, -EINVAL. */
static int
time_decode(const struct abi_timespec *t, unsigned set, unsigned now,
    struct kts *out, unsigned *valid)
{
	if (t->nsec == UTIME_NOW)
		*valid |= now;
	else if (t->nsec == UTIME_OMIT)
		return 0;
	else if (t->nsec < 0 || t->nsec >= (int64_t)NS_PER_S)
		return -EINVAL;
	else
		*valid |= set;
	*out = abi_to_kts(t);
	return 0;
}

static int
times_copyin(va_t utimes, struct kattr *attr)
{
	struct abi_timespec t[2];
	int r;

	if (utimes == 0) {
		attr->valid = ATTR_NOW_A | ATTR_NOW_M;
		return 0;
	}
	if (copyin(t, utimes, sizeof(t)) != 0)
		return -EFAULT;
	r = time_decode(&t[0], ATTR_ATIME, ATTR_NOW_A, &attr->atime,
	    &attr->valid);
	if (r == 0)
		r = time_decode(&t[1], ATTR_MTIME, ATTR_NOW_M, &attr->mtime,
		    &attr->valid);
	return r;
}

/* Times that are none; what is not there at all is told before that. */
static int64_t
times_refused(const uint64_t a[6], unsigned flags)
{
	struct kstat st;
	int64_t r = a[1] == 0 ? -EINVAL : kstat_at(a[0], a[1], flags, &st);

	return r != 0 ? r : -EINVAL;
}

int64_t
sys_utimensat(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	struct kattr attr = { .valid = 0 };
	int64_t r;

	r = times_copyin(a[2], &attr);
	/* If both times are UTIME_OMIT, the other arguments are not looked at. */
	if (r == -EFAULT || (r == 0 && attr.valid == 0 && a[2] != 0))
		return r;
	if ((flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	if (r != 0)
		return times_refused(a, flags);
	/* Without a path the call is the C library's futimens(). */
	if (a[1] == 0 && (int)a[0] != AT_FDCWD)
		return flags != 0 ? -EINVAL : setattr_fd(a[0], &attr);
	return setattr_at(a[0], a[1], flags, &attr);
}

/* The times of the older calls; at 0: now.  0, -EFAULT, -EINVAL. */
static int
timevals_copyin(va_t at, struct kattr *attr)
{
	struct abi_timeval t[2];
	int i;

	attr->valid = ATTR_NOW_A | ATTR_NOW_M;
	if (at == 0)
		return 0;
	if (copyin(t, at, sizeof(t)) != 0)
		return -EFAULT;
	for (i = 0; i < 2; i++)
		if (t[i].usec < 0 || t[i].usec >= USEC)
			return -EINVAL;
	attr->valid = ATTR_ATIME | ATTR_MTIME;
	attr->atime = (struct kts){ t[0].sec, (uint32_t)t[0].usec * 1000 };
	attr->mtime = (struct kts){ t[1].sec, (uint32_t)t[1].usec * 1000 };
	return 0;
}

/* No path: the descriptor itself. */
int64_t
sys_futimesat(const uint64_t a[6])
{
	struct kattr attr = { .valid = 0 };
	int r = timevals_copyin(a[2], &attr);

	if (r != 0)
		return r;
	if (a[1] == 0 && (int)a[0] != AT_FDCWD)
		return setattr_fd(a[0], &attr);
	return setattr_at(a[0], a[1], 0, &attr);
}

/* Whole seconds. */
int64_t
sys_utime(const uint64_t a[6])
{
	struct kattr attr = { .valid = ATTR_NOW_A | ATTR_NOW_M };
	int64_t t[2];

	if (a[1] != 0) {
		if (copyin(t, a[1], sizeof(t)) != 0)
			return -EFAULT;
		attr.valid = ATTR_ATIME | ATTR_MTIME;
		attr.atime = (struct kts){ t[0], 0 };
		attr.mtime = (struct kts){ t[1], 0 };
	}
	return setattr_at(CWD, a[0], 0, &attr);
}
