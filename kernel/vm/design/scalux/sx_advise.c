/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_advise.c: madvise, and which anons have a page that is not mapped
 *
 * Problem   A program says that it will want pages, or will not; what it shares
 *           with another process is not its own to drop.
 *
 * Picture   DONTNEED        W1; then words and entries of the range go
 *           FREE            what no other process and no other entry has goes
 *           COLD            words look unused          PAGEOUT  words go
 *           RELEASE         the pages of anons are written, and given up
 *           WILLNEED        anons on swap are read ahead
 *
 * Rules     1. Entries that say what the file says need not go: the next read has
 *              them put to it again.
 *           2. An anon that several spaces have is met in each of them.
 */
#include "vm/design/scalux/scalux.h"

/* The first entry of [vpn, end) whose anon is of swap; NULL.  [sx]. */
static struct sx_entry *
next_swap_locked(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct sx_entry *e;

	ASSERT(spin_is_mine(&sx_lock));
	for (;; vpn = e->vpn + 1) {
		e = sx_from_locked(o->amap, vpn);
		if (e == NULL || e->vpn >= end)
			return NULL;
		if (e->anon->pager == SX_SWAP)
			return e;
	}
}

/* DONTNEED.  0, -ENOMEM, -EINTR. */
static int
discard(struct sx_object *o, uint64_t lo, uint64_t hi)
{
	struct aspace *as = o->as;
	bool has;
	int r = 0;

	spin_lock(&sx_lock);
	has = next_swap_locked(o, lo, hi) != NULL;
	spin_unlock(&sx_lock);
	if (has && sx_has_others(o))
		r = sx_unshare_wait(o);
	if (r != 0)
		return r;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, lo, hi, PMAP_ALL);
	sx_abandon(o);
	if (has)
		sx_drop(o->amap, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* FREE: pages that nobody else has, and nobody fills.  [W]. */
static void
free_own(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct sx_entry *e;
	bool own = false;

	if (sx_has_others(o))
		return;
	sx_abandon(o);
	for (;; vpn++) {
		spin_lock(&sx_lock);
		e = next_swap_locked(o, vpn, end);
		if (e != NULL) {
			vpn = e->vpn;
			own = e->anon->refs == 1 &&
			    !pmap_rec_is_pinned(&e->anon->word);
		}
		spin_unlock(&sx_lock);
		if (e == NULL)
			return;
		if (!own)
			continue;
		(void)pmap_remove(o->as, vpn, vpn + 1, PMAP_ALL);
		sx_drop(o->amap, vpn, vpn + 1);
	}
}

/*
 * RELEASE: pages that are not mapped are written, and their frames given up by the
 * end of the write.  [W].
 *
 * Returns:  0; -EAGAIN: w, and then from *vpn on.  *left: still to be written.
 */
static int
release(struct sx_object *o, uint64_t *vpn, uint64_t end, uint64_t *left,
    struct want *w)
{
	enum pageout_result r = PAGEOUT_ENDED;
	struct sx_entry *e;

	spin_lock(&sx_lock);
	while (r != PAGEOUT_NOBIO &&
	    (e = next_swap_locked(o, *vpn, end)) != NULL) {
		r = pmap_rec_write(&e->anon->word);
		*left += r == PAGEOUT_LATER;
		*vpn = e->vpn + (r != PAGEOUT_NOBIO);
	}
	spin_unlock(&sx_lock);
	return r == PAGEOUT_NOBIO ? want_bio(w) : 0;
}

static uint64_t
release_all(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct want w = { .what = WANT_AGAIN };
	uint64_t left = 0;
	int r;

	do {
		mutex_lock(&o->as->ws_lock);
		r = release(o, &vpn, end, &left, &w);
		mutex_unlock(&o->as->ws_lock);
	} while (r == -EAGAIN && want_get(&w) == 0);
	want_end(&w);
	return left;
}

/* WILLNEED: nobody waits for what is read; what has no frame stays out.  [W]. */
static void
bring(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct swap_words place;
	struct sx_entry *e;
	bool go_on = true;

	spin_lock(&sx_lock);
	for (; go_on && (e = next_swap_locked(o, vpn, end)) != NULL;
	    vpn = e->vpn + 1) {
		place = sx_place(e->anon, e->vpn);
		if (pte_kind(word_get(&e->anon->word)) == PTE_SWAP)
			go_on = swap_ahead(&place);
	}
	spin_unlock(&sx_lock);
}

/*
 * madvise for what lies in [lo, hi) vpn of one VAD: ops->advise.
 *
 * Locks:    [M], exclusive for DONTNEED and FREE; takes [W].
 * Returns:  0; for RELEASE how many pages are still to be written; -ENOMEM, -EINTR:
 *           nothing has changed.
 */
int
sx_advise(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi, int advice)
{
	struct sx_object *o = v->dpriv;

	if (o == NULL)
		return 0; /* the VAD is lost */
	if (advice == ADVICE_RELEASE)
		return (int)MIN(release_all(o, lo, hi), (uint64_t)INT32_MAX);
	if (advice == MADV_DONTNEED)
		return discard(o, lo, hi);
	mutex_lock(&as->ws_lock);
	if (advice == MADV_PAGEOUT)
		(void)pmap_remove(as, lo, hi, PMAP_UNLOCKED);
	if (advice == MADV_FREE)
		free_own(o, lo, hi);
	if (advice == MADV_COLD)
		pmap_change(as, lo, hi, MD_PTE_A, 0);
	if (advice == MADV_WILLNEED)
		bring(o, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/*
 * walk->fn for each anon whose page is on swap, or in memory and perhaps not
 * mapped, from walk->at on: ops->swapped.
 *
 * Locks:    [W]; around fn [sx].
 * Returns:  what fn has returned, or 0.
 */
int
sx_swapped(struct aspace *as, struct swap_walk *walk)
{
	uint64_t vpn = walk->at >> PAGE_SHIFT;
	struct swap_words place;
	struct sx_object *o;
	struct sx_entry *e;
	int r = 0;

	SX_OBJECTS(o, as, vpn) {
		vpn = MAX(vpn, o->start);
		spin_lock(&sx_lock);
		for (; r == 0 && (e = next_swap_locked(o, vpn, o->end)) != NULL;
		    vpn = e->vpn + 1) {
			walk->at = e->vpn << PAGE_SHIFT;
			place = sx_place(e->anon, e->vpn);
			if (pmap_rec_is_away(&e->anon->word))
				r = walk->fn(walk, &place);
		}
		spin_unlock(&sx_lock);
		if (r != 0)
			return r;
	}
	return 0;
}
