/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c: the words of a space, one after the other
 *
 * Problem   /proc and vm_check ask what each word of a space says, while all
 *           goes on.
 *
 * Picture   pte_walk: leaf table by leaf table ─→ fn(va, word)
 *
 * Rules     1. ws_lock for one table at a time (vm_check holds it already).
 */
#include "vm/pte/pte.h"

/* Its ABSENT words, too: of these the mapping knows more. */
static int
walk_table(struct pt_iter *it, vm_walk_fn *fn, void *arg)
{
	uint64_t *word = &pt_words(it->leaf)[md_pt_index(it->va, 1)];
	int r = 0;

	for (; it->va < it->stop && r == 0; it->va += PAGE_SIZE)
		r = fn(arg, it->va, word_get(word++), 1);
	return r;
}

/* Call fn for each word of the leaf tables in [lo, hi) vpn; once for a table that is
 * out, with the word of its parent.
 * Locks: [M]; takes [W] for each table, unless the caller has it.
 * Returns: 0, or what fn returned to end the walk. */
int
pte_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	struct pt_iter it = pt_range(as, lo, hi);
	bool held = mutex_is_mine(&as->ws_lock);
	int r = 0;

	HELD_SHARED(&as->map_lock);
	while (it.va < it.end && r == 0) {
		if (!held)
			mutex_lock(&as->ws_lock);
		if (pt_iter_place(&it)) {
			r = it.leaf != NULL ? walk_table(&it, fn, arg) :
			    fn(arg, it.va, word_get(it.out),
			    (it.stop - it.va) >> PAGE_SHIFT);
			it.va = it.stop;
		}
		if (!held)
			mutex_unlock(&as->ws_lock);
	}
	return r;
}
