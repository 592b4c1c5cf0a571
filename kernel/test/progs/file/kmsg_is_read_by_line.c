/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * /dev/kmsg gives one line a read, with its urgency, number and time, and never an end:
 * who comes first waits, or is told to come again.  lseek knows its first line and its
 * end.  A line that is written is kept whole, also one in pieces; a longer one is refused.
 */
#include "lib/test.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define BIG 9000
#define LONG 900     /* each Linux keeps this */
#define TOO_LONG 1025 /* and none that */
#define LINES 1100   /* more than our log keeps */
static char text[BIG];

/* One line of the log, which is not ours: how long it is, and its number. */
static long
line_read(int fd, unsigned *prio, unsigned long *nr, char **body)
{
	unsigned long us;
	long n;

	/* A host's log may be full: what was next was overwritten meanwhile. */
	do {
		n = read(fd, text, BIG - 1);
	} while (n < 0 && errno == EPIPE && !on_vadose());
	if (n <= 0)
		return n;
	text[n] = 0;
	EQ(text[n - 1], '\n');
	EQ(sscanf(text, "%u,%lu,%lu,", prio, nr, &us), 3);
	*body = strchr(text, ';');
	CHECK(*body != NULL);
	*body += *body != NULL;
	return n;
}

/* What this program has written; others may write, too. */
static unsigned
own_line(int fd, const char *want)
{
	unsigned long nr;
	unsigned prio;
	char *body;
	long n;

	do {
		n = line_read(fd, &prio, &nr, &body);
	} while (n > 0 && strncmp(body, want, strlen(want)) != 0);
	CHECK(n > 0);
	return n > 0 ? prio : 0;
}

static void
lines(int fd)
{
	unsigned long first, next;
	unsigned prio;
	char *body;

	EQ(lseek(fd, 0, SEEK_SET), 0);
	ERR(read(fd, text, 5), EINVAL); /* and that one is over */
	CHECK(line_read(fd, &prio, &first, &body) > 0);
	CHECK(line_read(fd, &prio, &next, &body) > 0);
	CHECK(next == first + 1 || (next > first && !on_vadose()));
	EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK(line_read(fd, &prio, &next, &body) > 0);
	CHECK(next == first - 1 || (next >= first && !on_vadose()));
	ERR(lseek(fd, 5, SEEK_SET), ESPIPE);
	ERR(lseek(fd, 0, SEEK_CUR), EINVAL);
	ERR(lseek(fd, 0, SEEK_HOLE), EINVAL);
}

static void
end(int fd)
{
	EQ(lseek(fd, 0, SEEK_END), 0);
	EQ(poll_now(fd), 0);
	ERR(read(fd, text, BIG), EAGAIN);
	ERR(read(fd, text, 0), EAGAIN);
	EQ(write(fd, "<13>test: a\\b\tc\n", 16), 16);
	EQ(poll_now(fd), POLLIN);
	EQ(own_line(fd, "test: a\\x5cb\\x09c\n"), 13);
	EQ(write(fd, "test: plain\n", 12), 12);
	EQ(own_line(fd, "test: plain\n"), 12);
}

static void
long_lines(int fd)
{
	static char line[TOO_LONG];
	struct iovec piece[] = { { "<13>test: ", 10 }, { "in pie", 6 }, { "ces\n", 4 } };
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	OK(mprotect(edge + 4096, 4096, PROT_NONE));
	memset(line, 'x', sizeof(line));
	memcpy(line, "test: long", 10);
	line[LONG - 1] = '\n';
	EQ(lseek(fd, 0, SEEK_END), 0);
	EQ(write(fd, line, LONG), LONG);
	EQ(own_line(fd, "test: long"), 12);
	EQ(strlen(strchr(text, ';') + 1), LONG);
	line[LONG - 1] = 'x';
	ERR(write(fd, edge + 4092, 10), EFAULT);
	ERR(write(fd, line, TOO_LONG), EINVAL);
	EQ(writev(fd, piece, 3), 20);
	EQ(own_line(fd, "test: in pieces\n"), 13);
}

/* Who reads, or polls, before there is a line gets it when it comes. */
static void
waits(int fd, bool polls)
{
	struct pollfd p = { fd, POLLIN, 0 };
	pid_t child;

	EQ(lseek(fd, 0, SEEK_END), 0);
	child = OK(fork());
	if (child == 0) {
		usleep(50000);
		_exit(write(fd, "test: late\n", 11) == 11 ? 0 : 1);
	}
	if (polls)
		EQ(poll(&p, 1, 10000), 1);
	else
		OK(fcntl(fd, F_SETFL, O_RDWR));
	own_line(fd, "test: late\n");
	OK(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK));
	REAP(child, 0);
}

/* Who is left behind is told so once, and goes on with the first that is there. */
static void
lost_lines(int fd)
{
	unsigned long first, next;
	unsigned prio;
	char *body;

	if (!on_vadose())
		return; /* Linux drops lines of who writes many */
	EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(line_read(fd, &prio, &first, &body) > 0);
	for (int i = 0; i < LINES; i++)
		EQ(write(fd, ".\n", 2), 2);
	ERR(read(fd, text, BIG), EPIPE);
	CHECK(line_read(fd, &prio, &next, &body) > 0);
	CHECK(next > first + 1);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(line_read(fd, &prio, &first, &body) > 0);
	EQ(first, next);
}

/* Reading is not everybody's. */
static void
rights(void)
{
	pid_t child = OK(fork());

	if (child == 0) {
		if (setuid(1000) != 0)
			_exit(2);
		_exit(open("/dev/kmsg", O_WRONLY) == -1 && errno == EACCES ? 0 : 1);
	}
	REAP(child, 0);
}

int
main(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);

	if (fd < 0) {
		printf("skipped: no /dev/kmsg\n");
		return 0;
	}
	lines(fd);
	end(fd);
	long_lines(fd);
	waits(fd, true);
	waits(fd, false);
	rights();
	lost_lines(fd);
	OK(close(fd));
	return test_done();
}
