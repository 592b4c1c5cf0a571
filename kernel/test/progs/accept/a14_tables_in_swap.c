/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 MORE=4 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A14: tables of which nothing is in memory go to swap: a page in each of
 * 2000 blocks of 2 MiB, of which every other one has a page that was only
 * read, too; then sleep under pressure.  All come back with every byte.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"

#define BLOCKS 2000
#define BLOCK (2 * MIB)
#define PRESSES 8

static struct hog hog;
static char *area;

/* Another place in each block. */
static char *
place(size_t i)
{
	return area + i * BLOCK + (i * 7 % 512) * PAGE;
}

/* A page beside it that nobody has written to. */
static char *
neighbour(size_t i)
{
	return area + i * BLOCK + ((i * 7 + 1) % 512) * PAGE;
}

static void
verify(uint64_t version)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		STAMPED(place(i), i, version);
		if (i % 2 != 0)
			CHECK(is_zero_page(neighbour(i)));
	}
}

/* Until so many tables are out, and have given their frames to others: what is out waits
 * to be written, and is there until memory is turned over once more.  How many are. */
static long
push_tables_out(long want)
{
	long out = 0;

	for (int i = 0; i < PRESSES && out < want; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		snap_self(2);
		out = snap_get(2, "table.live_out");
	}
	hog_press(&hog, meminfo("MemTotal"));
	return out;
}

static int
body(void)
{
	long out, live;

	for (size_t i = 0; i < BLOCKS; i++) {
		stamp(place(i), i, 0);
		if (i % 2 != 0)
			EQ(*(volatile char *)neighbour(i), 0);
	}
	snap_self(1);
	live = snap_get(1, "table.live") + snap_get(1, "table.live_out");
	LE(BLOCKS, live);
	snap_all(3);
	out = push_tables_out(BLOCKS * 95 / 100);
	printf("# %ld of %ld tables out\n", out, live);
	LE(BLOCKS * 95 / 100, out);
	LE(snap_get(2, "table.live"), live - out);
	snap_all(4);
	LE(out, snap_delta(3, 4, "table.out"));

	verify(0);
	snap_all(5);
	LE(BLOCKS * 95 / 100, snap_delta(4, 5, "table.in"));
	LE(BLOCKS * 95 / 100, snap_delta(4, 5, "fault.table_in"));
	LE(1, snap_get(5, "table.in_depth_max"));
	for (size_t i = 0; i < BLOCKS; i++)
		stamp(place(i), i, 1);
	LE(BLOCKS / 2, push_tables_out(BLOCKS / 2));
	verify(1);
	OK(munmap(area, BLOCKS * BLOCK));
	snap_self(6);
	LE(snap_get(6, "table.live") + snap_get(6, "table.live_out"), 40);
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	snap_init();
	area = mmap(NULL, (BLOCKS + 1) * BLOCK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(area != MAP_FAILED);
	area += -(uintptr_t)area % BLOCK; /* a table for each block */
	hog = hog_start();
	return run_on_shared_stack(body);
}
