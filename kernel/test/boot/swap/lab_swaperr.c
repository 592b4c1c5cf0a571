/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swaperr.c: lab 08, step 5: a disk that refuses
 *
 * Problem   A bad sector shall cost one page, not sixteen, and no page that is
 *           still in memory.
 *
 * Picture   a request of 16 fails ─→ page by page ─→ one fails again: retired
 *             out: the page stays, dirty, and goes to another slot
 *             in:  its word says ERROR, the program gets SIGBUS
 *
 * Read next lab_swappages.c; vm/swap/swap.c.
 */
#include "test/boot/swap/lab_swappages.h"
#include "test/boot/table/lab_tables.h"

#define LEFT 3u          /* frames that nobody gets */
#define TRIES 300
#define TRY_NS 1000000ul
#define TABLES 4u
#define KERNEL 8u        /* pages of the kernel's own */

static void
end_errors(const struct pages *p, uint64_t used)
{
	lab_space_end(p->as);
	CLAIM(swp_settle(), "a write never ends");
	swp_read_all(); /* a bio is given back behind the pages that it brought */
	CLAIM(swp_used() == used, "all pages have gone, and %lu slots more are used "
	    "than before", swp_used() - used);
	CLAIM(atomic_load(&swaps.idle) == SWAP_BIOS, "nothing is under way, and "
	    "%lu of %u bios are idle", atomic_load(&swaps.idle), SWAP_BIOS);
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone");
}

/* One slot more is bad, and so much less may be promised. */
static void
one_is_retired(slot_t slot, uint64_t bad, uint64_t slots, const char *what)
{
	struct swap_stat st;

	swap_stat(&st);
	CLAIM(swp_is_used(slot), "slot %u could not be %s, and its bit is clear: "
	    "it will be used again", slot & SWAP_INDEX_MAX, what);
	CLAIM(st.bad == bad + 1, "one slot could not be %s, and %lu are bad", what,
	    st.bad - bad);
	CLAIM(st.slots == slots - 1, "one slot could not be %s, and %lu slots less "
	    "may hold pages", what, slots - st.slots);
}

/* The request for all pages and then page 0 alone are refused. */
static void
write_errors(void)
{
	uint64_t n = SWAP_RUN, used = swp_used(), bad = swp_bad(), i;
	uint64_t errors = ev_read(EV_swap_write_errors);
	struct swap_stat st;
	struct pages p;
	struct vm_page *pg;
	slot_t slot;

	swap_stat(&st);
	vm_leak_begin();
	p = family_pages(lab_space(), n);
	swp_write_all(&p);
	ev_mark(1);
	swp_inject("FI_IO_DELAY", 1, 1);
	CHECK(inject_set("FI_SWAPOUT:1:1:2") == 0);
	swp_push(&p, 1);
	slot = swp_slot(&p, 0);
	(void)swp_settle();
	swp_inject_off();
	pg = swp_frame(&p, 0);
	CLAIM(pg != NULL && pages_is(&p, 0, pg), "page 0 could not be written, and "
	    "is not in memory any more: its bytes are lost");
	CLAIM(pg == NULL || (pg->state == PG_MODIFIED &&
	    (pg->flags & PF_DIRTY) != 0 && pg->slot == 0), "page 0 could not be "
	    "written: it is dirty, on its queue, and has no slot");
	CLAIM(ev_read(EV_swap_write_errors) - errors == 1, "one page could not be "
	    "written, and swap.write_errors says %lu: what failed together is "
	    "tried again page by page", ev_read(EV_swap_write_errors) - errors);
	one_is_retired(slot, bad, st.slots, "written");
	CLAIM(swp_out(&p), "a page that could not be written does not go to "
	    "another slot");
	ev_mark(2);
	for (i = 0; i < n; i++)
		CLAIM(swp_slot(&p, i) != 0 && swp_slot(&p, i) != slot &&
		    swp_on_disk(&p, i, swp_slot(&p, i)), "page %lu is not where "
		    "its word says", i);
	end_errors(&p, used);
}

/* Page i is lost, and only that one. */
static void
only_it_is_lost(const struct pages *p, uint64_t i)
{
	uint64_t word = word_of(p->as, pages_at(p, i)), value, k;

	CLAIM(pte_kind(word) == PTE_ERROR, "page %lu could not be read, and its "
	    "word is %s", i, word_name(word));
	CLAIM(pte_kind(word) != PTE_ERROR ||
	    (word >> PTE_ERRNO_SHIFT & 0xff) == EIO, "page %lu could not be read: "
	    "its word carries %lu, not EIO", i, word >> PTE_ERRNO_SHIFT & 0xff);
	for (k = 0; k < p->n; k++) {
		if (k == i)
			continue;
		CLAIM(family_load(p->as, pages_at(p, k), &value) == 0 &&
		    value == pages_tag(p, k), "page %lu could not be read, and "
		    "page %lu came back wrong, or not at all", i, k);
	}
}

/* Those before page i are loaded in order: its own read will bring three others. */
static void
begin_sequence(const struct pages *p, uint64_t i)
{
	uint64_t value, k;

	for (k = i - 3; k < i; k++)
		CLAIM(family_load(p->as, pages_at(p, k), &value) == 0,
		    "page %lu does not come back", k);
}

static void
read_errors(void)
{
	uint64_t n = 64, used = swp_used(), bad = swp_bad(), value;
	uint64_t errors = ev_read(EV_swap_read_errors);
	struct swap_stat st;
	struct pages p, other;
	bool out;
	slot_t slot;

	swap_stat(&st);
	vm_leak_begin();
	p = family_pages(lab_space(), n);
	other = family_pages(p.as, SWP_OTHER);
	swp_write_all(&p);
	out = swp_out(&p);
	CLAIM(out, "pages do not leave memory: step 2 comes first");
	ev_mark(3);
	if (out) {
		begin_sequence(&p, 3);
		slot = swp_slot(&p, 3);
		/* The request for four pages fails, then page 3 alone, while swapoff
		 * empties the area; it gives up. */
		swap_area_close(swap_area(0));
		CHECK(inject_set("FI_SWAPIN:1:1:2") == 0);
		CLAIM(family_load(p.as, pages_at(&p, 3), &value) != 0, "page 3 "
		    "could not be read, and the load has read something");
		swp_inject_off();
		CLAIM(ev_read(EV_swap_read_errors) - errors == 1, "one page could "
		    "not be read, and swap.read_errors says %lu",
		    ev_read(EV_swap_read_errors) - errors);
		swap_area_reopen(swap_area(0));
		one_is_retired(slot, bad, st.slots, "read");
		only_it_is_lost(&p, 3);
		/* Page 40 goes while it is being read, and cannot be. */
		swp_push(&p, 0);
		(void)swp_settle();
		while (phys_reclaim())
			;
		begin_sequence(&p, 40);
		slot = swp_slot(&p, 40);
		swp_inject("FI_IO_DELAY", 1, 1);
		CHECK(inject_set("FI_SWAPIN:1:1:2") == 0);
		swp_reader(&p, 40);
		swp_while(&p, 40, PTE_SWAP);
		swp_unmap(&p, 40);
		swp_let_go(&other);
		CLAIM(swp_reader_ends() != 0, "page 40 was unmapped while it was "
		    "being read, and the load has read something");
		swp_read_all();
		swp_inject_off();
		CLAIM(swp_bad() == bad + 2 && swp_is_used(slot), "page 40 was given "
		    "up, its slot could not be read, and is used again");
	}
	ev_mark(4);
	end_errors(&p, used);
}

/* Two reads of a table fail, the third does not: with a table go all its pages. */
static void
table_errors(void)
{
	uint64_t bad = swp_bad(), i;
	struct tables t = tables_map(TABLES);
	bool out;

	tables_write(&t);
	out = tables_out(&t);
	CLAIM(out, "tables do not leave memory: step 2 comes first");
	if (out) {
		CHECK(inject_set("FI_SWAPIN:1:1:2") == 0);
		CLAIM(tables_reads(&t, t.as, 0), "two reads of a page table have "
		    "failed, and it was given up: swap_read_again() says whether a "
		    "page is read once more");
		swp_inject_off();
		CLAIM(swp_bad() == bad, "a page table was read in the end, and its "
		    "slot is retired");
		for (i = 1; i < t.n; i++)
			CLAIM(tables_reads(&t, t.as, i), "page %lu does not come "
			    "back", i);
	}
	tables_end(&t);
}

static void
kernel_pages_out(va_t kva)
{
	bool here = true;
	unsigned try, i;

	for (try = 0; here && try < TRIES; try++) {
		(void)kpaged_trim();
		tables_steal();
		here = false;
		for (i = 0; i < KERNEL; i++)
			here |= !kpaged_is_out(kva + i * PAGE_SIZE);
	}
	CLAIM(!here, "the kernel's own pages do not leave memory: step 2 comes "
	    "first");
}

/* Page i has this value, and the next one a greater one. */
static void
kernel_page(va_t kva, unsigned i, uint64_t value, bool store)
{
	va_t at = kva + i * PAGE_SIZE;
	struct vm_page *pg;
	uint64_t *word;

	CHECK(kpaged_pin(at, &pg) == 0);
	word = kpaged_ptr(pg, at);
	if (store)
		*word = value + i;
	CLAIM(*word == value + i, "page %u of the kernel's own had %lu and has %lu: "
	    "it could be read the second time, and was given up", i, value + i,
	    *word);
	page_unpin_written(pg, store);
}

/*
 * Of pages that come by one request each second read fails; then each read of one
 * page does, and it is counted as out until somebody makes it anew.
 */
static void
kernel_errors(void)
{
	uint64_t bad = swp_bad();
	va_t kva = kpaged_alloc(KERNEL);
	struct vm_page *pg;
	unsigned i;

	CHECK(kva != 0);
	for (i = 0; i < KERNEL; i++)
		kernel_page(kva, i, 1000, true);
	kernel_pages_out(kva);
	swaps.window = SWAP_RUN; /* so that they come together */
	CHECK(inject_set("FI_SWAPIN:1:2:100") == 0);
	for (i = 0; i < KERNEL; i++)
		kernel_page(kva, i, 1000, false);
	swp_inject_off();
	CLAIM(swp_bad() == bad, "each page of the kernel's own could be read the "
	    "second time, and slots are retired: how often a page was tried "
	    "(again) begins at 0 for each");
	kernel_pages_out(kva);
	CHECK(inject_set("FI_SWAPIN:1:1:100") == 0);
	CHECK(kpaged_pin(kva + (KERNEL - 1) * PAGE_SIZE, &pg) == 0);
	swp_inject_off();
	CLAIM(page_hides_loss(pg), "a page of the kernel's own could not be read, "
	    "and the new one in its place does not say so");
	page_unpin(pg);
	CLAIM(vm_check(2) == 0, "vm_check finds something where a page of the "
	    "kernel's own was lost and made anew: lost, it is still counted as out");
	kpaged_free(kva, KERNEL);
}

/* ---- no frame is left ---- */

/*
 * All pages are dirty, and all frames but a few are taken, also from the
 * reserve: what is written needs none.
 */
static void
no_frames(void)
{
	uint64_t n = lab_param("n", 300), used = swp_used(), i, out = 0;
	struct vm_page *pg, *taken = NULL;
	struct pages p;

	vm_leak_begin();
	p = family_pages(lab_space(), n);
	swp_write_all(&p);
	family_trim(&p);
	vm_reserved_enter();
	ev_mark(1);
	while (frames_available() > LEFT && (pg = page_alloc(PHYS_ANY)) != NULL) {
		pg->qnext = taken == NULL ? 0 : page_pfn(taken);
		taken = pg;
	}
	pageout_push();
	for (i = 0; i < TRIES && out < n / 2; i++) {
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		out = ev_read(EV_swap_out_pages);
	}
	ev_mark(2);
	vm_reserved_leave();
	CLAIM(out >= n / 2, "no frame is free, %lu pages wait to be written, and "
	    "nothing is written: the writer needs what only it can free", n);
	page_free_chain(taken == NULL ? 0 : page_pfn(taken));
	(void)swp_out(&p);
	end_errors(&p, used);
}

static void
errors(void)
{
	write_errors();
	read_errors();
	table_errors();
	kernel_errors();
}

const struct selftest selftests_lab_swaperr[] = {
	{ "lab_swap_no_frames", no_frames, "to write needs no frame" },
	{ "lab_swap_errors", errors, "what the disk refuses costs one page" },
	{ NULL, NULL, NULL },
};
