/* NEEDS: MEM=64M SWAP=256M CPUS=1 TIMEOUT=150 KIND=exact */
/*
 * No I/O without need: a page that comes back from swap and is not changed
 * leaves again without a write; taken back before its frame is used for
 * something else, it costs no I/O at all; pages shared by a parent and
 * five children through fork are written once and read once; a sweep over
 * swapped memory makes a read per eight pages.
 */
#define PAGES 1600
#define CHILDREN 5
#define OWN 64     /* of the program itself: code, data */
#define OTHERS 500 /* pages of the rest of the system, pushed out as well */
#include "../lib/shared_area.h"

/* From swap to memory: clusters; the pages stay clean. */
static void
sweep(void)
{
	snap_all(1);
	area_verify();
	snap_all(2);
	LE(PAGES, snap_delta(1, 2, "swap.in_pages"));
	DELTA_LE(1, 2, "swap.in_pages", PAGES + OWN);
	DELTA_LE(1, 2, "swap.in_bios", PAGES / 8);
	DELTA_LE(1, 2, "swap.slots_used", 0);
}

/* Out again: there is no write. */
static void
go_out_clean(void)
{
	snap_all(3);
	OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	snap_all(4);
	DELTA_EQ(3, 4, "swap.write_skipped", PAGES);
	DELTA_EQ(3, 4, "swap.out_pages", 0);
	DELTA_EQ(3, 4, "swap.out_bios", 0);
	DELTA_EQ(3, 4, "page.to_modified", 0);
	DELTA_LE(3, 4, "swap.slots_used", 0);
	area_verify();
}

/* Trimmed, for nobody has a right to it, and taken back: no I/O at all. */
static void
fault_softly(void)
{
	snap_self(13); /* brings in what it needs, as text_in() the code */
	for (int i = 4; i <= 6; i++)
		snap_all(i);
	text_in();
	OK(mprotect(area, PAGE, PROT_NONE));
	OK(mprotect(area, PAGE, PROT_READ | PROT_WRITE));
	area_verify();
	snap_self(12);
	snap_all(4);
	OK(mprotect(area, PAGES * PAGE, PROT_NONE));
	OK(mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE));
	snap_all(5);
	DELTA_EQ(4, 5, "page.to_standby", PAGES);
	area_verify();
	snap_all(6);
	snap_self(13);
	DELTA_EQ(5, 6, "fault.rescue", PAGES); /* each of them */
	DELTA_LE(12, 13, "fault.major", 4); /* code of the test */
	DELTA_LE(4, 6, "io.reads", 4);
	DELTA_EQ(4, 6, "io.writes", 0);
	LE(PAGES, snap_delta(5, 6, "fault.rescue_standby"));
	DELTA_LE(5, 6, "fault.rescue_standby", PAGES + 4);
	DELTA_EQ(5, 6, "page.copy", 0);
}

/* Of a page that is changed the slot is given back; it is written again. */
static void
go_out_dirty(void)
{
	snap_all(7);
	for (size_t i = 0; i < PAGES; i += 2)
		stamp(area + i * PAGE, i, 0);
	OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	snap_all(8);
	for (int i = 0; i < 50 && /* the writer may be a little behind */
	     snap_delta(7, 8, "swap.out_pages") < PAGES / 2; i++) {
		sleep_ms(100);
		snap_all(8);
	}
	LE(PAGES / 2, snap_delta(7, 8, "swap.out_pages"));
	DELTA_LE(7, 8, "swap.out_pages", PAGES / 2 + OWN);
	DELTA_LE(7, 8, "swap.write_skipped", PAGES / 2 + OWN);
	area_verify();
}

/* Six processes, one page: one write and one read. */
static void
share(void)
{
	pid_t pid[CHILDREN];

	area_stamp();
	area_readers(pid, CHILDREN);
	snap_all(9);
	push_out(&hog, area, PAGES, PAGES - 32);
	snap_all(10);
	LE(PAGES - 32, snap_delta(9, 10, "swap.slots_used"));
	DELTA_LE(9, 10, "swap.slots_used", PAGES + OTHERS);
	area_read(pid, CHILDREN);
	snap_all(11);
	LE(PAGES - 32, snap_delta(10, 11, "swap.in_pages"));
	DELTA_LE(10, 11, "swap.in_pages", PAGES + OTHERS);
}

static int
body(void)
{
	area_stamp();
	push_out(&hog, area, PAGES, PAGES - 32);
	area_verify(); /* rehearsal: brings in what the program itself needs */
	for (int i = 0; i < 20; i++)
		OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	EQ(pagemap_count(area, PAGES, PM_SWAPPED), PAGES);
	sweep();
	go_out_clean();
	fault_softly();
	go_out_dirty();
	share();
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	return area_main();
}
