/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anonstat.c: what of an anonymous object is in memory, and what in swap
 *
 * Problem   mincore, smaps and pagemap ask about pages which no word of the
 *           asking space names: a trimmed page of an object leaves ABSENT.
 *
 * Picture   VAD ABSENT ─→ object ─→ owning word ─→ TRANS, SWAP, …
 *
 * Rules     1. Nothing is brought in to answer about one page: a table that
 *              is out holds no word of a page in memory.
 *           2. Counting a range brings its tables, one at a time.
 *
 * Read next vm/anon.c.  Book: ch08, ch13.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

/*
 * The owning word of a page, as it is just now.
 *
 * Locks:    takes [O].
 * Returns:  0: a hole, behind the end, or its table is not in memory.
 */
uint64_t
anon_peek(struct vmo *vmo, uint64_t pgoff)
{
	uint64_t *word, w = 0;
	struct vm_page *table;
	va_t away;

	spin_lock(&vmo->lock);
	word = anon_word(vmo, pgoff, &table, &away);
	if (word != NULL)
		w = word_get(word);
	if (table != NULL)
		kpaged_unpin(table, false);
	spin_unlock(&vmo->lock);
	return w;
}

/*
 * Pages of [lo, hi) that are in swap.
 *
 * Locks:    none of rank >= 3; takes [O].
 * Context:  thread, may sleep.
 */
uint64_t
anon_swapped(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct vm_page *table = NULL;
	uint64_t n = 0, end, *word;

	while (lo < hi) {
		spin_lock(&vmo->lock);
		word = anon_next_word(vmo, &lo, &table);
		end = word == NULL ? hi : MIN(hi, anon_run_end(lo));
		for (; word != NULL && lo < end; lo++, word++)
			n += pte_kind(word_get(word)) == PTE_SWAP;
		lo = MAX(lo, end);
		if (table != NULL)
			kpaged_unpin(table, false);
		table = NULL;
		spin_unlock(&vmo->lock);
	}
	return n;
}
