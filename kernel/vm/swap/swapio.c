/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapio.c: where slots lie, requests for them, and how far to read ahead
 *
 * Problem   Slots are numbers; a disk knows sectors.  A request must be there
 *           when memory has run out, so it is made with the area.  And how many
 *           neighbours a read shall bring, only what became of the last ones
 *           can tell.
 *
 * Picture   slot i ─→ ext[]: slot … slot + n ─→ sector of dev
 *
 *           idle ─→ take ─→ join, join … ─→ send ─→ disk ─→ swap_done ─→ give ─→ idle
 *                                             ↑                │ what is left
 *                                             └────────────────┘
 *
 *           pages read ahead: wanted, or given up ─→ window 2 … 16
 *
 * Rules     1. Nobody waits here but in swap_wait(), and nothing allocates.  Who
 *              gets no bio waits for one without a lock.
 *           2. While vm_check looks no bio is to be had: all stays where it is.
 *
 * Read next swap.c, which fills the requests and is told of their end.
 */
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define READS_AGAIN 2u       /* of a page of the kernel that could not be read */
#define WINDOW_MIN 2
#define WINDOW_MAX SWAP_RUN  /* pages of one read */
#define WINDOW_START 8
#define WINDOW_JUDGE 64      /* pages read ahead between two looks at the hits */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */

static void ahead_hit(struct vm_page *pg);
static void ahead_miss(struct vm_page *pg);

static uint64_t
count_places(void)
{
	return atomic_load(&swaps.slots);
}

/* Locks: none; once, by vm_init(). */
void
swap_init(void)
{
	static const struct swap_ops ops = {
		.wake = pageout_wake,
		.places = count_places,
		.drop = swap_drop,
		.hit = ahead_hit,
		.miss = ahead_miss,
	};

	swap_ops = &ops;
	swaps.window = WINDOW_START;
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

/* ---- where slots lie ---- */

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

/* Slots from i on that lie side by side on the device, i itself included: what one
 * request can name.
 * Locks: none: extents do not change. */
uint32_t
swap_side_by_side(const struct swap_area *a, uint32_t i)
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

/*
 * The area that is filled next: by priority, equal ones in turn.
 *
 * Locks:    [S].
 * Returns:  an area with a free slot; NULL: there is none.  *n, what is wanted
 *           of it, is SWAP_RUN at most afterwards.
 */
struct swap_area *
swap_area_to_fill(unsigned *n)
{
	struct swap_area *best = NULL, *a;
	unsigned i;

	ASSERT(spin_is_mine(&swaps.lock));
	*n = inject_hit(FI_SLOT) ? 1 : MIN(*n, SWAP_RUN);
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

/* ---- bios ---- */

/*
 * An idle bio for adjacent slots from this one on.
 *
 * Locks:    any of rank < 9; takes [S].
 * Returns:  a bio without pages, the caller's until swap_bio_send(); NULL: all
 *           are under way, or vm_check looks.
 */
struct swap_bio *
swap_bio_take(slot_t slot, enum bio_dir dir)
{
	struct swap_bio *b = NULL;
	struct list_node *n;
	struct swap_area *a;

	if (atomic_load(&owner_frozen))
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
	b->then = SWAP_KEEP;
	return b;
}

/* Is there a bio to be had?  Returns: false: to look for slots now is of no use. */
bool
swap_bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&owner_frozen);
}

/* One more page for the bio, of the slot behind the last one.  The page has its home.
 * Locks: [P]. */
void
swap_bio_join(struct swap_bio *b, struct vm_page *pg)
{
	ASSERT(b->n < SWAP_RUN);
	owner_count_io(page_home_kind(pg), b->io.dir == BIO_WRITE);
	b->page[b->n++] = pg;
	b->len++;
}

/* Hand the pages [at, at + len) of the bio to the disk; swap_done() follows.
 * Locks: any of rank < LR_DEV. */
void
swap_bio_send(struct swap_bio *b)
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

/* The bio is idle again; who waits for one is woken.
 * Locks: any of rank < 9; takes [S]. */
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
 * With a page of the kernel's own goes what it describes: the slots that its
 * words name, a process.  So a read of one is not given up at the first error.
 * The bio is for one page, and its request has failed.
 *
 * Locks:    takes [P].
 * Returns:  true: send it again; so often at most.
 */
bool
swap_read_again(struct swap_bio *b)
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

/* Sleep until a bio may have become idle.
 * Locks: none of rank >= 3.  Returns: 0: try again; -EINTR (fatal signal). */
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

/* ---- reading ahead of any wish ---- */

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

/* ---- how far ---- */

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
ahead_hit(struct vm_page *pg)
{
	EVENT(swap_ra_hits);
	ahead_ends(pg, &swaps.hits);
}

static void
ahead_miss(struct vm_page *pg)
{
	ahead_ends(pg, &swaps.misses);
}
