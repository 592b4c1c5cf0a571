/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Masks, pending signals, sigsuspend, default actions, and the errors of
 * the signal calls, raw.
 */
#include "lib/test.h"
#include <ucontext.h>

struct kernel_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static volatile int handled;

static void
handler(int signo)
{
	handled = signo;
}

static long
mask_call(int how, const uint64_t *set, uint64_t *old)
{
	return syscall(SYS_rt_sigprocmask, how, set, old, 8);
}

static void
masks(void)
{
	uint64_t usr1 = 1UL << (SIGUSR1 - 1), all = ~0UL, old, none = 0, pend;

	signal(SIGUSR1, handler);
	OK(mask_call(SIG_BLOCK, &usr1, NULL));
	OK(kill(getpid(), SIGUSR1));
	EQ(handled, 0);
	OK(syscall(SYS_rt_sigpending, &pend, 8));
	EQ(pend, usr1);
	ERR(syscall(SYS_rt_sigsuspend, &none, 8), EINTR);
	EQ(handled, SIGUSR1);
	OK(mask_call(SIG_SETMASK, NULL, &old));
	EQ(old, usr1);
	OK(mask_call(SIG_SETMASK, &all, NULL));
	OK(mask_call(SIG_BLOCK, NULL, &old));
	EQ(old, ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
	OK(mask_call(SIG_SETMASK, &none, NULL));
	OK(mask_call(77, NULL, &old)); /* how counts only with a set */
	ERR(mask_call(77, &none, NULL), EINVAL);
	ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &none, NULL, 4), EINVAL);
	ERR(mask_call(SIG_BLOCK, (void *)8, NULL), EFAULT);
	ERR(mask_call(SIG_BLOCK, NULL, (void *)8), EFAULT);
}

/* The handler that the kernel comes to has no way back, so no frame. */
static void
on_segv(int signo, siginfo_t *si, void *at)
{
	const ucontext_t *uc = at;

	EQ(signo, SIGSEGV);
	EQ(si->si_code, SI_KERNEL);
	_exit(sigismember(&uc->uc_sigmask, SIGUSR1) == 1 &&
	    sigismember(&uc->uc_sigmask, SIGUSR2) == 1 ? 5 : 6);
}

/* Though a frame cannot be made the mask of sigsuspend() ends with the call. */
static void
failing_frame(void)
{
	const struct kernel_action no_restorer = { handler, 0, NULL, 0 };
	uint64_t both = 1UL << (SIGUSR1 - 1) | 1UL << (SIGUSR2 - 1), none = 0;
	struct sigaction sa;
	pid_t pid = OK(fork());

	if (pid == 0) {
		memset(&sa, 0, sizeof(sa));
		sa.sa_sigaction = on_segv;
		sa.sa_flags = SA_SIGINFO;
		OK(sigaction(SIGSEGV, &sa, NULL));
		OK(syscall(SYS_rt_sigaction, SIGUSR1, &no_restorer, NULL, 8));
		OK(mask_call(SIG_SETMASK, &both, NULL));
		OK(kill(getpid(), SIGUSR1));
		syscall(SYS_rt_sigsuspend, &none, 8);
		_exit(7);
	}
	REAP(pid, 5);
}

static void
actions(void)
{
	struct kernel_action a = { handler, 0xffff0000UL << 32 | 0x2400, NULL,
		0 }, b;

	ERR(syscall(SYS_rt_sigaction, SIGKILL, &a, NULL, 8), EINVAL);
	ERR(syscall(SYS_rt_sigaction, SIGSTOP, &a, NULL, 8), EINVAL);
	ERR(syscall(SYS_rt_sigaction, 65, &a, NULL, 8), EINVAL);
	ERR(syscall(SYS_rt_sigaction, 0, &a, NULL, 8), EINVAL);
	ERR(syscall(SYS_rt_sigaction, SIGUSR2, &a, NULL, 4), EINVAL);
	ERR(syscall(SYS_rt_sigaction, SIGUSR2, 8, NULL, 8), EFAULT);
	OK(syscall(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8));
	OK(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &b, 8));
	CHECK(b.handler == handler);
	EQ(b.flags & 0xffff2400, 0); /* unknown bits were cleared */
	a.flags = 0xc00; /* so a program finds that SA_EXPOSE_TAGBITS is known */
	OK(syscall(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8));
	OK(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &b, 8));
	EQ(b.flags, 0x800);
	signal(SIGUSR2, SIG_DFL);
}

static void
kills(void)
{
	ERR(kill(getpid(), 65), EINVAL);
	ERR(kill(getpid(), -1), EINVAL);
	ERR(kill(-2147483647 - 1, 0), ESRCH);
	ERR(kill(0x3fffffff, 0), ESRCH);
	OK(kill(getpid(), 0));
	ERR(syscall(SYS_tkill, 0, 0), EINVAL);
	ERR(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0), ESRCH);
	OK(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

/* What an uncaught signal does to a child that waits. */
static void
defaults(void)
{
	static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGABRT,
		SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, 34, 64 };
	static const int harmless[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	pid_t pid;

	for (size_t i = 0; i < sizeof(deadly) / sizeof(int); i++) {
		pid = OK(fork());
		if (pid == 0) {
			signal(deadly[i], SIG_DFL); /* nohup ignores some */
			kill(getpid(), deadly[i]);
			_exit(0);
		}
		REAP_SIGNAL(pid, deadly[i]);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(int); i++) {
		pid = OK(fork());
		if (pid == 0) {
			kill(getpid(), harmless[i]);
			_exit(5);
		}
		REAP(pid, 5);
	}
}

int
main(void)
{
	masks();
	failing_frame();
	actions();
	kills();
	defaults();
	return test_done();
}
