/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A handler begins with the x87 and SSE registers of a new program, whatever
 * it interrupts: it can count with an x87 stack that was full, and divide in
 * the handler of a division.  What was interrupted has its own again
 * afterwards, also if a first frame found no place.
 */
#include "lib/test.h"

#include <float.h>
#include <ucontext.h>

#define FCW_NEW 0x37f
#define FCW_SHORT 0x07f          /* single precision */
#define MXCSR_NEW 0x1f80
#define MXCSR_DOWN 0x3f80        /* rounds down */
#define ERRORS 0x80ff

struct fx {
	uint16_t fcw, fsw, ftw, fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t x87[128], xmm[256], rest[96];
} __attribute__((aligned(16)));

static struct fx at_entry, before, after;
static char area[64 * KIB];
static volatile int handled, segv, code;
static volatile unsigned mask;   /* the exception that traps */
static volatile long double one = 1, three = 3;

static inline __attribute__((always_inline)) void
fx_save(struct fx *f)
{
	__asm__ volatile("fxsave64 %0" : "=m"(*f));
}

/* What the handler found, and that it can use it. */
static void
is_new(void)
{
	static const uint8_t none[16];

	EQ(at_entry.fcw, FCW_NEW);
	EQ(at_entry.fsw, 0);
	EQ(at_entry.ftw, 0);
	EQ(at_entry.mxcsr, MXCSR_NEW);
	CHECK(memcmp(at_entry.xmm + 15 * 16, none, 16) == 0);
	CHECK(one / three * three == one);
	__asm__ volatile("fwait");
}

static void
on_signal(int signo, siginfo_t *si, void *arg)
{
	fx_save(&at_entry);
	ucontext_t *uc = arg;
	struct fx *saved = (struct fx *)uc->uc_mcontext.fpregs;

	is_new();
	if (signo == SIGFPE) {
		EQ(si->si_code, code);
		EQ(saved->fcw, FCW_NEW & ~mask);
		EQ(saved->fsw & mask, mask);
		saved->fsw &= ~ERRORS;
	} else {
		EQ(saved->fcw, FCW_SHORT);
		EQ(saved->ftw, 0xff);
		EQ(saved->mxcsr, MXCSR_DOWN);
	}
	handled++;
	segv += signo == SIGSEGV;
}

static void catch (int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | flags };

	OK(sigaction(signo, &sa, NULL));
}

/* Send it to ourselves with the registers full, and with this stack, if any. */
static void
send_full(int signo, uint64_t stack)
{
	uint16_t fcw = FCW_SHORT;
	uint32_t down = MXCSR_DOWN, new = MXCSR_NEW;
	long r = SYS_kill;

	__asm__ volatile("fninit\n\t"
	    "fld1; fldpi; fldz; fldl2e; fld1; fldpi; fldz; fldln2\n\t"
	    "fldcw %[fcw]\n\t"
	    "ldmxcsr %[down]\n\t"
	    "pcmpeqd %%xmm15, %%xmm15\n\t"
	    "fxsave64 %[before]\n\t"
	    "movq %%rsp, %%r12\n\t"
	    "testq %[stack], %[stack]\n\t"
	    "cmovnz %[stack], %%rsp\n\t"
	    "syscall\n\t"
	    "movq %%r12, %%rsp\n\t"
	    "fxsave64 %[after]\n\t"
	    "ldmxcsr %[new]\n\t"
	    "fninit\n\t"
	    : "+a"(r), [before] "=m"(before), [after] "=m"(after)
	    : "D"((long)getpid()), "S"((long)signo), [stack] "r"(stack),
	      [fcw] "m"(fcw), [down] "m"(down), [new] "m"(new)
	    : "rcx", "r11", "r12", "xmm15", "st", "st(1)", "st(2)", "st(3)",
	      "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory");
	EQ(r, 0);
	EQ(before.ftw, 0xff);
	EQ(after.fcw, before.fcw);
	EQ(after.fsw, before.fsw);
	EQ(after.ftw, before.ftw);
	EQ(after.mxcsr, before.mxcsr);
	CHECK(memcmp(after.x87, before.x87, sizeof(after.x87)) == 0);
	CHECK(memcmp(after.xmm, before.xmm, sizeof(after.xmm)) == 0);
}

/* The handler of a trap of the x87 unit, which is still to be cleared: a divided by b. */
static void
divide(unsigned exception, int expected, long double a, long double b)
{
	uint16_t fcw = (uint16_t)(FCW_NEW & ~exception);

	mask = exception;
	code = expected;
	__asm__ volatile("fninit\n\t"
	    "fldcw %[fcw]\n\t"
	    "pcmpeqd %%xmm15, %%xmm15\n\t"
	    "fldt %[a]\n\t"
	    "fldt %[b]\n\t"
	    "fdivrp\n\t"
	    "fwait\n\t"
	    "fxsave64 %[after]\n\t"
	    "fninit\n\t"
	    : [after] "=m"(after)
	    : [fcw] "m"(fcw), [a] "m"(a), [b] "m"(b)
	    : "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
	      "st(6)", "st(7)", "memory");
	EQ(after.fcw, fcw);
	EQ(after.fsw & ERRORS & exception, 0);
}

int
main(void)
{
	stack_t ss = { .ss_sp = area, .ss_size = sizeof(area) };

	catch (SIGUSR1, 0);
	catch (SIGFPE, 0);
	catch (SIGSEGV, SA_ONSTACK);
	OK(sigaltstack(&ss, NULL));
	send_full(SIGUSR1, 0);
	EQ(handled, 1);
	EQ(segv, 0);
	divide(4, FPE_FLTDIV, 1, 0);
	divide(1, FPE_FLTINV, 0, 0);
	divide(8, FPE_FLTOVF, LDBL_MAX, LDBL_MIN);
	divide(16, FPE_FLTUND, LDBL_MIN, LDBL_MAX);
	divide(32, FPE_FLTRES, 1, 3);
	EQ(handled, 6);
	/* No place for the frame: the other stack gets the one of SIGSEGV. */
	send_full(SIGUSR1, PAGE);
	EQ(handled, 7);
	EQ(segv, 1);
	return test_done();
}
