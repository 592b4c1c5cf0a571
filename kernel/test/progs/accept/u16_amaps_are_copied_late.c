/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 SWEEP=no APPEND=uvm=late KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm with the boot option uvm=late: a fork shares the amap of anonymous
 * memory; reading copies nothing; the first who stores, cuts, moves or drops a
 * part copies the amap, and each has its own bytes.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include <sys/syscall.h>

#define PAGES 70

static char *p;

static void
store_all(char c)
{
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = c + i % 7;
}

/* Pages [lo, hi) of what stands at at. */
static void
are(const char *at, int lo, int hi, char c)
{
	for (int i = lo; i < hi; i++)
		EQ(at[i * PAGE], c + i % 7);
}

static int
reads(void *unused)
{
	are(p, 0, PAGES, 'a');
	return 0;
}

/* Snapshot 1 is of before the fork. */
static int
stores(void *unused)
{
	snap_all(2);
	/* That of the program's data, of a file, is copied. */
	EQ(snap_delta(1, 2, "uvm.amap_shared_forks") +
	    snap_delta(1, 2, "uvm.amap_live"), snap_get(1, "uvm.amap_live"));
	DELTA_EQ(1, 2, "uvm.amap_live", 1);
	DELTA_LE(1, 2, "uvm.anon_refs_fork", 32);
	DELTA_LE(1, 2, "uvm.chunks", 2);
	are(p, 0, PAGES, 'a');
	snap_all(3);
	DELTA_EQ(2, 3, "uvm.amap_copies", 0);
	p[5 * PAGE] = 'x';
	snap_all(4);
	DELTA_EQ(3, 4, "uvm.amap_copies", 1);
	DELTA_EQ(3, 4, "uvm.amap_entries_copied", PAGES);
	DELTA_EQ(3, 4, "page.copy", 1);
	p[6 * PAGE] = 'y';
	snap_all(5);
	DELTA_EQ(4, 5, "uvm.amap_copies", 0);
	DELTA_EQ(4, 5, "page.copy", 1);
	are(p, 7, PAGES, 'a');
	return 0;
}

static int
cuts(void *unused)
{
	snap_all(2);
	OK(munmap(p + 40 * PAGE, 3 * PAGE));
	snap_all(3);
	DELTA_EQ(2, 3, "uvm.amap_copies", 1);
	are(p, 0, 40, 'a');
	are(p, 43, PAGES, 'a');
	return 0;
}

static int
drops(void *unused)
{
	OK(syscall(SYS_madvise, p + PAGE, 2 * PAGE, MADV_DONTNEED));
	EQ(p[PAGE], 0);
	EQ(p[0], 'a');
	are(p, 3, PAGES, 'a');
	OK(syscall(SYS_madvise, p, PAGES * PAGE, MADV_FREE));
	return 0;
}

static int
moves(void *unused)
{
	char *to = mremap(p, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);

	CHECK(to != MAP_FAILED);
	are(to, 0, PAGES, 'a');
	EQ(to[PAGES * PAGE], 0);
	return 0;
}

static char *grandstack;

/* A third generation shares it, too; its parent stores first. */
static int
forks(void *unused)
{
	pid_t pid = fork_on(reads, NULL, grandstack);

	store_all('k');
	REAP(pid, 0);
	are(p, 0, PAGES, 'k');
	return 0;
}

static int
first(void)
{
	static int (*const what[])(void *) = { reads, stores, cuts, drops, moves,
		forks };
	char *stack = shared_stack();

	grandstack = shared_stack();
	p = pages_private(PAGES);
	for (unsigned i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		store_all('a');
		snap_all(1);
		REAP(fork_on(what[i], NULL, stack), 0);
		/* Alone again: nothing is copied. */
		snap_all(2);
		store_all('b');
		snap_all(3);
		DELTA_EQ(2, 3, "page.copy", 0);
		DELTA_EQ(2, 3, "uvm.amap_copies", 0);
		DELTA_EQ(2, 3, "uvm.anon_live", 0);
		are(p, 0, PAGES, 'b');
	}
	/* The parent stores first, and the child has the amap alone then. */
	store_all('a');
	snap_all(1);
	REAP(fork_on(forks, NULL, stack), 0);
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_UVM, argv);
	snap_init();
	EQ(run_on_shared_stack(first), 0);
	return test_done();
}
