/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_children.h: children that wait for signals; they stop, go on, end, are
 * waited for and traced
 *
 * What a signal or a tracer does, a child does when it runs, and for as long as a
 * disk lets it: settle() waits for that.  The process of a seed cannot look into
 * /proc, where it may have no right and no descriptor: its parent does.
 */
#ifndef SEEDED_CALLS_CHILDREN_H
#define SEEDED_CALLS_CHILDREN_H

#include "calls.h"
#include "lib/children.h"
#include <sys/ptrace.h>

#define CHILDREN 3
#define NOBODY 0x3ffffff0 /* no process has this number */
#define SETTLED_MS 2       /* for so long no child is busy */
#define SETTLES_MS 30000   /* after that one never will */
#define ANY_KIND 0x40000000 /* __WALL */

/* Of struct user, in words. */
#define WORD_RAX 10
#define WORD_ORIG_RAX 15
#define WORD_RIP 16

static pid_t children[CHILDREN] = { NOBODY, NOBODY, NOBODY };

/*
 * A child that goes on and then ends sends SIGCHLD twice: how often it comes hangs on
 * who has the CPU between.  All that comes meanwhile waits, so it comes once.
 */
static void
settle(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigdelset(&all, SIGALRM); /* make_calls() ends by it what does not end */
	OK(sigprocmask(SIG_BLOCK, &all, &before));
	shared->settling = true;
	while (shared->settling)
		sleep_ms(1);
	OK(sigprocmask(SIG_SETMASK, &before, NULL));
}

static bool
children_are_busy(void)
{
	bool busy = false;

	for (unsigned i = 0; i < shared->children; i++)
		busy = busy || is_busy(shared->child[i]);
	return busy;
}

/* Of the parent of a seed's process. */
static void
let_settle(void)
{
	int quiet = 0;

	for (int i = 0; quiet < SETTLED_MS; i++) {
		sleep_ms(1);
		quiet = children_are_busy() ? 0 : quiet + 1;
		LE(i, SETTLES_MS);
	}
}

/* As reap(), and lets the children settle whenever the process asks for it. */
static int
reap_and_settle(pid_t pid)
{
	int status;

	while (OK(waitpid(pid, &status, WNOHANG)) != pid) {
		if (shared->settling) {
			let_settle();
			shared->settling = false;
		}
		sleep_ms(1);
	}
	return status;
}

static pid_t
any_child(void)
{
	unsigned which = chance(CHILDREN);

	say(" %u", which);
	return children[which];
}

/* Which of the children it is. */
static void
say_child(pid_t pid)
{
	for (unsigned i = 0; i < CHILDREN; i++)
		if (children[i] == pid)
			say(" %u", i);
}

static void
end_by_signal(int signo)
{
	(void)signo;
	_exit(7);
}

/* It may outlive its parent: the test ends it. */
static void __attribute__((noreturn))
wait_for_signals(void)
{
	CHECK(shared->children < MOST_MADE);
	shared->child[shared->children++] = getpid();
	signal(SIGUSR1, end_by_signal);
	for (;;)
		pause();
}

/* All that are left of a seed. */
static void
end_children(void)
{
	for (unsigned i = 0; i < shared->children; i++)
		kill(shared->child[i], SIGKILL);
	if (shared->children > 0)
		let_settle();
}

static void
op_child(void)
{
	unsigned which = chance(CHILDREN), had = shared->children;
	pid_t pid;

	say("child %u", which);
	pid = CALL(fork(), -1);
	if (pid == 0)
		wait_for_signals();
	while (pid > 0 && shared->children == had)
		sleep_ms(1);
	settle();
	if (tell_good(pid > 0))
		children[which] = pid;
}

static void
op_child_kill(void)
{
	int signo = PICK(SIGSTOP, SIGCONT, SIGCONT, SIGTERM, SIGKILL, SIGUSR1,
	    SIGUSR2, 0, SIGTSTP, SIGURG);
	pid_t pid;

	say("child_kill %d", signo);
	pid = any_child();
	tell(kill(pid, signo));
	settle();
}

static void
op_wait4(void)
{
	int options = PICK(0, WUNTRACED, WCONTINUED, WUNTRACED | WCONTINUED,
	    ANY_KIND, 0x100);
	int who = PICK(0, 0, 0, -1, -1);
	pid_t pid;
	int status = 0;

	say("wait4 %d %x", who, options);
	pid = any_child();
	pid = wait4(who == 0 ? pid : who, &status, options | WNOHANG, NULL);
	if (pid <= 0) {
		tell_answer(pid);
		return;
	}
	say_child(pid);
	say(" %x", status);
}

static void
op_waitid(void)
{
	int type = PICK(P_PID, P_PID, P_ALL, P_ALL, 99);
	int options = PICK(WEXITED, WSTOPPED, WCONTINUED,
	    WEXITED | WSTOPPED | WCONTINUED, WEXITED | WSTOPPED | WNOWAIT,
	    WEXITED | WCONTINUED | WNOWAIT, 0, ANY_KIND | WEXITED | WSTOPPED);
	siginfo_t si = { .si_pid = 0 };
	pid_t pid;

	say("waitid %d %x", type, options);
	pid = any_child();
	if (tell(waitid(type, pid, &si, options | WNOHANG)) != 0)
		return;
	say_child(si.si_pid);
	say(" %d %d %d", si.si_signo, si.si_code, si.si_status);
}

/* What goes with a request: a signal, options, an address. */
static long
any_word(int request)
{
	switch (request) {
	case PTRACE_SEIZE:
	case PTRACE_SETOPTIONS:
		return PICK(0, 1, 0x100000, 0x7f, 1 << 30);
	case PTRACE_POKEDATA:
		return 'p';
	default:
		return PICK(0, 0, 0, SIGUSR2, SIGUSR1, SIGCONT, SIGSTOP, 65);
	}
}

static void
op_trace(void)
{
	static char there[8] __attribute__((aligned(8))) = "there";
	int request = PICK(PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_SEIZE,
	    PTRACE_DETACH, PTRACE_CONT, PTRACE_CONT, PTRACE_SYSCALL,
	    PTRACE_SYSCALL, PTRACE_INTERRUPT, PTRACE_INTERRUPT, PTRACE_LISTEN,
	    PTRACE_SETOPTIONS, PTRACE_POKEDATA, PTRACE_SINGLESTEP, 0x5555);
	long word = any_word(request);
	long at = request == PTRACE_POKEDATA ? (long)there : 0;
	pid_t pid;

	say("trace %x %lx", request, word);
	pid = any_child();
	tell(syscall(SYS_ptrace, request, pid, at, word));
	settle();
}

/* A tracer's end stops whom it traces, or kills them.  Their parent, which waits for the
 * tracer, would get one SIGCHLD for both ends, or two. */
static void
trace_nobody(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (syscall(SYS_ptrace, PTRACE_INTERRUPT, children[i], 0, 0) == 0)
			settle();
		if (syscall(SYS_ptrace, PTRACE_DETACH, children[i], 0, 0) == 0)
			settle();
	}
}

static void
op_look(void)
{
	int request = PICK(PTRACE_PEEKUSER, PTRACE_PEEKUSER, PTRACE_PEEKDATA,
	    PTRACE_GETSIGINFO, PTRACE_GETEVENTMSG);
	long at = PICK(WORD_RAX * 8, WORD_ORIG_RAX * 8, WORD_RIP * 8, 3, 8000);
	union {
		long word;
		siginfo_t si;
	} seen = { 0 };
	pid_t pid;

	if (request == PTRACE_PEEKDATA)
		at = PICK(0, 8, -8) + (long)(at == 3 ? area : data);
	say("look %x", request);
	pid = any_child();
	if (tell(syscall(SYS_ptrace, request, pid, at, &seen)) != 0)
		return;
	if (request == PTRACE_GETSIGINFO)
		say(" %d %d", seen.si.si_signo, seen.si.si_code);
	else if (request != PTRACE_GETEVENTMSG)
		say(" %lx", seen.word);
}

static const struct op child_ops[] = { { op_child, 5 }, { op_child_kill, 8 },
	{ op_wait4, 6 }, { op_waitid, 6 }, { op_trace, 12 }, { op_look, 5 } };

#endif
