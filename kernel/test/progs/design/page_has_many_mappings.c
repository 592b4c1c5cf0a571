/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 LINUX=no SWEEP=no KIND=exact */
/*
 * Under each design: one page of a file is mapped thousands of times, shared or
 * private, and each of its mappings goes as fast as if it had few.
 */
#include "lib/design.h"

#define FEW 1000
#define MANY (4 * FEW)

/* It is mapped so many times, by none beside another, and loses all: ns for each. */
static uint64_t
unmapping_takes(size_t times, int kind)
{
	char *p = mmap(NULL, 2 * times * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = OK(memfd_create("one", 0));
	uint64_t begun, ended;

	CHECK(p != MAP_FAILED);
	OK(ftruncate(fd, PAGE));
	for (size_t at = 0; at < 2 * times * PAGE; at += 2 * PAGE) {
		CHECK(mmap(p + at, PAGE, PROT_READ, kind | MAP_FIXED, fd, 0) == p + at);
		EQ(*(volatile char *)(p + at), 0);
	}
	begun = now_ns();
	OK(munmap(p, 2 * times * PAGE));
	ended = now_ns();
	OK(close(fd));
	return (ended - begun) / times;
}

int
main(int argc, char **argv)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE };

	if (under_each_design(argc, argv))
		return test_done();
	for (int i = 0; i < 2; i++)
		LE(unmapping_takes(MANY, kinds[i]), 2 * unmapping_takes(FEW, kinds[i]));
	return test_done();
}
