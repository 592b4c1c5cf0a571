/* NEEDS: MEM=64M TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The price of a fault in ticks of the processor's counter, which under
 * --icount are instructions; printed with an argument, for cases/seen/trace_cost.sh.
 * Here it must only be more than nothing.
 */
#include "lib/test.h"

#define PAGES 2000

static uint64_t
ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* Ticks per page of a store into each. */
static uint64_t
price(char *p, char value)
{
	uint64_t from = ticks();

	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = value;
	return (ticks() - from) / PAGES;
}

int
main(int argc, char **argv)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t zero, copy;
	pid_t pid;

	CHECK(p != MAP_FAILED);
	zero = price(p, 1);
	CHECK(zero > 0);
	if (argc > 1)
		printf("zerofill %lu\n", zero);
	fflush(stdout);
	pid = OK(fork());
	if (pid == 0) {
		copy = price(p, 2);
		CHECK(copy > 0);
		if (argc > 1)
			printf("fork_copy %lu\n", copy);
		fflush(stdout);
		_exit(0);
	}
	REAP(pid, 0);
	return test_done();
}
