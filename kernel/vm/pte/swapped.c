/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/swapped.c: which words of a space are not mapped, and where they stand
 *
 * Problem   swapoff must find every page that lies in an area, and vm_check
 *           every word that names a slot.  Nothing leads from a slot to its
 *           word, so all words are walked.
 *
 * Picture   space ─→ leaf tables ─┬ SWAP, TRANS ─→ fn(word)
 *                                 └ FORK ─→ shared->swapped ─→ fn(what it names)
 *
 * Rules     1. A table that is out, or kernel memory that a FORK word names,
 *              ends the walk, which goes on at the same word once it has been
 *              brought (R2).
 *           2. What is shared is met once for each word that names it;
 *              shared->swapped without a space, for vm_check, meets each once.
 */
#include "vm/design/design.h"
#include "vm/frame/frame.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

static int leaf_words(struct pt_iter *it, struct swap_walk *walk);

/*
 * Call walk->fn for each SWAP or TRANS word that as owns or shares, from
 * walk->at on.  ops->swapped.
 *
 * Locks:    [W] of as; around fn for a word that is shared one of rank 7, too.
 * Returns:  0: all done; what fn has returned; -EAGAIN: walk->want, then walk->at
 *           is where to go on.
 */
int
pte_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct pt_iter it = { .as = as, .va = walk->at, .end = MD_USER_END,
		.hold = &walk->tables, .want = &walk->want };
	int r = 0;

	while (r == 0 && pt_iter_table(&it)) {
		if (walk->table != NULL)
			walk->table(walk, it.leaf);
		r = leaf_words(&it, walk);
	}
	walk->at = it.va;
	return r != 0 ? r : it.r;
}

/* The words of one leaf table.  Not 0: it->va is where to go on. */
static int
leaf_words(struct pt_iter *it, struct swap_walk *walk)
{
	struct swap_words w = { .container = it->leaf, .step = 1,
		.home = HOME_PTE };
	int r = 0;

	PT_FOREACH(w.word, it) {
		walk->at = it->va;
		w.max = MD_PT_WORDS - md_pt_index(it->va, 1);
		switch (pte_kind(word_get(w.word))) {
		case PTE_SWAP:
		case PTE_TRANS:
			r = walk->fn(walk, &w);
			break;
		case PTE_FORK:
			r = it->as->ops->shared->swapped(it->as,
			    word_get(w.word), walk);
			break;
		case PTE_ABSENT:
		case PTE_VALID:
		case PTE_BUSY:
		case PTE_ERROR:
			break;
		}
		if (r != 0)
			break;
	}
	return r;
}
