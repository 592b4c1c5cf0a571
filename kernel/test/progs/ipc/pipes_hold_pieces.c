/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * What a pipe holds is counted in pieces of a page at most: what a write
 * leaves of a page joins the last one if it fits there.  Under O_DIRECT each
 * write is a packet.  sendfile brings pages of the file, one in each piece,
 * and what fits.
 */
#include "lib/test.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define RWF_NO_WAIT 8

static char block[20 * PAGE];

/* How many writes of n bytes fit. */
static int
fill(int fd, size_t n)
{
	int i;

	for (i = 0; write(fd, block, n) == (ssize_t)n; i++)
		continue;
	EQ(errno, EAGAIN);
	return i;
}

static int
holds(int fd)
{
	int n;

	OK(ioctl(fd, FIONREAD, &n));
	return n;
}

static void
pieces(void)
{
	static const struct { int size, fit; } row[] = { { PAGE, 16 },
		{ PAGE / 2 + 1, 16 }, { PAGE / 2, 32 }, { PAGE - 1, 16 },
		{ 1365, 48 }, { 1366, 32 }, { 16, 4096 } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int fd[2];

		OK(pipe2(fd, O_NONBLOCK));
		EQ(fill(fd[1], (size_t)row[i].size), row[i].fit);
		EQ(holds(fd[0]), row[i].size * row[i].fit);
		EQ(poll_now(fd[1]), 0);
		/* A byte that is taken makes no room; a piece does. */
		EQ(read(fd[0], block, 1), 1);
		EQ(poll_now(fd[1]), 0);
		ERR(write(fd[1], block, PAGE), EAGAIN);
		EQ(read(fd[0], block, PAGE - 1), PAGE - 1);
		EQ(poll_now(fd[1]), POLLOUT);
		close(fd[0]);
		close(fd[1]);
	}
}

static void
sizes(void)
{
	int fd[2];

	OK(pipe2(fd, O_NONBLOCK));
	for (int i = 0; i < 5; i++)
		EQ(write(fd[1], block, PAGE / 2 + 1), PAGE / 2 + 1);
	ERR(fcntl(fd[0], F_SETPIPE_SZ, 4 * PAGE), EBUSY);
	EQ(fcntl(fd[0], F_SETPIPE_SZ, 8 * PAGE), 8 * PAGE);
	EQ(fill(fd[1], PAGE), 3);
	EQ(fcntl(fd[0], F_SETPIPE_SZ, 16 * PAGE), 16 * PAGE);
	EQ(write(fd[1], block, 10 * PAGE), 8 * PAGE);
	EQ(holds(fd[0]), 5 * (PAGE / 2 + 1) + 11 * PAGE);
	/* 4097 bytes: the one joins the last, the page wants a piece. */
	EQ(read(fd[0], block, PAGE / 2 + 1), PAGE / 2 + 1);
	EQ(write(fd[1], block, 1), 1);
	EQ(write(fd[1], block, PAGE + 1), 1);
	close(fd[0]);
	close(fd[1]);
}

static void
packets(void)
{
	int fd[2];

	OK(pipe2(fd, O_NONBLOCK | O_DIRECT));
	EQ(fcntl(fd[0], F_GETFL) & O_DIRECT, 0);
	EQ(fcntl(fd[1], F_GETFL) & O_DIRECT, O_DIRECT);
	EQ(fill(fd[1], 3), 16);
	EQ(read(fd[0], block, 100), 3);
	EQ(read(fd[0], block, 1), 1); /* the others are lost */
	EQ(holds(fd[0]), 14 * 3);
	EQ(write(fd[1], block, PAGE + 1), PAGE + 1); /* two packets */
	OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	ERR(write(fd[1], block, 1), EAGAIN); /* nothing joins a packet */
	for (int i = 0; i < 14; i++)
		EQ(read(fd[0], block, 100), 3);
	EQ(write(fd[1], block, 2), 2);
	EQ(write(fd[1], block, 3), 3);
	EQ(read(fd[0], block, sizeof(block)), PAGE);
	EQ(read(fd[0], block, sizeof(block)), 1);
	EQ(read(fd[0], block, sizeof(block)), 5);
	OK(fcntl(fd[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	EQ(fcntl(fd[1], F_GETFL) & O_DIRECT, O_DIRECT);
	close(fd[0]);
	close(fd[1]);
}

static void
sent(void)
{
	int fd[2], f = (int)OK(open("sent", O_RDWR | O_CREAT, 0600));
	struct iovec v = { block, 1 };
	off_t at = 0;

	OK(ftruncate(f, 100 * PAGE));
	OK(pipe(fd));
	/* Not one byte is waited for that does not fit. */
	EQ(sendfile(fd[1], f, &at, 100 * PAGE), 16 * PAGE);
	EQ(at, 16 * PAGE);
	EQ(syscall(SYS_preadv2, fd[0], &v, 1, -1L, -1L, 0), 1);
	OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	ERR(sendfile(fd[1], f, &at, 1), EAGAIN);
	while (holds(fd[0]) > 0)
		OK(read(fd[0], block, sizeof(block)));
	at = PAGE - 10;
	EQ(sendfile(fd[1], f, &at, 20), 20); /* two pages: two pieces */
	EQ(fill(fd[1], PAGE), 14);
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	ERR(sendfile(fd[1], f, NULL, 1), EPIPE);
	at = 100 * PAGE;
	ERR(sendfile(fd[1], f, &at, 1), EPIPE); /* also of nothing */
	close(fd[1]);
	OK(unlink("sent"));
	close(f);
}

int
main(void)
{
	pieces();
	sizes();
	packets();
	sent();
	return test_done();
}
