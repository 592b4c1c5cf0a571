/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A33: mapping is one VAD and nothing else: 10 GiB of PROT_NONE or of
 * NORESERVE take at most two frames.
 */
#include "../lib/events.h"

#define SIZE (10 * GIB)

static long
free_frames(int i)
{
	return snap_get(i, "page.q_free") + snap_get(i, "page.q_zeroed");
}

static int
body(void)
{
	for (int i = 0; i < 2; i++) {
		int prot = i ? PROT_READ | PROT_WRITE : PROT_NONE;
		void *p;

		snap_all(1);
		p = mmap(NULL, SIZE, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		snap_all(2);
		CHECK(p != MAP_FAILED);
		LE(free_frames(1) - free_frames(2), 2);
		DELTA_EQ(1, 2, "table.live", 0);
		OK(munmap(p, SIZE));
		snap_all(3);
		LE(free_frames(1) - free_frames(3), 2);
	}
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
