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

/* Words of an object, and what fn counts among them. */
struct count {
	struct swap_walk walk;
	uint64_t n;
};

static uint64_t
visit(struct vmo *vmo, uint64_t lo, uint64_t hi,
    int (*fn)(struct swap_walk *, const struct swap_words *))
{
	struct count c = { .walk = { .at = lo, .fn = fn } };

	while (anon_words(vmo, hi, &c.walk) == -EAGAIN)
		want_finish(&c.walk.want);
	want_end(&c.walk.want);
	return c.n;
}

static int
count_swapped(struct swap_walk *walk, const struct swap_words *w)
{
	CONTAINER_OF(walk, struct count, walk)->n +=
	    pte_kind(word_get(w->word)) == PTE_SWAP;
	return 0;
}

static int
push_out(struct swap_walk *walk, const struct swap_words *w)
{
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(w->word)) == PTE_TRANS)
		CONTAINER_OF(walk, struct count, walk)->n +=
		    pageout_page(pte_page(word_get(w->word)), SWAP_FREE) !=
		    PAGEOUT_ENDED;
	spin_unlock(&pfn_lock);
	return 0;
}

static int
bring(struct swap_walk *walk, const struct swap_words *w)
{
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
	return visit(vmo, lo, hi, count_swapped);
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
