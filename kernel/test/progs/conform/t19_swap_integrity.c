/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=100 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T19: nothing is lost on the way to swap and back: one and a half times
 * the memory, three passes in random orders which verify and rewrite every
 * byte; then half is given back, reads zero and is filled again.
 */
#include "lib/pressure.h"

#define MOST (96 * MIB)
#define PASSES 3
#define BLOCK 24 /* pages that are given back together */

static size_t pages;
static char *area;
static uint32_t *order;
static uint64_t seed = 19;

static char *
page_at(size_t i)
{
	return area + i * PAGE;
}

static bool
is_given_back(size_t i)
{
	return i / BLOCK % 2 != 0;
}

static void
pass(int version)
{
	shuffle(order, pages, &seed);
	for (size_t k = 0; k < pages; k++) {
		size_t i = order[k];

		STAMPED(page_at(i), i, version - 1);
		stamp(page_at(i), i, version);
	}
	printf("pass %d: all bytes right\n", version);
}

static void
give_back(void)
{
	for (size_t i = BLOCK; i < pages; i += 2 * BLOCK) {
		size_t n = pages - i < BLOCK ? pages - i : BLOCK;

		OK(madvise(page_at(i), n * PAGE, MADV_DONTNEED));
	}
	for (size_t i = 0; i < pages; i++)
		if (!is_given_back(i))
			STAMPED(page_at(i), i, PASSES);
	printf("half is given back: the other half is right\n");
}

static void
fill_again(void)
{
	shuffle(order, pages, &seed);
	for (size_t k = 0; k < pages; k++) {
		size_t i = order[k];

		if (!is_given_back(i))
			continue;
		CHECK(is_zero_page(page_at(i)));
		stamp(page_at(i), i, PASSES + 1);
	}
	for (size_t i = 0; i < pages; i++)
		STAMPED(page_at(i), i, PASSES + is_given_back(i));
	printf("filled again: it was zero, and all is right\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	pages = memory_part(3, 2, MOST);
	area = pages_private(pages);
	order = (uint32_t *)pages_private(pages * sizeof(*order) / PAGE + 1);
	for (size_t i = 0; i < pages; i++)
		stamp(page_at(i), i, 0);
	printf("filled\n");
	for (int v = 1; v <= PASSES; v++)
		pass(v);
	give_back();
	fill_again();
	OK(munmap(area, pages * PAGE));
	return test_done();
}
