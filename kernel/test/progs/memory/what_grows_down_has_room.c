/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * A mapping that grows down has 256 pages below it where nothing is placed.  What lies
 * there already may grow up to it, and it may grow down to another one of its kind, but
 * to no other neighbour that can be touched.
 */
#include "lib/trap.h"

#define RW (PROT_READ | PROT_WRITE)
#define GROWS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN)
#define GAP 256L
#define ROOM 2048

static char *base;

static void
map(int at, int n, int flags)
{
	CHECK(mmap(base + at * PAGE, (size_t)n * PAGE, RW, flags, -1, 0) ==
	    base + at * PAGE);
}

static void
clear(void)
{
	OK(munmap(base, ROOM * PAGE));
}

static void
nothing_is_placed_there(void)
{
	char *grows = base + 1024 * PAGE, *p[128];

	map(1024, 1, GROWS);
	for (int i = 0; i < 128; i++) {
		p[i] = mmap(NULL, 16 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
		CHECK(p[i] != MAP_FAILED);
		CHECK(p[i] >= grows || p[i] + 16 * PAGE <= grows - GAP * PAGE);
	}
	for (int i = 0; i < 128; i++)
		OK(munmap(p[i], 16 * PAGE));
	clear();
}

static void
a_neighbour_grows(void)
{
	map(0, 1, GROWS & ~MAP_GROWSDOWN);
	map(10, 1, GROWS);
	CHECK(mremap(base, PAGE, 5 * PAGE, 0) == base);
	CHECK(mremap(base, 5 * PAGE, 10 * PAGE, 0) == base);
	ERR(mremap(base, 10 * PAGE, 11 * PAGE, 0), ENOMEM);
	clear();
}

static void
two_that_grow(void)
{
	map(0, 1, GROWS & ~MAP_GROWSDOWN);
	map(300, 1, GROWS);
	map(310, 1, GROWS);
	store(base + 305 * PAGE, 1);
	store(base + 301 * PAGE, 1);
	store(base + 260 * PAGE, 1);
	TRAP(store(base + 250 * PAGE, 1), SIGSEGV, SEGV_MAPERR, base + 250 * PAGE);
	clear();
}

int
main(void)
{
	trap_catch(0);
	base = mmap(NULL, ROOM * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(base != MAP_FAILED);
	clear();
	nothing_is_placed_there();
	a_neighbour_grows();
	two_that_grow();
	return test_done();
}
