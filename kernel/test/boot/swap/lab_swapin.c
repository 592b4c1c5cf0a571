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
#include "lib/bitmap.h"
#include "test/boot/swap/lab_swappages.h"

#define PAGES_MOST 200u
#define REQUESTS 8u      /* for one load, at most: AHEAD_BIOS of swap.c */

/* n pages, all on swap. */
static bool
begin_in(struct pages *p, uint64_t n)
{
	bool out;

	/* Whatever became of what others have read ahead. */
	spin_lock(&pfn_lock);
	swaps.window = SWAP_RUN / 2;
	spin_unlock(&pfn_lock);
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

/* swap_in itself, for the word of page i and the others up to max. */
static enum swap_in_result
read_words(const struct pages *p, uint64_t i, long step, unsigned max, bool pin,
    struct vm_page **frame, struct vm_page **wait)
{
	struct swap_words w = { .step = step, .max = max, .home = HOME_PTE,
		.pin = pin };
	enum swap_in_result r;

	mutex_lock(&p->as->ws_lock);
	w.word = pt_find(p->as, pages_at(p, i), &w.container);
	CHECK(w.word != NULL);
	r = swap_in(&w, frame, wait);
	mutex_unlock(&p->as->ws_lock);
	return r;
}

static enum swap_in_result
read_word(const struct pages *p, uint64_t i, bool pin, struct vm_page **frame,
    struct vm_page **wait)
{
	return read_words(p, i, 1, 1, pin, frame, wait);
}

static void
read_pinned(const struct pages *p, uint64_t i)
{
	static struct vm_page *frame, *wait;
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
	static struct vm_page *frame, *wait;
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
	static struct vm_page *frame, *wait;
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
	before = p.as->words.swap;
	for (i = 50; i < n; i++) {
		slot = swp_slot(&p, i);
		CLAIM(family_load(p.as, pages_at(&p, i), &value) == 0 &&
		    value == pages_tag(&p, i), "page %lu reads as something that "
		    "was never stored", i);
		is_back(&p, i, slot);
	}
	CLAIM(p.as->words.swap <= before - (n - 50), "%lu pages have come back, and "
	    "words.swap of the space went from %lu to %lu", n - 50, before,
	    (uint64_t)p.as->words.swap);
	ev_mark(2);
	end_in(&p, used);
}

/* ---- step 4 ---- */

/* Is there a page i + k * step? */
static bool
has_page(const struct pages *p, uint64_t i, long step, unsigned k)
{
	return i + (uint64_t)(step * (long)k) < p->n;
}

/* How many of SWAP_RUN pages from i on have a frame. */
static unsigned
came(const struct pages *p, uint64_t i, long step)
{
	unsigned n = 0, k;

	for (k = 0; k < SWAP_RUN && has_page(p, i, step, k); k++)
		n += swp_frame(p, i + (uint64_t)(step * (long)k)) != NULL;
	return n;
}

/*
 * How many pages a read of page i brings: those of the window whose slots lie in the
 * first REQUESTS pieces.  One request for each piece.
 */
static unsigned
within_reach(const struct pages *p, uint64_t i, long step, unsigned *requests)
{
	unsigned k;

	*requests = 1;
	for (k = 1; k < swaps.window && has_page(p, i, step, k); k++) {
		if (swp_slot(p, i + (uint64_t)(step * (long)k)) ==
		    swp_slot(p, i + (uint64_t)(step * (long)(k - 1))) + step)
			continue;
		if (*requests == REQUESTS)
			break;
		(*requests)++;
	}
	return k;
}

/* One read of the words from i on, upwards (1) or downwards (-1): what is within reach
 * comes, and nothing else.  Then page i is loaded. */
static void
one_read(const struct pages *p, uint64_t i, long step)
{
	uint64_t ops = ev_read(EV_swap_in_bios), ahead = ev_read(EV_swap_ra_pages);
	unsigned n, k, bios, pages = within_reach(p, i, step, &bios);
	static struct vm_page *frame, *wait;
	uint64_t value, at;

	frame = page_alloc(PHYS_ANY);
	wait = NULL;
	CHECK(frame != NULL);
	CLAIM(read_words(p, i, step, step > 0 ? MD_PT_WORDS -
	    md_pt_index(pages_at(p, i), 1) : (unsigned)i + 1, false, &frame,
	    &wait) == SWAPIN_STARTED, "page %lu is on swap, and swap_in begins no "
	    "read", i);
	if (frame != NULL)
		page_free(frame);
	swp_read_all();
	n = came(p, i, step);
	CLAIM(n == pages, "a read of page %lu brings %u pages; %u of the window of "
	    "%u are on swap (w->step %d)", i, n, pages, swaps.window, (int)step);
	/* A request may also grow downwards. */
	CLAIM(step < 0 || ev_read(EV_swap_in_bios) - ops == bios, "%u pages came by "
	    "%lu requests; their slots make %u", n,
	    ev_read(EV_swap_in_bios) - ops, bios);
	CLAIM(ev_read(EV_swap_ra_pages) - ahead == n - 1, "%u pages came with "
	    "another, and swap.ra_pages rose by %lu", n - 1,
	    ev_read(EV_swap_ra_pages) - ahead);
	for (k = 1; k < pages; k++) {
		at = i + (uint64_t)(step * (long)k);
		CLAIM(swp_frame(p, at) == NULL || swp_frame(p, at)->swp.ahead,
		    "page %lu came ahead of any wish, and swp.ahead does not say "
		    "so: nobody learns how far to read", at);
	}
	(void)family_load(p->as, pages_at(p, i), &value);
	for (k = 0; k < SWAP_RUN && has_page(p, i, step, k); k++) {
		at = i + (uint64_t)(step * (long)k);
		if (swp_frame(p, at) != NULL)
			is_back(p, at, swp_slot(p, at));
	}
}

/* The slot is free: somebody else takes it.  False: it is not. */
static bool
occupy(slot_t slot)
{
	uint32_t i = slot & SWAP_INDEX_MAX;
	struct swap_area *a;
	bool is_free;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	is_free = !bitmap_test(a->map, i);
	if (is_free) {
		bitmap_set(a->map, i);
		a->nfree--;
		atomic_add(&swaps.used, 1);
		atomic_sub(&swaps.room, 1);
	}
	spin_unlock(&swaps.lock);
	return is_free;
}

/*
 * Each third page is stored to, and goes to another place: its old slot is
 * taken by blocks[].
 */
static unsigned
scatter(const struct pages *p, slot_t *blocks)
{
	slot_t old[PAGES_MOST / 3 + 1];
	unsigned n = 0;
	uint64_t i;

	for (i = 0; i < p->n; i += 3) {
		old[i / 3] = swp_slot(p, i);
		pages_write(p, i);
	}
	family_trim(p);
	for (i = 0; i < p->n; i += 3)
		if (old[i / 3] != 0 && occupy(old[i / 3]))
			blocks[n++] = old[i / 3];
	CLAIM(swp_out(p), "pages do not leave memory");
	return n;
}

static void
one_request(uint64_t n, uint64_t used)
{
	struct pages p;

	if (begin_in(&p, n)) {
		ev_mark(1);
		one_read(&p, 0, 1);
		one_read(&p, 32, 1);
		one_read(&p, n - 3, 1);
		one_read(&p, 80, -1);
		ev_mark(2);
	}
	end_in(&p, used);
}

static void
some_requests(uint64_t n, uint64_t used)
{
	slot_t blocks[PAGES_MOST / 3 + 1];
	unsigned made = 0, requests;
	struct pages p;

	CHECK(n <= PAGES_MOST);
	if (begin_in(&p, n)) {
		made = scatter(&p, blocks);
		(void)within_reach(&p, 1, 1, &requests);
		CLAIM(requests > 1, "pages went back to slots that are taken");
		ev_mark(3);
		one_read(&p, 1, 1);
		one_read(&p, 40, 1);
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

/* Pages of entries, which are two words each, come along: each is that of its entry. */
static void
ahead_of_entries(void)
{
	uint64_t n = lab_param("n", 64), i, value, came = 0;
	struct fmo_entry e;
	struct pages p, child;
	struct vm_page *pg;
	bool out;

	p = family_pair(n, &child);
	family_swap_out(&p);
	out = swp_frame(&p, 0) == NULL && swp_frame(&p, n - 1) == NULL;
	CLAIM(out, "pages of entries do not leave memory");
	for (i = 0; out && i < 8; i++)
		CLAIM(family_load(child.as, pages_at(&child, i), &value) == 0,
		    "page %lu cannot be read", i);
	swp_read_all();
	for (i = 0; out && i < n; i++) {
		pg = word_frame(word_of(p.as, pages_at(&p, i)));
		if (pg == NULL)
			continue;
		e = word_entry(word_of(p.as, pages_at(&p, i)));
		came++;
		CLAIM(pg->index == e.tag, "the page of the entry for page %x came "
		    "along, and says that it is page %lx", e.tag, pg->index);
	}
	CLAIM(!out || came > 8, "a sequence of %lu pages brings %lu", n, came);
	lab_space_end(child.as);
	lab_space_end(p.as);
}

const struct selftest selftests_lab_swapin[] = {
	{ "lab_swap_back", back, "a page on its way back: once, whole, and with its slot" },
	{ "lab_swap_ahead", ahead, "what lies behind it comes along" },
	{ "lab_swap_entries", ahead_of_entries, "the pages of entries that come along" },
	{ NULL, NULL, NULL },
};
