/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=60 SWEEP=no */
/*
 * Design scalux: seventeen processes share a page, and each gives it up by itself.
 * As long as one of them maps it, it is in use; when none does, and not before, it
 * goes to swap.  There it is one anon for all, and one read brings it.
 */
#include "../lib/design.h"
#include "../lib/entries.h"
#include "../lib/pressure.h"

#define SONS 16

static char *p;
static volatile int *turn, *done;

static int
son(void *number)
{
	EQ(p[0], 'p');
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 1 + (int)(intptr_t)number);
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, SONS + 1);
	EQ(p[0], 'p');
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, SONS + 2);
	return 0;
}

/* How many of all processes map the page. */
static long
mapped(const pid_t *pid)
{
	long n = vmstat_pages(text_of(0, "vmstat"), p, 1, "kind=VALID");

	for (int i = 0; i < SONS; i++)
		n += vmstat_pages(text_of(pid[i], "vmstat"), p, 1, "kind=VALID");
	return n;
}

static int
body(void)
{
	pid_t pid[SONS];

	p[0] = 'p';
	for (int i = 0; i < SONS; i++)
		pid[i] = fork_on(son, (void *)(intptr_t)i, shared_stack());
	turn_wait(done, SONS);
	EQ(p[0], 'p');
	EQ(mapped(pid), SONS + 1);
	EQ(entry_of(0, p, "nmapped="), SONS + 1);

	for (int i = 0; i < SONS; i++) {
		turn_give(turn, 1 + i);
		turn_wait(done, SONS + 1 + i);
		EQ(mapped(pid), SONS - i);
		EQ(entry_of(0, p, "nmapped="), SONS - i);
		EQ(entry_of(0, p, "resident="), 1);
		EQ(vmstat_pages(text_of(0, "vmstat"), p, 1, "state=ACTIVE"), 1);
	}
	snap_all(1);
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	EQ(mapped(pid), 0);
	EQ(entry_of(0, p, "resident="), 0);
	EQ(entry_of(0, p, "refs="), 1);
	snap_all(2);
	DELTA_EQ(1, 2, "swap.out_scalux", 1);

	turn_give(turn, SONS + 1);
	turn_wait(done, 3 * SONS);
	EQ(p[0], 'p');
	snap_all(3);
	DELTA_EQ(2, 3, "swap.in_scalux", 1);
	EQ(entry_of(0, p, "nmapped="), SONS + 1);
	turn_give(turn, SONS + 2);
	for (int i = 0; i < SONS; i++)
		REAP(pid[i], 0);
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SCALUX, argv);
	need_swap();
	snap_init();
	text_init();
	p = pages_private(1);
	turn = (void *)pages_shared(1);
	done = (void *)pages_shared(1);
	EQ(run_on_shared_stack(body), 0);
	return test_done();
}
