/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recs_map.c: words of page tables that are a cache
 *
 * Problem   A word that can be made again from what else is known need not be
 *           paged or kept.
 *
 * Picture   fault ─→ map_enter ─→ word VALID     truncate, evict ─→ map_remove ─→ 0
 *
 * Rules     1. A table whose last word goes, goes.
 *           2. A word is 0 or VALID; SRC says whose the page is: OBJ of an
 *              object, FORK of a record.
 *           3. The page is let go after the flush (R6).
 */
#include "test/host/recs.h"

uint64_t *
map_word(struct aspace *as, va_t va)
{
	struct vm_page *leaf;

	return pt_find(as, va, &leaf);
}

/* f->word, which is 0, maps pg. */
void
map_enter(struct fctx *f, struct vm_page *pg, enum pte_src src, uint64_t bits)
{
	uint64_t old;

	ws_rescue(pg);
	page_map_locked(pg);
	if ((bits & MD_PTE_W) != 0)
		page_dirty_locked(pg);
	old = word_set_locked(f->leaf, f->word, pte_make_valid(pg, src, bits));
	ASSERT(old == 0);
}

/* One page more is resident. */
void
map_entered(struct fctx *f)
{
	f->as->ws.pages++;
	f->as->ws.peak = MAX(f->as->ws.peak, f->as->ws.pages);
}

void
map_clear(struct aspace *as, va_t va)
{
	struct vm_page *leaf;
	uint64_t *word = pt_find(as, va, &leaf), old;

	if (word == NULL || *word == 0)
		return;
	old = tlb_clear_word(as, va, leaf, word);
	as->ws.pages--;
	page_unmap(pte_page(old), word_dirt(old));
}

/* The same, and its table, if that has no word any more. */
void
map_remove(struct aspace *as, va_t va)
{
	struct vm_page *leaf;

	map_clear(as, va);
	if (pt_find(as, va, &leaf) != NULL && leaf->nused == 0)
		pt_prune_now(as, va);
}

void
map_reduce(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t clear,
    uint64_t set)
{
	uint64_t vpn, *word;

	for (vpn = lo; vpn < hi; vpn++) {
		word = map_word(as, vpn << PAGE_SHIFT);
		if (word != NULL && *word != 0)
			(void)word_change(word, clear, set);
	}
	tlb_flush_range(as, lo, hi);
}

void
map_clean(struct aspace *as, va_t va)
{
	uint64_t *word = map_word(as, va), old;

	if (word == NULL || *word == 0)
		return;
	old = word_change(word, MD_PTE_W | MD_PTE_D, 0);
	md_tlb_flush(&as->md, va, va + PAGE_SIZE, FLUSH_PAGES);
	if ((old & MD_PTE_D) == 0)
		return;
	spin_lock(&pfn_lock);
	page_dirty_locked(pte_page(old));
	spin_unlock(&pfn_lock);
}

bool
map_used(struct aspace *as, va_t va)
{
	uint64_t *word = map_word(as, va), old;

	if (word == NULL || *word == 0)
		return false;
	old = word_change(word, MD_PTE_A, 0);
	md_tlb_flush(&as->md, va, va + PAGE_SIZE, FLUSH_PAGES);
	return (old & MD_PTE_A) != 0;
}
