/* NEEDS: MEM=48M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * In smaps the share of a process is never more than all that it has, also of
 * pages that are in memory and just now mapped by nobody: those that were told
 * to leave and have no swap to go to, those whose mapping has no rights, and
 * those that a child has let go.
 */
#include "lib/pressure.h"
#include "lib/smaps.h"

#define N ((size_t)rounds(64))

static void
look(const char *p)
{
	long rss = smaps_kb(p, N, "Rss"), swap = smaps_kb(p, N, "Swap");

	CHECK(smaps_kb(p, N, "Pss") <= rss);
	CHECK(smaps_kb(p, N, "SwapPss") <= swap);
	CHECK(rss + swap <= (long)N * 4);
}

static void
verify(const char *p)
{
	for (size_t i = 0; i < N; i++)
		STAMPED(p + i * PAGE, i, 0);
}

int
main(void)
{
	char *p = pages_apart(N);
	pid_t pid;

	for (size_t i = 0; i < N; i++)
		stamp(p + i * PAGE, i, 0);
	look(p);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p);
	verify(p);
	OK(mprotect(p, N * PAGE, PROT_NONE));
	look(p);
	OK(mprotect(p, N * PAGE, PROT_READ | PROT_WRITE));
	look(p);
	pid = OK(fork());
	if (pid == 0) {
		verify(p);
		look(p);
		OK(madvise(p, N * PAGE, MADV_PAGEOUT));
		look(p);
		_exit(0);
	}
	REAP(pid, 0);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p);
	verify(p);
	return test_done();
}
