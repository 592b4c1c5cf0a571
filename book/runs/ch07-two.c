/* SPDX-License-Identifier: BSD-2-Clause */
/* ch07-two.c: two threads of one process, each on a CPU of its own.  GUEST: --cpus 2 --append ramdisk=16M --append swap=rama */
#define _GNU_SOURCE
#define RUN_ALSO "swap.in_", "tlb.lazy_skipped", "page.alloc", "page.free"
#include <pthread.h>
#include <sched.h>

#include "run.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define AT ((void *)0x100000000000ul)
#define MANY 64

/* What the other thread does until it is told something else. */
enum doing { NOTHING, SPIN, STORE, SLEEP, END };

static volatile enum doing told, does;
static volatile char *p, *q;
static volatile long sum;
static int wake[2];

static void
go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		exit(2);
}

static void *
other(void *arg)
{
	char c, n = 0;

	go_to(1);
	while (told != END) {
		does = told;
		__builtin_ia32_pause(); /* the emulator lets the other CPU go on */
		if (does == STORE)
			p[0] = n++;
		if (does == SLEEP && read(wake[0], &c, 1) != 1)
			exit(3);
	}
	return arg;
}

static void
tell(enum doing what)
{
	told = what;
	while (does != what)
		__builtin_ia32_pause();
}

/* Tell the sleeper, whose next job is told already. */
static void
wake_up(void)
{
	told = SPIN;
	if (write(wake[1], "x", 1) != 1)
		exit(4);
	while (does != SPIN)
		__builtin_ia32_pause();
}

static void
drop(volatile char *at, size_t pages)
{
	madvise((void *)at, pages * PAGE, MADV_DONTNEED);
}

int
main(void)
{
	pthread_t t;

	if (pipe(wake) < 0)
		return 2;
	go_to(0);
	p = mmap(AT, MANY * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
	q = run_map(1, RW, PRIVATE);
	run_store(p, MANY);
	run_store(q, 1);
	run_begin();
	drop(p, 1);
	run_step("alone");
	if (pthread_create(&t, NULL, other, NULL) != 0)
		return 3;
	tell(SPIN);

	/* The other CPU runs in the same space. */
	run_store(p, MANY);
	run_step("both");
	drop(p, 1);
	run_step("one-page");
	drop(p, MANY);
	run_step("many-pages");
	run_store(p, MANY);
	run_step("store");
	mprotect((void *)p, MANY * PAGE, PROT_READ);
	run_step("fewer-rights");
	mprotect((void *)p, MANY * PAGE, RW);
	run_step("more-rights");
	p[0] = 1;
	run_step("upgrade");

	/* It stores to the page all the time. */
	tell(STORE);
	run_mark(1);
	drop(p, 1);
	run_mark(2);
	tell(SPIN);
	run_step("while-it-stores");

	/* It sleeps; its CPU has nothing to do. */
	told = SLEEP;
	usleep(20000);
	run_store(p, MANY);
	run_step("sleeps");
	drop(p, 1);
	run_step("lazy");
	wake_up();
	run_step("awake");

	/* A page on swap. */
	madvise((void *)q, PAGE, MADV_PAGEOUT);
	run_step("out");
	sum += q[0];
	run_step("swap-in");
	told = END;
	pthread_join(t, NULL);
	return run_end();
}
