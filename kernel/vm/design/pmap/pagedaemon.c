/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pagedaemon.c: the page daemon: one clock over all pages
 *
 * Problem   Memory is wanted.  The page daemon chooses page by page, not space by
 *           space: a page goes if no process has used it since the last visit.
 *
 * Picture   frames  … pfn 812 ─→ 813 ─→ 814 …        hand
 *                       │ pv: {as 1, va} {as 2, va}     a round: some pages, and all
 *                       ├ used by one of them: A cleared, stays         who map them
 *                       └ used by none: all words go ─→ flush ─→ queue
 *
 * Rules     1. The way from a page to its spaces is against the order of locks: under
 *              [P] pages, spaces and addresses are noted, each space with a reference;
 *              then each word is looked at again under its [W].
 *           2. In a round each space is locked once to read A bits, and once more,
 *              with one flush, to clear words.
 *           3. Locked and pinned pages stay.
 *           4. Clearing A needs no flush: a page that is used through a stale TLB
 *              entry may be taken once too early, and is rescued by a fault.
 */
#include "vm/frame/frame.h"
#include "vm/design/pmap/pmap.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

#define MAPPERS 16     /* of the pages of one round */
#define LOOK 256       /* frames in one hold of [P] */

/* Where a page is mapped, with a reference to the space: [own]. */
struct mapper {
	struct vm_page *page;
	struct aspace *as;
	va_t va;
	bool stays;            /* the page: locked, or used */
	bool gone;             /* this word */
};

/* Some pages, and their mappings: [own].  Mappings of one page are adjacent. */
struct clock_round {
	struct mapper m[MAPPERS];
	unsigned n;
	bool age;              /* used pages stay */
};

static pfn_t hand;             /* [bsm] */

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

/* Note the mappings of the page that fit, each with a reference to its space.  [P]. */
static void
collect(struct clock_round *r, struct vm_page *pg)
{
	struct vm_pv *p = pv_first(pg);

	for (; p != NULL && r->n < MAPPERS; p = pv_next(p))
		if (atomic_get(&p->as->refs)) /* else its end unmaps them */
			r->m[r->n++] = (struct mapper){ .page = pg,
				.as = p->as, .va = p->va };
}

static void
put_all(struct clock_round *r)
{
	while (r->n > 0)
		as_put(r->m[--r->n].as);
}

/* fn for each space of the round that has not ended, once, under its [W]. */
static void
for_each_space(struct clock_round *r, void (*fn)(struct clock_round *, struct aspace *))
{
	struct aspace *as;
	unsigned i, j;

	for (i = 0; i < r->n; i++) {
		as = r->m[i].as;
		for (j = 0; r->m[j].as != as; j++)
			;
		if (j < i)
			continue;
		mutex_lock(&as->ws_lock);
		if (as->md.root_pa != 0)
			fn(r, as);
		mutex_unlock(&as->ws_lock);
	}
}

/* Pages of the space that are locked, or were used since the last visit, stay. */
static void
ask(struct clock_round *r, struct aspace *as)
{
	struct vm_page *leaf;
	struct mapper *m;
	uint64_t *word, old;

	for (m = r->m; m < r->m + r->n; m++) {
		word = m->as != as ? NULL : pt_find(as, m->va, &leaf);
		old = word == NULL ? 0 : word_get(word);
		if (old == 0 || pte_page(old) != m->page)
			continue;
		m->stays = (old & PTE_LOCK) != 0;
		if (!r->age || (old & MD_PTE_A) == 0)
			continue;
		(void)word_change(word, MD_PTE_A, 0);
		m->stays = true;
	}
}

/* Clear the space's words for pages that do not stay. */
static void
unmap(struct clock_round *r, struct aspace *as)
{
	struct mapper *m;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	for (m = r->m; m < r->m + r->n; m++)
		if (m->as == as && !m->stays)
			m->gone = pmap_take_word(as, m->va, m->page);
	tlb_batch_end(as->batch);
}

/* A page that stays for one of its mappings stays for all. */
static void
spread(struct clock_round *r)
{
	unsigned i, j;

	for (i = 0; i < r->n; i++)
		for (j = 0; j < r->n && r->m[i].stays; j++)
			if (r->m[j].page == r->m[i].page)
				r->m[j].stays = true;
}

/* How many words were cleared; one trace record for each page. */
static size_t
count(const struct clock_round *r)
{
	size_t done = 0, of_page = 0;
	const struct mapper *m;

	for (m = r->m; m < r->m + r->n; m++) {
		of_page += m->gone;
		if (m + 1 < r->m + r->n && m[1].page == m->page)
			continue;
		if (m->stays)
			EVENT(pmap_second_chance);
		else
			EVENT(pmap_evict, page_pfn(m->page), of_page);
		done += of_page;
		of_page = 0;
	}
	return done;
}

/* Decide for each page of a round: it stays, or all its mappings go. */
static size_t
evict_round(struct clock_round *r)
{
	size_t done = 0, now;
	struct vm_page *pg;

	for_each_space(r, ask);
	spread(r);
	do {
		for_each_space(r, unmap);
		now = count(r);
		done += now;
		/* A single page may have more mappings than there is room for. */
		pg = r->n == MAPPERS && r->m[0].page == r->m[MAPPERS - 1].page ?
		    r->m[0].page : NULL;
		put_all(r);
		spin_lock(&pfn_lock);
		if (pg != NULL && now > 0)
			collect(r, pg);
		spin_unlock(&pfn_lock);
	} while (r->n > 0);
	return done;
}

/* The next pages that may go, at most `pages`, and their mappings; the hand moves on, by
 * at most LOOK frames.  *left: frames still to be looked at. */
static void
next_of_clock(struct clock_round *r, size_t pages, int min_age, uint64_t *left)
{
	struct phys_stat ps;
	struct vm_page *pg;
	unsigned i, before;

	phys_stat(&ps);
	r->n = 0;
	spin_lock(&pfn_lock);
	for (i = 0; i < LOOK && pages > 0 && *left > 0; i++, (*left)--) {
		pg = &pfdb[hand >= ps.max_pfn ? 1 : hand + 1];
		if (phys_is_ram(page_pfn(pg)) && may_go(pg, min_age)) {
			if (r->n > 0 && r->n + pg->mapcount > MAPPERS)
				break;
			before = r->n;
			collect(r, pg);
			pages -= r->n > before;
		}
		hand = page_pfn(pg);
	}
	spin_unlock(&pfn_lock);
}

/* Take up to want pages of all such spaces out of their working sets; if min_age is not
 * 0, only pages not used since the last visit of the hand.  shared->evict_any.
 * Locks: none of rank >= 5; takes [W] of one space at a time.
 * Returns: words that were cleared. */
size_t
pmap_evict_any(size_t want, int min_age)
{
	struct clock_round r = { .age = (min_age & WS_AGE) != 0 };
	struct phys_stat ps;
	size_t done = 0;
	uint64_t left;

	phys_stat(&ps);
	left = ps.max_pfn;
	while (done < want && left > 0) {
		next_of_clock(&r, want - done, min_age, &left);
		done += evict_round(&r);
	}
	return done;
}

/* ---- one space alone: its limit, and forced pressure ---- */

/* Where it goes on, a vpn: kept in the fields of the clock hand, unused here. */
static uint64_t
hand_get(const struct aspace *as)
{
	return (uint64_t)as->ws.hand_tbl * MD_PT_WORDS + as->ws.hand_idx;
}

static void
hand_set(struct aspace *as, uint64_t vpn)
{
	as->ws.hand_tbl = (uint32_t)(vpn / MD_PT_WORDS);
	as->ws.hand_idx = (uint16_t)(vpn % MD_PT_WORDS);
}

/* Take up to want pages out of one working set, from its hand on: school->evict.
 * Locks: [W], kept.  Returns: how many. */
size_t
pmap_evict(struct aspace *as, size_t want, int min_age)
{
	uint64_t top = MD_USER_END >> PAGE_SHIFT;
	unsigned round, rounds = (min_age & WS_AGE) == 0 ? 3 : 1;
	uint64_t most = (min_age & WS_BRIEF) != 0 ? WS_LOOKS : UINT64_MAX;
	bool again = true, used, cleared = false;
	uint64_t passed = 0;
	struct pt_iter it;
	size_t done = 0;
	va_t first;

	HELD(&as->ws_lock);
	/* The first round begins at the hand; a third takes what the second cleared. */
	for (round = 0; round < rounds && done < want && passed < most && again; round++) {
		used = false;
		it = pt_range(as, hand_get(as), top);
		while (done < want && passed < most && pt_iter_table(&it)) {
			first = it.va;
			done += pmap_remove_unused(&it, want - done, &used);
			passed += (it.va - first) >> PAGE_SHIFT;
		}
		hand_set(as, it.va >= it.end ? 0 : it.va >> PAGE_SHIFT);
		again = used || round == 0;
		cleared |= used;
	}
	if (cleared) {
		as->ws.used_ns = md_time_ns(); /* no sleepers in this design */
		tlb_flush_range(as, 0, top);
	}
	EVENT_ADD(ws_looks, passed);
	EVENT(ws_trim, done, min_age & WS_AGE);
	return done;
}
