/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * vfork: the parent stands still until the child execs or exits; the child
 * works in the parent's memory; posix_spawn uses it.
 */
#include "lib/test.h"
#include <spawn.h>
#include <sys/auxv.h>

static volatile int word;

int
main(int argc, char **argv)
{
	char *self = (char *)getauxval(AT_EXECFN);
	char *av[] = { "x", "child", NULL };
	posix_spawn_file_actions_t fa;
	int fd[2];
	pid_t pid;
	char c;

	if (argc > 1)
		return write(1, argv[1], 1) == 1 ? 21 : 1;
	pid = vfork();
	if (pid == 0) {
		sleep_ms(30);
		word = 5;
		_exit(8);
	}
	EQ(word, 5);
	REAP(pid, 8);
	OK(pipe2(fd, O_CLOEXEC));
	pid = vfork();
	if (pid == 0) {
		word = 6;
		dup2(fd[1], 1);
		execv(self, av);
		_exit(9);
	}
	EQ(word, 6);
	REAP(pid, 21);
	EQ(read(fd[0], &c, 1), 1);
	EQ(posix_spawn_file_actions_init(&fa), 0);
	EQ(posix_spawn_file_actions_adddup2(&fa, fd[1], 1), 0);
	for (int i = 0; i < 20; i++) {
		EQ(posix_spawn(&pid, self, &fa, NULL, av, environ), 0);
		REAP(pid, 21);
		EQ(read(fd[0], &c, 1), 1);
		EQ(posix_spawn(&pid, "/no/such", &fa, NULL, av, environ),
		    ENOENT);
	}
	return test_done();
}
