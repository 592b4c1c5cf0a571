/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pmap.c: page tables as a cache: all in them can be found again
 *
 * Problem   If a design keeps its pages in records, these and the objects say where
 *           each page is.  The CPU reads page tables; so faults fill them, and
 *           any word or table of them may be dropped at any time.
 *
 * Picture   as->md.root_pa ─→ table ─→ table ─→ leaf: VALID or 0
 *                                                 │ SRC OBJ:  page of an object
 *                                                 │ SRC FORK: page of a record
 *                                                 │ SRC SPEC: zeros, or a device
 *                                                 └─→ page ─ pv ─→ {as, va}
 *
 * Rules     1. Only a store makes a word writable; D is set with it.
 *           2. A word is dropped by an exchange for 0; its page is given up after the
 *              flush (BATCH_TRIM), never before (R6).
 *           3. Tables are those of ../../table/.  Each of their words is VALID or 0: so a
 *              table that maps no page is empty, and freed; none goes to swap.  If its
 *              pages are only on swap, the charge for it is kept.
 *           4. [W] is held throughout.
 *
 * Read next pv.c
 */
#include "vm/frame/frame.h"
#include "vm/design/pmap/pmap.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* ---- words ---- */

/* A table that lost its last word because the page left memory will be made again: keep
 * its charge for that.  [W] */
static void
keep_charge(struct aspace *as, struct vm_page *table)
{
	if (table->nused != 0 || table->tbl.late == 0 || table->tbl.level != 1)
		return;
	table->tbl.late = 0;
	as->commit.pruned++;
}

/* Let f->word, which is 0, map pg.
 * Locks: [W], [P].  Owns: takes p over; NULL: the space keeps none. */
void
pmap_enter_locked(struct fctx *f, struct vm_page *pg, enum pte_src src,
    uint64_t bits, struct vm_pv *p)
{
	struct aspace *as = f->as;

	HELD(&as->ws_lock);
	HELD(&pfn_lock);
	ws_rescue(pg);
	page_map_locked(pg);
	if ((bits & MD_PTE_W) != 0)
		page_dirty_locked(pg);
	if (p != NULL)
		pv_add(pg, p, as, PAGE_DOWN(f->va));
	word_enter(f->word, pte_make_valid(pg, src, bits));
	word_entered(f->leaf, 1, 0, (bits & PTE_LOCK) != 0);
	as->ws.pages++;
	as->ws.peak = MAX(as->ws.peak, as->ws.pages);
}

/* The word of va, which was `old`, no longer maps a page.  Locks: [W]. */
static void
tell_left(struct aspace *as, va_t va, uint64_t old)
{
	HELD(&as->ws_lock);
	if (as->design->shared->left != NULL)
		as->design->shared->left(as, va, old);
}

/* Clear and flush f->word before it maps another page: else a sibling could read the old
 * page after this thread's store.  Its table stays.
 * Locks: [W]. */
void
pmap_remove_word(struct fctx *f)
{
	struct words_cleared gone = { .by_bits = { 0 } };
	va_t va = PAGE_DOWN(f->va);
	struct vm_page *pg;
	uint64_t old;

	HELD(&f->as->ws_lock);
	if (word_get(f->word) == 0)
		return;
	old = word_take(f->word, &gone);
	md_tlb_flush(&f->as->md, va, va + PAGE_SIZE, FLUSH_PAGES);
	if (pte_is_special(old)) {
		word_settle(f->leaf, &gone);
		return;
	}
	tell_left(f->as, va, old);
	f->as->ws.pages--;
	f->as->words.locked -= words_cleared_locked(&gone);
	pg = pte_page(old);
	spin_lock(&pfn_lock);
	word_sums_locked(f->leaf, -1, -1);
	page_unlock_free(pg, page_unmap_locked(pg, word_dirt(old)));
}

static bool
concerns(uint64_t word, enum pmap_which which)
{
	return (which != PMAP_OBJECT || pte_src(word) == SRC_OBJ) &&
	    (which != PMAP_UNLOCKED || (word & PTE_LOCK) == 0);
}

/* Clear the word of it->va into the space's batch; taken() updates the counts of the
 * table. */
static void
take_word(struct pt_iter *it, uint64_t *word, struct words_cleared *gone)
{
	uint64_t old = word_take(word, gone);

	if (!pte_is_special(old))
		tell_left(it->as, it->va, old);
	tlb_batch_add(it->as->batch, it->va >> PAGE_SHIFT, old);
}

/* Those words of the leaf table of va are cleared; free an empty table.  With
 * PMAP_UNLOCKED their pages only left memory. */
static size_t
taken(struct pt_iter *it, va_t va, const struct words_cleared *gone,
    enum pmap_which which)
{
	size_t n = words_cleared_of(gone, SRC_OBJ) + words_cleared_of(gone, SRC_FORK);
	bool any = n + words_cleared_of(gone, SRC_SPEC) > 0;

	word_settle(it->leaf, gone);
	it->as->ws.pages -= n;
	if (any && which == PMAP_UNLOCKED)
		keep_charge(it->as, it->leaf);
	/* A thread that is about to make its first word has pinned the table. */
	if (any && it->leaf->nused == 0)
		pt_prune(it->as, va, it->as->batch);
	tlb_batch_end(it->as->batch);
	return n;
}

/* The words of one leaf table. */
static size_t
remove_leaf(struct pt_iter *it, enum pmap_which which)
{
	struct words_cleared gone = { .by_bits = { 0 } };
	va_t first = it->va;
	uint64_t *word;

	tlb_batch_init(it->as->batch, it->as, BATCH_TRIM);
	PT_FOREACH(word, it)
		if (concerns(word_get(word), which))
			take_word(it, word, &gone);
	return taken(it, first, &gone, which);
}

/* Clear the words of [lo, hi) vpn that `which` means.
 * Locks: [W].  Returns: how many. */
size_t
pmap_remove(struct aspace *as, uint64_t lo, uint64_t hi, enum pmap_which which)
{
	struct pt_iter it = pt_range(as, lo, hi);
	size_t n = 0;

	HELD(&as->ws_lock);
	while (pt_iter_table(&it))
		n += remove_leaf(&it, which);
	return n;
}

/* Clear all words of [lo, hi) vpn that are not locked.
 * Locks: none of rank >= 5; takes [W], for one leaf table at a time. */
void
pmap_trim_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct pt_iter it = pt_range(as, lo, hi);

	while (pt_iter_next(&it))
		(void)remove_leaf(&it, PMAP_UNLOCKED);
}

/* May this word's page go?  A used one may not, at the first visit. */
static bool
is_unused(uint64_t *word, bool *spared)
{
	uint64_t w = word_get(word);

	if (pte_is_special(w) || (w & PTE_LOCK) != 0 || pte_page(w)->pins != 0)
		return false;
	if ((w & MD_PTE_A) == 0)
		return true;
	(void)word_change(word, MD_PTE_A, 0);
	*spared = true;
	return false;
}

/* Clear up to want words of one leaf table, from it->va on, that were not used since the
 * last visit; one flush.
 * Locks: [W].
 * Returns: how many, with it->va moved on; *spared is set if some were used. */
size_t
pmap_remove_unused(struct pt_iter *it, size_t want, bool *spared)
{
	struct words_cleared gone = { .by_bits = { 0 } };
	va_t first = it->va;
	uint64_t *word;
	size_t n = 0;

	HELD(&it->as->ws_lock);
	tlb_batch_init(it->as->batch, it->as, BATCH_TRIM);
	PT_FOREACH(word, it) {
		if (n == want)
			break;
		if (!is_unused(word, spared))
			continue;
		take_word(it, word, &gone);
		n++;
	}
	return taken(it, first, &gone, PMAP_UNLOCKED);
}

/* Clear the word of va into the space's batch, if it still maps pg and is not locked.
 * Locks: [W]. */
bool
pmap_take_word(struct aspace *as, va_t va, const struct vm_page *pg)
{
	struct vm_page *leaf;
	uint64_t *word = pt_find(as, va, &leaf), old;

	HELD(&as->ws_lock);
	old = word == NULL ? 0 : word_get(word);
	if (old == 0 || pte_page(old) != pg || (old & PTE_LOCK) != 0)
		return false;
	old = word_set(leaf, word, 0);
	tell_left(as, va, old);
	as->ws.pages--;
	tlb_batch_put(as->batch, va >> PAGE_SHIFT, old);
	keep_charge(as, leaf);
	if (leaf->nused == 0)
		pt_prune(as, va, as->batch);
	return true;
}

/* Give the words of [lo, hi) vpn other rights; the caller flushes if they are fewer.
 * Locks: [W]. */
void
pmap_change(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t clear,
    uint64_t set)
{
	struct pt_iter it = pt_range(as, lo, hi);
	uint64_t *word, *end;

	HELD(&as->ws_lock);
	for (; pt_iter_table(&it); it.va = it.stop) {
		word = pt_iter_at(&it);
		end = word + ((it.stop - it.va) >> PAGE_SHIFT);
		for (; word < end; word++)
			if (word_get(word) != 0)
				(void)word_change(word, clear, set);
	}
}
