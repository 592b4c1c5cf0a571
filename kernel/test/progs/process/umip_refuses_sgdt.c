/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Where the processor has UMIP, SGDT and SMSW in a program are SIGSEGV: they
 * would tell where the kernel's tables lie.  Linux emulates both with a dummy
 * value on such processors, so there the call returns a kernel-half base that
 * is not its own; that is accepted too.  And data cannot be run.
 */
#include "lib/test.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

static sigjmp_buf back;
static volatile int seen;

static void
caught(int signo)
{
	seen = signo;
	siglongjmp(back, 1);
}

static int
has_umip(void)
{
	uint32_t a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (c >> 2) & 1;
}

/* An argument: the processor must have UMIP. */
int
main(int argc, char **argv)
{
	static unsigned char code[] = { 0xc3 };
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdt;
	void (*volatile run)(void) = (void (*)(void))(uintptr_t)code;
	int on_linux;

	(void)argv;
	if (argc > 1 && !has_umip())
		FAIL("%s", "this processor has no UMIP");
	signal(SIGSEGV, caught);
	on_linux = access("/proc/vm/events", R_OK) != 0;
	memset(&gdt, 0, sizeof(gdt));
	if (has_umip() && sigsetjmp(back, 1) == 0) {
		__asm__ volatile("sgdt %0" : "=m"(gdt));
		if (!on_linux)
			FAIL("SGDT said %#lx", (unsigned long)gdt.base);
	} else if (has_umip()) {
		EQ(seen, SIGSEGV);
	}
	seen = 0;
	if (sigsetjmp(back, 1) == 0)
		run();
	EQ(seen, SIGSEGV);
	return test_done();
}
