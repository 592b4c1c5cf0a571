/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 */
/*
 * A22: an entry of a forked object is a true prototype: a page that nine
 * processes share is written to swap once, and read back once for all.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"

#define PAGES 2000
#define OUT (PAGES - 32) /* some of the last ones may stay in memory */
#define CHILDREN 8
#define OWN 64 /* other pages of one process, read-ahead included */

static volatile int *turn;
static char *area;
static struct hog hog;

static void
verify(void)
{
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, 0);
}

/* Sleeps, so that no page of it is young; then reads when told to. */
static int
child(void *arg)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) == 0)
		sleep_ms(50);
	verify();
	return arg != NULL;
}

static int
body(void)
{
	pid_t pid[CHILDREN];
	long slots;

	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	for (int c = 0; c < CHILDREN; c++)
		pid[c] = fork_on(child, NULL, shared_stack());
	snap_all(1);
	push_out(&hog, area, PAGES, OUT);
	snap_all(2);
	slots = snap_delta(1, 2, "swap.slots_used");
	LE(OUT, slots);
	LE(slots, PAGES + 2 * (CHILDREN + 2) * OWN + 1000);
	turn_give(turn, 1);
	verify();
	for (int c = 0; c < CHILDREN; c++)
		REAP(pid[c], 0);
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
	snap_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	hog = hog_start(); /* not on the shared stack */
	return run_on_shared_stack(body);
}
