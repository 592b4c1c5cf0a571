/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * At its first instruction a program has zero registers, flags 0x202, the
 * user selectors, no FS or GS base, default FPU control, and an aligned
 * stack with argc on top.
 */
#include "lib/elf.h"
#include "lib/host.h"

/* What the little program writes, lowest address first. */
struct state {
	uint64_t gs_base, fs_base, x87_and_mxcsr, gs, fs, es, ds, ss, cs;
	uint64_t r[15]; /* r15 ... r8, rbp, rdi, rsi, rdx, rcx, rbx, rax */
	uint64_t flags, argc;
};

extern const char dump_start[], dump_end[];

__asm__(".text\n"
	"dump_start:\n"
	"pushfq; push %rax; push %rbx; push %rcx; push %rdx; push %rsi\n"
	"push %rdi; push %rbp; push %r8; push %r9; push %r10; push %r11\n"
	"push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, %rbx\n"
	"xor %eax, %eax\n"
	"mov %cs, %ax; push %rax; mov %ss, %ax; push %rax\n"
	"mov %ds, %ax; push %rax; mov %es, %ax; push %rax\n"
	"mov %fs, %ax; push %rax; mov %gs, %ax; push %rax\n"
	"push $0; stmxcsr (%rsp); fnstcw 4(%rsp)\n"
	"push $0; push $0\n"
	"mov $158, %eax; mov $0x1003, %edi; lea 8(%rsp), %rsi; syscall\n"
	"mov $158, %eax; mov $0x1004, %edi; mov %rsp, %rsi; syscall\n"
	"mov $1, %eax; mov $1, %edi; mov %rsp, %rsi; mov $208, %edx; syscall\n"
	"mov $60, %eax; xor %edi, %edi; syscall\n"
	"dump_end:\n");

static void
run(struct state *s)
{
	int fd[2];
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		char *argv[] = { "a", "b", "c", NULL };

		dup2(fd[1], 1);
		execve("prog", argv, environ);
		_exit(1);
	}
	EQ(read(fd[0], s, sizeof(*s)), sizeof(*s));
	REAP(pid, 0);
}

int
main(void)
{
	static struct small_elf e;
	struct state s;

	EQ(sizeof(s), 208);
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	elf_make(&e, dump_start, dump_end - dump_start);
	make_file("prog", &e, sizeof(e), 0755);
	for (int round = 0; round < 3; round++) {
		/* Leave something in the registers that must not leak. */
		__asm__ volatile("fldpi; movq %0, %%xmm5" ::"r"(0x123456789UL)
		                 : "xmm5");
		run(&s);
		for (int i = 0; i < 15; i++)
			EQ(s.r[i], 0);
		EQ(s.flags, 0x202);
		EQ(s.argc, 3);
		EQ(s.cs, 0x33);
		EQ(s.ss, 0x2b);
		EQ(s.ds | s.es | s.fs | s.gs, 0);
		EQ(s.fs_base | s.gs_base, 0);
		EQ(s.x87_and_mxcsr, 0x37f00001f80);
		__asm__ volatile("fstp %st(0)");
	}
	OK(unlink("prog"));
	leave_tmp();
	return test_done();
}
