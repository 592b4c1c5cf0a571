/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A28: trimming pages that a fork made common (MADV_PAGEOUT): the words are
 * FORK again, entries keep their references, nothing is copied; a touch maps
 * the same page again.
 */
#include "../lib/vmtext.h"

#define PAGES 96

static volatile int *turn;
static char *area;

static int
child(void *arg)
{
	int sum = 0;

	for (int i = 0; i < PAGES; i++)
		sum += area[i * PAGE];
	turn_give(turn, 1);
	turn_wait(turn, 2);
	for (int i = 0; i < PAGES; i++)
		EQ(area[i * PAGE], i);
	return arg != NULL || sum == 0;
}

/* All words of the area look so; entries have two references each. */
static void
check_words(pid_t pid, const char *kind)
{
	char words[64];

	snprintf(words, sizeof(words), "kind=%s src=FORK w=0", kind);
	EQ(vmstat_pages(text_of(pid, "vmstat"), area, PAGES, words), PAGES);
}

/* Sum over the objects: entries alive, words that refer to them. */
static long
object_sum(const char *key)
{
	return sum_key(text_vm("fmo"), "base=", key);
}

static int
body(void)
{
	char *stack = shared_stack();
	long live, nrefs;
	pid_t pid;

	for (int i = 0; i < PAGES; i++)
		area[i * PAGE] = i;
	pid = fork_on(child, NULL, stack);
	turn_wait(turn, 1);
	check_words(0, "VALID");
	check_words(pid, "VALID");
	live = object_sum("live=");
	nrefs = object_sum("nrefs=");

	snap_all(1);
	OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	snap_all(2);
	check_words(0, "FORK");
	check_words(pid, "VALID");
	EQ(vmstat_pages(text_of(0, "vmstat"), area, PAGES, "refs=2"), PAGES);
	EQ(object_sum("live="), live);
	EQ(object_sum("nrefs="), nrefs);
	DELTA_EQ(1, 2, "ws.trimmed", PAGES);
	DELTA_EQ(1, 2, "page.copy", 0);
	DELTA_EQ(1, 2, "fmo.deref", 0);
	DELTA_EQ(1, 2, "fmo.steal", 0);

	for (int i = 0; i < PAGES; i++)
		EQ(*(volatile char *)&area[i * PAGE], i);
	snap_all(3);
	check_words(0, "VALID");
	EQ(object_sum("nrefs="), nrefs);
	DELTA_EQ(2, 3, "page.copy", 0);
	DELTA_EQ(2, 3, "fault.swapin", 0);
	LE(PAGES, snap_delta(2, 3, "fault.fork_map") +
	    snap_delta(2, 3, "fault.around_fork"));
	turn_give(turn, 2);
	REAP(pid, 0);

	/* The last owner: a trim takes the pages back (4.9). */
	snap_all(4);
	OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	snap_all(5);
	DELTA_EQ(4, 5, "fmo.steal", PAGES);
	EQ(vmstat_pages(text_of(0, "vmstat"), area, PAGES, "kind=FORK"), 0);
	for (int i = 0; i < PAGES; i++)
		EQ(*(volatile char *)&area[i * PAGE], i);
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
