/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c: the school of designs whose private pages live in their PTEs
 *
 * Problem   A word of a page table is all that is known of a private page: whatever
 *           is done to the page is done to the word.  What a fork makes of it is
 *           the design's.
 *
 * Picture   as->school ─→ here ─→ as->design->forked: FORK words, if there are such
 *
 * Rules     1. Nothing hangs on a VAD: it says all that there is to say about a
 *              mapping.
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
