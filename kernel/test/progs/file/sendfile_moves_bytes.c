/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * sendfile from a file to a pipe and to a file: count, offset, end; at the
 * limit of a file's size sendfile and copy_file_range raise what write raises.
 */
#include "lib/host.h"
#include <sys/sendfile.h>

static long
copy(int from, int to, off_t at, size_t n)
{
	return syscall(SYS_copy_file_range, from, NULL, to, &at, n, 0);
}

/* Where a file may have 4096 bytes: how many come, and what ends by a signal. */
static void
limited(int way)
{
	const struct rlimit rl = { 4096, RLIM_INFINITY };
	int fd = OK(open("from", O_RDONLY));
	int to = OK(open("cut", O_RDWR | O_CREAT | O_TRUNC, 0644));

	OK(setrlimit(RLIMIT_FSIZE, &rl));
	if (way == 0) {
		signal(SIGXFSZ, SIG_IGN);
		EQ(copy(fd, to, 96, 10000), 4000);
		ERR(copy(fd, to, 4096, 10000), EFBIG);
		EQ(lseek(fd, 0, SEEK_SET), 0);
		EQ(sendfile(to, fd, NULL, 10000), 4096);
		ERR(sendfile(to, fd, NULL, 10000), EFBIG);
		_exit(0);
	}
	EQ(copy(fd, to, 96, 10000), 4000); /* a part: no signal */
	EQ(lseek(fd, 0, SEEK_SET), 0);
	if (way == 1)
		copy(fd, to, 4096, 1);
	if (way == 2)
		sendfile(to, fd, NULL, 10000);
	EQ(sendfile(to, fd, NULL, 4096), 4096);
	if (way == 3)
		sendfile(to, fd, NULL, 1);
	_exit(0);
}

static void
limits(void)
{
	for (int way = 0; way < 4; way++) {
		pid_t pid = OK(fork());

		if (pid == 0)
			limited(way);
		if (way == 0)
			REAP(pid, 0);
		else
			REAP_SIGNAL(pid, SIGXFSZ);
	}
	OK(unlink("cut"));
}

/* Such a place is of no file, so it is beyond no limit. */
static void
before_the_begin(int fd, int to)
{
	struct rlimit old, few;
	loff_t at = -100;

	OK(getrlimit(RLIMIT_FSIZE, &old));
	few = old;
	few.rlim_cur = 5000;
	OK(setrlimit(RLIMIT_FSIZE, &few));
	OK(lseek(fd, 0, SEEK_SET));
	ERR(copy_file_range(fd, NULL, to, &at, 10, 0), EINVAL);
	OK(setrlimit(RLIMIT_FSIZE, &old));
}

int
main(void)
{
	static char out[20000], in[20000];
	int fd, to, p[2];
	off_t at = 100;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	own_descriptors();
	enter_tmp();
	make_file("from", out, sizeof(out), 0644);
	fd = OK(open("from", O_RDONLY));
	OK(pipe(p));
	EQ(sendfile(p[1], fd, &at, 5000), 5000);
	EQ(at, 5100);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	EQ(read(p[0], in, sizeof(in)), 5000);
	EQ(memcmp(in, out + 100, 5000), 0);
	to = OK(open("to", O_RDWR | O_CREAT, 0644));
	EQ(sendfile(to, fd, NULL, 1000000), sizeof(out));
	EQ(sendfile(to, fd, NULL, 1000000), 0);
	EQ(pread(to, in, sizeof(in), 0), sizeof(in));
	EQ(memcmp(in, out, sizeof(in)), 0);
	ERR(sendfile(to, p[0], NULL, 10), EINVAL);
	ERR(sendfile(77, fd, NULL, 10), EBADF);
	ERR(sendfile(to, 77, NULL, 10), EBADF);
	ERR(sendfile(fd, to, NULL, 10), EBADF);
	/* The source is looked at first. */
	ERR(sendfile(fd, p[0], &at, 10), ESPIPE);
	ERR(sendfile(77, p[0], &at, 10), ESPIPE);
	before_the_begin(fd, to);
	limits();
	EQ(close(fd) | close(to) | unlink("from") | unlink("to"), 0);
	leave_tmp();
	return test_done();
}
