/* SPDX-License-Identifier: BSD-2-Clause */
/* ch01-first.c: one store, and the loops around it.  GUEST: --append around=1 */
#include <setjmp.h>
#include <signal.h>
#include "run.h"

static volatile unsigned long nowhere = 16;
static sigjmp_buf back;

static void
caught(int sig)
{
	siglongjmp(back, sig);
}

int
main(void)
{
	volatile char *a, *b, *c, *d;
	struct sigaction sa = { .sa_handler = caught };
	size_t i;
	int sig;

	run_begin();
	a = run_map(64, RW, PRIVATE);
	run_step("map");
	run_mark(1);
	a[0] = 1;
	run_step("store");
	a[0] = 2;
	a[1] = 3;
	a[4095] = 4;
	run_step("again");
	run_store(a, 64);
	run_step("rest");
	b = run_map(64, RW, PRIVATE);
	run_load(b, 64);
	run_step("load");
	run_store(b, 64);
	run_step("load-store");
	/* The three loops of exercise 1.2, each over 1 MiB of its own. */
	c = run_map(256, RW, PRIVATE);
	run_step("loops");
	for (i = 0; i < 256 * PAGE; i++)
		c[i] = 1;
	run_step("loop-bytes");
	d = run_map(256, RW, PRIVATE);
	for (i = 0; i < 256 * PAGE; i += 3 * PAGE)
		d[i] = 1;
	run_step("loop-stride");
	for (i = 0; i < 256 * PAGE; i += PAGE)
		c[i] += d[i];
	run_step("loop-sum");
	sigaction(SIGSEGV, &sa, NULL);
	run_step("handler");
	sig = sigsetjmp(back, 1);
	if (sig == 0)
		*(volatile char *)nowhere = 1;
	run_step("wild");
	run_note("wild", "signal", sig);
	return run_end();
}
