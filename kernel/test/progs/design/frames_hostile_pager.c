/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: who takes a fault and who waits for it run on any CPU */
/*
 * Design frames, a creator that means no good: it answers a fault with nothing mapped, with
 * registers that no program may have, for a thread that asks nothing, twice, or not at all;
 * it looks at a fault and ends.  The kernel lives, the child can be ended, whoever is its
 * creator next hears of its fault, and all memory comes back.
 */
#include "lib/frames.h"
#include "lib/trap.h"
#include <sys/wait.h>

#define CODE BASE
#define DATA (BASE + 0x10000ul)
#define LATE (BASE + 0x20000ul)
#define MEMORY (8ul << 20)
#define THE_CHILD UINT64_MAX    /* as an argument: whom the last proc_new() has made */

/* A process does the calls of a list; one that fails ends it, with errno. */
__asm__(".section .rodata\n"
    "list_begin:\n"
    "	movq %rdi, %rbx\n"
    "1:	movq (%rbx), %r12\n"
    "	movq 8(%rbx), %rdi\n"
    "	cmpq $-1, %rdi\n"
    "	cmoveq %r13, %rdi\n"
    "	movq 16(%rbx), %rsi\n"
    "	movq 24(%rbx), %rdx\n"
    "	movq 32(%rbx), %r10\n"
    "	movq %r12, %rax\n"
    "	syscall\n"
    "	testl %eax, %eax\n"
    "	js 2f\n"
    "	cmpq $4108, %r12\n"
    "	cmoveq %rax, %r13\n"
    "	addq $40, %rbx\n"
    "	jmp 1b\n"
    "2:	movl %eax, %edi\n"
    "	negl %edi\n"
    "	movl $60, %eax\n"
    "	syscall\n"
    "list_end:\n"
    /* Stores where nothing is; then it ends with what it was given. */
    "store_begin:\n"
    "	movq %rdi, (%rsi)\n"
    "	movl $60, %eax\n"
    "	syscall\n"
    "store_end:\n"
    ".previous\n");
extern const char list_begin[], list_end[], store_begin[], store_end[];

struct call { uint64_t nr, a[4]; };
enum { GIVE = 4098, TABLE = 4102, MAP = 4104, SWAP = 4106, NEW = 4108, START, FAULT = 4111,
	EXIT = 60 };

static struct f_space mine;

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

static void
ends_by(pid_t pid, int signal)
{
	int status;

	EQ(waitpid(pid, &status, 0), pid);
	EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal);
	EQ(f_sum(), MEMORY);
}

/* A child of ours that waits in a fault at LATE. */
static pid_t
child_in_fault(struct frame_fault *fault)
{
	struct frame_regs regs = { .rip = CODE, .rdi = 5, .rsi = LATE };
	pid_t pid = OK(f_proc(f_cut(2)));
	struct f_space s;

	f_build(&s, BASE);
	EQ(f_map(s.table[1], page_with(store_begin, (size_t)(store_end - store_begin)), CODE,
	    F_READ | F_EXEC), 0);
	EQ(f_swap(pid, s.table[4]), 0);
	EQ(f_start(pid, &regs), 0);
	EQ(f_fault(pid, fault, FAULT_WAIT), 0);
	EQ(fault->va, LATE);
	return pid;
}

/* ---- answers that are none ---- */

static void
nothing_is_mapped(void)
{
	struct frame_fault fault;
	pid_t pid = child_in_fault(&fault);

	for (int k = 0; k < 500; k++) {
		EQ(f_fault(pid, &fault, FAULT_RESUME), 0);
		EQ(f_fault(pid, &fault, FAULT_WAIT), 0);
		EQ(fault.va, LATE);
	}
	OK(kill(pid, SIGKILL));
	ends_by(pid, SIGKILL);
}

/* Each is refused: the child hears a signal, as if nobody had answered. */
static void
registers_of_nobody(void)
{
	static const struct { uint64_t rip, rsp, fsbase; } bad[] = {
		{ 0xffffffff80000000, 0, 0 }, { 0xffff800000000000, 0, 0 },
		{ 0x800000000000, 0, 0 }, { 0x7fffffffffff, 0, 0 }, { 1ul << 63, 0, 0 },
		{ CODE, 0, 0x800000000000 }, { CODE, 0, 0xffffffff80000000 },
		{ CODE, 0, 1ul << 63 },
	};
	struct frame_fault fault;
	pid_t pid;

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		pid = child_in_fault(&fault);
		fault.regs.rip = bad[k].rip;
		fault.regs.rsp = bad[k].rsp;
		fault.regs.fsbase = bad[k].fsbase;
		EQ(f_fault(pid, &fault, FAULT_RESUME), 0);
		/* An address that a program may name: it faults there, and asks. */
		if (f_fault(pid, &fault, FAULT_WAIT) == 0) {
			EQ(fault.va, bad[k].rip);
			OK(kill(pid, SIGKILL));
			ends_by(pid, SIGKILL);
		} else {
			ends_by(pid, SIGSEGV);
		}
	}
}

/* Flags of the kernel's alone stay as they are; those of a program come through. */
static void
flags_are_a_programs(void)
{
	static const uint64_t flags[] = { UINT64_MAX & ~0x100ul, 0, 0x3000, 0x4000, 0x20000,
		0x10000, 0x200000 };
	struct frame_fault fault;
	pid_t pid;

	for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
		pid = child_in_fault(&fault);
		fault.regs.rflags = flags[k];
		EQ(f_fault(pid, &fault, FAULT_RESUME), 0);
		if (f_fault(pid, &fault, FAULT_WAIT) != 0) {
			ends_by(pid, SIGSEGV);
			continue;
		}
		EQ(fault.regs.rflags & 0x3200, 0x200); /* interrupts, no ports */
		EQ(fault.regs.rflags & 0x1a4000, 0);    /* no nested task, no virtual 8086 */
		OK(kill(pid, SIGKILL));
		ends_by(pid, SIGKILL);
	}
}

static void
somebody_else_is_answered(void)
{
	struct frame_fault fault, other;
	pid_t pid = child_in_fault(&fault), second = child_in_fault(&other);

	ERR(f_fault(second, &fault, FAULT_RESUME), ENOENT);
	fault.thread += 1000;
	ERR(f_fault(pid, &fault, FAULT_RESUME), ENOENT);
	fault.thread = 0;
	ERR(f_fault(pid, &fault, FAULT_RESUME), ENOENT);
	ERR(f_fault(getpid(), &fault, FAULT_WAIT), EPERM);
	ERR(f_fault(1, &fault, FAULT_WAIT), ESRCH);
	ERR(f_fault(pid, &fault, 3), EINVAL);
	ERR(f_fault(pid, (void *)LATE, FAULT_RESUME), EFAULT);
	EQ(f_fault(second, &other, FAULT_SIGNAL), 0);
	EQ(f_fault(second, &other, FAULT_RESUME), -1); /* answered, or gone */
	CHECK(errno == ENOENT || errno == ESRCH);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, NULL, 0), pid);
	ends_by(second, SIGSEGV);
}

/* It asks where to put the fault, in vain: the child is ended all the same. */
static void
nobody_answers(void)
{
	struct frame_fault fault;
	pid_t pid = child_in_fault(&fault);

	EQ(f_fault(pid, &fault, FAULT_RESUME), 0);
	ERR(f_fault(pid, (void *)LATE, FAULT_WAIT), EFAULT);
	OK(kill(pid, SIGKILL));
	ends_by(pid, SIGKILL);
}

/* ---- a pager that ends ---- */

/* Whose PROC frame it is, in /proc/vm/owners; 0. */
static int
process_of(int record)
{
	static char text[1 << 18];
	char *at = text;
	int fd = OK(open("/proc/vm/owners", O_RDONLY)), n = 0, got, pid, f;

	while ((got = OK((int)read(fd, text + n, sizeof(text) - 1 - (size_t)n))) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	for (; (at = strstr(at, "process ")) != NULL; at++)
		if (sscanf(at, "process %d record %d", &pid, &f) == 2 && f == record)
			return pid;
	return 0;
}

/* What it does before it ends: a process of its own memory, which faults; it is told. */
static unsigned
pager_calls(struct call *c, const int t[5], int record, int code, bool looks)
{
	unsigned n = 0;

	c[n++] = (struct call){ NEW, { (uint64_t)record } };
	for (unsigned level = 1; level <= 4; level++)
		c[n++] = (struct call){ TABLE, { (uint64_t)t[level], 0, level } };
	for (unsigned level = 3; level >= 1; level--)
		c[n++] = (struct call){ MAP, { (uint64_t)t[level + 1], (uint64_t)t[level], BASE,
			F_TABLE } };
	c[n++] = (struct call){ MAP, { (uint64_t)t[1], (uint64_t)code, CODE,
		F_READ | F_EXEC } };
	c[n++] = (struct call){ SWAP, { THE_CHILD, (uint64_t)t[4] } };
	c[n++] = (struct call){ START, { THE_CHILD, DATA + 1024 } };
	if (looks)
		c[n++] = (struct call){ FAULT, { THE_CHILD, DATA + 2048, FAULT_WAIT } };
	c[n++] = (struct call){ EXIT, { 0 } };
	return n;
}

/* A pager ends, whether it has looked at its child's fault or not: we are told of it. */
static void
a_pager_ends(bool looks)
{
	struct frame_regs regs = { .rip = CODE, .rdi = DATA };
	pid_t pager = OK(f_proc(f_cut(2))), child;
	int record, t[5], code, f, status;
	static char page[PAGE];
	struct frame_fault fault;
	struct f_space s;

	f_build(&s, BASE);
	EQ(f_map(s.table[1], page_with(list_begin, (size_t)(list_end - list_begin)), CODE,
	    F_READ | F_EXEC), 0);
	OK(f_give(record = f_cut(2), pager));
	for (int level = 1; level <= 4; level++)
		OK(f_give(t[level] = f_cut(1), pager));
	OK(f_give(code = page_with(store_begin, (size_t)(store_end - store_begin)), pager));
	LE(pager_calls((struct call *)page, t, record, code, looks), 1024 / sizeof(struct call));
	memcpy(page + 1024, &(struct frame_regs){ .rip = CODE, .rdi = 6, .rsi = LATE },
	    sizeof(struct frame_regs));
	EQ(f_map(s.table[1], page_with(page, PAGE), DATA, F_READ | F_WRITE), 0);
	EQ(f_swap(pager, s.table[4]), 0);
	EQ(f_start(pager, &regs), 0);
	while (f_fault(pager, &fault, FAULT_WAIT) == 0)
		FAIL("the pager faults at %lx", fault.va);
	EQ(waitpid(pager, &status, 0), pager);
	EQ(status, 0);
	child = process_of(record);
	CHECK(child > 0);
	/* Its creator is its creator's creator now. */
	alarm(20);
	EQ(f_fault(child, &fault, FAULT_WAIT), 0);
	alarm(0);
	EQ(fault.va, LATE);
	EQ(fault.regs.rdi, 6);
	f = f_cut(1);
	EQ(f_map(t[1], f, LATE, F_READ | F_WRITE), 0);
	EQ(f_fault(child, &fault, FAULT_RESUME), 0);
	for (int tries = 0; f_sum() != MEMORY && tries < 1000; tries++)
		usleep(5000); /* it is init's child: nobody here is told of its end */
	EQ(f_sum(), MEMORY);
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_FRAMES, argv);
	f_build(&mine, BASE);
	EQ(f_swap(getpid(), mine.table[4]), 0);
	nothing_is_mapped();
	registers_of_nobody();
	flags_are_a_programs();
	somebody_else_is_answered();
	nobody_answers();
	a_pager_ends(false);
	a_pager_ends(true);
	return test_done();
}
