/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A pipe that is opened again by its descriptor (/dev/fd, /proc/self/fd) does
 * not wait: its ends have been there.  Only a FIFO with a name waits.
 */
#include "lib/test.h"
#include <sys/ioctl.h>

static void
on_alarm(int signo)
{
	FAIL("it waits");
}

static int
again(const char *form, int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), form, fd);
	return open(path, flags);
}

/* The writers are gone, their bytes are not. */
static void
reader_after_writers(const char *form)
{
	struct pollfd p = { .events = POLLIN };
	int fd[2];
	char buf[8];

	OK(pipe(fd));
	EQ(write(fd[1], "left", 4), 4);
	OK(close(fd[1]));
	p.fd = OK(again(form, fd[0], O_RDONLY));
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLIN | POLLHUP);
	EQ(read(p.fd, buf, sizeof(buf)), 4);
	EQ(memcmp(buf, "left", 4), 0);
	EQ(read(p.fd, buf, sizeof(buf)), 0);
	EQ(read(fd[0], buf, sizeof(buf)), 0);
	p.revents = 0;
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLHUP);
	OK(close(p.fd));
	p.fd = OK(again(form, fd[0], O_RDONLY | O_NONBLOCK));
	EQ(read(p.fd, buf, sizeof(buf)), 0);
	OK(close(p.fd));
	OK(close(fd[0]));
}

/* A writer comes back through the reading end, and it is one. */
static void
writer_by_the_reading_end(const char *form)
{
	int fd[2], wr;
	char buf[8];

	OK(pipe(fd));
	OK(close(fd[1]));
	wr = OK(again(form, fd[0], O_WRONLY));
	EQ(write(wr, "new", 3), 3);
	EQ(read(fd[0], buf, sizeof(buf)), 3);
	EQ(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	ERR(read(fd[0], buf, 1), EAGAIN);
	OK(close(wr));
	EQ(read(fd[0], buf, 1), 0);
	wr = OK(again(form, fd[0], O_RDWR));
	EQ(write(wr, "both", 4), 4);
	EQ(read(wr, buf, sizeof(buf)), 4);
	OK(close(wr));
	OK(close(fd[0]));
}

/* Without a reader: neither a wait nor ENXIO, but EPIPE when it writes. */
static void
writer_after_readers(const char *form)
{
	int fd[2], wr;

	OK(pipe(fd));
	OK(close(fd[0]));
	wr = OK(again(form, fd[1], O_WRONLY | O_NONBLOCK));
	ERR(write(wr, "x", 1), EPIPE);
	OK(close(wr));
	wr = OK(again(form, fd[1], O_WRONLY));
	ERR(write(wr, "x", 1), EPIPE);
	OK(close(wr));
	OK(close(fd[1]));
}

/* What a shell does for <(echo x), and the reader comes when echo has ended. */
static void
substitution(const char *form)
{
	char buf[8];
	int fd[2], rd;
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		EQ(write(fd[1], "x\n", 2), 2);
		_exit(0);
	}
	OK(close(fd[1]));
	REAP(pid, 0);
	rd = OK(again(form, fd[0], O_RDONLY));
	EQ(read(rd, buf, sizeof(buf)), 2);
	EQ(read(rd, buf, sizeof(buf)), 0);
	OK(close(rd));
	OK(close(fd[0]));
}

/* A name does wait, also when it is opened again by a descriptor. */
static void
fifo_waits(void)
{
	int rd, wr;

	enter_tmp();
	OK(mkfifo("f", 0600));
	ERR(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	rd = OK(open("f", O_RDONLY | O_NONBLOCK));
	wr = OK(again("/proc/self/fd/%d", rd, O_WRONLY));
	OK(close(rd));
	ERR(again("/proc/self/fd/%d", wr, O_WRONLY | O_NONBLOCK), ENXIO);
	OK(close(wr));
	OK(unlink("f"));
	leave_tmp();
}

int
main(void)
{
	static const char *const forms[] = { "/dev/fd/%d", "/proc/self/fd/%d" };

	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	alarm(10);
	for (int i = 0; i < 2; i++) {
		reader_after_writers(forms[i]);
		writer_by_the_reading_end(forms[i]);
		writer_after_readers(forms[i]);
		substitution(forms[i]);
	}
	fifo_waits();
	return test_done();
}
