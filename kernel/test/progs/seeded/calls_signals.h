/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_signals.h: signals to oneself, and children that make calls
 */
#ifndef SEEDED_CALLS_SIGNALS_H
#define SEEDED_CALLS_SIGNALS_H

#include "calls.h"
#include "calls_children.h"

#define DEEPEST 2 /* fork of a fork */
#define REAL_TIME 36

static const int handled[] = { SIGUSR1, SIGUSR2, SIGCHLD, REAL_TIME };
static volatile sig_atomic_t got[65];

static void
on_signal(int signo)
{
	got[signo]++;
}

static int
any_signal(void)
{
	return (int)PICK(SIGUSR1, SIGUSR2, SIGCHLD, REAL_TIME, SIGWINCH, SIGURG,
	    0, 65, SIGCONT);
}

static sigset_t
any_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < 2; i++) {
		int signo = any_signal();

		sigaddset(&set, signo);
		say(" %d", signo);
	}
	return set;
}

static void
show_set(const sigset_t *set)
{
	uint64_t word;

	memcpy(&word, set, sizeof(word));
	say(" %lx", word);
}

static void
op_sigprocmask(void)
{
	int how = (int)chance(4);
	sigset_t set, old;

	say("sigprocmask %d", how);
	set = any_set();
	if (tell(sigprocmask(how, &set, &old)) == 0)
		show_set(&old);
}

static void
op_kill(void)
{
	int signo = any_signal();

	say("kill %d", signo);
	tell(kill(getpid(), signo));
}

static void
op_sigqueue(void)
{
	int signo = any_signal();
	union sigval value = { .sival_int = (int)number };

	say("sigqueue %d", signo);
	tell(sigqueue(getpid(), signo, value));
}

static void
op_sigpending(void)
{
	sigset_t set;

	say("sigpending");
	if (tell(sigpending(&set)) == 0)
		show_set(&set);
}

static void
op_sigtimedwait(void)
{
	struct timespec now = { 0, 0 };
	sigset_t set;
	siginfo_t si;

	say("sigtimedwait");
	set = any_set();
	if (tell(sigtimedwait(&set, &si, &now)) <= 0)
		return;
	say(" %d", si.si_code);
	if (si.si_code == SI_QUEUE)
		say(" %d", si.si_value.sival_int);
}

static void
op_sigaction(void)
{
	int signo = any_signal();
	struct sigaction sa = { .sa_handler = on_signal };

	if (chance(3) == 0)
		sa.sa_handler = SIG_IGN;
	sa.sa_flags = PICK(0, SA_RESTART, SA_NODEFER);
	say("sigaction %d %s %x", signo,
	    sa.sa_handler == SIG_IGN ? "ignored" : "handled", sa.sa_flags);
	tell(sigaction(signo, &sa, NULL));
}

static void
op_got(void)
{
	say("got");
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		say(" %d", got[handled[i]]);
}

/* The child's draws are not its parent's. */
static void
child(void)
{
	depth++;
	for (unsigned calls = chance(DRAWN_FDS); calls > 0; calls--)
		one_call();
	trace_nobody();
	if (chance(5) == 0)
		kill(getpid(), (int)PICK(SIGKILL, SIGTERM, SIGUSR1));
	_exit(number & 0x7f);
}

static void
op_fork(void)
{
	int status = 0;
	pid_t pid, r;

	if (depth >= DEEPEST)
		return;
	say("fork\n");
	pid = CALL(fork(), -1);
	if (pid == 0)
		child();
	if (pid < 0) {
		tell_answer(pid);
		return;
	}
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	say("waitpid");
	if (tell_good(r > 0 && r == pid))
		say(" %x", status);
}

static const struct op signal_ops[] = { { op_sigprocmask, 3 }, { op_kill, 3 },
	{ op_sigqueue, 3 }, { op_sigpending, 3 }, { op_sigtimedwait, 3 },
	{ op_sigaction, 3 }, { op_got, 3 }, { op_fork, 4 } };

#endif
