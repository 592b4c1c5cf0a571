/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Record locks by process and range, OFD locks by open file, flock by open
 * file; a waiting lock is woken; a signal ends the wait.
 */
#include "lib/alarms.h"
#include <pthread.h>
#include <sys/file.h>

static int fd;

static int
record(int f, int cmd, int type, long start, long len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = start, .l_len = len };

	return fcntl(f, cmd, &l);
}

/* Is [start, start + len) free for another process? */
static int
is_free(long start, long len)
{
	int status;
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(record(fd, F_SETLK, F_WRLCK, start, len) == 0);
	OK(waitpid(pid, &status, 0));
	return WEXITSTATUS(status);
}

static void
ranges(void)
{
	OK(record(fd, F_SETLK, F_WRLCK, 0, 100));
	OK(record(fd, F_SETLK, F_UNLCK, 40, 20));
	EQ(is_free(0, 40), 0);
	EQ(is_free(40, 20), 1);
	EQ(is_free(39, 1), 0);
	EQ(is_free(59, 2), 0);
	EQ(is_free(100, 0), 1);
	OK(record(fd, F_SETLK, F_RDLCK, 0, 10));
	EQ(is_free(0, 1), 0);
	OK(record(fd, F_SETLK, F_WRLCK, 1000, 0));
	EQ(is_free(1L << 40, 1), 0);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 0));
	EQ(is_free(0, 0), 1);
	/* Up to the last byte that can be is to the end. */
	OK(record(fd, F_SETLK, F_WRLCK, 0, 0));
	OK(record(fd, F_SETLK, F_UNLCK, 1, INT64_MAX));
	EQ(is_free(1, 0), 1);
	EQ(is_free(0, 1), 0);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 0));
	ERR(record(fd, F_SETLK, 7, 0, 0), EINVAL);
	ERR(record(fd, F_SETLK, F_WRLCK, -1, 0), EINVAL);
	ERR(record(fd, F_SETLK, F_WRLCK, -1, 9), EINVAL);
	ERR(record(fd, F_SETLK, F_WRLCK, 5, INT64_MAX), EOVERFLOW);
	EQ(record(fd, F_SETLK, F_WRLCK, 10, -10), 0);
	EQ(is_free(9, 1), 0);
	EQ(is_free(10, 1), 1);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 0));
}

static void
waiting(void)
{
	int go[2];
	pid_t pid;
	char c;

	OK(pipe(go));
	OK(record(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = OK(fork());
	if (pid == 0) {
		EQ(write(go[1], "x", 1), 1);
		OK(record(fd, F_SETLKW, F_WRLCK, 0, 1));
		_exit(0);
	}
	EQ(read(go[0], &c, 1), 1);
	sleep_ms(30);
	EQ(waitpid(pid, NULL, WNOHANG), 0);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 1));
	REAP(pid, 0);
	/* A process that ends lets go. */
	EQ(is_free(0, 1), 1);
	close(go[0]);
	close(go[1]);
}

/* The other type of flock: the old lock goes first, also if none follows. */
static void
conversions(void)
{
	int other, third;
	pid_t pid;

	other = OK(open("f", O_RDWR));
	third = OK(open("f", O_RDWR));
	OK(flock(fd, LOCK_SH));
	OK(flock(other, LOCK_SH));
	ERR(flock(other, LOCK_EX | LOCK_NB), EAGAIN);
	OK(flock(fd, LOCK_EX | LOCK_NB));
	OK(flock(fd, LOCK_SH));
	OK(flock(other, LOCK_SH | LOCK_NB));
	OK(flock(third, LOCK_SH | LOCK_NB));
	OK(flock(third, LOCK_UN));
	/* Both want it alone: one after the other has it. */
	pid = OK(fork());
	if (pid == 0) {
		alarm(10);
		OK(flock(other, LOCK_EX));
		OK(flock(other, LOCK_UN));
		_exit(0);
	}
	sleep_ms(50);
	OK(flock(fd, LOCK_EX));
	OK(flock(fd, LOCK_UN));
	REAP(pid, 0);
	OK(close(other));
	OK(close(third));
}

static void
by_open_file(void)
{
	int other = OK(open("f", O_RDWR)), same = OK(dup(fd));

	OK(flock(fd, LOCK_EX));
	OK(flock(same, LOCK_EX | LOCK_NB));
	ERR(flock(other, LOCK_SH | LOCK_NB), EAGAIN);
	OK(flock(same, LOCK_SH));
	OK(flock(other, LOCK_SH | LOCK_NB));
	ERR(flock(other, LOCK_EX | LOCK_NB), EAGAIN);
	OK(flock(fd, LOCK_UN));
	OK(flock(other, LOCK_EX | LOCK_NB));
	OK(close(other));
	OK(flock(fd, LOCK_EX | LOCK_NB));
	OK(flock(fd, LOCK_UN));
	conversions();
	ERR(flock(fd, 77), EINVAL);
	other = OK(open("f", O_RDWR));
	OK(record(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	OK(record(same, F_OFD_SETLK, F_WRLCK, 0, 10));
	ERR(record(other, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
	OK(close(same));
	ERR(record(other, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
	OK(record(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	OK(record(other, F_OFD_SETLK, F_RDLCK, 5, 1));
	OK(close(other));
	other = OK(open("f", O_RDONLY));
	ERR(record(other, F_SETLK, F_WRLCK, 0, 1), EBADF);
	OK(close(other));
}

static int late = -1;

static void *
lock_late(void *arg)
{
	ERR(record(late, F_SETLKW, F_WRLCK, 0, 0), EBADF);
	return arg;
}

/* A descriptor that is closed while it waits for a lock does not keep it. */
static void
closed_meanwhile(void)
{
	pthread_t t;
	int go[2], status;
	char c;
	pid_t pid;

	OK(pipe(go));
	OK(record(fd, F_SETLK, F_WRLCK, 0, 0));
	pid = OK(fork());
	if (pid == 0) {
		late = OK(open("f", O_RDWR));
		EQ(pthread_create(&t, NULL, lock_late, NULL), 0);
		sleep_ms(100);
		OK(close(late));
		EQ(write(go[1], "x", 1), 1);
		EQ(pthread_join(t, NULL), 0);
		/* It is free while this process lives. */
		pid = OK(fork());
		if (pid == 0) {
			late = OK(open("f", O_RDWR));
			OK(record(late, F_SETLK, F_WRLCK, 0, 0));
			_exit(0);
		}
		OK(waitpid(pid, &status, 0));
		_exit(status != 0);
	}
	EQ(read(go[0], &c, 1), 1);
	OK(record(fd, F_SETLK, F_UNLCK, 0, 0));
	REAP(pid, 0);
	close(go[0]);
	close(go[1]);
}

static void
interrupted(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	int other = OK(open("f", O_RDWR));

	OK(flock(other, LOCK_EX));
	OK(sigaction(SIGALRM, &sa, NULL));
	alarms(30000);
	ERR(flock(fd, LOCK_EX), EINTR);
	alarms(0);
	OK(close(other));
}

int
main(void)
{
	enter_tmp();
	fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	ranges();
	waiting();
	by_open_file();
	closed_meanwhile();
	interrupted();
	OK(close(fd));
	OK(unlink("f"));
	leave_tmp();
	return test_done();
}
