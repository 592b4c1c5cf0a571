/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design shadow, d09, d10, d11: chains are shortened by a count of children, and no page is
 * lost: a thousand generations, each stores to another page, and its parent exits.  Where
 * each goes on when its parent's memory has gone, no look-up passes more than three
 * parents.  A parent that is alive collapses with nothing.
 */
#include "../lib/design.h"
#include "../lib/events.h"

#define K 50      /* pages of the region */
#define GENERATIONS 1000
#define IN_ORDER 200 /* generations, one after the other */

static char *p;
static volatile unsigned *turn;

/* What generation g finds at page i. */
static uint64_t
stored(unsigned g, unsigned i)
{
	return g <= i ? i + 1 : 1000 + (g - 1 - i) / K * K + i;
}

static void
is_right(unsigned g)
{
	for (unsigned i = 0; i < K; i++)
		EQ(*(volatile uint64_t *)(p + i * PAGE), stored(g, i));
}

/* Each process is the parent of the next; *turn: who goes on. */
static void
generations(unsigned n, bool in_order)
{
	pid_t parent;

	for (unsigned g = 0; g < n; g++) {
		parent = getpid();
		if (OK(fork()) != 0)
			_exit(0);
		/* Its memory goes before its children get another parent. */
		while (in_order && getppid() == parent)
			usleep(100);
		*(volatile uint64_t *)(p + g % K * PAGE) = 1000 + g;
		if (g % 50 == 7)
			is_right(g + 1);
	}
	is_right(n);
	*turn = 1;
	_exit(0);
}

/* d09, d10. */
static void
many_generations(unsigned n, bool in_order)
{
	long live;
	pid_t pid;

	*turn = 0;
	for (unsigned i = 0; i < K; i++)
		*(volatile uint64_t *)(p + i * PAGE) = i + 1;
	snap_all(1);
	live = snap_get(1, "shadow.live");
	pid = OK(fork());
	if (pid == 0)
		generations(n, in_order);
	REAP(pid, 0);
	while (*turn == 0) {
		usleep(1000);
		snap_all(2);
		/* Of the parent, of two generations, and of those that just go. */
		LE(snap_get(2, "shadow.live"), live * 10);
	}
	usleep(100000);
	snap_all(2);
	/* And those whose parents are still ending. */
	LE(snap_get(2, "shadow.depth_max"), in_order ? 3 : 8);
	LE(1, snap_delta(1, 2, "shadow.collapse"));
	LE(1, snap_delta(1, 2, "shadow.migrated"));
	LE(snap_get(2, "shadow.live"), live + 4);
}

static void
child_waits(void)
{
	for (unsigned i = 0; i < K; i += 2)
		*(volatile uint64_t *)(p + i * PAGE) = 7;
	*turn = 1;
	while (*turn == 1)
		usleep(1000);
	_exit(0);
}

/* d11: what both are behind stays, until one of them goes. */
static void
parent_that_stays(void)
{
	pid_t pid;

	*turn = 0;
	for (unsigned i = 0; i < K; i++)
		*(volatile uint64_t *)(p + i * PAGE) = i + 1;
	pid = OK(fork());
	if (pid == 0)
		child_waits();
	while (*turn == 0)
		usleep(1000);
	snap_all(1);
	is_right(0);
	snap_all(2);
	DELTA_EQ(1, 2, "shadow.collapse", 0);
	*turn = 2;
	REAP(pid, 0);
	is_right(0);
	snap_all(2);
	LE(1, snap_delta(1, 2, "shadow.collapse"));
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SHADOW, argv);
	snap_init();
	p = pages_private(K);
	turn = (void *)pages_shared(1);
	many_generations(IN_ORDER, true);
	many_generations(GENERATIONS, false);
	parent_that_stays();
	return test_done();
}
