/* NEEDS: MEM=128M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * A process has locked a hundred times as much as its working set may have.  Each page
 * that it touches puts out another one, and the hand that looks for it comes to the
 * locked ones again and again: no store makes it pass more of them than a few tables
 * have, and the set keeps its limit but for what came while it was among them.  Of all
 * designs.
 */
#include "lib/design.h"
#include "lib/events.h"

#define LIMIT 64
#define LOCKED 8192          /* sixteen tables, and all their words */
#define PAGES 128            /* more than the limit: each store faults */
#define ROUNDS 4
#define MOST (1024 + 512)    /* words for one store: WS_LOOKS, and a table begun */
#define FAULTS_ON_THE_WAY 16 /* while the hand is among LOCKED */

/* The most words that the hand passed for one fault between two of these calls. */
static long
most_looks(void)
{
	static long most;
	static int last;
	long faults;

	snap_all(!last);
	faults = snap_delta(last, !last, "fault.total");
	if (faults > 0 && snap_delta(last, !last, "ws.looks") > most * faults)
		most = snap_delta(last, !last, "ws.looks") / faults;
	last = !last;
	return most;
}

static long
set_pages(void)
{
	snap_self(2);
	return snap_get(2, "ws.pages");
}

static int
under_this_design(void)
{
	char *locked = pages_private(LOCKED), *p = pages_private(PAGES);
	struct rlimit rl = { LIMIT * PAGE, LIMIT * PAGE };
	long largest = 0, now;

	snap_init();
	OK(mlock(locked, LOCKED * PAGE));
	OK(setrlimit(RLIMIT_RSS, &rl));
	snap_all(0);
	for (int i = 0; i < ROUNDS * PAGES; i++) {
		((volatile char *)p)[i % PAGES * PAGE]++;
		LE(most_looks(), MOST);
		now = set_pages();
		if (i > PAGES && now > largest)
			largest = now;
	}
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], ROUNDS);
	LE(largest, LOCKED + LIMIT + FAULTS_ON_THE_WAY);
	return 0;
}

int
main(int argc, char **argv)
{
	if (!on_vadose()) {
		printf("skipped: needs the designs and counters of Vadose\n");
		return 0;
	}
	return under_each_design(argc, argv) ? test_done() : under_this_design();
}
