/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process is named by any of its threads; what programs queue is counted for
 * their user and limited by RLIMIT_SIGPENDING of the receiver.  kill(2) of a
 * standard signal always arrives.
 */
#include "lib/test.h"

#include <pthread.h>

#define RT (SIGRTMIN + 3)

static volatile int got, last_value;

static void
on_signal(int signo, siginfo_t *si, void *uc)
{
	got++;
	last_value = si->si_value.sival_int;
	(void)signo;
	(void)uc;
}

static void catch (int signo)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO };

	OK(sigaction(signo, &sa, NULL));
}

static int
queue_code(pid_t pid, int signo, int code, int value)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_code = code;
	si.si_pid = getpid();
	si.si_uid = getuid();
	si.si_value.sival_int = value;
	return syscall(SYS_rt_sigqueueinfo, pid, signo, &si);
}

static int
queue_to(pid_t pid, int signo, int value)
{
	return queue_code(pid, signo, SI_QUEUE, value);
}

static volatile pid_t tid;
static volatile bool end;

static void *
thread(void *arg)
{
	/* Not to the main thread, whose number is the process's. */
	ERR(queue_code(getpid(), RT, SI_USER, 0), EPERM);
	tid = syscall(SYS_gettid);
	while (!end)
		sleep_ms(1);
	return arg;
}

static void
any_thread_names_its_process(void)
{
	pthread_t t;

	catch (RT);
	CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	while (tid == 0)
		sleep_ms(1);
	CHECK(tid != getpid());
	OK(queue_to(tid, RT, 77));
	while (got == 0)
		sleep_ms(1);
	EQ(last_value, 77);
	OK(kill(tid, RT));
	while (got == 1)
		sleep_ms(1);
	OK(kill(tid, 0));
	end = true;
	CHECK(pthread_join(t, NULL) == 0);
	/* Who joined it may be a bit ahead of its end. */
	for (int ms = 0; ms < 5000 && kill(tid, 0) == 0; ms++)
		sleep_ms(1);
	ERR(kill(tid, 0), ESRCH);
	ERR(queue_to(tid, RT, 0), ESRCH);
	ERR(kill(0x3fffffff, 99), ESRCH);
	ERR(kill(getpid(), 99), EINVAL);
	ERR(queue_to(0x3fffffff, 99, 0), ESRCH);
	ERR(queue_to(getpid(), 99, 0), EINVAL);
}

static void
limit(int n)
{
	struct rlimit rl = { n, 1000 };

	OK(setrlimit(RLIMIT_SIGPENDING, &rl));
}

static void
queued(uint64_t *n, uint64_t *max)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];

	CHECK(f != NULL);
	*n = UINT64_MAX;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "SigQ:", 5) == 0)
			CHECK(sscanf(line + 5, "%lu/%lu", n, max) == 2);
	fclose(f);
}

/* As a user of its own, with all signals blocked. */
static void
limits(void)
{
	struct timespec none = { 0, 0 };
	uint64_t n, max;
	siginfo_t si;
	sigset_t all;
	pid_t other;
	int p[2];
	char c;

	OK(setuid(4711));
	sigfillset(&all);
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	limit(3);
	for (int i = 0; i < 3; i++)
		OK(queue_to(getpid(), RT, i));
	queued(&n, &max);
	EQ(n, 3);
	EQ(max, 3);
	ERR(queue_to(getpid(), RT, 3), EAGAIN);
	ERR(syscall(SYS_tgkill, getpid(), getpid(), RT), EAGAIN);
	OK(kill(getpid(), RT)); /* its information is lost, no more */
	/* A standard signal arrives, with what it was queued or without. */
	OK(queue_to(getpid(), SIGUSR1, 5));
	EQ(sigtimedwait(&all, &si, &none), SIGUSR1);
	EQ(si.si_code, SI_USER);
	EQ(si.si_pid, 0);
	OK(kill(getpid(), SIGUSR2));
	EQ(sigtimedwait(&all, &si, &none), SIGUSR2);
	EQ(si.si_pid, getpid());
	/* The sum is the user's, not the process's. */
	OK(pipe(p));
	other = OK(fork());
	if (other == 0) {
		ERR(queue_to(getpid(), RT, 0), EAGAIN);
		ERR(queue_to(getppid(), RT, 0), EAGAIN);
		limit(4);
		OK(queue_to(getpid(), RT, 1));
		ERR(queue_to(getpid(), RT, 2), EAGAIN);
		queued(&n, &max);
		EQ(n, 4);
		EQ(max, 4);
		EQ(write(p[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	EQ(read(p[0], &c, 1), 1);
	limit(4);
	ERR(queue_to(getpid(), RT, 3), EAGAIN);
	OK(kill(other, SIGKILL));
	REAP_SIGNAL(other, SIGKILL);
	EQ(sigtimedwait(&all, &si, &none), SIGCHLD); /* it counts as well */
	OK(queue_to(getpid(), RT, 3));
	for (int i = 0; i < 4; i++) {
		EQ(sigtimedwait(&all, &si, &none), RT);
		EQ(si.si_value.sival_int, i);
	}
	limit(0);
	ERR(queue_to(getpid(), RT, 0), EAGAIN);
	_exit(0);
}

int
main(void)
{
	pid_t pid;

	any_thread_names_its_process();
	if (geteuid() != 0)
		return test_done();
	pid = OK(fork());
	if (pid == 0)
		limits();
	REAP(pid, 0);
	return test_done();
}
