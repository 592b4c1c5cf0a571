/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/record.c: the page of a record, by the word that owns it
 *
 * Problem   Designs of the second school keep a page of anonymous memory in a
 *           record of their own.  All their records have one word that says
 *           where the page is, in memory or on swap.
 *
 * Picture   record { word, … } ─┬ TRANS ─→ page ─ home ─→ the word
 *                               ├ BUSY  ─→ page, being read
 *                               └ SWAP  ─→ slot
 *
 * Rules     1. A record does not move while it has a page: its word is the home.
 *           2. A record gives up only its ownership of a page: if the page is still
 *              mapped or pinned, the last mapping or pin frees it.
 */
#include "vm/frame/frame.h"
#include "vm/design/pmap/pmap.h"
#include "vm/swap/swap.h"
#include "vm/ws/ws.h"

/* A frame in LIMBO becomes the page of a record; the caller maps or pins it in the same
 * hold.
 * Locks: [P].  Owns: takes the frame over. */
void
pmap_rec_adopt_locked(uint64_t *word, enum page_home home, struct vm_page *pg)
{
	HELD(&pfn_lock);
	page_adopt_locked(pg, home, word_pa(word), 0);
	word_set_locked(NULL, word, pte_make_trans(pg));
}

/* The page of a record, taken off its queue.
 * Locks: takes [P].
 * Returns: the page, pinned; NULL: it is not in memory, or was reclaimed just now. */
struct vm_page *
pmap_rec_pin(uint64_t *word)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_get(word)) == PTE_TRANS) {
		pg = pte_page(word_get(word));
		ws_rescue(pg);
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

/* Is its page in memory and pinned?  [M] exclusive and [W] keep new pins away.
 * Locks: takes [P]. */
bool
pmap_rec_is_pinned(const uint64_t *word)
{
	bool pinned;

	spin_lock(&pfn_lock);
	pinned = pte_kind(word_get(word)) == PTE_TRANS &&
	    pte_page(word_get(word))->pins > 0;
	spin_unlock(&pfn_lock);
	return pinned;
}

/* The record ends: free its page or slot.
 * Locks: any of rank < 8; takes [P]. */
void
pmap_rec_end(uint64_t *word)
{
	struct vm_page *pg = NULL;
	bool last = false;
	uint64_t old;

	spin_lock(&pfn_lock);
	old = word_set_locked(NULL, word, 0);
	if (pte_kind(old) == PTE_SWAP)
		swap_free(swap_slot(old));
	else if (pte_names_frame(old)) {
		pg = pte_page(old);
		last = page_disown_locked(pg);
	}
	page_unlock_free(pg, last);
}

/* The page of f's record is not in memory: F5, F6, F11.  One read for all that share
 * it.
 * Locks: [W] of f->as, the record's.  Returns: what the driver must do before a pass. */
enum fault_outcome
pmap_rec_bring(struct fctx *f, const struct swap_words *place)
{
	uint64_t word = word_get(place->word);

	HELD(&f->as->ws_lock);
	if (pte_kind(word) == PTE_SWAP)
		return fault_swap_in(f, place);
	if (pte_kind(word) == PTE_BUSY)
		return fault_busy(f, word, pte_page(word));
	if (pte_kind(word) == PTE_ERROR)
		return fault_lost(f, word);
	return FAULT_RESTART;
}
