/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_advise.c: madvise, and which anons have a page that is not mapped
 *
 * Problem   A program says that it will want pages, or will not; and swapoff must
 *           find every anon whose bytes lie in an area.
 *
 * Picture   DONTNEED, FREE  words and anons go
 *           COLD            words look unused          PAGEOUT  words go
 *           RELEASE         the pages of anons are written, and given up
 *           WILLNEED        anons on swap are read ahead
 *
 * Rules     1. FREE drops at once what the process has alone, if nobody pins it;
 *              what it shares it keeps.
 *           2. An anon that several spaces have is met in each of them.
 */
#include "vm/design/uvm/uvm.h"

/* FREE: anons that nobody else has, and nobody fills.  [W].  How many were late. */
static uint64_t
free_own(struct aspace *as, struct uvm_entry *e, uint64_t vpn, uint64_t end)
{
	struct vm_anon *anon;
	uint64_t n = 0;

	if (amap_is_shared(e->amap))
		return 0;
	AMAP_FOREACH(anon, e->amap, vpn, end) {
		if (uvm_anon_is_shared(anon) || pmap_rec_is_pinned(&anon->word))
			continue;
		(void)pmap_remove(as, vpn, vpn + 1, PMAP_ALL);
		n += amap_is_late(e->amap, vpn);
		uvm_anon_drop(amap_take(e->amap, vpn));
	}
	return n;
}

/*
 * RELEASE: pages that are not mapped are written, and their frames given up by the
 * end of the write.  [W].
 *
 * Returns:  0; -EAGAIN: w, and then from *vpn on.  *left: still to be written.
 */
static int
release(struct uvm_entry *e, uint64_t *vpn, uint64_t end, uint64_t *left,
    struct want *w)
{
	struct vm_anon *anon;
	enum pageout_result r;

	AMAP_FOREACH(anon, e->amap, *vpn, end) {
		r = pmap_rec_write(&anon->word);
		if (r == PAGEOUT_NOBIO)
			return want_bio(w);
		*left += r == PAGEOUT_LATER;
	}
	return 0;
}

static uint64_t
release_all(struct aspace *as, struct uvm_entry *e, uint64_t vpn, uint64_t end)
{
	struct want w = { .what = WANT_AGAIN };
	uint64_t left = 0;
	int r;

	do {
		mutex_lock(&as->ws_lock);
		r = release(e, &vpn, end, &left, &w);
		mutex_unlock(&as->ws_lock);
	} while (r == -EAGAIN && want_get(&w) == 0);
	want_end(&w);
	return left;
}

/* WILLNEED: nobody waits for what is read; what has no frame stays out.  [W]. */
static void
bring(struct uvm_entry *e, uint64_t vpn, uint64_t end)
{
	struct swap_words place;
	struct vm_anon *anon;
	bool go_on = true;

	AMAP_FOREACH(anon, e->amap, vpn, end) {
		place = uvm_anon_place(anon, vpn);
		spin_lock(&anon->lock);
		if (pte_kind(word_get(&anon->word)) == PTE_SWAP)
			go_on = swap_ahead(&place);
		spin_unlock(&anon->lock);
		if (!go_on)
			return;
	}
}

/*
 * madvise for what lies in [lo, hi) vpn of one VAD: ops->advise.
 *
 * Locks:    [M], exclusive for DONTNEED and FREE; takes [W].
 * Returns:  0; for RELEASE how many pages are still to be written; for DONTNEED
 *           -EAGAIN: its amap is shared, and there is no memory for a copy.
 */
int
uvm_advise(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    int advice)
{
	struct uvm_entry *e = v->dpriv;
	uint64_t gone = 0;

	if (e == NULL)
		return 0; /* the VAD is lost */
	if (advice == ADVICE_RELEASE)
		return (int)MIN(release_all(as, e, lo, hi), (uint64_t)INT32_MAX);
	mutex_lock(&as->ws_lock);
	if (advice == MADV_DONTNEED && amap_is_shared(e->amap) &&
	    !amap_unshare(e)) {
		mutex_unlock(&as->ws_lock);
		return -EAGAIN;
	}
	if (advice == MADV_DONTNEED || advice == MADV_PAGEOUT)
		(void)pmap_remove(as, lo, hi, advice == MADV_PAGEOUT ?
		    PMAP_UNLOCKED : PMAP_ALL);
	if (advice == MADV_DONTNEED)
		gone = amap_unref(e->amap, lo, hi);
	if (advice == MADV_FREE)
		gone = free_own(as, e, lo, hi);
	if (advice == MADV_COLD)
		pmap_change(as, lo, hi, MD_PTE_A, 0);
	if (advice == MADV_WILLNEED)
		bring(e, lo, hi);
	mutex_unlock(&as->ws_lock);
	commit_uncharge_late(as, gone);
	return 0;
}

/*
 * walk->fn for each anon whose page is on swap, or in memory and perhaps not
 * mapped, from walk->at on: ops->swapped.
 *
 * Locks:    [W]; around fn [anon].
 * Returns:  what fn has returned, or 0.
 */
int
uvm_swapped(struct aspace *as, struct swap_walk *walk)
{
	uint64_t vpn = walk->at >> PAGE_SHIFT;
	struct swap_words place;
	struct vm_anon *anon;
	struct uvm_entry *e;
	int r = 0;

	UVM_ENTRIES(e, uvm_space(as), vpn) {
		vpn = MAX(vpn, e->start);
		AMAP_FOREACH(anon, e->amap, vpn, e->end) {
			walk->at = vpn << PAGE_SHIFT;
			place = uvm_anon_place(anon, vpn);
			spin_lock(&anon->lock);
			if (pmap_rec_is_away(&anon->word))
				r = walk->fn(walk, &place);
			spin_unlock(&anon->lock);
			if (r != 0)
				return r;
		}
	}
	return 0;
}
