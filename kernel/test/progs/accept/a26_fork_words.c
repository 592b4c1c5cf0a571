/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A26: the child's words right after fork: FORK for every touched page
 * (not valid, not swapped, not absent), ABSENT for the others.
 */
#include "../lib/vmtext.h"

#define PAGES 120

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	turn_wait(turn, 1);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], i % 3 ? i : 0);
	return arg != NULL;
}

static int
body(void)
{
	char *stack = shared_stack();
	const char *text;
	long touched = 0;
	pid_t pid;

	for (int i = 0; i < PAGES; i++) {
		if (i % 3 != 0) {
			area[i * PAGE] = i;
			touched++;
		}
	}
	pid = fork_on(child, NULL, stack);
	text = text_of(pid, "vmstat");
	EQ(vmstat_pages(text, area, PAGES, "kind=FORK"), touched);
	EQ(vmstat_pages(text, area, PAGES, "kind=VALID"), 0);
	EQ(vmstat_pages(text, area, PAGES, "kind=SWAP"), 0);
	EQ(vmstat_pages(text, area, PAGES, "kind=TRANS"), 0);
	for (int i = 0; i < PAGES; i++)
		EQ(vmstat_pages(text, area + i * PAGE, 1, "kind=FORK"),
		    i % 3 != 0);
	turn_give(turn, 1);
	REAP(pid, 0);
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
