/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapbio.c: requests for pages on swap, and who waits for one
 *
 * Problem   A request must be there when memory has run out, so it is made with the
 *           area; there are few, and all who write or read share them.
 *
 * Picture   idle ─→ take ─→ join, join … ─→ send ─→ disk ─→ swap_done ─→ give ─→ idle
 *                                             ↑                │ what is left
 *                                             └────────────────┘
 *
 * Rules     1. For an area that is open nobody waits but in swap_wait(), and nothing
 *              allocates.  Who gets no bio waits for one without a lock.
 *           2. While vm_check looks no bio is to be had: all stays where it is.
 *
 * Read next swap.c, which fills the requests and is told of their end.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/swap/swap.h"

#define READS_AGAIN 2u       /* of a page of the kernel that could not be read */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */

static struct kmem_cache bios = KMEM_CACHE("swap_bio", struct swap_bio);

/* ---- life ---- */

/* Requests for a new area, made ahead: who writes has no memory.
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

/* All of them are idle, and nobody knows the area (any more).  Locks: none. */
void
swap_bios_free(struct swap_area *a)
{
	struct list_node *n;

	while ((n = list_pop_front(&a->idle)) != NULL)
		kmem_cache_free(&bios, LIST_ENTRY(n, struct swap_bio, node));
}

/* ---- one request ---- */

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

/* Is there a bio to be had?  Returns: false: to look for slots now is of no use. */
bool
swap_bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&owner_frozen);
}

/* One more page for the bio, behind its last one; of a read also that of the slot
 * before its first.  The page has its home, and one that is read its slot.
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

/* What the disk is told of the pages [at, at + len) of the bio. */
static struct bio *
request_of(struct swap_bio *b)
{
	uint32_t i = (b->slot & SWAP_INDEX_MAX) + b->at;
	unsigned k;

	bio_init(&b->io, b->area->dev, swap_sector(b->area, i), b->io.dir);
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

/* The same, by who will wait for one of them: from a disk in memory they are here when
 * it returns.
 * Locks: at most the container's. */
void
swap_bio_send_now(struct swap_bio *b)
{
	blk_submit_now(request_of(b));
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

/* With a page of the kernel's own goes what it describes: the slots that its words
 * name, a process.  So a read of one is not given up at the first error.  The bio is
 * for one page, and its request has failed.
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

/* Sleep until the area has no request under way.
 * Locks: none of rank >= 2.  Returns: 0, -ETIMEDOUT, -EINTR. */
int
swap_wait_idle(const struct swap_area *a, enum wait_how how, uint64_t deadline_ns)
{
	return wait_until(&swaps.bios, how, deadline_ns, atomic_load(&a->busy) == 0);
}
