/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Reads of untouched memory, one page after another, take a fault for some
 * sixteen pages.  Nothing else tells: each page is its own as soon as it is
 * stored to, by whom it may be; what nobody has looked at is not in memory for
 * mincore and pagemap; rights, forks and moves are as for pages that came alone.
 */
#include "lib/events.h"
#include "lib/trap.h"

#define PAGES 600

static int
in_core(char *p, size_t n)
{
	static unsigned char vec[PAGES];
	int found = 0;

	OK(mincore(p, n * PAGE, vec));
	for (size_t i = 0; i < n; i++)
		found += vec[i] & 1;
	return found;
}

/* Pages that pagemap calls present. */
static int
present(char *p, size_t n)
{
	int fd = OK(open("/proc/self/pagemap", O_RDONLY)), found = 0;
	uint64_t word;

	for (size_t i = 0; i < n; i++) {
		EQ(pread(fd, &word, 8, ((uintptr_t)p / PAGE + i) * 8), 8);
		found += word >> 63;
	}
	close(fd);
	return found;
}

static void
read_all(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		EQ(load(p + i * PAGE), 0);
}

/* Each third is stored to; the others stay zero. */
static void
store_some(char *p)
{
	for (size_t i = 0; i < PAGES; i += 3)
		store(p + i * PAGE, 1 + i % 100);
	for (size_t i = 0; i < PAGES; i++)
		EQ(load(p + i * PAGE), i % 3 == 0 ? 1 + i % 100 : 0);
}

int
main(void)
{
	char *p = pages_private(PAGES), *q;
	pid_t pid;

	trap_catch(0);
	small_pages(p, PAGES);
	/* One, and then two: what came along with them is not there yet. */
	EQ(load(p), 0);
	EQ(in_core(p, PAGES), 1);
	EQ(present(p, PAGES), 1);
	EQ(load(p + PAGE), 0);
	EQ(in_core(p, PAGES), 2);
	EQ(present(p, PAGES), 2);
	store(p + 2 * PAGE, 7);
	EQ(load(p + 3 * PAGE), 0);
	EQ(in_core(p, PAGES), 4);
	OK(madvise(p, PAGES * PAGE, MADV_DONTNEED));
	EQ(in_core(p, PAGES), 0);

	if (on_vadose()) {
		snap_area = mmap(NULL, SNAP_MAX * sizeof(struct snap), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		CHECK(snap_area != MAP_FAILED);
		snap_self(1);
		read_all(p, PAGES);
		snap_self(2);
		/* Designs that have no page of zeros count none. */
		if (snap_delta(1, 2, "fault.around_pages") != 0)
			DELTA_LE(1, 2, "fault.zeropage", PAGES / 16 + 4);
	} else {
		read_all(p, PAGES);
	}
	EQ(in_core(p, PAGES), PAGES);
	store_some(p);

	/* A child stores to what its parent has read, and the other way round. */
	q = pages_private(PAGES);
	small_pages(q, PAGES);
	EQ(load(q), 0);
	pid = OK(fork());
	if (pid == 0) {
		store_some(q);
		_exit(0);
	}
	REAP(pid, 0);
	read_all(q, PAGES);
	store_some(q);

	/* Read-only when it was read, writable later; and the reverse. */
	q = pages_private(PAGES);
	small_pages(q, PAGES);
	OK(mprotect(q, PAGES * PAGE, PROT_READ));
	EQ(load(q), 0);
	TRAP(store(q + PAGE, 1), SIGSEGV, SEGV_ACCERR, q + PAGE);
	OK(mprotect(q, PAGES * PAGE, PROT_READ | PROT_WRITE));
	store_some(q);
	OK(madvise(q, PAGES * PAGE, MADV_DONTNEED));
	EQ(load(q), 0);
	OK(mprotect(q, PAGES * PAGE, PROT_NONE));
	TRAP(load(q + PAGE), SIGSEGV, SEGV_ACCERR, q + PAGE);
	OK(mprotect(q, PAGES * PAGE, PROT_READ | PROT_WRITE));
	store_some(q);

	/* Locked, all of it is there, also what came along before. */
	q = mmap(NULL, 65 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED);
	OK(munmap(q + 64 * PAGE, PAGE));
	small_pages(q, 64);
	EQ(load(q), 0);
	OK(mlock(q, 64 * PAGE));
	EQ(in_core(q, 64), 64);
	/* The end of a mapping is the end. */
	TRAP(load(q + 64 * PAGE), SIGSEGV, SEGV_MAPERR, q + 64 * PAGE);
	return test_done();
}
