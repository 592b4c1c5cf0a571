/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb.c: batches of cleared words, one flush for many
 *
 * Problem   A PTE is cleared in memory, but each CPU that runs the space may
 *           still translate by a copy of the old one in its TLB.  The frame must
 *           not be reused before all of them have acknowledged a flush; one
 *           flush for each page would be slow.
 *
 * Picture   word_set(…, 0) ─→ batch: old words   of one leaf table, or tables
 *                                │ full, or the end of the operation
 *                                ▼
 *                   md_tlb_flush: ask, wait for every answer
 *                                │
 *                                ▼ step 6, by SRC of the old word
 *           PRIV  ZAP: the frame is freed       TRIM: to a queue, or freed
 *                 (MADV_FREE: the word that was exchanged is 0)
 *           OBJ   one mapping less; CLEAN: only D counts, it stays mapped
 *           FORK  one mapping less; ZAP: the design drops the entry
 *           SPEC  nothing to do
 *
 * Rules     1. D of the old word is final: it was taken by an atomic exchange,
 *              and a store through a stale entry with D clear must look at
 *              the word again.  Stores may land until the answer.
 *           2. Nothing of step 6 happens before the answers (R6); mapcount
 *              keeps the page where it is meanwhile.
 *           3. [W] is held from the first word to the end of the batch: a space
 *              has one initiator.  No lock of rank >= 7 is held (R6a).
 *           4. A batch with the words of a whole table is kept in a frame, taken
 *              when there are many words and given back after the flush.  While
 *              memory is short there is none, and a batch is smaller.
 */
#include "lib/string.h"
#include "vm/design/design.h"
#include "vm/table/table.h"

#define SETTLE_MAX 64 /* words in one hold of [P] */

/* An empty batch for words of as.  Locks: [W] of as, until tlb_batch_end(). */
void
tlb_batch_init(struct tlb_batch *b, struct aspace *as, enum batch_end end)
{
	HELD(&as->ws_lock);
	b->as = as;
	b->end = end;
	b->table_chain = 0;
	b->out_chain = 0;
	b->n = 0;
	b->max = BATCH_FEW;
	b->old = b->few;
	b->frame = NULL;
	b->lo = UINT64_MAX;
	b->hi = 0;
}

/* There is no room for another word: make some for a whole leaf table, or flush.
 * Locks: [W]. */
void
tlb_batch_full(struct tlb_batch *b)
{
	struct vm_page *frame = b->frame == NULL ? page_alloc_ahead() : NULL;

	HELD(&b->as->ws_lock);
	if (frame == NULL) {
		tlb_batch_end(b);
		return;
	}
	b->frame = frame;
	b->old = pa2va(page_pa(frame));
	memcpy(b->old, b->few, sizeof(b->few));
	b->max = PAGE_SIZE / sizeof(*b->old);
}

/* A table has been unlinked from its parent.  The chain says what happens to it after the
 * flush: table_chain, freed; out_chain, queued (pt_out_chain).
 * Locks: [W].  Owns: the batch, the table. */
void
tlb_batch_add_table(struct tlb_batch *b, pfn_t *chain, struct vm_page *table,
    uint64_t vpn)
{
	HELD(&b->as->ws_lock);
	page_chain(chain, table);
	tlb_batch_cover(b, vpn);
}

/* tlb_batch_add(), as a call.  Locks: [W]; may flush and do step 6. */
void
tlb_batch_put(struct tlb_batch *b, uint64_t vpn, uint64_t oldword)
{
	HELD(&b->as->ws_lock);
	tlb_batch_add(b, vpn, oldword);
}

/* True: the frame is to be freed. */
static bool
settle_word(struct vm_page *pg, uint64_t old, enum batch_end end)
{
	enum page_dirt dirt = word_dirt(old);

	if (end == BATCH_CLEAN) {
		if (dirt == PAGE_DIRTY)
			page_dirty_locked(pg);
		return false;
	}
	switch (pte_src(old)) {
	case SRC_PRIV:
		if (end == BATCH_ZAP || (old & PTE_GONE) != 0)
			return page_zap_locked(pg);
		ASSERT((pg->flags & PF_LAZYFREE) == 0); /* lazy_word() has decided */
		return page_unmap_locked(pg, dirt);
	case SRC_FORK: /* settle_forks() */
		return end != BATCH_ZAP && page_unmap_locked(pg, dirt);
	case SRC_OBJ:
		return page_unmap_locked(pg, dirt);
	case SRC_SPEC:
		return false;
	}
	panic("tlb: word %lx", old);
}

/* Step 6 of some words; frames that became free join the chain. */
static void
batch_settle(struct tlb_batch *b, unsigned from, unsigned to, pfn_t *dead)
{
	struct vm_page *pg;
	unsigned i;

	spin_lock(&pfn_lock);
	for (i = from; i < to; i++) {
		pg = pte_page(b->old[i]);
		if (settle_word(pg, b->old[i], b->end))
			page_chain(dead, pg);
	}
	spin_unlock(&pfn_lock);
}

/* Drop the references of words that shared a page with other spaces. */
static void
settle_forks(struct tlb_batch *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++) {
		if (pte_src(b->old[i]) == SRC_FORK)
			b->as->design->forked->unmapped(b->as,
			    pte_page(b->old[i]));
	}
}

/* Flush, wait for the answers, give up pages and tables.  The batch is empty
 * afterwards and may be filled again.
 * Locks: [W]; none of rank >= 7.
 * Returns: a chain of frames, for page_free_chain(), best without [W]. */
pfn_t
tlb_batch_finish(struct tlb_batch *b)
{
	pfn_t chain = b->table_chain, out = b->out_chain, dead = 0;
	struct vm_page *frame = b->frame;
	unsigned i;

	HELD(&b->as->ws_lock);
	if (b->n == 0 && (chain | out) == 0)
		return 0;
	md_tlb_flush(&b->as->md, b->lo << PAGE_SHIFT, b->hi << PAGE_SHIFT,
	    (chain | out) != 0 ? FLUSH_TABLES : FLUSH_PAGES);
	for (i = 0; i < b->n; i += SETTLE_MAX)
		batch_settle(b, i, MIN(b->n, i + SETTLE_MAX), &dead);
	if (b->end == BATCH_ZAP && b->as->words.fork != 0)
		settle_forks(b);
	tlb_batch_init(b, b->as, b->end);
	if (chain != 0)
		pt_free_chain(b->as, chain);
	if (out != 0)
		pt_out_chain(out);
	if (frame != NULL)
		page_free(frame);
	return dead;
}

/* The same, and the frames are freed.  Locks: [W]; none of rank >= 7. */
void
tlb_batch_end(struct tlb_batch *b)
{
	HELD(&b->as->ws_lock);
	page_free_chain(tlb_batch_finish(b));
}

/* Clear one word that will get another frame; siblings that fault meanwhile wait for [W].
 * If the new word were stored over the old one, a sibling could still read the old frame
 * after this thread has written to the new one.
 * Locks: [W] of as; none of rank >= 7.
 * Returns: the old word; its frame keeps the mapcount. */
uint64_t
tlb_clear_word(struct aspace *as, va_t va, struct vm_page *leaf, uint64_t *word)
{
	uint64_t old;

	HELD(&as->ws_lock);
	old = word_set(leaf, word, 0);
	if ((old & MD_PTE_P) != 0)
		md_tlb_flush(&as->md, PAGE_DOWN(va), PAGE_DOWN(va) + PAGE_SIZE,
		    FLUSH_PAGES);
	return old;
}
