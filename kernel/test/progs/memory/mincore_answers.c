/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * mincore tells which anonymous pages are there, those before a hole, too, and those
 * that mmap has filled; wrong arguments.
 */
#include "lib/test.h"

/* Of pages from first to the end, where one is missing. */
static void
told_before(char *p, int first, int hole)
{
	unsigned char vec[600];

	memset(vec, 7, sizeof(vec));
	ERR(mincore(p + first * PAGE, (600 - first) * PAGE, vec), ENOMEM);
	for (int i = first; i < hole; i++)
		EQ(vec[i - first], i % 3 == 0);
	EQ(vec[hole - first], 7);
}

/* POPULATE fills the mapping, unless it may not wait. */
static void
populated(int flags, int is)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
	unsigned char vec[8];

	CHECK(p != MAP_FAILED);
	OK(mincore(p, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		EQ(vec[i] & 1, is);
	OK(munmap(p, 8 * PAGE));
}

int
main(void)
{
	char *p = pages_private(600);
	unsigned char vec[600];

	small_pages(p, 600);
	for (int i = 0; i < 600; i += 3)
		p[i * PAGE] = 1;
	OK(mincore(p, 600 * PAGE, vec));
	for (int i = 0; i < 600; i++)
		EQ(vec[i] & 1, i % 3 == 0);
	ERR(mincore(p + 1, PAGE, vec), EINVAL);
	ERR(mincore(p, PAGE, (void *)8), EFAULT);
	OK(mincore(p, 0, vec));
	OK(munmap(p + 10 * PAGE, PAGE));
	OK(munmap(p + 300 * PAGE, PAGE));
	told_before(p, 0, 10);
	told_before(p, 20, 300);
	ERR(mincore(p, 20 * PAGE, (void *)0xffff800000000000), EFAULT);
	ERR(mincore((void *)0xffff800000000000, PAGE, vec), ENOMEM);
	populated(0, 1);
	populated(MAP_NONBLOCK, 0);
	return test_done();
}
