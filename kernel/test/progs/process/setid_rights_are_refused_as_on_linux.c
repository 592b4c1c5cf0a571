/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A set-id program gets no rights where its tracer has none, or where the thread
 * that starts it has given up new ones; traced it is told all the same to trust
 * nobody.  That another thread has given them up is nothing to it.  Who acts as
 * another than before is not looked at, whoever it is.
 */
#include "lib/host.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>

#define USER 1000
#define OTHER 2000
#define OWN 1      /* the program runs with its user's rights */
#define SECURE 2   /* it is told that they may be another's */
#define OPEN 4     /* its user may look at it */

static char program[64]; /* this one, in turn set-id */

static int
started(void)
{
	int r = geteuid() == USER && getegid() == USER ? OWN : 0;

	r |= getauxval(AT_SECURE) != 0 ? SECURE : 0;
	return r | (prctl(PR_GET_DUMPABLE) == 1 ? OPEN : 0);
}

static void
become_user(void)
{
	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(USER, USER, USER));
	OK(setresuid(USER, USER, USER));
	OK(prctl(PR_SET_DUMPABLE, 1));
}

static void
start(void)
{
	execl(program, program, "started", (char *)NULL);
	_exit(99);
}

static void
plain(void)
{
	become_user();
	start();
}

/* The tracer is of the user as well. */
static void
traced(void)
{
	pid_t pid;
	int st;

	become_user();
	pid = OK(fork());
	if (pid == 0) {
		OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		start();
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGSTOP << 8 | 0x7f);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGTRAP << 8 | 0x7f);
	OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st));
	_exit(WEXITSTATUS(st));
}

static void
gave_up(void)
{
	become_user();
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	start();
}

static void *
gives_up(void *arg)
{
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return arg;
}

static void
another_gave_up(void)
{
	pthread_t t;

	become_user();
	EQ(pthread_create(&t, NULL, gives_up, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	start();
}

/* Root, but to files. */
static void
fs_aside(void)
{
	EQ(syscall(SYS_setfsuid, USER), 0);
	start();
}

static void
case_of(void (*fn)(void), uid_t owner, int mode, int expected)
{
	pid_t pid;

	OK(chown(program, owner, owner));
	OK(chmod(program, (mode_t)mode));
	pid = OK(fork());
	if (pid == 0)
		fn();
	REAP(pid, expected);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return started();
	(void)argv;
	if (getuid() != 0)
		return 0;
	need_tmp_without(ST_NOSUID | ST_NOEXEC);
	mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "/tmp/refused.%d", (int)getpid());
	copy_self(program);
	case_of(plain, OTHER, 0755, OWN | OPEN);
	case_of(plain, OTHER, 04755, SECURE);
	case_of(plain, OTHER, 02755, SECURE);
	case_of(traced, OTHER, 0755, OWN | OPEN);
	case_of(traced, OTHER, 04755, OWN | SECURE | OPEN);
	case_of(traced, OTHER, 02755, OWN | SECURE | OPEN);
	case_of(gave_up, OTHER, 04755, OWN | OPEN);
	case_of(another_gave_up, OTHER, 04755, SECURE);
	case_of(fs_aside, 0, 0755, 0);
	OK(unlink(program));
	return test_done();
}
