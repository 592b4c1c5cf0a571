/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.c: slots, clusters written to them, and reading back
 *
 * Problem   A page that nobody has touched for long gives its frame to a page
 *           that is wanted, and comes back with every byte as it was.  Disks
 *           are fast with long requests, so neighbours go and come together.
 *           Pages are written when memory has run out, so nothing may be allocated.
 *
 * Picture   slot_t  area 31:28 │ index 27:0
 *                      │             │
 *                   area[] ─→ map   1 1 1 0 0 0 0 1 …     a bit for each slot
 *                      │                  └─ run ─┘
 *                      └────→ idle  ⇄ bio ⇄ bio … 32, made with the area
 *
 *           page ── slot ──→ slot        while the frame holds the same bytes
 *           word SWAP ─────→ slot        when the frame has been given away
 *
 *           out:  MODIFIED ─ slot, WRITING ─→ disk ─→ swap_done ─→ STANDBY, or free
 *           in:   SWAP ─→ BUSY, READING ─→ disk ─→ swap_done ─→ TRANS, STANDBY
 *
 * Rules     1. A slot has one owner: a SWAP word, or a resident page, whose
 *              word names the frame.  Sharing is counted elsewhere.
 *           2. A page that was read keeps its slot until it becomes dirty: to
 *              reclaim its frame again costs no write.
 *           3. A slot that is being written is freed by the end of the write
 *              (PF_SLOTSTALE), never before: the next owner's bytes could be
 *              overwritten.
 *           4. A slot that the device refused is never used again.
 *           5. Nothing here waits, and only read-ahead allocates, frames that
 *              can be spared.  Each request returns its bio when it has ended,
 *              with success or not.
 *           6. slots, used, room and bad are sums over the areas; slots and
 *              room leave out areas that swapoff empties.
 *
 * Read next cluster.c: where a slot lies, requests.
 */
#include "lib/bitmap.h"
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define AHEAD_BIOS 8 /* requests for one fault, at most */
#define WINDOW_MIN 2
#define WINDOW_JUDGE 64 /* pages read ahead between two looks at the hits */

struct swap_state swaps = { .lock = SPIN_INIT(LR_LEAF) };

/* ---- runs of free slots ---- */

/* The longest run of a block, n at most; it becomes the block's hint. */
static unsigned
search_block(struct swap_area *a, uint32_t block, unsigned n, uint32_t *start)
{
	size_t i = block * SWAP_BLOCK, end, run;
	unsigned best = 0;

	end = MIN(i + SWAP_BLOCK, a->nslots);
	for (; best < n; i = run) {
		i = bitmap_next_clear(a->map, end, i);
		if (i == BITMAP_NONE)
			break;
		run = MIN(i + MIN(n, swap_side_by_side(a,
		    (uint32_t)i)), end);
		run = MIN(run, bitmap_next_set(a->map, run, i));
		if (run - i <= best)
			continue;
		best = (unsigned)(run - i);
		*start = (uint32_t)i;
	}
	if (best < n)
		a->runhint[block] = (uint8_t)best;
	return best;
}

/* The first run of n in a block, from the hint on: n.  Less: no block has a longer run
 * than that. */
static unsigned
first_run(struct swap_area *a, unsigned n, uint32_t *start)
{
	uint32_t blocks = (a->nslots + SWAP_BLOCK - 1) / SWAP_BLOCK, i, block;
	unsigned longest = 0;

	for (i = 0; i < blocks; i++) {
		block = (a->hint + i) % blocks;
		if (a->runhint[block] < n ||
		    search_block(a, block, n, start) < n) {
			longest = MAX(longest, a->runhint[block]);
			continue;
		}
		a->hint = block;
		return n;
	}
	return longest;
}

/* A run of n, or the longest that there is.  A block whose hint is too short is skipped;
 * a search that fails makes the hint exact, and returns the length to search for next.
 * [S]; the area has a free slot. */
static unsigned
find_run(struct swap_area *a, unsigned n, uint32_t *start)
{
	unsigned longest;

	for (; n > 0; n = longest) {
		longest = first_run(a, n, start);
		if (longest == n)
			return n;
	}
	panic("swap: %s: %u free, none found", a->path, a->nfree);
}

/* ---- slots ---- */

/* Allocate up to n adjacent slots, as many as there are in one run.
 * Locks: any of rank < 9; takes [S].
 * Returns: the first, *got of them; 0: there is none.
 * Owns: the caller, each: swap_free(), or it is retired. */
slot_t
swap_alloc(unsigned n, unsigned *got)
{
	struct swap_area *a;
	uint32_t start = 0, i;

	spin_lock(&swaps.lock);
	a = swap_area_to_fill(&n);
	if (a == NULL) {
		spin_unlock(&swaps.lock);
		return 0;
	}
	*got = find_run(a, n, &start);
	ASSERT(*got > 0 && start > 0);
	for (i = start; i < start + *got; i++)
		bitmap_set(a->map, i);
	a->nfree -= *got;
	atomic_add(&swaps.used, *got);
	atomic_sub(&swaps.room, *got);
	spin_unlock(&swaps.lock);
	EVENT_ADD(swap_alloc, *got);
	return a->no << SWAP_INDEX_BITS | start;
}

/* Free the slot.  Locks: any of rank < 9, [P] too; takes [S]. */
void
swap_free(slot_t slot)
{
	uint32_t i = slot & SWAP_INDEX_MAX;
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	ASSERT(i != 0 && bitmap_test(a->map, i));
	bitmap_clear(a->map, i);
	a->runhint[i / SWAP_BLOCK] = SWAP_RUN;
	a->nfree++;
	atomic_sub(&swaps.used, 1);
	if (!a->closing)
		atomic_add(&swaps.room, 1);
	/* Within the lock: the next use of the slot is traced with a later number. */
	EVENT(swap_free, slot, 1, 0);
	spin_unlock(&swaps.lock);
}

/* The slot of the page holds older bytes than the frame, or unwanted ones: free it.
 * Locks: [P]. */
void
swap_drop(struct vm_page *pg)
{
	HELD(&pfn_lock);
	if (pg->slot == 0)
		return;
	if ((pg->flags & PF_WRITING) != 0) {
		pg->flags |= PF_SLOTSTALE;
		EVENT(swap_stale, pg->slot, 1, page_pfn(pg));
		return;
	}
	swap_free(pg->slot);
	page_set_slot(pg, 0);
}

/* ---- out ---- */

/* Write pages: as many of them, from the first on, as get adjacent slots.  They are
 * MODIFIED on their queue; afterwards PF_WRITING and on none.  With SWAP_FREE the end of
 * the write frees the frames of unused ones.
 * Locks: [P]; takes [S].  Returns: how many; 0: there is no slot, or no bio now. */
unsigned
swap_out(struct vm_page **pg, unsigned n, enum swap_then then)
{
	struct swap_bio *b;
	slot_t slot;
	unsigned i;

	HELD(&pfn_lock);
	if (!swap_bio_is_idle())
		return 0;
	slot = swap_alloc_beside(pg, &n);
	if (slot == 0)
		slot = swap_alloc(n, &n);
	if (slot == 0)
		return 0;
	b = swap_bio_take(slot, BIO_WRITE);
	for (i = 0; i < n; i++) {
		if (b == NULL) {
			swap_free(slot + i);
			continue;
		}
		swap_drop(pg[i]);
		page_set_slot(pg[i], slot + i);
		page_writing_locked(pg[i]);
		swap_bio_join(b, pg[i]);
	}
	if (b == NULL)
		return 0;
	EVENT_ADD(swap_out_pages, n);
	EVENT(swap_out_bios);
	EVENT(swap_out, slot, n, page_pfn(pg[0]));
	b->then = then;
	swap_bio_send(b);
	return n;
}

/* ---- errors ---- */

/* The device refused the slot: its bit stays set for good, and the commit limit falls by
 * one.
 * Locks: as swap_free(). */
static void
swap_retire(slot_t slot)
{
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	a->nbad++;
	atomic_sub(&swaps.used, 1);
	atomic_add(&swaps.bad, 1);
	if (!a->closing)
		atomic_sub(&swaps.slots, 1);
	spin_unlock(&swaps.lock);
	klog("swap: %s: slot %u failed and is not used again", a->path,
	    slot & SWAP_INDEX_MAX);
}

/* A request has failed.  A request for several pages is tried again page by page, so that
 * a bad sector costs one page.
 * Locks: none; takes [P].  Returns: true: it was sent again. */
static bool
try_again(struct swap_bio *b)
{
	if (b->len == 1 && !swap_read_again(b))
		return false;
	b->len = 1;
	swap_bio_send(b);
	return true;
}

/* The page could not be written: it stays in memory, without a slot.  [P]. */
static void
write_failed(struct vm_page *pg)
{
	EVENT(swap_write_errors);
	swap_retire(pg->slot);
	page_set_slot(pg, 0);
}

/* The page could not be read: its bytes are lost, and its word becomes ERROR.  [P]. */
static void
read_failed(struct vm_page *pg)
{
	EVENT(swap_read_errors);
	swap_retire(pg->slot);
	page_set_slot(pg, 0);
	if ((pg->flags & PF_ORPHAN) != 0)
		return;
	if (page_home_kind(pg) == HOME_KPAGED)
		owner_count_out(HOME_KPAGED, NULL, 1);
	owner_set_word(pg, pte_make_soft(PTE_ERROR, 0) |
	    (uint64_t)EIO << PTE_ERRNO_SHIFT);
}

/* ---- a request has ended ---- */

/* The write of a page has ended.  [P].  True: the caller frees the page. */
static bool
out_done(struct vm_page *pg, bool ok, enum swap_then then)
{
	bool stale = (pg->flags & (PF_SLOTSTALE | PF_ORPHAN)) != 0, last;

	ASSERT(pg->slot != 0);
	pg->flags &= (uint8_t)~PF_SLOTSTALE;
	if (!ok) {
		write_failed(pg);
	} else if (stale) {
		EVENT(swap_free_deferred);
		swap_free(pg->slot);
		page_set_slot(pg, 0);
	}
	last = page_written_locked(pg, ok ? PAGE_WRITTEN : PAGE_UNWRITTEN);
	if (then == SWAP_FREE && pg->state == PG_STANDBY)
		(void)pq_release(pg);
	return last;
}

/* The read of a page has ended.  [P].  True: the caller frees the page. */
static bool
in_done(struct vm_page *pg, bool ok)
{
	if (!ok) {
		read_failed(pg);
	} else if ((pg->flags & PF_ORPHAN) != 0) {
		swap_free(pg->slot);
		page_set_slot(pg, 0);
	} else {
		owner_set_word(pg, pte_make_trans(pg));
		page_filled_locked(pg);
		return false;
	}
	return page_unfilled_locked(pg);
}

/* A read or write of pages [b->at, b->at + b->len) has ended: update each page.  The rest
 * of the bio is sent, else it is idle again.
 * Context: thread iod, or the sender itself; takes [P], [S]. */
void
swap_done(struct bio *io)
{
	struct swap_bio *b = io->arg;
	bool ok = io->status == 0, free;
	struct vm_page *pg;
	pfn_t dead = 0;

	if (!ok && try_again(b))
		return;
	spin_lock(&pfn_lock);
	for (; b->len > 0; b->len--, b->at++) {
		pg = b->page[b->at];
		free = io->dir == BIO_READ ? in_done(pg, ok) :
		    out_done(pg, ok, b->then);
		if (free)
			page_chain(&dead, pg);
	}
	spin_unlock(&pfn_lock);
	page_free_chain(dead);
	if (b->at < b->n) {
		b->len = 1;
		b->again = 0;
		swap_bio_send(b);
	} else {
		swap_bio_give(b);
	}
}

/* ---- in ---- */

static uint64_t
word_at(const struct swap_words *w, unsigned i)
{
	return word_get(w->word + (long)i * w->step);
}

/* Word i of w gets a frame that is being filled: SWAP → BUSY.  [P]. */
static void
begin_read(struct swap_bio *b, const struct swap_words *w, unsigned i,
    struct vm_page *pg)
{
	uint64_t *word = w->word + (long)i * w->step, old = word_get(word);
	slot_t slot = swap_slot(old);

	page_reading_locked(pg, w->home, word_pa(word), swap_index(w, i));
	page_set_slot(pg, slot);
	pg->swp.ahead = i > 0;
	word_set_locked(w->container, word,
	    pte_make_soft(PTE_BUSY, page_pfn(pg)) | (old & PTE_TABLE_MASK));
	owner_count_out(w->home, w->container, -1);
	swap_bio_join(b, pg);
}

static void
send_read(struct swap_bio *b, void (*send)(struct swap_bio *))
{
	EVENT_ADD(swap_in_pages, b->n);
	EVENT(swap_in_bios);
	EVENT(swap_in, b->slot, b->n, page_pfn(b->page[0]));
	send(b);
}

/* ---- neighbours are read, too ---- */

/* Frames for the neighbours of w, as many as lie behind it on swap: only frames that can
 * be spared.
 * Locks: the container's.
 * Returns: how many are in more, SWAP_RUN - 1 at most; in LIMBO, the caller's. */
static unsigned
frames_ahead(const struct swap_words *w, struct vm_page **more)
{
	unsigned n = 0, i, span = MIN(w->max, swaps.window);

	for (i = 1; i < span; i++) {
		if (pte_kind(word_at(w, i)) != PTE_SWAP)
			continue;
		more[n] = page_alloc_ahead();
		if (more[n] == NULL)
			break;
		n++;
	}
	return n;
}

/* May the slot be read by the same request as the pages in b? */
static bool
goes_on(const struct swap_bio *b, slot_t slot)
{
	slot_t first = MIN(slot, b->slot);

	return (slot == b->slot + b->n || slot + 1 == b->slot) &&
	    swap_side_by_side(b->area, first & SWAP_INDEX_MAX) > b->n;
}

/* Read words behind the first: those that lie behind it on swap by the same request *b,
 * others by their own, AHEAD_BIOS at most.  The last request is left to the caller, in
 * *b.
 * Locks: the container's, [P].
 * Returns: how many frames of more[] were used; *b NULL: all were sent. */
static unsigned
read_ahead(struct swap_bio **b, const struct swap_words *w,
    struct vm_page **more, unsigned have)
{
	unsigned used = 0, bios = 1, i, span = MIN(w->max, swaps.window);
	slot_t slot;

	HELD(&pfn_lock);
	for (i = 1; i < span && used < have; i++) {
		if (pte_kind(word_at(w, i)) != PTE_SWAP)
			continue;
		slot = swap_slot(word_at(w, i));
		if (!goes_on(*b, slot)) {
			send_read(*b, swap_bio_send);
			*b = bios++ < AHEAD_BIOS ?
			    swap_bio_take(slot, BIO_READ) : NULL;
			if (*b == NULL)
				return used;
		}
		begin_read(*b, w, i, more[used++]);
	}
	return used;
}

/* ---- the read begins ---- */

/* Read the page of a word, and pages behind it into frames that can be spared.
 * Locks: the container's ([W], [F] or [O]); takes [P].
 * Owns: takes *frame, a frame in LIMBO, over if the read is begun (then NULL); the
 * caller, a pin on *wait if w->pin.
 * Returns: STARTED: the word is BUSY, or was, wait for *wait without locks, then look again;
 * CHANGED: it is no longer SWAP; NOBIO: swap_wait() first. */
enum swap_in_result
swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait)
{
	struct vm_page *more[SWAP_RUN];
	unsigned have = frames_ahead(w, more), used = 0;
	enum swap_in_result r = SWAPIN_CHANGED;
	struct swap_bio *b = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_at(w, 0)) == PTE_SWAP) {
		b = swap_bio_take(swap_slot(word_at(w, 0)), BIO_READ);
		r = b == NULL ? SWAPIN_NOBIO : SWAPIN_STARTED;
	}
	if (b != NULL) {
		begin_read(b, w, 0, *frame);
		if (w->pin)
			page_pin_locked(*frame);
		*wait = *frame;
		*frame = NULL;
		used = read_ahead(&b, w, more, have);
		EVENT_ADD(swap_ra_pages, used);
	}
	spin_unlock(&pfn_lock);
	/* A single page is read at once, if the disk can.  A reader of a sequence needs
	 * frames, so it sleeps, and the threads that make frames can run. */
	if (b != NULL)
		send_read(b, w->max <= 1 ? swap_bio_send_now : swap_bio_send);
	while (used < have)
		page_free(more[used++]);
	return r;
}

/* ---- how far ---- */

/* The counts say how many pages read ahead were used, and how many were reclaimed unused.
 * The window, the longest read, is doubled if most were used, and halved if few were:
 * from 2 to `most`.
 * Locks: [P]. */
void
swap_learn(unsigned *window, unsigned most, struct ahead_count *c)
{
	unsigned all = c->hits + c->misses;

	HELD(&pfn_lock);
	if (all < WINDOW_JUDGE)
		return;
	if (c->hits * 4 < all)
		*window = MAX(*window / 2, WINDOW_MIN);
	else if (c->hits * 4 >= all * 3)
		*window = MIN(*window * 2, most);
	*c = (struct ahead_count){ 0, 0 };
}
