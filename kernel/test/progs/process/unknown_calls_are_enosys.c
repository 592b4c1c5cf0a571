/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Numbers that are no call give ENOSYS; registers other than rax, rcx and
 * r11 survive a call; wild numbers do no harm.
 */
#include "lib/test.h"

static long
raw(long nr)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(0), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	return r;
}

static void
registers(long nr)
{
	uint64_t bad;

	__asm__ volatile(
	    "mov $11, %%rbx; mov $12, %%r8; mov $13, %%r9; mov $14, %%r10\n"
	    "mov $15, %%r12; mov $16, %%r13; mov $17, %%r14; mov $18, %%r15\n"
	    "mov $19, %%rdi; mov $20, %%rsi; mov $21, %%rdx\n"
	    "movq %%rdx, %%xmm7\n"
	    "std\n"
	    "syscall\n"
	    "lea -128(%%rsp), %%rsp; pushfq; pop %%rcx; cld\n"
	    "lea 128(%%rsp), %%rsp; and $0x400, %%ecx; xor $0x400, %%ecx\n"
	    "xor $11, %%rbx; xor $12, %%r8; xor $13, %%r9; xor $14, %%r10\n"
	    "xor $15, %%r12; xor $16, %%r13; xor $17, %%r14; xor $18, %%r15\n"
	    "xor $19, %%rdi; xor $20, %%rsi; xor $21, %%rdx\n"
	    "or %%rbx, %%rcx; or %%r8, %%rcx; or %%r9, %%rcx\n"
	    "or %%r10, %%rcx; or %%r12, %%rcx; or %%r13, %%rcx\n"
	    "or %%r14, %%rcx; or %%r15, %%rcx; or %%rdi, %%rcx\n"
	    "or %%rsi, %%rcx; or %%rdx, %%rcx\n"
	    "movq %%xmm7, %%rdx; xor $21, %%rdx; or %%rdx, %%rcx\n"
	    : "=&c"(bad)
	    : "a"(nr)
	    : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
	      "r13", "r14", "r15", "xmm7", "memory", "cc");
	EQ(bad, 0);
}

int
main(void)
{
	long nr = on_vadose() ? 470 : 1000; /* Linux gets more of them */

	EQ(raw(9999), -ENOSYS);
	if (on_vadose()) /* newer Linux uses it */
		EQ(raw(335), -ENOSYS);
	EQ(raw(-1), -ENOSYS);
	EQ(raw(0x7fffffff), -ENOSYS);
	EQ(raw(1L << 62 | 1L << 31), -ENOSYS);
	for (; nr < 0x1400; nr++)
		if (nr < 512 || nr >= 548)
			EQ(raw(nr), -ENOSYS);
	registers(SYS_getppid);
	registers(9999);
	registers(SYS_sched_yield);
	return test_done();
}
