/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/discard.c: madvise for the PTEs of a mapping; words that map no page
 *
 * Problem   A program says which pages it will not need: at once and for good
 *           (DONTNEED), perhaps (FREE), not soon (COLD, PAGEOUT), or which it
 *           will need soon (WILLNEED).  For this, as for swapoff, the kernel
 *           must find words that name a page or slot but do not map it.
 *
 * Picture   DONTNEED  words go, as by munmap                   zap.c
 *           FREE      VALID/PRIV  D off ─ flush ─→ page clean, no slot, LAZYFREE
 *                     TRANS, SWAP freed now; FORK stays, for it is shared
 *           COLD      VALID: age 3
 *           FORGET    VALID: A off ─ flush ─→ the next use sets it (clear_refs)
 *           PAGEOUT   VALID leaves the working set             trim.c
 *                     TRANS, FORK: written, then the frame is given up
 *           WILLNEED  SWAP ─→ BUSY, and nobody waits
 *           space ─→ leaf tables ─┬ SWAP, TRANS ─→ fn(word)      pte_swapped()
 *                                 └ FORK ─→ shared->swapped ─→ fn(entry)
 *
 * Rules     1. The bytes of a page with LAZYFREE whose PTE has D clear are not
 *              wanted: trimming frees it.  D, or a write by the kernel,
 *              takes the flag away (page_dirty_locked()).
 *           2. After the flush of FREE a store sets D again; a store before the
 *              flush may be lost: it came before the call ended.
 *           3. A pinned page is not freed: somebody may be filling it.
 *           4. ws_lock is held for one leaf table at a time.  FREE brings tables
 *              on swap, to free their slots; WILLNEED ends at one, other advice
 *              skips them.
 *           5. pte_swapped() stops at a table on swap, or at kernel memory that a
 *              FORK word names, and goes on at the same word once it is there
 *              (R2).  A shared entry is met once for each word that names it;
 *              shared->swapped without a space, for vm_check, meets each once.
 */
#include "vm/pte/pte.h"

struct advise_work {
	struct aspace *as;
	struct pt_iter at;     /* where it is */
	struct pt_hold tables; /* as: FREE, tables on swap are brought */
	struct want want;      /* this is missing */
	uint64_t lo, hi;       /* vpn range that has to be flushed */
	bool late;             /* pages are charged when touched */
	uint64_t freed;        /* of these, gone */
	uint64_t waiting;      /* pages on their way to swap */
};

/* Call fn for each leaf table of the range, those in use or all that exist; it may stop
 * in a table for something missing.  A dying thread waits only in order to finish. */
static void
advise_tables(struct advise_work *w, uint64_t lo, uint64_t hi,
    void (*fn)(struct advise_work *))
{
	w->at = pt_range(w->as, lo, hi);
	w->at.hold = w->tables.as != NULL ? &w->tables : NULL;
	w->at.want = &w->want;
	do {
		w->at.r = 0;
		while (pt_iter_next(&w->at))
			fn(w);
	} while (w->at.r != 0 && want_get(&w->want) == 0);
}

/* Give all words the highest age.  [W]. */
static void
cool_table(struct advise_work *w)
{
	uint64_t *word, old;

	w->as->ws.emptied = 0;
	PT_FOREACH(word, &w->at) {
		old = word_get(word);
		if (pte_kind(old) == PTE_VALID && pte_src(old) != SRC_SPEC)
			word_change(word, MD_PTE_A, PTE_AGE_MASK);
	}
}

/* The next use of each will be seen, though nothing is older than it was.  [W]. */
static void
forget_table(struct advise_work *w)
{
	uint64_t *word, old;

	w->lo = w->at.va >> PAGE_SHIFT;
	w->hi = 0;
	PT_FOREACH(word, &w->at) {
		old = word_get(word);
		if (pte_kind(old) != PTE_VALID || pte_src(old) == SRC_SPEC)
			continue;
		word_change(word, MD_PTE_A, 0);
		w->hi = (w->at.va >> PAGE_SHIFT) + 1;
	}
	tlb_flush_range(w->as, w->lo, w->hi);
}

/* ---- FREE ---- */

/* A VALID/PRIV word after the flush: a page that may be dropped. */
static void
make_lazy(uint64_t word, bool late)
{
	struct vm_page *pg = pte_page(word);

	spin_lock(&pfn_lock);
	page_clean_locked(pg);
	swap_drop(pg);
	pg->flags |= PF_LAZYFREE;
	pg->swp.late = late;
	spin_unlock(&pfn_lock);
	EVENT(page_lazyfree);
}

/* Rule 3: a pin taken meanwhile does not fill the page, for that would need [W]. */
static void
free_word(struct advise_work *w, uint64_t *word)
{
	uint64_t old = word_get(word), vpn = w->at.va >> PAGE_SHIFT;
	const struct pte_ref s = { w->as, w->at.va, w->at.leaf, word };

	switch (pte_kind(old)) {
	case PTE_VALID:
		if (pte_src(old) != SRC_PRIV)
			return;
		word_change(word, MD_PTE_D, 0);
		w->lo = MIN(w->lo, vpn);
		w->hi = vpn + 1;
		return;
	case PTE_TRANS:
	case PTE_SWAP:
	case PTE_ERROR:
		if (pte_kind(old) == PTE_TRANS && pte_page(old)->pins != 0)
			return;
		pte_drop_soft(&s);
		w->freed++;
		return;
	case PTE_ABSENT:
	case PTE_BUSY: /* its read goes on, and ends as for TRANS */
	case PTE_FORK:
		return;
	}
}

/* One leaf table.  [W]. */
static void
free_table(struct advise_work *w)
{
	va_t first = w->at.va;
	uint64_t *word, old;

	w->lo = UINT64_MAX;
	w->hi = 0;
	PT_FOREACH(word, &w->at)
		free_word(w, word);
	tlb_flush_range(w->as, w->lo, w->hi);
	/* All words of one table, whose flush has covered them. */
	word = &pt_words(w->at.leaf)[w->lo % MD_PT_WORDS];
	for (; w->lo < w->hi; w->lo++) {
		old = word_get(word++);
		if (pte_kind(old) == PTE_VALID && pte_src(old) == SRC_PRIV)
			make_lazy(old, w->late);
	}
	if (w->at.leaf->nused != 0)
		return;
	(void)pt_let_go(&w->tables);
	pt_prune_now(w->as, first);
}

static void
advise_free(struct advise_work *w, uint64_t lo, uint64_t hi)
{
	structural_begin();
	w->tables.as = w->as;
	vm_finish_begin();
	advise_tables(w, lo, hi, free_table);
	vm_finish_end();
	pt_release(&w->tables);
	want_end(&w->want);
	structural_end();
	if (w->late)
		commit_uncharge_late(w->as, w->freed);
}

/* ---- COLD, PAGEOUT ---- */

/* The page that a word names, mapped or not; NULL: none, or on swap. */
static struct vm_page *
page_named(struct aspace *as, va_t va, uint64_t word)
{
	uint64_t named = word;

	if (pte_kind(word) == PTE_FORK)
		(void)as->design->shared->refs(as, va, word, &named);
	return pte_kind(named) == PTE_TRANS ? pte_page(named) : NULL;
}

/* Write pages that are not mapped; the end of the write frees their frames.  A word that
 * has changed meanwhile names another page, which then goes sooner than it would have.
 * Most pages are written as neighbours of one before them: for these a look at the flag
 * without [P] is enough. */
static void
release_table(struct advise_work *w)
{
	enum pageout_result r;
	struct vm_page *pg;
	uint64_t *word, ended;

	PT_FOREACH(word, &w->at) {
		pg = page_named(w->as, w->at.va, word_get(word));
		if (pg == NULL)
			continue;
		ended = swap_ended();
		r = PAGEOUT_LATER;
		if ((pg->flags & PF_WRITING) == 0) {
			spin_lock(&pfn_lock);
			r = pageout_page(pg, SWAP_FREE);
			spin_unlock(&pfn_lock);
		}
		if (r == PAGEOUT_NOBIO) {
			w->at.r = want_bio(&w->want, ended);
			return;
		}
		w->waiting += r == PAGEOUT_LATER;
	}
}

/* ---- words that are not mapped ---- */

/* walk->fn for each SWAP or TRANS word of one leaf table, or of an entry that its FORK
 * words name.  [W].  0: it->va is behind it; else fn's result, it->va at the word. */
static int
swapped_table(struct pt_iter *it, struct swap_walk *walk)
{
	struct swap_words w = { .container = it->leaf, .step = 1,
		.home = HOME_PTE };
	uint64_t word;
	int r = 0;

	PT_FOREACH(w.word, it) {
		walk->at = it->va;
		w.max = MD_PT_WORDS - md_pt_index(it->va, 1);
		word = word_get(w.word);
		if (pte_is_away(word))
			r = walk->fn(walk, &w);
		else if (pte_kind(word) == PTE_FORK)
			r = it->as->design->forked->swapped(it->as, word,
			    walk);
		if (r != 0)
			break;
	}
	return r;
}

/* Call walk->fn for each SWAP or TRANS word that as owns or shares, from walk->at on.
 * school->swapped.
 * Locks: [W] of as; around fn for a shared word also a lock of rank 7.
 * Returns: 0: all done; what fn has returned; -EAGAIN: get walk->want, then go on at
 * walk->at. */
int
pte_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct pt_iter it = { .as = as, .va = walk->at, .end = MD_USER_END,
		.hold = &walk->tables, .want = &walk->want };
	int r = 0;

	HELD(&as->ws_lock);
	while (r == 0 && pt_iter_table(&it)) {
		if (walk->table != NULL)
			walk->table(walk, it.leaf);
		r = swapped_table(&it, walk);
	}
	walk->at = it.va;
	return r != 0 ? r : it.r;
}

/* Begin to read pages from swap, without waiting for the end; if a frame, bio, table or
 * entry page is missing, the rest of [lo, hi) vpn is not read. */
static void
advise_bring(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct swap_walk walk = { .fn = swap_ahead };
	struct pt_iter it = pt_range(as, lo, hi);

	it.hold = &walk.tables;
	it.want = &walk.want;
	while (pt_iter_next(&it))
		it.r = swapped_table(&it, &walk);
}

/* madvise for the part [lo, hi) vpn of one VAD: school->advise.
 * Locks: [M]; takes [W].
 * Returns: 0; for RELEASE how many pages are still to be written. */
int
pte_advise(struct aspace *as, struct vad *vad, uint64_t lo, uint64_t hi,
    int advice)
{
	struct advise_work w = { .as = as,
		.late = (vad->flags & VAD_CHARGED) == 0 };

	HELD_SHARED(&as->map_lock);
	if (advice == MADV_DONTNEED)
		pte_discard(as, vad, lo, hi);
	if (advice == MADV_FREE)
		advise_free(&w, lo, hi);
	if (advice == MADV_COLD)
		advise_tables(&w, lo, hi, cool_table);
	if (advice == ADVICE_FORGET)
		advise_tables(&w, lo, hi, forget_table);
	if (advice == MADV_PAGEOUT)
		pte_trim_range(as, lo, hi);
	if (advice == ADVICE_RELEASE)
		advise_tables(&w, lo, hi, release_table);
	if (advice == MADV_WILLNEED)
		advise_bring(as, lo, hi);
	return (int)MIN(w.waiting, (uint64_t)INT32_MAX);
}
