/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Memory that is mapped with NORESERVE and without the right to write may be made
 * writable, however large it is: it is paid for page by page, also in a child,
 * and where it has been moved.  It stays one mapping.  Where no memory is left a
 * small piece is refused: malloc() takes so much of an arena, and touches it.
 */
#include "lib/test.h"

#define RW (PROT_READ | PROT_WRITE)
#define SMALL (256 * PAGE)

static void
store_to_ends(char *p, size_t size)
{
	p[0] = 'a';
	p[size / 2] = 'b';
	p[size - 1] = 'c';
}

static void
becomes_writable(int prot, int flags, int fd, size_t size)
{
	char *p = mmap(NULL, size, prot, flags | MAP_NORESERVE, fd, 0), *q;
	pid_t pid;

	CHECK(p != MAP_FAILED);
	OK(mprotect(p, size, RW));
	store_to_ends(p, size);
	OK(mprotect(p, size, PROT_READ));
	OK(mprotect(p, size, RW));
	pid = OK(fork());
	if (pid == 0) {
		EQ(p[0], 'a');
		p[1] = 'd';
		OK(munmap(p, size));
		_exit(0);
	}
	REAP(pid, 0);
	q = mremap(p, size, 2 * size, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	EQ(q[size - 1], 'c');
	EQ(q[1], 0);
	if (fd < 0)
		store_to_ends(q, 2 * size);
	OK(munmap(q, 2 * size));
}

/* Of a reserved range so many pieces of it. */
static void
by_pieces(size_t size, size_t piece)
{
	char *p = mmap(NULL, size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t at = 0; at < size; at += piece) {
		OK(mprotect(p + at, piece, RW));
		p[at + piece / 2] = 1;
	}
	OK(munmap(p, size));
}

/* Whatever was made writable first: it is one mapping, which moves as a whole. */
static void
stays_one(void)
{
	size_t size = 64 * MIB;
	char *p = mmap(NULL, size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	OK(mprotect(p, SMALL, RW));
	OK(mprotect(p + 8 * MIB, 8 * MIB, RW));
	p[8 * MIB] = 1;
	OK(mprotect(p, size, RW));
	OK(mprotect(p, size, PROT_NONE));
	p = mremap(p, size, 2 * size, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	OK(munmap(p, 2 * size));
}

/* Where nothing is left malloc() gets an error for a piece of its arena. */
static int
full(void)
{
	char *p = mmap(NULL, 64 * MIB, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t n = 4096; n > 0; n /= 2)
		while (mmap(NULL, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		           0) != MAP_FAILED)
			;
	ERR(mprotect(p, SMALL, RW), ENOMEM);
	OK(mprotect(p, 2 * SMALL, RW));
	return 0;
}

int
main(void)
{
	static const size_t size[] = { 2 * PAGE, SMALL, 2 * SMALL, GIB, 64 * GIB,
		1024 * GIB };
	int fd = memfd_create("file", 0);
	pid_t pid;

	OK(ftruncate(fd, 4 * GIB));
	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		becomes_writable(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    size[i]);
		becomes_writable(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    size[i]);
	}
	becomes_writable(PROT_READ, MAP_PRIVATE, fd, 2 * GIB);
	becomes_writable(PROT_NONE, MAP_PRIVATE, fd, 2 * GIB);
	by_pieces(8 * GIB, 8 * MIB);
	stays_one();
	if (on_vadose()) {
		pid = OK(fork());
		if (pid == 0)
			_exit(full());
		REAP(pid, 0);
	}
	return test_done();
}
