/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A program may use iretq and a far return to go to where it wants, with other flags
 * and another stack.  (Found by Wine, which returns so from its own calls: QEMU before
 * 9.1 reads such a stack as the kernel would, and SMAP refused that for ever.  .NET
 * does it, too.)
 */
#include "lib/test.h"
#include <pthread.h>
#include <sched.h>

/* To the next line, by iretq, with n on another stack.  Returns: what arrived. */
static long
by_iret(char *stack, long n)
{
	long seen;

	__asm__ volatile("mov %%rsp, %%r12\n\t"
	    "mov %[stack], %%rsp\n\t"
	    "push %[n]\n\t"
	    "mov %%rsp, %%r13\n\t"
	    "mov %%ss, %%eax\n\t"
	    "push %%rax\n\t"
	    "push %%r13\n\t"
	    "pushfq\n\t"
	    "orq $0x801, (%%rsp)\n\t" /* OF, CF */
	    "mov %%cs, %%eax\n\t"
	    "push %%rax\n\t"
	    "lea 1f(%%rip), %%rax\n\t"
	    "push %%rax\n\t"
	    "clc\n\t"
	    "iretq\n\t"
	    "ud2\n"
	    "1:\tpop %[seen]\n\t"
	    "jno 2f\n\t"
	    "adc $0, %[seen]\n"
	    "2:\tmov %%r12, %%rsp"
	    : [seen] "=&r"(seen)
	    : [stack] "r"(stack), [n] "r"(n)
	    : "rax", "r12", "r13", "memory", "cc");
	return seen;
}

static long
by_far_return(char *stack, long n)
{
	long seen;

	__asm__ volatile("mov %%rsp, %%r12\n\t"
	    "mov %[stack], %%rsp\n\t"
	    "push %[n]\n\t"
	    "mov %%cs, %%eax\n\t"
	    "push %%rax\n\t"
	    "lea 1f(%%rip), %%rax\n\t"
	    "push %%rax\n\t"
	    "lretq\n\t"
	    "ud2\n"
	    "1:\tpop %[seen]\n\t"
	    "mov %%r12, %%rsp"
	    : [seen] "=&r"(seen)
	    : [stack] "r"(stack), [n] "r"(n)
	    : "rax", "r12", "memory", "cc");
	return seen;
}

static void *
returns(void *cpu)
{
	char *stack = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* there may be one only */
	CHECK(stack != MAP_FAILED);
	for (long i = 0; i < 100; i++) {
		EQ(by_iret(stack + PAGE, i), i + 1);
		EQ(by_far_return(stack + PAGE, i), i);
	}
	return NULL;
}

int
main(void)
{
	pthread_t t[2];
	pid_t pid;

	for (size_t i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, returns, (void *)i), 0);
	for (size_t i = 0; i < 2; i++)
		EQ(pthread_join(t[i], NULL), 0);
	pid = OK(fork());
	if (pid == 0)
		_exit(returns(NULL) != NULL);
	REAP(pid, 0);
	return test_done();
}
