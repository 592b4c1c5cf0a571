/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swapout.c: lab 08, step 2: is what was written on the disk, and who owns
 * the slot?
 *
 * Problem   A page that goes out and never comes back looks right for long.  And
 *           a slot that is freed while the disk still writes to it becomes
 *           another page's, with these bytes.
 *
 * Picture   write, trim, push ─→ word SWAP ─→ bytes on the disk
 *           hold a request ─→ store, unmap, wait ─→ whose is the slot now?
 *
 * Rules     No page is read from swap: step 2 stands without step 3.
 *
 * Read next lab_swappages.c; vm/swap/swap.c, vm/frame/pageio.c.
 */
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"

#define FEW 4u /* pages of a request, at least, that is looked at while it is held */

static uint8_t header[PAGE_SIZE];

static struct pages
begin_out(uint64_t n)
{
	vm_leak_begin();
	memcpy(header, ramdisk_swap(), PAGE_SIZE);
	return family_pages(lab_space(), n);
}

static void
end_out(const struct pages *p, uint64_t used)
{
	lab_space_end(p->as);
	CLAIM(swp_settle(), "a write never ends: its pages stay PF_WRITING");
	CLAIM(swp_used() == used, "all pages have gone, and %lu slots are still "
	    "used", swp_used() - used);
	CLAIM(memcmp(header, ramdisk_swap(), PAGE_SIZE) == 0, "the first page of "
	    "the area has changed: no header, no swap area");
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone");
}

/* ---- bytes ---- */

static void
is_out(const struct pages *p, uint64_t i)
{
	uint64_t word = word_of(p->as, pages_at(p, i));
	slot_t slot = swp_slot(p, i);

	CLAIM(pte_kind(word) == PTE_SWAP, "page %lu was written, its frame was "
	    "wanted, and its word is %s", i, word_name(word));
	if (pte_kind(word) != PTE_SWAP)
		return;
	CLAIM(swp_is_used(slot), "page %lu is in slot %u, whose bit is clear: "
	    "another page will be written there", i, slot & SWAP_INDEX_MAX);
	CLAIM(swp_on_disk(p, i, slot), "page %lu: slot %u has other bytes than "
	    "the program has stored", i, slot & SWAP_INDEX_MAX);
}

static void
bytes_on_disk(void)
{
	uint64_t n = lab_param("n", 200), used = swp_used(), i;
	struct pages p = begin_out(n);
	bool out;

	swp_write_all(&p);
	ev_mark(1);
	out = swp_out(&p);
	ev_mark(2);
	CLAIM(out, "pages stay in memory, though the writer was told to write "
	    "all: swap_out does not write them, or their writes do not end");
	for (i = 0; out && i < n; i++)
		is_out(&p, i);
	CLAIM(!out || swp_used() == used + n, "%lu pages are out, and %lu slots "
	    "more are used than before", n, swp_used() - used);
	end_out(&p, used);
}

/* ---- while a request is held back ---- */

/* The first request of these pages is under way, and ends later. */
static uint64_t
hold_a_write(const struct pages *p)
{
	uint64_t i, n = 0;

	swp_write_all(p);
	swp_inject("FI_IO_DELAY", 1, 1);
	swp_push(p, 1);
	for (i = 0; i < p->n; i++)
		n += swp_frame(p, i) != NULL &&
		    (swp_frame(p, i)->flags & PF_WRITING) != 0;
	CLAIM(n >= FEW && n <= SWAP_RUN, "%lu pages are PF_WRITING, and one "
	    "request is under way", n);
	return n;
}

/* Faults elsewhere until what was held back has ended. */
static void
end_of_write(const struct pages *other)
{
	swp_inject_off();
	swp_let_go(other);
	CLAIM(swp_settle(), "the write was ended, and its pages stay PF_WRITING: "
	    "page_written_locked() says that it is over");
}

/* Page i, being written, is stored to. */
static void
stored_to(const struct pages *p, uint64_t i, slot_t slot)
{
	struct vm_page *pg = swp_frame(p, i);

	CLAIM(swp_is_used(slot), "slot %u was freed while it is being written: "
	    "its next owner's bytes are overwritten by this write",
	    slot & SWAP_INDEX_MAX);
	CLAIM(pg != NULL && (pg->flags & PF_DIRTY) != 0, "page %lu was stored to "
	    "while it is written, and is clean: the store is lost when its frame "
	    "goes", i);
}

static void
stored_to_after(const struct pages *p, uint64_t i, slot_t slot)
{
	struct vm_page *pg = swp_frame(p, i);

	CLAIM(pg != NULL && pg->state == PG_ACTIVE, "page %lu is mapped and left "
	    "memory at the end of its write", i);
	if (pg == NULL)
		return;
	CLAIM(!swp_is_used(slot), "the write of page %lu has ended, nobody wants "
	    "what it wrote, and slot %u is not freed: PF_SLOTSTALE says that it "
	    "is to be", i, slot & SWAP_INDEX_MAX);
	CLAIM(pg->slot == 0, "page %lu has newer bytes than its slot and keeps "
	    "it: read back from there it is old", i);
	CLAIM((pg->flags & PF_SLOTSTALE) == 0, "page %lu keeps PF_SLOTSTALE: its "
	    "next slot is freed under it", i);
}

/* Page i was written and left alone. */
static void
kept(const struct pages *p, uint64_t i)
{
	struct vm_page *pg = swp_frame(p, i);
	slot_t slot = swp_slot(p, i);

	CLAIM(pg == NULL || pg->state == PG_STANDBY, "page %lu is written, "
	    "unmapped and %s", i, pg == NULL ? "" : page_state_name(pg->state));
	CLAIM(slot != 0 && swp_is_used(slot) && swp_on_disk(p, i, slot),
	    "page %lu: the slot that it names has not its bytes", i);
}

static void
stale(void)
{
	uint64_t n = 60, used = swp_used(), was;
	struct pages p = begin_out(n), other = family_pages(p.as, 2 * SWP_OTHER);
	struct vm_page *gone, *too;
	slot_t slot[2];

	ev_mark(3);
	was = hold_a_write(&p);
	if (was >= FEW && was <= SWAP_RUN) {
		slot[0] = swp_slot(&p, 1);
		slot[1] = swp_slot(&p, 2);
		gone = swp_frame(&p, 2);
		CLAIM(slot[0] != 0 && swp_is_used(slot[0]), "page 1 is being "
		    "written, and has no slot");
		was = swp_used();
		swp_store(&p, 1, 7);
		stored_to(&p, 1, slot[0]);
		too = swp_frame(&p, 0);
		swp_unmap(&p, 2);
		swp_unmap(&p, 0);
		CLAIM(swp_is_used(slot[1]), "the program has given page 2 up, and "
		    "its slot was freed while it is being written");
		CLAIM(gone != NULL && (gone->flags & PF_WRITING) != 0,
		    "the frame of page 2 was given back while the disk reads "
		    "it");
		end_of_write(&other);
		stored_to_after(&p, 1, slot[0]);
		CLAIM(!swp_is_used(slot[1]), "page 2 has gone, its write has "
		    "ended, and its slot is not freed");
		CLAIM(gone == NULL || (gone->flags & PF_ORPHAN) == 0, "page 2 "
		    "has gone, its write has ended, and its frame is not "
		    "given back: who ends the write frees it");
		CLAIM(too == NULL || (too->flags & PF_ORPHAN) == 0, "pages 0 and 2 "
		    "have gone, their write has ended, and only one frame is "
		    "given back: page_free_chain() follows qnext");
		CLAIM(swp_used() == was - 3, "three slots were to be freed, and "
		    "%lu were", was - swp_used());
		kept(&p, 3);
		kept(&p, n - 1);
	}
	ev_mark(4);
	swp_inject_off();
	end_out(&p, used);
}

/* A page with a slot becomes dirty, or goes: the slot is free at once. */
static void
dropped(void)
{
	uint64_t n = 60, used = swp_used(), i, was;
	struct pages p = begin_out(n);
	slot_t slot;

	swp_write_all(&p);
	ev_mark(5);
	swp_push(&p, 0);
	CLAIM(swp_settle(), "a write never ends");
	was = swp_used();
	CLAIM(was == used + n, "%lu pages were written, and %lu slots are used", n,
	    was - used);
	for (i = 0; was == used + n && i < n; i++) {
		if (swp_frame(&p, i) == NULL)
			continue;
		slot = swp_slot(&p, i);
		kept(&p, i);
		if (i % 2 == 0)
			swp_unmap(&p, i);
		else
			swp_store(&p, i, 7);
		CLAIM(!swp_is_used(slot), "page %lu was %s, and slot %u with its "
		    "older bytes is not freed", i, i % 2 == 0 ? "given up" :
		    "stored to", slot & SWAP_INDEX_MAX);
		CLAIM(i % 2 == 0 || swp_slot(&p, i) == 0, "page %lu has no slot "
		    "any more, and says it has", i);
	}
	ev_mark(6);
	end_out(&p, used);
}

/* ---- no run, no bio ---- */

/* Each slot alone; then so many requests that no bio is left. */
static void
scarce(void)
{
	uint64_t n = 560, used = swp_used(), i, writing;
	struct pages p = begin_out(n);
	bool out;

	swp_write_all(&p);
	ev_mark(7);
	swp_inject("FI_IO_DELAY", 1, 1000);
	swp_push(&p, SWAP_BIOS);
	writing = pages_writing;
	CLAIM(writing > 0 && writing <= SWAP_BIOS * SWAP_RUN, "%lu pages are "
	    "being written, and %u requests can be under way", writing,
	    SWAP_BIOS);
	CLAIM(swp_used() == used + writing, "%lu pages are being written, and "
	    "%lu slots are used: who gets no bio gives its slots back", writing,
	    swp_used() - used);
	swp_inject_off();
	CLAIM(swp_settle(), "a write never ends");
	swp_inject("FI_SLOT", 1, 100000);
	out = swp_out(&p);
	swp_inject_off();
	ev_mark(8);
	CLAIM(out, "pages stay in memory where slots come one by one");
	for (i = 0; out && i < n; i++)
		is_out(&p, i);
	CLAIM(atomic_load(&swaps.idle) == SWAP_BIOS, "nothing is under way, and "
	    "%lu of %u bios are idle", atomic_load(&swaps.idle), SWAP_BIOS);
	end_out(&p, used);
}

/* ---- given up when it is written ---- */

static void
freed_when_written(void)
{
	uint64_t n = 60, used = swp_used(), i;
	struct pages p = begin_out(n);
	struct vm_page *pg;

	swp_write_all(&p);
	family_trim(&p);
	for (i = 0; i < n; i++) {
		pg = swp_frame(&p, i);
		if (pg == NULL)
			continue;
		spin_lock(&pfn_lock);
		(void)pageout_page(pg, SWAP_FREE);
		spin_unlock(&pfn_lock);
	}
	CLAIM(swp_settle(), "a write never ends");
	for (i = 0; i < n; i++) {
		CLAIM(swp_frame(&p, i) == NULL, "page %lu was to give its frame up "
		    "when it is written (SWAP_FREE), and keeps it", i);
		if (swp_frame(&p, i) == NULL)
			is_out(&p, i);
	}
	end_out(&p, used);
}

/* ---- stores that come late ---- */

/* The slot of page i has this value, and not what was written before. */
static void
has_value(const struct pages *p, uint64_t i, uint64_t value)
{
	uint64_t v = 0;
	slot_t slot = swp_slot(p, i);

	memcpy(&v, ramdisk_swap() + (uint64_t)(slot & SWAP_INDEX_MAX) *
	    PAGE_SIZE, 8);
	CLAIM(slot != 0 && v == value, "page %lu was stored to while it was being "
	    "written, and its slot has older bytes", i);
}

/* Any of the pages are stored to while they are written; then all go out. */
static void
late(void)
{
	uint64_t seed = lab_param("seed", 1) | 1, rounds = lab_param("rounds", 3);
	uint64_t n = lab_param("n", 40), used = swp_used(), stored, i, k;
	struct pages p = begin_out(n), other = family_pages(p.as, 2 * SWP_OTHER);

	ev_mark(1);
	for (k = 0; k < rounds; k++) {
		if (hold_a_write(&p) < FEW)
			break;
		stored = lab_random(&seed);
		for (i = 0; i < SWAP_RUN; i++)
			if ((stored >> i & 1) != 0)
				swp_store(&p, i, 1000 * k + i);
		end_of_write(&other);
		swp_push(&p, 0);
		CLAIM(swp_settle(), "a write never ends");
		for (i = 0; i < SWAP_RUN; i++)
			if ((stored >> i & 1) != 0)
				has_value(&p, i, 1000 * k + i);
			else
				kept(&p, i);
	}
	ev_mark(2);
	end_out(&p, used);
}

static void
written(void)
{
	bytes_on_disk();
	stale();
	dropped();
	scarce();
	freed_when_written();
}

const struct selftest selftests_lab_swapout[] = {
	{ "lab_swap_written", written, "what was written is on the disk, and whose slot it is" },
	{ "lab_swap_late", late, "stores during a write arrive" },
	{ NULL, NULL, NULL },
};
