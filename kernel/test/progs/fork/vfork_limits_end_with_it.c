/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * What a child of vfork sets for itself before it runs another program, or ends, is no
 * limit of its parent's memory, though both had the same.
 */
#include <sys/resource.h>

#include "lib/test.h"

#define DEEP (1ul << 20)

static void
child_limits(int which, rlim_t cur, bool runs)
{
	struct rlimit lim;
	pid_t pid;

	OK(getrlimit(which, &lim));
	lim.rlim_cur = cur;
	pid = OK(vfork());
	if (pid == 0) {
		setrlimit(which, &lim);
		if (runs)
			execl("/proc/self/exe", "child", "ends", NULL);
		_exit(0);
	}
	REAP(pid, 0);
}

static __attribute__((noinline)) void
use_stack(void)
{
	volatile char deep[DEEP];

	for (size_t i = 0; i < DEEP; i += PAGE)
		deep[i] = 1;
	EQ(deep[0], 1);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "ends") == 0)
		return 0;
	for (int runs = 0; runs < 2; runs++) {
		child_limits(RLIMIT_STACK, 64ul << 10, runs);
		child_limits(RLIMIT_AS, 8ul << 20, runs);
		child_limits(RLIMIT_DATA, 8ul << 20, runs);
		use_stack();
		OK(munmap((void *)pages_private(4096), 4096 * PAGE));
	}
	return test_done();
}
