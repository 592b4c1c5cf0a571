/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * exec keeps the record locks of the process, also when it had threads;
 * a close-on-exec descriptor takes those of its file along.
 */
#include "lib/test.h"
#include <pthread.h>

static int
lock_type(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = 0, .l_len = 10 };

	OK(fcntl(fd, F_GETLK, &l));
	return l.l_type;
}

static void
lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = 0, .l_len = 10 };

	OK(fcntl(fd, F_SETLK, &l));
}

static void *
sleeper(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

/* The child: take both locks, perhaps have a thread, become "wait". */
static void
become(int keep, int lose, int ready, const char *threads)
{
	char fd[16];
	pthread_t t;

	lock(keep);
	lock(lose);
	OK(fcntl(lose, F_SETFD, FD_CLOEXEC));
	if (threads[0] == 't')
		EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
	snprintf(fd, sizeof(fd), "%d", ready);
	execl("/proc/self/exe", "self", fd, (char *)NULL);
	_exit(99);
}

static void
round_of(const char *threads)
{
	int keep, lose, status, p[2];
	char c;
	pid_t pid;

	keep = OK(open("keep", O_RDWR | O_CREAT, 0644));
	lose = OK(open("lose", O_RDWR | O_CREAT, 0644));
	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0)
		become(keep, lose, p[1], threads);
	EQ(read(p[0], &c, 1), 1);
	EQ(lock_type(keep), F_WRLCK);
	EQ(lock_type(lose), F_UNLCK);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(lock_type(keep), F_UNLCK);
	EQ(close(keep) | close(lose) | close(p[0]) | close(p[1]), 0);
	EQ(unlink("keep") | unlink("lose"), 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		EQ(write(atoi(argv[1]), "r", 1), 1);
		for (;;)
			pause();
	}
	enter_tmp();
	round_of("one");
	round_of("threads");
	leave_tmp();
	return test_done();
}
