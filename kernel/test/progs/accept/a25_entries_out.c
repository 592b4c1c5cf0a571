/* NEEDS: MEM=64M SWAP=1G CPUS=1 TIMEOUT=240 TURN=3 KIND=exact */
/*
 * A25: a forked memory object is of course paged: two processes share 40,000
 * pages and sleep under pressure; then nearly all 157 pages of its entries are
 * on swap, too.  They come back with every byte right, for both.
 */
#define PAGES 40000
#define ENTRY_PAGES (PAGES / 256 + 1)
#define OUT (ENTRY_PAGES - 7)
#include "../lib/shared_area.h"

static void
verify(int version, size_t step)
{
	for (size_t i = 0; i < PAGES; i += step)
		STAMPED(area + i * PAGE, i, version);
}

/* Sleeps until told; what it reads then is what the parent had at the fork. */
static int
child(void *arg)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) == 0)
		sleep_ms(200);
	verify(0, 1);
	for (size_t i = 0; i < PAGES; i += 3)
		stamp(area + i * PAGE, i, 1);
	verify(1, 3);
	return arg != NULL;
}

static void
press(void)
{
	for (int i = 0; i < 12; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		sleep_ms(300);
		snap_all(2);
		if (snap_get(2, "fmo.pages_out") >= OUT)
			break;
	}
	LE(OUT, snap_get(2, "fmo.pages_out"));
	LE(OUT, snap_get(2, "kpaged.pages_out"));
}

static int
body(void)
{
	pid_t pid;

	area_stamp();
	snap_all(1);
	pid = fork_on(child, NULL, shared_stack());
	press();
	verify(0, 64);
	snap_all(3);
	/* A read brings those beside it. */
	LE(OUT / 20, snap_delta(2, 3, "kpaged.pinwait"));
	turn_give(turn, 1);
	REAP(pid, 0);
	verify(0, 1);
	snap_all(4);
	/* All that was read is the parent's own again; what it never needs is not. */
	LE(snap_get(4, "fmo.entries_live"), 64);
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	return area_main();
}
