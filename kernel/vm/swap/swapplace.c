/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapplace.c: where slots lie, and which of them a cluster gets
 *
 * Problem   A cluster is written by one request if its slots lie side by side on the
 *           device, and read by one if what is wanted together lies together.
 *
 * Picture   words   … │ A │ b │ C │ d │ …        A and C have slots 8 and 10
 *           slots   8   9  10  11                 b, d: 9 and 11, at their distance
 *           nobody has one:  an aligned run of SWAP_RUN that nobody has, at the
 *                            place that the words have in theirs
 *
 * Rules     1. Areas are filled by priority, equal ones in turn.
 *           2. Slots beside those of neighbours come first, then a whole run; who has
 *              no neighbour takes what is next (swap_alloc).
 *
 * Read next swap.c, which asks.
 */
#include "lib/bitmap.h"
#include "vm/swap/swap.h"

#define WHOLE_TRIES 64       /* runs looked at for one that is free */

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

/* Slots from i on that lie side by side on the device, i itself included: what one
 * request can name.
 * Locks: none: extents do not change. */
uint32_t
swap_side_by_side(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->slot + e->n - i;
}

/* Where the slot begins on the device.  Locks: none: extents do not change. */
uint64_t
swap_sector(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->sector + (uint64_t)(i - e->slot) * SECTORS_PER_PAGE;
}

/* The area that is filled next: by priority, equal ones in turn.
 * Locks: [S].
 * Returns: an area with a free slot; NULL: there is none.  *n, what is wanted of it, is
 * SWAP_RUN at most afterwards. */
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

/* ---- places beside those of neighbours ---- */

/* Are the n slots from this one on free, of an area that is filled, and in one piece?
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

/* A run of SWAP_RUN slots that nobody has, aligned; 0: not near the last one.  [S]. */
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

/* The slots from this one on are taken.  [S]. */
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

/* Has the cluster a neighbour within the aligned run of words, of which it is from `at`
 * on?  [P]. */
static bool
is_among_others(const struct vm_page *pg, unsigned step, unsigned at, unsigned n)
{
	const uint64_t *word = pa2va(page_home_payload(pg));

	return n > 1 || (at > 0 && word_get(word - step) != 0) ||
	    (at + 1 < SWAP_RUN && word_get(word + step) != 0);
}

/* Slots for a cluster, beside those of its neighbours, so that a sequence of pages is one
 * of slots, too: at their distance from them, or, where none has a slot, in a run of which
 * the rest is left to them.  A page that was changed so comes back to where it was.  One
 * alone is nobody's neighbour.
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
	owner_beside(pg, *n, slot);
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
