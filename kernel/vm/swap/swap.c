/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.c: slots, clusters written to them, and reading back
 *
 * Problem   A page that nobody has touched for long shall give its frame to
 *           one that is wanted, and come back with every byte as it was.
 *           Disks like long requests, so neighbours go and come together.  To
 *           write when memory has run out, nothing may be allocated any more.
 *
 * Picture   slot_t  area 31:28 │ index 27:0
 *                      │             │
 *                   area[] ─→ map   1 1 1 0 0 0 0 1 …     a bit for each slot
 *                      │                  └─ run ─┘
 *                      ├────→ ext[] slot … slot + n ─→ sector of dev
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
 *           2. A slot stays with a page that was read, until the page becomes
 *              dirty: giving the frame away again costs no write.
 *           3. A slot that is being written is freed by the end of the write
 *              (PF_SLOTSTALE), never before: the next owner's bytes could be
 *              overwritten.
 *           4. A slot that the device refused is never used again.
 *           5. Nothing here waits but swap_wait(), and nothing allocates.  Who
 *              gets no bio waits for one without a lock; each returns when its
 *              request has ended, whatever became of it.
 *           6. slots, used, room and bad are sums over the areas; slots and
 *              room leave out those that swapoff empties.
 */
#include "lib/bitmap.h"
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define READS_AGAIN 2u /* of a page of the kernel that could not be read */
#define AHEAD_BIOS 8 /* requests for one fault, at most */
#define WINDOW_MIN 2
#define WINDOW_MAX SWAP_RUN  /* pages of one read */
#define WINDOW_START 8
#define WINDOW_JUDGE 64      /* pages read ahead between two looks at the hits */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */

struct swap_state swaps = {
	.lock = SPIN_INIT(LR_LEAF), .window = WINDOW_START,
};

static unsigned find_run(struct swap_area *a, unsigned n, uint32_t *start);
static void swap_ahead_hit(struct vm_page *pg);
static void swap_ahead_miss(struct vm_page *pg);
static void swap_done(struct bio *io);

static uint64_t
count_places(void)
{
	return atomic_load(&swaps.slots);
}

/*
 * Locks:    none; once, by vm_init().
 */
void
swap_init(void)
{
	static const struct swap_ops ops = {
		.wake = pageout_wake,
		.places = count_places,
		.drop = swap_drop,
		.hit = swap_ahead_hit,
		.miss = swap_ahead_miss,
	};

	swap_ops = &ops;
	waitq_init(&swaps.bios);
	ev_set_gauge_word(EV_swap_slots_used, &swaps.used);
}

void
swap_stat(struct swap_stat *s)
{
	s->slots = atomic_load(&swaps.slots);
	s->used = atomic_load(&swaps.used);
	s->bad = atomic_load(&swaps.bad);
	s->window = swaps.window;
}

/* ---- slots ---- */

/* [S].  The area of a slot. */
static struct swap_area *
area_of(slot_t slot)
{
	struct swap_area *a = swaps.area[slot >> SWAP_INDEX_BITS];

	ASSERT(a != NULL && (slot & SWAP_INDEX_MAX) < a->nslots);
	return a;
}

/* [S].  The area that is filled next: by priority, equal ones in turn. */
static struct swap_area *
area_to_fill(void)
{
	struct swap_area *best = NULL, *a;
	unsigned i;

	for (i = 0; i < SWAP_AREAS; i++) {
		a = swaps.area[(swaps.turn + i) % SWAP_AREAS];
		if (a != NULL && !a->closing && a->nfree > 0 &&
		    (best == NULL || a->prio > best->prio))
			best = a;
	}
	if (best != NULL)
		swaps.turn = (best->no + 1) % SWAP_AREAS;
	return best;
}

/*
 * Up to n adjacent slots, as many as can be had in one piece.
 *
 * Locks:    any of rank < 9; takes [S].
 * Returns:  the first, *got of them; 0: there is none.
 * Owns:     the caller, each: swap_free() or swap_retire().
 */
slot_t
swap_alloc(unsigned n, unsigned *got)
{
	struct swap_area *a;
	uint32_t start = 0, i;

	if (inject_hit(FI_SLOT))
		n = 1;
	spin_lock(&swaps.lock);
	a = area_to_fill();
	if (a == NULL) {
		spin_unlock(&swaps.lock);
		return 0;
	}
	*got = find_run(a, MIN(n, SWAP_RUN), &start);
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

/*
 * Nothing needs the slot any more.
 *
 * Locks:    any of rank < 9, [P] too; takes [S].
 */
void
swap_free(slot_t slot)
{
	uint32_t i = slot & SWAP_INDEX_MAX;
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = area_of(slot);
	ASSERT(i != 0 && bitmap_test(a->map, i));
	bitmap_clear(a->map, i);
	a->runhint[i / SWAP_BLOCK] = SWAP_RUN;
	a->nfree++;
	atomic_sub(&swaps.used, 1);
	if (!a->closing)
		atomic_add(&swaps.room, 1);
	/* Within the lock: the next user of the slot leaves a later number. */
	EVENT(swap_free, slot, 1, 0);
	spin_unlock(&swaps.lock);
}

/*
 * The device refused the slot: its bit stays set for good, and so much less
 * may be promised.
 *
 * Locks:    as swap_free().
 */
static void
swap_retire(slot_t slot)
{
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = area_of(slot);
	a->nbad++;
	atomic_sub(&swaps.used, 1);
	atomic_add(&swaps.bad, 1);
	if (!a->closing)
		atomic_sub(&swaps.slots, 1);
	spin_unlock(&swaps.lock);
	klog("swap: %s: slot %u failed and is not used again", a->path,
	    slot & SWAP_INDEX_MAX);
}

/*
 * The slot of the page holds older bytes than the frame, or nobody wants them.
 *
 * Locks:    [P].
 */
void
swap_drop(struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
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

/* ---- runs of free slots, and where they lie ---- */

/* The extent that holds slot i. */
static const struct swap_extent *
extent_with(const struct swap_area *a, uint32_t i)
{
	unsigned lo = 0, hi = a->next, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (a->ext[mid].slot <= i)
			lo = mid;
		else
			hi = mid;
	}
	ASSERT(i >= a->ext[lo].slot && i - a->ext[lo].slot < a->ext[lo].n);
	return &a->ext[lo];
}

/* Slots from i on that lie side by side on the device, i itself included. */
static uint32_t
side_by_side(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->slot + e->n - i;
}

static uint64_t
sector_of(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->sector + (uint64_t)(i - e->slot) * SECTORS_PER_PAGE;
}

/* The longest run of a block, n at most; the block learns how long it is. */
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
		run = MIN(i + MIN(n, side_by_side(a, (uint32_t)i)), end);
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

/* Does a block have a run of n?  The first one that does, from the hint on. */
static unsigned
first_run(struct swap_area *a, unsigned n, uint32_t *start)
{
	uint32_t blocks = (a->nslots + SWAP_BLOCK - 1) / SWAP_BLOCK, i, block;

	for (i = 0; i < blocks; i++) {
		block = (a->hint + i) % blocks;
		if (a->runhint[block] < n ||
		    search_block(a, block, n, start) < n)
			continue;
		a->hint = block;
		return n;
	}
	return 0;
}

/*
 * A run of n, or a shorter one.  A block whose hint is too short is not looked
 * at; a search that fails makes its hint true.  [S]; a has a free slot.
 */
static unsigned
find_run(struct swap_area *a, unsigned n, uint32_t *start)
{
	for (; n > 0; n = n > 1 ? (n + 1) / 2 : 0)
		if (first_run(a, n, start) != 0)
			return n;
	panic("swap: %s: %u free, none found", a->path, a->nfree);
}

/* ---- bios ---- */

/*
 * An idle bio for adjacent slots from this one on.
 *
 * Locks:    any of rank < 9; takes [S].
 * Returns:  NULL: all are under way, or vm_check looks.
 */
static struct swap_bio *
bio_take(slot_t slot, enum bio_dir dir)
{
	struct swap_bio *b = NULL;
	struct list_node *n;
	struct swap_area *a;

	if (atomic_load(&owner_frozen))
		return NULL;
	spin_lock(&swaps.lock);
	a = area_of(slot);
	n = list_pop_front(&a->idle);
	if (n != NULL) {
		a->busy++;
		atomic_sub(&swaps.idle, 1);
	}
	spin_unlock(&swaps.lock);
	if (n == NULL)
		return NULL;
	b = LIST_ENTRY(n, struct swap_bio, node);
	b->area = a;
	b->slot = slot;
	b->io.dir = dir;
	b->n = 0;
	b->at = 0;
	b->len = 0;
	b->again = 0;
	return b;
}

/*
 * Locks:    none.
 * Returns:  false: to look for slots now is of no use.
 */
static bool
bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&owner_frozen);
}

static void
bio_join(struct swap_bio *b, struct vm_page *pg)
{
	ASSERT(b->n < SWAP_RUN);
	owner_count_io(page_home_kind(pg), b->io.dir == BIO_WRITE);
	b->page[b->n++] = pg;
	b->len++;
}

/*
 * Hand the pages [at, at + len) of the bio to the disk; swap_done() follows.
 *
 * Locks:    any of rank < LR_DEV.
 */
static void
bio_send(struct swap_bio *b)
{
	uint32_t i = (b->slot & SWAP_INDEX_MAX) + b->at;
	unsigned k;

	bio_init(&b->io, b->area->dev, sector_of(b->area, i), b->io.dir);
	b->io.use = BIO_SWAP;
	b->io.done = swap_done;
	b->io.arg = b;
	for (k = b->at; k < b->at + b->len; k++)
		bio_add(&b->io, b->page[k], 0, PAGE_SIZE);
	blk_submit(&b->io);
}

/*
 * The request has ended; who waits for a bio is woken.
 *
 * Locks:    any of rank < 9; takes [S].
 */
static void
bio_give(struct swap_bio *b)
{
	spin_lock(&swaps.lock);
	b->area->busy--;
	list_push_back(&b->area->idle, &b->node);
	atomic_add(&swaps.idle, 1);
	spin_unlock(&swaps.lock);
	wake_all(&swaps.bios);
}

/*
 * Sleep until a bio may have become idle.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps.
 * Returns:  0: try again; -EINTR (fatal signal).
 */
int
swap_wait(void)
{
	struct waiter w;
	int r;

	wait_prepare(&swaps.bios, &w);
	r = wait_sleep(&w, vm_wait_how(), md_time_ns() + TICK_NS);
	wait_finish(&w);
	return r == -ETIMEDOUT ? 0 : r;
}

/* ---- out ---- */

/*
 * Write pages: as many of them, from the first on, as get adjacent slots.
 * They are MODIFIED on their queue; afterwards PF_WRITING and on none.  Those
 * that nobody wants when that has ended give their frames up (SWAP_FREE).
 *
 * Locks:    [P]; takes [S].
 * Returns:  how many; 0: there is no slot, or no bio now.
 */
unsigned
swap_out(struct vm_page **pg, unsigned n, enum swap_then then)
{
	struct swap_bio *b;
	slot_t slot;
	unsigned i;

	ASSERT(spin_is_mine(&pfn_lock));
	if (!bio_is_idle())
		return 0;
	slot = swap_alloc(n, &n);
	if (slot == 0)
		return 0;
	b = bio_take(slot, BIO_WRITE);
	for (i = 0; i < n; i++) {
		if (b == NULL) {
			swap_free(slot + i);
			continue;
		}
		swap_drop(pg[i]);
		page_set_slot(pg[i], slot + i);
		page_writing_locked(pg[i]);
		bio_join(b, pg[i]);
	}
	if (b == NULL)
		return 0;
	EVENT_ADD(swap_out_pages, n);
	EVENT(swap_out_bios);
	EVENT(swap_out, slot, n, page_pfn(pg[0]));
	b->then = then;
	bio_send(b);
	return n;
}

/* The write of a page has ended.  [P].  True: the caller frees the page. */
static bool
out_done(struct vm_page *pg, bool ok, enum swap_then then)
{
	bool stale = (pg->flags & (PF_SLOTSTALE | PF_ORPHAN)) != 0, last;

	ASSERT(pg->slot != 0);
	pg->flags &= (uint8_t)~PF_SLOTSTALE;
	if (!ok) {
		EVENT(swap_write_errors);
		swap_retire(pg->slot);
		page_set_slot(pg, 0);
	} else if (stale) {
		EVENT(swap_free_deferred);
		swap_free(pg->slot);
		page_set_slot(pg, 0);
	}
	last = page_written_locked(pg, ok);
	if (then == SWAP_FREE && pg->state == PG_STANDBY)
		(void)pq_release(pg);
	return last;
}

/* ---- in ---- */

static uint64_t
word_at(const struct swap_words *w, unsigned i)
{
	return word_get(w->word + (size_t)i * w->step);
}

/* How many pages to read at once: words behind the first that are on swap. */
static unsigned
plan_read(const struct swap_words *w)
{
	unsigned n = 0, i, span = MIN(w->max, swaps.window);

	for (i = 0; i < span; i++)
		n += pte_kind(word_at(w, i)) == PTE_SWAP;
	return MAX(n, 1u);
}

/* Frames that reading ahead may use: not the last ones. */
static unsigned
spare_frames(struct vm_page **frame, unsigned n)
{
	unsigned i = 0;

	while (i < n && (frame[i] = page_alloc_ahead()) != NULL)
		i++;
	return i;
}

/* Word i of w gets a frame that is being filled: SWAP → BUSY.  [P]. */
static void
begin_read(struct swap_bio *b, const struct swap_words *w, unsigned i,
    struct vm_page *pg)
{
	uint64_t *word = w->word + (size_t)i * w->step, old = word_get(word);
	slot_t slot = swap_slot(old);

	page_reading_locked(pg, w->home, word_pa(word), w->index + i);
	page_set_slot(pg, slot);
	pg->swp.ahead = i > 0;
	word_set_locked(w->container, word,
	    pte_make_soft(PTE_BUSY, page_pfn(pg)) | (old & PTE_TABLE_MASK));
	owner_count_out(w->home, w->container, -1);
	bio_join(b, pg);
}

/* May the slot be read by the same request as what b has already? */
static bool
goes_on(const struct swap_bio *b, slot_t slot)
{
	return slot == b->slot + b->n &&
	    side_by_side(b->area, b->slot & SWAP_INDEX_MAX) > b->n;
}

static void
send_read(struct swap_bio *b)
{
	EVENT_ADD(swap_in_pages, b->n);
	EVENT(swap_in_bios);
	EVENT(swap_in, b->slot, b->n, page_pfn(b->page[0]));
	bio_send(b);
}

/*
 * Words behind the first: those that lie behind it on swap come with the same
 * request b, which is sent off here, others with their own.  [P].  Returns how
 * many frames of more[] were used.
 */
static unsigned
read_ahead(struct swap_bio *b, const struct swap_words *w,
    struct vm_page **more, unsigned have)
{
	unsigned used = 0, bios = 1, i, span = MIN(w->max, swaps.window);
	slot_t slot;

	for (i = 1; i < span && used < have; i++) {
		if (pte_kind(word_at(w, i)) != PTE_SWAP)
			continue;
		slot = swap_slot(word_at(w, i));
		if (!goes_on(b, slot)) {
			send_read(b);
			b = bios++ < AHEAD_BIOS ?
			    bio_take(slot, BIO_READ) : NULL;
			if (b == NULL)
				return used;
		}
		begin_read(b, w, i, more[used++]);
	}
	send_read(b);
	return used;
}

/*
 * Read the page of a word, and neighbours ahead.
 *
 * Locks:    the container's ([W], [F] or [O]); takes [P].
 * Owns:     takes *frame, a frame in LIMBO, over if the read is begun (NULL);
 *           the caller, a pin on *wait if w->pin: it stays whatever comes.
 * Returns:  STARTED: wait for *wait without locks, then look again; CHANGED;
 *           NOBIO: swap_wait() first.
 */
enum swap_in_result
swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait)
{
	struct vm_page *more[SWAP_RUN];
	unsigned have = spare_frames(more, plan_read(w) - 1), used = 0;
	enum swap_in_result r = SWAPIN_CHANGED;
	struct swap_bio *b = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_at(w, 0)) == PTE_SWAP) {
		b = bio_take(swap_slot(word_at(w, 0)), BIO_READ);
		r = b == NULL ? SWAPIN_NOBIO : SWAPIN_STARTED;
	}
	if (b != NULL) {
		begin_read(b, w, 0, *frame);
		if (w->pin)
			page_pin_locked(*frame);
		*wait = *frame;
		*frame = NULL;
		used = read_ahead(b, w, more, have);
		EVENT_ADD(swap_ra_pages, used);
	}
	spin_unlock(&pfn_lock);
	while (used < have)
		page_free(more[used++]);
	return r;
}

/* The read of a page has ended.  [P].  True: the caller frees the page. */
static bool
in_done(struct vm_page *pg, bool ok)
{
	bool orphan = (pg->flags & PF_ORPHAN) != 0;

	if (!ok) {
		EVENT(swap_read_errors);
		swap_retire(pg->slot);
		page_set_slot(pg, 0);
		if (!orphan && page_home_kind(pg) == HOME_KPAGED)
			owner_count_out(HOME_KPAGED, NULL, 1);
		if (!orphan)
			owner_set_word(pg, pte_make_soft(PTE_ERROR, 0) |
			    (uint64_t)EIO << PTE_ERRNO_SHIFT);
	} else if (orphan) {
		swap_free(pg->slot);
		page_set_slot(pg, 0);
	} else {
		owner_set_word(pg, pte_make_trans(pg));
		page_filled_locked(pg);
		return false;
	}
	return page_unfilled_locked(pg);
}

/*
 * With a page of the kernel's own goes what it describes: the slots that its
 * words name, a process.  So a read of one is not given up at the first error.
 */
static bool
read_again(struct swap_bio *b)
{
	enum page_home home;

	if (b->io.dir != BIO_READ || b->again == READS_AGAIN)
		return false;
	spin_lock(&pfn_lock);
	home = page_home_kind(b->page[b->at]);
	spin_unlock(&pfn_lock);
	if (home != HOME_TABLE && home != HOME_KPAGED)
		return false;
	b->again++;
	EVENT(swap_read_again);
	return true;
}

/*
 * A read or write of pages [b->at, b->at + b->len) has ended: each page learns
 * of it.  What failed together is tried again page by page, so that a bad
 * sector costs one page.
 *
 * Context:  thread iod; takes [P], [S].
 */
static void
swap_done(struct bio *io)
{
	struct swap_bio *b = io->arg;
	bool ok = io->status == 0, free;
	struct vm_page *pg;
	pfn_t dead = 0;

	if (!ok && (b->len > 1 || read_again(b))) {
		b->len = 1;
		bio_send(b);
		return;
	}
	spin_lock(&pfn_lock);
	for (; b->len > 0; b->len--, b->at++) {
		pg = b->page[b->at];
		free = io->dir == BIO_READ ? in_done(pg, ok) :
		    out_done(pg, ok, b->then);
		if (!free)
			continue;
		pg->qnext = dead;
		dead = page_pfn(pg);
	}
	spin_unlock(&pfn_lock);
	page_free_chain(dead);
	if (b->at < b->n) {
		b->len = 1;
		b->again = 0;
		bio_send(b);
	} else {
		bio_give(b);
	}
}

/*
 * Begin to read the page of a SWAP word, and some behind it; nobody waits.
 *
 * Locks:    the container's; takes [P].
 * Returns:  false: there is no frame or no bio just now.
 */
bool
swap_ahead(const struct swap_words *w)
{
	struct vm_page *frame, *wait;
	enum swap_in_result r;

	if (pte_kind(word_get(w->word)) != PTE_SWAP)
		return true;
	frame = page_alloc(PHYS_ANY);
	if (frame == NULL)
		return false;
	r = swap_in(w, &frame, &wait);
	if (frame != NULL)
		page_free(frame);
	return r != SWAPIN_NOBIO;
}

/* ---- how far to read ahead ---- */

/* [P].  Twice as far where most was wanted, half as far where little was. */
static void
judge_window(void)
{
	unsigned all = swaps.hits + swaps.misses;

	if (all < WINDOW_JUDGE)
		return;
	if (swaps.hits * 4 < all)
		swaps.window = MAX(swaps.window / 2, WINDOW_MIN);
	else if (swaps.hits * 4 >= all * 3)
		swaps.window = MIN(swaps.window * 2, WINDOW_MAX);
	swaps.hits = 0;
	swaps.misses = 0;
}

/* A page that was read ahead is wanted, or its frame is given away before.  [P]. */
static void
ahead_ends(struct vm_page *pg, unsigned *count)
{
	ASSERT(spin_is_mine(&pfn_lock));
	pg->swp.ahead = false;
	++*count;
	judge_window();
}

static void
swap_ahead_hit(struct vm_page *pg)
{
	EVENT(swap_ra_hits);
	ahead_ends(pg, &swaps.hits);
}

static void
swap_ahead_miss(struct vm_page *pg)
{
	ahead_ends(pg, &swaps.misses);
}
