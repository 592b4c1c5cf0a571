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
 * Rules     1. A file that is not there, a bad descriptor and a bad name are
 *              told as on a file system that has attributes.
 *           2. ext2's blocks of attributes stay as they are (inode.c).
 *
 * Read next sys_stat.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"

#define CWD ((uint64_t)AT_FDCWD)
#define XATTR_NAME_CAP 256u

enum xattr_call { XATTR_ONE, XATTR_LIST };

/* What a file answers that is there.  name: a user address. */
static int64_t
answer(enum xattr_call call, va_t name)
{
	char text[XATTR_NAME_CAP];
	ssize_t n;

	if (call == XATTR_LIST)
		return 0;
	n = copyin_str(text, name, sizeof(text));
	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? n : -EOPNOTSUPP;
}

static int64_t
by_path(const uint64_t a[6], unsigned flags, enum xattr_call call)
{
	struct path_arg p;
	struct kstat st;
	int64_t r = path_arg_begin(&p, CWD, a[0], flags);

	if (r != 0)
		return r;
	r = fs_stat(&p.at, &st);
	path_arg_end(&p);
	return r != 0 ? r : answer(call, a[1]);
}

static int64_t
by_fd(const uint64_t a[6], enum xattr_call call)
{
	struct file *f = sys_file(a[0]);
	int64_t r = -EBADF;

	if (f == NULL)
		return r;
	if (!file_is_path(f))
		r = answer(call, a[1]);
	file_put(f);
	return r;
}

int64_t
sys_setxattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_ONE);
}

int64_t
sys_lsetxattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_ONE);
}

int64_t
sys_fsetxattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_ONE);
}

int64_t
sys_getxattr(const uint64_t a[6])
{
	return by_path(a, 0, XATTR_ONE);
}

int64_t
sys_lgetxattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_ONE);
}

int64_t
sys_fgetxattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_ONE);
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
	return by_path(a, 0, XATTR_ONE);
}

int64_t
sys_lremovexattr(const uint64_t a[6])
{
	return by_path(a, AT_SYMLINK_NOFOLLOW, XATTR_ONE);
}

int64_t
sys_fremovexattr(const uint64_t a[6])
{
	return by_fd(a, XATTR_ONE);
}
