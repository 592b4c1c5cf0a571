/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Descriptors: dup, dup2, dup3, fcntl, their limits and errors; copies
 * share one offset and the status flags, not FD_CLOEXEC.  Of flags of open that
 * nobody knows none is told.
 */
#include "lib/host.h"

static void
dups(int fd)
{
	int a, b;

	a = OK(dup(fd));
	EQ(a, fd + 1);
	EQ(dup2(fd, fd), fd);
	EQ(dup2(fd, 100), 100);
	ERR(syscall(SYS_dup3, fd, fd, 0), EINVAL);
	ERR(syscall(SYS_dup3, fd, 101, 0x800), EINVAL);
	EQ(syscall(SYS_dup3, fd, 101, O_CLOEXEC), 101);
	EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(100, F_GETFD), 0);
	ERR(dup(99), EBADF);
	ERR(dup2(99, 5), EBADF);
	ERR(dup2(99, 99), EBADF);
	ERR(dup2(fd, -1), EBADF);
	ERR(dup2(fd, 1 << 30), EBADF);
	b = OK(fcntl(fd, F_DUPFD, 50));
	EQ(b, 50);
	EQ(fcntl(fd, F_DUPFD, 50), 51);
	EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60);
	EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
	ERR(fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
	ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
	EQ(write(fd, "abcdef", 6), 6);
	EQ(lseek(100, 0, SEEK_CUR), 6); /* one offset */
	OK(lseek(101, 2, SEEK_SET));
	EQ(lseek(fd, 0, SEEK_CUR), 2);
	OK(fcntl(100, F_SETFL, O_APPEND));
	EQ(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
	EQ(write(fd, "x", 1), 1);
	EQ(lseek(fd, 0, SEEK_CUR), 7);
	OK(fcntl(fd, F_SETFL, 0));
	EQ(close(a) | close(100) | close(101) | close(50) | close(51), 0);
	OK(close(60));
	ERR(close(60), EBADF);
	ERR(close(-1), EBADF);
	ERR(fcntl(fd, 9999), EINVAL);
	ERR(fcntl(60, F_GETFD), EBADF);
}

static void
strange_flags(void)
{
	const int strange = 0x40000000, half_sync = 04000000;
	int fd = OK(syscall(SYS_openat, AT_FDCWD, "file",
	    O_RDWR | strange | half_sync, 0));

	EQ(fcntl(fd, F_GETFL) & ~0100000, O_RDWR | O_SYNC); /* but for O_LARGEFILE */
	OK(close(fd));
}

static void
table_full(void)
{
	struct rlimit rl, old;
	int n = 0, fd[2];

	OK(getrlimit(RLIMIT_NOFILE, &old));
	rl = old;
	rl.rlim_cur = 40;
	OK(setrlimit(RLIMIT_NOFILE, &rl));
	while (dup(1) >= 0)
		n++;
	EQ(errno, EMFILE);
	CHECK(n > 20 && n < 40);
	ERR(open("/dev/null", O_RDONLY), EMFILE);
	ERR(pipe(fd), EMFILE);
	ERR(dup2(1, 40), EBADF);
	for (int i = 39; n > 0; i--, n--)
		OK(close(i));
	OK(setrlimit(RLIMIT_NOFILE, &old));
}

/* The child's table is a copy, the offset is shared. */
static void
over_fork(int fd)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(lseek(fd, 4, SEEK_SET));
		OK(close(fd));
		_exit(0);
	}
	REAP(pid, 0);
	EQ(lseek(fd, 0, SEEK_CUR), 4);
}

/* POSIX record locks vanish on any close of the file by the process. */
static void
locks(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t pid;
	int other;

	OK(fcntl(fd, F_SETLK, &l));
	pid = OK(fork());
	if (pid == 0) {
		ERR(fcntl(fd, F_SETLK, &l), EAGAIN);
		OK(fcntl(fd, F_GETLK, &l));
		EQ(l.l_type, F_WRLCK);
		EQ(l.l_pid, getppid());
		_exit(0);
	}
	REAP(pid, 0);
	other = OK(open("file", O_RDONLY));
	OK(close(other));
	pid = OK(fork());
	if (pid == 0) {
		OK(fcntl(fd, F_SETLK, &l));
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	int fd;

	own_descriptors();
	enter_tmp();
	fd = OK(open("file", O_RDWR | O_CREAT, 0644));
	dups(fd);
	strange_flags();
	table_full();
	over_fork(fd);
	locks(fd);
	OK(unlink("file"));
	OK(close(fd));
	leave_tmp();
	return test_done();
}
