/* NEEDS: MEM=128M CPUS=1 ICOUNT=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * What a few pages far from each other cost at their end does not grow with what
 * lies between them: shared memory and files of tmpfs, cut or let go, take at most
 * some times the instructions of private memory.
 */
#include "lib/test.h"

#define N 64           /* pages */
#define TIMES 8        /* measured: 2 to 4 */

static int fd;

static char *
map(int flags, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    flags | MAP_NORESERVE, (flags & MAP_ANONYMOUS) != 0 ? -1 : fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void
touch(char *p, size_t stride)
{
	for (size_t i = 0; i < N; i++)
		p[i * stride + 5 * PAGE] = 1;
}

/* The end of a mapping: time, which is one of instructions. */
static uint64_t
unmapped(int flags, size_t stride)
{
	size_t size = N * stride;
	char *p = map(flags, size);
	uint64_t begin;

	touch(p, stride);
	begin = now_ns();
	OK(munmap(p, size));
	return now_ns() - begin;
}

static uint64_t
cut(size_t stride)
{
	size_t size = N * stride;
	uint64_t begin;
	char *p;

	OK(ftruncate(fd, size));
	p = map(MAP_SHARED, size);
	touch(p, stride);
	OK(munmap(p, size));
	begin = now_ns();
	OK(ftruncate(fd, 0));
	return now_ns() - begin;
}

int
main(void)
{
	static const size_t stride[] = { 2 * MIB, 64 * MIB, GIB, 16 * GIB };
	uint64_t least;

	if (!on_vadose()) {
		printf("skipped: measures instructions\n");
		return 0;
	}
	fd = memfd_create("sparse", 0);
	for (unsigned i = 0; i < sizeof(stride) / sizeof(stride[0]); i++) {
		least = unmapped(MAP_PRIVATE | MAP_ANONYMOUS, stride[i]);
		LE(unmapped(MAP_SHARED | MAP_ANONYMOUS, stride[i]),
		    TIMES * least);
		LE(cut(stride[i]), TIMES * least);
	}
	return test_done();
}
