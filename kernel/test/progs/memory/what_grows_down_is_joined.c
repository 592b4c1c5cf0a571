/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Mappings that grow down and continue one another are one line of maps, as
 * others are: after mprotect there and back, a hole that is filled, and a
 * neighbour.
 */
#include "lib/test.h"

#define GROWS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN)
#define RW (PROT_READ | PROT_WRITE)

static char *base;

/* Lines of maps between base and base + n pages. */
static int
lines(int n)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long lo, hi;
	char line[512];
	int found = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 &&
		    hi > (uintptr_t)base && lo < (uintptr_t)(base + n * PAGE))
			found++;
	fclose(f);
	return found;
}

static void
map(int at, int n, int flags)
{
	CHECK(mmap(base + at * PAGE, (size_t)n * PAGE, RW, flags, -1, 0) ==
	    base + at * PAGE);
}

int
main(void)
{
	base = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	CHECK(base != MAP_FAILED);
	OK(munmap(base, 1024 * PAGE));
	base += 512 * PAGE;
	map(0, 8, GROWS);
	for (int i = 0; i < 8; i++)
		base[i * PAGE] = (char)i;
	OK(mprotect(base + PAGE, PAGE, PROT_READ));
	EQ(lines(8), 3);
	OK(mprotect(base + PAGE, PAGE, RW));
	EQ(lines(8), 1);
	map(8, 4, GROWS);
	EQ(lines(12), 1);
	OK(munmap(base + 3 * PAGE, PAGE));
	EQ(lines(12), 2);
	map(3, 1, GROWS);
	EQ(lines(12), 1);
	map(12, 2, GROWS & ~MAP_GROWSDOWN);
	EQ(lines(14), 2);
	for (int i = 0; i < 8; i++)
		EQ(base[i * PAGE], i == 3 ? 0 : i);
	base[-PAGE] = 1; /* and it still grows */
	EQ(lines(14), 2);
	return test_done();
}
