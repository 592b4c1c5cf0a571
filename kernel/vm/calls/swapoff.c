/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapoff.c: bring every page of an area back
 *
 * Problem   A swap area is removed while pages of running programs lie in it.  Each
 *           page must come back and give up its slot, and no program may notice.
 *
 * Picture   closing ─→ limit still kept? ─→ rounds until no slot is used:
 *             1. frames: a resident page gives its slot up, and is dirty
 *             2. spaces: private words, entries of forked memory
 *             3. anonymous objects: tmpfs, shared memory
 *             4. paged memory of the kernel itself
 *           ─→ leave the list, free
 *
 * Rules     1. A closing area gives out no slot, so its used slots only become fewer
 *              and the rounds end.  A word that moves (fork, mremap) to a place
 *              that the walk has passed is met in the next round.
 *           2. A page that was read is made dirty, so that its frame is not
 *              reclaimed with the slot as its copy.  If the frame is reclaimed
 *              before that, the next round reads the page again.
 *           3. While it waits for a frame, a page or a bio it holds a reference
 *              to the space or object, and pins of the tables that were
 *              brought, with a structural token; no lock (R1).
 *           4. The commit limit is lowered first.  As all memory in use has been
 *              charged, frames and the other areas can hold it.
 *           5. It may take minutes.  Any pending signal ends it, also one with a
 *              handler or a stop, as on Linux; the pages brought so far stay.
 */
#include "vm/calls/calls.h"
#include "vm/table/table.h"

#define TICK_NS 10000000ul /* words that a fork under way copies are found then */

struct swapoff_work {
	struct swap_walk walk;
	struct swap_area *area;
	uint64_t n;               /* pages brought, slots given up */
};

/* ---- waiting for what is missing ---- */

/* want_get(), which by itself only a fatal signal ends.  0, -EINTR: rule 5. */
static int
get(struct want *w)
{
	return atomic_load(&thread_current()->pending) != 0 ? -EINTR : want_get(w);
}

/* ---- pages in memory ---- */

static bool
is_of(const struct swap_area *a, slot_t slot)
{
	return slot != 0 && slot >> SWAP_INDEX_BITS == a->no;
}

/* A resident page gives its slot up and becomes dirty.  If the page is being written, the
 * end of the write frees the slot; a page that is being read is met again.
 * Locks: [P]. */
static bool
give_up(const struct swap_area *a, struct vm_page *pg)
{
	HELD(&pfn_lock);
	if (!is_of(a, pg->slot) || pg->state == PG_READING ||
	    (pg->flags & (PF_ORPHAN | PF_SLOTSTALE)) != 0)
		return false;
	page_pin_locked(pg);
	swap_drop(pg);
	CHECK(!page_unpin_dirty_locked(pg));
	return true;
}

static uint64_t
frames_give_up(const struct swap_area *a)
{
	struct phys_stat ps;
	uint64_t n = 0;
	pfn_t pfn;

	phys_stat(&ps);
	for (pfn = 1; pfn <= ps.max_pfn; pfn++) {
		if (!phys_is_ram(pfn) ||
		    !is_of(a, atomic_load_relaxed(&pfdb[pfn].slot)))
			continue;
		spin_lock(&pfn_lock);
		n += give_up(a, &pfdb[pfn]);
		spin_unlock(&pfn_lock);
	}
	return n;
}

/* ---- words ---- */

/* swap_walk.fn: one word; those that are SWAP or TRANS count.
 * Locks: the container's.
 * Returns: 0: go on; -EAGAIN: walk->want, then this one again. */
static int
bring_word(struct swap_walk *walk, const struct swap_words *w)
{
	struct swapoff_work *b = CONTAINER_OF(walk, struct swapoff_work, walk);
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(w->word);
	/* The page may have kept its slot after the read. */
	if (pte_kind(word) == PTE_TRANS)
		b->n += give_up(b->area, pte_page(word));
	spin_unlock(&pfn_lock);
	if (pte_kind(word) != PTE_SWAP || !is_of(b->area, swap_slot(word)))
		return 0;
	if (want_swap_in(&walk->want, w))
		b->n++;
	return -EAGAIN;
}

/* swap_walk.table: the table is in memory now, and gives up its slot.  [W]. */
static void
table_gives_up(struct swap_walk *walk, struct vm_page *leaf)
{
	struct swapoff_work *b = CONTAINER_OF(walk, struct swapoff_work, walk);

	spin_lock(&pfn_lock);
	b->n += give_up(b->area, leaf);
	spin_unlock(&pfn_lock);
}

/* All words of a space, and entries that they name.  0, -EINTR. */
static int
bring_space(struct swapoff_work *b, struct aspace *as)
{
	int r;

	if (!pt_open_space(as))
		return 0;
	structural_begin();
	b->walk.tables.as = as;
	b->walk.at = 0;
	do {
		mutex_lock(&as->ws_lock);
		r = as->school->swapped(as, &b->walk);
		mutex_unlock(&as->ws_lock);
	} while (r == -EAGAIN && (r = get(&b->walk.want)) == 0);
	pt_release(&b->walk.tables);
	want_end(&b->walk.want);
	structural_end();
	pt_close_space(as);
	return r;
}

/* The pages of an anonymous object; NULL: kernel memory on swap.  0, -EINTR. */
static int
bring_words(struct swapoff_work *b, struct vmo *vmo)
{
	int r;

	b->walk.at = 0;
	do
		r = vmo == NULL ? kpaged_swapped(&b->walk) :
		    anon_words(vmo, VMO_MAX_PAGES, &b->walk);
	while (r == -EAGAIN && (r = get(&b->walk.want)) == 0);
	return r;
}

/* ---- the whole area ---- */

/* One round over everything.  0, -EINTR. */
static int
one_round(struct swapoff_work *b)
{
	struct aspace *as;
	struct vmo *vmo = NULL;
	uint64_t id = 0;
	int r = 0;

	b->n = frames_give_up(b->area);
	for (; r == 0 && (as = as_from(id)) != NULL; as_put(as)) {
		r = bring_space(b, as);
		id = as->id + 1;
	}
	while (r == 0 && (vmo = vmo_next_anon(vmo)) != NULL)
		r = bring_words(b, vmo);
	if (vmo != NULL)
		vmo_put(vmo);
	if (r == 0)
		r = bring_words(b, NULL);
	/* The end of a read or write wakes us; slots of spaces and objects that end
	 * come back without a wake. */
	if (r == 0 && b->n == 0)
		r = atomic_load(&b->area->busy) == 0 ?
		    sleep_until(md_time_ns() + TICK_NS, WAIT_INTR) :
		    wait_until(&swaps.bios, WAIT_INTR, md_time_ns() + TICK_NS,
			atomic_load(&b->area->busy) == 0);
	return r == -ETIMEDOUT ? 0 : r;
}

static bool
is_empty(const struct swap_area *a)
{
	return atomic_load(&a->nfree) + atomic_load(&a->nbad) ==
	    a->nslots - 1 && atomic_load(&a->busy) == 0;
}

/* Empty an area and remove it; only one thread does so at a time.
 * Returns: 0; -ENOMEM (promised memory would have no place), -EINTR (a signal): it is
 * used as before. */
int
swap_off(unsigned no)
{
	struct swapoff_work b = { .walk.fn = bring_word,
		.walk.table = table_gives_up, .area = swap_area(no) };
	int r = 0;

	ASSERT(b.area != NULL);
	swap_area_close(b.area);
	if (commit_total() > commit_limit())
		r = -ENOMEM;
	while (r == 0 && !is_empty(b.area))
		r = one_round(&b);
	want_end(&b.walk.want);
	if (r == 0)
		swap_area_retire(b.area);
	else
		swap_area_reopen(b.area);
	return r;
}
