/* NEEDS: MEM=256M SWAP=256M CPUS=1,4 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design scalux: a fork that is followed by an exec copies no amap but those of what
 * the child stores to before: stack and data.  Of a region of 50,000 pages nothing
 * is copied, and no anon is touched.
 */
#include "../lib/design.h"
#include "../lib/events.h"

#define REGION 50000

int
main(int argc, char **argv)
{
	char *p;
	pid_t pid;

	if (argc > 1)
		return 0; /* what is executed */
	under_design(DESIGN_SCALUX, argv);
	snap_init();
	p = pages_private(REGION);
	for (int i = 0; i < REGION; i++)
		p[i * PAGE] = 1;
	snap_all(1);
	pid = OK(fork());
	if (pid == 0) {
		execl("/proc/self/exe", "again", "done", NULL);
		_exit(1);
	}
	REAP(pid, 0);
	snap_all(2);
	LE(1, snap_delta(1, 2, "scalux.amap_shared_forks"));
	DELTA_LE(1, 2, "scalux.amap_entries_copied", 64);
	DELTA_EQ(1, 2, "scalux.anon_refs_fork", 0);
	DELTA_LE(1, 2, "page.copy", 64);

	/* Its amap is not shared any more: the parent stores without a copy. */
	snap_all(1);
	for (int i = 0; i < REGION; i += 100)
		p[i * PAGE] = 2;
	snap_all(2);
	DELTA_EQ(1, 2, "scalux.amap_copies", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	return test_done();
}
