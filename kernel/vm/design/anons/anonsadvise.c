/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonsadvise.c: madvise, and which anons have a page that is not mapped
 *
 * Problem   A program says that it will want pages, or will not; and swapoff must
 *           find every anon whose bytes lie in an area.
 *
 * Picture   DONTNEED        words and anons go: the design's
 *           FREE            pages that no other process and no slot has go
 *           COLD            words look unused          PAGEOUT  words go
 *           RELEASE         the pages of anons are written, and given up
 *           WILLNEED        anons on swap are read ahead
 *
 * Rules     1. FREE drops at once each page that only this process has, if nobody
 *              pins it; shared pages stay.
 *           2. An anon that several spaces have is met in each of them.
 */
#include "vm/design/anons/anons.h"

/* FREE, in one mapping: [own]. */
struct freeing {
	const struct anons_ops *ops;
	void *entry;
	uint64_t vpn;          /* of the page that was found */
};

/* A page that is not shared and not pinned. */
static int
find_own(void *arg, uint64_t vpn, uint64_t *word)
{
	struct freeing *own = arg;

	own->vpn = vpn;
	return own->ops->is_own(own->entry, word) && !pmap_rec_is_pinned(word);
}

/* FREE.  Takes [W]. */
static void
free_own(struct aspace *as, void *entry, uint64_t vpn, uint64_t end)
{
	struct freeing own = { .ops = as->design->anons, .entry = entry };

	mutex_lock(&as->ws_lock);
	for (; anons_each(as, vpn, end, find_own, &own) != 0; vpn = own.vpn + 1) {
		(void)pmap_remove(as, own.vpn, own.vpn + 1, PMAP_ALL);
		own.ops->drop(as, own.vpn, own.vpn + 1);
	}
	mutex_unlock(&as->ws_lock);
}

/* RELEASE, in one mapping: [own]. */
struct releasing {
	uint64_t vpn;          /* it goes on here */
	uint64_t left;         /* pages still to be written */
};

/* Write a page that is not mapped; the end of the write frees its frame. */
static int
release_one(void *arg, uint64_t vpn, uint64_t *word)
{
	struct releasing *rel = arg;
	enum pageout_result r = pageout_word(word);

	rel->vpn = vpn;
	rel->left += r == PAGEOUT_LATER;
	return r == PAGEOUT_NOBIO;
}

static uint64_t
release(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct releasing rel = { .vpn = lo };
	struct want w = { .what = WANT_AGAIN };
	uint64_t ended;
	int r;

	do {
		ended = swap_ended();
		mutex_lock(&as->ws_lock);
		r = anons_each(as, rel.vpn, hi, release_one, &rel) == 0 ? 0 :
		    want_bio(&w, ended);
		mutex_unlock(&as->ws_lock);
	} while (r == -EAGAIN && want_get(&w) == 0);
	want_end(&w);
	return rel.left;
}

#define BRING_RUN 64 /* anons looked at in one hold of [W] */

/* WILLNEED, in one mapping: [own]. */
struct bringing {
	enum page_home home;
	uint64_t vpn;          /* it goes on here */
	unsigned n;            /* anons seen */
};

static int
bring_one(void *arg, uint64_t vpn, uint64_t *word)
{
	struct bringing *b = arg;
	struct swap_words place = anons_place(b->home, word, vpn);

	b->vpn = vpn + 1;
	if (pte_kind(word_get(word)) == PTE_SWAP && swap_ahead(NULL, &place) != 0)
		b->vpn = UINT64_MAX;
	return b->vpn == UINT64_MAX || ++b->n % BRING_RUN == 0;
}

/* Begin reads without waiting for them; without a frame a page is not read. */
static void
bring(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct bringing b = { .home = as->design->shared->home, .vpn = lo };
	int r = 1;

	while (r != 0 && b.vpn < hi) {
		mutex_lock(&as->ws_lock);
		r = anons_each(as, b.vpn, hi, bring_one, &b);
		mutex_unlock(&as->ws_lock);
	}
}

/* madvise for the part [lo, hi) vpn of one VAD: school->advise.
 * Locks: [M], exclusive for DONTNEED and FREE; takes [W].
 * Returns: 0; for RELEASE how many pages are still to be written; for DONTNEED
 * -EAGAIN, -ENOMEM, -EINTR: an amap is shared, and there is no memory for a copy;
 * nothing has changed. */
int
anons_advise(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    int advice)
{
	void *entry = v->dpriv;

	HELD_SHARED(&as->map_lock);
	if (entry == NULL)
		return 0; /* the VAD is lost */
	if (advice == ADVICE_RELEASE)
		return (int)MIN(release(as, lo, hi), (uint64_t)INT32_MAX);
	if (advice == MADV_DONTNEED)
		return as->design->anons->discard(as, entry, lo, hi);
	if (advice == MADV_PAGEOUT)
		pmap_trim_range(as, lo, hi);
	if (advice == MADV_FREE)
		free_own(as, entry, lo, hi);
	if (advice == MADV_WILLNEED)
		bring(as, lo, hi);
	/* The words look unused, as in every design. */
	return advice == MADV_COLD || advice == ADVICE_FORGET ?
	    pte_advise(as, v, lo, hi, advice) : 0;
}

/* ---- swapoff ---- */

struct swapped {
	struct swap_walk *walk;
	enum page_home home;
};

static int
say_if_away(void *arg, uint64_t vpn, uint64_t *word)
{
	struct swapped *s = arg;
	struct swap_words place = anons_place(s->home, word, vpn);

	s->walk->at = vpn << PAGE_SHIFT;
	return pte_is_away(word_get(word)) ? s->walk->fn(s->walk, &place) : 0;
}

/* walk->fn for each anon whose page is on swap, or in memory and perhaps not mapped,
 * from walk->at on: school->swapped.
 * Locks: [W]; around fn a lock of rank 7.  Returns: what fn has returned, or 0. */
int
anons_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct swapped s = { .walk = walk, .home = as->design->shared->home };

	HELD(&as->ws_lock);
	if (as->dpriv != NULL && as->design->anons->swapped != NULL)
		return as->design->anons->swapped(as, walk);
	return anons_each(as, walk->at >> PAGE_SHIFT, MD_USER_END >> PAGE_SHIFT,
	    say_if_away, &s);
}
