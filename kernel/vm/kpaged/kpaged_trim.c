/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged_trim.c: the kernel's working set, what of its paged memory leaves frames
 *
 * Problem   Entries and tables describe pages that may all be asleep on swap.
 *           Then they are in the way themselves, and shall go as well; they are
 *           asked for by physical address in many places, so one that counts a
 *           frame may not go.
 *
 * Picture   the words of the region, one after the other, and a hand:
 *
 *           VALID, old, no pin, nres 0 ─→ TRANS ─ flush ─→ MODIFIED or STANDBY
 *           TRANS, ACTIVE, the same    ─────────────────→
 *                      mpw writes, somebody steals ─→ word SWAP(slot)
 *           kpaged_pin() ←─ rescue, or read ─┘
 *
 * Rules     1. VALID → TRANS under the kernel [W] and [P]: kpaged_pin() waits for
 *              the end of the round, kpaged_trypin() may come in between.
 *           2. Age counts what is pinned (age 0) and what the A bit says.  When
 *              A was cleared a flush follows in the same hold of the kernel [W],
 *              so that "A clear: in no TLB" stays true.  While there is memory
 *              enough A stays, and idle CPUs are not called each second.
 *           3. A page that was pinned while TRANS goes back to its queue by its
 *              last unpin; a container whose nres falls to 0 meanwhile stays
 *              ACTIVE until the hand comes.
 *           4. A plain access, where it is allowed (kpagedfault.c), sets A, and
 *              D when it writes: what was stored by address is dirty by D, what
 *              was stored by the direct map says so at its unpin.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

#define ROUND 32         /* pages of one hold of the kernel [W] */

static struct {
	va_t hand;       /* kernel [W] */
} kws = { .hand = MD_KPAGED_BASE };

/* One round of a trim. */
struct trim {
	int min_age;
	uint64_t look;           /* words that may still be looked at */
	struct vm_page *page[ROUND];
	uint64_t old[ROUND];     /* the words they had, VALID */
	unsigned n;
	size_t done;
	va_t lo, hi;             /* to be flushed */
};

/*
 * The next word that is not 0 in [*kva, end), *kva moves to it.
 *
 * Locks:    the kernel [W], or the word is looked at again under it.
 * Returns:  NULL: there is none.
 */
uint64_t *
kpaged_next_word(va_t *kva, va_t end)
{
	uint64_t *word;

	for (; *kva < end; *kva += PAGE_SIZE) {
		word = md_kpte(*kva);
		if (word == NULL)
			*kva |= (1ul << 21) - PAGE_SIZE;
		else if (word_get(word) != 0)
			return word;
	}
	return NULL;
}

/* ---- age ---- */

/*
 * One age pass over the region.  What was used by its address keeps its A if
 * spare_used: it is young, and no flush is needed.
 *
 * Locks:    none of rank >= 6.
 */
void
kpaged_age(bool spare_used)
{
	uint64_t pages[WS_AGES] = { 0 }, *word;
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	bool used = false;
	unsigned i;

	mutex_lock(&kernel_as.ws_lock);
	while ((word = kpaged_next_word(&kva, top)) != NULL) {
		kva += PAGE_SIZE;
		if (pte_kind(word_get(word)) != PTE_VALID)
			continue;
		if ((word_get(word) & MD_PTE_A) != 0 && spare_used) {
			pages[0]++;
			continue;
		}
		used |= (word_get(word) & MD_PTE_A) != 0;
		pages[pte_age_word(word)]++;
	}
	if (used)
		md_tlb_flush(NULL, MD_KPAGED_BASE, top, FLUSH_PAGES);
	for (i = 0; i < WS_AGES; i++)
		kernel_as.ws_ages[i] = pages[i];
	mutex_unlock(&kernel_as.ws_lock);
}

/* ---- trimming ---- */

/* Nobody holds it.  What could not be read stays until its container is told. */
static bool
is_idle(const struct vm_page *pg)
{
	return pg->pins == 0 && pg->nres == 0 && !page_hides_loss(pg);
}

/* May the page of a VALID word go?  A hint without [P]. */
static bool
may_go(const struct trim *t, uint64_t w)
{
	const struct vm_page *pg = pte_page(w);
	unsigned age = (unsigned)((w & PTE_AGE_MASK) >> PTE_AGE_SHIFT);

	return is_idle(pg) && (w & MD_PTE_A) == 0 &&
	    (int)age >= (t->min_age & WS_AGE) &&
	    ((t->min_age & WS_HAS_PLACE) == 0 ||
	    (pg->slot != 0 && (w & MD_PTE_D) == 0));
}

static void
trim_cover(struct trim *t, va_t kva)
{
	t->lo = MIN(t->lo, kva);
	t->hi = MAX(t->hi, kva + PAGE_SIZE);
}

/*
 * In round 0 what was used by its address is spared until the next one: there
 * are few pages, and VADs of who is at work would go at each.  Kernel [W].
 */
static void
spare_once(struct trim *t, va_t kva, uint64_t *word)
{
	if ((t->min_age & WS_AGE) != 0 || (word_get(word) & MD_PTE_A) == 0)
		return;
	word_change(word, MD_PTE_A | PTE_AGE_MASK, 0);
	trim_cover(t, kva);
}

/* Step 1: VALID → TRANS.  Kernel [W]. */
static void
take_valid(struct trim *t, va_t kva, uint64_t *word)
{
	struct vm_page *pg = pte_page(word_get(word));
	uint64_t w = 0;

	if ((t->min_age & WS_NO_VADS) != 0 && (pg->flags & PF_CONTAINER) == 0)
		return;
	if (!may_go(t, word_get(word))) {
		spare_once(t, kva, word);
		return;
	}
	spin_lock(&pfn_lock);
	if (may_go(t, word_get(word)))
		w = word_set_locked(NULL, word, pte_make_trans(pg));
	spin_unlock(&pfn_lock);
	if (w == 0)
		return;
	t->page[t->n] = pg;
	t->old[t->n++] = w;
	kernel_as.ws_pages--;
	EVENT(kpaged_out, kva, 1);
	/* It may have been used between the look and the exchange. */
	if ((w & MD_PTE_A) != 0)
		trim_cover(t, kva);
}

/*
 * A page that is not mapped, and idle only now: to its queue.  w is what was read
 * without [P]: since then it may have been stolen.
 */
static void
take_unmapped(struct trim *t, const uint64_t *word, uint64_t w)
{
	struct vm_page *pg = pte_page(w);

	if (pg->state != PG_ACTIVE || !is_idle(pg))
		return;
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(word)) == PTE_TRANS &&
	    pte_page(word_get(word)) == pg && pg->state == PG_ACTIVE &&
	    pg->mapcount == 0 && is_idle(pg)) {
		CHECK(!page_let_go_locked(pg));
		t->done++;
	}
	spin_unlock(&pfn_lock);
}

/* Words from the hand on, until there are `want` or a round is full. */
static void
collect(struct trim *t, size_t want)
{
	va_t top = kpaged_top;
	uint64_t *word, w;
	va_t kva;

	for (; t->n < ROUND && t->n + t->done < want && t->look > 0; t->look--) {
		word = kpaged_next_word(&kws.hand, top);
		if (word == NULL) {
			kws.hand = MD_KPAGED_BASE;
			continue;
		}
		kva = kws.hand;
		kws.hand += PAGE_SIZE;
		w = word_get(word);
		if (pte_kind(w) == PTE_VALID)
			take_valid(t, kva, word);
		else if (pte_kind(w) == PTE_TRANS)
			take_unmapped(t, word, w);
	}
}

/* After the flush: nothing maps the pages any more. */
static void
settle(struct trim *t)
{
	unsigned i;

	spin_lock(&pfn_lock);
	for (i = 0; i < t->n; i++)
		CHECK(!page_unmap_locked(t->page[i],
		    (t->old[i] & MD_PTE_D) != 0));
	spin_unlock(&pfn_lock);
	t->done += t->n;
}

/*
 * Take up to `want` pages of at least min_age out of the kernel's working set,
 * from the hand on, which goes round once at most; WS_NO_VADS: VADs stay.  They
 * keep their contents: on a queue.
 *
 * Locks:    none of rank >= 6.
 * Returns:  pages trimmed.
 */
size_t
kpaged_trim(size_t want, int min_age)
{
	struct trim t = { .min_age = min_age };
	size_t done = 0;

	t.look = ev_read(EV_kpaged_pages) + ev_read(EV_kpaged_pages_out) + 1;
	while (done < want && t.look > 0) {
		t.n = 0;
		t.done = 0;
		t.lo = UINT64_MAX;
		t.hi = 0;
		mutex_lock(&kernel_as.ws_lock);
		collect(&t, want - done);
		if (t.lo < t.hi)
			md_tlb_flush(NULL, t.lo, t.hi, FLUSH_PAGES);
		settle(&t);
		mutex_unlock(&kernel_as.ws_lock);
		done += t.done;
	}
	return done;
}

/* ---- back ---- */

/*
 * Call walk->fn for each SWAP or TRANS word of the region from walk->at on.
 *
 * Locks:    none of rank >= 6; around fn the kernel [W].
 * Returns:  0: all done; else what fn has returned, walk->at is the place.
 */
int
kpaged_swapped(struct swap_walk *walk)
{
	struct swap_words w = { .step = 1, .max = 1, .home = HOME_KPAGED };
	va_t top = kpaged_top;
	enum pte_kind kind;
	int r = 0;

	walk->at = MAX(walk->at, MD_KPAGED_BASE);
	mutex_lock(&kernel_as.ws_lock);
	while ((w.word = kpaged_next_word(&walk->at, top)) != NULL) {
		kind = pte_kind(word_get(w.word));
		w.index = (walk->at - MD_KPAGED_BASE) >> PAGE_SHIFT;
		if (kind == PTE_SWAP || kind == PTE_TRANS)
			r = walk->fn(walk, &w);
		if (r != 0)
			break;
		walk->at += PAGE_SIZE;
	}
	mutex_unlock(&kernel_as.ws_lock);
	return r;
}
