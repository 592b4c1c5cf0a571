/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * What chattr(1) marks: a file that nobody changes, and one that is only appended to,
 * are refused to root as well, by each call that would change them or their names; who
 * lacks CAP_LINUX_IMMUTABLE takes no mark away.  Marks are kept by tmpfs and ext2.
 */
#include "lib/test.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define GET 0x80086601ul        /* FS_IOC_GETFLAGS, … */
#define SET 0x40086602ul
#define IMMUTABLE 0x10u
#define APPEND 0x20u
#define NODUMP 0x40u

static unsigned
marks(const char *path)
{
	int fd = OK(open(path, O_RDONLY));
	unsigned is;

	OK(ioctl(fd, GET, &is));
	OK(close(fd));
	return is;
}

static void
mark(const char *path, unsigned flags)
{
	int fd = OK(open(path, O_RDONLY));

	OK(ioctl(fd, SET, &flags));
	OK(close(fd));
	EQ(marks(path) & (IMMUTABLE | APPEND | NODUMP), flags);
}

/* The same for both kinds. */
static void
names_stay(const char *path)
{
	const struct timespec then[2] = { { 1, 0 }, { 1, 0 } };

	ERR(open(path, O_WRONLY), EPERM);
	ERR(open(path, O_RDWR | O_TRUNC), EPERM);
	ERR(truncate(path, 1), EPERM);
	ERR(unlink(path), EPERM);
	ERR(rename(path, "other"), EPERM);
	ERR(rename("plain", path), EPERM);
	ERR(link(path, "other"), EPERM);
	ERR(chmod(path, 0600), EPERM);
	ERR(chown(path, 1, 1), EPERM);
	ERR(utimensat(AT_FDCWD, path, then, 0), EPERM);
	OK(close(OK(open(path, O_RDONLY))));
}

static void
immutable(void)
{
	int fd = OK(open("f", O_RDWR)), fixed;
	uint64_t st[32];        /* struct statx */

	mark("f", IMMUTABLE);
	names_stay("f");
	ERR(open("f", O_WRONLY | O_APPEND), EPERM);
	ERR(access("f", W_OK), EPERM);
	ERR(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
	EQ(write(fd, "x", 1), 1); /* was open */
	ERR(fallocate(fd, 0, 0, 8192), EPERM);
	OK(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, st));
	EQ(st[1] & 0x70, IMMUTABLE);
	EQ(st[7] & 0x70, 0x70);
	OK(close(fd));
	mark("f", NODUMP);
	OK(mkdir("d", 0755));
	OK(close(OK(open("d/in", O_CREAT | O_WRONLY, 0644))));
	mark("d", IMMUTABLE);
	ERR(open("d/new", O_CREAT | O_WRONLY, 0644), EPERM);
	ERR(unlink("d/in"), EPERM);
	ERR(rmdir("d"), EPERM);
	fixed = OK(open("d/in", O_WRONLY));
	OK(close(fixed));
	mark("d", 0);
}

static void
append_only(void)
{
	int fd = OK(open("f", O_RDWR));
	void *at;

	mark("f", APPEND);
	names_stay("f");
	ERR(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	OK(access("f", W_OK));
	OK(utimensat(AT_FDCWD, "f", NULL, 0));
	ERR(ftruncate(fd, 1), EPERM);
	ERR(fcntl(fd, F_SETFL, O_APPEND), EPERM);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(at == MAP_FAILED);
	EQ(errno, EACCES);
	OK(close(fd));
	fd = OK(open("f", O_WRONLY | O_APPEND));
	EQ(pwrite(fd, "ab", 2, 0), 2);
	EQ(lseek(fd, 0, SEEK_END), 7);
	ERR(fcntl(fd, F_SETFL, 0), EPERM);
	ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EPERM);
	OK(close(fd));
	mark("d", APPEND);
	OK(close(OK(open("d/new", O_CREAT | O_WRONLY, 0644))));
	ERR(unlink("d/in"), EPERM);
	ERR(rename("d/in", "d/on"), EPERM);
	mark("d", 0);
}

/* Another user, and root without the right to it. */
static void
others(void)
{
	unsigned none = 0, nodump = NODUMP, all = NODUMP | APPEND;
	int fd = OK(open("f", O_RDONLY));

	OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	OK(setresuid(1000, 1000, 1000));
	ERR(ioctl(fd, SET, &none), EPERM);
	ERR(ioctl(fd, SET, &all), EPERM);
	ERR(ioctl(fd, SET, NULL), EFAULT);
	fd = OK(open("own", O_RDONLY));
	OK(ioctl(fd, SET, &nodump));
	ERR(ioctl(fd, SET, &all), EPERM);
	OK(ioctl(fd, SET, &none));
}

int
main(void)
{
	unsigned flags = 1;
	int fds[2], fd;
	pid_t pid;

	if (getuid() != 0 || chdir("/dev/shm") != 0) {
		printf("skipped: needs root, and a tmpfs\n");
		return 0;
	}
	OK(mkdir("marked", 0777));
	OK(chdir("marked"));
	fd = OK(open("f", O_CREAT | O_RDWR, 0644));
	EQ(write(fd, "12345", 5), 5);
	ERR(ioctl(fd, SET, &flags), EOPNOTSUPP);
	OK(close(fd));
	OK(close(OK(open("plain", O_CREAT | O_WRONLY, 0644))));
	OK(close(OK(open("own", O_CREAT | O_WRONLY, 0644))));
	OK(chown("own", 1000, 1000));
	OK(pipe(fds));
	ERR(ioctl(fds[0], GET, &flags), ENOTTY);
	immutable();
	append_only();
	pid = OK(fork());
	if (pid == 0) {
		others();
		_exit(0);
	}
	REAP(pid, 0);
	mark("f", 0);
	OK(unlink("d/in"));
	OK(unlink("d/new"));
	OK(rmdir("d"));
	OK(unlink("f"));
	OK(unlink("own"));
	OK(unlink("plain"));
	OK(rmdir("../marked"));
	return test_done();
}
