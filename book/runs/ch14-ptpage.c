/* SPDX-License-Identifier: BSD-2-Clause */
/* ch14-ptpage.c: page tables out and back: three above one page, 512 beside each other, under fork and munmap; and VADs.  GUEST: --memory 96M --append ramdisk=48M --append swap=rama */
#define RUN_ALSO "table.", "kpaged.", "swap.out_table", "swap.in_table", \
	"swap.in_bios", "swap.in_pages", "swap.ra_", "swap.free", "swap.alloc"
#include "run.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define ONE 0x100000000000ul
#define SPARSE 0x200000000000ul
#define SPAN (512 * PAGE) /* of a leaf table */
#define TABLES 512ul
#define MUCH 16384ul      /* 64 MiB */
#define VADS 2000ul

static void
out(volatile char *p, size_t bytes)
{
	madvise((void *)p, bytes, MADV_PAGEOUT);
}

/* More than there is: what nobody uses has to go. */
static void
press(void)
{
	volatile char *p = run_map(MUCH, RW, PRIVATE);

	run_store(p, MUCH);
	munmap((void *)p, MUCH * PAGE);
}

static volatile char *
map_at(unsigned long at, size_t bytes)
{
	char *p = mmap((void *)at, bytes, RW,
	    PRIVATE | MAP_FIXED | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

/* A page far from all others: it alone has three tables. */
static void
one_page(void)
{
	volatile unsigned long *p = (volatile unsigned long *)map_at(ONE, PAGE);

	*p = 0x1122334455667788;
	run_step("one-store");
	run_mark(1);
	out((volatile char *)p, PAGE);
	run_step("one-out");
	press();
	run_step("one-press");
	usleep(1000); /* no tick falls between a read of a table and the wait for it */
	run_mark(2);
	if (*p != 0x1122334455667788)
		exit(3);
	run_mark(3);
	run_step("one-load");
	munmap((void *)p, PAGE);
	run_mark(4);
	run_step("one-unmap");
}

static void
store_sparse(volatile char *p)
{
	size_t i;

	for (i = 0; i < TABLES; i++)
		p[i * SPAN] = (char)(i + 1);
}

static void
load_sparse(volatile char *p)
{
	size_t i;

	for (i = 0; i < TABLES; i++)
		if (p[i * SPAN] != (char)(i + 1))
			exit(3);
}

static void
away(volatile char *p)
{
	out(p, TABLES * SPAN);
	press();
}

static void
sparse(void)
{
	volatile char *p = map_at(SPARSE, TABLES * SPAN);
	pid_t pid;

	store_sparse(p);
	run_step("sparse-store");
	out(p, TABLES * SPAN);
	run_step("sparse-out");
	press();
	run_step("sparse-press");
	(void)p[0];
	run_step("sparse-one");
	load_sparse(p);
	run_step("sparse-load");
	away(p);
	run_step("sparse-again");
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		exit(3);
	run_step("sparse-fork");
	away(p);
	run_step("sparse-third");
	munmap((void *)p, TABLES * SPAN);
	run_step("sparse-unmap");
}

/* Many mappings that nobody asks for: their records are memory, too. */
static void
vads(void)
{
	static char *p[VADS];
	size_t i;

	for (i = 0; i < VADS; i++)
		p[i] = mmap((void *)(SPARSE + i * 2 * PAGE), PAGE,
		    i % 2 == 0 ? RW : PROT_READ, PRIVATE | MAP_FIXED, -1, 0);
	run_step("vads-map");
	press();
	run_step("vads-press");
	(void)*(volatile char *)p[VADS / 3];
	run_step("vads-load");
	for (i = 0; i < VADS; i++)
		munmap(p[i], PAGE);
	run_step("vads-unmap");
}

int
main(void)
{
	run_begin();
	one_page();
	sparse();
	vads();
	return run_end();
}
