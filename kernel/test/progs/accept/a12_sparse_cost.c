/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A12: cost follows resident memory: ten pages of a 1 TiB NORESERVE region
 * cost at most 31 tables and 64 KiB of other kernel memory.
 */
#include "../lib/events.h"

#define SIZE (1024 * GIB)

static int
body(void)
{
	char *p;

	snap_all(1);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 10; i++)
		p[i * (SIZE / 10)] = i;
	snap_all(2);
	DELTA_LE(1, 2, "page.nonpaged_bytes", 64 * KIB);
	DELTA_LE(1, 2, "table.live", 31);
	for (int i = 0; i < 10; i++)
		EQ(p[i * (SIZE / 10)], i);
	OK(munmap(p, SIZE));
	snap_all(3);
	DELTA_EQ(1, 3, "table.live", 0);
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
