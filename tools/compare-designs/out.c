/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out.c: programs of the comparison with more memory than there is
 *
 * Problem   What stays in memory of a page that is on swap, how is it found
 *           again, and how many writes does it take to get rid of it?
 *
 * Rules     1. The number of pages is fixed, so that each design has the same
 *              work; the machine's memory is in programs.tab.
 *
 * Read next report.awk.
 */
#include "bill.h"
#include "lib/pressure.h"

/* All of it leaves when it is told to, and comes back page by page. */
static void
swapped(bool small)
{
	size_t n = small ? 512 : 2048;
	char *p = pages_private(n);

	bill_from();
	for (size_t i = 0; i < n; i++)
		stamp(p + i * PAGE, i, 0);
	OK(madvise(p, n * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < 100 && pagemap_count(p, n, PM_SWAPPED) < n; i++)
		sleep_ms(10);
	bill_peak(n);
	for (size_t i = 0; i < n; i++)
		STAMPED(p + i * PAGE, i, 0);
	bill_to(n);
	printf("%zu pages came back\n", n);
}

/* More pages than fit, in an order of chance: checked, and stored to again. */
static void
pressure(bool small)
{
	size_t n = small ? 9000 : 12000;
	int turns = small ? 1 : 2;
	uint32_t *order = malloc(n * sizeof *order);
	uint64_t seed = 11;
	char *p = pages_private(n);

	CHECK(order != NULL);
	bill_from();
	for (size_t i = 0; i < n; i++)
		stamp(p + i * PAGE, i, 0);
	bill_peak(n);
	for (int turn = 0; turn < turns; turn++) {
		shuffle(order, n, &seed);
		for (size_t k = 0; k < n; k++) {
			STAMPED(p + order[k] * PAGE, order[k], turn);
			stamp(p + order[k] * PAGE, order[k], turn + 1);
		}
	}
	bill_to((1 + turns) * n);
	printf("%zu pages, each right %d times\n", n, turns);
}

/* A family with more than there is: all have the parent's pages, and some own. */
static void
pressure_fork(bool small)
{
	size_t n = small ? 2000 : 5000;
	int children = 3, looks = small ? 500 : 4000;
	char *p = pages_private(n);
	pid_t pid[3];

	bill_from();
	for (size_t i = 0; i < n; i++)
		stamp(p + i * PAGE, i, 0);
	for (int c = 0; c < children; c++) {
		pid[c] = OK(fork());
		if (pid[c] != 0)
			continue;
		for (size_t i = c; i < n; i += 2)
			stamp(p + i * PAGE, i, c + 1);
		for (uint64_t k = 0, seed = c + 1; (int)k < looks; k++) {
			size_t i = rnd(&seed) % n;

			STAMPED(p + i * PAGE, i,
			    i >= (size_t)c && (i - c) % 2 == 0 ? c + 1 : 0);
		}
		_exit(0);
	}
	for (int c = 0; c < children; c++)
		REAP(pid[c], 0);
	for (size_t i = 0; i < n; i++)
		STAMPED(p + i * PAGE, i, 0);
	bill_to(n + children * (n / 2 + looks));
	printf("%d children and a parent, each with its own\n", children);
}

const struct program out_programs[] = {
	{ "swapped", swapped },
	{ "pressure", pressure },
	{ "pressure-fork", pressure_fork },
	{ NULL, NULL },
};
