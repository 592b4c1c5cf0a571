/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/trim.c: PTEs stop mapping, or allow less: trimming, mprotect
 *
 * Problem   Memory is wanted, or mprotect takes all rights away: the page
 *           stays where it is, but this PTE maps it no more.  The new word
 *           must lead back to the page.  If mprotect leaves some rights, no
 *           CPU may use one that was taken away.
 *
 * Picture   VALID/PRIV → TRANS      the word stays the page's home
 *                      → ABSENT     MADV_FREE, not written since: freed
 *           VALID/FORK → what the design says: shared->trim
 *           VALID/OBJ  → ABSENT     the object knows the page
 *           VALID/SPEC → ABSENT     the zero page can be had again
 *           mprotect, some rights left: VALID, W off, NX on ─→ one flush
 *
 * Rules     1. Only after the TLB acknowledgement mapcount falls and the page
 *              goes to a queue (BATCH_TRIM); until then it is ACTIVE.
 *           2. The final D bit is in the old word of the exchange.
 *           3. LOCKED words stay; without U if no right is left.
 *           4. Only VALID words have rights: for all others the next fault asks
 *              the VAD.  ws_lock is held for one leaf table at a time, with one
 *              flush for the words that were changed in this hold.
 */
#include "vm/pte/pte.h"

/* MADV_FREE was called for the page.  If it was not written since, it loses its owner and
 * is freed after the flush, whatever its flags are then; else the advice is void. */
static uint64_t
lazy_word(struct aspace *as, const struct ws_entry *s)
{
	uint64_t old = word_set(s->leaf, s->word, 0);
	struct vm_page *pg = pte_page(old);
	bool kept, late;

	spin_lock(&pfn_lock);
	late = pg->swp.late;
	kept = (old & MD_PTE_D) != 0 || (pg->flags & PF_DIRTY) != 0 ||
	    pg->pins != 0;
	if (kept) {
		pg->flags &= (uint8_t)~PF_LAZYFREE;
		word_set_locked(s->leaf, s->word, pte_make_trans(pg));
	}
	spin_unlock(&pfn_lock);
	if (!kept)
		as->words.priv--;
	if (!kept && late)
		commit_uncharge_late(as, 1);
	return kept ? old : old | PTE_GONE;
}

static uint64_t
trimmed_word(struct aspace *as, const struct ws_entry *s)
{
	const struct pte_ref spot = { as, s->va, s->leaf, s->word };
	uint64_t word = word_get(s->word);

	switch (pte_src(word)) {
	case SRC_PRIV:
		return pte_make_trans(pte_page(word));
	case SRC_FORK:
		return as->design->forked->trim(&spot);
	case SRC_OBJ:
	case SRC_SPEC:
		return 0;
	}
	panic("trim: va %lx word %lx", s->va, word);
}

/* The word at s, VALID, leaves the set.  [W], batch open.  Returns: pages trimmed. */
static size_t
trim_word(struct aspace *as, const struct ws_entry *s)
{
	uint64_t word = word_get(s->word);
	bool lazy = pte_src(word) == SRC_PRIV &&
	    (pte_page(word)->flags & PF_LAZYFREE) != 0;

	return ws_taken(as, s, lazy ? lazy_word(as, s) :
	    word_set(s->leaf, s->word, trimmed_word(as, s)));
}

/* Take up to `want` pages of at least min_age out of the working set, from the hand on:
 * school->evict.  They keep their contents: on a queue, after the flush.
 * Locks: [W], kept.  Returns: pages trimmed. */
size_t
pte_evict(struct aspace *as, size_t want, int min_age)
{
	bool brief = (min_age & WS_BRIEF) != 0;
	uint64_t most, budget;
	struct ws_entry s;
	size_t done = 0;

	HELD(&as->ws_lock);
	min_age &= ~WS_BRIEF;
	tlb_batch_init(as->batch, as, BATCH_TRIM);
	most = MIN(ws_look(as, min_age), brief ? (uint64_t)WS_LOOKS : UINT64_MAX);
	budget = most;
	while (done < want && ws_pick_victim(as, min_age, &budget, &s))
		done += trim_word(as, &s);
	tlb_batch_end(as->batch);
	EVENT_ADD(ws_looks, most - budget);
	EVENT(ws_trim, done, min_age & WS_AGE);
	return done;
}

/* Trim the words of one leaf table, also those of pinned pages.  [W]. */
static size_t
trim_table(struct pt_iter *it)
{
	struct aspace *as = it->as;
	struct ws_entry s = { .leaf = it->leaf };
	size_t done = 0;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	PT_FOREACH(s.word, it) {
		s.va = it->va;
		s.index = md_pt_index(s.va, 1);
		if ((word_get(s.word) & MD_PTE_P) != 0 &&
		    (word_get(s.word) & PTE_LOCK) == 0)
			done += trim_word(as, &s);
	}
	tlb_batch_end(as->batch);
	return done;
}

/* Take all pages of [lo, hi) vpn out of the working set, also pinned ones, but not locked
 * ones.
 * Locks: none of rank >= 5; takes [W].  Returns: pages trimmed. */
size_t
pte_trim_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct pt_iter it = pt_range(as, lo, hi);
	size_t done = 0;

	while (pt_iter_next(&it))
		done += trim_table(&it);
	return done;
}

/* ---- fewer rights ---- */

/* The words of one leaf table.  [W]. */
static void
protect_table(struct pt_iter *it, uint64_t clear, uint64_t set)
{
	uint64_t *word, w, lo = UINT64_MAX, hi = 0; /* vpn range that changed */

	PT_FOREACH(word, it) {
		w = word_get(word);
		if (pte_kind(w) != PTE_VALID || ((w & ~clear) | set) == w)
			continue;
		word_change(word, clear, set);
		lo = MIN(lo, it->va >> PAGE_SHIFT);
		hi = (it->va >> PAGE_SHIFT) + 1;
	}
	tlb_flush_range(it->as, lo, hi);
}

/* The VAD is about to have fewer rights: school->protect.
 * Locks: [M] exclusive; takes [W].  Returns: 0. */
int
pte_protect(struct aspace *as, struct vad *vad, uint8_t prot)
{
	uint64_t clear = (prot & PROT_W) != 0 ? 0 : MD_PTE_W;
	uint64_t set = (prot & PROT_X) != 0 ? 0 : MD_PTE_NX;
	struct pt_iter it = pt_range(as, vad->start, vad->end);

	HELD(&as->map_lock);
	if (prot == 0) {
		/* Words that it left VALID are locked: they stay, without U. */
		if ((vad->flags & VAD_LOCKED) != 0)
			atomic_store(&as->table.hides, true);
		pte_trim_range(as, vad->start, vad->end);
		clear |= MD_PTE_U;
	}
	while (pt_iter_next(&it))
		protect_table(&it, clear, set);
	return 0;
}
