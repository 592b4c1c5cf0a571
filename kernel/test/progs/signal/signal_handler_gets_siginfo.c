/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A handler runs with the right siginfo, mask and stack alignment, and
 * sigreturn restores all registers, also vector ones.
 */
#include "lib/test.h"
#include <ucontext.h>

static siginfo_t seen;
static int runs;
static sigset_t mask_inside;
static uintptr_t rsp_inside;

static void
handler(int signo, siginfo_t *si, void *uc)
{
	rsp_inside = (uintptr_t)__builtin_frame_address(0);
	seen = *si;
	runs++;
	EQ(signo, si->si_signo);
	EQ(sigprocmask(SIG_BLOCK, NULL, &mask_inside), 0);
	CHECK(((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] != 0);
	/* Spoil what must come back. */
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm15, %%xmm15;"
			 "fldpi; fstp %%st(0); std; cld" ::
	                 : "xmm0", "xmm15", "cc");
}

static void
install(int signo, int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | flags;
	sigaddset(&sa.sa_mask, SIGHUP);
	OK(sigaction(signo, &sa, NULL));
}

static void
info(void)
{
	union sigval v = { .sival_int = 4711 };

	install(SIGUSR1, 0);
	OK(kill(getpid(), SIGUSR1));
	EQ(runs, 1);
	EQ(seen.si_code, SI_USER);
	EQ(seen.si_pid, getpid());
	EQ(seen.si_uid, getuid());
	CHECK(sigismember(&mask_inside, SIGUSR1));
	CHECK(sigismember(&mask_inside, SIGHUP));
	CHECK(!sigismember(&mask_inside, SIGUSR2));
	EQ((rsp_inside + 16) % 16, 0); /* rsp % 16 was 8 at entry */
	OK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
	EQ(seen.si_code, SI_TKILL);
	OK(sigqueue(getpid(), SIGUSR1, v));
	EQ(seen.si_code, SI_QUEUE);
	EQ(seen.si_value.sival_int, 4711);
	install(SIGUSR1, SA_NODEFER);
	OK(kill(getpid(), SIGUSR1));
	CHECK(!sigismember(&mask_inside, SIGUSR1));
	install(SIGUSR1, SA_RESETHAND);
	OK(kill(getpid(), SIGUSR1));
	CHECK(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
	install(SIGCHLD, 0);
	pid_t pid = OK(fork());
	if (pid == 0)
		_exit(9);
	REAP(pid, 9);
	EQ(seen.si_signo, SIGCHLD);
	EQ(seen.si_code, CLD_EXITED);
	EQ(seen.si_pid, pid);
	EQ(seen.si_status, 9);
	signal(SIGCHLD, SIG_DFL);
}

static int
end_with_5(void *arg)
{
	return arg == NULL ? 5 : 0;
}

/* Whatever number tells of a child's end: it says which child, and how. */
static void
child_by_other_signal(void)
{
	static char stack[16 * KIB] __attribute__((aligned(16)));
	pid_t pid;

	install(SIGUSR2, 0);
	pid = OK(clone(end_with_5, stack + sizeof(stack), SIGUSR2, NULL));
	EQ(waitpid(pid, NULL, __WALL), pid);
	EQ(seen.si_signo, SIGUSR2);
	EQ(seen.si_code, CLD_EXITED);
	EQ(seen.si_pid, pid);
	EQ(seen.si_status, 5);
	signal(SIGUSR2, SIG_DFL);
}

/* What a program tells itself comes as it was, whoever it looks like. */
static void
own_words(int signo, int code)
{
	siginfo_t sent;

	memset(&sent, 0, sizeof(sent));
	memset((char *)&sent + 16, 0x5a, 32);
	sent.si_errno = 7;
	sent.si_code = code;
	install(signo, 0);
	memset(&seen, 0xff, sizeof(seen));
	OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signo, &sent));
	sent.si_signo = signo;
	EQ(memcmp(&seen, &sent, sizeof(sent)), 0);
	signal(signo, SIG_DFL);
}

/* A timer interrupts a loop that checks its registers all the time. */
static void
registers(void)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	uint64_t until;

	install(SIGALRM, 0);
	runs = 0;
	until = now_ns() + 2000000000UL;
	OK(setitimer(ITIMER_REAL, &it, NULL));
	while (runs < 30 && now_ns() < until) {
		uint64_t bad;

		__asm__ volatile(
		    "mov $1, %%rax; mov $2, %%rbx; mov $3, %%r8; mov $4, %%r15\n"
		    "movq %%rbx, %%xmm0; movq %%r8, %%xmm15\n"
		    "fldpi\n"
		    "mov $200000, %%rcx\n"
		    "1: sub $1, %%rcx; jnz 1b\n"
		    "fldpi; fcomip %%st(1), %%st; fstp %%st(0)\n"
		    "mov $0, %%ecx; setne %%cl\n"
		    "xor $1, %%rax; xor $2, %%rbx; xor $3, %%r8; xor $4, %%r15\n"
		    "or %%rcx, %%rax; or %%rbx, %%rax; or %%r8, %%rax\n"
		    "or %%r15, %%rax\n"
		    "movq %%xmm0, %%rbx; xor $2, %%rbx; or %%rbx, %%rax\n"
		    "movq %%xmm15, %%rbx; xor $3, %%rbx; or %%rbx, %%rax\n"
		    : "=&a"(bad)
		    :
		    : "rbx", "rcx", "r8", "r15", "xmm0", "xmm15", "cc");
		EQ(bad, 0);
	}
	CHECK(runs >= 10);
	memset(&it, 0, sizeof(it));
	OK(setitimer(ITIMER_REAL, &it, NULL));
}

int
main(void)
{
	info();
	child_by_other_signal();
	own_words(SIGUSR1, SI_QUEUE);
	own_words(SIGSEGV, SEGV_ACCERR);
	own_words(SIGCHLD, CLD_KILLED);
	own_words(SIGUSR1, SI_KERNEL);
	registers();
	return test_done();
}
