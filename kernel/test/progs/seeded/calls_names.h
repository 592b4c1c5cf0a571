/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_names.h: names, folders, rights, and what stat(2) says
 */
#ifndef SEEDED_CALLS_NAMES_H
#define SEEDED_CALLS_NAMES_H

#include "calls.h"
#include <dirent.h>

/* What utimensat(2) has set is small; all else is today. */
#define LONG_AGO 1000000

/* What musl does not know: of renameat2(2). */
#define EXCHANGE 2

static void
show_time(const struct timespec *t)
{
	if (t->tv_sec > LONG_AGO)
		say(" now");
	else
		say(" %ld.%ld", (long)t->tv_sec, t->tv_nsec);
}

/* A device's rights are others', too; anonymous files are all one inode. */
static bool
has_own_rights(int fd)
{
	return !is_terminal(fd) && !is_anonymous(fd);
}

static void
show_stat(const struct stat *st)
{
	mode_t kind = st->st_mode & S_IFMT;
	bool alone = kind != S_IFCHR && kind != 0;

	say(" %o", alone ? st->st_mode : kind);
	if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK)
		return;
	say(" %ld %d:%d", (long)st->st_nlink, st->st_uid, st->st_gid);
	if (kind != S_IFDIR)
		say(" %ld", (long)st->st_size);
	if (!shared->sent)
		show_time(&st->st_atim);
	show_time(&st->st_mtim);
	show_time(&st->st_ctim);
}

static void
op_fstat(void)
{
	int fd = any_fd();
	struct stat st;

	say("fstat %d", fd);
	if (tell(fstat(fd, &st)) == 0)
		show_stat(&st);
}

static void
op_stat(void)
{
	const char *name = any_name();
	struct stat st;

	say("stat %s", name);
	if (tell(stat(name, &st)) == 0)
		show_stat(&st);
}

static void
op_lstat(void)
{
	const char *name = any_name();
	struct stat st;

	say("lstat %s", name);
	if (tell(lstat(name, &st)) == 0)
		show_stat(&st);
}

static void
op_fstatat(void)
{
	int folder = any_folder();
	const char *name = any_name();
	int flags = PICK(0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH,
	    AT_NO_AUTOMOUNT, 1);
	struct stat st;

	say("fstatat %d %s %x", folder, name, flags);
	if (tell(fstatat(folder, name, &st, flags)) == 0)
		show_stat(&st);
}

/* ---- made, removed, renamed ---- */

static void
op_mkdir(void)
{
	const char *name = any_name();
	mode_t mode = PICK(0755, 0700, 0, 02777, 01777);

	say("mkdir %s %o", name, mode);
	tell(mkdir(name, mode));
}

static void
op_mknod(void)
{
	const char *name = any_name();
	mode_t mode = PICK(S_IFIFO | 0644, S_IFREG | 0600, S_IFSOCK | 0777,
	    S_IFCHR | 0600, 0644, S_IFDIR | 0755);

	say("mknod %s %o", name, mode);
	tell(mknod(name, mode, makedev(1, 3)));
}

static void
op_rmdir(void)
{
	const char *name = any_name();

	say("rmdir %s", name);
	tell(rmdir(name));
}

static void
op_unlink(void)
{
	const char *name = any_name();

	say("unlink %s", name);
	tell(unlink(name));
}

static void
op_unlinkat(void)
{
	int folder = any_folder();
	const char *name = any_name();
	int flags = PICK(0, AT_REMOVEDIR, 1);

	say("unlinkat %d %s %x", folder, name, flags);
	tell(unlinkat(folder, name, flags));
}

static void
op_rename(void)
{
	const char *from = any_name();
	const char *to = any_name();

	say("rename %s %s", from, to);
	tell(rename(from, to));
}

static void
op_renameat2(void)
{
	const char *from = any_name();
	const char *to = any_name();
	unsigned flags = PICK(0, 1, EXCHANGE, 3, 8);

	if (meets_disks && flags == EXCHANGE)
		flags = 0;
	say("renameat2 %s %s %x", from, to, flags);
	tell(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
}

static void
op_link(void)
{
	const char *from = any_name();
	const char *to = any_name();

	say("link %s %s", from, to);
	tell(link(from, to));
}

static void
op_linkat(void)
{
	int folder = any_folder();
	const char *from = any_name();
	const char *to = any_name();
	int flags = PICK(0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH);

	say("linkat %d %s %s %x", folder, from, to, flags);
	tell(linkat(folder, from, AT_FDCWD, to, flags));
}

static void
op_symlink(void)
{
	const char *text = any_name();
	const char *name = any_name();

	say("symlink %s %s", text, name);
	tell(symlink(text, name));
}

static void
op_readlinkat(void)
{
	int folder = any_folder();
	const char *name = any_name();
	size_t room = PICK(100, 1, 0);
	char text[100];
	long n;

	say("readlinkat %d %s %zu", folder, name, room);
	n = tell(syscall(SYS_readlinkat, folder, name, text, room));
	if (n > 0)
		say(" %.*s", (int)n, text);
}

/* ---- rights, owners, times ---- */

static void
op_chmod(void)
{
	const char *name = any_name();
	mode_t mode = PICK(0644, 0, 0777, 0444, 02755, 04711, 01000);

	say("chmod %s %o", name, mode);
	tell(chmod(name, mode));
}

static void
op_fchmod(void)
{
	int fd = any_fd();
	mode_t mode = PICK(0644, 0, 0777, 0444, 02755);

	if (!has_own_rights(fd))
		return;
	say("fchmod %d %o", fd, mode);
	tell(fchmod(fd, mode));
}

static void
op_lchown(void)
{
	const char *name = any_name();
	int uid = PICK(USER, 0, 1001, -1);
	int gid = PICK(USER, 0, -1, 5);

	say("lchown %s %d %d", name, uid, gid);
	tell(lchown(name, uid, gid));
}

static void
op_fchown(void)
{
	int fd = any_fd();
	int uid = PICK(USER, 0, -1);
	int gid = PICK(USER, -1, 5);

	if (!has_own_rights(fd))
		return;
	say("fchown %d %d %d", fd, uid, gid);
	tell(fchown(fd, uid, gid));
}

static void
op_umask(void)
{
	mode_t mask = PICK(0, 022, 077, 0777);

	say("umask %o", mask);
	tell(umask(mask));
}

static void
op_faccessat2(void)
{
	int folder = any_folder();
	const char *name = any_name();
	int how = PICK(R_OK, W_OK, X_OK, R_OK | W_OK, F_OK, 8);
	int flags = PICK(0, AT_EACCESS, AT_SYMLINK_NOFOLLOW);

	say("faccessat2 %d %s %d %x", folder, name, how, flags);
	tell(syscall(SYS_faccessat2, folder, name, how, flags));
}

static void
op_utimensat(void)
{
	int folder = any_folder();
	const char *name = any_name();
	int flags = PICK(0, AT_SYMLINK_NOFOLLOW, 0x1000);
	struct timespec t[2];

	t[0].tv_sec = PICK(5, 0, 1000);
	t[0].tv_nsec = PICK(0, UTIME_NOW, UTIME_OMIT, 7);
	t[1].tv_sec = PICK(6, 0, 77);
	t[1].tv_nsec = PICK(0, UTIME_OMIT, 1000000000);
	say("utimensat %d %s %ld.%ld %ld.%ld %x", folder, name,
	    (long)t[0].tv_sec, t[0].tv_nsec, (long)t[1].tv_sec, t[1].tv_nsec,
	    flags);
	tell(utimensat(folder, name, t, flags));
}

/* ---- folders ---- */

static void
op_chdir(void)
{
	const char *name = any_name();

	say("chdir %s", name);
	tell(chdir(name));
}

static void
op_fchdir(void)
{
	int fd = fd_that(is_folder);

	say("fchdir %d", fd);
	tell(fchdir(fd));
}

static void
op_getcwd(void)
{
	char path[300];
	bool good;

	say("getcwd");
	good = tell_success(getcwd(path, sizeof(path)) != NULL);
	if (good && strlen(path) >= strlen(tmp_folder))
		say(" %s", path + strlen(tmp_folder));
}

/* Which names there are, in any order. */
static void
show_names(const char *at, const char *end)
{
	uint32_t sum = 0;
	int n = 0;

	for (; at < end; n++) {
		const struct dirent *e = (const struct dirent *)at;

		sum += fnv(e->d_name, strlen(e->d_name)) * (e->d_type + 1u);
		at += e->d_reclen;
	}
	say(" %d #%08x", n, sum);
}

static void
op_getdents(void)
{
	int fd = fd_that(is_folder);
	long n;

	say("getdents %d", fd);
	n = CALL(syscall(SYS_getdents64, fd, in, 4096), -1);
	if (n <= 0)
		tell_answer(n);
	else
		show_names(in, in + n);
}

static const struct op name_ops[] = { { op_fstat, 6 }, { op_stat, 6 },
	{ op_lstat, 6 }, { op_fstatat, 6 }, { op_mkdir, 4 }, { op_mknod, 4 },
	{ op_rmdir, 3 }, { op_unlink, 3 }, { op_unlinkat, 4 }, { op_rename, 7 },
	{ op_renameat2, 4 }, { op_link, 3 }, { op_linkat, 3 },
	{ op_symlink, 4 }, { op_readlinkat, 4 }, { op_chmod, 3 },
	{ op_fchmod, 2 }, { op_lchown, 3 }, { op_fchown, 2 }, { op_umask, 2 },
	{ op_faccessat2, 4 }, { op_utimensat, 4 }, { op_chdir, 4 },
	{ op_fchdir, 4 }, { op_getcwd, 4 }, { op_getdents, 4 } };

#endif
