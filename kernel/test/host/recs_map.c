/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recs_map.c: page tables that a design makes and frees itself
 *
 * Problem   A page table that can be made again from what else is known need
 *           not be counted, paged or kept: it is a cache.
 *
 * Picture   as->md.root_pa ─→ wired table ─→ wired table ─→ leaf: VALID or 0
 *
 * Rules     1. Tables are made in a fault and freed with the space.
 *           2. A word is 0 or VALID; SRC says whose the page is: OBJ of an
 *              object, FORK of a record.
 *           3. The page is let go after the flush (R6).
 */
#include "test/host/recs.h"

static uint64_t *
step_down(uint64_t word, va_t va, int level)
{
	return (uint64_t *)pa2va(word & MD_PTE_PFN) + md_pt_index(va, level);
}

uint64_t *
map_word(struct aspace *as, va_t va)
{
	uint64_t *word = step_down(as->md.root_pa, va, MD_PT_LEVELS);
	int level;

	ASSERT(mutex_is_mine(&as->ws_lock));
	for (level = MD_PT_LEVELS - 1; level > 0; level--) {
		if (*word == 0)
			return NULL;
		word = step_down(*word, va, level);
	}
	return word;
}

static pa_t
table_new(struct fctx *f)
{
	struct vm_page *pg;

	if (!want_zeros(&f->want))
		return 0;
	pg = f->want.frame;
	f->want.frame = NULL;
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_KERNEL, 0);
	page_set_state(pg, PG_WIRED);
	spin_unlock(&pfn_lock);
	return page_pa(pg);
}

uint64_t *
map_word_make(struct fctx *f)
{
	uint64_t *word = step_down(f->as->md.root_pa, f->va, MD_PT_LEVELS);
	int level;
	pa_t pa;

	for (level = MD_PT_LEVELS - 1; level > 0; level--) {
		pa = *word == 0 ? table_new(f) : 0;
		if (*word == 0 && pa == 0)
			return NULL;
		if (pa != 0)
			*word = pa | MD_PTE_P | MD_PTE_W | MD_PTE_U | MD_PTE_A;
		word = step_down(*word, f->va, level);
	}
	return word;
}

static void
free_below(uint64_t *table, unsigned n, int level)
{
	struct vm_page *pg;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (table[i] == 0)
			continue;
		ASSERT(level > 1); /* every page has been unmapped */
		pg = pte_page(table[i]);
		free_below(pa2va(page_pa(pg)), MD_PT_WORDS, level - 1);
		table[i] = 0;
		spin_lock(&pfn_lock);
		page_set_home(pg, HOME_NONE, 0);
		spin_unlock(&pfn_lock);
		phys_free(pg);
	}
}

/* The space ends: no CPU runs on it. */
void
map_free_tables(struct aspace *as)
{
	free_below(pa2va(as->md.root_pa), MD_PT_WORDS / 2, MD_PT_LEVELS);
}

/* ---- words ---- */

/* f->word, which is 0, maps pg. */
void
map_enter(struct fctx *f, struct vm_page *pg, enum pte_src src, uint64_t bits)
{
	ASSERT(*f->word == 0);
	ws_rescue(pg);
	page_map_locked(pg);
	if ((bits & MD_PTE_W) != 0)
		page_dirty_locked(pg);
	__atomic_store_n(f->word, pte_make_valid(pg, src, bits),
	    __ATOMIC_SEQ_CST);
}

/* One page more is resident. */
void
map_entered(struct fctx *f)
{
	f->as->ws_pages++;
	f->as->ws_peak = MAX(f->as->ws_peak, f->as->ws_pages);
}

void
map_remove(struct aspace *as, va_t va)
{
	uint64_t *word = map_word(as, va), old;

	if (word == NULL || *word == 0)
		return;
	old = atomic_xchg(word, 0);
	md_tlb_flush(&as->md, va, va + PAGE_SIZE, FLUSH_PAGES);
	as->ws_pages--;
	page_unmap(pte_page(old), (old & MD_PTE_D) != 0);
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
