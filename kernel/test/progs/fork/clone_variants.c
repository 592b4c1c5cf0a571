/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * clone with the flag words that programs use, and the wrong ones.
 */
#include "lib/test.h"

static char stack[64 * KIB] __attribute__((aligned(16)));
static volatile int word;
static volatile int tid_word;

static int
child(void *arg)
{
	word++;
	if (arg != NULL)
		close(*(int *)arg);
	return 3;
}

static int
child_chdir(void *arg)
{
	(void)arg;
	return chdir("/dev") == 0 ? 4 : 1;
}

static pid_t
start(int (*fn)(void *), int flags, void *arg)
{
	return OK(clone(fn, stack + sizeof(stack), flags, arg, &tid_word, NULL,
	    &tid_word));
}

static void
good(void)
{
	char cwd[64], odd[8] __attribute__((aligned(8)));
	int *shared = (int *)pages_shared(1), fd = OK(dup(1));
	pid_t pid;

	OK(chdir("/"));
	REAP(start(child, SIGCHLD, NULL), 3);
	EQ(word, 0);
	REAP(start(child, CLONE_VM | SIGCHLD, NULL), 3);
	EQ(word, 1);
	REAP(start(child, SIGCHLD, &fd), 3);
	OK(fcntl(fd, F_GETFD));
	REAP(start(child, CLONE_FILES | SIGCHLD, &fd), 3);
	ERR(fcntl(fd, F_GETFD), EBADF);
	REAP(start(child_chdir, SIGCHLD, NULL), 4);
	CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	REAP(start(child_chdir, CLONE_FS | SIGCHLD, NULL), 4);
	CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/dev") == 0);
	pid = start(child, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	EQ(word, 2);
	REAP(pid, 3);
	REAP(start(child, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
	             SIGCHLD, NULL), 3);
	EQ(word, 3);
	pid = start(child, CLONE_PARENT_SETTID | SIGCHLD, NULL);
	EQ(tid_word, pid);
	REAP(pid, 3);
	pid = start(child, CLONE_VM | CLONE_CHILD_CLEARTID |
	    CLONE_PARENT_SETTID | SIGCHLD, NULL);
	REAP(pid, 3);
	EQ(tid_word, 0);
	/* A word that no futex can be is cleared like any other. */
	pid = OK(clone(child, stack + sizeof(stack), CLONE_VM |
	    CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL,
	    memset(odd, 0x7f, sizeof(odd)) + 3));
	REAP(pid, 3);
	EQ(memcmp(odd, "\x7f\x7f\x7f\0\0\0\0\x7f", 8), 0);
	/* Nobody stays in the child's memory: its word does, too. */
	*shared = 77;
	pid = OK(syscall(SYS_clone, CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0,
	    shared, 0));
	if (pid == 0)
		_exit(3);
	REAP(pid, 3);
	EQ(*shared, 77);
	/* No exit signal: only __WALL or __WCLONE see it. */
	pid = start(child, 0, NULL);
	ERR(waitpid(pid, NULL, 0), ECHILD);
	EQ(waitpid(pid, NULL, 0x40000000), pid);
}

static void
bad(void)
{
	ERR(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
	ERR(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
	ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0),
	    EINVAL);
	ERR(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0), EINVAL);
}

int
main(void)
{
	good();
	bad();
	return test_done();
}
