/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swapfile.c: lab 08, steps 1, 2 and 4: a second area, in pieces
 *
 * Problem   A disk is one area in one piece.  A swap file lies on its disk in many,
 *           and is not the only area: slots that follow one another may lie apart,
 *           and a request that goes on over the end of a piece writes, or reads,
 *           what is somebody else's.
 *
 * Picture   slots   0 1 2 3 | 4 … 12 | 13 14 | …      area 1, filled first
 *           disk         … | 13 14 | 4 … 12 | 0 1 2 3   the upper end of area 0's
 *
 * Rules     1. The disk is that of area 0, whose slots there are free, and are not
 *              given out meanwhile: area 1 is filled first, and does not get full
 *              while pages are written.
 *           2. Where a slot lies this test knows by its own sum.
 *
 * Read next lab_swap.c, lab_swapin.c; vm/swap/swap.c, vm/swap/swaparea.c.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"

#define SLOTS 600u
#define WANT 16u
#define MAGIC_AT 4086u
#define PUSH_NS 20000000ul /* the writer has tried */

static struct {
	uint32_t from[SLOTS];     /* of each slot: the first of its piece */
	uint32_t end[SLOTS];      /* behind the last of its piece */
	uint64_t base;            /* page of the disk where the pieces begin */
	uint8_t header[PAGE_SIZE];
	struct swap_area *whole, *a;
	unsigned no;
	uint64_t used;            /* slots, before */
	slot_t taken[SLOTS];
} file;

/* Page of the disk that slot i is: the pieces lie there in the opposite order. */
static uint64_t
disk_page(uint32_t i)
{
	return file.base + SLOTS - file.end[i] + (i - file.from[i]);
}

static int
piece(void *client, uint64_t idx, uint64_t max, struct swap_run *run)
{
	run->pages = MIN(max, file.end[idx] - idx);
	run->sector = disk_page((uint32_t)idx) * SECTORS_PER_PAGE;
	return 0;
}

/* Of lo slots up to lo + span - 1. */
static void
cut_in_pieces(uint32_t lo, uint32_t span)
{
	uint32_t i, from, n = lo;

	for (from = 0; from < SLOTS; from = i, n = lo + (n - lo + 7) % span) {
		for (i = from; i < MIN(from + n, SLOTS); i++) {
			file.from[i] = from;
			file.end[i] = MIN(from + n, SLOTS);
		}
	}
}

/* Version 1, last page, no bad ones: what mkswap writes. */
static void
make_header(void)
{
	uint32_t head[3] = { 1, SLOTS - 1, 0 };

	memset(file.header, 0, sizeof(file.header));
	memcpy(&file.header[1024], head, sizeof(head));
	memcpy(&file.header[MAGIC_AT], "SWAPSPACE2", 10);
}

static void
pieces_begin(uint32_t lo, uint32_t span)
{
	struct swap_source src = { .bytes = SLOTS * PAGE_SIZE,
		.header = file.header, .path = "pieces",
		.flags = SWAP_FLAG_PREFER | 1, .run = piece, .client = &file };
	uint32_t i;

	file.whole = swap_area(0);
	CHECK(file.whole != NULL && file.whole->nslots > 2 * SLOTS);
	file.base = file.whole->nslots - SLOTS;
	for (i = 0; i < SLOTS; i++)
		CHECK(!bitmap_test(file.whole->map, file.base + i));
	file.used = swp_used();
	src.dev = file.whole->dev;
	cut_in_pieces(lo, span);
	make_header();
	CHECK(swap_on(&src, &file.no) == 0);
	file.a = swap_area(file.no);
}

static void
pieces_end(void)
{
	CLAIM(swp_used() == file.used, "all is given back, and %lu slots more are used "
	    "than before", swp_used() - file.used);
	if (swp_used() == file.used)
		CLAIM(swap_off(file.no) == 0, "an area that nobody uses does not go");
}

/* ---- step 1 ---- */

static bool
is_of_file(slot_t slot)
{
	return slot >> SWAP_INDEX_BITS == file.no;
}

/* What swap_alloc gave lies in one piece.  False: all that follows would be wrong. */
static bool
judge_run(slot_t slot, unsigned got)
{
	uint32_t i = slot & SWAP_INDEX_MAX;
	bool inside = is_of_file(slot) && i != 0 && got >= 1 && got <= WANT &&
	    i + got <= SLOTS;

	CLAIM(is_of_file(slot), "area %u is to be filled first, and a slot of area %u "
	    "was given out: the number of the area stands above the index", file.no,
	    slot >> SWAP_INDEX_BITS);
	CLAIM(!is_of_file(slot) || inside, "slots %u to %u were given out, and the area "
	    "has %u", i, i + got - 1, SLOTS);
	if (!inside)
		return false;
	CLAIM(i + got <= file.end[i], "slots %u to %u were given out in one piece; on "
	    "the disk they are two: slot %u lies elsewhere, and a write to both goes "
	    "to somebody else's place", i, i + got - 1, file.end[i]);
	return i + got <= file.end[i];
}

/* All slots of the file; how many. */
static unsigned
take_all(unsigned *long_ones)
{
	static unsigned got;
	unsigned n = 0, k;
	slot_t slot;

	*long_ones = 0;
	while (n < SLOTS - 1) {
		got = 0;
		slot = swap_alloc(WANT, &got);
		CLAIM(slot != 0, "swap_alloc finds no slot, and %u are free",
		    SLOTS - 1 - n);
		if (slot == 0 || !judge_run(slot, got))
			return n;
		*long_ones += got == WANT;
		for (k = 0; k < got; k++)
			file.taken[n++] = slot + k;
	}
	return n;
}

/* When the file is full the other area goes on; what comes back is of its own area. */
static void
full(void)
{
	uint32_t whole = file.whole->nfree, mine = file.a->nfree;
	static unsigned got;
	slot_t slot;

	slot = swap_alloc(WANT, &got);
	CLAIM(slot != 0 && !is_of_file(slot), "an area is full, another has room, and "
	    "swap_alloc says %x", slot);
	if (slot == 0 || is_of_file(slot))
		return;
	while (got > 0)
		swap_free(slot + --got);
	CLAIM(file.whole->nfree == whole && file.a->nfree == mine, "slots of area 0 "
	    "were given back: it had %u free before, and has %u; the other one %u "
	    "and %u", whole, file.whole->nfree, mine, file.a->nfree);
}

static void
in_pieces(void)
{
	unsigned first, again, n;

	pieces_begin(6, 19);
	ev_mark(1);
	n = take_all(&first);
	if (n == SLOTS - 1)
		full();
	while (n > 0)
		swap_free(file.taken[--n]);
	CLAIM(file.a->nfree == SLOTS - 1, "all slots were given back, and %u of %u are "
	    "free", file.a->nfree, SLOTS - 1);
	n = take_all(&again);
	CLAIM(n < SLOTS - 1 || again >= first, "pieces of %u slots were found %u times "
	    "while all was free, and %u times when all had come back", WANT, first,
	    again);
	while (n > 0)
		swap_free(file.taken[--n]);
	ev_mark(2);
	pieces_end();
}

/* ---- step 2 ---- */

static bool
stands_there(const struct pages *p, uint64_t i)
{
	const uint8_t *at = ramdisk_swap() +
	    disk_page(swp_slot(p, i) & SWAP_INDEX_MAX) * PAGE_SIZE;
	uint64_t v[2];

	memcpy(&v[0], at, 8);
	memcpy(&v[1], at + PAGE_SIZE - 8, 8);
	return v[0] == pages_tag(p, i) && v[1] == v[0];
}

/* All requests of the file are under way, those of the other area are idle. */
static void
no_request(const struct pages *p)
{
	static unsigned got;
	struct swap_bio *taken[SWAP_BIOS];
	slot_t slot = swap_alloc(1, &got);
	uint64_t used = swp_used();
	unsigned n = 0;

	CLAIM(slot != 0, "no slot: step 1 comes first");
	if (slot == 0)
		return;
	while (n < SWAP_BIOS &&
	    (taken[n] = swap_bio_take(slot, BIO_WRITE)) != NULL)
		n++;
	family_trim(p);
	pageout_push();
	(void)sleep_until(md_time_ns() + PUSH_NS, WAIT_PLAIN);
	CLAIM(swp_used() == used, "the area that is filled has no idle request: nothing "
	    "can be written, and %lu slots were taken for it and not given back",
	    swp_used() - used);
	while (n > 0)
		swap_bio_give(taken[--n]);
	swap_free(slot);
}

static void
two_areas(void)
{
	uint64_t n = lab_param("n", 60), i;
	struct pages p;
	bool out;

	pieces_begin(8, 1);
	vm_leak_begin();
	p = family_pages(lab_space(), n);
	swp_write_all(&p);
	ev_mark(1);
	no_request(&p);
	out = swp_out(&p);
	ev_mark(2);
	CLAIM(out, "pages stay in memory, though all requests are idle again");
	for (i = 0; out && i < n; i++)
		CLAIM(is_of_file(swp_slot(&p, i)) && stands_there(&p, i), "page %lu is "
		    "not where its slot lies on the disk", i);
	lab_space_end(p.as);
	(void)swp_settle();
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone");
	pieces_end();
}

/* ---- step 4 ---- */

/* Neither page is here; the slot of the second follows, on another piece. */
static bool
lie_apart(const struct pages *p, uint64_t i)
{
	slot_t slot = swp_slot(p, i);

	return swp_frame(p, i) == NULL && swp_frame(p, i + 1) == NULL &&
	    swp_slot(p, i + 1) == slot + 1 &&
	    file.end[slot & SWAP_INDEX_MAX] == (slot & SWAP_INDEX_MAX) + 1;
}

/* A load of page i, and what came along. */
static void
load_piece(const struct pages *p, uint64_t i)
{
	uint64_t value, k;

	CLAIM(family_load(p->as, pages_at(p, i), &value) == 0 &&
	    value == pages_tag(p, i), "page %lu reads as something that was never "
	    "stored", i);
	swp_read_all();
	for (k = i; k < MIN(i + SWAP_RUN, p->n); k++)
		CLAIM(swp_frame(p, k) == NULL || pages_is(p, k, swp_frame(p, k)),
		    "page %lu came with page %lu and has other bytes: its slot follows, "
		    "and lies elsewhere on the disk", k, i);
}

static void
comes_in_pieces(void)
{
	uint64_t n = lab_param("n", 200), i, apart = 0;
	struct pages p;
	bool out;

	pieces_begin(8, 1);
	vm_leak_begin();
	p = family_pages(lab_space(), n);
	swp_write_all(&p);
	out = swp_out(&p);
	CLAIM(out, "pages do not leave memory: step 2 comes first");
	for (i = 0; out && i < n; i++)
		CLAIM(is_of_file(swp_slot(&p, i)) && stands_there(&p, i), "page %lu is "
		    "not where its slot lies on the disk", i);
	ev_mark(1);
	for (i = 0; out && i + 1 < n; i++) {
		if (!lie_apart(&p, i))
			continue;
		apart++;
		load_piece(&p, i);
	}
	CLAIM(!out || apart > 0, "no page's slot follows that of the page before and "
	    "lies elsewhere");
	for (i = 0; out && i < n; i++)
		if (swp_frame(&p, i) == NULL)
			load_piece(&p, i);
	ev_mark(2);
	lab_space_end(p.as);
	(void)swp_settle();
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone");
	pieces_end();
}

const struct selftest selftests_lab_swapfile[] = {
	{ "lab_swap_pieces", in_pieces, "no run of slots goes over the end of a piece" },
	{ "lab_swap_two", two_areas, "without a request of its area no slot is kept" },
	{ "lab_swap_file", comes_in_pieces, "pages of an area in pieces come back" },
	{ NULL, NULL, NULL },
};
