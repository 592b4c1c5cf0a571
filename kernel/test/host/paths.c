/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paths.c: the file system's calls by path, from /
 *
 * Read next t_fs.c, t_fs_names.c.
 */
#include "test/host/paths.h"

struct path_at
at(const char *path)
{
	return (struct path_at){ .path = path };
}

struct path_at
at_flags(const char *path, unsigned flags)
{
	return (struct path_at){ .path = path, .flags = flags };
}

int
path_mkdir(const char *path)
{
	struct path_at p = at(path);

	return fs_mknod(&p, S_IFDIR | 0755, 0);
}

int
path_open(const char *path, unsigned flags, struct file **f)
{
	struct path_at p = at(path);

	return fs_open(&p, flags, 0644, f);
}

int
path_touch(const char *path)
{
	struct file *f;
	int r = path_open(path, O_CREAT | O_WRONLY, &f);

	if (r == 0)
		file_put(f);
	return r;
}

int
path_unlink(const char *path)
{
	struct path_at p = at(path);

	return fs_unlink(&p);
}

int
path_rmdir(const char *path)
{
	struct path_at p = at_flags(path, AT_REMOVEDIR);

	return fs_unlink(&p);
}

int
path_rename(const char *from, const char *to)
{
	struct path_at p = at(from), q = at(to);

	return fs_rename(&p, &q, 0);
}

int
path_link(const char *from, const char *to)
{
	struct path_at p = at(from), q = at(to);

	return fs_link(&p, &q);
}

int
path_symlink(const char *target, const char *path)
{
	struct path_at p = at(path);

	return fs_symlink(target, &p);
}

int
path_stat(const char *path, struct kstat *st)
{
	struct path_at p = at_flags(path, AT_SYMLINK_NOFOLLOW);

	return fs_stat(&p, st);
}

ssize_t
plain_write(struct file *f, const void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)buf, n);
	return file_write(f, &u);
}

ssize_t
plain_read(struct file *f, void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return file_read(f, &u);
}
