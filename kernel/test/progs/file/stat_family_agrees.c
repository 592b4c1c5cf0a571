/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * stat, fstat, statx and statfs tell the same; times move when they should;
 * holes, SEEK_DATA, fallocate; access and its flags.
 */
#include "lib/host.h"
#include <sys/ioctl.h>
#include <sys/statfs.h>

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif

static void
same_answers(int fd)
{
	struct statx { uint32_t mask, blksize; uint64_t attr; uint32_t nlink,
		uid, gid; uint16_t mode, pad; uint64_t ino, size, blocks,
		more[28]; } x;
	struct stat a, b;
	struct statfs fs;
	int64_t bytes;

	_Static_assert(sizeof(x) >= 256, "statx");
	OK(fstat(fd, &a));
	OK(stat("f", &b));
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_dev, b.st_dev);
	OK(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x));
	EQ(x.ino, a.st_ino);
	EQ(x.mode, a.st_mode);
	EQ(x.size, a.st_size);
	EQ(x.blocks, a.st_blocks);
	OK(fsync(fd)); /* some file systems of Linux count blocks then */
	OK(ioctl(fd, 0x5460, &bytes)); /* FIOQSIZE */
	EQ(bytes, a.st_blocks * 512);
	OK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &x));
	EQ(x.ino, a.st_ino);
	ERR(syscall(SYS_statx, fd, "", 0, 0x7ff, &x), ENOENT);
	ERR(syscall(SYS_statx, fd, "", 0x40000, 0x7ff, &x), EINVAL);
	OK(statfs(".", &fs));
	CHECK(fs.f_bsize > 0 && fs.f_namelen == 255);
	OK(stat("/dev/null", &a));
	CHECK(S_ISCHR(a.st_mode));
	EQ(a.st_rdev, 0x103);
}

static void
times(int fd)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } }, before;
	struct stat st;
	char c;

	OK(futimens(fd, t));
	OK(fstat(fd, &st));
	EQ(st.st_atim.tv_sec * 10 + st.st_atim.tv_nsec, 10005);
	EQ(st.st_mtim.tv_sec * 10 + st.st_mtim.tv_nsec, 20007);
	t[0].tv_nsec = 0x3ffffffe; /* UTIME_OMIT */
	t[1].tv_nsec = 0x3fffffff; /* UTIME_NOW */
	OK(utimensat(AT_FDCWD, "f", t, 0));
	OK(fstat(fd, &st));
	EQ(st.st_atim.tv_sec, 1000);
	CHECK(st.st_mtim.tv_sec > 1000000);
	t[0].tv_nsec = 1000000000;
	ERR(futimens(fd, t), EINVAL);
	before = st.st_mtim;
	sleep_ms(20);
	EQ(pwrite(fd, "z", 1, 0), 1);
	OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > before.tv_sec ||
	    st.st_mtim.tv_nsec > before.tv_nsec);
	EQ(st.st_ctim.tv_nsec, st.st_mtim.tv_nsec);
	EQ(pread(fd, &c, 1, 0), 1);
}

static void
holes(int fd)
{
	struct stat st;

	OK(ftruncate(fd, 0));
	EQ(pwrite(fd, "d", 1, 10 * PAGE), 1);
	EQ(lseek(fd, 0, SEEK_DATA), 10 * PAGE);
	EQ(lseek(fd, 10 * PAGE, SEEK_HOLE), 10 * PAGE + 1);
	ERR(lseek(fd, 11 * PAGE, SEEK_DATA), ENXIO);
	OK(fstat(fd, &st));
	EQ(st.st_blocks, 8);
	OK(fallocate(fd, 0, 0, 4 * PAGE));
	OK(fstat(fd, &st));
	EQ(st.st_blocks, 5 * 8);
	EQ(st.st_size, 10 * PAGE + 1);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
	    2 * PAGE));
	OK(fstat(fd, &st));
	EQ(st.st_blocks, 3 * 8);
	OK(fallocate(fd, 0, 10 * PAGE, 5 * PAGE));
	OK(fstat(fd, &st));
	EQ(st.st_size, 15 * PAGE);
	ERR(fallocate(fd, 0, 0, 0), EINVAL);
	ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
}

static void
accesses(void)
{
	OK(access("f", R_OK | W_OK));
	ERR(access("f", X_OK), EACCES); /* also for root */
	ERR(access("f", 8), EINVAL);
	OK(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	OK(chmod("f", 0100));
	if (!tmp_forbids(ST_NOEXEC))
		OK(access("f", X_OK));
	OK(symlink("none", "l"));
	ERR(access("l", F_OK), ENOENT);
	OK(syscall(439, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
	OK(unlink("l"));
}

int
main(void)
{
	int fd;

	enter_tmp();
	fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	EQ(write(fd, "12345", 5), 5);
	same_answers(fd);
	times(fd);
	holes(fd);
	accesses();
	OK(close(fd));
	OK(unlink("f"));
	leave_tmp();
	return test_done();
}
