/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo_swapped.c: which entries have a page that is not mapped
 *
 * Problem   swapoff must find every page that lies in an area, and vm_check
 *           every word that names a slot: entries have such words, too.
 *
 * Picture   FORK word ─→ entry, its [F] ─→ fn(entry.word)
 *           all objects ─→ entries ─→ fn(entry.word)
 *
 * Rules     1. An entry is reached through a word that names it: then it is
 *              alive, and its object too, as long as [W] is held.
 *           2. An entry page on swap ends the walk, which goes on once the page
 *              has been brought (R2).
 */
#include "vm/design/fmo/fmo.h"

/* All threads are stopped: entries are read in place; entry pages on swap are skipped. */
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
			w = fmo_swap_words((struct fmo_entry *)
			    pa2va(page_pa(pg)) + k);
			if (pte_is_away(word_get(w.word)))
				(void)walk->fn(walk, &w);
		}
	}
}

/* The entries of all objects, each once: shared->swapped.
 * Locks: freeze_spaces(); walk->fn may not take any lock. */
void
fmo_each_swapped(struct swap_walk *walk)
{
	fmo_walk(object_entries, walk);
}

/* The entry that a soft FORK word names: forked->swapped.
 * Locks: [W] of as; around walk->fn [F], too.
 * Returns: what fn has returned, or 0; -EAGAIN: walk->want. */
int
fmo_swapped(struct aspace *as, uint64_t word, struct swap_walk *walk)
{
	struct fmo_ref *ref;
	struct vm_page *pg;
	struct swap_words w;
	va_t kva;
	int r = 0;

	HELD(&as->ws_lock);
	ref = fmo_find_ref(as, fork_index(word));
	kva = fork_entry(word);
	pg = kpaged_trypin(kva);
	ASSERT(ref != NULL);
	if (pg == NULL)
		return kpaged_want(&walk->want, kva);
	container_attach(pg, KIND_FMO, MD_PT_WORDS);
	w = fmo_swap_words(kpaged_ptr(pg, kva));
	spin_lock(&ref->fmo->lock);
	if (pte_is_away(word_get(w.word)))
		r = walk->fn(walk, &w);
	spin_unlock(&ref->fmo->lock);
	kpaged_unpin(pg);
	return r;
}
