/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T13: brk grows, shrinks, regrows with zero pages; it does not overlap a
 * mapping; fork inherits it; RLIMIT_DATA bounds it; failure is the old
 * break, never an errno.
 */
#include "lib/trap.h"

static char *
brk_to(char *p)
{
	return (char *)syscall(SYS_brk, p);
}

static void
grow_shrink(char *base)
{
	CHECK(brk_to(base + 100) == base + 100);
	printf("brk is exact, not rounded\n");
	CHECK(brk_to(base + 64 * PAGE) == base + 64 * PAGE);
	for (int i = 0; i < 64; i++)
		EQ(load(base + i * PAGE + 101), 0);
	memset(base, 'x', 64 * PAGE);
	CHECK(brk_to(base + 8 * PAGE) == base + 8 * PAGE);
	TRAP(load(base + 8 * PAGE), SIGSEGV, SEGV_MAPERR, base + 8 * PAGE);
	EQ(load(base + 8 * PAGE - 1), 'x');
	CHECK(brk_to(base + 64 * PAGE) == base + 64 * PAGE);
	for (size_t i = 8 * PAGE; i < 64 * PAGE; i += 512)
		EQ(load(base + i), 0);
	printf("pages are zero after shrink and regrow\n");
	CHECK(brk_to(base + 4 * PAGE + 10) == base + 4 * PAGE + 10);
	EQ(load(base + 4 * PAGE + 11), 'x');
	CHECK(brk_to(base + 5 * PAGE) == base + 5 * PAGE);
	EQ(load(base + 4 * PAGE + 11), 'x');
	printf("a page kept by rounding keeps its bytes\n");
}

static void
failures(char *base)
{
	char *now = brk_to(NULL), *wall;
	struct rlimit old, small;

	CHECK(brk_to(base - PAGE) == now);
	CHECK(brk_to((char *)1) == now);
	CHECK(brk_to((char *)(1UL << 47)) == now);
	CHECK(brk_to((char *)-PAGE) == now);
	printf("below the start, huge, kernel: the old break\n");
	wall = mmap(base + 1024 * PAGE, PAGE, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(wall == base + 1024 * PAGE);
	CHECK(brk_to(base + 1030 * PAGE) == now);
	CHECK(brk_to(base + 1024 * PAGE + 1) == now);
	CHECK(brk_to(base + 1024 * PAGE) == now); /* a page stays between */
	CHECK(brk_to(base + 1023 * PAGE + 1) == now);
	CHECK(brk_to(base + 1023 * PAGE) == base + 1023 * PAGE);
	CHECK(brk_to(now) == now);
	printf("into a mapping: the old break\n");
	OK(munmap(wall, PAGE));
	OK(getrlimit(RLIMIT_DATA, &old));
	small = old;
	small.rlim_cur = 256 * PAGE;
	OK(setrlimit(RLIMIT_DATA, &small));
	CHECK(brk_to(base + 4096 * PAGE) == now);
	CHECK(brk_to(base + 40 * PAGE) == base + 40 * PAGE);
	OK(setrlimit(RLIMIT_DATA, &old));
	CHECK(brk_to(base + 1024 * PAGE) == base + 1024 * PAGE);
	printf("past RLIMIT_DATA: the old break, below it: ok\n");
}

/* A heap of which the program itself has unmapped pages. */
static void
with_holes(char *base)
{
	CHECK(brk_to(base + 20 * PAGE) == base + 20 * PAGE);
	OK(munmap(base + 15 * PAGE, 5 * PAGE));
	CHECK(brk_to(base + 15 * PAGE) == base + 20 * PAGE);
	CHECK(brk_to(base + 14 * PAGE) == base + 14 * PAGE);
	CHECK(brk_to(base + 20 * PAGE) == base + 20 * PAGE);
	OK(munmap(base, 20 * PAGE));
	CHECK(brk_to(base) == base + 20 * PAGE);
	CHECK(brk_to(base + 22 * PAGE) == base + 22 * PAGE);
	CHECK(brk_to(base + 19 * PAGE) == base + 19 * PAGE);
	CHECK(brk_to(base + 16 * PAGE) == base + 19 * PAGE);
	CHECK(brk_to(base + 20 * PAGE) == base + 20 * PAGE);
	CHECK(brk_to(base) == base);
}

static void
inherited(char *base)
{
	pid_t pid;

	CHECK(brk_to(base + 16 * PAGE) == base + 16 * PAGE);
	memset(base, 'p', 16 * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		CHECK(brk_to(NULL) == base + 16 * PAGE);
		EQ(load(base + 15 * PAGE), 'p');
		CHECK(brk_to(base + PAGE) == base + PAGE);
		CHECK(brk_to(base + 16 * PAGE) == base + 16 * PAGE);
		EQ(load(base + 15 * PAGE), 0);
		_exit(0);
	}
	REAP(pid, 0);
	CHECK(brk_to(NULL) == base + 16 * PAGE);
	EQ(load(base + 15 * PAGE), 'p');
	printf("fork inherits the break and its pages\n");
}

int
main(void)
{
	char *base;

	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	base = brk_to(NULL);
	base = (char *)(((uintptr_t)base + PAGE - 1) & -PAGE);
	CHECK(brk_to(base) == base);
	grow_shrink(base);
	failures(base);
	inherited(base);
	with_holes(base);
	return test_done();
}
