/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pagedaemon.c: the page daemon: one clock over all pages
 *
 * Problem   Memory is wanted.  Which pages go is asked of pages, whoever maps them:
 *           one that none of its processes has used since the last visit.
 *
 * Picture   frames  … pfn 812 ─→ 813 ─→ 814 …        hand
 *                       │ pv: {as 1, va} {as 2, va}
 *                       ├ used by one of them: A cleared, stays
 *                       └ used by none: all words go ─→ flush ─→ queue
 *
 * Rules     1. From a page to its spaces goes against the order of locks: under [P]
 *              spaces and addresses are written down, with a reference each; then
 *              each word is looked at again under its [W].
 *           2. Locked and pinned pages stay.
 *           3. A that is cleared is not flushed: a page that is used by a stale
 *              entry only may be taken once too early, and is rescued by a fault.
 */
#include "vm/frame/frame.h"
#include "vm/pmap/pmap.h"
#include "vm/space/space.h"
#include "vm/table/table.h"

#define MAPPERS 16     /* of one page, that are visited at a time */
#define LOOK 256       /* frames in one hold of [P] */

/* Where a page is mapped, with a reference to the space: [own]. */
struct mapper {
	struct aspace *as;
	va_t va;
};

static pfn_t hand;             /* [bsm] */

/* A space whose last reference is gone lets its pages go by itself. */
static bool
try_get(struct aspace *as)
{
	uint32_t refs = atomic_load(&as->refs);

	while (refs != 0 && !atomic_cas(&as->refs, &refs, refs + 1))
		;
	return refs != 0;
}

/* Could the page leave memory without a slot of swap being allocated? */
static bool
has_place(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_VNODE || pg->slot != 0;
}

static bool
may_go(const struct vm_page *pg, int min_age)
{
	return pg->state == PG_ACTIVE && pg->pins == 0 &&
	    ((min_age & WS_HAS_PLACE) == 0 || has_place(pg));
}

/* Who maps the page; a reference to each.  [P]. */
static unsigned
collect(const struct vm_page *pg, struct mapper *m)
{
	struct vm_pv *p = pv_first(pg);
	unsigned n = 0;

	for (; p != NULL && n < MAPPERS; p = pv_next(p))
		if (try_get(p->as))
			m[n++] = (struct mapper){ p->as, p->va };
	return n;
}

static void
put_all(const struct mapper *m, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		as_put(m[i].as);
}

/* The word that still maps the page there; NULL.  [W]. */
static uint64_t *
still_maps(const struct mapper *m, const struct vm_page *pg)
{
	struct vm_page *leaf;
	uint64_t *word;

	if (m->as->md.root_pa == 0)
		return NULL;
	word = pmap_find(m->as, m->va, &leaf);
	if (word == NULL || word_get(word) == 0 ||
	    pte_page(word_get(word)) != pg)
		return NULL;
	return word;
}

/* Locked by somebody, or used since the last visit? */
static bool
is_wanted(const struct mapper *m, unsigned n, const struct vm_page *pg, bool ask)
{
	bool wanted = false;
	uint64_t *word, old;
	unsigned i;

	for (i = 0; i < n; i++) {
		mutex_lock(&m[i].as->ws_lock);
		word = still_maps(&m[i], pg);
		old = word == NULL ? 0 : word_get(word);
		wanted |= (old & PTE_LOCK) != 0;
		if (ask && (old & MD_PTE_A) != 0) {
			(void)word_change(word, MD_PTE_A, 0);
			wanted = true;
		}
		mutex_unlock(&m[i].as->ws_lock);
	}
	return wanted;
}

/* No word maps it any more; how many did. */
static size_t
unmap(const struct mapper *m, unsigned n, const struct vm_page *pg)
{
	size_t done = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		mutex_lock(&m[i].as->ws_lock);
		if (still_maps(&m[i], pg) != NULL)
			done += pmap_remove(m[i].as, m[i].va >> PAGE_SHIFT,
			    (m[i].va >> PAGE_SHIFT) + 1, PMAP_UNLOCKED);
		mutex_unlock(&m[i].as->ws_lock);
	}
	return done;
}

/* One page, and who maps it: it stays, or all of them lose it. */
static size_t
evict_page(struct vm_page *pg, struct mapper *m, unsigned n, int min_age)
{
	size_t done = 0, now;

	if (is_wanted(m, n, pg, (min_age & WS_AGE) != 0)) {
		put_all(m, n);
		EVENT(pmap_second_chance);
		return 0;
	}
	do {
		now = unmap(m, n, pg);
		done += now;
		put_all(m, n);
		spin_lock(&pfn_lock);
		n = now == 0 ? 0 : collect(pg, m);
		spin_unlock(&pfn_lock);
	} while (n > 0);
	EVENT(pmap_evict, page_pfn(pg), done);
	return done;
}

/*
 * The next page that may go, and who maps it; the hand moves on, by LOOK frames at
 * most.  *left: frames still to be looked at.
 */
static struct vm_page *
next_of_clock(struct mapper *m, unsigned *n, int min_age, pfn_t max, uint64_t *left)
{
	struct vm_page *pg = NULL;
	unsigned i;

	*n = 0;
	spin_lock(&pfn_lock);
	for (i = 0; i < LOOK && *n == 0 && *left > 0; i++, (*left)--) {
		hand = hand >= max ? 1 : hand + 1;
		pg = &pfdb[hand];
		if (phys_is_ram(hand) && may_go(pg, min_age))
			*n = collect(pg, m);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

/*
 * Up to want pages of all such spaces leave their working sets: where
 * min_age is not 0, only such as none has used since the hand was here last.
 * ops->evict_any.
 *
 * Locks:    none of rank >= 5; takes [W] of one space at a time.
 * Returns:  words that map a page no more.
 */
size_t
pmap_evict_any(size_t want, int min_age)
{
	struct mapper m[MAPPERS];
	struct phys_stat ps;
	struct vm_page *pg;
	size_t done = 0;
	uint64_t left;
	unsigned n;

	phys_stat(&ps);
	left = ps.max_pfn;
	while (done < want && left > 0) {
		pg = next_of_clock(m, &n, min_age, ps.max_pfn, &left);
		if (n > 0)
			done += evict_page(pg, m, n, min_age);
	}
	return done;
}

/* ---- one space alone: its limit, and forced pressure ---- */

/* Where it goes on, vpn: the clock's hand, of which the ring of tables has no use. */
static uint64_t
hand_get(const struct aspace *as)
{
	return (uint64_t)as->hand_tbl * MD_PT_WORDS + as->hand_idx;
}

static void
hand_set(struct aspace *as, uint64_t vpn)
{
	as->hand_tbl = (uint32_t)(vpn / MD_PT_WORDS);
	as->hand_idx = (uint16_t)(vpn % MD_PT_WORDS);
}

/* May this word's page go?  One that was used may not, the first time. */
static bool
is_victim(uint64_t *word, bool *spared)
{
	uint64_t w = word_get(word);

	if (w == 0 || pte_is_special(w) || (w & PTE_LOCK) != 0 ||
	    pte_page(w)->pins != 0)
		return false;
	if ((w & MD_PTE_A) == 0)
		return true;
	(void)word_change(word, MD_PTE_A, 0);
	*spared = true;
	return false;
}

/* The words of one leaf table, from it->va on. */
static size_t
evict_leaf(struct pmap_iter *it, size_t want, bool *spared)
{
	struct aspace *as = it->as;
	va_t va = it->va, stop = it->stop;
	struct vm_page *leaf;
	uint64_t *word;
	size_t done = 0;

	for (; va < stop && done < want; va += PAGE_SIZE) {
		word = pmap_find(as, va, &leaf);
		if (word == NULL)
			break;
		if (is_victim(word, spared))
			done += pmap_remove(as, va >> PAGE_SHIFT,
			    (va >> PAGE_SHIFT) + 1, PMAP_UNLOCKED);
	}
	it->va = va < stop && done < want ? stop : va;
	return done;
}

/*
 * Up to want pages leave the working set of one space, from its hand on: ops->evict.
 *
 * Locks:    [W], kept.
 * Returns:  how many.
 */
size_t
pmap_evict(struct aspace *as, size_t want, int min_age)
{
	uint64_t top = MD_USER_END >> PAGE_SHIFT;
	unsigned round, rounds = (min_age & WS_AGE) == 0 ? 3 : 1;
	bool spared = true;
	struct pmap_iter it;
	size_t done = 0;

	for (round = 0; round < rounds && done < want && spared; round++) {
		spared = round == 0 && rounds > 1;
		it = pmap_range(as, hand_get(as), top);
		while (done < want && pmap_next_leaf(&it))
			done += evict_leaf(&it, want - done, &spared);
		hand_set(as, it.va >= it.end ? 0 : it.va >> PAGE_SHIFT);
	}
	tlb_flush_range(as, 0, top);
	EVENT(ws_trim, done, min_age & WS_AGE);
	return done;
}
