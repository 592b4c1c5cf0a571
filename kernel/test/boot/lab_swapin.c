/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swapin.c: lab 08, steps 3 and 4: a page on its way back, and its neighbours
 *
 * Problem   Between the begin of a read and its end the word names a frame that
 *           holds garbage.  Who looks then must wait, not read again; who gives
 *           the page up must not get it back.
 *
 * Picture   SWAP ─→ BUSY, READING: a second reader, munmap, a pin ─→ TRANS
 *           word 0 wanted: words 1 … 7 behind it on swap come along
 *
 * Read next lab_swappages.c; vm/swap/swap.c, vm/want/want.c.
 */
#include "test/boot/lab_swappages.h"

#define PAGES_MOST 200u
#define REQUESTS 8u      /* for one load, at most: AHEAD_BIOS of swap.c */

/* n pages, all on swap. */
static bool
begin_in(struct pages *p, uint64_t n)
{
	bool out;

	vm_leak_begin();
	*p = family_pages(lab_space(), n);
	swp_write_all(p);
	out = swp_out(p);
	CLAIM(out, "pages do not leave memory: step 2 comes first");
	return out;
}

static void
end_in(const struct pages *p, uint64_t used)
{
	lab_space_end(p->as);
	CLAIM(swp_settle(), "a write never ends");
	swp_read_all(); /* a bio is given back behind the pages that it brought */
	CLAIM(swp_used() == used, "all pages have gone, and %lu slots are still "
	    "used", swp_used() - used);
	CLAIM(atomic_load(&swaps.idle) == SWAP_BIOS, "nothing is under way, and "
	    "%lu of %u bios are idle", atomic_load(&swaps.idle), SWAP_BIOS);
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone");
}

/* Page i has come by a load. */
static void
is_back(const struct pages *p, uint64_t i, slot_t slot)
{
	struct vm_page *pg = swp_frame(p, i);

	CLAIM(pg != NULL, "page %lu was read, and its word names no frame", i);
	if (pg == NULL)
		return;
	CLAIM(pages_is(p, i, pg), "page %lu came back with other bytes", i);
	CLAIM(pg->slot == slot && swp_is_used(slot), "page %lu was only read: slot "
	    "%u still has its bytes, and giving its frame away again needs no "
	    "write", i, slot & SWAP_INDEX_MAX);
	CLAIM((pg->flags & PF_DIRTY) == 0, "page %lu was only read, and is dirty: "
	    "it will be written though its slot has its bytes", i);
}

/* ---- step 3 ---- */

/* Page i is being read; a second reader comes. */
static void
two_readers(const struct pages *p, uint64_t i, const struct pages *other)
{
	slot_t slot = swp_slot(p, i);
	struct vm_page *pg;
	uint64_t pages, value;

	swp_inject("FI_IO_DELAY", 1, 1);
	swp_reader(p, i);
	swp_while(p, i, PTE_SWAP);
	pages = ev_read(EV_swap_in_pages);
	pg = swp_frame(p, i);
	CLAIM(pte_kind(word_of(p->as, pages_at(p, i))) == PTE_BUSY &&
	    pg != NULL && pg->state == PG_READING, "page %lu is being read, and "
	    "its word is %s: a second reader begins the same read", i,
	    word_name(word_of(p->as, pages_at(p, i))));
	CLAIM(pg == NULL || pg->slot == slot, "page %lu is being read: the frame "
	    "does not know its slot, and the slot has no owner", i);
	swp_inject_off();
	swp_let_go(other);
	CLAIM(family_load(p->as, pages_at(p, i), &value) == 0, "page %lu cannot "
	    "be read", i);
	CLAIM(swp_reader_ends() == 0, "page %lu cannot be read", i);
	CLAIM(ev_read(EV_swap_in_pages) == pages, "a second reader of page %lu has "
	    "it read again", i);
	is_back(p, i, slot);
}

/* The program gives page i up while it is being read. */
static void
given_up(const struct pages *p, uint64_t i, const struct pages *other)
{
	slot_t slot = swp_slot(p, i);
	struct vm_page *pg;

	swp_inject("FI_IO_DELAY", 1, 1);
	swp_reader(p, i);
	swp_while(p, i, PTE_SWAP);
	pg = swp_frame(p, i);
	swp_unmap(p, i);
	swp_inject_off();
	swp_let_go(other);
	CLAIM(swp_reader_ends() != 0, "page %lu was unmapped while it was being "
	    "read, and the load has read something", i);
	CLAIM(!swp_is_used(slot), "page %lu was given up while it was being read: "
	    "the end of the read frees slot %u", i, slot & SWAP_INDEX_MAX);
	CLAIM(pg == NULL || pg->state != PG_READING, "page %lu was given up while "
	    "it was being read, and its frame stays READING for ever", i);
}

/* swap_in itself, for the word of page i. */
static enum swap_in_result
read_word(const struct pages *p, uint64_t i, bool pin, struct vm_page **frame,
    struct vm_page **wait)
{
	struct swap_words w = { .step = 1, .max = 1, .home = HOME_PTE,
		.pin = pin };
	enum swap_in_result r;

	mutex_lock(&p->as->ws_lock);
	w.word = pt_find(p->as, pages_at(p, i), &w.container);
	CHECK(w.word != NULL);
	r = swap_in(&w, frame, wait);
	mutex_unlock(&p->as->ws_lock);
	return r;
}

static void
read_pinned(const struct pages *p, uint64_t i)
{
	GIVEN struct vm_page *frame, *wait;
	struct vm_page *was;
	enum swap_in_result r;

	frame = page_alloc(PHYS_ANY);
	wait = NULL;
	was = frame;
	CHECK(frame != NULL);
	r = read_word(p, i, true, &frame, &wait);
	CLAIM(r == SWAPIN_STARTED && frame == NULL && wait == was, "the read of "
	    "page %lu was begun: swap_in says STARTED, *frame is NULL and *wait "
	    "the frame", i);
	if (r != SWAPIN_STARTED || wait == NULL)
		return;
	page_wait_plain(wait);
	CLAIM(wait->pins == 1 && wait->state == PG_ACTIVE, "a pin was asked for "
	    "(w->pin), and the page has %u", wait->pins);
	while (phys_reclaim())
		;
	CLAIM(swp_frame(p, i) == wait && pages_is(p, i, wait), "page %lu was "
	    "pinned, and has left memory", i);
	page_unpin(wait);
}

static void
not_on_swap(const struct pages *p, uint64_t i)
{
	GIVEN struct vm_page *frame, *wait;
	struct vm_page *was;

	frame = page_alloc(PHYS_ANY);
	was = frame;
	CHECK(frame != NULL);
	CLAIM(read_word(p, i, false, &frame, &wait) == SWAPIN_CHANGED &&
	    frame == was, "the word of page %lu is SWAP no more: swap_in says "
	    "CHANGED and leaves the frame to its caller", i);
	if (frame != NULL)
		page_free(frame);
}

/* All bios are under way. */
static void
no_bio(const struct pages *p, uint64_t i)
{
	GIVEN struct vm_page *frame, *wait;
	struct vm_page *was;
	struct swap_bio *taken[SWAP_BIOS];
	slot_t slot;
	unsigned n;

	frame = page_alloc(PHYS_ANY);
	was = frame;
	slot = swp_slot(p, i);
	n = 0;
	CHECK(frame != NULL);
	while (n < SWAP_BIOS &&
	    (taken[n] = swap_bio_take(slot, BIO_READ)) != NULL)
		n++;
	CLAIM(read_word(p, i, false, &frame, &wait) == SWAPIN_NOBIO &&
	    frame == was && swp_slot(p, i) == slot, "no bio is idle: swap_in "
	    "says NOBIO and leaves frame and word as they are");
	while (n > 0)
		swap_bio_give(taken[--n]);
	if (frame != NULL)
		page_free(frame);
}

static void
back(void)
{
	uint64_t n = lab_param("n", 80), used = swp_used(), i, value, before;
	struct pages p, other;
	slot_t slot;

	if (!begin_in(&p, n)) {
		end_in(&p, used);
		return;
	}
	other = family_pages(p.as, SWP_OTHER);
	ev_mark(1);
	two_readers(&p, 0, &other);
	given_up(&p, 20, &other);
	other = family_pages(p.as, SWP_OTHER);
	no_bio(&p, 40);
	read_pinned(&p, 40);
	not_on_swap(&p, 0);
	before = p.as->n_swap;
	for (i = 50; i < n; i++) {
		slot = swp_slot(&p, i);
		CLAIM(family_load(p.as, pages_at(&p, i), &value) == 0 &&
		    value == pages_tag(&p, i), "page %lu reads as something that "
		    "was never stored", i);
		is_back(&p, i, slot);
	}
	CLAIM(p.as->n_swap <= before - (n - 50), "%lu pages have come back, and "
	    "n_swap of the space went from %lu to %lu", n - 50, before,
	    (uint64_t)p.as->n_swap);
	ev_mark(2);
	end_in(&p, used);
}

/* ---- step 4 ---- */

/* How many of [i, i + SWAP_RUN) have a frame. */
static unsigned
came(const struct pages *p, uint64_t i)
{
	unsigned n = 0, k;

	for (k = 0; k < SWAP_RUN && i + k < p->n; k++)
		n += swp_frame(p, i + k) != NULL;
	return n;
}

/*
 * How many pages a load of page i brings: those of the window whose slots lie in the
 * first REQUESTS pieces.  One request for each piece.
 */
static unsigned
within_reach(const struct pages *p, uint64_t i, unsigned *requests)
{
	unsigned k;

	*requests = 1;
	for (k = 1; k < swaps.window && i + k < p->n; k++) {
		if (swp_slot(p, i + k) == swp_slot(p, i + k - 1) + 1)
			continue;
		if (*requests == REQUESTS)
			break;
		(*requests)++;
	}
	return k;
}

/* One load at i: what is within reach comes, and nothing else. */
static void
one_load(const struct pages *p, uint64_t i)
{
	uint64_t ops = ev_read(EV_swap_in_bios), ahead = ev_read(EV_swap_ra_pages);
	unsigned n, k, bios, pages = within_reach(p, i, &bios);
	uint64_t value;

	(void)family_load(p->as, pages_at(p, i), &value);
	swp_read_all();
	n = came(p, i);
	CLAIM(n == pages, "a load of page %lu brings %u pages; %u of the window of "
	    "%u are on swap", i, n, pages, swaps.window);
	CLAIM(ev_read(EV_swap_in_bios) - ops == bios, "%u pages came by %lu "
	    "requests; their slots make %u", n, ev_read(EV_swap_in_bios) - ops,
	    bios);
	CLAIM(ev_read(EV_swap_ra_pages) - ahead == n - 1, "%u pages came with "
	    "another, and swap.ra_pages rose by %lu", n - 1,
	    ev_read(EV_swap_ra_pages) - ahead);
	for (k = 0; k < SWAP_RUN && i + k < p->n; k++)
		if (swp_frame(p, i + k) != NULL)
			is_back(p, i + k, swp_slot(p, i + k));
	for (k = 1; k < pages; k++)
		CLAIM(swp_frame(p, i + k) == NULL ||
		    swp_frame(p, i + k)->swp.ahead, "page %lu came ahead of any "
		    "wish, and swp.ahead does not say so: nobody learns how far "
		    "to read", i + k);
}

/*
 * Each third page is stored to, and goes to another place: its old slot is
 * taken by blocks[].
 */
static unsigned
scatter(const struct pages *p, slot_t *blocks)
{
	GIVEN unsigned got;
	unsigned n = 0;
	uint64_t i;

	for (i = 0; i < p->n; i += 3) {
		pages_write(p, i);
		blocks[n] = swap_alloc(1, &got);
		n += blocks[n] != 0;
	}
	CLAIM(swp_out(p), "pages do not leave memory");
	return n;
}

static void
one_request(uint64_t n, uint64_t used)
{
	struct pages p;

	if (begin_in(&p, n)) {
		ev_mark(1);
		one_load(&p, 0);
		one_load(&p, 32);
		one_load(&p, n - 3);
		ev_mark(2);
	}
	end_in(&p, used);
}

static void
some_requests(uint64_t n, uint64_t used)
{
	slot_t blocks[PAGES_MOST];
	unsigned made = 0, requests;
	struct pages p;

	CHECK(n <= PAGES_MOST);
	if (begin_in(&p, n)) {
		made = scatter(&p, blocks);
		(void)within_reach(&p, 1, &requests);
		CLAIM(requests > 1, "pages went back to slots that are taken");
		ev_mark(3);
		one_load(&p, 1);
		one_load(&p, 40);
		ev_mark(4);
	}
	while (made > 0)
		swap_free(blocks[--made]);
	end_in(&p, used);
}

static void
ahead(void)
{
	uint64_t n = lab_param("n", 96), used = swp_used();

	one_request(n, used);
	some_requests(n, used);
}

const struct selftest selftests_lab_swapin[] = {
	{ "lab_swap_back", back, "a page on its way back: once, whole, and with its slot" },
	{ "lab_swap_ahead", ahead, "what lies behind it comes along" },
	{ NULL, NULL, NULL },
};
