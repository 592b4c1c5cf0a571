/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T1: every page that a program gets is zero, by read first, by write
 * first, by MAP_POPULATE, and again after munmap and mmap.
 */
#include "lib/test.h"

#define WORDS (size / 8)

static size_t size;

/* Index of the first word that is not zero, or -1. */
static long
first_nonzero(const volatile uint64_t *p, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (p[i] != 0)
			return i;
	return -1;
}

static void
fill(volatile uint64_t *p, size_t words)
{
	for (size_t i = 0; i < words; i++)
		p[i] = 0xdeadbeef00000000UL + i;
}

static uint64_t *
map(int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void
read_then_write(void)
{
	uint64_t *p = map(0);
	size_t step = PAGE / 8;

	EQ(first_nonzero(p, WORDS), -1);
	printf("read first: %lu pages zero\n", size / PAGE);
	for (size_t i = 0; i < WORDS; i += step)
		((volatile uint64_t *)p)[i] = ~0UL;
	for (size_t i = 0; i < WORDS; i += step)
		EQ(first_nonzero(p + i + 1, step - 1), -1);
	printf("then written: the rest of each page zero\n");
	OK(munmap(p, size));
}

static void
write_first(void)
{
	volatile uint64_t *p = map(0);
	size_t step = PAGE / 8;

	for (size_t i = 0; i < WORDS; i += step)
		p[i + i / step % step] = 1;
	for (size_t i = 0; i < WORDS; i += step) {
		EQ(p[i + i / step % step], 1);
		p[i + i / step % step] = 0;
	}
	EQ(first_nonzero(p, WORDS), -1);
	printf("write first: the rest of each page zero\n");
	fill(p, WORDS);
	OK(munmap((void *)p, size));
}

int
main(void)
{
	uint64_t *p;

	size = rounds(rounds(64 * MIB));
	read_then_write();
	write_first();
	for (int round = 0; round < 3; round++) {
		p = map(round == 1 ? MAP_POPULATE : 0);
		EQ(first_nonzero(p, WORDS), -1);
		printf("fresh after munmap, round %d: zero\n", round);
		fill(p, WORDS);
		OK(munmap(p, size));
	}
	p = map(0);
	EQ(first_nonzero(p, 8), -1);
	fill(p, WORDS / 16);
	EQ(first_nonzero(p + WORDS / 16, WORDS / 16), -1);
	printf("reads beside written pages: zero\n");
	return test_done();
}
