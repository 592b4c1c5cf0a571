/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * A15: a table whose last page goes is given back: one page in each of
 * 2000 blocks of 2 MiB, then DONTNEED.
 */
#include "../lib/events.h"

#define BLOCKS 2000
#define BLOCK (2 * MIB)

static int
body(void)
{
	char *p;

	snap_all(1);
	p = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < BLOCKS; i++)
		p[i * BLOCK] = 1;
	snap_all(2);
	CHECK(snap_delta(1, 2, "table.live") >= BLOCKS);
	OK(madvise(p, BLOCKS * BLOCK, MADV_DONTNEED));
	snap_all(3);
	DELTA_EQ(1, 3, "table.live", 0);
	DELTA_EQ(1, 3, "table.out", 0);
	for (int i = 0; i < BLOCKS; i += 100)
		EQ(p[i * BLOCK], 0);
	OK(munmap(p, BLOCKS * BLOCK));
	snap_all(4);
	DELTA_EQ(1, 4, "table.live", 0);
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
