/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact */
/*
 * A process writes into pages of another, which forks meanwhile: what is written
 * arrives in the parent, all of it.  A child has the bytes of the moment of its
 * fork, and they do not change any more.  On Vadose, under each design, forks go on
 * until some have met pages that were pinned, and copied them.
 */
#include "lib/design.h"
#include "lib/events.h"

#include <sys/uio.h>

#define PAGES 8
#define BYTES (PAGES * PAGE)
#define FORKS_MOST 400

static unsigned char *part[2]; /* paid when mapped, and when touched */
static unsigned char seen[2][BYTES];

static void
writer(pid_t pid)
{
	static unsigned char buf[BYTES];
	struct iovec from = { buf, BYTES }, to = { NULL, BYTES };

	for (unsigned i = 0;; i++) {
		memset(buf, (int)(i / 2), BYTES);
		to.iov_base = part[i % 2];
		EQ(process_vm_writev(pid, &from, 1, &to, 1, 0), BYTES);
	}
}

/* Each page has the bytes of one write, or the first ones of the next, too. */
static void
child(void)
{
	for (unsigned k = 0; k < 2; k++) {
		memcpy(seen[k], part[k], BYTES);
		for (size_t i = 1; i < BYTES; i++)
			if (i % PAGE != 0 && seen[k][i] != seen[k][i - 1] &&
			    seen[k][i] != (unsigned char)(seen[k][i - 1] - 1))
				FAIL("byte %zu is %u, before it %u", i, seen[k][i],
				    seen[k][i - 1]);
	}
	sched_yield();
	for (unsigned k = 0; k < 2; k++)
		EQ(memcmp(seen[k], part[k], BYTES), 0);
	_exit(0);
}

/* Have forks met pinned pages?  Eager and frames copy all, and do not count these. */
static bool
has_met(const char *design)
{
	if (!on_vadose() || strcmp(design, "eager") == 0 ||
	    strcmp(design, "frames") == 0)
		return true;
	snap_all(1);
	return snap_delta(0, 1, "fork.pinned_copies") >= 2;
}

int
main(int argc, char **argv)
{
	pid_t pid = getpid(), writes;
	int forks = 0;

	if (on_vadose() && under_each_design(argc, argv))
		return test_done();
	for (unsigned k = 0; k < 2; k++) {
		part[k] = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | (k != 0 ? MAP_NORESERVE : 0), -1, 0);
		CHECK(part[k] != MAP_FAILED);
		memset(part[k], 0, BYTES);
	}
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	writes = OK(fork());
	if (writes == 0)
		writer(pid);
	if (on_vadose()) {
		snap_init();
		snap_all(0);
	}
	do {
		pid = OK(fork());
		if (pid == 0)
			child();
		REAP(pid, 0);
	} while (++forks < FORKS_MOST && !has_met(argv[1]));
	CHECK(has_met(argv[1]));
	OK(kill(writes, SIGKILL));
	REAP_SIGNAL(writes, SIGKILL);
	return test_done();
}
