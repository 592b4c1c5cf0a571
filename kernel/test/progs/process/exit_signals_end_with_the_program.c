/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A child that was made with another exit signal than SIGCHLD sends SIGCHLD to
 * a parent that runs another program by now: who starts a set-uid program
 * cannot have it killed by a child from before, nor by that child's sibling.
 * The child still is one for __WCLONE.
 */
#include "lib/host.h"

#define USER 1000

static char program[64]; /* this one, set-uid root */

static int
number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

/* The next SIGCHLD, or a failure after five seconds. */
static void
child_is_told(pid_t pid)
{
	struct timespec limit = { 5, 0 };
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	EQ(sigtimedwait(&set, &si, &limit), SIGCHLD);
	EQ(si.si_pid, pid);
	EQ(si.si_code, CLD_EXITED);
	EQ(si.si_status, 7);
}

/* The program: it lets the child go, and is there still when that has ended. */
static int
started(int go, pid_t pid, bool ignores)
{
	int status;

	EQ(geteuid(), 0);
	EQ(write(go, "g", 1), 1);
	if (ignores) {
		ERR(waitpid(pid, &status, __WCLONE), ECHILD);
		return 0;
	}
	child_is_told(pid);
	ERR(waitpid(pid, &status, 0), ECHILD);
	EQ(waitpid(pid, &status, __WCLONE), pid);
	EQ(status, 7 << 8);
	return 0;
}

/* A child, or with CLONE_PARENT a sibling, that ends when it is told. */
static pid_t
waiting(int flags, const int go[2])
{
	pid_t pid = OK(syscall(SYS_clone, flags, NULL, NULL, NULL, NULL));
	char c;

	if (pid == 0) {
		OK(close(go[1]));
		EQ(read(go[0], &c, 1), 1);
		_exit(7);
	}
	return pid;
}

static void
exec_program(int go, pid_t pid, bool ignores)
{
	char a[16], b[16];

	snprintf(a, sizeof(a), "%d", go);
	snprintf(b, sizeof(b), "%d", pid);
	execl(program, program, a, b, ignores ? "ignores" : "asks",
	    (char *)NULL);
	_exit(99);
}

/* As a child of main, whose SIGCHLD is ignored or waits until it is fetched. */
static void
user(int signo, bool ignores)
{
	sigset_t set;
	int go[2];
	pid_t pid;

	OK(setresuid(USER, USER, USER));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	if (ignores)
		signal(SIGCHLD, SIG_IGN);
	OK(pipe(go));
	pid = waiting(signo, go);
	OK(close(go[0]));
	exec_program(go[1], pid, ignores);
}

static void
case_of(int signo, bool ignores)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		user(signo, ignores);
	REAP(pid, 0);
}

/* The second program of siblings(): it asks the child for another one. */
static int
started_with_sibling(int ask, int answer, int go)
{
	pid_t pid;

	EQ(write(ask, "a", 1), 1);
	EQ(read(answer, &pid, sizeof(pid)), sizeof(pid));
	return started(go, pid, false);
}

/* A child from before makes another one for its parent, with its own signal. */
static void
user_of_sibling(void)
{
	char a[16], b[16], g[16], c;
	int ask[2], answer[2], go[2];
	sigset_t set;
	pid_t pid;

	OK(setresuid(USER, USER, USER));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(pipe(ask));
	OK(pipe(answer));
	OK(pipe(go));
	if (OK(syscall(SYS_clone, SIGKILL, NULL, NULL, NULL, NULL)) == 0) {
		OK(close(ask[1]));
		EQ(read(ask[0], &c, 1), 1);
		pid = waiting(CLONE_PARENT | SIGUSR1, go);
		EQ(write(answer[1], &pid, sizeof(pid)), sizeof(pid));
		EQ(read(ask[0], &c, 1), 0); /* until the parent ends */
		_exit(0);
	}
	OK(close(ask[0]));
	OK(close(answer[1]));
	OK(close(go[0]));
	snprintf(a, sizeof(a), "%d", ask[1]);
	snprintf(b, sizeof(b), "%d", answer[0]);
	snprintf(g, sizeof(g), "%d", go[1]);
	execl(program, program, a, b, g, "sibling", (char *)NULL);
	_exit(99);
}

static void
sibling(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		user_of_sibling();
	REAP(pid, 0);
}

/* In the same program the child's own signal comes. */
static void
without_exec(void)
{
	struct timespec limit = { 5, 0 };
	sigset_t set;
	siginfo_t si;
	int go[2];
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(pipe(go));
	pid = waiting(SIGUSR1, go);
	EQ(write(go[1], "g", 1), 1);
	EQ(sigtimedwait(&set, &si, &limit), SIGUSR1);
	EQ(si.si_pid, pid);
	EQ(waitpid(pid, NULL, __WCLONE), pid);
	OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	OK(close(go[0]));
	OK(close(go[1]));
}

int
main(int argc, char **argv)
{
	alarm(20);
	if (argc > 4)
		return started_with_sibling(number(argv[1]), number(argv[2]),
		    number(argv[3]));
	if (argc > 3)
		return started(number(argv[1]), number(argv[2]),
		    strcmp(argv[3], "ignores") == 0);
	if (getuid() != 0)
		return 0;
	without_exec();
	need_tmp_without(ST_NOSUID | ST_NOEXEC);
	mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "/tmp/told.%d", (int)getpid());
	copy_self(program);
	OK(chmod(program, 04755));
	case_of(SIGKILL, false);
	case_of(SIGUSR1, false);
	case_of(0, false);
	case_of(SIGKILL, true);
	sibling();
	OK(unlink(program));
	return test_done();
}
