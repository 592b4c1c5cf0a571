/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Opening a FIFO waits for the other end; without waiting a writer gets
 * ENXIO; hang-up only after a writer was there; a signal ends the wait.  Its times
 * tell when it was read and written.
 */
#include "lib/alarms.h"

static char buf[64];

static int
ready(int fd, int events)
{
	struct pollfd p = { fd, events, 0 };

	OK(poll(&p, 1, 0));
	return p.revents;
}

static void
rendezvous(void)
{
	pid_t pid = OK(fork());
	int fd;

	if (pid == 0) {
		sleep_ms(30);
		fd = OK(open("p", O_WRONLY));
		EQ(write(fd, "hello", 5), 5);
		_exit(0);
	}
	fd = OK(open("p", O_RDONLY));
	EQ(read(fd, buf, 64), 5);
	EQ(read(fd, buf, 64), 0);
	OK(close(fd));
	REAP(pid, 0);
}

static void
without_waiting(void)
{
	int rd, wr;

	ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	rd = OK(open("p", O_RDONLY | O_NONBLOCK));
	EQ(ready(rd, POLLIN), 0); /* nobody wrote yet: no hang-up */
	EQ(read(rd, buf, 1), 0);
	wr = OK(open("p", O_WRONLY | O_NONBLOCK));
	ERR(read(rd, buf, 1), EAGAIN);
	EQ(write(wr, "x", 1), 1);
	EQ(ready(rd, POLLIN), POLLIN);
	OK(close(wr));
	EQ(ready(rd, POLLIN), POLLIN | POLLHUP);
	EQ(read(rd, buf, 64), 1);
	EQ(ready(rd, POLLIN), POLLHUP);
	OK(close(rd));
	rd = OK(open("p", O_RDWR));
	EQ(write(rd, "both", 4), 4);
	EQ(read(rd, buf, 64), 4);
	EQ(ready(rd, POLLIN | POLLOUT), POLLOUT);
	OK(close(rd));
	/* What nobody read is gone with the last end. */
	rd = OK(open("p", O_RDWR | O_NONBLOCK));
	ERR(read(rd, buf, 64), EAGAIN);
	OK(close(rd));
}

static void
interrupted(void)
{
	struct sigaction sa = { .sa_handler = nothing };

	OK(sigaction(SIGALRM, &sa, NULL));
	alarms(30000);
	ERR(open("p", O_RDONLY), EINTR);
	alarms(0);
	ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO); /* the reader is gone */
}

static void
times(void)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	int fd = OK(open("p", O_RDWR));
	struct stat st;

	OK(futimens(fd, old));
	EQ(write(fd, "x", 1), 1);
	OK(stat("p", &st));
	CHECK(st.st_mtime > 1000);
	EQ(st.st_atime, 1000);
	EQ(read(fd, buf, 1), 1);
	OK(stat("p", &st));
	CHECK(st.st_atime > 1000);
	OK(close(fd));
}

int
main(void)
{
	struct stat st;

	enter_tmp();
	OK(mkfifo("p", 0600));
	OK(stat("p", &st));
	CHECK(S_ISFIFO(st.st_mode));
	rendezvous();
	without_waiting();
	interrupted();
	times();
	OK(unlink("p"));
	leave_tmp();
	return test_done();
}
