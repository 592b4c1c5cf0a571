/* NEEDS: MEM=64M SWAP=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * AnonPages, Shmem and Cached of /proc/meminfo are pages in memory: what goes to swap
 * is in none of them, and is again when it has come back.
 */
#include "lib/pressure.h"

#define N 2048
#define SOME (N / 16) /* others may do something meanwhile */

static void
counts(char *p, const char *name)
{
	long before = meminfo(name), there, out, back;

	for (int i = 0; i < N; i++)
		stamp(p + i * PAGE, i, 1);
	there = meminfo(name);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	out = meminfo(name);
	for (int i = 0; i < N; i++)
		STAMPED(p + i * PAGE, i, 1);
	back = meminfo(name);
	LE(before + N - SOME, there);
	LE(there, before + N + SOME);
	LE(out, there - N + SOME);
	LE(there - SOME, back);
	OK(munmap(p, N * PAGE));
}

int
main(void)
{
	need_swap();
	counts(pages_private(N), "AnonPages");
	counts(pages_shared(N), "Shmem");
	counts(pages_shared(N), "Cached");
	return test_done();
}
