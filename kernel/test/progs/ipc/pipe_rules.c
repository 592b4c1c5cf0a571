/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A pipe holds 64 KiB; end of file, EPIPE with SIGPIPE, O_NONBLOCK, flags,
 * sizes, and the errors of calls that a pipe does not have.
 */
#include "lib/test.h"
#include <sys/ioctl.h>
#include <sys/uio.h>

static volatile int got_sigpipe;

static void
on_pipe(int signo)
{
	got_sigpipe = signo;
}

static void
capacity(void)
{
	static char block[PAGE];
	int fd[2], n = 0, left;

	OK(pipe2(fd, O_NONBLOCK));
	while (write(fd[1], block, sizeof(block)) == sizeof(block))
		n++;
	EQ(errno, EAGAIN);
	EQ(n, 16);
	ERR(write(fd[1], block, 1), EAGAIN);
	OK(ioctl(fd[0], FIONREAD, &left));
	EQ(left, 65536);
	EQ(read(fd[0], block, PAGE), PAGE);
	EQ(write(fd[1], block, PAGE), PAGE);
	EQ(fcntl(fd[0], F_GETPIPE_SZ), 65536);
	while (read(fd[0], block, sizeof(block)) > 0)
		continue;
	EQ(errno, EAGAIN);
	close(fd[1]);
	EQ(read(fd[0], block, 1), 0);
	close(fd[0]);
}

static void
ends(void)
{
	char c;
	int fd[2];
	pid_t pid;

	OK(pipe(fd));
	close(fd[0]);
	signal(SIGPIPE, on_pipe);
	ERR(write(fd[1], "x", 1), EPIPE);
	EQ(got_sigpipe, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	ERR(write(fd[1], "x", 1), EPIPE);
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);
	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		close(fd[0]);
		for (;;)
			if (write(fd[1], "x", 1) != 1)
				_exit(1);
	}
	EQ(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	REAP_SIGNAL(pid, SIGPIPE);
	/* A reader that sleeps sees the end when the last writer closes. */
	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		close(fd[1]);
		_exit(read(fd[0], &c, 1) == 0 ? 0 : 1);
	}
	close(fd[0]);
	sleep_ms(30);
	close(fd[1]);
	REAP(pid, 0);
}

/* The reader goes in the midst of a write: a count, and the signal. */
static void
reader_leaves(void)
{
	static char b[100000];
	int fd[2], in = 0;
	pid_t pid;

	OK(pipe(fd));
	signal(SIGPIPE, on_pipe);
	got_sigpipe = 0;
	pid = OK(fork());
	if (pid == 0) {
		close(fd[1]);
		while (in < 65536) {
			sleep_ms(1);
			OK(ioctl(fd[0], FIONREAD, &in));
		}
		sleep_ms(50); /* for the writer to wait for room */
		_exit(0);
	}
	close(fd[0]);
	EQ(write(fd[1], b, sizeof(b)), 65536);
	EQ(got_sigpipe, SIGPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(fd[1]);
	REAP(pid, 0);
}

static void
errors(void)
{
	int fd[2];
	char c;

	OK(pipe2(fd, O_CLOEXEC));
	EQ(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	EQ(fcntl(fd[1], F_GETFL) & O_ACCMODE, O_WRONLY);
	ERR(read(fd[1], &c, 1), EBADF);
	ERR(write(fd[0], &c, 1), EBADF);
	ERR(lseek(fd[0], 0, SEEK_CUR), ESPIPE);
	ERR(pread(fd[0], &c, 1, 0), ESPIPE);
	ERR(pwrite(fd[1], &c, 1, 0), ESPIPE);
	ERR(ftruncate(fd[1], 0), EINVAL);
	ERR(fsync(fd[0]), EINVAL);
	ERR(ioctl(fd[0], 0x5401, &c), ENOTTY);
	ERR(syscall(SYS_pipe2, fd, 0x40), EINVAL);
	ERR(syscall(SYS_pipe2, 8, 0), EFAULT);
	ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd[0], 0) == MAP_FAILED
	        ? -1 : 0, ENODEV);
	OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	ERR(read(fd[0], &c, 1), EAGAIN);
	EQ(read(fd[0], NULL, 0), 0);
	struct stat st;
	OK(fstat(fd[0], &st));
	CHECK(S_ISFIFO(st.st_mode));
	close(fd[0]);
	close(fd[1]);
}

static unsigned char
byte_at(unsigned long i)
{
	return i * 7 + (i >> 8);
}

/* Write n bytes, or what fits; *in counts. */
static void
fill(int f, unsigned long *in, long n)
{
	static unsigned char b[4 * 65536];
	ssize_t r;

	for (long i = 0; i < n; i++)
		b[i] = byte_at(*in + i);
	r = write(f, b, n);
	/* Half a page of room is none on Linux. */
	CHECK(r > 0 || errno == EAGAIN);
	*in += r > 0 ? r : 0;
}

/* Read n bytes that must be there. */
static void
drain(int f, unsigned long *out, long n)
{
	static unsigned char b[4 * 65536];

	EQ(read(f, b, n), n);
	for (long i = 0; i < n; i++)
		EQ(b[i], byte_at(*out + i));
	*out += n;
}

/* A pipe gets another size while its bytes begin in the midst of a page. */
static void
resize(long skip)
{
	static const int sizes[] = { 65536, 131072, 262144, 131072, 4096 };
	unsigned long in = 0, out = 0;
	int fd[2];

	OK(pipe2(fd, O_NONBLOCK));
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		EQ(fcntl(fd[1], F_SETPIPE_SZ, sizes[i]), sizes[i]);
		EQ(fcntl(fd[0], F_GETPIPE_SZ), sizes[i]);
		if (i + 2 >= sizeof(sizes) / sizeof(*sizes)) {
			drain(fd[0], &out, in - out);
			continue;
		}
		fill(fd[1], &in, sizes[i]);
		drain(fd[0], &out, skip);
		fill(fd[1], &in, skip);
		/* Before it shrinks it must have room enough. */
		if (sizes[i + 1] < sizes[i]) {
			ERR(fcntl(fd[1], F_SETPIPE_SZ, 4096), EBUSY);
			drain(fd[0], &out, in - out - 50000);
		}
	}
	EQ(in, out);
	close(fd[0]);
	close(fd[1]);
}

/* Bytes that the reader has no room for stay in the pipe. */
static void
read_to_a_hole(void)
{
	char *end = pages_private(2) + PAGE, b[20];
	struct iovec v[2] = { { b, 5 }, { end - 6, 10 } };
	int fd[2];

	OK(munmap(end, PAGE));
	OK(pipe2(fd, O_NONBLOCK));
	EQ(write(fd[1], "0123456789abcdef", 16), 16);
	ERR(read(fd[0], end - 6, 10), EFAULT);
	ERR(readv(fd[0], v, 2), EFAULT);
	EQ(read(fd[0], end - 6, 6), 6);
	EQ(read(fd[0], b, sizeof(b)), 10);
	EQ(memcmp(b, "6789abcdef", 10), 0);
	close(fd[0]);
	close(fd[1]);
}

/* A big write goes through in pieces while the reader drains. */
static void
big_write(void)
{
	size_t size = rounds(600000), at = 0;
	unsigned char *out = malloc(size), in[777];
	int fd[2];
	pid_t pid;
	ssize_t n;

	for (size_t i = 0; i < size; i++)
		out[i] = i * 31 >> 3;
	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		close(fd[0]);
		EQ(write(fd[1], out, size), (long)size);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], in, sizeof(in))) > 0) {
		EQ(memcmp(in, out + at, n), 0);
		at += n;
	}
	EQ(at, size);
	close(fd[0]);
	REAP(pid, 0);
	free(out);
}

int
main(void)
{
	capacity();
	ends();
	reader_leaves();
	errors();
	big_write();
	resize(5000);
	resize(PAGE);
	resize(1);
	read_to_a_hole();
	return test_done();
}
