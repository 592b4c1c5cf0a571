/* NEEDS: MEM=64M SWAP=256M CPUS=1 TIMEOUT=100 KIND=exact */
/*
 * What the memory manager itself takes: 48 bytes for each frame; for a
 * private page in swap nothing but its word and its bit in the swap map,
 * which is there from swapon on.
 */
#include "../lib/pressure.h"
#include "../lib/vmtext.h"
#include <sys/swap.h>

#define PAGES (64 * MIB / PAGE)

#define BIOS (40 * KIB) /* requests of an area and what describes it */

static char *area;
static struct hog hog;

/* A swap area takes a bit for each slot. */
static void
measure_area(void)
{
	char device[64];
	const char *text;
	long slots;

	text = text_vm("swap");
	slots = sum_key(text, "area=0", " slots=");
	CHECK(slots > 50000);
	CHECK((text = strstr(text, "path=")) != NULL);
	EQ(sscanf(text, "path=%63s", device), 1);
	OK(swapoff(device));
	snap_all(3);
	OK(swapon(device, 0));
	snap_all(4);
	DELTA_LE(3, 4, "page.nonpaged_bytes", slots / 8 + BIOS);
	DELTA_LE(3, 4, "kpaged.pages", 0);
}

static int
body(void)
{
	text_init();
	measure_area();
	area = pages_private(PAGES);
	EQ(sum_key(text_vm("frames"), "total=", " desc="), 48);
	for (size_t i = 0; i < PAGES / 32; i++)
		stamp(area + i * PAGE, i, 0);
	/* Most entries of our own fork end here; a few pages go by advice only. */
	for (int i = 0; i < 3; i++)
		hog_press(&hog, meminfo("MemTotal"));
	OK(madvise(area, PAGES / 32 * PAGE, MADV_PAGEOUT));
	push_out(&hog, area, PAGES / 32, PAGES / 32);
	snap_all(1);
	for (size_t i = PAGES / 32; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	push_out(&hog, area, PAGES, PAGES * 9 / 10);
	snap_all(2);
	/* A private page in swap: no object, no entry, no list node. */
	DELTA_LE(1, 2, "page.nonpaged_bytes", 16 * KIB);
	/* In memory or out, and but for entries of a fork that end meanwhile. */
	EQ(snap_delta(1, 2, "kpaged.pages") +
	    snap_delta(1, 2, "kpaged.pages_out"),
	    snap_delta(1, 2, "fmo.pages_live"));
	DELTA_EQ(1, 2, "fork.entries", 0); /* made; old ones may end */
	DELTA_EQ(1, 2, "anon.tables", 0);
	DELTA_LE(1, 2, "table.live", PAGES / 512 + 8);
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, 0);
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	snap_init();
	hog = hog_start(); /* not on the shared stack */
	return run_on_shared_stack(body);
}
