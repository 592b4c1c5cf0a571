/* NEEDS: MEM=64M CPUS=1,2 MORE=1 TIMEOUT=60 SWEEP=no APPEND=uvm=late KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm with uvm=late: the first store to memory of many chunks that a fork
 * has shared copies the amap, and a cut, a move and a drop do, also where the
 * kernel may not grow for the user: what was promised can be changed.
 */
#include "../lib/design.h"

#define CHUNK 32  /* pages */
#define CHUNKS 100
#define PAGES (CHUNK * CHUNKS)
#define USER 1000
#define ROOM (32 * MIB) /* on both sides, so that nobody shares its tables */

static char *p;

static void
are_as_before(const char *at, int chunks)
{
	for (int i = 0; i < chunks; i++)
		EQ(at[i * CHUNK * PAGE], i + 1);
}

/* No memory is left to be promised, and none for pipes: the kernel gets no more for
 * this user. */
static void
use_all(void)
{
	static char bytes[PAGE];
	int fd[2];

	for (size_t n = 4096; n > 0; n /= 2)
		while (mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
			;
	while (pipe2(fd, O_NONBLOCK) == 0)
		while (write(fd[1], bytes, sizeof(bytes)) > 0)
			;
	CHECK(errno == ENOMEM || errno == ENFILE);
}

static void
stores(void)
{
	p[PAGE] = 1;
	are_as_before(p, CHUNKS);
}

static void
cuts(void)
{
	OK(munmap(p + PAGES / 2 * PAGE, PAGE));
	are_as_before(p, CHUNKS / 2);
}

static void
moves(void)
{
	char *q = mremap(p, PAGES * PAGE, PAGES * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * ROOM);

	CHECK(q == p + 2 * ROOM);
	are_as_before(q, CHUNKS);
}

static void
drops(void)
{
	OK(madvise(p + PAGES / 2 * PAGE, PAGES / 2 * PAGE, MADV_DONTNEED));
	are_as_before(p, CHUNKS / 2);
	EQ(p[PAGES / 2 * PAGE], 0);
}

int
main(int argc, char **argv)
{
	static void (*const change[])(void) = { stores, cuts, moves, drops };
	pid_t pid;

	under_design(DESIGN_UVM, argv);
	OK(setresuid(USER, USER, USER));
	p = mmap(NULL, 4 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	p = mmap((char *)(((uintptr_t)p + ROOM) & ~(2 * MIB - 1)), PAGES * PAGE,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	    0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < CHUNKS; i++)
		p[i * CHUNK * PAGE] = i + 1;
	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		pid = OK(fork());
		if (pid == 0) {
			use_all();
			change[i]();
			_exit(0);
		}
		REAP(pid, 0);
		are_as_before(p, CHUNKS);
	}
	return 0;
}
