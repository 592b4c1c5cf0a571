/* SPDX-License-Identifier: BSD-2-Clause */
/* ch13-swap.c: pages out and back: in a row, with gaps, clean, changed, forked, and too many.  GUEST: --memory 96M --append ramdisk=48M --append swap=rama */
#define RUN_ALSO "swap.", "page.to_", "page.reclaim_anon", "page.waits", \
	"page.reserve", "commit.fail", "commit.late"
#include <errno.h>
#include "run.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define PAGES 64ul
#define ONE 0x100000000000ul
#define MUCH 16384ul /* 64 MiB */

static void
out(volatile char *p, size_t pages)
{
	madvise((void *)p, pages * PAGE, MADV_PAGEOUT);
}

/* For the session: one page goes out, its frame to another, and it comes back. */
static void
one_page(void)
{
	volatile unsigned long *p = mmap((void *)ONE, PAGE, RW,
	    PRIVATE | MAP_FIXED, -1, 0);
	volatile char *other = run_map(1, RW, PRIVATE);

	*p = 0x1122334455667788;
	run_mark(1);
	out((volatile char *)p, 1);
	run_mark(2);
	other[0] = 1;
	(void)*p;
	run_mark(3);
	*p = 0x8877665544332211;
	out((volatile char *)p, 1);
	run_mark(4);
	munmap((void *)p, PAGE);
	munmap((void *)other, PAGE);
}

static void
in_a_row(volatile char *p)
{
	size_t i;

	run_store(p, PAGES);
	run_step("store");
	out(p, PAGES);
	run_step("out");
	(void)run_load(p, PAGES);
	run_step("in");
	out(p, PAGES);
	run_step("out-clean");
	(void)run_load(p, PAGES);
	run_store(p, PAGES / 4);
	run_step("change");
	out(p, PAGES);
	run_step("out-changed");
	for (i = PAGES; i > 0; i--)
		(void)p[(i - 1) * PAGE];
	run_step("in-backwards");
}

static void
with_gaps(volatile char *p)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		p[i * 2 * PAGE] = 1;
	run_step("gaps-store");
	out(p, 2 * PAGES);
	run_step("gaps-out");
	for (i = 0; i < PAGES; i++)
		(void)p[i * 2 * PAGE];
	run_step("gaps-in");
}

static void
forked(volatile char *p)
{
	int turn[2], there[2], c = 0;
	pid_t pid;

	if (pipe(turn) < 0 || pipe(there) < 0)
		exit(3);
	run_store(p, PAGES);
	out(p, PAGES);
	run_step("fork-out");
	pid = fork();
	if (pid == 0) {
		if (write(there[1], &c, 1) != 1 || read(turn[0], &c, 1) != 1)
			_exit(1);
		(void)run_load(p, PAGES);
		_exit(0);
	}
	/* What the child needs to begin belongs to the fork, whoever runs first. */
	if (read(there[0], &c, 1) != 1)
		exit(3);
	run_step("fork");
	if (write(turn[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		exit(3);
	run_step("fork-child");
	(void)run_load(p, PAGES);
	run_step("fork-parent");
	munmap((void *)p, PAGES * PAGE);
	run_step("fork-end");
}

/* How far a counter has moved in a step that is over. */
static long
moved(const char *row)
{
	const char *at = strstr(run_out, row);

	return at == NULL ? 0 : strtol(at + strlen(row), NULL, 10);
}

/* How much is written depends on the size of the kernel: rounded numbers are kept. */
static void
too_much(void)
{
	volatile char *p = run_map(MUCH, RW, PRIVATE);
	long requests;
	size_t i;

	run_step("much-map");
	run_store(p, MUCH);
	run_step("much-store");
	run_note("much", "pages", MUCH);
	run_note("much", "thousands_out",
	    (moved("much-store swap.out_pages ") + 500) / 1000);
	requests = moved("much-store swap.out_bios ");
	run_note("much", "pages_per_request",
	    (moved("much-store swap.out_pages ") + requests / 2) / requests);
	run_note("much", "waits_of_thousand",
	    (moved("much-store page.waits ") * 1000 + (long)MUCH / 2) / (long)MUCH);
	for (i = 0; i < MUCH; i++)
		if (p[i * PAGE] != (char)(i + 1))
			exit(4);
	run_step("much-load");
	munmap((void *)p, MUCH * PAGE);
	run_step("much-end");
}

static void
promises(void)
{
	size_t n = 1ul << 30;
	char *p = mmap(NULL, n, RW, PRIVATE, -1, 0);

	run_note("promise", "refused", p == MAP_FAILED && errno == ENOMEM);
	run_step("promise");
	p = mmap(NULL, n, RW, PRIVATE | MAP_NORESERVE, -1, 0);
	run_note("noreserve", "refused", p == MAP_FAILED);
	p[0] = 1;
	p[n / 2] = 1;
	run_step("noreserve");
}

int
main(void)
{
	volatile char *p = run_map(PAGES, RW, PRIVATE);
	volatile char *gaps = run_map(2 * PAGES, RW, PRIVATE);
	volatile char *shared = run_map(PAGES, RW, PRIVATE);

	run_begin();
	one_page();
	run_step("one");
	in_a_row(p);
	with_gaps(gaps);
	forked(shared);
	too_much();
	promises();
	return run_end();
}
