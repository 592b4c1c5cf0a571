/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A13: the page that goes is one that was not used: 32 pages in use survive
 * in a full set while 1000 others pass through it once.
 */
#include "../lib/events.h"

#define LIMIT 192
#define HOT 32
#define SCAN 1000

static char text[8 * KIB];

static long
self(const char *name)
{
	snap_read("/proc/self/events", text, sizeof(text));
	return snap_find(text, name);
}

static void
touch_hot(volatile char *hot)
{
	for (int i = 0; i < HOT; i++)
		hot[i * PAGE]++;
}

int
main(void)
{
	struct rlimit rl = { LIMIT * PAGE, RLIM_INFINITY };
	char *hot, *scan;
	long rescues, away;

	if (!on_vadose()) {
		printf("skipped: Linux has no such limit\n");
		return 0;
	}
	OK(setrlimit(RLIMIT_RSS, &rl));
	hot = pages_private(HOT);
	scan = pages_private(SCAN);
	touch_hot(hot);
	rescues = self("fault.rescue");
	away = self("ws.self_replace");
	for (int i = 0; i < SCAN; i++) {
		scan[i * PAGE] = 1;
		touch_hot(hot);
	}
	rescues = self("fault.rescue") - rescues;
	away = self("ws.self_replace") - away;
	CHECK(away >= SCAN - LIMIT);
	/* Each hot page once for each time that the hand comes round. */
	LE(rescues, HOT * (SCAN / LIMIT + 1) / 2);
	return test_done();
}
