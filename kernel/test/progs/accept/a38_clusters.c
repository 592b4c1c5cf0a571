/* NEEDS: MEM=64M SWAP=256M CPUS=1,2 TIMEOUT=120 MORE=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A38: the modified page writer writes clusters: 128 MiB, made dirty in
 * order, goes out at eight pages or more at a time on average, and comes
 * back, in order, at four or more.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"

#define PAGES (128 * MIB / PAGE)
#ifndef READS_GO_TOGETHER
#define READS_GO_TOGETHER 1
#endif

static char *area;

static int
body(void)
{
	snap_all(1);
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	snap_all(2);
	LE(PAGES / 4, snap_delta(1, 2, "swap.out_pages"));
	LE(8 * snap_delta(1, 2, "swap.out_bios"),
	    snap_delta(1, 2, "swap.out_pages"));
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, 0);
	snap_all(3);
	if (!READS_GO_TOGETHER)
		return test_done();
	LE(PAGES / 2, snap_delta(2, 3, "swap.in_pages"));
	LE(4 * snap_delta(2, 3, "swap.in_bios"),
	    snap_delta(2, 3, "swap.in_pages"));
	OK(munmap(area, PAGES * PAGE));
	return test_done();
}

int
main(void)
{
	snap_init();
	area = pages_private(PAGES);
	return run_on_shared_stack(body);
}
