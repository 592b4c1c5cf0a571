/* NEEDS: MEM=48M SWAP=128M CPUS=1,4 TIMEOUT=120 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * mremap takes along what is in memory but not mapped, as pages are whose rights
 * are gone: they go to swap from their new place, and come back there; and what
 * is in swap already.
 */
#include "lib/pressure.h"

#define N 256
#define ROUNDS 6

int
main(void)
{
	char *p = pages_private(N), *to;
	struct hog hog;

	need_swap();
	hog = hog_start();
	for (int i = 0; i < N; i++)
		stamp(p + i * PAGE, i, 0);
	for (int round = 0; round < ROUNDS; round++) {
		/* Far away, so that other tables hold the words. */
		to = mmap(NULL, (4 * round + 5) * MIB, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(to != MAP_FAILED);
		if (round % 2 != 0)
			OK(madvise(p, N * PAGE, MADV_PAGEOUT));
		OK(mprotect(p, N * PAGE, PROT_NONE));
		EQ(mremap(p, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    to), to);
		p = to;
		check_vm();
		OK(mprotect(p, N * PAGE, PROT_READ | PROT_WRITE));
		for (int i = round % 2; i < N; i += 2)
			STAMPED(p + i * PAGE, i, 0);
		if (round == 2)
			push_out(&hog, p, N, N / 2);
	}
	for (int i = 0; i < N; i++)
		STAMPED(p + i * PAGE, i, 0);
	hog_end(&hog);
	return test_done();
}
