/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 APPEND=locks=1 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /proc/PID/fdinfo and status look at the descriptors of a process while it closes
 * them, or ends: who looks may be the last to have a file, and closes it like anybody.
 */
#include "lib/test.h"

static volatile int *over;     /* shared */

/* A pipe comes and goes, always by the same numbers. */
static void
opens_and_closes(void)
{
	int p[2];

	while (!*over) {
		OK(pipe(p));
		OK(close(p[0]));
		OK(close(p[1]));
	}
	_exit(0);
}

/* fdinfo of the first descriptor that pid opens next; it must be there at the look-up. */
static int
open_info(pid_t pid, int fd)
{
	char path[64];
	int info;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	do
		info = open(path, O_RDONLY);
	while (info < 0 && errno == ENOENT);
	return OK(info);
}

static void
they_come_and_go(void)
{
	int next = OK(dup(0)), info;
	char text[256];
	pid_t pid;

	OK(close(next));
	*over = 0;
	pid = OK(fork());
	if (pid == 0)
		opens_and_closes();
	info = open_info(pid, next);
	for (long i = rounds(8000); i > 0; i--)
		if (pread(info, text, sizeof(text), 0) < 0)
			EQ(errno, ENOENT);
	*over = 1;
	REAP(pid, 0);
	OK(close(info));
}

/* With its last thread a process ends all it has. */
static void
they_end(void)
{
	char path[64], text[2048];
	int fd, p[2];
	pid_t pid;

	for (long i = rounds(400); i > 0; i--) {
		pid = OK(fork());
		if (pid == 0) {
			OK(pipe(p));
			_exit(0);
		}
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		fd = OK(open(path, O_RDONLY));
		while (pread(fd, text, sizeof(text), 0) > 0 &&
		    strstr(text, "State:\tZ") == NULL)
			continue;
		OK(close(fd));
		REAP(pid, 0);
	}
}

int
main(void)
{
	over = (int *)pages_shared(1);
	they_come_and_go();
	they_end();
	return test_done();
}
