/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A child that has ended has a priority until it is waited for, in its group, too; so
 * it has limits, a policy, rights and its name, and signals to it reach nobody.  Who
 * ignores SIGCHLD is not told of stops, not even of those that come while it is blocked.
 * Nobody sees its end before a tracer has seen that of another of its threads.
 * (Found by random calls of signals and processes, beside Linux.)
 */
#include "lib/test.h"
#include <poll.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/resource.h>

static void
reads(pid_t pid, const char *file, const char *text)
{
	char path[64], seen[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = OK(open(path, O_RDONLY));
	n = OK(read(fd, seen, sizeof(seen) - 1));
	seen[n] = '\0';
	OK(close(fd));
	if (strcmp(seen, text) != 0)
		FAIL("%s: expected %s, seen %s", path, text, seen);
}

/* What is known of a process whose first thread has ended. */
static void
asked_for(pid_t pid, int policy)
{
	struct { uint32_t version; int pid; } head = { 0x20080522, pid };
	struct sched_param param;
	struct rlimit old, lim;
	uint32_t caps[6];

	OK(kill(pid, 0));
	OK(syscall(SYS_tkill, pid, 0));
	OK(syscall(SYS_tgkill, pid, pid, SIGKILL));
	ERR(syscall(SYS_tgkill, pid, pid, 65), EINVAL);
	ERR(syscall(SYS_tgkill, getpid(), pid, 0), ESRCH);
	EQ(syscall(SYS_sched_getscheduler, pid), policy);
	OK(syscall(SYS_sched_getparam, pid, &param));
	EQ(param.sched_priority, 0);
	OK(syscall(SYS_capget, &head, caps));
	OK(prlimit(pid, RLIMIT_FSIZE, NULL, &old));
	EQ(old.rlim_cur, 12345);
	lim = old;
	lim.rlim_cur = 54321;
	OK(prlimit(pid, RLIMIT_FSIZE, &lim, &old));
	OK(prlimit(pid, RLIMIT_FSIZE, NULL, &old));
	EQ(old.rlim_cur, 54321);
}

static void *
ends(void *how)
{
	struct sched_param none = { 0 };
	struct rlimit lim;

	OK(prctl(PR_SET_NAME, "forker"));
	*(pid_t *)how = OK(fork());
	if (*(pid_t *)how != 0)
		return NULL;
	OK(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none));
	OK(getrlimit(RLIMIT_FSIZE, &lim));
	lim.rlim_cur = 12345;
	OK(setrlimit(RLIMIT_FSIZE, &lim));
	_exit(3);
}

/* It was made by a thread with a name of its own, which was its name, too. */
static void
dead(void)
{
	pthread_t t;
	siginfo_t si;
	pid_t pid;

	EQ(pthread_create(&t, NULL, ends, &pid), 0);
	EQ(pthread_join(t, NULL), 0);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	reads(pid, "comm", "forker\n");
	asked_for(pid, SCHED_BATCH);
	REAP(pid, 3);
	ERR(syscall(SYS_tkill, pid, 0), ESRCH);
	ERR(syscall(SYS_sched_getscheduler, pid), ESRCH);
	ERR(prlimit(pid, RLIMIT_FSIZE, NULL, NULL), ESRCH);
}

static void *
stays(void *arg)
{
	pause();
	return arg;
}

/* A process whose first thread has ended is shown as a zombie with a thread more. */
static void
first_ended(void)
{
	const char *const files[] = { "status", "task/%d/status" };
	char path[64], name[32], text[4096];
	struct stat st;
	pid_t pid = OK(fork());
	pthread_t t;

	if (pid == 0) {
		EQ(pthread_create(&t, NULL, stays, NULL), 0);
		pthread_exit(NULL);
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), files[i], (int)pid);
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
		for (int tries = 0; tries < 100; tries++) {
			int fd = OK(open(path, O_RDONLY));

			text[OK(read(fd, text, sizeof(text) - 1))] = '\0';
			OK(close(fd));
			if (strstr(text, "\nState:\tZ (zombie)\n") != NULL)
				break;
			usleep(10000);
		}
		CHECK(strstr(text, "\nState:\tZ (zombie)\n") != NULL);
		CHECK(strstr(text, "\nThreads:\t2\n") != NULL);
		CHECK(strstr(text, "\nVmSize:") == NULL);
	}
	reads(pid, "cmdline", "");
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	OK(stat(path, &st));
	EQ(st.st_nlink, 4);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

static int
sleeper(void)
{
	OK(setpgid(0, 0));
	EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
	raise(SIGSTOP);
	_exit(3);
}

static volatile int *second_tid;

static void *
second(void *traced)
{
	if (*(bool *)traced)
		OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
	*second_tid = (int)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

/* A process with a second thread.  Returns: its number, once that runs. */
static pid_t
two_threads(bool traced)
{
	pid_t pid;
	pthread_t t;

	*second_tid = 0;
	pid = OK(fork());
	if (pid == 0) {
		EQ(pthread_create(&t, NULL, second, &traced), 0);
		for (;;)
			pause();
	}
	while (*second_tid == 0)
		sleep_ms(1);
	return pid;
}

/* Is a process's file readable by then? */
static void
pidfd_shows(int fd, int ms, int end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	EQ(poll(&p, 1, ms), end);
}

/* It is killed, and told of to nobody yet.  Returns: a file that stands for it. */
static int
killed_unseen(pid_t pid, int told)
{
	int fd = OK(syscall(SYS_pidfd_open, pid, 0));
	struct timespec none = { 0, 0 };
	siginfo_t si = { 0 };
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	while (sigtimedwait(&chld, NULL, &none) > 0)
		continue;
	OK(kill(pid, SIGKILL));
	sleep_ms(50);
	EQ(waitpid(pid, NULL, WNOHANG), 0);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT));
	EQ(si.si_pid, 0);
	if (told == 0)
		ERR(sigtimedwait(&chld, &si, &none), EAGAIN);
	else
		EQ(sigtimedwait(&chld, &si, &none), SIGCHLD);
	EQ(si.si_pid, told);
	pidfd_shows(fd, 0, 0);
	return fd;
}

/* Of a process that ends a traced thread that is not the first is seen before it. */
static void
threads_are_seen_first(void)
{
	int status, fd;
	pid_t pid, tracer, killer;

	second_tid = (volatile int *)pages_shared(1);
	pid = two_threads(true);
	fd = killed_unseen(pid, *second_tid);
	EQ(waitpid(-1, &status, 0), *second_tid);
	EQ(status, SIGKILL);
	pidfd_shows(fd, 0, 1);
	OK(close(fd));
	REAP_SIGNAL(pid, SIGKILL);
	pid = two_threads(false);
	tracer = OK(fork());
	if (tracer == 0) {
		OK(ptrace((int)0x4206, *second_tid, 0, 0)); /* SEIZE */
		*second_tid = 0;
		for (;;)
			pause();
	}
	while (*second_tid != 0)
		sleep_ms(1);
	fd = killed_unseen(pid, 0);
	killer = OK(fork());
	if (killer == 0) {
		sleep_ms(50);
		_exit(kill(tracer, SIGKILL) != 0);
	}
	pidfd_shows(fd, 10000, 1);
	OK(close(fd));
	REAP(killer, 0);
	REAP_SIGNAL(tracer, SIGKILL);
	REAP_SIGNAL(pid, SIGKILL);
}

int
main(void)
{
	sigset_t chld, pending;
	siginfo_t si;
	pid_t pid;

	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &chld, NULL));
	pid = OK(fork());
	if (pid == 0)
		sleeper();
	OK(waitid(P_PID, (id_t)pid, &si, WSTOPPED));
	EQ(si.si_code, CLD_STOPPED);
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGCHLD), 0);
	CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	OK(sigpending(&pending));
	EQ(sigismember(&pending, SIGCHLD), 1);
	EQ(getpriority(PRIO_PROCESS, (id_t)pid), 7);
	OK(setpriority(PRIO_PROCESS, (id_t)pid, 9));
	EQ(getpriority(PRIO_PROCESS, (id_t)pid), 9);
	EQ(getpriority(PRIO_PGRP, (id_t)pid), 9);
	EQ(syscall(SYS_ioprio_get, 2, pid), 2 << 13 | (9 + 20) / 5);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED));
	ERR(getpriority(PRIO_PROCESS, (id_t)pid), ESRCH);
	dead();
	first_ended();
	threads_are_seen_first();
	return test_done();
}
