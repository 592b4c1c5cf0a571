/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm: the example of seed 001, counter by counter.  PID 1 has written to
 * two pages and forks into PID 2; PID 2 writes to the second one, then PID 1 does.
 * The first page stays common; on swap it would be one record.
 */
#include "../lib/design.h"
#include "../lib/vmtext.h"

static char *p;
static volatile int *turn;

/* How many of the two pages may be written to, by the text of pid. */
static long
writable(pid_t pid)
{
	char first[40], line[512];
	const char *text = text_of(pid, "vmstat"), *at;
	long n = 0;

	snprintf(first, sizeof(first), "%lx", (uintptr_t)p);
	while (*text != '\0') {
		unsigned long lo, hi;
		size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 &&
		    lo < (uintptr_t)p + 2 * PAGE && hi > (uintptr_t)p) {
			at = strstr(line, " w=");
			CHECK(at != NULL);
			n += at[3] == '1';
		}
		text += len + (text[len] == '\n');
	}
	return n;
}

/* PID 2. */
static int
second(void *unused)
{
	turn_wait(turn, 1);
	snap_all(3);
	p[PAGE] = 'b';
	snap_all(4);
	turn_give(turn, 2);
	turn_wait(turn, 3);
	EQ(p[0], 'x');
	EQ(p[PAGE], 'b');
	return 0;
}

static int
first(void)
{
	char *stack = shared_stack();
	pid_t pid;

	p = pages_private(2);
	snap_all(1);
	p[0] = 'x';
	p[PAGE] = 'y';
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 2);
	EQ(writable(0), 1); /* one line of two pages */

	snap_all(1);
	pid = fork_on(second, NULL, stack);
	snap_all(2);
	/* Each anon of the process has a reference more, the two among them. */
	DELTA_EQ(1, 2, "uvm.anon_refs_fork", snap_get(1, "uvm.anon_live"));
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	EQ(writable(0), 0);

	turn_give(turn, 1);
	turn_wait(turn, 2);
	DELTA_EQ(3, 4, "page.copy", 1);
	DELTA_EQ(3, 4, "uvm.copy", 1);
	DELTA_EQ(3, 4, "uvm.anon_live", 1);

	/* It is PID 1's alone now, and written to without a copy. */
	snap_all(1);
	p[PAGE] = 'a';
	snap_all(2);
	DELTA_EQ(1, 2, "page.copy", 0);
	DELTA_EQ(1, 2, "fault.upgrade", 1);
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	turn_give(turn, 3);
	REAP(pid, 0);
	EQ(p[PAGE], 'a');

	/* The last one who has the first page writes to it without a copy, too. */
	snap_all(1);
	p[0] = 'z';
	snap_all(2);
	DELTA_EQ(1, 2, "page.copy", 0);
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_UVM, argv);
	snap_init();
	text_init();
	turn = (void *)pages_shared(1);
	*turn = 0;
	EQ(run_on_shared_stack(first), 0);
	return test_done();
}
