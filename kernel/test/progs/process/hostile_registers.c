/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Whatever a program has in its registers when it enters the kernel, and
 * whatever it writes into its signal frame, only the program suffers.
 */
#include "lib/trap.h"

static volatile int steps;
static void (*spoil)(ucontext_t *);

static void
on_step(int signo, siginfo_t *si, void *uc)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	EQ(signo, SIGTRAP);
	EQ(si->si_code, TRAP_TRACE);
	if (++steps >= 8)
		r[REG_EFL] &= ~0x100L;
}

static void
handle(int signo, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	OK(sigaction(signo, &sa, NULL));
}

static void
single_step(void)
{
	long r;

	handle(SIGTRAP, on_step);
	__asm__ volatile("lea -128(%%rsp), %%rsp\n"
			 "pushfq; orq $0x100, (%%rsp); popfq\n"
			 "mov $39, %%eax; syscall; mov %%rax, %0\n"
			 "nop; nop; nop; nop; nop; nop; nop; nop; nop\n"
			 "pushfq; andq $~0x100, (%%rsp); popfq\n"
			 "lea 128(%%rsp), %%rsp"
			 : "=&r"(r)
			 :
			 : "rax", "rcx", "r11", "memory", "cc");
	EQ(r, getpid());
	CHECK(steps >= 8);
}

/* Bit 47 and all above it are alike. */
static bool
is_canonical(uint64_t at)
{
	return (uint64_t)((int64_t)(at << 16) >> 16) == at;
}

/* getpid with a stack pointer and flags of no use. */
static void
wild_stack(uint64_t rsp, uint64_t flags)
{
	long r;

	__asm__ volatile("mov %%rsp, %%r12; mov %1, %%rsp\n"
			 "push %%rax; popfq\n"
			 "mov %2, %%rsp\n"
			 "mov $39, %%eax; syscall\n"
			 "mov %%r12, %%rsp\n"
			 "lea -128(%%rsp), %%rsp\n"
			 "push $0x202; popfq; lea 128(%%rsp), %%rsp\n"
			 : "=&a"(r)
			 : "r"((uint64_t)pages_private(1) + PAGE), "r"(rsp),
			   "0"(flags)
			 : "rcx", "r11", "r12", "memory", "cc");
	EQ(r, getpid());
}

static void
on_usr1(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)si;
	spoil(uc);
}

static void
bad_rip(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = 0x800000000000;
}

static void
kernel_rip(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = 0xffffffff80000000;
}

static void
bad_selectors(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0x0000000000000008;
}

static void
null_selectors(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0;
}

static void
bad_flags(ucontext_t *uc)
{
	/* IOPL, NT, VM, no IF, RF: all to be ignored */
	uc->uc_mcontext.gregs[REG_EFL] = 0x37000;
}

static void
bad_mxcsr(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

static void
bad_fp_pointer(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)0xffff800000000000;
}

static void
odd_fp_pointer(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 1);
}

static void
bad_rsp(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RSP] = 0x10;
}

/* The child returns from a spoilt frame: it goes on or dies of SIGSEGV. */
static void
sigreturn_with(void (*fn)(ucontext_t *), bool must_die)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		spoil = fn;
		handle(SIGUSR1, on_usr1);
		kill(getpid(), SIGUSR1);
		/* Still a user, not able to do what only the kernel may. */
		uint64_t flags = __builtin_ia32_readeflags_u64();
		EQ(flags & 0x3000, 0);
		CHECK(flags & 0x200);
		for (volatile int i = 0; i < 1000000; i++)
			continue;
		_exit(0);
	}
	status = reap(pid) & ~0x80; /* a core, too */
	if (status != SIGSEGV && (must_die || status != 0))
		FAIL("expected SIGSEGV%s, seen status %#x",
		    must_die ? "" : " or 0", status);
}

static volatile uint64_t nowhere;
static volatile int heard;

static void
on_segv(int signo, siginfo_t *si, void *uc)
{
	const greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	EQ(signo, SIGSEGV);
	if (heard++ == 0) {
		spoil(uc);
		return;
	}
	EQ(si->si_code, SI_KERNEL);
	if (nowhere != 0) {
		EQ(r[REG_RIP], nowhere);
		EQ(r[REG_ERR], 0);
		EQ(r[REG_TRAPNO], 13);
	}
	_exit(0);
}

/* A handler of SIGSEGV that returns from a spoilt frame is called once more. */
static void
handler_hears(void (*fn)(ucontext_t *), uint64_t rip)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		spoil = fn;
		nowhere = rip;
		handle(SIGSEGV, on_segv);
		kill(getpid(), SIGSEGV);
		_exit(1);
	}
	REAP(pid, 0);
}

static void
raw_sigreturn(uint64_t rsp)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		__asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall" ::
		                 "r"(rsp) : "rax", "memory");
	REAP_SIGNAL(pid, SIGSEGV);
}

/* A signal that finds no stack for its frame kills. */
static void
no_stack(uint64_t rsp)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		trap_catch(0);
		__asm__ volatile("mov %0, %%rsp; ud2" ::"r"(rsp) : "memory");
	}
	REAP_SIGNAL(pid, SIGSEGV);
}

int
main(void)
{
	static const uint64_t places[] = { 0, 8, 0xffff800000001000,
		0x800000000000, 0xfffffffffffffff8, 0xdeadbeef00000000 };

	single_step();
	for (int i = 0; i < 6; i++) {
		/* A Linux that returns by IRET, as on some AMD processors, ends a program
		 * whose stack pointer is no address. */
		if (on_vadose() || is_canonical(places[i])) {
			wild_stack(places[i], 0x202);
			wild_stack(places[i], 0x202 | 0x400);   /* DF */
			wild_stack(places[i], 0x202 | 0x4000);  /* NT */
			wild_stack(places[i], 0x202 | 0x200000); /* ID */
		}
		raw_sigreturn(places[i]);
		no_stack(places[i]);
	}
	sigreturn_with(bad_rip, true);
	sigreturn_with(kernel_rip, true);
	sigreturn_with(bad_selectors, false);
	sigreturn_with(null_selectors, false);
	sigreturn_with(bad_flags, false);
	sigreturn_with(bad_mxcsr, true);
	sigreturn_with(bad_fp_pointer, true);
	sigreturn_with(odd_fp_pointer, true);
	sigreturn_with(bad_rsp, true);
	handler_hears(bad_rip, 0x800000000000);
	handler_hears(bad_mxcsr, 0);
	return test_done();
}
