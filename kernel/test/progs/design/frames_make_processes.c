/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: who takes a fault and who waits for it run on any CPU */
/*
 * Design frames: a process is made of two pages, gets tables and pages from its creator,
 * begins where that says, and has its faults answered by it; when it ends, all that it had
 * is its creator's again (seed 004: proc_new, vspace_swap, frame_allow).
 */
#include "lib/frames.h"
#include "lib/trap.h"

#define CODE BASE
#define DATA (BASE + 0x10000ul)
#define LATE (BASE + 0x20000ul)

/* What the child runs: position independent, without libc. */
__asm__(".section .rodata\n"
    "child_begin:\n"
    "	movq (%rdi), %rax\n"          /* DATA: what the creator has put there */
    "	movq %rax, (%rsi)\n"          /* LATE: a fault, answered */
    "	addq $1, (%rsi)\n"
    "	movl $60, %eax\n"
    "	movl (%rsi), %edi\n"
    "	syscall\n"                    /* exit: what it has stored */
    "child_end:\n"
    ".previous\n");
extern const char child_begin[], child_end[];

static int own;                 /* a page of ours to look at frames through */
static struct f_space mine;

static uint64_t
sum(void)
{
	struct frame_info i;
	uint64_t n = 0;

	for (int k = 0; f_info((unsigned)k, &i) == 0; k++)
		n += i.len;
	return n;
}

/* A page with these bytes, mapped nowhere. */
static int
page_with(const void *bytes, size_t n)
{
	int f = f_cut(1);

	EQ(f_map(mine.table[1], f, BASE, F_READ | F_WRITE), 0);
	memcpy((void *)BASE, bytes, n);
	EQ(f_unmap(mine.table[1], f, BASE), 0);
	return f;
}

/* A process that has its tables and code, and has not begun. */
static int
child_make(struct f_space *s, uint64_t value)
{
	int pid = OK(f_proc(f_cut(2)));

	f_build(s, BASE);
	EQ(f_map(s->table[1], page_with(child_begin, (size_t)(child_end - child_begin)), CODE,
	    F_READ | F_EXEC), 0);
	EQ(f_map(s->table[1], page_with(&value, sizeof(value)), DATA, F_READ), 0);
	return pid;
}

static void
runs_and_asks(void)
{
	struct frame_regs regs = { .rip = CODE, .rdi = DATA, .rsi = LATE };
	struct frame_fault fault;
	struct f_space s;
	int pid = child_make(&s, 41), status;

	ERR(f_start(pid, &regs), EINVAL); /* it has no root */
	EQ(f_swap(pid, s.table[4]), 0);
	EQ(f_start(pid, &regs), 0);
	ERR(f_start(pid, &regs), EINVAL);
	EQ(f_fault(pid, &fault, FAULT_WAIT), 0);
	EQ(fault.va, LATE);
	EQ(fault.access, 2);
	EQ(fault.regs.rax, 41);
	EQ(f_map(s.table[1], f_cut(1), LATE, F_READ | F_WRITE), 0);
	EQ(f_fault(pid, &fault, FAULT_RESUME), 0);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WEXITSTATUS(status), 42);
	ERR(f_fault(pid, &fault, FAULT_WAIT), ESRCH);
}

static void
refused_or_killed(void)
{
	struct frame_regs regs = { .rip = CODE, .rdi = DATA, .rsi = LATE };
	struct frame_fault fault;
	struct f_space s;
	int pid = child_make(&s, 1), status;

	EQ(f_swap(pid, s.table[4]), 0);
	EQ(f_start(pid, &regs), 0);
	EQ(f_fault(pid, &fault, FAULT_WAIT), 0);
	EQ(f_fault(pid, &fault, FAULT_SIGNAL), 0);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WTERMSIG(status), SIGSEGV);
	/* One that has not begun, one that waits. */
	pid = child_make(&s, 1);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WTERMSIG(status), SIGKILL);
	pid = child_make(&s, 1);
	EQ(f_swap(pid, s.table[4]), 0);
	EQ(f_start(pid, &regs), 0);
	EQ(f_fault(pid, &fault, FAULT_WAIT), 0);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WTERMSIG(status), SIGKILL);
}

/* A tree of processes, each made by the one above, is killed at some moment. */
static void
family(int depth)
{
	struct f_space s;

	if (depth == 0)
		return;
	(void)child_make(&s, 1);
}

int
main(int argc, char **argv)
{
	uint64_t all;
	int count, other, status;

	under_design(DESIGN_FRAMES, argv);
	trap_catch(0);
	f_build(&mine, BASE);
	EQ(f_swap(getpid(), mine.table[4]), 0);
	own = f_cut(1);
	all = sum();
	EQ(all, 8ul << 20);
	ERR(f_proc(own), EINVAL); /* one page */
	runs_and_asks();
	EQ(sum(), all);
	refused_or_killed();
	EQ(sum(), all);
	count = f_count();
	for (int i = 0; i < 20; i++)
		family(1);
	CHECK(sum() < all + 1);
	CHECK(f_count() > count);
	/* Linux's fork: a space of the design without frames, while process 0 lives. */
	other = OK(fork());
	if (other == 0) {
		ERR(f_count(), ESRCH);
		TRAP(load((void *)BASE), SIGSEGV, SEGV_MAPERR, BASE);
		_exit(3);
	}
	EQ(waitpid(other, &status, 0), other);
	EQ(WEXITSTATUS(status), 3);
	test_done(); /* the 20 that never began end with us, or wait for init */
}
