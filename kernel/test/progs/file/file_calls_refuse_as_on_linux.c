/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * Which error comes first, and which lock: offsets on what has none, chroot,
 * links to descriptors, clones of files, the first lock in the way; and
 * /proc/PID/task ends.
 */
#include "lib/test.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#ifndef FICLONE
#define FICLONE 0x40049409
#endif
#define FICLONERANGE_NR 0x4020940d
#define FIDEDUPERANGE_NR 0xc0189436

static void
as_user(void (*fn)(void))
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setgid(1000));
		OK(setuid(1000));
		fn();
		_exit(0);
	}
	REAP(pid, 0);
}

/* ---- offsets ---- */

static void
no_offset(int fd)
{
	char c = 'x';
	struct iovec v = { &c, 1 };

	ERR(pread(fd, &c, 1, 0), ESPIPE);
	ERR(pwrite(fd, &c, 1, 0), ESPIPE);
	ERR(preadv(fd, &v, 1, 0), ESPIPE);
	ERR(pwritev(fd, &v, 1, 0), ESPIPE);
	ERR(pread(fd, (void *)1, 1, 0), ESPIPE);
	ERR(pread(fd, &c, 0, 0), ESPIPE);
	ERR(pread(fd, &c, 1, -1), EINVAL);
	ERR(preadv(fd, (void *)1, 1, 0), ESPIPE);
	ERR(lseek(fd, 0, SEEK_CUR), ESPIPE);
}

static void
offsets(void)
{
	int p[2], fd;
	char c = 'x';

	OK(pipe(p));
	no_offset(p[0]);
	no_offset(p[1]);
	OK(mkfifo("fifo", 0600));
	fd = OK(open("fifo", O_RDONLY | O_NONBLOCK));
	no_offset(fd);
	close(fd);
	fd = OK(open("fifo", O_PATH));
	ERR(pread(fd, &c, 1, 0), EBADF);
	ERR(pwrite(fd, &c, 1, 0), EBADF);
	close(fd);
	OK(unlink("fifo"));
	make_file("f", "abc", 3, 0600);
	fd = OK(open("f", O_WRONLY));
	ERR(pread(fd, &c, 1, 0), EBADF);
	close(fd);
	fd = OK(open("f", O_RDONLY));
	ERR(pwrite(fd, &c, 1, 0), EBADF);
	close(fd);
	close(p[0]);
	close(p[1]);
}

/* ---- chroot ---- */

static void
chroot_rows(void)
{
	ERR(chroot("shut"), EACCES);
	ERR(chroot("shut/in"), EACCES);
	ERR(chroot("missing"), ENOENT);
	ERR(chroot("f"), ENOTDIR);
	ERR(chroot("open"), EPERM);
	ERR(chroot((char *)1), EFAULT);
}

/* ---- linkat ---- */

static void
link_rows(void)
{
	int fd = OK(open("f2", O_RDONLY)), tmp;
	struct utsname u;
	char path[64];

	/* Linux 6.10 and later let the opener do it. */
	OK(uname(&u));
	if (strncmp(u.release, "6.1.", 4) == 0) {
		ERR(linkat(fd, "", AT_FDCWD, "open/l", AT_EMPTY_PATH), ENOENT);
		ERR(linkat(AT_FDCWD, "f2", AT_FDCWD, "open/l", AT_EMPTY_PATH),
		    ENOENT);
	}
	ERR(linkat(fd, "", AT_FDCWD, "open/l", 0), ENOENT);
	/* By /proc a file without a name gets one. */
	tmp = open("open", O_TMPFILE | O_RDWR, 0600);
	if (tmp >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", tmp);
		OK(linkat(
		    AT_FDCWD, path, AT_FDCWD, "open/t", AT_SYMLINK_FOLLOW));
		OK(unlink("open/t"));
		close(tmp);
	}
	close(fd);
}

static void
links(void)
{
	int fd;

	make_file("f2", "abc", 3, 0644);
	as_user(link_rows);
	fd = OK(open("f2", O_RDONLY));
	OK(linkat(fd, "", AT_FDCWD, "open/l", AT_EMPTY_PATH));
	OK(unlink("open/l"));
	close(fd);
}

/* ---- clones ---- */

struct clone_range {
	int64_t fd;
	uint64_t from, len, to;
};

static void
clones(void)
{
	int rd = OK(open("f", O_RDONLY)),
	    wr = OK(open("c", O_RDWR | O_CREAT, 0600)),
	    ap = OK(open("c", O_WRONLY | O_APPEND)), p[2];
	int dir = OK(open(".", O_RDONLY)), shm;
	struct clone_range r = { rd, 0, 0, 0 };
	struct {
		uint64_t from, len;
		uint16_t count, r1;
		uint32_t r2;
	} d = { 0, 4096, 0, 0, 0 };

	OK(pipe(p));
	shm = OK(open("/dev/shm/c", O_RDWR | O_CREAT, 0600));
	ERR(ioctl(wr, FICLONE, -1), EBADF);
	ERR(ioctl(-1, FICLONE, rd), EBADF);
	ERR(ioctl(rd, FICLONE, wr), EBADF);
	ERR(ioctl(ap, FICLONE, rd), EBADF);
	ERR(ioctl(wr, FICLONE, dir), EISDIR);
	ERR(ioctl(shm, FICLONE, rd), EXDEV);
	ERR(ioctl(shm, FICLONE, shm), EOPNOTSUPP);
	ERR(ioctl(shm, FICLONERANGE_NR, 1), EFAULT);
	r.fd = shm;
	ERR(ioctl(shm, FICLONERANGE_NR, &r), EOPNOTSUPP);
	r.fd = -1;
	ERR(ioctl(shm, FICLONERANGE_NR, &r), EBADF);
	ERR(ioctl(shm, FIDEDUPERANGE_NR, 1), EFAULT);
	d.r1 = 1;
	ERR(ioctl(shm, FIDEDUPERANGE_NR, &d), EINVAL);
	d.r1 = 0;
	ERR(ioctl(shm, FIDEDUPERANGE_NR, &d), EOPNOTSUPP);
	ERR(ioctl(dir, FIDEDUPERANGE_NR, &d), EISDIR);
	close(rd);
	close(wr);
	close(ap);
	close(dir);
	close(shm);
	close(p[0]);
	close(p[1]);
	OK(unlink("/dev/shm/c"));
	OK(unlink("c"));
}

/* ---- locks ---- */

static void
set_lock(int fd, int type, long start, long len)
{
	struct flock fl = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len };

	OK(fcntl(fd, F_SETLK, &fl));
}

/* From another process: the first lock that is in the way of [start, len). */
static void
first_is(int fd, long start, long len, int type, long at, long n)
{
	pid_t pid = OK(fork());
	struct flock fl = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len };

	if (pid == 0) {
		OK(fcntl(fd, F_GETLK, &fl));
		EQ(fl.l_type, type);
		if (type != F_UNLCK) {
			EQ(fl.l_start, at);
			EQ(fl.l_len, n);
			EQ(fl.l_pid, getppid());
		}
		_exit(0);
	}
	REAP(pid, 0);
}

static void
locks(void)
{
	int fd = OK(open("f", O_RDWR));

	set_lock(fd, F_WRLCK, 50, 10);
	set_lock(fd, F_WRLCK, 10, 10);
	set_lock(fd, F_RDLCK, 30, 10);
	first_is(fd, 0, 0, F_WRLCK, 10, 10);
	first_is(fd, 20, 0, F_RDLCK, 30, 10);
	first_is(fd, 40, 0, F_WRLCK, 50, 10);
	first_is(fd, 20, 10, F_UNLCK, 0, 0);
	/* Neighbours of one sort are one lock; a piece cut out makes two. */
	set_lock(fd, F_WRLCK, 20, 10);
	first_is(fd, 0, 0, F_WRLCK, 10, 20);
	set_lock(fd, F_RDLCK, 40, 10);
	first_is(fd, 30, 0, F_RDLCK, 30, 20);
	set_lock(fd, F_WRLCK, 30, 20);
	first_is(fd, 0, 0, F_WRLCK, 10, 50);
	set_lock(fd, F_UNLCK, 20, 5);
	first_is(fd, 0, 0, F_WRLCK, 10, 10);
	first_is(fd, 20, 0, F_WRLCK, 25, 35);
	set_lock(fd, F_WRLCK, 55, 0);
	first_is(fd, 20, 0, F_WRLCK, 25, 0);
	set_lock(fd, F_UNLCK, 0, 0);
	first_is(fd, 0, 0, F_UNLCK, 0, 0);
	close(fd);
}

/* ---- /proc/PID/task ---- */

static bool
has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void
task_ends(void)
{
	char path[128];
	int me = getpid(), n = 0;
	struct dirent *e;
	struct stat a, b;
	DIR *d;

	CHECK(has("/proc/self/task"));
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", me);
	CHECK(has(path));
	snprintf(path, sizeof(path), "/proc/self/task/%d/fd", me);
	CHECK(has(path));
	snprintf(path, sizeof(path), "/proc/self/task/%d/task", me);
	CHECK(!has(path));
	snprintf(path, sizeof(path), "/proc/%d/task/%d", me, me);
	OK(stat(path, &a));
	d = opendir(path);
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		n += strcmp(e->d_name, "stat") == 0;
		CHECK(strcmp(e->d_name, "task") != 0);
	}
	closedir(d);
	EQ(n, 1);
	snprintf(path, sizeof(path), "/proc/%d", me);
	OK(stat(path, &b));
	CHECK(a.st_ino != b.st_ino);
}

int
main(void)
{
	if (geteuid() != 0)
		return test_done();
	umask(0);
	enter_tmp();
	OK(chmod(".", 0755));
	OK(mkdir("shut", 0700));
	OK(mkdir("shut/in", 0755));
	OK(mkdir("open", 0777));
	offsets();
	as_user(chroot_rows);
	links();
	clones();
	locks();
	task_ends();
	OK(unlink("f"));
	OK(unlink("f2"));
	OK(rmdir("shut/in"));
	OK(rmdir("shut"));
	OK(rmdir("open"));
	leave_tmp();
	return test_done();
}
