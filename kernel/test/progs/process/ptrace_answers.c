/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * ptrace: a tracer sees signals, calls and the end of a child, its registers and
 * memory, steps it, and lets it go; wait tells each stop once.
 */
#include "lib/host.h"
#include "lib/sleeps.h"
#include "lib/traced.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/uio.h>

#define OLDSETOPTIONS 21
#define ARCH_PRCTL 30
#define SYSEMU 31
#define SYSEMU_SINGLESTEP 32
#define GETSIGMASK 0x420a
#define SETSIGMASK 0x420b

static long
peek(pid_t pid, const void *at)
{
	long v = -1;

	OK(pt(PTRACE_PEEKDATA, pid, (long)at, (long)&v));
	return v;
}

static volatile long word = 0x1122334455667788;
static volatile int caught;

static void
on_signal(int sig)
{
	caught = sig;
}

static void
nothing(void)
{
}

static void
signals_child(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	if (caught != 0)
		_exit(1);
	raise(SIGUSR1);
	if (caught != SIGUSR1)
		_exit(2);
	signal(SIGUSR2, on_signal);
	raise(SIGTERM);
	if (caught != SIGUSR2)
		_exit(3);
	raise(SIGCHLD);
}

static void
bases_child(void)
{
	long v;

	__asm__ volatile("mov %%gs:8, %0" : "=r"(v));
	_exit(v == word ? 9 : 1);
}

/* arch_prctl for a tracee; what it answers goes to the tracer.  (Found by User Mode Linux.) */
static void
bases(void)
{
	pid_t pid = traced(bases_child);
	unsigned long v = 0, same;

	OK(pt(ARCH_PRCTL, pid, (long)&v, 0x1003)); /* GET_FS */
	OK(syscall(SYS_arch_prctl, 0x1003, &same));
	EQ(v, same);
	OK(pt(ARCH_PRCTL, pid, (long)&word - 8, 0x1001)); /* SET_GS */
	OK(pt(ARCH_PRCTL, pid, (long)&v, 0x1004));
	EQ(v, (unsigned long)&word - 8);
	OK(pt(ARCH_PRCTL, pid, (long)same, 0x1002));
	ERR(pt(ARCH_PRCTL, pid, -4096, 0x1001), EPERM);
	ERR(pt(ARCH_PRCTL, pid, 8, 0x1004), EFAULT);
	ERR(pt(ARCH_PRCTL, pid, (long)&v, 0x1000), EINVAL);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 9 << 8);
}

/* A tracer sees each signal, also ignored ones, and takes or changes it. */
static void
signals(void)
{
	pid_t pid = traced(signals_child);
	siginfo_t si;

	ERR(pt(PTRACE_CONT, getpid(), 0, 0), ESRCH);
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_signo, SIGSTOP);
	EQ(si.si_code, SI_TKILL);
	EQ(si.si_pid, pid);
	EQ(peek(pid, (void *)&word), 0x1122334455667788);
	OK(pt(PTRACE_POKEDATA, pid, (long)&word, 5));
	EQ(peek(pid, (void *)&word), 5);
	EQ(word, 0x1122334455667788);
	ERR(pt(PTRACE_PEEKDATA, pid, 8, (long)&si), EIO);
	ERR(pt(PTRACE_POKETEXT, pid, -8, 1), EIO);
	ERR(pt(PTRACE_CONT, pid, 0, 65), EIO);
	ERR(pt(777, pid, 0, 0), EIO);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGUSR1));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGUSR1));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	EQ(next(pid), STOP(SIGTERM));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR2));
	EQ(next(pid), STOP(SIGCHLD));
	OK(pt(PTRACE_CONT, pid, 0, SIGCHLD));
	EQ(next(pid), 7 << 8);
	ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
}

/* The first registers of all, as many as the vector has room for. */
static void
sets(void)
{
	pid_t pid = traced(nothing);
	struct user_regs_struct r = regs(pid), s, *bad = (void *)8;
	unsigned long some[2] = { 15, 14 };
	struct iovec v = { some, sizeof(some) };

	OK(pt(PTRACE_SETREGSET, pid, 1, (long)&v));
	EQ(v.iov_len, sizeof(some));
	r.r15 = 15;
	r.r14 = 14;
	v = (struct iovec){ &s, 4096 };
	OK(pt(PTRACE_GETREGSET, pid, 1, (long)&v));
	EQ(v.iov_len, sizeof(s));
	EQ(memcmp(&r, &s, sizeof(s)), 0);
	s = regs(pid);
	EQ(memcmp(&r, &s, sizeof(s)), 0);
	some[0] = 0;
	v = (struct iovec){ some, 8 };
	OK(pt(PTRACE_GETREGSET, pid, 1, (long)&v));
	EQ(some[0], 15);
	EQ(some[1], 14);
	s.cs = 0;
	v = (struct iovec){ &s, sizeof(s) };
	ERR(pt(PTRACE_SETREGSET, pid, 1, (long)&v), EIO);
	v = (struct iovec){ bad, 8 };
	ERR(pt(PTRACE_SETREGSET, pid, 1, (long)&v), EFAULT);
	ERR(pt(PTRACE_GETREGSET, pid, 1, (long)&v), EFAULT);
	v = (struct iovec){ bad, 512 };
	ERR(pt(PTRACE_SETREGSET, pid, 2, (long)&v), EFAULT);
	ERR(pt(PTRACE_GETREGSET, pid, 2, (long)&v), EFAULT);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 7 << 8);
}

static siginfo_t heard;

static void
on_told(int sig, siginfo_t *si, void *context)
{
	heard = *si;
}

static void
told_child(void)
{
	struct sigaction sa = { .sa_sigaction = on_told, .sa_flags = SA_SIGINFO };

	OK(sigaction(SIGUSR1, &sa, NULL));
	raise(SIGUSR1);
	EQ(heard.si_code, SI_QUEUE);
	EQ(heard.si_pid, 4711);
	EQ(heard.si_uid, 5);
	EQ(heard.si_value.sival_int, 42);
	raise(SIGUSR1);
	EQ(heard.si_code, SI_USER);
	EQ(heard.si_pid, getppid());
	raise(SIGSTOP);
}

/* What is told of a signal is the tracer's word, if it is of the one that is sent. */
static void
tellings(void)
{
	pid_t pid = traced(told_child);
	siginfo_t si, again;

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGUSR1));
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_code, SI_TKILL);
	si.si_code = SI_QUEUE;
	si.si_pid = 4711;
	si.si_uid = 5;
	si.si_value.sival_int = 42;
	OK(pt(PTRACE_SETSIGINFO, pid, 0, (long)&si));
	memset(&again, 0, sizeof(again));
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&again));
	EQ(again.si_pid, 4711);
	EQ(again.si_value.sival_int, 42);
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	EQ(next(pid), STOP(SIGUSR1));
	si.si_signo = SIGUSR2;
	OK(pt(PTRACE_SETSIGINFO, pid, 0, (long)&si));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	/* The signal SIGSTOP has a siginfo; the stop that it is has none. */
	EQ(next(pid), STOP(SIGSTOP));
	OK(pt(PTRACE_SETSIGINFO, pid, 0, (long)&si));
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EQ(next(pid), STOP(SIGSTOP));
	ERR(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si), EINVAL);
	ERR(pt(PTRACE_SETSIGINFO, pid, 0, (long)&si), EINVAL);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 7 << 8);
}

static void
blocked_child(void)
{
	struct sigaction sa = { .sa_sigaction = on_told, .sa_flags = SA_SIGINFO };
	sigset_t usr2;

	OK(sigaction(SIGUSR2, &sa, NULL));
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &usr2, NULL));
	OK(kill(getpid(), SIGTERM));
	EQ(heard.si_signo, 0);
	OK(sigprocmask(SIG_UNBLOCK, &usr2, NULL));
	EQ(heard.si_signo, SIGUSR2);
	EQ(heard.si_code, SI_USER);
	EQ(heard.si_pid, getppid());
}

/* What the tracer sends instead is blocked: it is pending, and shown again. */
static void
sends_what_is_blocked(void)
{
	pid_t pid = traced(blocked_child);
	siginfo_t si;

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGTERM));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR2));
	EQ(next(pid), STOP(SIGUSR2));
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_code, SI_USER);
	EQ(si.si_pid, getpid());
	ERR(pt(PTRACE_SETSIGINFO, pid, 0, 8), EFAULT);
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR2));
	EQ(next(pid), 7 << 8);
}

static void
getppid_child(void)
{
	long r;

	r = syscall(SYS_getppid);
	if (r != 1234)
		_exit(1);
	r = syscall(SYS_getpgid, 0);
	if (r != -1 || errno != ENOSYS)
		_exit(2);
	r = syscall(SYS_getuid);
	if (r != getpid())
		_exit(3);
}

static void
calls(void)
{
	pid_t pid = traced(getppid_child);
	struct __ptrace_syscall_info i;
	siginfo_t si;

	ERR(pt(PTRACE_SETOPTIONS, pid, 0, 1 << 30), EINVAL);
	OK(pt(PTRACE_SETOPTIONS, pid, 0, O_SYSGOOD));
	EQ(call_info(pid).op, PTRACE_SYSCALL_INFO_NONE);
	/* The end of raise(). */
	do
		i = call_next(pid);
	while (i.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    i.entry.nr != SYS_getppid);
	EQ(regs(pid).orig_rax, SYS_getppid);
	EQ(regs(pid).rax, -ENOSYS);
	i = call_next(pid);
	EQ(i.op, PTRACE_SYSCALL_INFO_EXIT);
	EQ(i.exit.rval, getpid());
	EQ(i.exit.is_error, 0);
	OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 1234));
	i = call_next(pid);
	EQ(i.entry.nr, SYS_getpgid);
	OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1));
	i = call_next(pid);
	EQ(i.exit.rval, -ENOSYS);
	EQ(i.exit.is_error, 1);
	i = call_next(pid);
	EQ(i.entry.nr, SYS_getuid);
	OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax),
	    SYS_getpid));
	i = call_next(pid);
	EQ(i.exit.rval, pid);
	/* Here a signal is sent to it, which is shown as all are. */
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	EQ(next(pid), STOP(SIGUSR1));
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_code, SI_KERNEL);
	EQ(si.si_pid, 0);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 7 << 8);
}

/* The tracer answers these; the last one is made. */
static void
emulated_child(void)
{
	for (int i = 0; i < 3; i++)
		if (syscall(SYS_getppid) != 4711 + i)
			_exit(1);
	if (syscall(SYS_getppid) != getppid())
		_exit(2);
}

/* To the next call, which is not made; so it has no end. */
static void
emulate(pid_t pid, long how)
{
	OK(pt(how, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP | 0x80));
	EQ(call_info(pid).op, PTRACE_SYSCALL_INFO_ENTRY);
	EQ(regs(pid).rax, -ENOSYS);
}

static void
emulated(void)
{
	pid_t pid = traced(emulated_child);
	long rax = offsetof(struct user, regs.rax);
	unsigned long rip;

	OK(pt(OLDSETOPTIONS, pid, 0, O_SYSGOOD));
	do
		(void)call_next(pid);
	while (call_info(pid).op != PTRACE_SYSCALL_INFO_ENTRY ||
	    regs(pid).orig_rax != SYS_getppid);
	OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1));
	EQ(call_next(pid).op, PTRACE_SYSCALL_INFO_EXIT);
	OK(pt(PTRACE_POKEUSER, pid, rax, 4711));
	emulate(pid, SYSEMU);
	EQ(regs(pid).orig_rax, SYS_getppid);
	OK(pt(PTRACE_POKEUSER, pid, rax, 4712));
	emulate(pid, SYSEMU);
	rip = regs(pid).rip;
	OK(pt(PTRACE_POKEUSER, pid, rax, 4713));
	/* A step from there: the call is none, and another instruction is over. */
	OK(pt(SYSEMU_SINGLESTEP, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP));
	CHECK(regs(pid).rip != rip);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), 7 << 8);
}

static void
masked_child(void)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	signal(SIGUSR1, on_signal);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	kill(getpid(), SIGUSR1);
	raise(SIGTERM);
	if (caught != SIGUSR1)
		_exit(1);
}

/* The mask is seen, and set: then what was blocked comes. */
static void
masks(void)
{
	pid_t pid = traced(masked_child);
	uint64_t mask = 0, all = ~0ul;

	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGTERM));
	ERR(pt(GETSIGMASK, pid, 4, (long)&mask), EINVAL);
	ERR(pt(GETSIGMASK, pid, 8, 8), EFAULT);
	ERR(pt(SETSIGMASK, pid, 16, (long)&mask), EINVAL);
	ERR(pt(SETSIGMASK, pid, 8, 8), EFAULT);
	OK(pt(GETSIGMASK, pid, 8, (long)&mask));
	/* A C library may block all in raise(). */
	CHECK((mask & 1ul << (SIGUSR1 - 1)) != 0);
	OK(pt(SETSIGMASK, pid, 8, (long)&all));
	OK(pt(GETSIGMASK, pid, 8, (long)&mask));
	EQ(mask, all & ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1)));
	mask = 0;
	OK(pt(SETSIGMASK, pid, 8, (long)&mask));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGUSR1));
	OK(pt(PTRACE_CONT, pid, 0, SIGUSR1));
	EQ(next(pid), 7 << 8);
}

static void
steps_child(void)
{
	__asm__ volatile("nop; nop; nop; movl $39, %%eax; syscall; nop; nop;"
	    "int3" : : : "rax", "rcx", "r11", "memory");
}

static void
steps(void)
{
	pid_t pid = traced(steps_child);
	unsigned long rip;
	siginfo_t si;
	int st, n = 0;
	long text;

	/* To the first of the nops. */
	do {
		OK(pt(PTRACE_SINGLESTEP, pid, 0, 0));
		EQ(next(pid), STOP(SIGTRAP));
		rip = regs(pid).rip;
		text = peek(pid, (void *)rip);
		EQ(regs(pid).eflags & 0x100, 0);
	} while ((text & 0xffffffff) != 0xb8909090);
	for (;;) {
		OK(pt(PTRACE_SINGLESTEP, pid, 0, 0));
		st = next(pid);
		EQ(st, STOP(SIGTRAP));
		OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
		if (si.si_code == SI_KERNEL)
			break;
		n++;
		if (n == 5) {
			EQ(si.si_code, TRAP_BRKPT);
			EQ(regs(pid).rip, rip + 10);
			EQ(regs(pid).rax, pid);
		} else {
			EQ(si.si_code, TRAP_TRACE);
			EQ((long)si.si_addr, regs(pid).rip);
		}
	}
	EQ(n, 7);
	EQ(regs(pid).rip, rip + 13);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	EQ(next(pid), 7 << 8);
}

static void
seized_child(void)
{
	for (;;)
		pause();
}

static void
seize(void)
{
	pid_t pid = OK(fork());
	siginfo_t si;
	int st;

	if (pid == 0)
		seized_child();
	ERR(pt(PTRACE_SEIZE, pid, 1, 0), EIO);
	ERR(pt(PTRACE_SEIZE, pid, 0, 1 << 30), EIO);
	OK(pt(PTRACE_SEIZE, pid, 0, O_SYSGOOD));
	ERR(pt(PTRACE_SEIZE, pid, 0, 0), EPERM);
	ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	EQ(waitpid(pid, &st, __WALL | WNOHANG), 0);
	OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
	EQ(next(pid), EVENT(PTRACE_EVENT_STOP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(kill(pid, SIGSTOP));
	EQ(next(pid), STOP(SIGSTOP));
	ERR(pt(PTRACE_LISTEN, pid, 0, 0), EIO);
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EQ(next(pid), (SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f);
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_code, SIGSTOP | PTRACE_EVENT_STOP << 8);
	OK(pt(PTRACE_LISTEN, pid, 0, 0));
	ERR(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si), ESRCH);
	OK(kill(pid, SIGCONT));
	EQ(next(pid), EVENT(PTRACE_EVENT_STOP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGCONT));
	OK(pt(PTRACE_CONT, pid, 0, SIGCONT));
	OK(kill(pid, SIGKILL));
	EQ(next(pid), SIGKILL);
}

/* Attached as of old, a stop of the process has no siginfo. */
static void
attach(void)
{
	pid_t pid = OK(fork());
	struct user_fpregs_struct fp;
	struct iovec iov = { &fp, sizeof(fp) };
	siginfo_t si;
	int st;

	if (pid == 0)
		seized_child();
	ERR(pt(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	OK(pt(PTRACE_ATTACH, pid, 0, 0));
	EQ(next(pid), STOP(SIGSTOP));
	ERR(pt(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EQ(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WEXITED), 0);
	EQ(si.si_code, CLD_TRAPPED);
	EQ(si.si_status, SIGSTOP);
	ERR(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si), EINVAL);
	OK(pt(PTRACE_GETREGSET, pid, 2, (long)&iov));
	EQ(iov.iov_len, 512);
	EQ(fp.mxcsr, 0x1f80);
	fp.mxcsr = 0xffff0000;
	ERR(pt(PTRACE_SETREGSET, pid, 2, (long)&iov), EINVAL);
	fp.mxcsr = 0x1f80;
	memset(fp.xmm_space, 0x5a, sizeof(fp.xmm_space));
	OK(pt(PTRACE_SETFPREGS, pid, 0, (long)&fp));
	iov.iov_len = 9;
	ERR(pt(PTRACE_GETREGSET, pid, 1, (long)&iov), EINVAL);
	iov.iov_len = 8;
	ERR(pt(PTRACE_GETREGSET, pid, 4711, (long)&iov), EINVAL);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	/* It is in the stop of its process now, and that is news to the parent. */
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	EQ(st, STOP(SIGSTOP));
	OK(kill(pid, SIGKILL));
	EQ(next(pid), SIGKILL);
}

/* The code of the SIGCHLD that is pending; 0: none is. */
static int
child_news(void)
{
	struct timespec none = { 0 };
	siginfo_t si = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigtimedwait(&set, &si, &none) == SIGCHLD ? si.si_code : 0;
}

/* The tracer lets it go on in the stop of its process.  That this was continued is told
 * when it looks at signals anew, and not while it shows one. */
static void
continued(void)
{
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	pid = traced(seized_child);
	OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	EQ(next(pid), STOP(SIGSTOP));
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(kill(pid, SIGUSR1));
	EQ(next(pid), STOP(SIGUSR1));
	EQ(child_news(), CLD_TRAPPED);
	OK(kill(pid, SIGCONT));
	EQ(child_news(), 0);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGCONT));
	EQ(child_news(), CLD_TRAPPED);
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP)); /* it begins to wait again */
	EQ(child_news(), CLD_TRAPPED);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	OK(kill(pid, SIGUSR1));
	EQ(next(pid), STOP(SIGUSR1));
	EQ(child_news(), CLD_CONTINUED);
	OK(kill(pid, SIGKILL));
	EQ(next(pid), SIGKILL);
	EQ(child_news(), CLD_KILLED);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
}

/* A tracer that is not the parent hears that the process goes on, too. */
static void
continued_for_another(void)
{
	sigset_t set;
	pid_t pid, tracer;

	pid = OK(fork());
	if (pid == 0)
		seized_child();
	tracer = OK(fork());
	if (tracer == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGCHLD);
		OK(sigprocmask(SIG_BLOCK, &set, NULL));
		OK(pt(PTRACE_SEIZE, pid, 0, 0));
		OK(kill(pid, SIGSTOP));
		EQ(next(pid), STOP(SIGSTOP));
		OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
		EQ(next(pid), (SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f);
		while (child_news() != 0)
			;
		OK(pt(PTRACE_LISTEN, pid, 0, 0));
		OK(kill(pid, SIGCONT));
		EQ(next(pid), EVENT(PTRACE_EVENT_STOP));
		EQ(child_news(), CLD_CONTINUED);
		OK(kill(pid, SIGKILL));
		EQ(next(pid), SIGKILL);
		_exit(0);
	}
	REAP(tracer, 0);
	EQ(next(pid), SIGKILL);
}

static void
memory(void)
{
	static char here[64], there[64];
	struct iovec l = { here, 10 }, r[2] = { { there, 4 }, { there + 20, 8 } };
	pid_t pid;
	char path[40];
	int fd;

	strcpy(there, "abcdefghijklmnopqrstuvwxyz");
	pid = traced(nothing);
	strcpy(there, "");
	EQ(process_vm_readv(pid, &l, 1, r, 2, 0), 10);
	CHECK(memcmp(here, "abcduvwxyz", 10) == 0);
	memcpy(here, "0123456789", 10);
	EQ(process_vm_writev(pid, &l, 1, r, 2, 0), 10);
	EQ(peek(pid, there), 0x6867666533323130);
	r[0].iov_base = (void *)8;
	ERR(process_vm_readv(pid, &l, 1, r, 2, 0), EFAULT);
	ERR(process_vm_readv(pid, &l, 1, r, 2, 1), EINVAL);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = OK(open(path, O_RDWR));
	EQ(pread(fd, here, 4, (off_t)there), 4);
	CHECK(memcmp(here, "0123", 4) == 0);
	/* Text is private and read-only: a copy is made. */
	EQ(pread(fd, here, 1, (off_t)(void *)nothing), 1);
	EQ(pwrite(fd, "\xcc", 1, (off_t)(void *)nothing), 1);
	CHECK(*(unsigned char *)(void *)nothing != 0xcc);
	close(fd);
	OK(pt(PTRACE_CONT, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP));
	OK(pt(PTRACE_KILL, pid, 0, 0));
	EQ(next(pid), SIGKILL);
}

/* A shared read-only mapping keeps to its rights. */
static void
shared(void)
{
	int fd = OK(memfd_create("m", 0));
	pid_t pid;
	long *p, *q;

	OK(ftruncate(fd, 4096));
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	fd = OK(memfd_create("m", 0));
	OK(ftruncate(fd, 4096));
	q = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	pid = traced(nothing);
	OK(pt(PTRACE_POKEDATA, pid, (long)p, 77));
	EQ(peek(pid, p), 77);
	EQ(*p, 0);
	ERR(pt(PTRACE_POKEDATA, pid, (long)q, 77), EIO);
	EQ(*q, 0);
	close(fd);
	OK(kill(pid, SIGKILL));
	EQ(next(pid), SIGKILL);
}

/* Another process than the parent traces; the parent sees the end after it. */
static void
stranger(void)
{
	pid_t child = OK(fork()), tracer;
	char path[40], text[4096], want[40];
	int st, p[2], fd;

	if (child == 0)
		seized_child();
	OK(pipe(p));
	tracer = OK(fork());
	if (tracer == 0) {
		if (pt(PTRACE_SEIZE, child, 0, 0) != 0)
			_exit(1);
		if (write(p[1], "x", 1) != 1)
			_exit(1);
		if (waitpid(child, &st, __WALL) != child || st != SIGTERM)
			_exit(2);
		_exit(0);
	}
	EQ(read(p[0], text, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	fd = OK(open(path, O_RDONLY));
	text[OK(read(fd, text, sizeof(text) - 1))] = '\0';
	close(fd);
	snprintf(want, sizeof(want), "TracerPid:\t%d\n", tracer);
	CHECK(strstr(text, want) != NULL);
	ERR(pt(PTRACE_ATTACH, child, 0, 0), EPERM);
	EQ(waitpid(child, &st, WNOHANG), 0);
	OK(kill(child, SIGKILL) == 0 ? 0 : -1);
	EQ(waitpid(tracer, &st, 0), tracer);
	EQ(st, 2 << 8);
	EQ(next(child), SIGKILL);
	close(p[0]);
	close(p[1]);
}

/* A child of which only one may be root asks to be traced. */
static void
asks_by_rights(uid_t parent, uid_t child, int expected)
{
	pid_t pid = OK(fork()), own;
	int p[2];
	char c;

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	OK(pipe(p));
	own = OK(fork());
	if (own == 0) {
		EQ(read(p[0], &c, 1), 1);
		OK(setresuid(child, child, child));
		if (expected == 0)
			OK(pt(PTRACE_TRACEME, 0, 0, 0));
		else
			ERR(pt(PTRACE_TRACEME, 0, 0, 0), expected);
		_exit(0);
	}
	OK(setresuid(parent, parent, parent));
	EQ(write(p[1], "x", 1), 1);
	REAP(own, 0);
	_exit(0);
}

/* A tracer that ends lets go; with EXITKILL it takes the others with it. */
static void
tracer_ends(int options)
{
	pid_t child = OK(fork()), tracer;
	int st;

	if (child == 0)
		seized_child();
	tracer = OK(fork());
	if (tracer == 0)
		_exit(pt(PTRACE_SEIZE, child, 0, options) != 0 ||
		    pt(PTRACE_INTERRUPT, child, 0, 0) != 0 ||
		    waitpid(child, &st, __WALL) != child);
	EQ(next(tracer), 0);
	if ((options & O_EXITKILL) == 0) {
		EQ(waitpid(child, &st, WNOHANG), 0);
		OK(kill(child, SIGUSR1));
	}
	EQ(next(child), (options & O_EXITKILL) != 0 ? SIGKILL : SIGUSR1);
}

int
main(void)
{
	signals();
	tellings();
	sets();
	sends_what_is_blocked();
	calls();
	emulated();
	bases();
	masks();
	steps();
	seize();
	attach();
	continued();
	memory();
	shared();
	stranger();
	if (getuid() == 0) {
		asks_by_rights(1000, 0, EPERM);
		asks_by_rights(0, 1000, 0);
		asks_by_rights(1000, 1000, 0);
	}
	tracer_ends(0);
	tracer_ends(O_EXITKILL);
	continued_for_another();
	return test_done();
}
