/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The flags of a program are its own: over a system call, a page fault, an
 * interrupt, a signal and its return, and with single step on.  A frame changes
 * those that Linux lets it change, and no others.
 */
#include "lib/test.h"

#include <ucontext.h>

#define CF 0x1UL
#define PF 0x4UL
#define AF 0x10UL
#define ZF 0x40UL
#define SF 0x80UL
#define TF 0x100UL
#define IF 0x200UL
#define DF 0x400UL
#define OF 0x800UL
#define IOPL 0x3000UL
#define NT 0x4000UL
#define AC 0x40000UL
#define ID 0x200000UL

#define STATUS (CF | PF | AF | ZF | SF | OF)
#define ALL (STATUS | DF | NT | AC | ID)

/*
 * Flags on, one thing, flags off: what they were after it.  With AC nothing
 * here may touch memory that is not aligned; red zone and pushes are.
 */
#define BEGIN                        \
	"lea -256(%%rsp), %%rsp\n\t" \
	"pushfq\n\t"                 \
	"pushq %[flags]\n\t"         \
	"popfq\n\t"
#define END               \
	"pushfq\n\t"      \
	"popq %[out]\n\t" \
	"popfq\n\t"       \
	"lea 256(%%rsp), %%rsp\n\t"

static uint64_t
over_nothing(uint64_t flags)
{
	uint64_t out;

	__asm__ volatile(BEGIN END
			 : [out] "=&r"(out)
			 : [flags] "r"(flags)
			 : "memory", "cc");
	return out;
}

static uint64_t
over_call(uint64_t flags, long nr, long a, long b)
{
	uint64_t out;

	__asm__ volatile(BEGIN "syscall\n\t"
			       "nop\n\t" END
			 : [out] "=&r"(out), "+a"(nr)
			 : [flags] "r"(flags), "D"(a), "S"(b)
			 : "rcx", "r11", "memory", "cc");
	return out;
}

static uint64_t
over_touch(uint64_t flags, char *p)
{
	uint64_t out;

	__asm__ volatile(BEGIN "movb $1, (%[p])\n\t" END
			 : [out] "=&r"(out)
			 : [flags] "r"(flags), [p] "r"(p)
			 : "memory", "cc");
	return out;
}

/* Long enough for some ticks. */
static uint64_t
over_interrupts(uint64_t flags)
{
	uint64_t out, n = 20000000;

	__asm__ volatile(BEGIN "1:\tlea -1(%%rcx), %%rcx\n\t"
			       "jrcxz 2f\n\t"
			       "jmp 1b\n"
			       "2:\n\t" END
			 : [out] "=&r"(out), "+c"(n)
			 : [flags] "r"(flags)
			 : "memory", "cc");
	return out;
}

static volatile int handled, steps;
static volatile uint64_t in_handler, step_flags;
static volatile uint64_t set_in_frame, clear_in_frame;

static void
on_usr1(int signo, siginfo_t *si, void *uc)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;
	uint64_t now;

	/* AC off: what the compiler makes of the rest need not be aligned. */
	__asm__ volatile("pushfq; movq (%%rsp), %0; andq $~0x40000, (%%rsp);"
			 "popfq"
			 : "=r"(now)
			 :
			 : "memory", "cc");
	in_handler = now;
	handled++;
	r[REG_EFL] = (r[REG_EFL] & ~clear_in_frame) | set_in_frame;
	(void)signo;
	(void)si;
}

static void
on_step(int signo, siginfo_t *si, void *uc)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	__asm__ volatile("pushfq; andq $~0x40000, (%%rsp); popfq"
			 :
			 :
			 : "memory", "cc");
	steps++;
	step_flags = r[REG_EFL];
	(void)signo;
	(void)si;
}

static void catch (int signo, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	OK(sigaction(signo, &sa, NULL));
}

/* What is compared.  Some machines lose NT in a call under Linux, not under us. */
static uint64_t judged = ALL | TF | IF | IOPL;

static void
same(const char *what, uint64_t seen, uint64_t flags)
{
	uint64_t expected = (flags | IF) & judged;

	if ((seen & judged) != expected)
		FAIL("%s: flags expected %#lx, seen %#lx", what, expected,
		    seen & judged);
}

/* Each way into the kernel and back; with TF each step is one, too. */
static void
all_ways(uint64_t flags)
{
	char *p = pages_private(2);

	same("nothing", over_nothing(flags), flags);
	same("call", over_call(flags, SYS_getppid, 0, 0), flags);
	same("unknown call", over_call(flags, 9999, 0, 0), flags);
	same("page fault", over_touch(flags, p), flags);
	same("a call that faults",
	    over_call(flags, SYS_times, (long)(p + PAGE), 0), flags);
	handled = 0;
	same("signal", over_call(flags, SYS_kill, getpid(), SIGUSR1), flags);
	EQ(handled, 1);
	/* A handler begins without DF and TF, and inherits the others. */
	if ((in_handler & judged & (NT | AC | ID | DF | TF)) !=
	    (flags & judged & (NT | AC | ID)))
		FAIL("in a handler: flags %#lx of %#lx", in_handler, flags);
	OK(munmap(p, 2 * PAGE));
}

static void
by_frame(uint64_t flags, uint64_t set, uint64_t clear, uint64_t then)
{
	set_in_frame = set;
	clear_in_frame = clear;
	same("frame", over_call(flags, SYS_kill, getpid(), SIGUSR1), then);
	set_in_frame = clear_in_frame = 0;
}

static void
frames(void)
{
	by_frame(0, CF | DF | AC | OF, 0, CF | DF | AC | OF);
	by_frame(STATUS | DF | AC, 0, STATUS | DF | AC, 0);
	by_frame(0, NT | ID | IOPL, 0, 0);
	by_frame(NT | ID, 0, NT | ID | IF, NT | ID);
}

/*
 * A step for each instruction but two: popfq, which sets TF, and syscall, whose
 * end is part of the next one.  In over_call() these are left: nop, pushfq,
 * popq, popfq.
 */
static void
single_steps(uint64_t flags)
{
	steps = 0;
	same("steps", over_call(flags | TF, SYS_getppid, 0, 0), flags | TF);
	EQ(steps, 4);
	/* The last popfq has taken the flags away, and TF after its step. */
	EQ(step_flags & TF, 0);
	steps = 0;
	same("no steps", over_call(flags, SYS_getppid, 0, 0), flags);
	EQ(steps, 0);
	all_ways(flags | TF);
	CHECK(steps > 15);
}

/*
 * Doors that steps and breakpoints can meet at: a load of ss puts off what is
 * due until after the next instruction, which is inside the kernel.
 */
static uint64_t
over_doors(uint64_t flags, long nr)
{
	uint64_t out;

	__asm__ volatile(BEGIN "movl %%ss, %%ecx\n\t"
			       "movl %%ecx, %%ss\n\t"
			       "syscall\n\t"
			       "movl %%ss, %%ecx\n\t"
			       "movl %%ecx, %%ss\n\t"
			       "int3\n\t"
			       "int3\n\t"
			       "nop\n\t" END
			 : [out] "=&r"(out), "+a"(nr)
			 : [flags] "r"(flags)
			 : "rcx", "r11", "memory", "cc");
	return out;
}

static void
doors(uint64_t flags)
{
	steps = 0;
	same("doors", over_doors(flags, SYS_getppid), flags);
	EQ(steps, 2);
	same("doors, stepped", over_doors(flags | TF, SYS_getppid), flags | TF);
	CHECK(steps > 6);
}

int
main(void)
{
	static const uint64_t rows[] = { 0, CF, PF, AF, ZF, SF, OF, DF, NT, AC,
		ID, NT | AC | ID, STATUS | DF, ALL };
	size_t i;

	catch (SIGUSR1, on_usr1);
	catch (SIGTRAP, on_step);
	if (!on_vadose() && (over_call(NT, SYS_getppid, 0, 0) & NT) == 0)
		judged &= ~NT;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		all_ways(rows[i]);
		single_steps(rows[i]);
		doors(rows[i]);
	}
	same("interrupts", over_interrupts(ALL), ALL);
	frames();
	return test_done();
}
