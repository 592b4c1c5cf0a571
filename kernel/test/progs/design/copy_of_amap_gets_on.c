/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * scalux: a large amap is copied by a call, and by a store, while the kernel is
 * refused a record again and again.  As long as the copy gets on it is not given up.
 */
#include "lib/design.h"

#define PAGES 3000     /* of an amap of two processes */
/* Which of the records are refused: more often than 32 times in a call may be, and
 * 256 times in a fault. */
#define EVERY_CALL 40
#define EVERY_STORE 8

static bool
is_mine(const char *p, uint64_t x)
{
	uint64_t word;

	for (size_t i = 0; i < PAGES; i++) {
		memcpy(&word, p + i * PAGE, sizeof(word));
		if (word != (i ^ x))
			return false;
	}
	return true;
}

static void
fill(char *p, uint64_t x)
{
	for (uint64_t i = 0, word; i < PAGES; i++) {
		word = i ^ x;
		memcpy(p + i * PAGE, &word, sizeof(word));
	}
}

/* A process with the same pages, which ends when the pipe does. */
static pid_t
sharer(const char *p, uint64_t x, int *end)
{
	char byte;
	pid_t pid;

	OK(pipe(end));
	pid = OK(fork());
	if (pid != 0)
		return pid;
	OK(close(end[1]));
	EQ(read(end[0], &byte, 1), 0);
	CHECK(is_mine(p, x));
	_exit(0);
}

static int inject_fd; /* an open would be refused, too */

static void
refuse(int first, int every)
{
	char spec[64];
	int n = snprintf(spec, sizeof(spec), "FI_SLAB:%d:%d:1000000:%d", first,
	    every, (int)getpid());

	EQ(write(inject_fd, spec, n), n);
}

static void
refuse_no_more(void)
{
	while (write(inject_fd, "off", 3) != 3)
		EQ(errno, ENOMEM);
}

/* Its new place. */
static char *
by_call(char *p)
{
	char *to = pages_private(PAGES), *moved;
	int end[2];
	pid_t pid;

	OK(munmap(to, PAGES * PAGE));
	fill(p, 7);
	pid = sharer(p, 7, end);
	refuse(100, EVERY_CALL); /* the first few are the call's own */
	moved = mremap(p, PAGES * PAGE, PAGES * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	refuse_no_more();
	CHECK(moved == to);
	fill(to, 9);
	OK(close(end[1]));
	REAP(pid, 0);
	CHECK(is_mine(to, 9));
	return to;
}

static void
by_store(char *p)
{
	int end[2];
	pid_t pid = sharer(p, 9, end);

	refuse(1, EVERY_STORE);
	*(volatile char *)p = 11;
	refuse_no_more();
	fill(p, 11);
	OK(close(end[1]));
	REAP(pid, 0);
	CHECK(is_mine(p, 11));
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SCALUX, argv);
	inject_fd = OK(open("/proc/vm/inject", O_WRONLY));
	by_store(by_call(pages_private(PAGES)));
	return test_done();
}
