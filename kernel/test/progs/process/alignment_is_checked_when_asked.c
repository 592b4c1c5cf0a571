/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 ICOUNT=1 KIND=exact */
/*
 * With EFLAGS.AC an access that is not aligned is SIGBUS with BUS_ADRALN, whichever
 * the processor; calls and the kernel's own accesses go on.  Emulators that do not
 * check alignment, as QEMU's TCG, give the bytes, unless there is an argument
 * (cases/programs/flags_bochs.sh).
 */
#include "lib/test.h"

#define AC 0x40000UL

static sigjmp_buf back;
static volatile int code;

static void
on_bus(int sig, siginfo_t *si, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL] &= ~AC;
	code = si->si_code;
	siglongjmp(back, 1);
}

/* 4 bytes of p with AC on. */
static inline unsigned
load_checked(const char *p)
{
	unsigned v;

	__asm__ volatile("pushf; orq %2, (%%rsp); popf; movl (%1), %0; "
	    "pushf; andq %3, (%%rsp); popf"
	    : "=r"(v) : "r"(p), "i"(AC), "i"(~AC) : "memory", "cc");
	return v;
}

/* write(2) of n bytes with AC on. */
static long
write_checked(int fd, const char *p, long n)
{
	long r;

	__asm__ volatile("pushf; orq %4, (%%rsp); popf; syscall; "
	    "pushf; andq %5, (%%rsp); popf"
	    : "=a"(r) : "0"(SYS_write), "D"((long)fd), "S"(p), "i"(AC),
	      "i"(~AC), "d"(n) : "rcx", "r11", "memory", "cc");
	return r;
}

int
main(int argc, char **argv)
{
	static char bytes[64] __attribute__((aligned(16))) = "0123456789abcdef";
	struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	int ends[2];

	OK(sigaction(SIGBUS, &sa, NULL));
	EQ(load_checked(bytes + 4), 0x37363534);
	OK(pipe(ends));
	EQ(write_checked(ends[1], bytes + 1, 33), 33);
	if (sigsetjmp(back, 1) == 0)
		EQ(load_checked(bytes + 1), 0x34333231);
	else
		EQ(code, BUS_ADRALN);
	__asm__ volatile("pushf; andq %0, (%%rsp); popf" : : "i"(~AC) : "cc");
	if (argc > 1)
		EQ(code, BUS_ADRALN);
	return test_done();
}
