/* NEEDS: MEM=64M SWAP=64M CPUS=1,4 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm, and what it pays: memory that has been used is described by anons, which
 * stay in memory when it does not.  The same pages go to swap under uvm and under fmo;
 * the anons of the one are there still, of the other nothing is.  A quarter of the
 * 128 MiB that one would take, in a machine of 64: the cost is one for each page.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include "../lib/pressure.h"

#define OUT (32 * MIB / PAGE)
#define ANON 24l /* bytes of an anon */

static int
fill_and_push_out(char *p)
{
	for (size_t i = 0; i < OUT; i++)
		stamp(p + i * PAGE, i, 0);
	for (int i = 0; i < 20; i++) {
		OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
		if (pagemap_count(p, OUT, PM_SWAPPED) == OUT)
			return 0;
		sleep_ms(50);
	}
	return 1;
}

/* Under the design of this process: what stays, to fd. */
static int
measure(int fd)
{
	char *p = pages_private(OUT);
	long stays;

	snap_init();
	EQ(fill_and_push_out(p), 0); /* what swap needs is there from now on */
	OK(madvise(p, OUT * PAGE, MADV_DONTNEED));
	snap_all(1);
	EQ(fill_and_push_out(p), 0);
	snap_all(2);
	stays = snap_delta(1, 2, "page.nonpaged_bytes");
	DELTA_EQ(1, 2, "uvm.anon_bytes", snap_delta(1, 2, "uvm.anon_live") * ANON);
	EQ(write(fd, &stays, sizeof(stays)), sizeof(stays));
	for (size_t i = 0; i < OUT; i++)
		STAMPED(p + i * PAGE, i, 0);
	return test_done();
}

static long
measured(int design)
{
	int fd[2];
	long stays;
	char to[16];
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		OK(prctl(PR_VMM_DESIGN, design, 0, 0, 0));
		snprintf(to, sizeof(to), "%d", fd[1]);
		execl("/proc/self/exe", "measure", to, NULL);
		FAIL("exec: errno %d", errno);
	}
	OK(close(fd[1]));
	EQ(read(fd[0], &stays, sizeof(stays)), sizeof(stays));
	OK(close(fd[0]));
	REAP(pid, 0);
	return stays;
}

int
main(int argc, char **argv)
{
	long uvm, fmo;

	if (strcmp(argv[0], "measure") == 0)
		return measure(atoi(argv[1]));
	if (!on_vadose()) {
		printf("skipped: needs the designs of Vadose\n");
		return 0;
	}
	uvm = measured(DESIGN_UVM);
	fmo = measured(DESIGN_FMO);
	printf("%ld pages on swap: %ld bytes stay under uvm, %ld under fmo\n",
	    (long)OUT, uvm, fmo);
	LE(OUT * ANON, uvm);
	LE(fmo, OUT * ANON / 8);
	return test_done();
}
