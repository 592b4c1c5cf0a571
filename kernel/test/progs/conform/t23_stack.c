/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T23: the stack grows on touch down to RLIMIT_STACK, then SIGSEGV arrives
 * on the alternate stack; a gap stays below it; a big frame in one jump;
 * stacks of threads are ordinary mappings.
 */
#include "lib/trap.h"
#include <pthread.h>

static char alternate[64 * KIB];
static size_t mib; /* an eighth of one in the sweep: 1 MiB of stack is enough */

static int __attribute__((noinline))
deeper(int n)
{
	volatile char frame[4000];

	frame[0] = n;
	frame[3999] = n;
	if (n == 0)
		return 0;
	return deeper(n - 1) + (frame[0] == (char)n);
}

static int __attribute__((noinline))
for_ever(int n)
{
	volatile char frame[2000];

	frame[0] = n;
	return n < 0 ? 0 : for_ever(n + 1) + frame[0];
}

static int __attribute__((noinline))
jump(size_t bytes)
{
	volatile char *p = __builtin_alloca(bytes);

	p[0] = 1;
	p[bytes / 2] = 2;
	return p[0] + p[bytes / 2] + p[100];
}

static uintptr_t
stack_end(uintptr_t *start)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[300];
	uintptr_t a, b, here = (uintptr_t)&line;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx", &a, &b) == 2 && a <= here &&
		    here < b) {
			fclose(f);
			*start = a;
			return b;
		}
	FAIL("the stack is not in maps");
}

static void
guard_gap(void)
{
	struct rlimit rl;
	uintptr_t start, end = stack_end(&start);
	char *wall;

	OK(getrlimit(RLIMIT_STACK, &rl));
	/* A mapping 1 MiB and a bit below the stack: 256 pages stay free. */
	wall = mmap((void *)(start - 300 * PAGE), PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(wall == (void *)(start - 300 * PAGE));
	store((char *)start - 40 * PAGE, 1); /* 259 pages above the wall */
	TRAP(store((char *)start - 60 * PAGE, 1), SIGSEGV, SEGV_MAPERR,
	    start - 60 * PAGE);
	TRAP(store(wall + PAGE, 1), SIGSEGV, SEGV_MAPERR, wall + PAGE);
	store(wall, 1);
	OK(munmap(wall, PAGE));
	store((char *)start - 60 * PAGE, 1);
	printf("256 pages stay free below the stack\n");
	CHECK(end - start < rl.rlim_cur);
}

static void *
thread_stack(void *arg)
{
	return deeper(10) == 10 ? arg : NULL;
}

static void
threads(void)
{
	pthread_t t[10];
	void *r;

	for (long i = 0; i < 10; i++)
		EQ(pthread_create(&t[i], NULL, thread_stack, (void *)(i + 1)),
		    0);
	for (long i = 0; i < 10; i++) {
		EQ(pthread_join(t[i], &r), 0);
		EQ((long)r, i + 1);
	}
	printf("stacks of 10 threads\n");
}

static void
overflow_without_altstack(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		stack_t off = { .ss_flags = SS_DISABLE };

		OK(sigaltstack(&off, NULL));
		for_ever(0);
		_exit(0);
	}
	REAP_SIGNAL(pid, SIGSEGV);
	printf("overflow without an alternate stack: SIGSEGV\n");
}

int
main(void)
{
	stack_t ss = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct rlimit rl = { 8 * MIB, RLIM_INFINITY };
	uintptr_t start, end;

	mib = rounds(MIB);
	setvbuf(stdout, NULL, _IONBF, 0);
	OK(getrlimit(RLIMIT_STACK, &rl));
	rl.rlim_cur = 8 * mib;
	OK(setrlimit(RLIMIT_STACK, &rl));
	OK(sigaltstack(&ss, NULL));
	trap_catch(SA_ONSTACK);
	guard_gap();
	EQ(deeper(rounds(500)), rounds(500));
	printf("2 MB of frames\n");
	EQ(jump(6 * mib), 3);
	printf("6 MiB in one jump\n");
	EQ(TRAPPED(jump(9 * mib)), SIGSEGV);
	EQ(trap_info.code, SEGV_MAPERR);
	printf("9 MiB in one jump: SIGSEGV\n");
	EQ(TRAPPED(for_ever(0)), SIGSEGV);
	EQ(trap_info.code, SEGV_MAPERR);
	end = stack_end(&start);
	CHECK(end - start <= 8 * mib && end - start > 7 * mib);
	CHECK(trap_info.addr < start && trap_info.addr > end - 9 * mib);
	printf("overflow: SIGSEGV on the alternate stack, 8 MiB used\n");
	EQ(TRAPPED(for_ever(0)), SIGSEGV);
	printf("and again\n");
	threads();
	overflow_without_altstack();
	return test_done();
}
