/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 EXPECT=139 ARGS=null SWEEP=no KIND=exact */
/*
 * One wrong access, chosen by its name; the program dies of the signal.
 * cases/programs/wild.sh runs them all.
 */
#include "lib/trap.h"

static char data[16] = "\xc3";

static int __attribute__((noinline))
endless(int n)
{
	volatile char frame[4096];

	frame[0] = n;
	return n < 0 ? 0 : endless(n + 1) + frame[0];
}

static void
call(void *p)
{
	((void (*)(void))p)();
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "null";

	if (strcmp(what, "null") == 0)
		store(NULL, 1);
	else if (strcmp(what, "kernel") == 0)
		load((char *)0xffffffff80000000);
	else if (strcmp(what, "noncanonical") == 0)
		load((char *)0x1234567812345678);
	else if (strcmp(what, "execdata") == 0)
		call(data);
	else if (strcmp(what, "writetext") == 0)
		store((char *)(uintptr_t)main, 0);
	else if (strcmp(what, "jumpkernel") == 0)
		call((void *)0xffff800000000000);
	else if (strcmp(what, "hlt") == 0)
		__asm__ volatile("hlt");
	else if (strcmp(what, "ud2") == 0)
		__asm__ volatile("ud2");
	else if (strcmp(what, "int3") == 0)
		__asm__ volatile("int3");
	else if (strcmp(what, "div") == 0)
		__asm__ volatile("xor %%ecx, %%ecx; idivl %%ecx" ::
		                 : "rax", "rdx", "rcx");
	else if (strcmp(what, "stack") == 0)
		endless(0);
	else if (strcmp(what, "badrsp") == 0)
		__asm__ volatile("mov $0x10, %%rsp; push %%rax" ::: "memory");
	else if (strcmp(what, "abort") == 0)
		abort();
	return 0;
}
