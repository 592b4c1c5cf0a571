/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageio.c: pages under I/O, dirty pages, their places on swap, and who waits for them
 *
 * Problem   A page that is being filled may not be looked at, one that is
 *           being written may not be freed, and whoever wants either must
 *           sleep for just this page without a lock.
 *
 * Picture                 filled                written
 *           LIMBO ─→ READING ─→ STANDBY     MODIFIED + WRITING ─→ STANDBY
 *                       │ error              ACTIVE + WRITING ─→ ACTIVE
 *                       └→ LIMBO, free          error: dirty again
 *
 * Rules     1. All changes are made under [P]; the sleepers of a page are woken
 *              in the same hold.
 *           2. DIRTY goes before the write begins: a store that comes during
 *              it makes the page dirty anew and is written again.
 *           3. PF_DIRTY of a file's page is set and cleared here only, so
 *              n_dirty of its object and the sum over all are exact.
 */
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"

#define WAIT_BUCKETS 256

static struct {
	struct waitq wait[WAIT_BUCKETS]; /* by pfn: sleepers for a busy page */
	_Atomic uint64_t dirty_peak;     /* [P] to change */
} pageio;

_Atomic uint64_t pages_dirty, pages_writing, pages_slotted; /* [P] to change */

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

/* The page was changed and its copy on disk was not: a slot is of no use any more.
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

/* The page is not busy any more: wake who waits for it.  Locks: [P]. */
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
	pg->index = index;
	pg->flags = 0;
	page_set_state(pg, PG_READING);
}

/* The contents are there (transition 5): on standby, or with whom it was pinned for;
 * the sleepers are woken.
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

/* The contents could not be had: the owner has forgotten the page (6).
 * Locks: [P].
 * Returns: true: the caller frees it (page_free) once [P] is dropped; false: who has
 * pinned it does. */
bool
page_unfilled_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ASSERT(pg->state == PG_READING && pg->mapcount == 0);
	page_wake(pg);
	page_set_home(pg, HOME_NONE, 0);
	page_set_state(pg, PG_LIMBO);
	pg->index = 0;
	pg->flags = pg->pins > 0 ? PF_ORPHAN : 0;
	return pg->pins == 0;
}

/* ---- being written ---- */

/* The slot of swap that holds the bytes of a page in memory, or will; 0: none.
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

/* The write has ended (transitions 11, 12); ok: the disk has the contents.
 * Locks: [P].  Returns: true: nobody holds the page any more, the caller frees it. */
bool
page_written_locked(struct vm_page *pg, bool ok)
{
	HELD(&pfn_lock);
	ASSERT((pg->flags & PF_WRITING) != 0);
	pg->flags &= (uint8_t)~PF_WRITING;
	atomic_sub(&pages_writing, 1);
	page_wake(pg);
	if ((pg->flags & PF_ORPHAN) != 0)
		return page_let_go_locked(pg);
	if (!ok)
		page_dirty_locked(pg);
	if (pg->state == PG_MODIFIED) {
		/* MADV_FREE while it was written, and kept: it has no place. */
		if ((pg->flags & PF_DIRTY) == 0 &&
		    (pg->slot != 0 || file_of(pg) != NULL))
			page_set_state(pg, PG_STANDBY);
		pq_insert(pg);
	}
	return false;
}
