/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * An object that is cut, or gets a hole, keeps no table without a page: however
 * it was filled, the tables that lead to what is left are all there are, and
 * frames and promises of the others come back.
 */
#define _GNU_SOURCE
#include "../lib/events.h"
#include "../lib/file.h"
#include <fcntl.h>
#include <sys/syscall.h>

#define DIRECT 6L
#define LEAF 512L

/* Pages by depth of their tables: none, one, two, three, four. */
static const long index_of[] = { 0, DIRECT, DIRECT + LEAF,
	DIRECT + LEAF + LEAF * LEAF, DIRECT + LEAF + LEAF * LEAF +
	LEAF * LEAF * LEAF };
static int fd;

/* 0 + 1 + 2 + 3 + 4 tables, of which none is common. */
static void
fill(void)
{
	for (int i = 0; i < 5; i++)
		EQ(pwrite(fd, "x", 1, index_of[i] * PAGE), 1);
}

static void
expect(int since, long tables, long pages)
{
	snap_all(9);
	EQ(snap_get(9, "anon.tables") - snap_get(since, "anon.tables"), tables);
	EQ(snap_get(9, "anon.pages") - snap_get(since, "anon.pages"), pages);
}

/* From above: a cut takes the tables of what lies behind it, and no other. */
static void
by_truncate(void)
{
	long tables = 10;

	fill();
	expect(1, tables, 5);
	for (int i = 4; i > 0; i--) {
		OK(ftruncate(fd, index_of[i] * PAGE));
		tables -= i;
		expect(1, tables, i);
	}
	OK(ftruncate(fd, 0));
	expect(1, 0, 0);
}

static void
by_holes(void)
{
	long tables = 10;

	fill();
	for (int i = 1; i < 5; i++) {
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    index_of[i] * PAGE, PAGE));
		tables -= i;
		expect(1, tables, 5 - i);
	}
	OK(ftruncate(fd, 0));
	expect(1, 0, 0);
}

/* A table with many words goes with the last of them. */
static void
one_by_one(void)
{
	for (long i = DIRECT; i < DIRECT + LEAF; i++)
		EQ(pwrite(fd, "x", 1, i * PAGE), 1);
	expect(1, 1, LEAF);
	for (long i = DIRECT + LEAF - 1; i > DIRECT; i -= 73) {
		OK(ftruncate(fd, i * PAGE));
		expect(1, 1, i - DIRECT);
	}
	OK(ftruncate(fd, DIRECT * PAGE));
	expect(1, 0, 0);
	OK(ftruncate(fd, 0));
}

int
main(void)
{
	snap_init();
	fd = OK(syscall(SYS_memfd_create, "cut", 0));
	snap_all(1);
	by_truncate();
	by_holes();
	one_by_one();
	snap_all(2);
	DELTA_EQ(1, 2, "kpaged.pages", 0);
	OK(close(fd));
	return test_done();
}
