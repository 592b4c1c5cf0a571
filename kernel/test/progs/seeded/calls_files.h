/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_files.h: open files: their bytes, sizes, descriptors, locks
 */
#ifndef SEEDED_CALLS_FILES_H
#define SEEDED_CALLS_FILES_H

#include "calls.h"
#include <sys/file.h>
#include <sys/sendfile.h>

/* What musl does not know: flags of preadv2(2), */
#define WITH_PRIORITY 0x1
#define WITH_DSYNC 0x2
#define WITH_APPEND 0x10
/* of close_range(2) */
#define ITS_OWN_TABLE 2
#define AT_EXEC 4

/* Nothing that is opened is waited for. */
static long
open_flags(void)
{
	static const int bits[] = { O_CREAT, O_CREAT, O_EXCL, O_TRUNC, O_APPEND,
		O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_PATH, O_TMPFILE,
		O_NOATIME, O_SYNC, O_CREAT, O_NOCTTY, O_ASYNC };
	unsigned often = 5, all = sizeof(bits) / sizeof(bits[0]);
	long flags = PICK(O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, 3);

	for (unsigned more = chance(4); more > 0; more--) {
		unsigned of = chance(2) ? often : all;

		flags |= bits[chance(of)];
	}
	return flags | O_NONBLOCK;
}

static void
op_open(void)
{
	const char *name = any_name();
	long flags = open_flags();
	long mode = PICK(0644, 0600, 0, 0444, 0777, 06755, 0200);

	say("open %s %lx %lo", name, flags, mode);
	tell(open(name, flags, mode));
}

static void
op_openat(void)
{
	int folder = any_folder();
	const char *name = any_name();
	long flags = open_flags();
	long mode = PICK(0644, 0600, 0, 0777);

	say("openat %d %s %lx %lo", folder, name, flags, mode);
	tell(openat(folder, name, flags, mode));
}

static void
op_close(void)
{
	int fd = any_fd();

	say("close %d", fd);
	tell(close(fd));
}

static void
op_memfd(void)
{
	unsigned flags = PICK(0, MFD_ALLOW_SEALING, MFD_CLOEXEC);

	say("memfd_create %x", flags);
	tell(memfd_create("x", flags));
}

/* ---- bytes ---- */

static void
op_read(void)
{
	int fd = any_fd();
	struct bytes b = any_room(fd);

	say("read %d %zu %s", fd, b.n, where(b));
	show_bytes(fd, b.p, tell(read(fd, b.p, b.n)));
}

static void
op_pread(void)
{
	int fd = any_fd();
	struct bytes b = any_room(fd);
	off_t at = any_offset();

	say("pread %d %zu %s @%ld", fd, b.n, where(b), (long)at);
	show_bytes(fd, b.p, tell(pread(fd, b.p, b.n, at)));
}

static void
op_readv(void)
{
	int fd = any_fd();
	struct bytes b = any_room(fd);
	struct iovec piece[3];

	cut(b, piece);
	say("readv %d %zu %s", fd, b.n, where(b));
	show_bytes(fd, b.p, tell(readv(fd, piece, 3)));
}

static void
op_preadv2(void)
{
	int fd = any_fd();
	off_t at = PICK(-1, 0, 4096, 100);
	int flags = PICK(0, WITH_APPEND, WITH_DSYNC, WITH_PRIORITY);
	struct iovec piece = { in, 100 };

	say("preadv2 %d @%ld %x", fd, (long)at, flags);
	show_bytes(fd, in,
	    tell(syscall(SYS_preadv2, fd, &piece, 1, at, 0, flags)));
}

static void
op_write(void)
{
	int fd = any_fd();
	struct bytes b = any_bytes(fd);

	say("write %d %zu %s", fd, b.n, where(b));
	tell(write(fd, b.p, b.n));
}

static void
op_pwrite(void)
{
	int fd = any_fd();
	struct bytes b = any_bytes(fd);
	off_t at = any_offset();

	say("pwrite %d %zu %s @%ld", fd, b.n, where(b), (long)at);
	tell(pwrite(fd, b.p, b.n, at));
}

static void
op_writev(void)
{
	int fd = any_fd();
	struct bytes b = any_bytes(fd);
	struct iovec piece[3];

	cut(b, piece);
	say("writev %d %zu %s", fd, b.n, where(b));
	tell(writev(fd, piece, 3));
}

static void
op_pwritev2(void)
{
	int fd = any_fd();
	off_t at = PICK(-1, 0, 4096, 100);
	int flags = PICK(0, WITH_APPEND, WITH_DSYNC, WITH_PRIORITY);
	struct iovec piece = { data, 100 };

	if (is_terminal(fd))
		piece.iov_len = TERMINAL_BYTES;
	say("pwritev2 %d @%ld %x", fd, (long)at, flags);
	tell(syscall(SYS_pwritev2, fd, &piece, 1, at, 0, flags));
}

/* A folder's offsets are each file system's own. */
static void
op_lseek(void)
{
	int fd = any_fd();
	bool folder = is_folder(fd);
	long at = PICK(0, 0, 1, -1, 100, 4096, 5000, 100000, -4096, FAR);
	int from = PICK(SEEK_SET, SEEK_CUR, SEEK_END, 5, SEEK_SET, SEEK_CUR);
	long r;

	at = near_enough(at);
	if (folder && (from == SEEK_CUR || (meets_disks && from == SEEK_END)))
		from = SEEK_SET;
	say("lseek %d %ld %d", fd, at, from);
	r = CALL(lseek(fd, at, from), -1);
	if (folder && r >= 0)
		r = lseek(fd, 0, SEEK_SET);
	tell_answer(r);
}

static void
op_sendfile(void)
{
	int to = any_fd();
	int from = fd_that(is_file);
	off_t at = PICK(0, 100, 4096);
	off_t *off = chance(2) ? &at : NULL;
	size_t n = PICK(1, 100, 4096, 5000, 0, 20000);

	if (is_hung_up(to) || is_hung_up(from))
		return;
	if (is_terminal(to))
		n = n > TERMINAL_BYTES ? TERMINAL_BYTES : n;
	shared->sent = true;
	say("sendfile %d %d %s %zu", to, from, off ? "@" : "-", n);
	tell(sendfile(to, from, off, n));
	say(" @%ld", (long)at);
}

static void
op_copy_file_range(void)
{
	int from = fd_that(is_file);
	int to = fd_that(is_file);
	off_t at = PICK(0, 100, 4096);
	off_t *off = chance(2) ? &at : NULL;
	off_t to_at = PICK(0, 4096, 10);
	off_t *to_off = chance(3) ? NULL : &to_at;
	size_t n = PICK(1, 100, 4096, 5000, 0, 20000);

	say("copy_file_range %d %s %d %s %zu", from, off ? "@" : "-", to,
	    to_off ? "@" : "-", n);
	tell(copy_file_range(from, off, to, to_off, n, 0));
	say(" @%ld @%ld", (long)at, (long)to_at);
}

/* ---- sizes ---- */

static off_t
any_length(void)
{
	return PICK(0, 1, 100, 4096, 5000, 10000, -1, 65536);
}

static void
op_ftruncate(void)
{
	int fd = fd_that(is_file);
	off_t n = any_length();

	say("ftruncate %d %ld", fd, (long)n);
	tell(ftruncate(fd, n));
}

static void
op_truncate(void)
{
	const char *name = any_name();
	off_t n = any_length();

	say("truncate %s %ld", name, (long)n);
	tell(truncate(name, n));
}

static void
op_fallocate(void)
{
	int fd = fd_that(is_file);
	int mode = PICK(0, 1, 2, 3, 8, 16, 17, 32, 64, 4);
	off_t at = PICK(0, 4096, 100, 8192, -1);
	off_t n = PICK(4096, 1, 5000, 0, 8192, -5);

	if (meets_disks && mode == 1)
		mode = 0; /* no place behind the end */
	say("fallocate %d %x %ld %ld", fd, mode, (long)at, (long)n);
	tell(fallocate(fd, mode, at, n));
}

static void
op_fsync(void)
{
	int fd = any_fd();

	if (is_terminal(fd))
		return;
	say("fsync %d", fd);
	tell(fsync(fd));
}

static void
op_fadvise(void)
{
	int fd = any_fd();
	int advice = PICK(0, 1, 2, 3, 4, 5, 9);

	if (is_terminal(fd))
		return;
	say("fadvise %d %d", fd, advice);
	tell(posix_fadvise(fd, 0, 4096, advice));
}

/* ---- descriptors ---- */

static void
op_dup(void)
{
	int fd = any_fd();

	say("dup %d", fd);
	tell(dup(fd));
}

static int
another_fd(void)
{
	return (int)PICK(0, 1, 2, 3, 5, 8, 10, 11, 30, -1);
}

static void
op_dup2(void)
{
	int fd = any_fd();
	int to = another_fd();

	say("dup2 %d %d", fd, to);
	tell(dup2(fd, to));
}

static void
op_dup3(void)
{
	int fd = any_fd();
	int to = another_fd();
	int flags = PICK(0, O_CLOEXEC, O_NONBLOCK);

	say("dup3 %d %d %x", fd, to, flags);
	tell(dup3(fd, to, flags));
}

static void
op_dupfd(void)
{
	int fd = any_fd();
	long least = PICK(0, 5, 11, FD_LIMIT - 1, FD_LIMIT, -1);

	say("dupfd %d %ld", fd, least);
	tell(fcntl(fd, F_DUPFD, least));
}

static void
op_getfl(void)
{
	int fd = any_fd();
	long flags;

	say("getfl %d", fd);
	flags = CALL(fcntl(fd, F_GETFL), -1);
	if (tell_good(flags >= 0))
		say(" %lx", flags);
}

static void
op_setfl(void)
{
	int fd = any_fd();
	long flags = PICK(0, O_APPEND, O_NOATIME, 0, O_SYNC);

	say("setfl %d %lx", fd, flags);
	tell(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

static void
op_getfd(void)
{
	int fd = any_fd();

	say("getfd %d", fd);
	tell(fcntl(fd, F_GETFD));
}

static void
op_setfd(void)
{
	int fd = any_fd();
	int flags = (int)chance(3);

	say("setfd %d %d", fd, flags);
	tell(fcntl(fd, F_SETFD, flags));
}

static bool has_threads; /* then none parts from what they share */

static void
op_close_range(void)
{
	unsigned last = PICK(9, 11, 7);
	unsigned flags = PICK(0, AT_EXEC, ITS_OWN_TABLE, 1);

	if (has_threads)
		flags &= ~ITS_OWN_TABLE;
	say("close_range 8 %u %x", last, flags);
	tell(syscall(SYS_close_range, 8, last, flags));
}

static void
op_nofile(void)
{
	struct rlimit limit;
	rlim_t n = PICK(FD_LIMIT, 10, DRAWN_FDS, FD_LIMIT, FD_LIMIT);

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n;
	say("nofile %ld", (long)n);
	tell(setrlimit(RLIMIT_NOFILE, &limit));
}

static void
op_fsize(void)
{
	struct rlimit limit;
	rlim_t n = PICK(10000, 100000, -1, -1);

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = n;
	say("fsize %ld", (long)n);
	tell(setrlimit(RLIMIT_FSIZE, &limit));
}

/* ---- locks and seals ---- */

static struct flock
any_lock(void)
{
	struct flock l = { .l_type = PICK(F_RDLCK, F_WRLCK, F_UNLCK, 7) };

	l.l_whence = PICK(SEEK_SET, SEEK_SET, SEEK_CUR, 5);
	l.l_start = PICK(0, 10, -1, 100);
	l.l_len = PICK(0, 5, -5, 100);
	say(" %d %d %ld %ld", l.l_type, l.l_whence, (long)l.l_start,
	    (long)l.l_len);
	return l;
}

/* Files that have no place share one inode, and its locks, in all processes, as do those
 * who open a device: locks of others are met there. */
static bool meets_others; /* then such files are not locked */

static bool
is_lockable(int fd)
{
	struct stat st;

	return !meets_others || fstat(fd, &st) < 0 ||
	    ((st.st_mode & S_IFMT) != 0 && !S_ISCHR(st.st_mode));
}

static void
lock_by(const char *name, int command)
{
	int fd = fd_that(is_file);
	struct flock l;

	say("%s %d", name, fd);
	l = any_lock();
	if (is_lockable(fd) && tell(fcntl(fd, command, &l)) == 0 && command == F_GETLK)
		say(" %d %ld %ld", l.l_type, (long)l.l_start, (long)l.l_len);
}

static void
op_getlk(void)
{
	lock_by("getlk", F_GETLK);
}

static void
op_setlk(void)
{
	lock_by("setlk", F_SETLK);
}

static void
op_ofd_setlk(void)
{
	lock_by("ofd_setlk", F_OFD_SETLK);
}

static void
op_flock(void)
{
	int fd = fd_that(is_file);
	int how = PICK(LOCK_SH, LOCK_EX, LOCK_UN, 0, 3);

	say("flock %d %d", fd, how);
	if (is_lockable(fd))
		tell(flock(fd, how | LOCK_NB));
}

static void
op_getseals(void)
{
	int fd = fd_that(is_file);

	if (meets_disks)
		return;
	say("getseals %d", fd);
	tell(fcntl(fd, F_GET_SEALS));
}

static void
op_addseals(void)
{
	int fd = fd_that(is_file);
	int seals = PICK(1, 2, 4, 8, 16, 15);

	if (meets_disks)
		return;
	say("addseals %d %x", fd, seals);
	tell(fcntl(fd, F_ADD_SEALS, seals));
}

static const struct op file_ops[] = { { op_open, 37 }, { op_openat, 19 },
	{ op_close, 16 }, { op_memfd, 3 }, { op_read, 16 }, { op_pread, 8 },
	{ op_readv, 8 }, { op_preadv2, 4 }, { op_write, 18 }, { op_pwrite, 9 },
	{ op_writev, 9 }, { op_pwritev2, 4 }, { op_lseek, 16 },
	{ op_sendfile, 5 }, { op_copy_file_range, 5 }, { op_ftruncate, 6 },
	{ op_truncate, 6 }, { op_fallocate, 8 }, { op_fsync, 2 },
	{ op_fadvise, 2 }, { op_dup, 4 }, { op_dup2, 4 }, { op_dup3, 4 },
	{ op_dupfd, 2 }, { op_getfl, 3 }, { op_setfl, 2 }, { op_getfd, 2 },
	{ op_setfd, 2 }, { op_close_range, 2 }, { op_nofile, 2 },
	{ op_fsize, 2 }, { op_getlk, 2 }, { op_setlk, 3 }, { op_ofd_setlk, 3 },
	{ op_flock, 2 }, { op_getseals, 2 }, { op_addseals, 2 } };

#endif
