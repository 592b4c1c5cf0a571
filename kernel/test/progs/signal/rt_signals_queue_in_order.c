/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Real-time signals queue with their values, lowest number first; standard
 * ones collapse, and those that faults send come before all others, for who
 * waits as well; RLIMIT_SIGPENDING is EAGAIN.
 */
#include "lib/test.h"

#define N 20

static int seen[4 * N], seen_value[4 * N], n;

static void
handler(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	seen[n] = signo;
	seen_value[n++] = si->si_value.sival_int;
}

static void
send(int signo, int value)
{
	union sigval v = { .sival_int = value };

	OK(sigqueue(getpid(), signo, v));
}

static void
those_of_faults_come_first(void)
{
	static const int sent[] = { 36, SIGHUP, SIGUSR1, SIGSEGV, SIGTERM, SIGILL };
	static const int order[] = { SIGILL, SIGSEGV, SIGHUP, SIGUSR1, SIGTERM, 36 };
	sigset_t all;

	sigfillset(&all);
	for (int i = 0; i < 6; i++)
		OK(kill(getpid(), sent[i]));
	for (int i = 0; i < 6; i++)
		EQ(sigwaitinfo(&all, NULL), order[i]);
}

int
main(void)
{
	struct rlimit rl;
	struct sigaction sa;
	sigset_t all, old;
	union sigval v = { .sival_int = 1 };
	int queued = 0;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO;
	sigfillset(&sa.sa_mask);
	OK(sigaction(40, &sa, NULL));
	OK(sigaction(36, &sa, NULL));
	OK(sigaction(SIGUSR1, &sa, NULL));
	sigfillset(&all);
	OK(sigprocmask(SIG_BLOCK, &all, &old));
	those_of_faults_come_first();
	for (int i = 0; i < N; i++) {
		send(40, i);
		send(36, 100 + i);
		send(SIGUSR1, 200 + i);
	}
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
	EQ(n, 2 * N + 1);
	EQ(seen[0], SIGUSR1);
	EQ(seen_value[0], 200);
	for (int i = 0; i < N; i++) {
		EQ(seen[1 + i], 36);
		EQ(seen_value[1 + i], 100 + i);
		EQ(seen[1 + N + i], 40);
		EQ(seen_value[1 + N + i], i);
	}
	OK(getrlimit(RLIMIT_SIGPENDING, &rl));
	rl.rlim_cur = 5;
	OK(setrlimit(RLIMIT_SIGPENDING, &rl));
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	n = 0;
	/* The limit counts all signals of the user, who may have others. */
	for (int i = 0; i < 5; i++)
		queued += sigqueue(getpid(), 40, v) == 0;
	if (on_vadose())
		EQ(queued, 5);
	ERR(sigqueue(getpid(), 40, v), EAGAIN);
	OK(kill(getpid(), SIGUSR1)); /* a standard one always arrives */
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
	EQ(n, queued + 1);
	EQ(seen[0], SIGUSR1);
	return test_done();
}
