/* NEEDS: MEM=40M SWAP=512M CPUS=1,2,4 TIMEOUT=150 SWEEP=no MORE=all KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A program uses four times the memory that there is, in order and at
 * random, and every byte is right.
 */
#include "lib/pressure.h"

#define MOST (256 * MIB)

static size_t pages;
static char *area;

/* Each page has the version that it has been written with last. */
static uint8_t *version;

static void
in_order(void)
{
	for (size_t i = 0; i < pages; i++)
		stamp(area + i * PAGE, i, 0);
	for (size_t i = 0; i < pages; i++)
		STAMPED(area + i * PAGE, i, 0);
}

/* Half of the touches verify, half write the next version. */
static void
at_random(size_t touches)
{
	uint64_t seed = 64;

	while (touches-- > 0) {
		size_t i = rnd(&seed) % pages;

		STAMPED(area + i * PAGE, i, version[i]);
		if (rnd(&seed) % 2 != 0)
			stamp(area + i * PAGE, i, ++version[i]);
	}
}

int
main(void)
{
	pages = memory_part(4, 1, MOST);
	area = pages_private(pages);
	version = (uint8_t *)pages_private(pages / PAGE + 1);
	in_order();
	at_random(pages);
	for (size_t i = pages; i-- > 0;)
		STAMPED(area + i * PAGE, i, version[i]);
	OK(munmap(area, pages * PAGE));
	return test_done();
}
