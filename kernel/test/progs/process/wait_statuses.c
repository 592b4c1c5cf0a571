/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * wait4 and waitid: exit codes, signals, stop and continue, WNOHANG,
 * groups, ECHILD, ignored SIGCHLD, orphans, usage and how often they slept,
 * children of one thread.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/ptrace.h>

static pid_t
child_exits(int code)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t
child_waits(void)
{
	pid_t pid = OK(fork());

	while (pid == 0)
		pause();
	return pid;
}

static void
codes(void)
{
	struct rusage ru;
	int status;
	pid_t pid;

	ERR(wait(NULL), ECHILD);
	ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	REAP(child_exits(0), 0);
	REAP(child_exits(255), 255);
	REAP(child_exits(256 + 7), 7);
	pid = child_waits();
	EQ(waitpid(pid, &status, WNOHANG), 0);
	ERR(waitpid(0x3fffffff, NULL, 0), ECHILD);
	ERR(wait4(-1, NULL, 0x10000000 | 64, NULL), EINVAL);
	OK(kill(pid, SIGTERM));
	EQ(wait4(pid, &status, 0, &ru), pid);
	EQ(status, SIGTERM);
	ERR(waitpid(pid, NULL, 0), ECHILD);
	pid = child_exits(3);
	EQ(wait(&status), pid);
	EQ(status, 3 << 8);
	pid = child_exits(4);
	ERR(syscall(SYS_wait4, pid, 8, 0, NULL), EFAULT);
}

static void
stops(void)
{
	pid_t pid = child_waits();
	siginfo_t si;
	int status;

	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	EQ(status, SIGSTOP << 8 | 0x7f);
	EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	OK(kill(pid, SIGTERM)); /* stays pending while stopped */
	sleep_ms(20);
	EQ(waitpid(pid, &status, WNOHANG), 0);
	OK(kill(pid, SIGCONT));
	REAP_SIGNAL(pid, SIGTERM);
	pid = child_waits();
	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	EQ(waitpid(pid, &status, WCONTINUED), pid);
	EQ(status, 0xffff);
	OK(kill(pid, SIGSTOP));
	OK(waitid(P_PID, pid, &si, WSTOPPED));
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, pid, &si, WCONTINUED));
	EQ(si.si_code, CLD_CONTINUED);
	EQ(si.si_status, SIGCONT);
	EQ(si.si_pid, pid);
	OK(kill(pid, SIGSTOP));
	OK(waitid(P_PID, pid, &si, WSTOPPED));
	EQ(si.si_code, CLD_STOPPED);
	OK(kill(pid, SIGKILL)); /* also while stopped */
	OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	EQ(si.si_code, CLD_KILLED);
	EQ(si.si_status, SIGKILL);
	REAP_SIGNAL(pid, SIGKILL);
	ERR(waitid(P_PID, pid, &si, 0), EINVAL);
	ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
}

static void
groups(void)
{
	pid_t a, b;

	signal(SIGINT, SIG_DFL); /* what runs in the background may ignore it */
	a = child_waits();
	b = child_waits();
	OK(setpgid(a, a));
	OK(setpgid(b, a));
	EQ(getpgid(b), a);
	OK(kill(-a, SIGINT));
	CHECK(waitpid(-a, NULL, 0) > 0);
	CHECK(waitpid(-a, NULL, 0) > 0);
	ERR(waitpid(-a, NULL, 0), ECHILD);
	ERR(kill(-a, 0), ESRCH);
	ERR(setpgid(0x3fffffff, 0), ESRCH);
	ERR(setpgid(0, -1), EINVAL);
}

static void
on_alarm(int signo)
{
	(void)signo;
}

/* The fields that waitid writes, and what stays beside them as it was. */
static void
fields(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	unsigned char *b, *after;
	siginfo_t si;
	pid_t pid;

	memset(&si, 0xaa, sizeof(si));
	b = (unsigned char *)&si;
	after = (unsigned char *)(&si.si_status + 1);
	pid = child_exits(3);
	OK(waitid(P_PID, pid, &si, WEXITED));
	EQ(si.si_signo, SIGCHLD);
	EQ(si.si_errno, 0);
	EQ(si.si_pid, pid);
	EQ(si.si_status, 3);
	EQ(b[12], 0xaa);
	while (after < b + sizeof(si))
		EQ(*after++, 0xaa);
	pid = child_waits();
	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	ERR(waitid(P_PID, pid, &si, WEXITED), EINTR);
	EQ(si.si_signo, 0); /* also where nothing came */
	EQ(si.si_pid, 0);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

/* waitid: 0 is the own group, and 1 is a group as any other. */
static void
group_numbers(void)
{
	pid_t pid = child_exits(5);
	siginfo_t si;

	if (getpgrp() != 1)
		ERR(waitid(P_PGID, 1, &si, WEXITED), ECHILD);
	ERR(waitid(P_PGID, -1, &si, WEXITED), EINVAL);
	OK(waitid(P_PGID, getpgrp(), &si, WEXITED | WNOWAIT));
	EQ(si.si_pid, pid);
	OK(waitid(P_PGID, 0, &si, WEXITED));
	EQ(si.si_pid, pid);
	ERR(wait(NULL), ECHILD);
}

static long
cpu_ms(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000 +
	    (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) / 1000;
}

/* What a child's own children have used is in the child's usage. */
static void
usage(void)
{
	const long ms = rounds(300);
	struct rusage ru, all;
	struct timespec ts;
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		pid = OK(fork());
		if (pid == 0) {
			char *p = pages_private(1000);

			memset(p, 1, 1000 * PAGE);
			(void)mlock(p, 1000 * PAGE); /* at one moment */
			do
				clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
			while (ts.tv_sec == 0 && ts.tv_nsec < ms * 1000000);
			_exit(0);
		}
		REAP(pid, 0);
		_exit(0);
	}
	EQ(wait4(pid, &status, 0, &ru), pid);
	EQ(status, 0);
	CHECK(cpu_ms(&ru) >= ms - 10);
	CHECK(ru.ru_maxrss >= 3000); /* Linux counts roughly */
	CHECK(ru.ru_minflt >= 500 || !on_vadose());
	OK(getrusage(RUSAGE_CHILDREN, &all));
	CHECK(cpu_ms(&all) >= ms - 10);
}

static void *
sleeps(void *arg)
{
	sleep_ms(1);
	sleep_ms(1);
	return arg;
}

static long
sleeps_of(int who)
{
	struct rusage ru;

	OK(getrusage(who, &ru));
	return ru.ru_nvcsw;
}

/* Each sleep is a switch to others, of threads and of children as well. */
static void
switches(void)
{
	long self = sleeps_of(RUSAGE_SELF), thread = sleeps_of(RUSAGE_THREAD);
	long before = sleeps_of(RUSAGE_CHILDREN);
	struct rusage ru;
	pthread_t t;
	pid_t pid;

	EQ(pthread_create(&t, NULL, sleeps, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	LE(self + 2, sleeps_of(RUSAGE_SELF));
	thread = sleeps_of(RUSAGE_THREAD); /* before the other: it may sleep in between */
	LE(thread, sleeps_of(RUSAGE_SELF) - 2);
	(void)sleeps(NULL);
	LE(thread + 2, sleeps_of(RUSAGE_THREAD));
	pid = OK(fork());
	if (pid == 0) {
		pid = OK(fork());
		(void)sleeps(NULL);
		if (pid != 0)
			REAP(pid, 0);
		_exit(0);
	}
	EQ(wait4(pid, NULL, 0, &ru), pid);
	LE(4, ru.ru_nvcsw);
	EQ(sleeps_of(RUSAGE_CHILDREN), before + ru.ru_nvcsw);
}

static void
ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	child_exits(1);
	child_exits(2);
	ERR(wait(NULL), ECHILD);
	signal(SIGCHLD, SIG_DFL);
}

/* ---- children of one thread ---- */

static pid_t made;

static void *
makes_one(void *arg)
{
	made = child_waits();
	return arg;
}

/* Those of other threads are nobody's, for who asks for his own. */
static void *
asks(void *arg)
{
	pid_t others = *(pid_t *)arg, own;
	siginfo_t si;

	EQ(waitpid(others, NULL, WNOHANG), 0);
	ERR(waitpid(others, NULL, WNOHANG | __WNOTHREAD), ECHILD);
	ERR(waitpid(-1, NULL, __WNOTHREAD), ECHILD);
	ERR(waitid(P_ALL, 0, &si, WEXITED | __WNOTHREAD), ECHILD);
	own = child_exits(6);
	EQ(waitpid(-1, NULL, __WNOTHREAD), own);
	OK(ptrace(PTRACE_SEIZE, others, 0, 0));
	OK(ptrace(PTRACE_INTERRUPT, others, 0, 0));
	EQ(waitpid(others, NULL, __WNOTHREAD), others);
	OK(ptrace(PTRACE_DETACH, others, 0, 0));
	return NULL;
}

static void
of_threads(void)
{
	pid_t pid = child_waits();
	pthread_t t;

	EQ(pthread_create(&t, NULL, asks, &pid), 0);
	EQ(pthread_join(t, NULL), 0);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, NULL, __WNOTHREAD), pid);
	/* When a thread has ended its children are another one's. */
	EQ(pthread_create(&t, NULL, makes_one, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	while (waitpid(made, NULL, WNOHANG | __WNOTHREAD) < 0)
		sched_yield(); /* it is joined before it has ended */
	OK(kill(made, SIGKILL));
	EQ(waitpid(made, NULL, __WNOTHREAD), made);
}

static void *
exits(void *after_ms)
{
	sleep_ms((int)(intptr_t)after_ms);
	syscall(SYS_exit, 5);
	return NULL;
}

/* Where no thread ends the process, it ends with the code of its last one. */
static void
codes_of_threads(void)
{
	for (int first = 0; first <= 1; first++) {
		pid_t pid = OK(fork());
		pthread_t t;

		if (pid == 0) {
			EQ(pthread_create(&t, NULL, exits,
			    (void *)(intptr_t)(first * 40)), 0);
			sleep_ms(40 - first * 40);
			syscall(SYS_exit, 3);
		}
		REAP(pid, first ? 5 : 3);
	}
}

/* A grandchild whose parent died belongs to a subreaper. */
static void
orphans(void)
{
	int status, is = 7;
	pid_t pid;

	OK(prctl(PR_GET_CHILD_SUBREAPER, &is));
	EQ(is, 0);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 5));
	OK(prctl(PR_GET_CHILD_SUBREAPER, &is));
	EQ(is, 1);
	pid = OK(fork());
	if (pid == 0) {
		if (OK(fork()) == 0) {
			while (getppid() == pid)
				sched_yield();
			sleep_ms(20);
			_exit(77);
		}
		_exit(0);
	}
	REAP(pid, 0);
	CHECK(wait(&status) > 0);
	EQ(WEXITSTATUS(status), 77);
}

int
main(void)
{
	codes();
	stops();
	fields();
	groups();
	group_numbers();
	usage();
	switches();
	ignored();
	of_threads();
	codes_of_threads();
	orphans();
	return test_done();
}
