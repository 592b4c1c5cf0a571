/* NEEDS: MEM=128M CPUS=1 TIMEOUT=60 LINUX=no SWEEP=no KIND=exact */
/*
 * Under each design: a large mapping, all of it touched, is divided page by page, from
 * its beginning and from its end, and joined again; each step is as dear as in a small
 * one.
 */
#include "lib/design.h"

#define FEW 500UL
#define MANY (16 * FEW)

static void
protect_every_second(char *p, size_t n, bool from_end, int prot)
{
	for (size_t i = 1; i < n; i += 2)
		OK(mprotect(p + (from_end ? n - i : i) * PAGE, PAGE, prot));
}

/* Every second page of n loses a right and gets it back: ns for each. */
static uint64_t
dividing_takes(size_t n, bool from_end)
{
	char *p = pages_private(n);
	uint64_t begun;

	memset(p, 1, n * PAGE);
	begun = now_ns();
	protect_every_second(p, n, from_end, PROT_READ);
	protect_every_second(p, n, from_end, PROT_READ | PROT_WRITE);
	begun = now_ns() - begun;
	OK(munmap(p, n * PAGE));
	return begun / n;
}

int
main(int argc, char **argv)
{
	if (under_each_design(argc, argv))
		return test_done();
	for (int end = 0; end < 2; end++)
		LE(dividing_takes(MANY, end), 2 * dividing_takes(FEW, end));
	return test_done();
}
