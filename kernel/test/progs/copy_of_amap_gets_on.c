/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no */
/*
 * scalux: a large amap is copied by a call while the kernel is refused a record
 * again and again.  As long as the copy gets on it is not given up.
 */
#include "lib/design.h"

#define PAGES 3000     /* of an amap of two processes */
#define EVERY 40       /* records: one is refused, far more often than 32 times */

static bool
is_mine(const char *p, uint64_t x)
{
	uint64_t word;

	for (size_t i = 0; i < PAGES; i++) {
		memcpy(&word, p + i * PAGE, sizeof(word));
		if (word != (i ^ x))
			return false;
	}
	return true;
}

static void
fill(char *p, uint64_t x)
{
	for (uint64_t i = 0, word; i < PAGES; i++) {
		word = i ^ x;
		memcpy(p + i * PAGE, &word, sizeof(word));
	}
}

int
main(int argc, char **argv)
{
	char *p, *to, *moved, spec[64], byte;
	int end[2];
	pid_t pid;

	under_design(DESIGN_SCALUX, argv);
	p = pages_private(PAGES);
	to = pages_private(PAGES);
	OK(munmap(to, PAGES * PAGE));
	fill(p, 7);
	OK(pipe(end));
	pid = OK(fork());
	if (pid == 0) {
		OK(close(end[1]));
		EQ(read(end[0], &byte, 1), 0);   /* the move is done */
		CHECK(is_mine(p, 7));
		_exit(0);
	}
	/* The first few are the call's own. */
	snprintf(spec, sizeof(spec), "FI_SLAB:100:%d:1000000:%d", EVERY,
	    (int)getpid());
	EQ(proc_write("/proc/vm/inject", spec), 0);
	moved = mremap(p, PAGES * PAGE, PAGES * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	CHECK(moved == to);
	fill(to, 9);
	OK(close(end[1]));
	REAP(pid, 0);
	CHECK(is_mine(to, 9));
	return test_done();
}
