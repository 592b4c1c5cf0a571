/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 APPEND=brk=off KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * d07: musl's malloc tries brk and, when it moves nothing, maps: the same
 * stress gives the same sum with brk and without, which takes two calls.
 */
#include "../lib/events.h"

#define BLOCKS 2000
#define ROUNDS 40000
#define SUM 0x21d3794e02f3c052UL /* as on Linux */
#ifndef BRK_WORKS
#define BRK_WORKS 0
#endif

static unsigned char *block[BLOCKS];
static size_t size[BLOCKS];

static uint64_t
sum_of(int i)
{
	uint64_t sum = 0;

	for (size_t j = 0; j < size[i]; j += 97)
		sum = sum * 31 + block[i][j];
	return sum;
}

/* Blocks come, grow and go; each keeps the byte it was filled with. */
static uint64_t
stress(void)
{
	uint64_t seed = 7, sum = 0;

	for (int r = 0; r < ROUNDS; r++) {
		int i = rnd(&seed) % BLOCKS;
		size_t n = 1 + rnd(&seed) % (r % 64 ? 3000 : 200000);

		sum = sum * 7 + sum_of(i);
		if (r % 3 == 0) {
			free(block[i]);
			block[i] = NULL;
			size[i] = 0;
			continue;
		}
		block[i] = realloc(block[i], n);
		CHECK(block[i] != NULL);
		memset(block[i], r, n);
		size[i] = n;
	}
	return sum;
}

int
main(void)
{
	uint64_t sum;

	snap_init();
	snap_all(1);
	sum = stress();
	snap_all(2);
	if (sum != SUM)
		FAIL("sum: expected %#lx, seen %#lx", SUM, (unsigned long)sum);
	if (BRK_WORKS)
		CHECK(snap_delta(1, 2, "vad.brk") > 0);
	else
		DELTA_LE(1, 2, "vad.brk", 2);
	return test_done();
}
