/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_path.c: calls that make, remove and move names
 *
 * Problem   A dozen calls come in two or three forms each: plain, "at", with
 *           flags.  All become one struct path_at and one call of fs/.
 *
 * Picture   dirfd, user path, flags → ON_PATH: path_arg_begin → fs_NAME → path_arg_end
 *
 * Rules     1. The plain form is the "at" form with AT_FDCWD: syscalls.tab.
 *           2. Unknown flags are -EINVAL before the path is looked at.
 *
 * Read next fs/names.c, fs/namei.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define CWD ((uint64_t)AT_FDCWD)
#define MNT_FORCE 1u          /* nothing here would be aborted by it */
#define MNT_DETACH 2u         /* nothing lives on without a place */
#define UMOUNT_NOFOLLOW 8u
#define MOUNT_DATA_MAX 256

/* See filecall.h. */
int
path_arg_begin(struct path_arg *p, uint64_t dirfd, va_t upath, unsigned at_flags)
{
	ssize_t n;

	p->at = (struct path_at){ .flags = at_flags };
	p->buf = kmem_alloc(PATH_MAX);
	if (p->buf == NULL)
		return -ENOMEM;
	p->at.path = p->buf;
	n = copyin_str(p->buf, upath, PATH_MAX);
	if (n == 0 && (at_flags & AT_EMPTY_PATH) == 0)
		n = -ENOENT;
	if (n >= 0 && p->buf[0] != '/' && (int)dirfd != AT_FDCWD) {
		p->at.dirf = sys_file(dirfd);
		n = p->at.dirf == NULL ? -EBADF : n;
	}
	if (n < 0) {
		kmem_free(p->buf);
		return (int)n;
	}
	return 0;
}

/* Give back what path_arg_begin() took. */
void
path_arg_end(struct path_arg *p)
{
	file_put_any(p->at.dirf);
	kmem_free(p->buf);
}

/* ---- making ---- */

/* Anything but directories and links. */
int64_t
sys_mknodat(const uint64_t a[6])
{
	switch ((unsigned)a[2] & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return ON_PATH(a[0], a[1], 0, fs_mknod(at, (unsigned)a[2], (unsigned)a[3]));
	case S_IFDIR:
		return -EPERM;
	}
	return -EINVAL;
}

int64_t
sys_mkdirat(const uint64_t a[6])
{
	return ON_PATH(a[0], a[1], 0, fs_mknod(at, S_IFDIR | (a[2] & 01777), 0));
}

int64_t
sys_symlinkat(const uint64_t a[6])
{
	char *text = kmem_alloc(PATH_MAX);
	int64_t r;

	if (text == NULL)
		return -ENOMEM;
	r = copyin_str(text, a[0], PATH_MAX);
	if (r == 0)
		r = -ENOENT;
	if (r > 0)
		r = ON_PATH(a[1], a[2], 0, fs_symlink(text, at));
	kmem_free(text);
	return r;
}

/* path_arg_begin() of one of two: the call tells its error when it comes to it. */
static void
path_arg_try(struct path_arg *p, uint64_t dirfd, va_t upath, unsigned at_flags)
{
	int r = path_arg_begin(p, dirfd, upath, at_flags);

	if (r != 0)
		*p = (struct path_arg){ .at = { .flags = at_flags, .error = r } };
}

/* Two paths; what link and rename have in common. */
static void
two_paths_begin(struct path_arg p[2], const uint64_t a[4], unsigned at_flags)
{
	path_arg_try(&p[0], a[0], a[1], at_flags);
	path_arg_try(&p[1], a[2], a[3], 0);
}

int64_t
sys_linkat(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[4];
	struct path_arg p[2];
	int64_t r;

	if ((flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	two_paths_begin(p, a, flags);
	r = fs_link(&p[0].at, &p[1].at);
	path_arg_end(&p[1]);
	path_arg_end(&p[0]);
	return r;
}

/* ---- moving and removing ---- */

int64_t
sys_renameat2(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[4];
	struct path_arg p[2];
	int64_t r;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	two_paths_begin(p, a, 0);
	r = fs_rename(&p[0].at, &p[1].at, flags);
	path_arg_end(&p[1]);
	path_arg_end(&p[0]);
	return r;
}

int64_t
sys_unlinkat(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[2];

	return (flags & ~AT_REMOVEDIR) != 0 ? -EINVAL :
	    ON_PATH(a[0], a[1], flags, fs_unlink(at));
}

/* ---- links ---- */

int64_t
sys_readlinkat(const uint64_t a[6])
{
	int cap = (int)a[3];
	struct path_arg p;
	char *text;
	int64_t r;

	if (cap <= 0)
		return -EINVAL;
	r = path_arg_begin(&p, a[0], a[1], (int)a[0] == AT_FDCWD ? 0 : AT_EMPTY_PATH);
	if (r != 0)
		return r;
	text = kmem_alloc(PATH_MAX);
	r = text == NULL ? -ENOMEM :
	    fs_readlink(&p.at, text, MIN((size_t)cap, PATH_MAX));
	if (r > 0 && copyout(a[2], text, (size_t)r) != 0)
		r = -EFAULT;
	kmem_free(text);
	path_arg_end(&p);
	return r;
}

/* ---- where the process stands ---- */

int64_t
sys_chdir(const uint64_t a[6])
{
	return ON_PATH(CWD, a[0], 0, fs_chdir(at));
}

int64_t
sys_fchdir(const uint64_t a[6])
{
	struct path_at at = { .dirf = sys_file(a[0]), .path = "",
		.flags = AT_EMPTY_PATH };
	int64_t r;

	if (at.dirf == NULL)
		return -EBADF;
	r = fs_chdir(&at);
	file_put(at.dirf);
	return r;
}

int64_t
sys_chroot(const uint64_t a[6])
{
	return ON_PATH(CWD, a[0], 0, fs_chroot(at));
}

int64_t
sys_getcwd(const uint64_t a[6])
{
	char *buf = kmem_alloc(PATH_MAX);
	int64_t n;

	if (buf == NULL)
		return -ENOMEM;
	n = fs_getcwd(buf, PATH_MAX);
	if (n >= 0 && (uint64_t)n + 1 > a[1])
		n = -ERANGE;
	if (n >= 0) {
		n++;
		if (copyout(a[0], buf, (size_t)n) != 0)
			n = -EFAULT;
	}
	kmem_free(buf);
	return n;
}

int64_t
sys_umask(const uint64_t a[6])
{
	return fs_umask((unsigned)a[0]);
}

/* ---- mounts ---- */

/* An optional string argument.  0, -EFAULT, -EINVAL (too long). */
static int
text_copyin(char *dst, va_t src, size_t cap)
{
	ssize_t n;

	dst[0] = '\0';
	if (src == 0)
		return 0;
	n = copyin_str(dst, src, cap);
	return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? (int)n : 0;
}

struct mount_text {
	char *source;           /* PATH_MAX bytes */
	char type[32], data[MOUNT_DATA_MAX];
};

static int
mount_text_copyin(struct mount_text *t, const uint64_t a[6])
{
	int r = text_copyin(t->source, a[0], PATH_MAX);

	if (r == 0)
		r = text_copyin(t->type, a[2], sizeof(t->type));
	if (r == 0)
		r = text_copyin(t->data, a[4], sizeof(t->data));
	if (t->source[0] == '\0')
		str_copy(t->source, "none", PATH_MAX);
	return r;
}

int64_t
sys_mount(const uint64_t a[6])
{
	struct mount_text t = { .source = kmem_alloc(PATH_MAX) };
	int64_t r = t.source == NULL ? -ENOMEM : mount_text_copyin(&t, a);

	if (r == 0)
		r = ON_PATH(CWD, a[1], 0, fs_mount(t.source, at, a[2] == 0 ? NULL : t.type,
		    (unsigned)a[3], t.data));
	kmem_free(t.source);
	return r;
}

/* What is in use stays, and is -EBUSY with MNT_DETACH, too. */
int64_t
sys_umount2(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];

	if ((flags & ~(UMOUNT_NOFOLLOW | MNT_FORCE | MNT_DETACH)) != 0)
		return -EINVAL;
	return ON_PATH(CWD, a[0], (flags & UMOUNT_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0,
	    fs_umount(at));
}

int64_t
sys_swapon(const uint64_t a[6])
{
	if (((unsigned)a[1] & ~SWAP_FLAGS_VALID) != 0)
		return -EINVAL;
	return !proc_may(CAP_SYS_ADMIN) ? -EPERM :
	    ON_PATH(CWD, a[0], 0, fs_swapon(at, (unsigned)a[1]));
}

int64_t
sys_swapoff(const uint64_t a[6])
{
	return !proc_may(CAP_SYS_ADMIN) ? -EPERM : ON_PATH(CWD, a[0], 0, fs_swapoff(at));
}
