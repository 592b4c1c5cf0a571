/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/swapped.c: which words of a space are not mapped, and where they stand
 *
 * Problem   swapoff must find every page that lies in an area, and vm_check
 *           every word that names a slot.  Nothing leads from a slot to its
 *           word, so all words are walked.
 *
 * Picture   space ─→ leaf tables ─┬ SWAP, TRANS          ─→ fn(word)
 *                                 └ FORK ─→ entry, its [F] ─→ fn(entry.word)
 *           no space: all objects ─→ entries ─→ fn(entry.word)
 *
 * Rules     1. An entry is reached through a word that names it: then it is
 *              alive, and its object too, as long as [W] is held.
 *           2. An entry page or table that is out ends the walk, which goes on at
 *              the same word once it has been brought (R2).
 *           3. An entry is met once for each word that names it; the walk
 *              without a space, for vm_check, meets each once.
 *
 * Read next vm/calls/swapoff.c.  Book: ch13.
 */
#include "vm/design/fmo/fmo.h"

static int leaf_words(struct aspace *as, struct vm_page *leaf,
    struct swap_walk *walk);
static int one_entry(struct aspace *as, uint64_t word, struct swap_walk *walk);
static void object_entries(struct fmo *fmo, void *arg);

/*
 * Call walk->fn for each SWAP or TRANS word that as owns or shares, from
 * walk->at on.  ops->swapped.
 *
 * Locks:    [W] of as; around fn for an entry [F], too.  as NULL: as_lock_all(),
 *           and fn may not take any lock.
 * Returns:  0: all done; what fn has returned; -EAGAIN: kpaged_pin(walk->away)
 *           without locks, or, with away 0, pt_bring(&walk->tables).  Then
 *           walk->at is where to go on.
 */
int
fmo_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct vm_page *leaf;
	int r = 0;

	if (as == NULL) {
		fmo_walk(object_entries, walk);
		return 0;
	}
	ASSERT(mutex_is_mine(&as->ws_lock));
	while (r == 0 && as->md.root_pa != 0) {
		leaf = pt_next_leaf_in(as, &walk->at, MD_USER_END,
		    &walk->tables);
		if (leaf == NULL) {
			walk->away = 0;
			return walk->tables.away ? -EAGAIN : 0;
		}
		r = leaf_words(as, leaf, walk);
	}
	return r;
}

/* The words of one leaf table from walk->at on. */
static int
leaf_words(struct aspace *as, struct vm_page *leaf, struct swap_walk *walk)
{
	struct swap_words w = { .container = leaf, .step = 1,
		.home = HOME_PTE };
	unsigned i = md_pt_index(walk->at, 1);
	int r = 0;

	for (; i < MD_PT_WORDS; i++, walk->at += PAGE_SIZE) {
		w.word = &pt_words(leaf)[i];
		w.max = MD_PT_WORDS - i;
		w.index = walk->at >> PAGE_SHIFT;
		switch (pte_kind(word_get(w.word))) {
		case PTE_SWAP:
		case PTE_TRANS:
			r = walk->fn(walk, &w);
			break;
		case PTE_FORK:
			r = one_entry(as, word_get(w.word), walk);
			break;
		case PTE_ABSENT:
		case PTE_VALID:
		case PTE_BUSY:
		case PTE_ERROR:
			break;
		}
		if (r != 0)
			return r;
	}
	return 0;
}

static bool
is_away(uint64_t word)
{
	return pte_kind(word) == PTE_SWAP || pte_kind(word) == PTE_TRANS;
}

/* The place of an entry's word in its page, which is pg. */
static struct swap_words
entry_place(struct vm_page *pg, struct fmo_entry *e)
{
	struct fmo_entry *first = pa2va(page_pa(pg));

	return (struct swap_words){
		.container = pg, .word = &e->word, .step = 2,
		.max = (unsigned)(FMO_PER_PAGE - (uint64_t)(e - first)),
		.home = HOME_FMO, .index = e->tag,
	};
}

/* The entry that a soft FORK word names. */
static int
one_entry(struct aspace *as, uint64_t word, struct swap_walk *walk)
{
	struct fmo_ref *ref = fmo_find_ref(as, fork_index(word));
	va_t kva = fork_entry(word);
	struct vm_page *pg = kpaged_trypin(kva);
	struct swap_words w;
	int r = 0;

	ASSERT(ref != NULL);
	if (pg == NULL) {
		walk->away = kva;
		return -EAGAIN;
	}
	container_attach(pg, KIND_FMO, MD_PT_WORDS);
	w = entry_place(pg, kpaged_ptr(pg, kva));
	spin_lock(&ref->fmo->lock);
	if (is_away(word_get(w.word)))
		r = walk->fn(walk, &w);
	spin_unlock(&ref->fmo->lock);
	kpaged_unpin(pg);
	return r;
}

/* All is stopped: entries are read where they lie, pages that are out passed. */
static void
object_entries(struct fmo *fmo, void *arg)
{
	va_t kva = MD_KPAGED_BASE + fmo->base * sizeof(struct fmo_entry);
	struct swap_walk *walk = arg;
	struct swap_words w;
	struct vm_page *pg;
	unsigned i, k;

	for (i = 0; i < fmo->npages; i++, kva += PAGE_SIZE) {
		if (!kpaged_is_resident(kva))
			continue;
		pg = pte_page(word_get(md_kpte(kva)));
		for (k = 0; k < FMO_PER_PAGE; k++) {
			w = entry_place(pg, (struct fmo_entry *)
			    pa2va(page_pa(pg)) + k);
			if (is_away(word_get(w.word)))
				(void)walk->fn(walk, &w);
		}
	}
}
