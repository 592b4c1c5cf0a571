/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/evict.c: a page leaves the working set, one word at a time
 *
 * Problem   Memory is wanted, or mprotect takes all rights away: the page
 *           shall stay where it is, only this word shall not map it.  What
 *           the word becomes must lead back to the page.
 *
 * Picture   VALID/PRIV → TRANS      the word stays the page's home
 *                      → ABSENT     MADV_FREE, not written since: freed
 *           VALID/FORK → FORK(e)    or, by the last owner, TRANS (stolen)
 *           VALID/OBJ  → ABSENT     the object knows the page
 *           VALID/SPEC → ABSENT     the zero page can be had again
 *
 * Rules     1. Only after the acknowledgement falls mapcount, and the page
 *              goes to a queue (BATCH_TRIM); until then it is ACTIVE.
 *           2. The final D bit is in the old word of the exchange.
 *           3. LOCKED words stay.
 *           4. Fewer rights that are still some keep the word VALID: W off
 *              or NX on, and one flush for the whole range.
 *
 * Read next vm/ws/ws.c, vm/table/tlb.c.  Book: ch12.
 */
#include "vm/design/fmo/fmo.h"

static uint64_t trimmed_word(const struct ws_spot *s);
static uint64_t lazy_word(struct aspace *as, const struct ws_spot *s);

/*
 * The last owner has its page back, before it goes.  With its entry the entry's
 * page may be free to leave, too: it is pinned meanwhile (R2).
 */
static void
steal_back(const struct fmo_spot *s, struct fmo_entry *e)
{
	struct vm_page *page = fmo_page_of(e);

	if (e->refs != 1)
		return;
	page_pin(page);
	(void)fmo_try_steal(s, e, STEAL_TRIM);
	kpaged_unpin(page);
}

/* What ws_trim() does to one word.  [W].  Returns: the old word. */
static uint64_t
evict_word(struct aspace *as, const struct ws_spot *s)
{
	uint64_t word = word_get(s->word);
	struct vm_page *pg = pte_page(word);
	struct fmo_spot spot = { as, s->va, s->leaf, s->word };

	if (pte_src(word) == SRC_FORK)
		steal_back(&spot, fmo_entry_of_page(pg));
	if ((pg->flags & PF_LAZYFREE) != 0 && pte_src(word) == SRC_PRIV)
		return lazy_word(as, s);
	return word_set(s->leaf, s->word, trimmed_word(s));
}

static uint64_t
trimmed_word(const struct ws_spot *s)
{
	uint64_t word = word_get(s->word);
	struct vm_page *pg = pte_page(word);

	switch (pte_src(word)) {
	case SRC_PRIV:
		return pte_make_trans(pg);
	case SRC_FORK:
		return fork_word(fmo_index_of(fmo_entry_of_page(pg)));
	case SRC_OBJ:
	case SRC_SPEC:
		return 0;
	}
	panic("evict: va %lx word %lx", s->va, word);
}

/*
 * MADV_FREE was called for the page.  Not written to since, it is nobody's any
 * more and goes after the flush, whatever its flags are then; else the advice
 * is void.
 */
static uint64_t
lazy_word(struct aspace *as, const struct ws_spot *s)
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
		as->n_priv--;
	if (!kept && late)
		commit_uncharge_late(as, 1);
	return kept ? old : old | PTE_GONE;
}

/*
 * Take up to `want` pages of at least min_age out of the working set, from
 * the hand on: ops->evict.
 *
 * Locks:    [W], kept.
 * Returns:  pages trimmed.
 */
size_t
fmo_evict(struct aspace *as, size_t want, int min_age)
{
	return ws_trim(as, want, min_age, evict_word);
}

/* Words of one leaf table in [va, end), pinned pages too.  [W]. */
static size_t
trim_table(struct aspace *as, struct vm_page *leaf, va_t va, va_t end)
{
	struct ws_spot s = { .leaf = leaf };
	size_t done = 0;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	for (; va < end && leaf->nused > 0; va += PAGE_SIZE) {
		s.index = md_pt_index(va, 1);
		s.word = &pt_words(leaf)[s.index];
		if ((word_get(s.word) & MD_PTE_P) != 0 &&
		    (word_get(s.word) & PTE_LOCK) == 0 &&
		    ws_take(as, &s, evict_word))
			done++;
	}
	tlb_batch_end(as->batch);
	return done;
}

/*
 * Take all pages of [lo, hi) vpn out of the working set, pinned ones too.
 *
 * Locks:    none of rank >= 5; takes [W].
 * Returns:  pages trimmed.
 */
size_t
fmo_trim_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	va_t va = lo << PAGE_SHIFT, end = hi << PAGE_SHIFT, stop;
	struct vm_page *leaf;
	size_t done = 0;

	while (va < end) {
		mutex_lock(&as->ws_lock);
		leaf = pt_next_leaf(as, &va, end);
		stop = leaf == NULL ? end :
		    MIN(end, (va | ((MD_PT_WORDS << PAGE_SHIFT) - 1)) + 1);
		if (leaf != NULL)
			done += trim_table(as, leaf, va, stop);
		va = stop;
		mutex_unlock(&as->ws_lock);
	}
	return done;
}

/* ---- fewer rights ---- */

struct rights_work {
	uint64_t clear, set;  /* bits of VALID words */
	uint64_t lo, hi;      /* vpn range that changed */
};

static void
reduce_table(struct rights_work *r, struct vm_page *leaf, va_t va, va_t end)
{
	for (; va < end; va += PAGE_SIZE) {
		uint64_t *word = &pt_words(leaf)[md_pt_index(va, 1)];
		uint64_t w = word_get(word);

		if (pte_kind(w) != PTE_VALID ||
		    ((w & ~r->clear) | r->set) == w)
			continue;
		word_change(word, r->clear, r->set);
		r->lo = MIN(r->lo, va >> PAGE_SHIFT);
		r->hi = MAX(r->hi, (va >> PAGE_SHIFT) + 1);
	}
}

/*
 * The VAD is about to have fewer rights: ops->protect.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0.
 */
int
fmo_protect(struct aspace *as, struct vad *vad, uint8_t prot)
{
	struct rights_work r = { .lo = UINT64_MAX,
		.clear = (prot & PROT_W) != 0 ? 0 : MD_PTE_W,
		.set = (prot & PROT_X) != 0 ? 0 : MD_PTE_NX };
	va_t va = vad->start << PAGE_SHIFT, end = vad->end << PAGE_SHIFT, stop;
	struct vm_page *leaf;

	if (prot == 0) {
		/* What it leaves VALID is locked: stays, but out of reach. */
		if ((vad->flags & VAD_LOCKED) != 0)
			atomic_store(&as->hides, true);
		fmo_trim_range(as, vad->start, vad->end);
		r.clear |= MD_PTE_U;
	}
	mutex_lock(&as->ws_lock);
	while ((leaf = pt_next_leaf(as, &va, end)) != NULL) {
		stop = MIN(end, (va | ((MD_PT_WORDS << PAGE_SHIFT) - 1)) + 1);
		reduce_table(&r, leaf, va, stop);
		va = stop;
	}
	tlb_flush_range(as, r.lo, r.hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
