/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.c: pages whose owner is a word: how they are taken and written
 *
 * Problem   When the frame of an anonymous page is taken away, the one word
 *           that owns it must say where the bytes are now.  That word lies in
 *           a page table, in an entry of a forked memory object or in a table
 *           of an anonymous object, and all three are treated alike.
 *
 * Picture   page ── home: pa of the word ──→ word TRANS(pfn)
 *                                             │ reclaim, under [P]
 *                                             ▼
 *                                            word SWAP(slot)
 *
 *           container  … word word WORD word word …   16 neighbours, if they
 *                          └─── one cluster ───┘      are MODIFIED, too
 *
 * Rules     1. The word is stable while its frame is resident: the container
 *              has nres > 0 and stays.  So no lock of a space is needed.
 *           2. A page on STANDBY has no mapping, so its word is TRANS.
 *           3. Neighbours in the container are neighbours in the slots: they
 *              come back together.
 *           4. A word that stands alone goes with those that stand alone behind it
 *              in the queue: each says where its page is, so any place is as good
 *              (seeds 001; NetBSD's page daemon does so).
 */
#include "vm/frame/frame.h"

const struct swap_ops *swap_ops;
struct owner_home owner_homes[HOME_COUNT];
_Atomic bool owner_frozen;
_Atomic bool owner_lost_words;

void
owner_init(void)
{
	owner_add_home(HOME_PTE, (struct owner_home){ OWNER_DATA, 1,
		EV_swap_in_private, EV_swap_out_private, 0 });
	owner_add_home(HOME_KPAGED, (struct owner_home){ OWNER_DATA, 1,
		EV_swap_in_kpaged, EV_swap_out_kpaged, 0 });
	owner_add_home(HOME_TABLE, (struct owner_home){ OWNER_TABLE, 1,
		EV_swap_in_table, EV_swap_out_table, 0 });
}

static uint64_t *
home_word(const struct vm_page *pg)
{
	ASSERT(owner_has_word(pg));
	return pa2va(page_home_payload(pg));
}

/* The page that holds the owning word of pg.
 * Locks: [P], or whatever keeps pg resident.
 * Returns: the container; NULL: the word lies in the header of an object. */
static struct vm_page *
owner_container(const struct vm_page *pg)
{
	struct vm_page *c = page_of_pa(page_home_payload(pg));

	return (c->flags & PF_CONTAINER) != 0 ? c : NULL;
}

/* A page with a word for a home has given up its frame, or gets one again: what its
 * owner counts.
 * Locks: [P]. */
void
owner_count_out(enum page_home home, struct vm_page *container, int change)
{
	if (home == HOME_PTE)
		atomic_add(&page_table_space(container)->words.swap, (uint64_t)change);
	if (home != HOME_KPAGED)
		return;
	EVENT_ADD(kpaged_pages, -change);
	EVENT_ADD(kpaged_pages_out, change);
}

/* The owning word of a page that was being read gets its answer.  Locks: [P]. */
void
owner_set_word(struct vm_page *pg, uint64_t new)
{
	uint64_t *word = home_word(pg), old = word_get(word);

	ASSERT((old & ~PTE_TABLE_MASK) == pte_make_soft(PTE_BUSY, page_pfn(pg)));
	if (pte_kind(new) == PTE_ERROR && page_home_kind(pg) == HOME_TABLE)
		EVENT(table_in_errors);
	if (pte_kind(new) == PTE_ERROR && (page_home_kind(pg) == HOME_TABLE ||
	    page_home_kind(pg) == HOME_KPAGED))
		atomic_store(&owner_lost_words, true);
	word_set_locked(owner_container(pg), word, new | (old & PTE_TABLE_MASK));
}

/* TRANS → SWAP: the slot has the bytes.  [P]. */
static bool
owner_reclaim(struct vm_page *pg)
{
	struct vm_page *container = owner_container(pg);
	uint64_t *word = pa2va(page_home_payload(pg)), old = word_get(word);

	if (atomic_load(&owner_frozen))
		return false;
	ASSERT((old & ~PTE_TABLE_MASK) == pte_make_trans(pg));
	owner_count_out(page_home_kind(pg), container, 1);
	word_set_locked(container, word,
	    swap_word(pg->slot) | (old & PTE_TABLE_MASK));
	if (page_is_ahead(pg))
		swap_ops->ahead_ended(pg, AHEAD_GIVEN_UP);
	page_set_slot(pg, 0);
	page_set_home(pg, HOME_NONE, 0);
	/* What it held as a container is counted again when it is back. */
	pg->flags &= (uint8_t)~PF_CONTAINER;
	EVENT(page_reclaim_anon);
	return true;
}

/* Pages whose home is of this kind have an owning word: they can go to swap.
 * Locks: none; once, before there are any: design->init, for the records of a design. */
void
owner_add_home(enum page_home home, struct owner_home what)
{
	static const struct owner_ops ops = {
		.reclaim = owner_reclaim,
	};

	ASSERT(owner_homes[home].kind == OWNER_NONE);
	owner_homes[home] = what;
	pq_set_owner(home, &ops);
}

/* ---- clusters ---- */

/* Words among which the owning word of a page has its neighbours. */
struct word_range {
	uint64_t *first, *end;
	unsigned step;
};

/* Of a home with a step.  [P]. */
static struct word_range
range_of(const struct vm_page *pg)
{
	const struct vm_page *container = owner_container(pg);
	struct word_range r = {
		.step = owner_homes[page_home_kind(pg)].step
	};

	/* The first tables stand in the root, which is no container. */
	if (container == NULL && page_home_kind(pg) == HOME_TABLE)
		container = page_of_pa(page_home_payload(pg));
	if (container == NULL && page_home_kind(pg) != HOME_KPAGED) {
		r.first = home_word(pg) - pg->index;
		r.end = r.first + owner_homes[page_home_kind(pg)].in_header;
		return r;
	}
	r.first = home_word(pg) - (page_home_payload(pg) & PAGE_MASK) /
	    sizeof(*r.first);
	r.end = r.first + MD_PT_WORDS;
	return r;
}

/* The page of a word, if it waits to be written; else NULL.  [P]. */
static struct vm_page *
to_be_written(uint64_t *word)
{
	uint64_t w = word_get(word);
	struct vm_page *pg;

	if (pte_kind(w) != PTE_TRANS)
		return NULL;
	pg = pte_page(w);
	return pg->state == PG_MODIFIED && (pg->flags & PF_WRITING) == 0 ?
	    pg : NULL;
}

/* The page and those behind it in its queue that have no neighbours, either.  [P]. */
static unsigned
queued_cluster(struct vm_page *pg, struct vm_page **out)
{
	unsigned n = 0;

	while (n < SWAP_RUN && owner_has_word(pg) &&
	    owner_homes[page_home_kind(pg)].step == 0) {
		ASSERT(to_be_written(home_word(pg)) == pg);
		out[n++] = pg;
		if (pg->qnext == 0)
			break;
		pg = &pfdb[pg->qnext];
	}
	return n;
}

/* The page and those beside it that wait to be written, by address or in their order.
 * Locks: [P].
 * Returns: how many are in out, SWAP_RUN at most; 0: pages of this home are not written
 * to swap. */
unsigned
owner_cluster(struct vm_page *pg, struct vm_page **out)
{
	struct word_range r;
	uint64_t *word;
	unsigned n = 0;

	HELD(&pfn_lock);
	if (!owner_has_word(pg))
		return 0;
	if (owner_homes[page_home_kind(pg)].step == 0)
		return queued_cluster(pg, out);
	r = range_of(pg);
	word = home_word(pg);
	while (n < SWAP_RUN - 1 && word > r.first &&
	    to_be_written(word - r.step) != NULL) {
		word -= r.step;
		n++;
	}
	for (n = 0; n < SWAP_RUN && word < r.end; n++, word += r.step) {
		out[n] = to_be_written(word);
		if (out[n] == NULL)
			break;
	}
	return n;
}

/* The slot of the page that the word names, in memory or not; 0: it has none.  [P]. */
static slot_t
slot_of_word(uint64_t w)
{
	switch (pte_kind(w)) {
	case PTE_SWAP:
		return swap_slot(w);
	case PTE_VALID:
		return pte_src(w) == SRC_PRIV ? pte_page(w)->slot : 0;
	case PTE_TRANS:
	case PTE_BUSY:
		return pte_page(w)->slot;
	case PTE_ABSENT:
	case PTE_FORK:
	case PTE_ERROR:
		break;
	}
	return 0;
}

/* Where a cluster would lie so that it is as far from its neighbours in the container
 * on swap as it is in memory: by the next one before it that has a slot, and by the next
 * one behind it, SWAP_RUN words away at most, and no absent one between.
 * Locks: [P].  Returns: in slot[], each for the first page; 0: no such neighbour. */
void
owner_beside(struct vm_page *const *pg, unsigned n, slot_t slot[2])
{
	struct word_range r = range_of(pg[0]);
	uint64_t *word = home_word(pg[0]), *end = home_word(pg[n - 1]) + r.step;
	unsigned d;

	HELD(&pfn_lock);
	slot[0] = slot[1] = 0;
	for (d = 1; d < SWAP_RUN && word > r.first && slot[0] == 0; d++) {
		word -= r.step;
		if (word_get(word) == 0)
			break;
		slot[0] = slot_of_word(word_get(word));
		slot[0] += slot[0] == 0 ? 0 : d;
	}
	for (d = n; d < SWAP_RUN && end < r.end && slot[1] == 0; d++) {
		if (word_get(end) == 0)
			break;
		slot[1] = slot_of_word(word_get(end));
		slot[1] -= MIN(d, slot[1]);
		end += r.step;
	}
}
