/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: children store on any CPU while their pages are taken */
/*
 * libframes: a program forks three children of 48 pages in 128 frames. It answers their
 * faults, copies on their stores, and takes their pages while they run; each child counts
 * its own sums, and none sees another's.
 */
#include "lib/frames.h"
#include "user/libframes/lf.h"
#include <sys/wait.h>
#include <ucontext.h>

#define CODE LF_BASE
#define DATA (LF_BASE + 0x100000ul)
#define PAGES 48ul
#define CHILDREN 3u
#define ROUNDS 2u

/* rdi pages of numbers from rsi on: to the i-th add rdx, three times; is it i + 3 rdx? */
__asm__(".section .rodata\n"
    "child_begin:\n"
    "	movl $3, %r8d\n"
    "1:	xorl %ecx, %ecx\n"
    "	movq %rsi, %rbx\n"
    "2:	addq %rdx, (%rbx)\n"
    "	addq $4096, %rbx\n"
    "	incq %rcx\n"
    "	cmpq %rdi, %rcx\n"
    "	jb 2b\n"
    "	decl %r8d\n"
    "	jnz 1b\n"
    "	leaq (%rdx, %rdx, 2), %r9\n"
    "	xorl %ecx, %ecx\n"
    "	movq %rsi, %rbx\n"
    "3:	movq (%rbx), %rax\n"
    "	subq %r9, %rax\n"
    "	cmpq %rcx, %rax\n"
    "	jne 4f\n"
    "	addq $4096, %rbx\n"
    "	incq %rcx\n"
    "	cmpq %rdi, %rcx\n"
    "	jb 3b\n"
    "	xorl %edi, %edi\n"
    "	jmp 5f\n"
    "4:	movl $1, %edi\n"
    "5:	movl $60, %eax\n"
    "	syscall\n"
    "child_end:\n"
    ".previous\n");
extern const char child_begin[], child_end[];

static struct lf lf;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	bool write = (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
	long r = lf_fault(&lf, &lf.space[0], (uint64_t)info->si_addr, write);

	if (r < 0)
		_exit(100 + (int)-r); /* nothing else is safe here */
}

/* One fault of the child; false: it has ended, and well. */
static bool
serve(struct lf_space *c)
{
	struct frame_fault fault;
	int r = f_fault(c->pid, &fault, FAULT_WAIT), status;

	if (r == 0) {
		EQ(lf_fault(&lf, c, fault.va, fault.access == 2), 0);
		EQ(f_fault(c->pid, &fault, FAULT_RESUME), 0);
		return true;
	}
	EQ(errno, ESRCH);
	EQ(waitpid(c->pid, &status, 0), c->pid);
	CHECK(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 0);
	lf_space_end(&lf, c);
	return false;
}

static void
generation(void)
{
	struct lf_space *child[CHILDREN];
	unsigned i, live = CHILDREN;

	for (i = 0; i < CHILDREN; i++) {
		struct frame_regs regs = { .rip = CODE, .rdi = PAGES, .rsi = DATA, .rdx = i + 7 };

		child[i] = lf_fork(&lf, &lf.space[0]);
		CHECK(child[i] != NULL);
		EQ(f_start(child[i]->pid, &regs), 0);
	}
	while (live > 0)
		for (i = 0; i < CHILDREN; i++)
			if (child[i] != NULL && !serve(child[i])) {
				child[i] = NULL;
				live--;
			}
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	volatile uint64_t *data = (uint64_t *)DATA;
	unsigned i, k;

	under_design(DESIGN_FRAMES, argv);
	unlink("/tmp/libframes.forks");
	EQ(lf_begin(&lf, lf_sys(OK(open("/tmp/libframes.forks", O_RDWR | O_CREAT, 0600))), getpid(),
	    128), 0);
	OK(sigaction(SIGSEGV, &act, NULL));
	EQ(lf_mmap(&lf, &lf.space[0], CODE, PAGE, LF_R | LF_W), 0);
	memcpy((void *)CODE, child_begin, (size_t)(child_end - child_begin));
	EQ(lf_mprotect(&lf, &lf.space[0], CODE, PAGE, LF_R | LF_X), 0);
	EQ(lf_mmap(&lf, &lf.space[0], DATA, PAGES * PAGE, LF_R | LF_W), 0);
	for (i = 0; i < PAGES; i++)
		data[i * PAGE / 8] = i;
	for (k = 0; k < ROUNDS; k++) {
		generation();
		for (i = 0; i < PAGES; i++)
			EQ(data[i * PAGE / 8], i);
	}
	CHECK(lf.copied >= ROUNDS * CHILDREN * PAGES / 2);
	CHECK(lf.outs > 0 && lf.ins > 0);
	unlink("/tmp/libframes.forks");
	test_done();
}
