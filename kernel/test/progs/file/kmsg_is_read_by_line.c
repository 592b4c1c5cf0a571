/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * /dev/kmsg gives one line a read, with its urgency, number and time, and never an end:
 * who comes first waits, or is told to come again.  lseek knows its first line and its
 * end.
 */
#include "lib/test.h"
#include <fcntl.h>
#include <string.h>

#define BIG 9000
static char text[BIG];

/* One line of the log, which is not ours: how long it is, and its number. */
static long
line_read(int fd, unsigned *prio, unsigned long *nr, char **body)
{
	unsigned long us;
	long n = read(fd, text, BIG - 1);

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
	EQ(next, first + 1);
	EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK(line_read(fd, &prio, &next, &body) > 0);
	EQ(next, first - 1);
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
	waits(fd, true);
	waits(fd, false);
	rights();
	OK(close(fd));
	return test_done();
}
