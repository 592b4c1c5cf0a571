/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_fault.c: one pass of a fault: from the entry to the anon, or to the object
 *
 * Problem   The word of an address says nothing when it is 0: the page may be in
 *           an anon, in memory or on swap, in the object behind the mapping, or
 *           nowhere yet.
 *
 * Picture   entry ─→ slot of the amap ─┬ anon ─┬ out of memory  F5, F6, F11
 *                                      │       ├ read, or alone  map: rescue, upgrade
 *                                      │       └ shared, a write copy: F4
 *                                      └ none ─┬ no object        zeros: F1
 *                                              ├ shared, or read  the object's: F2, F9
 *                                              └ private, a write its copy: F3
 *
 * Rules     1. What the picture calls a slot is amap.c's: the rules stand there.
 *           2. Who would change an amap that others have, too, gets one of his own
 *              first.
 *           3. Only a store makes a word writable.
 *
 * Read next amap.c
 */
#include "vm/design/uvm/uvm.h"

/* ---- what amap_fault() needs ---- */

/*
 * What was made is not used.
 */
void
uvm_fault_give_up(struct fctx *f, struct uvm_making *m, enum fault_frame kind)
{
	if (m->pv != NULL)
		pv_free(m->pv);
	if (m->page != NULL)
		fault_keep_spare(f, m->page, kind);
	if (m->anon != NULL)
		uvm_anon_free(m->anon);
}

/*
 * All that a new anon needs and that may fail, but the charge: anon, frame, pv, and
 * a chunk for its slot.
 *
 * Locks:    [M], [W].
 * Returns:  FAULT_DONE; else what the pass returns, and nothing is held.
 * Owns:     the caller, until uvm_fault_adopt() or uvm_fault_give_up().
 */
enum fault_outcome
uvm_fault_make(struct fctx *f, struct uvm_entry *e, struct uvm_making *m,
    enum fault_frame kind)
{
	struct kmem_cache *lacks;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	*m = (struct uvm_making){ .page = fault_take_spare(f, kind) };
	if (m->page == NULL)
		return fault_missing(f);
	if ((m->anon = uvm_anon_new()) == NULL)
		lacks = &uvm_anons;
	else if ((m->pv = pv_new()) == NULL)
		lacks = &pv_cache;
	else if (!amap_reserve(e->amap, f->va >> PAGE_SHIFT))
		lacks = &amap_chunks;
	else
		return FAULT_DONE;
	uvm_fault_give_up(f, m, kind);
	return pmap_no_memory(f, lacks);
}

/*
 * The frame becomes the page of the anon, and f->word, which is 0, maps it.
 *
 * Locks:    [W]; takes [P].
 */
void
uvm_fault_adopt(struct fctx *f, struct uvm_making *m)
{
	HELD(&f->as->ws_lock);
	spin_lock(&pfn_lock);
	uvm_anon_adopt_locked(m->anon, m->page);
	pmap_enter_locked(f, m->page, SRC_FORK, pmap_rights(f, fault_rights(f)),
	    m->pv);
	spin_unlock(&pfn_lock);
}

/* ---- which layer ---- */

/* Will the page get a slot, or another anon in it? */
static bool
changes_amap(const struct fctx *f, struct uvm_entry *e)
{
	return f->access == ACCESS_WRITE || (f->v.vmo == NULL &&
	    amap_lookup(e->amap, f->va >> PAGE_SHIFT) == NULL);
}

/*
 * The page of a fault in an entry.
 *
 * Locks:    [M], [W]; f->word is in use.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
uvm_fault(struct fctx *f, void *entry)
{
	struct uvm_entry *e = entry;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if ((f->v.flags & VAD_SHARED) != 0)
		return pmap_object_page(f, fault_rights(f));
	if (amap_is_shared(e->amap) && changes_amap(f, e) && !amap_own(e)) {
		pmap_came_to(f, amap_kept(e));
		return pmap_no_memory(f, amap_lacks(e));
	}
	return amap_fault(f, e);
}
