/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anonlook.c: what of an anonymous object is in memory, and what in swap
 *
 * Problem   mincore, smaps and pagemap ask about pages which no word of the
 *           asking space names: a trimmed page of an object leaves ABSENT.
 *
 * Picture   VAD ABSENT ─→ object ─→ owning word ─→ TRANS, SWAP, …
 *
 * Rules     1. Nothing is brought in to answer about one page: a table that
 *              is out holds no word of a page in memory.
 *           2. Counting a range brings its tables, one at a time.
 */
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

/*
 * The owning word of a page, as it is just now.
 *
 * Locks:    takes [O].
 * Returns:  0: a hole, behind the end, or its table is not in memory.
 */
uint64_t
anon_peek(struct vmo *vmo, uint64_t pgoff)
{
	struct want unmet = { .what = WANT_AGAIN };
	struct anon_path way;
	uint64_t w = 0;

	spin_lock(&vmo->lock);
	if (anon_walk(vmo, pgoff, &way, &unmet) == 0)
		w = word_get(way.slot);
	anon_unpin_table(way.table);
	spin_unlock(&vmo->lock);
	return w;
}

/* Sum of what fn says of the words of [lo, hi) that exist.  fn: [O] held. */
static uint64_t
visit(struct vmo *vmo, uint64_t lo, uint64_t hi,
    uint64_t (*fn)(const struct swap_words *))
{
	struct swap_words w = { .step = 1, .home = HOME_AOBJ };
	struct want want = { .what = WANT_AGAIN };
	uint64_t n = 0, end;
	int r;

	while (lo < hi) {
		spin_lock(&vmo->lock);
		r = anon_next_word(vmo, &lo, &want, &w.container, &w.word);
		end = w.word == NULL ? hi : MIN(hi, anon_run_end(lo));
		for (; w.word != NULL && lo < end; lo++, w.word++) {
			w.max = (unsigned)(end - lo);
			w.index = lo;
			n += fn(&w);
		}
		anon_unpin_table(w.container);
		spin_unlock(&vmo->lock);
		if (r != 0)
			want_finish(&want);
		else
			lo = MAX(lo, end);
	}
	want_end(&want);
	return n;
}

static uint64_t
is_swapped(const struct swap_words *w)
{
	return pte_kind(word_get(w->word)) == PTE_SWAP;
}

static uint64_t
push_out(const struct swap_words *w)
{
	bool waits = false;

	spin_lock(&pfn_lock);
	if (pte_kind(word_get(w->word)) == PTE_TRANS)
		waits = pageout_page(pte_page(word_get(w->word)),
		    SWAP_FREE) != PAGEOUT_ENDED;
	spin_unlock(&pfn_lock);
	return waits;
}

static uint64_t
bring(const struct swap_words *w)
{
	if (is_swapped(w))
		(void)swap_ahead(w);
	return 0;
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
	return visit(vmo, lo, hi, is_swapped);
}

/*
 * Pages of [lo, hi) that are not mapped shall leave memory: MADV_PAGEOUT.
 *
 * Locks:    none of rank >= 3; takes [O], [P].
 * Context:  thread, may sleep.
 * Returns:  how many are still on their way.
 */
uint64_t
anon_page_out(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	return visit(vmo, lo, hi, push_out);
}

/*
 * Begin to read pages of [lo, hi) that are in swap: MADV_WILLNEED.
 *
 * Locks:    none of rank >= 3; takes [O], [P].
 * Context:  thread, may sleep, but not for the pages.
 */
void
anon_bring_ahead(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	(void)visit(vmo, lo, hi, bring);
}
