/* NEEDS: MEM=64M CPUS=2,4 TIMEOUT=120 ARGS=40 SHORT=16 KIND=bounded */
/* BOUNDED: who is killed, and when, differs from run to run */
/*
 * A tracer steps, interrupts, changes and lets go of a process that forks, clones,
 * execs and gets signals.  Either is killed at any time: nobody hangs, all end, and
 * their memory comes back.
 */
#include "lib/test.h"
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* EXITKILL: without it a tracee that its tracer left in a stop stays there on Linux. */
#define OPTIONS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD | \
	PTRACE_O_EXITKILL)
#define PAIRS 4
#define END_MS 20000

static volatile long word;
static uint64_t seed;

static unsigned
chance(void)
{
	return (unsigned)(rnd(&seed) >> 33);
}

static void
on_signal(int sig)
{
	word += sig;
}

static void *
thread(void *arg)
{
	raise(SIGUSR2);
	return arg;
}

/* What a tracee does, for ever. */
static void
work(void)
{
	char *again[] = { "x", "work", NULL };
	pthread_t t;
	pid_t pid;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	for (unsigned i = 1;; i++) {
		raise(SIGUSR1);
		pid = fork();
		if (pid == 0)
			_exit(3);
		waitpid(pid, NULL, 0);
		if (pthread_create(&t, NULL, thread, NULL) == 0)
			pthread_join(t, NULL);
		pid = vfork();
		if (pid == 0)
			_exit(4);
		waitpid(pid, NULL, 0);
		if (i % 8 == 0)
			execv("/proc/self/exe", again);
	}
}

/* Let one that has stopped go on in one of many ways; what fails is no matter: it may
 * be dead. */
static void
goes_on(pid_t pid, int status, unsigned how)
{
	struct user_regs_struct r;
	int sig = WSTOPSIG(status) & 0x7f;

	if (status >> 16 != 0 || sig == SIGTRAP || sig == SIGSTOP)
		sig = 0;
	if (ptrace(PTRACE_GETREGS, pid, 0, &r) == 0)
		ptrace(PTRACE_SETREGS, pid, 0, &r);
	ptrace(PTRACE_POKEDATA, pid, &word, ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	switch (how % 16) {
	case 0:
		ptrace(PTRACE_DETACH, pid, 0, sig);
		break;
	case 1:
	case 2:
		ptrace(PTRACE_SINGLESTEP, pid, 0, sig);
		break;
	case 3:
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		/* fall through */
	case 4:
		ptrace(PTRACE_CONT, pid, 0, sig);
		break;
	default:
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
}

static void
trace(pid_t pid, unsigned how)
{
	int status;
	pid_t who;

	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0)
		_exit(0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	while ((who = waitpid(-1, &status, __WALL)) > 0) {
		how = how * 1103515245 + 12345;
		if (WIFSTOPPED(status))
			goes_on(who, status, how >> 16);
	}
	/* All are gone, or were let go and live on. */
	kill(pid, SIGKILL);
	_exit(0);
}

/* A tracer and its child in a group of their own; the end of the pipe is theirs. */
static pid_t
pair(int out, unsigned how, pid_t *tracee)
{
	int p[2];
	pid_t pid;

	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		setpgid(0, 0);
		dup2(out, 100);
		pid = OK(fork());
		if (pid == 0)
			work();
		if (write(p[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		trace(pid, how);
	}
	EQ(read(p[0], tracee, sizeof(*tracee)), sizeof(*tracee));
	close(p[0]);
	close(p[1]);
	return pid;
}

static void
attack(int n)
{
	struct pollfd all;
	pid_t tracer[PAIRS], tracee[PAIRS];
	int p[2], i;
	char c;

	while (n-- > 0) {
		OK(pipe(p));
		for (i = 0; i < PAIRS; i++)
			tracer[i] = pair(p[1], chance(), &tracee[i]);
		close(p[1]);
		for (i = 0; i < PAIRS; i++) {
			usleep(chance() % 20000);
			kill(chance() % 2 != 0 ? tracer[i] : tracee[i], SIGKILL);
		}
		usleep(chance() % 20000);
		for (i = 0; i < PAIRS; i++)
			kill(-tracer[i], SIGKILL);
		all = (struct pollfd){ .fd = p[0], .events = POLLIN };
		EQ(poll(&all, 1, END_MS), 1);
		EQ(read(p[0], &c, 1), 0);
		close(p[0]);
		while (waitpid(-1, NULL, __WALL) > 0)
			continue;
		EQ(errno, ECHILD);
	}
}

int
main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 16;

	if (argc > 1 && strcmp(argv[1], "work") == 0)
		work();
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	attack(2);
	leak_mark();
	attack(n);
	leak_diff();
	return test_done();
}
