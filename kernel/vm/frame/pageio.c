/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageio.c: pages under I/O, dirty pages, their swap slots, and waiting for pages
 *
 * Problem   A page that is being read in may not be used, one that is being
 *           written may not be freed, and a thread that wants either must
 *           sleep for just this page without a lock.
 *           When the frame of an anonymous page is taken away, the one word that
 *           owns it must say where the bytes are now.  That word may be a PTE,
 *           an entry of a forked memory object or a word in a table of an
 *           anonymous object; all three are treated alike.
 *
 * Picture                 filled                written
 *           LIMBO ─→ READING ─→ STANDBY     MODIFIED + WRITING ─→ STANDBY
 *                       │ error              ACTIVE + WRITING ─→ ACTIVE
 *                       └→ LIMBO, free          error: dirty again
 *
 *           page ── home: pa of the word ──→ word TRANS(pfn)
 *                                             │ reclaim, under [P]
 *                                             ▼
 *                                            word SWAP(slot)
 *
 * Rules     1. All changes are made under [P]; the sleepers of a page are woken
 *              in the same hold.
 *           2. DIRTY is cleared before the write begins: a store during the
 *              write makes the page dirty anew, so it is written again.
 *           3. PF_DIRTY of a file's page is set and cleared here only, so
 *              n_dirty of its object and the sum over all are exact.
 *           4. An owning word is stable while its frame is resident: the container
 *              has nres > 0 and stays.  So no lock of a space is needed.
 *           5. A page on STANDBY has no mapping, so its word is TRANS.
 */
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"

#define WAIT_BUCKETS 256

static struct {
	struct waitq wait[WAIT_BUCKETS]; /* by pfn: sleepers for a busy page */
	_Atomic uint64_t dirty_peak;     /* [P] to change */
} pageio;

_Atomic uint64_t pages_dirty, pages_writing, pages_slotted; /* [P] to change */
const struct swap_ops *swap_ops;
struct owner_home owner_homes[HOME_COUNT];
_Atomic bool owner_frozen;
_Atomic bool owner_lost_words;

void
pageio_init(void)
{
	unsigned i;

	for (i = 0; i < WAIT_BUCKETS; i++)
		waitq_init(&pageio.wait[i]);
	ev_set_gauge_word(EV_cache_dirty_peak, &pageio.dirty_peak);
}

/* ---- dirty pages ---- */

/* The object of a file's page; NULL: the page is of another kind. */
static struct vmo *
file_of(const struct vm_page *pg)
{
	if (page_home_kind(pg) != HOME_VNODE)
		return NULL;
	return pa2va(page_home_payload(pg));
}

/* The page was changed and its copy on disk was not: its slot is freed.
 * Locks: [P]. */
void
page_dirty_locked(struct vm_page *pg)
{
	struct vmo *vmo = file_of(pg);
	uint64_t n;

	HELD(&pfn_lock);
	pg->flags &= (uint8_t)~PF_LAZYFREE;
	if ((pg->flags & PF_DIRTY) != 0)
		return;
	pg->flags |= PF_DIRTY;
	if (vmo == NULL) {
		swap_ops->drop(pg);
		return;
	}
	if (vmo->n_dirty++ == 0)
		atomic_store(&vmo->v.dirty_since, md_time_ns());
	n = atomic_add(&pages_dirty, 1);
	if (n > atomic_load(&pageio.dirty_peak))
		atomic_store(&pageio.dirty_peak, n);
}

/* The page is about to be written, or to lose its owner.  Locks: [P]. */
void
page_clean_locked(struct vm_page *pg)
{
	struct vmo *vmo = file_of(pg);

	HELD(&pfn_lock);
	if ((pg->flags & PF_DIRTY) == 0)
		return;
	pg->flags &= (uint8_t)~PF_DIRTY;
	if (vmo == NULL)
		return;
	ASSERT(vmo->n_dirty > 0);
	vmo->n_dirty--;
	atomic_sub(&pages_dirty, 1);
}

/* ---- waiting for a busy page ---- */

static struct waitq *
wait_queue_of(const struct vm_page *pg)
{
	return &pageio.wait[page_pfn(pg) % WAIT_BUCKETS];
}

/* Sleep until the page is neither read nor written.  It may be anything then: look
 * everything up again (R3).
 * Locks: none of rank >= 3.  Returns: 0, -EINTR (fatal signal; WAIT_PLAIN: never). */
int
page_wait_idle(struct vm_page *pg, enum wait_how how)
{
	struct waiter w;
	bool busy;
	int r = 0;

	wait_prepare(wait_queue_of(pg), &w);
	spin_lock(&pfn_lock);
	busy = pg->state == PG_READING || (pg->flags & PF_WRITING) != 0;
	if (busy)
		pg->flags |= PF_WANTED;
	spin_unlock(&pfn_lock);
	if (busy)
		r = wait_sleep(&w, how, WAIT_FOREVER);
	wait_finish(&w);
	return r;
}

/* The page is not busy any more: wake its sleepers.  Locks: [P]. */
static void
page_wake(struct vm_page *pg)
{
	if ((pg->flags & PF_WANTED) == 0)
		return;
	pg->flags &= (uint8_t)~PF_WANTED;
	wake_all(wait_queue_of(pg));
}

/* ---- being filled ---- */

/* A new frame gets its owner, and its contents later (transition 4).
 * Locks: [P]; that of the owning word or tree, which names the page in the same hold. */
void
page_reading_locked(struct vm_page *pg, enum page_home home, uint64_t payload,
    uint64_t index)
{
	HELD(&pfn_lock);
	/* [P]: page_set_state() asks. */
	ASSERT(pg->state == PG_LIMBO && page_home_kind(pg) == HOME_NONE);
	page_set_home(pg, home, payload);
	page_count_home(home, 1);
	pg->index = index;
	pg->flags = 0;
	page_set_state(pg, PG_READING);
}

/* The contents are there (transition 5): the page goes to standby, or is ACTIVE if
 * pinned; the sleepers are woken.
 * Locks: [P]; the caller may pin or dirty the page in the same hold. */
void
page_filled_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	/* [P]: page_set_state() asks. */
	ASSERT(pg->state == PG_READING && (pg->flags & PF_ORPHAN) == 0);
	page_set_state(pg, PG_STANDBY);
	if (pg->pins > 0)
		page_set_state(pg, PG_ACTIVE);
	else
		pq_insert(pg);
	page_wake(pg);
}

/* The page could not be read: its owner names it no more (transition 6).
 * Locks: [P].
 * Returns: true: the caller frees it (page_free) once [P] is dropped; false: its last
 * unpin does. */
bool
page_unfilled_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ASSERT(pg->state == PG_READING && pg->mapcount == 0);
	page_wake(pg);
	page_count_home(page_home_kind(pg), -1);
	page_set_home(pg, HOME_NONE, 0);
	page_set_state(pg, PG_LIMBO);
	pg->index = 0;
	pg->flags = pg->pins > 0 ? PF_ORPHAN : 0;
	return pg->pins == 0;
}

/* ---- being written ---- */

/* Set the swap slot that holds, or will hold, the bytes of a resident page; 0: none.
 * Locks: [P]. */
void
page_set_slot(struct vm_page *pg, slot_t slot)
{
	HELD(&pfn_lock);
	if (pg->slot == 0 && slot != 0)
		atomic_add(&pages_slotted, 1);
	else if (pg->slot != 0 && slot == 0)
		atomic_sub(&pages_slotted, 1);
	pg->slot = slot;
}

/* A write of the page begins: it is clean from now on, and on no queue.  Locks: [P]. */
void
page_writing_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ASSERT((pg->flags & (PF_WRITING | PF_ORPHAN)) == 0);
	ASSERT(pg->state == PG_ACTIVE || pg->state == PG_MODIFIED);
	page_clean_locked(pg);
	if (pg->state == PG_MODIFIED)
		pq_remove(pg);
	pg->flags |= PF_WRITING;
	atomic_add(&pages_writing, 1);
}

/* The write has ended (transitions 11, 12); WRITTEN: the disk has the contents.
 * Locks: [P].  Returns: true: the last user has gone, the caller frees the page. */
bool
page_written_locked(struct vm_page *pg, enum page_write end)
{
	HELD(&pfn_lock);
	ASSERT((pg->flags & PF_WRITING) != 0);
	pg->flags &= (uint8_t)~PF_WRITING;
	atomic_sub(&pages_writing, 1);
	page_wake(pg);
	if ((pg->flags & PF_ORPHAN) != 0)
		return page_let_go_locked(pg);
	if (end == PAGE_UNWRITTEN)
		page_dirty_locked(pg);
	if (pg->state == PG_MODIFIED) {
		/* MADV_FREE came during the write, and the page was kept: it has no
		 * slot. */
		if ((pg->flags & PF_DIRTY) == 0 &&
		    (pg->slot != 0 || file_of(pg) != NULL))
			page_set_state(pg, PG_STANDBY);
		pq_insert(pg);
	}
	return false;
}

/* ---- pages whose owner is a word ---- */

void
owner_init(void)
{
	owner_add_home(HOME_PTE, (struct owner_home){ OWNER_DATA, 1,
		EV_swap_in_private, EV_swap_out_private, 0, NULL });
	owner_add_home(HOME_KPAGED, (struct owner_home){ OWNER_DATA, 1,
		EV_swap_in_kpaged, EV_swap_out_kpaged, 0, NULL });
	owner_add_home(HOME_TABLE, (struct owner_home){ OWNER_TABLE, 1,
		EV_swap_in_table, EV_swap_out_table, 0, NULL });
}

/* A page whose home is a word has given up its frame, or gets one again: update the
 * counts of its owner.
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

/* The read of a page has ended: set its owning word to TRANS or ERROR.  Locks: [P]. */
void
owner_set_word(struct vm_page *pg, uint64_t new)
{
	uint64_t *word = owner_word(pg), old = word_get(word);

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
	page_count_home(page_home_kind(pg), -1);
	page_set_home(pg, HOME_NONE, 0);
	/* Its counts as a container are made anew when it is back. */
	pg->flags &= (uint8_t)~PF_CONTAINER;
	EVENT(page_reclaim_anon);
	return true;
}

/* What comes and goes by the owners of words is counted.  Locks: any; exact while nobody
 * moves any. */
void
owner_count_pages(uint64_t *anon, uint64_t *objects)
{
	int64_t n, sum = 0;
	enum page_home kind;

	for (kind = HOME_NONE; kind < HOME_COUNT; kind++) {
		n = owner_homes[kind].kind != OWNER_DATA || kind == HOME_KPAGED ? 0 :
		    md_word_sum(MD_WORD_HOMES + kind);
		if (kind == HOME_AOBJ)
			*objects = (uint64_t)MAX(n, 0);
		else
			sum += n;
	}
	*anon = (uint64_t)MAX(sum, 0);
}

/* Who owns the pages of this home, and how they are given up; where an owning word says
 * where they are, they can go to swap.
 * Locks: none; once, before there are any: design->init, for the records of a design. */
void
owner_add_home(enum page_home home, struct owner_home what)
{
	ASSERT(owner_homes[home].reclaim == NULL);
	if (what.kind != OWNER_NONE)
		what.reclaim = owner_reclaim;
	owner_homes[home] = what;
}
