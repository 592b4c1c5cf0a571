/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 APPEND=wsmax=256 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A13: a working set that is full stays as large: each new page sends one of
 * its own away, which comes back without I/O while there is memory.
 */
#include "../lib/events.h"

#define MAX 256
#define PAGES 1024
#define OTHERS 80 /* text, stack and the like that are used again and again */

static void
touch_all(volatile long *p, long add)
{
	for (long i = 0; i < PAGES; i++)
		p[i * (PAGE / sizeof(long))] += i + add;
}

static void
contents(volatile long *p, long times, long add)
{
	for (long i = 0; i < PAGES; i++)
		EQ(p[i * (PAGE / sizeof(long))], times * i + add);
}

int
main(void)
{
	volatile long *p;

	snap_init();
	p = (void *)pages_private(PAGES);
	snap_self(0);
	snap_all(1);
	touch_all(p, 7);
	snap_self(2);
	snap_all(3);
	LE(snap_get(2, "ws.pages"), MAX);
	CHECK(snap_delta(0, 2, "ws.self_replace") >= PAGES - MAX);
	DELTA_LE(0, 2, "ws.self_replace", PAGES + OTHERS);
	DELTA_EQ(1, 3, "fault.major", 0);

	/* Again: all of them are there still, and none had to be read. */
	touch_all(p, 1);
	contents(p, 2, 8);
	snap_self(4);
	snap_all(5);
	LE(snap_get(4, "ws.peak"), MAX);
	CHECK(snap_delta(2, 4, "fault.rescue") >= 2 * PAGES - MAX);
	DELTA_EQ(3, 5, "fault.major", 0);
	DELTA_EQ(3, 5, "fault.zerofill", 0);
	return test_done();
}
