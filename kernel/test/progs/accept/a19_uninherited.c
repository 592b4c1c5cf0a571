/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A19: a DONTFORK region is not in the child, a WIPEONFORK region reads
 * zero there; neither gets entries.  The flags survive a split.
 */
#include "../lib/events.h"
#include "../lib/trap.h"

#define PAGES 50

static char *gone, *wiped;

static int
child(void *arg)
{
	for (int i = 0; i < PAGES; i++) {
		TRAP(load(gone + i * PAGE), SIGSEGV, SEGV_MAPERR,
		    gone + i * PAGE);
		EQ(load(wiped + i * PAGE), 0);
	}
	if (wiped[0] == 0)
		store(wiped, 'c');
	return arg != NULL;
}

/* After DOFORK and KEEPONFORK. */
static int
heir(void *arg)
{
	for (int i = 0; i < PAGES; i++) {
		EQ(load(gone + i * PAGE), 'g');
		EQ(load(wiped + i * PAGE), 'w');
	}
	return arg != NULL;
}

/* n_priv counts the regions' pages too: they are all that is left out. */
static int
body(void)
{
	pid_t pid;

	gone = pages_private(PAGES);
	wiped = pages_private(PAGES);
	memset(gone, 'g', PAGES * PAGE);
	memset(wiped, 'w', PAGES * PAGE);
	OK(madvise(gone, PAGES * PAGE, MADV_DONTFORK));
	OK(madvise(wiped, PAGES * PAGE, MADV_WIPEONFORK));
	OK(mprotect(gone, PAGES / 2 * PAGE, PROT_READ));
	OK(mprotect(wiped + 10 * PAGE, PAGE, PROT_READ));
	OK(mprotect(wiped + 10 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	char *stack = shared_stack();
	snap_self(1);
	snap_all(2);
	pid = fork_on(child, NULL, stack);
	REAP(pid, 0);
	snap_all(3);
	DELTA_EQ(2, 3, "fork.entries",
	    snap_get(1, "table.n_priv") - 2 * PAGES);
	for (int i = 0; i < PAGES; i++) {
		EQ(load(gone + i * PAGE), 'g');
		EQ(load(wiped + i * PAGE), 'w');
	}
	OK(madvise(gone, PAGES * PAGE, MADV_DOFORK));
	OK(madvise(wiped, PAGES * PAGE, MADV_KEEPONFORK));
	snap_self(4);
	snap_all(5);
	stack = shared_stack();
	REAP(fork_on(heir, NULL, stack), 0);
	snap_all(6);
	DELTA_EQ(5, 6, "fork.entries", snap_get(4, "table.n_priv") +
	    snap_delta(5, 6, "fmo.steal"));
	return test_done();
}

int
main(void)
{
	snap_init();
	trap_catch(0);
	return run_on_shared_stack(body);
}
