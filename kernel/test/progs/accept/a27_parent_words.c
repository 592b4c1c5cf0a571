/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A27: the parent's words right after fork stay VALID, now of source FORK
 * and without W: reading costs no fault.
 */
#include "../lib/vmtext.h"

#define PAGES 1000

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	turn_wait(turn, 1);
	return arg != NULL;
}

static int
body(void)
{
	char *stack = shared_stack();
	const char *text;
	pid_t pid;
	long sum = 0;

	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = 1;
	pid = fork_on(child, NULL, stack);
	snap_self(1);
	for (int i = 0; i < PAGES; i++)
		sum += ((volatile char *)area)[i * PAGE];
	snap_self(2);
	EQ(sum, PAGES);
	EQ(snap_delta(1, 2, "fault.total") - snap_delta(1, 2, "fault.kernel"),
	    0);
	text = text_of(0, "vmstat");
	EQ(vmstat_pages(text, area, PAGES, "kind=VALID src=FORK w=0"), PAGES);
	EQ(vmstat_pages(text, area, PAGES, "home=FMO"), PAGES);
	EQ(vmstat_pages(text, area, PAGES, "refs=2"), PAGES);
	turn_give(turn, 1);
	REAP(pid, 0);
	text = text_of(0, "vmstat");
	EQ(vmstat_pages(text, area, PAGES, "refs=1"), PAGES);
	return test_done();
}

int
main(void)
{
	snap_init();
	text_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	return run_on_shared_stack(body);
}
