/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapio.c: the areas of swap, where their slots lie, and bios to reach them
 *
 * Problem   Slots live in several areas, on disks, partitions and files of
 *           different speed.  To write one when memory has run out, nothing
 *           may be allocated any more.
 *
 * Picture   slot_t  area 31:28 │ index 27:0
 *                      │             │
 *                   area[] ─→ ext[]: slot … slot + n ─→ sector of dev
 *                      └───→ idle ⇄ bio ⇄ bio … 32, made with the area
 *
 * Rules     1. An area is entered complete and left empty: no slot used, no
 *              bio under way.
 *           2. slots, used, room and bad are sums over the areas; slots and
 *              room leave out those that swapoff empties.
 *           3. Who gets no bio waits for one without a lock; each returns when
 *              its request has ended, whatever became of it.
 */
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define WINDOW_MIN 2
#define WINDOW_MAX SWAP_RUN  /* pages of one read */
#define WINDOW_START 8
#define WINDOW_JUDGE 64      /* pages read ahead between two looks at the hits */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */

struct swap_state swaps = {
	.lock = SPIN_INIT(LR_LEAF), .window = WINDOW_START,
};

static bool swap_is_frozen(void);
static void swap_ahead_hit(struct vm_page *pg);
static void swap_ahead_miss(struct vm_page *pg);

static uint64_t
count_used(void)
{
	return atomic_load(&swaps.used);
}

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
		.is_frozen = swap_is_frozen,
		.drop = swap_drop,
		.hit = swap_ahead_hit,
		.miss = swap_ahead_miss,
	};

	swap_ops = &ops;
	waitq_init(&swaps.bios);
	ev_set_gauge(EV_swap_slots_used, count_used);
}

/* ---- areas ---- */

/*
 * A complete area joins: all but its bad slots are free.
 *
 * Locks:    none of rank >= 9.
 * Returns:  0 with a->no set, -EPERM (there are SWAP_AREAS, as on Linux).
 */
int
swap_area_enter(struct swap_area *a)
{
	unsigned i;

	spin_lock(&swaps.lock);
	for (i = 0; i < SWAP_AREAS && swaps.area[i] != NULL; i++)
		;
	if (i < SWAP_AREAS) {
		a->no = i;
		swaps.area[i] = a;
		atomic_add(&swaps.slots, a->nfree);
		atomic_add(&swaps.room, a->nfree);
		atomic_add(&swaps.bad, a->nbad);
		atomic_add(&swaps.idle, SWAP_BIOS);
	}
	spin_unlock(&swaps.lock);
	return i < SWAP_AREAS ? 0 : -EPERM;
}

/*
 * Stop, or go on, to fill the area: its slots do not count as places then.
 *
 * Locks:    none of rank >= 9.
 */
void
swap_area_close(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(!a->closing);
	a->closing = true;
	atomic_sub(&swaps.slots, a->nslots - 1 - a->nbad);
	atomic_sub(&swaps.room, a->nfree);
	spin_unlock(&swaps.lock);
}

/*
 * It is filled again: not all of it could be brought back.
 *
 * Locks:    none of rank >= 9.
 */
void
swap_area_reopen(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(a->closing);
	a->closing = false;
	atomic_add(&swaps.slots, a->nslots - 1 - a->nbad);
	atomic_add(&swaps.room, a->nfree);
	spin_unlock(&swaps.lock);
}

/*
 * The area leaves: it is closing, no slot is used and no bio under way.
 *
 * Locks:    none of rank >= 9.
 */
void
swap_area_leave(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(a->closing && a->busy == 0);
	ASSERT(a->nfree == a->nslots - 1 - a->nbad);
	swaps.area[a->no] = NULL;
	atomic_sub(&swaps.bad, a->nbad);
	atomic_sub(&swaps.idle, SWAP_BIOS);
	spin_unlock(&swaps.lock);
}

/*
 * Locks:    none; who may take areas away keeps others from it.
 * Returns:  the area of that number; NULL: there is none.
 */
struct swap_area *
swap_area(unsigned no)
{
	return no < SWAP_AREAS ? swaps.area[no] : NULL;
}

/* [S].  The area of a slot. */
struct swap_area *
swap_area_of(slot_t slot)
{
	struct swap_area *a = swaps.area[slot >> SWAP_INDEX_BITS];

	ASSERT(a != NULL && (slot & SWAP_INDEX_MAX) < a->nslots);
	return a;
}

/* [S].  The area that is filled next: by priority, equal ones in turn. */
struct swap_area *
swap_area_to_fill(void)
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

/*
 * Locks:    none.
 * Returns:  slots from i on that lie side by side on the device, i itself
 *           included.
 */
uint32_t
swap_side_by_side(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->slot + e->n - i;
}

void
swap_stat(struct swap_stat *s)
{
	s->slots = atomic_load(&swaps.slots);
	s->used = atomic_load(&swaps.used);
	s->bad = atomic_load(&swaps.bad);
	s->window = swaps.window;
}

/* ---- bios ---- */

/*
 * An idle bio for adjacent slots from this one on.
 *
 * Locks:    any of rank < 9; takes [S].
 * Returns:  NULL: all are under way, or vm_check looks.
 */
struct swap_bio *
swap_bio_take(slot_t slot, enum bio_dir dir)
{
	struct swap_bio *b = NULL;
	struct list_node *n;
	struct swap_area *a;

	if (atomic_load(&swaps.frozen))
		return NULL;
	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
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
bool
swap_bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&swaps.frozen);
}

void
swap_bio_add(struct swap_bio *b, struct vm_page *pg)
{
	ASSERT(b->n < SWAP_RUN);
	owner_count_io(page_home_kind(pg), b->io.dir == BIO_WRITE);
	b->page[b->n++] = pg;
	b->len++;
}

static uint64_t
sector_of(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->sector + (uint64_t)(i - e->slot) * (PAGE_SIZE / SECTOR_SIZE);
}

/*
 * Hand the pages [at, at + len) of the bio to the disk; swap_done() follows.
 *
 * Locks:    any of rank < LR_DEV.
 */
void
swap_bio_start(struct swap_bio *b)
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
void
swap_bio_give(struct swap_bio *b)
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

/* ---- standing still ---- */

static bool
is_busy(void)
{
	bool busy = false;
	unsigned i;

	spin_lock(&swaps.lock);
	for (i = 0; i < SWAP_AREAS; i++)
		busy |= swaps.area[i] != NULL && swaps.area[i]->busy != 0;
	spin_unlock(&swaps.lock);
	return busy;
}

/*
 * From now on no page goes to swap or comes from it, and none is reclaimed whose
 * owner is a word; what is under way ends first.
 *
 * Locks:    none of rank >= 7.
 * Context:  thread, sleeps.
 */
void
swap_freeze(void)
{
	spin_lock(&pfn_lock);
	atomic_store(&swaps.frozen, true);
	spin_unlock(&pfn_lock);
	while (is_busy())
		(void)sleep_until(md_time_ns() + TICK_NS / 10, WAIT_PLAIN);
}

void
swap_thaw(void)
{
	atomic_store(&swaps.frozen, false);
	wake_all(&swaps.bios);
	pageout_wake();
}

static bool
swap_is_frozen(void)
{
	return atomic_load(&swaps.frozen);
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

/*
 * A page that was read ahead is wanted; or its frame is given away before
 * anybody wanted it.
 *
 * Locks:    [P].
 */
static void
swap_ahead_hit(struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	pg->swp.ahead = false;
	swaps.hits++;
	EVENT(swap_ra_hits);
	judge_window();
}

static void
swap_ahead_miss(struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	pg->swp.ahead = false;
	swaps.misses++;
	judge_window();
}
