/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Wrong accesses and instructions get the signal, code and address that
 * Linux gives; the process goes on after its handler jumped away.
 */
#include "lib/host.h"
#include "lib/trap.h"

int main(void);

static char alternate[64 * KIB];

/* An instruction at a label whose address is known. */
#define INSN(name, text)                                                       \
	extern char insn_##name[];                                             \
	static void __attribute__((noinline)) do_##name(void)                  \
	{                                                                      \
		__asm__ volatile("insn_" #name ": " text ::                    \
		                 : "rax", "rcx", "rdx", "memory", "cc");       \
	}                                                                      \
	struct swallow_##name

INSN(ud2, "ud2");
INSN(int3, "int3");
INSN(hlt, "hlt");
INSN(cli, "cli");
INSN(in, "inb $0x60, %%al");
INSN(out, "outb %%al, $0x80");
INSN(rdmsr, "xor %%ecx, %%ecx; rdmsr");
INSN(movcr3, "mov %%cr3, %%rax");
INSN(lgdt, "lgdt (%%rsp)");
INSN(wbinvd, "wbinvd");
INSN(swapgs, "swapgs");
INSN(int32, "int $32");
INSN(int14, "int $14");

static void
divide(int a, int b)
{
	__asm__ volatile("cltd; idivl %1" : "+a"(a) : "r"(b) : "rdx", "cc");
}

static int __attribute__((noinline))
endless(int n)
{
	volatile char frame[4096];

	frame[0] = n;
	return n < 0 ? 0 : endless(n + 1) + frame[0];
}

static void
pointers(void)
{
	static const uintptr_t kernel[] = { 0xffff800000000000,
		0xffffc00000001234, 0xffffffff80000000, 0xffffffffffffffff };
	uintptr_t end = 1UL << (has_five_levels() ? 56 : 47);
	uintptr_t noncanonical[] = { end, 0x8000000000000000, ~end,
		0xdeadbeefdeadbeef };

	TRAP(load(NULL), SIGSEGV, SEGV_MAPERR, 0);
	TRAP(store(NULL, 1), SIGSEGV, SEGV_MAPERR, 0);
	TRAP(load((char *)1234), SIGSEGV, SEGV_MAPERR, 1234);
	TRAP(((void (*)(void))NULL)(), SIGSEGV, SEGV_MAPERR, 0);
	TRAP(load((char *)0x7ffffffff000), SIGSEGV, SEGV_MAPERR,
	    0x7ffffffff000);
	for (int i = 0; i < 4; i++) {
		char *k = (char *)kernel[i], *n = (char *)noncanonical[i];

		TRAP(load(k), SIGSEGV, SEGV_MAPERR, k);
		TRAP(store(k, 1), SIGSEGV, SEGV_MAPERR, k);
		TRAP(load(n), SIGSEGV, SI_KERNEL, 0);
		TRAP(store(n, 1), SIGSEGV, SI_KERNEL, 0);
	}
	TRAP(((void (*)(void))(void *)kernel[0])(), SIGSEGV, SEGV_MAPERR,
	    kernel[0]);
	EQ(TRAPPED(((void (*)(void))(void *)noncanonical[0])()), SIGSEGV);
}

static void
protection(void)
{
	static char data[64];
	char *text = (char *)(uintptr_t)main;
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	char stack[64] = { (char)0xc3 };

	TRAP(((void (*)(void))(void *)data)(), SIGSEGV, SEGV_ACCERR, data);
	TRAP(((void (*)(void))(void *)stack)(), SIGSEGV, SEGV_ACCERR, stack);
	TRAP(store(text, 0), SIGSEGV, SEGV_ACCERR, text);
	EQ(trap_info.trapno, 14);
	EQ(trap_info.err, 7); /* present, write, user */
	EQ(trap_info.cr2, text);
	TRAP(load(none + 77), SIGSEGV, SEGV_ACCERR, none + 77);
	OK(munmap(none, PAGE));
	TRAP(store(none, 0), SIGSEGV, SEGV_MAPERR, none);
	EQ(trap_info.err, 6);
	TRAP(load((char *)0xffffffff80000000), SIGSEGV, SEGV_MAPERR,
	    0xffffffff80000000);
	EQ(trap_info.err, 5); /* present is forced: no layout leaks */
}

static void
instructions(void)
{
	TRAP(do_ud2(), SIGILL, ILL_ILLOPN, insn_ud2);
	EQ(TRAPPED(do_int3()), SIGTRAP);
	EQ(trap_info.code, SI_KERNEL);
	EQ(trap_info.addr, 0);
	EQ(trap_info.rip, (uintptr_t)insn_int3 + 1);
	EQ(TRAPPED(divide(1, 0)), SIGFPE);
	EQ(trap_info.code, FPE_INTDIV);
	EQ(trap_info.addr, trap_info.rip);
	EQ(TRAPPED(divide(-2147483647 - 1, -1)), SIGFPE);
	EQ(trap_info.code, FPE_INTDIV);
	TRAP(do_hlt(), SIGSEGV, SI_KERNEL, 0);
	EQ(trap_info.rip, (uintptr_t)insn_hlt);
	EQ(trap_info.trapno, 13);
	TRAP(do_cli(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_in(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_out(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_rdmsr(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_movcr3(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_lgdt(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_wbinvd(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_swapgs(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_int32(), SIGSEGV, SI_KERNEL, 0);
	TRAP(do_int14(), SIGSEGV, SI_KERNEL, 0);
}

/* A child that must die of the signal. */
static void
dies(int what, int signo)
{
	pid_t pid = OK(fork());
	stack_t off = { .ss_flags = SS_DISABLE };
	sigset_t set;

	if (pid != 0) {
		REAP_SIGNAL(pid, signo);
		return;
	}
	sigfillset(&set);
	switch (what) {
	case 0: /* no alternate stack: the handler's frame has no place */
		OK(sigaltstack(&off, NULL));
		endless(0);
		break;
	case 1: /* a blocked fault kills */
		OK(sigprocmask(SIG_BLOCK, &set, NULL));
		store(NULL, 1);
		break;
	case 2: /* an ignored one too */
		signal(SIGFPE, SIG_IGN);
		divide(1, 0);
		break;
	default:
		signal(signo, SIG_DFL);
		if (signo == SIGILL)
			do_ud2();
		else if (signo == SIGTRAP)
			do_int3();
		else
			load((char *)8);
	}
	_exit(0);
}

int
main(void)
{
	stack_t ss = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct rlimit rl;

	OK(getrlimit(RLIMIT_STACK, &rl));
	if (rl.rlim_cur > 8 * MIB) { /* endless() would take the whole machine */
		rl.rlim_cur = 8 * MIB;
		OK(setrlimit(RLIMIT_STACK, &rl));
	}
	OK(sigaltstack(&ss, NULL));
	trap_catch(SA_ONSTACK);
	for (int round = 0; round < 3; round++) {
		pointers();
		protection();
		instructions();
		EQ(TRAPPED(endless(0)), SIGSEGV);
		EQ(trap_info.code, SEGV_MAPERR);
	}
	dies(0, SIGSEGV);
	dies(1, SIGSEGV);
	dies(2, SIGFPE);
	dies(3, SIGILL);
	dies(4, SIGTRAP);
	dies(5, SIGSEGV);
	return test_done();
}
