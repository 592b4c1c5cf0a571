/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cluster.c: which pages are written together, to which slots, by which request
 *
 * Problem   Disks are fast with long requests, and pages that are used together
 *           should be read by one.  So a page is written with its neighbours, to
 *           adjacent slots, next to those of neighbours that were written before.
 *           A request must exist when memory has run out, so it is made with the
 *           area; there are few, and all readers and writers share them.
 *
 * Picture   container  … word word WORD word word …   16 neighbours, if they
 *                          └─── one cluster ───┘      are MODIFIED, too
 *
 *           words   … │ A │ b │ C │ d │ …        A and C have slots 8 and 10
 *           slots   8   9  10  11                 b, d: 9 and 11, at their distance
 *           none has a slot: a free aligned run of SWAP_RUN slots; each word takes
 *                            the slot of its place in its own aligned run
 *
 *           idle ─→ take ─→ join, join … ─→ send ─→ disk ─→ swap_done ─→ give ─→ idle
 *                                             ↑                │ what is left
 *                                             └────────────────┘
 *
 * Rules     1. Neighbours in the container are neighbours in the slots: they
 *              are read back together.
 *           2. A page without such neighbours is written with others of that kind
 *              behind it in the queue: each word has its own slot, so any slot will
 *              do (seeds 001; NetBSD's page daemon does so).
 *           3. Areas are filled by priority, equal ones in turn.
 *           4. Slots next to those of neighbours come first, then a whole run; a page
 *              without a neighbour takes the next free slot (swap_alloc).
 *           5. While an area is open only swap_wait() waits, and nothing allocates.
 *              A thread that gets no bio waits for one without a lock.
 *           6. While vm_check runs it holds back all bios: no page moves.
 *
 * Read next swap.c, the caller.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/swap/swap.h"

#define WHOLE_TRIES 64       /* runs searched for a free one */
#define READS_AGAIN 2u       /* retries of a kernel page that could not be read */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */

static struct kmem_cache bios = KMEM_CACHE("swap_bio", struct swap_bio);

/* ---- which pages ---- */

/* The words among which the owning word of a page has its neighbours. */
struct word_range {
	uint64_t *first, *end;
	unsigned step;
};

/* Of a home with a step.  [P]. */
static struct word_range
range_of(const struct vm_page *pg)
{
	const struct vm_page *container = owner_container(pg);
	struct word_range r = {
		.step = owner_homes[page_home_kind(pg)].step
	};

	/* The words of the first tables lie in the root, which is no container. */
	if (container == NULL && page_home_kind(pg) == HOME_TABLE)
		container = page_of_pa(page_home_payload(pg));
	if (container == NULL && page_home_kind(pg) != HOME_KPAGED) {
		r.first = owner_word(pg) - pg->index;
		r.end = r.first + owner_homes[page_home_kind(pg)].in_header;
		return r;
	}
	r.first = owner_word(pg) - (page_home_payload(pg) & PAGE_MASK) /
	    sizeof(*r.first);
	r.end = r.first + MD_PT_WORDS;
	return r;
}

/* The page of a word, if it waits to be written; else NULL.  [P]. */
static struct vm_page *
to_be_written(uint64_t *word)
{
	uint64_t w = word_get(word);
	struct vm_page *pg;

	if (pte_kind(w) != PTE_TRANS)
		return NULL;
	pg = pte_page(w);
	return pg->state == PG_MODIFIED && (pg->flags & PF_WRITING) == 0 ?
	    pg : NULL;
}

/* The page, and pages behind it in its queue that have no neighbours either.  [P]. */
static unsigned
queued_cluster(struct vm_page *pg, struct vm_page **out)
{
	unsigned n = 0;

	while (n < SWAP_RUN && owner_has_word(pg) &&
	    owner_homes[page_home_kind(pg)].step == 0) {
		ASSERT(to_be_written(owner_word(pg)) == pg);
		out[n++] = pg;
		if (pg->qnext == 0)
			break;
		pg = &pfdb[pg->qnext];
	}
	return n;
}

/* The page and its neighbours that wait to be written, in the order of their words.
 * Locks: [P].
 * Returns: how many are in out, SWAP_RUN at most; 0: pages of this home are not written
 * to swap. */
unsigned
swap_cluster(struct vm_page *pg, struct vm_page **out)
{
	struct word_range r;
	uint64_t *word;
	unsigned n = 0;

	HELD(&pfn_lock);
	if (!owner_has_word(pg))
		return 0;
	if (owner_homes[page_home_kind(pg)].step == 0)
		return queued_cluster(pg, out);
	r = range_of(pg);
	word = owner_word(pg);
	while (n < SWAP_RUN - 1 && word > r.first &&
	    to_be_written(word - r.step) != NULL) {
		word -= r.step;
		n++;
	}
	for (n = 0; n < SWAP_RUN && word < r.end; n++, word += r.step) {
		out[n] = to_be_written(word);
		if (out[n] == NULL)
			break;
	}
	return n;
}

/* The slot of the page that the word names, in memory or not; 0: it has none.  [P]. */
static slot_t
slot_of_word(uint64_t w)
{
	switch (pte_kind(w)) {
	case PTE_SWAP:
		return swap_slot(w);
	case PTE_VALID:
		return pte_src(w) == SRC_PRIV ? pte_page(w)->slot : 0;
	case PTE_TRANS:
	case PTE_BUSY:
		return pte_page(w)->slot;
	case PTE_ABSENT:
	case PTE_FORK:
	case PTE_ERROR:
		break;
	}
	return 0;
}

/* The slots that would put a cluster at the same distance from its neighbours on swap as
 * in the container: by the nearest word before it that has a slot, and by the nearest one
 * behind it, at most SWAP_RUN words away, with no absent word between.  In slot[], for
 * the first page; 0: no such neighbour.  [P]. */
static void
slots_beside(struct vm_page *const *pg, unsigned n, slot_t slot[2])
{
	struct word_range r = range_of(pg[0]);
	uint64_t *word = owner_word(pg[0]), *end = owner_word(pg[n - 1]) + r.step;
	unsigned d;

	slot[0] = slot[1] = 0;
	for (d = 1; d < SWAP_RUN && word > r.first && slot[0] == 0; d++) {
		word -= r.step;
		if (word_get(word) == 0)
			break;
		slot[0] = slot_of_word(word_get(word));
		slot[0] += slot[0] == 0 ? 0 : d;
	}
	for (d = n; d < SWAP_RUN && end < r.end && slot[1] == 0; d++) {
		if (word_get(end) == 0)
			break;
		slot[1] = slot_of_word(word_get(end));
		slot[1] -= MIN(d, slot[1]);
		end += r.step;
	}
}

/* ---- on the device ---- */

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

/* The number of slots from i on that are adjacent on the device: what one request can
 * name.
 * Locks: none: extents do not change. */
uint32_t
swap_side_by_side(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->slot + e->n - i;
}

/* The area that is filled next: by priority, equal ones in turn.
 * Locks: [S].
 * Returns: an area with a free slot; NULL: there is none.  *n, the wanted slots, is at
 * most SWAP_RUN afterwards. */
struct swap_area *
swap_area_to_fill(unsigned *n)
{
	struct swap_area *best = NULL, *a;
	unsigned i;

	HELD(&swaps.lock);
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

/* ---- slots next to those of neighbours ---- */

/* Are the n slots from this one on free, in an open area, and adjacent on the device?
 * [S]. */
static bool
are_free(slot_t slot, unsigned n)
{
	struct swap_area *a = swaps.area[slot >> SWAP_INDEX_BITS];
	uint32_t i = slot & SWAP_INDEX_MAX;

	return a != NULL && !a->closing && i != 0 && i + n <= a->nslots &&
	    bitmap_next_set(a->map, i + n, i) == BITMAP_NONE &&
	    swap_side_by_side(a, i) >= n;
}

/* A free aligned run of SWAP_RUN slots; 0: none near the last one.  [S]. */
static slot_t
whole_run(void)
{
	unsigned n = SWAP_RUN, try;
	struct swap_area *a = swap_area_to_fill(&n);
	slot_t slot;

	for (try = 0; a != NULL && try < WHOLE_TRIES; try++) {
		if (a->whole + SWAP_RUN > a->nslots)
			a->whole = 0;
		slot = a->no << SWAP_INDEX_BITS | a->whole;
		if (are_free(slot, SWAP_RUN))
			return slot;
		a->whole += SWAP_RUN;
	}
	return 0;
}

/* Take the n slots from this one on.  [S]. */
static void
take(slot_t slot, unsigned n)
{
	struct swap_area *a = swap_area_of(slot);
	unsigned k;

	for (k = 0; k < n; k++)
		bitmap_set(a->map, (slot & SWAP_INDEX_MAX) + k);
	a->nfree -= n;
	atomic_add(&swaps.used, n);
	atomic_sub(&swaps.room, n);
	EVENT_ADD(swap_alloc, n);
}

/* Has the cluster, which begins at word `at`, a neighbour in the same aligned run of
 * words?  [P]. */
static bool
is_among_others(const struct vm_page *pg, unsigned step, unsigned at, unsigned n)
{
	const uint64_t *word = owner_word(pg);

	return n > 1 || (at > 0 && word_get(word - step) != 0) ||
	    (at + 1 < SWAP_RUN && word_get(word + step) != 0);
}

/* Slots for a cluster, next to those of its neighbours, so that a sequence of pages is
 * one of slots, too: at the same distance, or, if none has a slot, in a run whose other
 * slots are left for them.  So a changed page is written to its old place.  A page
 * without neighbours gets none here.
 * Locks: [P]; takes [S].
 * Returns: the first of *n, which may be fewer; 0: there are none: swap_alloc().
 * Owns: as swap_alloc(). */
slot_t
swap_alloc_beside(struct vm_page *const *pg, unsigned *n)
{
	unsigned step = owner_homes[page_home_kind(pg[0])].step, at, i;
	slot_t slot[2], got = 0;

	HELD(&pfn_lock);
	if (step == 0)
		return 0;
	at = page_home_payload(pg[0]) / sizeof(uint64_t) / step % SWAP_RUN;
	slots_beside(pg, *n, slot);
	spin_lock(&swaps.lock);
	for (i = 0; i < 2 && got == 0; i++)
		if (slot[i] != 0 && are_free(slot[i], *n))
			got = slot[i];
	if (got == 0 && (slot[0] | slot[1]) == 0 &&
	    is_among_others(pg[0], step, at, *n)) {
		got = whole_run();
		got += got == 0 ? 0 : at;
		*n = got == 0 ? *n : MIN(*n, SWAP_RUN - at);
	}
	if (got != 0)
		take(got, *n);
	spin_unlock(&swaps.lock);
	return got;
}

/* ---- requests ---- */

/* Requests for a new area, made ahead: when pages are written there is no memory.
 * Locks: none.  Returns: false: no memory; swap_bios_free() frees those that there are. */
bool
swap_bios_make(struct swap_area *a)
{
	struct swap_bio *b;
	unsigned i;

	for (i = 0; i < SWAP_BIOS; i++) {
		b = kmem_cache_zalloc(&bios);
		if (b == NULL)
			return false;
		b->area = a;
		list_push_back(&a->idle, &b->node);
	}
	return true;
}

/* Free them: all are idle, and the area is not listed (any more).  Locks: none. */
void
swap_bios_free(struct swap_area *a)
{
	struct list_node *n;

	while ((n = list_pop_front(&a->idle)) != NULL)
		kmem_cache_free(&bios, LIST_ENTRY(n, struct swap_bio, node));
}

/* An idle bio for adjacent slots from this one on.
 * Locks: any of rank < 9; takes [S].
 * Returns: a bio without pages, the caller's until swap_bio_send(); NULL: all are under
 * way, or vm_check looks. */
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

/* Is there an idle bio?  Returns: false: a search for slots is useless now. */
bool
swap_bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&owner_frozen);
}

/* Add a page to the bio, behind its last one; for a read also the page of the slot before
 * its first.  The page has its home, and for a read its slot.
 * Locks: [P]. */
void
swap_bio_join(struct swap_bio *b, struct vm_page *pg)
{
	const struct owner_home *home = &owner_homes[page_home_kind(pg)];
	bool is_read = b->io.dir == BIO_READ;

	ASSERT(b->n < SWAP_RUN && home->kind != OWNER_NONE);
	ev_add(is_read ? home->in : home->out, 1);
	if (is_read && pg->slot + 1 == b->slot) {
		memmove(&b->page[1], b->page, b->n * sizeof(b->page[0]));
		b->slot = pg->slot;
		b->page[0] = pg;
	} else {
		ASSERT(!is_read || pg->slot == b->slot + b->n);
		b->page[b->n] = pg;
	}
	b->n++;
	b->len++;
}

/* The disk request for the pages [at, at + len) of the bio. */
static struct bio *
request_of(struct swap_bio *b)
{
	uint32_t i = (b->slot & SWAP_INDEX_MAX) + b->at;
	const struct swap_extent *e = extent_with(b->area, i);
	unsigned k;

	bio_init(&b->io, b->area->dev, e->sector + (uint64_t)(i - e->slot) *
	    SECTORS_PER_PAGE, b->io.dir);
	b->io.use = BIO_SWAP;
	b->io.done = swap_done;
	b->io.arg = b;
	for (k = b->at; k < b->at + b->len; k++)
		bio_add(&b->io, b->page[k], 0, PAGE_SIZE);
	return &b->io;
}

/* Hand the pages [at, at + len) of the bio to the disk; swap_done() follows.
 * Locks: any of rank < LR_DEV. */
void
swap_bio_send(struct swap_bio *b)
{
	blk_submit(request_of(b));
}

/* The same, by a thread that will wait for one of them: a RAM disk has read them when it
 * returns.
 * Locks: at most the container's. */
void
swap_bio_send_now(struct swap_bio *b)
{
	blk_submit_now(request_of(b));
}

/* The bio is idle again: wake a sleeper.
 * Locks: any of rank < 9; takes [S]. */
void
swap_bio_give(struct swap_bio *b)
{
	spin_lock(&swaps.lock);
	b->area->busy--;
	list_push_back(&b->area->idle, &b->node);
	atomic_add(&swaps.idle, 1);
	spin_unlock(&swaps.lock);
	atomic_add(&swaps.ended, 1);
	wake_all(&swaps.bios);
}

/* If a kernel page is lost, so is all that it describes: the slots that its words name,
 * or a process.  So a failed read of one is tried again.  The bio is for one page, and
 * its request has failed.
 * Locks: takes [P].  Returns: true: send it again, READS_AGAIN times at most. */
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

/* How many requests have ended: before a look at what a wait is for. */
uint64_t
swap_ended(void)
{
	return atomic_load(&swaps.ended);
}

/* Sleep until a bio may have become idle: another request than those has ended.
 * Locks: none of rank >= 3.  Returns: 0: try again; -EINTR (fatal signal). */
int
swap_wait(uint64_t ended)
{
	int r = wait_until(&swaps.bios, vm_wait_how(), md_time_ns() + TICK_NS,
	    swap_ended() != ended);

	return r == -ETIMEDOUT ? 0 : r;
}
