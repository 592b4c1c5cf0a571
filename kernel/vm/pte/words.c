/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c: the school of designs whose private pages live in their PTEs
 *
 * Problem   A PTE is all that is known of a private page, so every operation on the
 *           page is one on the PTE.  Only what a fork makes of it differs from
 *           design to design.
 *
 * Picture   as->school ─→ here ─→ as->design->forked: FORK words, if there are such
 *
 * Rules     1. A VAD has no further structures: it says all there is to say about
 *              a mapping.
 *           2. A walk takes ws_lock for one table at a time (vm_check holds it
 *              already).
 */
#include "vm/pte/pte.h"

/* The word of the page at va: school->named.
 * Locks: [M], [W].  Returns: 0: there is no page. */
static uint64_t
pte_named(struct aspace *as, va_t va)
{
	struct vm_page *leaf;
	uint64_t *word = pt_find(as, va, &leaf);

	HELD_SHARED(&as->map_lock);
	HELD(&as->ws_lock);
	return word == NULL ? 0 : word_get(word);
}

/* Also for its ABSENT words, whose meaning the mapping tells. */
static int
walk_table(struct pt_iter *it, vm_walk_fn *fn, void *arg)
{
	uint64_t *word = &pt_words(it->leaf)[md_pt_index(it->va, 1)];
	int r = 0;

	for (; it->va < it->stop && r == 0; it->va += PAGE_SIZE)
		r = fn(arg, it->va, word_get(word++), 1);
	return r;
}

/* Call fn for each word of the leaf tables in [lo, hi) vpn; once for a table on swap,
 * with the word of its parent.
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

const struct school words_school = {
	.is_cache = false,
	.advise_shared = true,
	.as_fini = pte_as_fini,
	.detach = pte_detach,
	.zap = pte_zap,
	.protect = pte_protect,
	.move = pte_move,
	.advise = pte_advise,
	.fault = fault_by_pte,
	.lookup = vad_find,
	.evict = pte_evict,
	.walk = pte_walk,
	.named = pte_named,
	.swapped = pte_swapped,
};
