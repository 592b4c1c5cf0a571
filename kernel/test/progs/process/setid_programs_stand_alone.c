/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who starts a set-uid program by a clone with CLONE_FS moves neither its
 * working directory nor its umask afterwards, if it has become another user at
 * all (on Linux it has not).
 */
#include "lib/host.h"

#define USER 1000
#define OTHER 2000
#define MASK 027

static char program[64]; /* this one, set-uid */

/*
 * The program: it tells that it is there, waits, and looks where it is.  0, 1:
 * with the user's rights, not moved, moved; 2, 9: with another's.
 */
static int
started(void)
{
	char c, here[256];
	bool moved;

	EQ(write(1, "s", 1), 1);
	EQ(read(0, &c, 1), 1);
	CHECK(getcwd(here, sizeof(here)) != NULL);
	moved = strcmp(here, "/tmp") != 0;
	EQ(umask(0), moved ? 0 : MASK);
	return geteuid() == USER ? moved : moved ? 9 : 2;
}

/* In a child: it moves while the program runs; what that has seen is the result. */
static void
user(int flags)
{
	int to[2], from[2], status;
	pid_t pid;
	char c;

	OK(setresuid(USER, USER, USER));
	OK(chdir("/tmp"));
	umask(MASK);
	OK(pipe(to));
	OK(pipe(from));
	pid = OK(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL));
	if (pid == 0) {
		OK(dup2(to[0], 0));
		OK(dup2(from[1], 1));
		OK(close(to[1]));
		OK(close(from[1]));
		execl(program, program, "started", (char *)NULL);
		_exit(99);
	}
	OK(close(to[0]));
	OK(close(from[1]));
	EQ(read(from[0], &c, 1), 1);
	OK(chdir("/"));
	umask(0);
	EQ(write(to[1], "g", 1), 1);
	status = reap(pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

static int
case_of(int mode, int flags)
{
	pid_t pid;
	int status;

	OK(chmod(program, mode));
	pid = OK(fork());
	if (pid == 0)
		user(flags);
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	int r;

	if (argc > 1)
		return started();
	if (getuid() != 0)
		return 0;
	need_tmp_without(ST_NOSUID | ST_NOEXEC);
	mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "/tmp/alone.%d", (int)getpid());
	copy_self(program);
	OK(chown(program, OTHER, OTHER));
	EQ(case_of(04755, 0), 2);
	EQ(case_of(0755, 0), 0);
	EQ(case_of(0755, CLONE_FS), 1);
	r = case_of(04755, CLONE_FS);
	CHECK(r == 1 || r == 2);
	OK(unlink(program));
	return test_done();
}
