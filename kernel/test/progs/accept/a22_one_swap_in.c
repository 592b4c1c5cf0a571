/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A22: an entry of a forked object is a true prototype: a page that nine
 * processes share is written to swap once, and read back once for all.
 */
#define PAGES 2000
#define OUT (PAGES - 32) /* some of the last ones may stay in memory */
#define CHILDREN 8
#define OWN 64 /* other pages of one process, read-ahead included */
#include "../lib/shared_area.h"

static int
body(void)
{
	pid_t pid[CHILDREN];
	long slots;

	area_stamp();
	area_readers(pid, CHILDREN);
	snap_all(1);
	push_out(&hog, area, PAGES, OUT);
	snap_all(2);
	slots = snap_delta(1, 2, "swap.slots_used");
	LE(OUT, slots);
	LE(slots, PAGES + 2 * (CHILDREN + 2) * OWN + 1000);
	area_read(pid, CHILDREN);
	snap_all(3);
	LE(PAGES / 2, snap_delta(2, 3, "swap.in_pages"));
	DELTA_LE(2, 3, "swap.in_pages", PAGES + (CHILDREN + 1) * OWN);
	DELTA_LE(2, 3, "page.copy", (CHILDREN + 1) * OWN);
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	return area_main();
}
