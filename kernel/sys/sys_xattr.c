/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_xattr.c: extended attributes, of which there are none
 *
 * Problem   cp -a, ls and tar ask every file for its attributes and carry on
 *           when the file system has none; they stop when the call is
 *           unknown.
 *
 * Picture   path or descriptor ─→ is it there? ─→ list: 0 bytes
 *                                              └→ get, set, remove: -EOPNOTSUPP
 *
 * Rules     1. A missing file, a bad descriptor and a bad name get the same errors
 *              as on a file system that has attributes.
 *           2. Missing rights and wrong arguments are reported before that.
 *           3. ext2's blocks of attributes stay as they are (inode.c).
 *
 * Read next sys_stat.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define CWD ((uint64_t)AT_FDCWD)
#define XATTR_NAME_CAP 256u

#define XATTR_SIZE_MAX 65536u
#define XATTR_FLAGS 3u          /* CREATE, REPLACE */
#define ST_RDONLY 1u

enum xattr_call { XATTR_SET, XATTR_GET, XATTR_REMOVE, XATTR_LIST };

static bool
starts_with(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Can the value of setxattr be read?  0, -EFAULT, -ENOMEM. */
static int
value_check(va_t value, uint64_t n)
{
	void *copy = room_alloc(n + 1);
	int r;

	if (copy == NULL)
		return -ENOMEM;
	r = copyin(copy, value, n);
	room_free(copy, n + 1);
	return r;
}

/* May name be read or changed there?  0 if only the attribute is missing. */
static int
name_permit(const struct path_at *at, const char *name, const struct kstat *st,
    bool write)
{
	struct path_at real = *at;

	if (starts_with(name, "security.") || starts_with(name, "system."))
		return 0;
	if (starts_with(name, "trusted."))
		return proc_may(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (starts_with(name, "user.")) {
		if (!S_ISREG(st->mode) && !S_ISDIR(st->mode))
			return write ? -EPERM : -ENODATA;
		if (write && S_ISDIR(st->mode) && (st->mode & S_ISVTX) != 0 &&
		    !proc_may(CAP_FOWNER) && fs_cred()->fsuid != st->uid)
			return -EPERM;
	}
	real.flags |= AT_EACCESS;
	return fs_access(&real, write ? 2 : 4);
}

/* What a file answers that is there.  a: from the call, a[1] the name. */
static int64_t
answer(const struct path_at *at, const uint64_t a[6], enum xattr_call call)
{
	char name[XATTR_NAME_CAP];
	struct kstatfs fs;
	struct kstat st;
	int64_t r = fs_stat(at, &st);

	if (r != 0 || call == XATTR_LIST)
		return r;
	r = call == XATTR_GET ? 0 : fs_statfs(at, &fs);
	if (r == 0 && call != XATTR_GET && (fs.flags & ST_RDONLY) != 0)
		r = -EROFS;
	if (r == 0 && call == XATTR_SET && ((unsigned)a[4] & ~XATTR_FLAGS) != 0)
		r = -EINVAL;
	if (r != 0)
		return r;
	r = copyin_str(name, a[1], sizeof(name));
	if (r <= 0)
		return r == -ENAMETOOLONG || r == 0 ? -ERANGE : r;
	r = 0;
	if (call == XATTR_SET)
		r = a[3] > XATTR_SIZE_MAX ? -E2BIG : value_check(a[2], a[3]);
	if (r == 0)
		r = name_permit(at, name, &st, call != XATTR_GET);
	return r != 0 ? r : -EOPNOTSUPP;
}

static int64_t
by_path(const uint64_t a[6], unsigned flags, enum xattr_call call)
{
	return ON_PATH(CWD, a[0], flags, answer(at, a, call));
}

static int64_t
by_fd(const uint64_t a[6], enum xattr_call call)
{
	const struct path_at at = { .dirf = sys_file(a[0]), .path = "",
		.flags = AT_EMPTY_PATH };
	int64_t r = -EBADF;

	if (at.dirf == NULL)
		return r;
	if (!file_is_path(at.dirf))
		r = answer(&at, a, call);
	file_put(at.dirf);
	return r;
}

int64_t
sys_setxattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_SET);
}

int64_t
sys_lsetxattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_SET);
}

int64_t
sys_fsetxattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_SET);
}

int64_t
sys_getxattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_GET);
}

int64_t
sys_lgetxattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_GET);
}

int64_t
sys_fgetxattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_GET);
}

int64_t
sys_listxattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_LIST);
}

int64_t
sys_llistxattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_LIST);
}

int64_t
sys_flistxattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_LIST);
}

int64_t
sys_removexattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_REMOVE);
}

int64_t
sys_lremovexattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_REMOVE);
}

int64_t
sys_fremovexattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_REMOVE);
}
