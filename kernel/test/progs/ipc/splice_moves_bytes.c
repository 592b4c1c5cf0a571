/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * splice between pipes, files and sockets: counts, order, offsets, what a pipe holds
 * afterwards, who waits and who does not; tee leaves what it gives; vmsplice both ways.
 */
#include "lib/sleeps.h"
#include "lib/test.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char block[32 * PAGE] __attribute__((aligned(4096)));
static char seen[32 * PAGE];

static int
holds(int fd)
{
	int n;

	OK(ioctl(fd, FIONREAD, &n));
	return n;
}

static void
put(int fd, size_t from, size_t n)
{
	EQ(write(fd, block + from, n), (long)n);
}

/* The next n bytes of fd are those of block from `from` on. */
static void
expect(int fd, size_t from, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t r = OK(read(fd, seen + at, n - at));

		CHECK(r > 0);
		at += (size_t)r;
	}
	CHECK(memcmp(seen, block + from, n) == 0);
}

static void
between_pipes(void)
{
	int a[2], b[2];

	OK(pipe2(a, O_NONBLOCK));
	OK(pipe2(b, O_NONBLOCK));
	ERR(splice(a[0], NULL, b[1], NULL, 10, 0), EAGAIN);
	put(a[1], 0, 3 * PAGE + 100);
	EQ(splice(a[0], NULL, b[1], NULL, PAGE + 10, 0), PAGE + 10);
	EQ(holds(a[0]), 2 * PAGE + 90);
	EQ(holds(b[0]), PAGE + 10);
	/* What is a part of a piece is closed: a write begins a new one. */
	put(b[1], PAGE + 10, 20);
	EQ(splice(a[0], NULL, b[1], NULL, sizeof(block), 0), 2 * PAGE + 90);
	EQ(holds(a[0]), 0);
	expect(b[0], 0, PAGE + 30);
	expect(b[0], PAGE + 10, 2 * PAGE + 90);
	/* A full one takes nothing, then what fits. */
	put(b[1], 0, 16 * PAGE);
	put(a[1], 0, 5 * PAGE);
	ERR(splice(a[0], NULL, b[1], NULL, 10, 0), EAGAIN);
	expect(b[0], 0, 2 * PAGE);
	EQ(splice(a[0], NULL, b[1], NULL, 5 * PAGE, 0), 2 * PAGE);
	expect(b[0], 2 * PAGE, 14 * PAGE);
	expect(b[0], 0, 2 * PAGE);
	expect(a[0], 2 * PAGE, 3 * PAGE);
	/* A page that came by splice is read, and written to again. */
	put(a[1], 7, 50);
	EQ(splice(a[0], NULL, b[1], NULL, 50, 0), 50);
	put(b[1], 57, 50); /* joins: it is a whole piece */
	expect(b[0], 7, 100);
	OK(close(a[1]));
	EQ(splice(a[0], NULL, b[1], NULL, 10, 0), 0);
	OK(close(b[0]));
	signal(SIGPIPE, SIG_IGN);
	ERR(splice(a[0], NULL, b[1], NULL, 10, 0), EPIPE);
	OK(close(a[0]));
	OK(close(b[1]));
}

/* Packets stay packets. */
static void
packets(void)
{
	int a[2], b[2];

	OK(pipe2(a, O_DIRECT | O_NONBLOCK));
	OK(pipe2(b, O_NONBLOCK));
	put(a[1], 0, 10);
	put(a[1], 10, 10);
	EQ(splice(a[0], NULL, b[1], NULL, 100, 0), 20);
	EQ(read(b[0], seen, 4), 4);
	EQ(read(b[0], seen, 100), 10);
	CHECK(memcmp(seen, block + 10, 10) == 0);
	for (int i = 0; i < 2; i++) {
		OK(close(a[i]));
		OK(close(b[i]));
	}
}

static void
files(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600)), p[2];
	loff_t at = 100, to = 5;

	OK(pipe2(p, O_NONBLOCK));
	put(fd, 0, 20 * PAGE);
	EQ(splice(fd, &at, p[1], NULL, 2 * PAGE, 0), 2 * PAGE);
	EQ(at, 100 + 2 * (long)PAGE);
	EQ(lseek(fd, 0, SEEK_CUR), 20 * PAGE);
	expect(p[0], 100, 2 * PAGE);
	/* Each page of the file has a slot: sixteen, the first of them a part. */
	EQ(splice(fd, &at, p[1], NULL, sizeof(block), 0), 16 * PAGE - 100);
	ERR(splice(fd, &at, p[1], NULL, sizeof(block), 0), EAGAIN);
	expect(p[0], 100 + 2 * PAGE, 16 * PAGE - 100);
	EQ(lseek(fd, 19 * PAGE + 1, SEEK_SET), 19 * PAGE + 1);
	EQ(splice(fd, NULL, p[1], NULL, sizeof(block), 0), PAGE - 1);
	EQ(splice(fd, NULL, p[1], NULL, sizeof(block), 0), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 20 * PAGE);
	expect(p[0], 19 * PAGE + 1, PAGE - 1);
	/* The other way. */
	OK(ftruncate(fd, 0));
	OK(lseek(fd, 0, SEEK_SET));
	put(p[1], 0, 5000);
	EQ(splice(p[0], NULL, fd, NULL, 3000, 0), 3000);
	EQ(splice(p[0], NULL, fd, &to, 9000, 0), 2000);
	EQ(to, 2005);
	EQ(lseek(fd, 0, SEEK_CUR), 3000);
	EQ(pread(fd, seen, 100, 5), 100);
	CHECK(memcmp(seen, block + 3000, 100) == 0);
	ERR(splice(p[0], NULL, fd, NULL, 10, 0), EAGAIN);
	OK(fcntl(p[0], F_SETFL, 0));
	ERR(splice(p[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	OK(close(p[1]));
	EQ(splice(p[0], NULL, fd, NULL, 10, 0), 0);
	OK(close(p[0]));
	OK(close(fd));
	OK(unlink("f"));
}

/* What a file did not take is still there. */
static void
refused(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600)), p[2];
	const struct rlimit few = { 5000, RLIM_INFINITY };
	struct rlimit old;

	OK(getrlimit(RLIMIT_FSIZE, &old));
	signal(SIGXFSZ, SIG_IGN);
	OK(pipe(p));
	put(p[1], 0, 3 * PAGE);
	OK(setrlimit(RLIMIT_FSIZE, &few));
	EQ(splice(p[0], NULL, fd, NULL, 3 * PAGE, 0), 5000);
	ERR(splice(p[0], NULL, fd, NULL, 3 * PAGE, 0), EFBIG);
	OK(setrlimit(RLIMIT_FSIZE, &old));
	expect(p[0], 5000, 3 * PAGE - 5000);
	OK(close(p[0]));
	OK(close(p[1]));
	OK(close(fd));
	OK(unlink("f"));
}

static void
sockets(void)
{
	int s[2], p[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(pipe(p));
	put(p[1], 0, 6000);
	EQ(splice(p[0], NULL, s[0], NULL, 6000, 0), 6000);
	EQ(splice(s[1], NULL, p[1], NULL, 3000, 0), 3000);
	expect(p[0], 0, 3000);
	expect(s[1], 3000, 3000);
	ERR(splice(s[1], NULL, p[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	OK(fcntl(p[1], F_SETFL, O_NONBLOCK));
	ERR(splice(s[1], NULL, p[1], NULL, 10, 0), EAGAIN);
	OK(fcntl(p[1], F_SETFL, 0));
	OK(close(s[0]));
	EQ(splice(s[1], NULL, p[1], NULL, 10, 0), 0);
	OK(close(s[1]));
	OK(close(p[0]));
	OK(close(p[1]));
}

static void
tees(void)
{
	int a[2], b[2];

	OK(pipe2(a, O_NONBLOCK));
	OK(pipe2(b, O_NONBLOCK));
	ERR(tee(a[0], b[1], 10, 0), EAGAIN);
	put(a[1], 0, 2 * PAGE);
	EQ(tee(a[0], b[1], PAGE + 5, 0), PAGE + 5);
	EQ(holds(a[0]), 2 * PAGE);
	expect(b[0], 0, PAGE + 5);
	EQ(tee(a[0], b[1], sizeof(block), 0), 2 * PAGE);
	expect(a[0], 0, 2 * PAGE);
	expect(b[0], 0, 2 * PAGE);
	for (int i = 0; i < 2; i++) {
		OK(close(a[i]));
		OK(close(b[i]));
	}
}

static void
vectors(void)
{
	struct iovec v[3] = { { block + 10, 100 }, { block + 110, 0 },
		{ block + 110, 2 * PAGE } };
	struct iovec w[2] = { { seen, 50 }, { seen + 50, 3 * PAGE } };
	int p[2];

	OK(pipe2(p, O_NONBLOCK));
	EQ(vmsplice(p[1], v, 3, 0), 100 + 2 * (long)PAGE);
	EQ(vmsplice(p[0], w, 2, 0), 100 + 2 * (long)PAGE);
	CHECK(memcmp(seen, block + 10, 100 + 2 * PAGE) == 0);
	ERR(vmsplice(p[0], w, 2, SPLICE_F_NONBLOCK), EAGAIN);
	v[0] = (struct iovec){ block, sizeof(block) };
	EQ(vmsplice(p[1], v, 1, 0), 16 * PAGE);
	ERR(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK), EAGAIN);
	expect(p[0], 0, 16 * PAGE);
	OK(close(p[0]));
	OK(close(p[1]));
}

/* Packets are read(2)'s: vmsplice goes over their ends, and leaves what it has no room
 * for. */
static void
packets_and_vectors(void)
{
	struct iovec few = { seen, 10 }, many = { seen, 120 };
	int p[2];

	OK(pipe2(p, O_NONBLOCK | O_DIRECT));
	put(p[1], 0, 100);
	put(p[1], 100, 50);
	EQ(vmsplice(p[0], &few, 1, 0), 10);
	EQ(holds(p[0]), 140);
	EQ(vmsplice(p[0], &many, 1, 0), 120);
	CHECK(memcmp(seen, block + 10, 120) == 0);
	EQ(read(p[0], seen, 5), 5);
	CHECK(memcmp(seen, block + 130, 5) == 0);
	EQ(holds(p[0]), 0);
	OK(close(p[0]));
	OK(close(p[1]));
}

/* Who waits goes on when there is something, or a signal; or it is the end. */
static void
waiting(void)
{
	int a[2], b[2];
	pid_t pid;

	OK(pipe(a));
	OK(pipe(b));
	pid = OK(fork());
	if (pid == 0) {
		OK(close(a[1]));
		EQ(splice(a[0], NULL, b[1], NULL, 100, 0), 5);
		EQ(splice(a[0], NULL, b[1], NULL, 100, 0), 0);
		_exit(0);
	}
	process_sleeps(pid);
	put(a[1], 3, 5);
	expect(b[0], 3, 5);
	process_sleeps(pid);
	OK(close(a[1]));
	REAP(pid, 0);
	OK(close(a[0]));
	OK(close(b[0]));
	OK(close(b[1]));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7 + i / 251);
	enter_tmp();
	between_pipes();
	packets();
	files();
	refused();
	sockets();
	tees();
	vectors();
	packets_and_vectors();
	waiting();
	leave_tmp();
	return test_done();
}
