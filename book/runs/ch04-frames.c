/* SPDX-License-Identifier: BSD-2-Clause */
/* ch04-frames.c: the life of sixty-four frames, and who clears them.  GUEST: --append ramdisk=16M --append swap=rama */
#define RUN_ALSO "page.", "swap.out", "swap.in", "swap.write_skipped"
#include "run.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

int
main(void)
{
	volatile char *p = run_map(64, RW, PRIVATE), *q;
	volatile char *one = run_map(1, RW, PRIVATE | MAP_NORESERVE);

	run_store(run_map(1, RW, PRIVATE), 1);
	run_begin();
	run_mark(1);
	one[0] = 1;
	run_mark(2);
	munmap((void *)one, PAGE);
	run_mark(3);
	run_step("one");
	run_store(p, 64);
	run_step("store");
	madvise((void *)p, 64 * PAGE, MADV_PAGEOUT);
	run_step("out");
	(void)run_load(p, 64);
	run_step("load");
	madvise((void *)p, 64 * PAGE, MADV_PAGEOUT);
	run_step("out-again");
	run_store(p, 64);
	run_step("store-again");
	munmap((void *)p, 64 * PAGE);
	run_step("unmap");
	sleep(1);
	run_step("idle");
	q = run_map(64, RW, PRIVATE);
	run_store(q, 64);
	run_step("after-idle");
	return run_end();
}
