/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * ptrace: a tracer sees forks and clones, execs of any thread and what they end, and
 * waits for nobody whose number another has.
 */
#include "lib/sleeps.h"
#include "lib/traced.h"
#include <pthread.h>

/* It goes on, shows its end, and ends. */
static void
ends_with(pid_t pid, int status)
{
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_EXIT));
	EQ(message(pid), status);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), status);
}

static void
fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (pid == 0)
		_exit(4);
	waitpid(pid, NULL, 0);
}

/* The first stop of a new one, which runs on to its end. */
static void
new_one(pid_t parent, pid_t pid, int status)
{
	int st;

	EQ(next(pid), STOP(SIGSTOP));
	ends_with(pid, status);
	OK(pt(PTRACE_CONT, parent, 0, 0));
	st = next(parent);
	if (st == EVENT(PTRACE_EVENT_VFORK_DONE)) {
		EQ(message(parent), pid);
		OK(pt(PTRACE_CONT, parent, 0, 0));
		st = next(parent);
	}
	EQ(st, STOP(SIGCHLD));
}

static void
forks(void)
{
	pid_t pid = traced(fork_child), child;

	OK(pt(PTRACE_SETOPTIONS, pid, 0, O_FORK | O_VFORK | O_VFORKDONE | O_EXIT |
	    O_EXITKILL));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_FORK));
	child = message(pid);
	CHECK(child > 0 && child != pid);
	new_one(pid, child, 3 << 8);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_VFORK));
	new_one(pid, message(pid), 4 << 8);
	ends_with(pid, 7 << 8);
}

static void
exec_child(void)
{
	char *argv[] = { "x", "exec", NULL };

	execv("/proc/self/exe", argv);
	_exit(98);
}

static void
execs(void)
{
	pid_t pid = traced(exec_child);

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 55 << 8);
	pid = traced(exec_child);
	OK(pt(PTRACE_SETOPTIONS, pid, 0, O_EXECED | O_SYSGOOD));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_EXEC));
	EQ(message(pid), pid);
	EQ(call_next(pid).op, PTRACE_SYSCALL_INFO_EXIT);
	EQ(regs(pid).orig_rax, SYS_execve);
	EQ(regs(pid).rax, 0);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	EQ(next(pid), 55 << 8);
}

static void *
sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
two_then_exec(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
	exec_child();
}

/* The other threads end at an exec as if each had exited with 0. */
static void
exec_ends_the_others(void)
{
	pid_t pid = traced(two_then_exec), tid;

	OK(pt(PTRACE_SETOPTIONS, pid, 0, O_CLONE | O_EXIT | O_EXECED));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_CLONE));
	tid = message(pid);
	EQ(next(tid), STOP(SIGSTOP));
	OK(pt(PTRACE_CONT, tid, 0, 0));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(tid), EVENT(PTRACE_EVENT_EXIT));
	EQ(message(tid), 0);
	OK(pt(PTRACE_CONT, tid, 0, 0));
	EQ(next(tid), 0);
	EQ(next(pid), EVENT(PTRACE_EVENT_EXEC));
	ends_with(pid, 55 << 8);
}

static void *
other_execs(void *arg)
{
	exec_child();
	return arg;
}

static void
waits_for_an_exec(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, other_execs, NULL), 0);
	sleeper(NULL);
}

/* Another thread than the first makes it: that is traced on, with the first one's
 * number, and its own is nobody's. */
static void
exec_of_another_thread(void)
{
	pid_t pid = traced(waits_for_an_exec), tid;

	OK(pt(PTRACE_SETOPTIONS, pid, 0, O_CLONE | O_EXIT | O_EXECED));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_CLONE));
	tid = message(pid);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(tid), STOP(SIGSTOP));
	OK(pt(PTRACE_CONT, tid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_EXIT));
	EQ(message(pid), 0);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_EXEC));
	EQ(message(pid), tid);
	ERR(waitpid(tid, NULL, __WALL | WNOHANG), ECHILD);
	ERR(pt(PTRACE_CONT, tid, 0, 0), ESRCH);
	ends_with(pid, 55 << 8);
}

/* ---- threads of which the tracer hears no more ---- */

static int begin[2], told[2];
static pid_t tracer_pid;

static void *
execs_when_waited_for(void *arg)
{
	char *argv[] = { "x", "exec", NULL };

	process_sleeps(tracer_pid);
	/* What the first thread ran is not known any more. */
	execv("/proc/thread-self/exe", argv);
	_exit(arg == NULL ? 98 : 97);
}

static void
first_ends_then_exec(void)
{
	pthread_t t;

	EQ(read(begin[0], &tracer_pid, sizeof(tracer_pid)), sizeof(tracer_pid));
	EQ(pthread_create(&t, NULL, execs_when_waited_for, NULL), 0);
	syscall(SYS_exit, 3);
}

/* A thread that nobody traces has its number now: the tracer has nobody to wait for. */
static void
exec_takes_the_number(void)
{
	pid_t pid, tracer, me;
	int st;

	OK(pipe(begin));
	OK(pipe(told));
	pid = OK(fork());
	if (pid == 0)
		first_ends_then_exec();
	tracer = OK(fork());
	if (tracer == 0) {
		me = getpid();
		OK(pt(PTRACE_SEIZE, pid, 0, 0));
		EQ(write(begin[1], &me, sizeof(me)), sizeof(me));
		ERR(waitpid(-1, &st, __WALL), ECHILD);
		_exit(6);
	}
	EQ(next(pid), 55 << 8);
	EQ(next(tracer), 6 << 8);
}

static void *
ends_when_told(void *arg)
{
	pid_t tid = syscall(SYS_gettid);
	char c;

	EQ(write(told[1], &tid, sizeof(tid)), sizeof(tid));
	EQ(read(begin[0], &c, 1), 1);
	syscall(SYS_exit, 0);
	return arg;
}

/* A thread that shows its end goes on with it when its process ends. */
static void
process_ends_in_a_stop(void)
{
	pid_t pid, tid;
	int end[2];
	char c;

	OK(pipe(end));
	pid = OK(fork());
	if (pid == 0) {
		pthread_t t;

		EQ(pthread_create(&t, NULL, ends_when_told, NULL), 0);
		EQ(read(end[0], &c, 1), 1);
		_exit(7);
	}
	EQ(read(told[0], &tid, sizeof(tid)), sizeof(tid));
	OK(pt(PTRACE_SEIZE, tid, 0, O_EXIT));
	EQ(write(begin[1], "b", 1), 1);
	EQ(next(tid), EVENT(PTRACE_EVENT_EXIT));
	EQ(write(end[1], "e", 1), 1);
	EQ(next(tid), 7 << 8);
	EQ(next(pid), 7 << 8);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exec") == 0)
		return 55;
	forks();
	execs();
	exec_ends_the_others();
	exec_of_another_thread();
	exec_takes_the_number();
	process_ends_in_a_stop();
	return test_done();
}
