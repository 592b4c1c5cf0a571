/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/entry.c: the entry of a forked page, as a fault needs it
 *
 * Problem   F4 and F8 work on an entry in pageable kernel memory, and the entry's
 *           page may itself be on swap.  Both must be in memory before anything
 *           is changed.
 *
 * Picture   FORK word ─ fault_entry ─→ entry, its page among f's pins
 *                     ─ fault_entry_ready ─→ TRANS: go on
 *                                            BUSY F6, SWAP F5, ERROR F11
 *                     ─ fmo_try_steal ─→ fault_map_stolen: the word is private
 *
 * Rules     1. A word that is TRANS now may be SWAP when [P] is taken: before a
 *              page is mapped or pinned the word is read again under [P].
 *           2. A page is read once for all processes that share its entry.
 */
#include "vm/design/fmo/fmo.h"

/* The entry of a FORK or VALID/FORK word, its page pinned among f's pins.
 * Locks: [W]; takes [P].
 * Returns: FAULT_DONE with the entry in *e, FAULT_NEEDMEM: it is on swap (R2). */
enum fault_outcome
fault_entry(struct fctx *f, uint64_t word, struct fmo_entry **e)
{
	va_t kva = fork_entry(word);
	uint64_t index = (kva - MD_KPAGED_BASE) >> PAGE_SHIFT;
	struct vm_page *pg = NULL;
	unsigned i;

	for (i = 0; i < f->npin; i++)
		if (page_home_kind(f->pin[i]) == HOME_KPAGED &&
		    f->pin[i]->index == index)
			pg = f->pin[i];
	if (pg == NULL) {
		pg = kpaged_trypin(kva);
		if (pg == NULL) {
			(void)kpaged_want(&f->want, kva);
			return fault_missing(f);
		}
		ASSERT(f->npin < FAULT_MAXPINS);
		f->pin[f->npin++] = pg;
	}
	container_attach(pg, KIND_FMO, MD_PT_WORDS);
	*e = kpaged_ptr(pg, kva);
	return FAULT_DONE;
}

/* F5 for the page of an entry, and of entries behind it. */
static enum fault_outcome
entry_swap_in(struct fctx *f, struct fmo_entry *e)
{
	struct fmo_ref *ref = fmo_find_ref(f->as, fmo_index_of(e));
	const struct swap_words w = fmo_swap_words(e);
	enum fault_outcome r;

	ASSERT(ref != NULL);
	spin_lock(&ref->fmo->lock);
	r = fault_swap_in(f, &w);
	spin_unlock(&ref->fmo->lock);
	return r;
}

/* Is the page of the entry in memory?  It may leave again until it is mapped or pinned
 * under [P].
 * Locks: [W]; the entry's page is pinned; takes [F], [P].
 * Returns: FAULT_DONE: yes; else what the driver must do: F5, F6, F11. */
enum fault_outcome
fault_entry_ready(struct fctx *f, struct fmo_entry *e)
{
	uint64_t word = word_get(&e->word);

	switch (pte_kind(word)) {
	case PTE_TRANS:
		return FAULT_DONE;
	case PTE_BUSY:
		return fault_busy(f, word, pte_page(word));
	case PTE_SWAP:
		return entry_swap_in(f, e);
	case PTE_ERROR:
		return fault_lost(f, word_get(f->word));
	case PTE_ABSENT:
	case PTE_VALID:
	case PTE_FORK:
		break;
	}
	panic("fault: entry %lx has word %lx", fmo_index_of(e), word);
}

/* The end of F4s: the page is private again, its word VALID/PRIV or TRANS.  Map it with
 * the rights of the VAD.
 * Locks: [W]; takes [P].
 * Returns: FAULT_DONE, FAULT_RESTART (the frame was reclaimed meanwhile). */
enum fault_outcome
fault_map_stolen(struct fctx *f, uint64_t before)
{
	uint64_t set = fault_rights(f) & ~MD_PTE_NX;
	struct vm_page *pg;

	HELD(&f->as->ws_lock);
	if (pte_kind(word_get(f->word)) == PTE_VALID) {
		pg = pte_page(word_get(f->word));
		word_change(f->word, 0, set);
		md_tlb_local(f->va);
	} else if (!fault_map_trans(f, &pg)) {
		return FAULT_RESTART;
	}
	EVENT(fault_fork_steal, f->va, before, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}
