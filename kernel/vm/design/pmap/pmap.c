/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pmap.c: page tables that hold nothing which could not be found again
 *
 * Problem   Where a design keeps its pages in records, what is where in memory
 *           stands there and in objects.  The CPU asks page tables; so these are
 *           filled as faults come, and any word or table of them may go at any time.
 *
 * Picture   as->md.root_pa ─→ table ─→ table ─→ leaf: VALID or 0
 *                                                 │ SRC OBJ:  page of an object
 *                                                 │ SRC FORK: page of a record
 *                                                 │ SRC SPEC: zeros, or a device
 *                                                 └─→ page ─ pv ─→ {as, va}
 *
 * Rules     1. Only a store makes a word writable, and D with it.
 *           2. A word that goes is exchanged for 0; after the flush its page is let
 *              go (BATCH_TRIM), never before (R6).
 *           3. A table whose last word has gone is unlinked, flushed and freed, and
 *              so are those above it.  Tables never go to swap.
 *           4. [W] is held throughout.
 *
 * Read next pv.c
 */
#include "vm/frame/frame.h"
#include "vm/design/pmap/pmap.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* The way to an address: the word at each level, and the table that holds it. */
struct way {
	uint64_t *word[MD_PT_LEVELS + 1];        /* [own] [1]: of the leaf table */
	struct vm_page *table[MD_PT_LEVELS + 1]; /* [own] [MD_PT_LEVELS]: the root */
};

/* ---- tables ---- */

/* As far down as there are tables: 1, or the level of a word that is 0. */
static int
go_down(struct aspace *as, va_t va, struct way *w)
{
	struct vm_page *table = page_of_pa(as->md.root_pa);
	int level = MD_PT_LEVELS;

	ASSERT(mutex_is_mine(&as->ws_lock));
	for (;; level--) {
		w->table[level] = table;
		w->word[level] = &pt_words(table)[md_pt_index(va, level)];
		if (level == 1 || word_get(w->word[level]) == 0)
			return level;
		table = pte_page(word_get(w->word[level]));
	}
}

/*
 * The word of va.
 *
 * Locks:    [W].
 * Returns:  the word and its table in *leaf; NULL: there is no leaf table.
 */
uint64_t *
pmap_find(struct aspace *as, va_t va, struct vm_page **leaf)
{
	struct way w;

	if (go_down(as, va, &w) != 1)
		return NULL;
	*leaf = w.table[1];
	return w.word[1];
}

/*
 * A table below the word of this level.  A leaf is paid by its mapping, else late; of
 * the upper ones the space has paid a few, others are charged without the test.
 */
static enum fault_outcome
table_new(struct fctx *f, struct way *w, int level)
{
	bool late = level == 2 && (f->v.flags & VAD_CHARGED) == 0;
	struct aspace *as = f->as;
	struct vm_page *pg;

	if (!want_zeros(&f->want))
		return fault_missing(f);
	if (late && as->pruned > 0)
		as->pruned--;
	else if (late ? pt_pay_late(f) != 0 : !commit_may_touch())
		return fault_over_limit(f);
	pg = f->want.frame;
	f->want.frame = NULL;
	if (level > 2 && as->n_upper < UPPER_PAID) {
		as->n_upper++;
	} else if (level > 2) {
		late = true;
		commit_charge_forced(as);
	}
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_KERNEL, 0);
	page_set_state(pg, PG_WIRED);
	spin_unlock(&pfn_lock);
	atomic_add(&kmem_paid, 1);
	pg->nused = 0;
	pg->tbl.level = (unsigned)(level - 1) & 3;
	pg->tbl.late = late;
	__atomic_store_n(w->word[level], page_pa(pg) | MD_PTE_P | MD_PTE_W |
	    MD_PTE_U | MD_PTE_A, __ATOMIC_SEQ_CST);
	if (level < MD_PT_LEVELS)
		w->table[level]->nused++;
	as->n_table++;
	return FAULT_DONE;
}

/* Why a table goes: its mapping does, or its pages are only out of memory. */
enum table_end { TABLE_GONE, TABLE_EVICTED };

/* One that was evicted will be made again: what was charged for it is kept. */
static void
table_free(struct aspace *as, struct vm_page *pg, enum table_end why)
{
	pg->nused = 0;
	if (pg->tbl.late && pg->tbl.level == 1 && why == TABLE_EVICTED)
		as->pruned++;
	else if (pg->tbl.late)
		commit_uncharge_late(as, 1);
	else if (pg->tbl.level > 1)
		as->n_upper--;
	atomic_sub(&kmem_paid, 1);
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_NONE, 0);
	spin_unlock(&pfn_lock);
	phys_free(pg);
	as->n_table--;
}

/* The tables of va, from below, as far as they have no word. */
static void
prune(struct aspace *as, va_t va, enum table_end why)
{
	va_t first = va & ~(PT_SPAN - 1);
	struct way w;
	int low = go_down(as, va, &w), level, top = low;

	for (; top < MD_PT_LEVELS && w.table[top]->nused == 0; top++) {
		*w.word[top + 1] = 0;
		if (top + 1 < MD_PT_LEVELS)
			w.table[top + 1]->nused--;
	}
	if (top == low)
		return;
	md_tlb_flush(&as->md, first, first + PT_SPAN, FLUSH_TABLES);
	for (level = low; level < top; level++)
		table_free(as, w.table[level], why);
}

/*
 * The word of f's address, in f->word, and its table, in f->leaf; tables are made.
 *
 * Locks:    [W].
 * Returns:  FAULT_DONE; FAULT_NEEDMEM; FAULT_SIGNAL (over the limit).
 */
enum fault_outcome
pmap_make(struct fctx *f)
{
	enum fault_outcome r;
	struct way w;
	int level;

	while ((level = go_down(f->as, f->va, &w)) != 1) {
		r = table_new(f, &w, level);
		/* Who cannot pay for the leaf leaves no upper ones, which nobody asked. */
		if (r == FAULT_SIGNAL)
			prune(f->as, f->va, TABLE_GONE);
		if (r != FAULT_DONE)
			return r;
	}
	f->leaf = w.table[1];
	f->word = w.word[1];
	return FAULT_DONE;
}

/*
 * The next leaf table of the range.
 *
 * Locks:    [W].
 * Returns:  true with it->va at its first word of the range, and it->stop behind
 *           the last; the caller moves it->va on.  False: there is none.
 */
bool
pmap_next_leaf(struct pmap_iter *it)
{
	struct way w;
	int level;

	while (it->va < it->end) {
		level = go_down(it->as, it->va, &w);
		if (level == 1) {
			it->leaf = w.table[1];
			it->stop = MIN(it->end, pt_table_end(it->va));
			return true;
		}
		it->va = pt_skip_absent(w.word[level], it->va, it->end, level - 1);
	}
	return false;
}

static void
free_below(struct aspace *as, uint64_t *words, unsigned n, int level)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (words[i] == 0)
			continue;
		ASSERT(level > 1); /* every page has been unmapped */
		free_below(as, pt_words(pte_page(words[i])), MD_PT_WORDS,
		    level - 1);
		table_free(as, pte_page(words[i]), TABLE_GONE);
		words[i] = 0;
	}
}

/*
 * The space ends; no CPU runs on it, and no word maps a page.
 *
 * Locks:    [W].
 */
void
pmap_end(struct aspace *as)
{
	free_below(as, pt_words(page_of_pa(as->md.root_pa)), MD_PT_WORDS / 2,
	    MD_PT_LEVELS);
}

static uint64_t
late_below(uint64_t *words, unsigned n, int level)
{
	struct vm_page *pg;
	uint64_t late = 0;
	unsigned i;

	for (i = 0; level > 1 && i < n; i++) {
		if (words[i] == 0)
			continue;
		pg = pte_page(words[i]);
		late += pg->tbl.late + late_below(pt_words(pg), MD_PT_WORDS,
		    level - 1);
	}
	return late;
}

/*
 * How many tables of the space were charged when they were made.
 *
 * Locks:    [W].
 */
uint64_t
pmap_late(const struct aspace *as)
{
	return late_below(pt_words(page_of_pa(as->md.root_pa)), MD_PT_WORDS / 2,
	    MD_PT_LEVELS);
}

/* ---- words ---- */

/*
 * f->word, which is 0, maps pg.
 *
 * Locks:    [W], [P].
 * Owns:     takes p over; NULL: the space keeps none.
 */
void
pmap_enter_locked(struct fctx *f, struct vm_page *pg, enum pte_src src,
    uint64_t bits, struct vm_pv *p)
{
	struct aspace *as = f->as;

	ASSERT(word_get(f->word) == 0);
	ws_rescue(pg);
	page_map_locked(pg);
	if ((bits & MD_PTE_W) != 0)
		page_dirty_locked(pg);
	if (p != NULL)
		pv_add(pg, p, as, PAGE_DOWN(f->va));
	__atomic_store_n(f->word, pte_make_valid(pg, src, bits),
	    __ATOMIC_SEQ_CST);
	f->leaf->nused++;
	as->ws_pages++;
	as->ws_peak = MAX(as->ws_peak, as->ws_pages);
	as->n_locked += (bits & PTE_LOCK) != 0;
}

/*
 * f->word, which is 0, becomes a SPEC word: the page of zeros, or of a device.  It
 * counts in its table, nowhere else, and is never locked.
 *
 * Locks:    [W].
 */
void
pmap_enter_special(struct fctx *f, uint64_t word)
{
	ASSERT(word_get(f->word) == 0 && pte_is_special(word) &&
	    (word & PTE_LOCK) == 0);
	__atomic_store_n(f->word, word, __ATOMIC_SEQ_CST);
	f->leaf->nused++;
}

/*
 * f->word, which is 0, maps the page of zeros, for a read, with these rights of the
 * mapping.
 *
 * Locks:    [W].
 */
void
pmap_enter_zero(struct fctx *f, uint64_t rights)
{
	uint64_t bits = rights & ~(MD_PTE_W | MD_PTE_D | PTE_LOCK);

	ASSERT(f->access != ACCESS_WRITE);
	pmap_enter_special(f, pte_make_valid(page_zero_frame(), SRC_SPEC, bits));
}

/* The word is 0: old mapped its page, and does no more but for the flush. */
static void
forget(struct aspace *as, va_t va, struct vm_page *leaf, uint64_t old)
{
	leaf->nused--;
	if (pte_is_special(old))
		return;
	as->ops->left(as, va, old);
	as->ws_pages--;
	as->n_locked -= (old & PTE_LOCK) != 0;
}

/*
 * f->word, which maps a page that is to be another one: cleared and flushed first,
 * or a sibling could read the old page after this thread's store.  Its table stays.
 *
 * Locks:    [W].
 */
void
pmap_remove_word(struct fctx *f)
{
	uint64_t old = atomic_xchg(f->word, 0);
	va_t va = PAGE_DOWN(f->va);

	if (old == 0)
		return;
	md_tlb_flush(&f->as->md, va, va + PAGE_SIZE, FLUSH_PAGES);
	forget(f->as, va, f->leaf, old);
	if (!pte_is_special(old))
		page_unmap(pte_page(old), (old & MD_PTE_D) != 0);
}

static bool
concerns(uint64_t word, enum pmap_which which)
{
	return word != 0 && (which != PMAP_OBJECT || pte_src(word) == SRC_OBJ) &&
	    (which != PMAP_UNLOCKED || (word & PTE_LOCK) == 0);
}

/* The word of it->va goes to the space's batch. */
static void
take_word(struct pmap_iter *it, uint64_t *word)
{
	uint64_t old = atomic_xchg(word, 0);

	forget(it->as, it->va, it->leaf, old);
	tlb_batch_put(it->as->batch, it->va >> PAGE_SHIFT, old);
}

/* The words of one leaf table. */
static size_t
remove_leaf(struct pmap_iter *it, enum pmap_which which)
{
	uint64_t *word = pt_word(it->leaf, it->va);
	struct aspace *as = it->as;
	va_t first = it->va;
	size_t n = 0;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	for (; it->va < it->stop; it->va += PAGE_SIZE, word++) {
		if (it->leaf->nused == 0 || !concerns(word_get(word), which))
			continue;
		take_word(it, word);
		n++;
	}
	tlb_batch_end(as->batch);
	if (it->leaf->nused == 0)
		prune(as, first, which == PMAP_UNLOCKED ? TABLE_EVICTED :
		    TABLE_GONE);
	return n;
}

/*
 * No word of [lo, hi) vpn maps a page any more, of those concerned.
 *
 * Locks:    [W].
 * Returns:  how many did.
 */
size_t
pmap_remove(struct aspace *as, uint64_t lo, uint64_t hi, enum pmap_which which)
{
	struct pmap_iter it = pmap_range(as, lo, hi);
	size_t n = 0;

	while (pmap_next_leaf(&it))
		n += remove_leaf(&it, which);
	return n;
}

/* May this word's page go?  One that was used may not, the first time. */
static bool
is_unused(uint64_t *word, bool *spared)
{
	uint64_t w = word_get(word);

	if (w == 0 || pte_is_special(w) || (w & PTE_LOCK) != 0 ||
	    pte_page(w)->pins != 0)
		return false;
	if ((w & MD_PTE_A) == 0)
		return true;
	(void)word_change(word, MD_PTE_A, 0);
	*spared = true;
	return false;
}

/*
 * Up to want words of one leaf table, from it->va on, that were not used since the last
 * visit; one flush.
 *
 * Locks:    [W].
 * Returns:  how many, with it->va moved on; *spared is set if some were used.
 */
size_t
pmap_remove_unused(struct pmap_iter *it, size_t want, bool *spared)
{
	uint64_t *word = pt_word(it->leaf, it->va);
	struct aspace *as = it->as;
	va_t first = it->va;
	size_t n = 0;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	for (; it->va < it->stop && n < want; it->va += PAGE_SIZE, word++) {
		if (!is_unused(word, spared))
			continue;
		take_word(it, word);
		n++;
	}
	tlb_batch_end(as->batch);
	prune(as, first, TABLE_EVICTED);
	return n;
}

/*
 * The word of va, if it still maps pg, and is not locked, goes to the space's batch;
 * pmap_prune() once that has ended.
 *
 * Locks:    [W].
 */
bool
pmap_take_word(struct aspace *as, va_t va, const struct vm_page *pg)
{
	struct pmap_iter it = { .as = as, .va = va };
	uint64_t *word = pmap_find(as, va, &it.leaf), old;

	old = word == NULL ? 0 : word_get(word);
	if (old == 0 || pte_page(old) != pg || (old & PTE_LOCK) != 0)
		return false;
	take_word(&it, word);
	return true;
}

/*
 * The tables of va, as far as no page of theirs is mapped any more.
 *
 * Locks:    [W].
 */
void
pmap_prune(struct aspace *as, va_t va)
{
	prune(as, va, TABLE_EVICTED);
}

/*
 * The words of [lo, hi) vpn get other rights; the caller flushes, if they are less.
 *
 * Locks:    [W].
 */
void
pmap_change(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t clear,
    uint64_t set)
{
	struct pmap_iter it = pmap_range(as, lo, hi);
	uint64_t *word;

	while (pmap_next_leaf(&it)) {
		word = pt_word(it.leaf, it.va);
		for (; it.va < it.stop; it.va += PAGE_SIZE, word++)
			if (word_get(word) != 0)
				(void)word_change(word, clear, set);
	}
}

/* The words of one leaf table that map the object's pages for a store. */
static void
clean_leaf(struct pmap_iter *it)
{
	uint64_t *word = pt_word(it->leaf, it->va), old;
	struct tlb_batch *b = it->as->batch;

	tlb_batch_init(b, it->as, BATCH_CLEAN);
	for (; it->va < it->stop; it->va += PAGE_SIZE, word++) {
		old = word_get(word);
		if (old == 0 || pte_src(old) != SRC_OBJ ||
		    (old & (MD_PTE_W | MD_PTE_D)) == 0)
			continue;
		old = word_change(word, MD_PTE_W | MD_PTE_D, 0);
		tlb_batch_put(b, it->va >> PAGE_SHIFT, old);
	}
	tlb_batch_end(b);
}

/*
 * A write-back begins: the next store to the object by [lo, hi) vpn shall fault.
 * Dirty are the pages only after the flush: until then a store can land.
 *
 * Locks:    [W].
 */
void
pmap_clean(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct pmap_iter it = pmap_range(as, lo, hi);

	while (pmap_next_leaf(&it))
		clean_leaf(&it);
}

/*
 * The words of [lo, hi) vpn get PTE_LOCK, or lose it.  No CPU caches it.
 *
 * Locks:    [W].
 */
void
pmap_lock(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t lock)
{
	struct pmap_iter it = pmap_range(as, lo, hi);
	uint64_t *word;

	while (pmap_next_leaf(&it)) {
		word = pt_word(it.leaf, it.va);
		for (; it.va < it.stop; it.va += PAGE_SIZE, word++) {
			if (word_get(word) == 0 ||
			    pte_is_special(word_get(word)) ||
			    (word_get(word) & PTE_LOCK) == lock)
				continue;
			(void)word_change(word, PTE_LOCK, lock);
			as->n_locked += lock != 0 ? 1 : -1ul;
		}
	}
}
