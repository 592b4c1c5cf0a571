/* NEEDS: MEM=32M SWAP=128M CPUS=1 TIMEOUT=200 ARGS=1:4000 SWEEP=no MORE=all KIND=exact */
/*
 * A terabyte of which one page in each of many places is used: there are more
 * page tables than pages, and more of both than memory.  Every byte comes
 * back, in another order; and there is always memory that is not tables.
 * Arguments: seed, places.
 */
#include "lib/events.h"
#include "lib/pressure.h"

#define AREA (1024 * GIB)
#define MAX_PLACES 100000
#define LOOK 256          /* accesses between two looks at the counters */

static long places = 4000;
static uint64_t seed = 1, stride;
static uint32_t order[MAX_PLACES];
static char *area;
static long most;         /* tables in memory, of this process */

static char *
place(size_t i)
{
	return area + i * stride + i * 7 % 512 * PAGE;
}

static void
look(size_t i)
{
	long live;

	if (i % LOOK != 0 || !on_vadose())
		return;
	snap_self(1);
	live = snap_get(1, "table.live");
	if (live > most)
		most = live;
}

static void
pass(uint64_t version, bool writes)
{
	for (long i = 0; i < places; i++) {
		size_t at = order[i];

		if (version > 0)
			STAMPED(place(at), at, version - 1);
		if (writes)
			stamp(place(at), at, version);
		look(i);
	}
	shuffle(order, places, &seed);
}

/*
 * A table of the last level stays for the page below it and no longer: these two have
 * half each of what the tables above them leave.
 */
static long
most_tables(long above)
{
	return above + (meminfo("MemTotal") - above) / 2;
}

int
main(int argc, char **argv)
{
	long tables = 0;

	need_swap();
	seed_count(argc, argv, &seed, &places);
	LE(places, MAX_PLACES);
	if (on_vadose())
		snap_init();
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(area != MAP_FAILED);
	small_pages(area, AREA / PAGE);
	stride = AREA / places / PAGE * PAGE;
	shuffle(order, places, &seed);

	pass(0, true);
	pass(1, false);
	if (on_vadose()) {
		snap_self(1);
		tables = snap_get(1, "table.live") +
		    snap_get(1, "table.live_out");
		printf("# %ld tables, at most %ld in memory\n", tables, most);
		LE(places, tables);
		LE(most, most_tables(tables - places));
	}
	check_vm();
	OK(munmap(area, AREA));
	if (on_vadose()) {
		snap_self(1);
		LE(snap_get(1, "table.live") + snap_get(1, "table.live_out"),
		    40);
		LE(snap_get(1, "table.n_swap"), 1000);
	}
	return test_done();
}
