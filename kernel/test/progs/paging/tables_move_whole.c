/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=120 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * mremap by whole page tables: all that a word can say goes along, pages that
 * are mapped, common with a child, locked, zero, in swap, and those that were
 * never touched; at both ends, where a table is not moved as a whole if others
 * have words in it, too.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/trap.h"

#define BLOCK (2 * MIB)
#define BLOCKS 6
#define LEN ((BLOCKS - 1) * BLOCK)
#define STEP 37
#define FIRST 100 /* page of its table at which the mapping begins */

/* An address that lies as many pages behind a multiple of 2 MiB. */
static char *
place(size_t pages)
{
	char *p = mmap(NULL, (BLOCKS + 1) * BLOCK, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (char *)(((uintptr_t)p + BLOCK - 1) & -BLOCK) + pages * PAGE;
}

static char *
move(char *p, size_t pages)
{
	char *to = place(pages);

	EQ(mremap(p, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	TRAP(load(p + BLOCK), SIGSEGV, SEGV_MAPERR, p + BLOCK);
	check_vm();
	return to;
}

static void
verify(char *p, int version)
{
	for (size_t i = 0; i < LEN / PAGE; i += STEP)
		STAMPED(p + i * PAGE, i, version);
	for (size_t i = 1; i < LEN / PAGE; i += STEP)
		EQ(load(p + i * PAGE), 0);
}

static void
fill(char *p, int version)
{
	for (size_t i = 0; i < LEN / PAGE; i += STEP)
		stamp(p + i * PAGE, i, version);
}

/* Others, in the tables of both ends. */
static void
have_neighbours(char *p)
{
	OK(mprotect(p - PAGE, PAGE, PROT_READ | PROT_WRITE));
	OK(mprotect(p + LEN, PAGE, PROT_READ | PROT_WRITE));
	store(p - PAGE, 1);
	store(p + LEN, 2);
}

static void
expect_neighbours(char *p)
{
	EQ(load(p - PAGE), 1);
	EQ(load(p + LEN), 2);
}

/* Tables that have moved since snapshot 0. */
static void
expect_tables(long n)
{
	if (!on_vadose())
		return;
	snap_all(1);
	DELTA_EQ(0, 1, "table.move", n);
}

int
main(void)
{
	char *p = place(FIRST), *was = p;
	pid_t pid;

	need_swap();
	trap_catch(0);
	if (on_vadose())
		snap_init();
	CHECK(mmap(p, LEN, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	fill(p, 0);
	verify(p, 0);
	have_neighbours(p);
	if (on_vadose())
		snap_all(0);
	p = move(p, FIRST);
	expect_tables(BLOCKS - 2);
	expect_neighbours(was);
	verify(p, 0);
	if (on_vadose())
		snap_all(0);
	p = move(p, FIRST);
	expect_tables(BLOCKS);
	verify(p, 0);

	/* In swap, on the way there, common with a child; locked. */
	OK(madvise(p, LEN / 2, MADV_PAGEOUT));
	pid = OK(fork());
	p = move(p, FIRST);
	verify(p, 0);
	OK(madvise(p, LEN, MADV_PAGEOUT));
	fill(p, pid == 0);
	verify(p, pid == 0);
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	OK(mlock(p, LEN));
	p = move(p, FIRST);
	verify(p, 0);

	/* Not as they lie: word by word. */
	if (on_vadose())
		snap_all(0);
	p = move(p, FIRST + 1);
	expect_tables(0);
	verify(p, 0);
	p = move(p, 0);
	p = move(p, 0);
	expect_tables(BLOCKS - 1);
	verify(p, 0);
	OK(munmap(p, LEN));
	return test_done();
}
