/* NEEDS: MEM=64M SWAP=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * AnonPages, Shmem and Cached of /proc/meminfo are pages in memory: what goes to swap
 * is in none of them, and is again when it has come back.  To ask for them costs as much
 * when something is on swap.
 */
#include "lib/pressure.h"

#include <sys/sysinfo.h>

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

static uint64_t
price(void)
{
	uint64_t begin = now_ns();
	struct sysinfo si;

	for (int i = 0; i < 100; i++)
		OK(sysinfo(&si));
	return now_ns() - begin;
}

static void
costs_as_much(void)
{
	char *p = pages_private(1);
	uint64_t before;

	*p = 1;
	before = price();
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	if (on_vadose()) /* elsewhere it is the host's time */
		LE(price(), 2 * before);
	OK(munmap(p, PAGE));
}

int
main(void)
{
	need_swap();
	costs_as_much();
	counts(pages_private(N), "AnonPages");
	counts(pages_shared(N), "Shmem");
	counts(pages_shared(N), "Cached");
	return test_done();
}
