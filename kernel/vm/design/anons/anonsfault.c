/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonsfault.c: one pass of a fault: from the entry to the anon, or to the object
 *
 * Problem   A PTE of 0 does not say where the page is: it may be in an anon, in
 *           memory or on swap, in the object behind the mapping, or not exist
 *           yet.
 *
 * Picture   entry ─ own ─→ find ─┬ anon ─┬ out of memory           F5, F6, F11
 *                                │       ├ a read, or alone        map: rescue, upgrade
 *                                │       └ shared, a store         a copy, put: F4
 *                                └ none ─┬ a read                  the design's read
 *                                        ├ a store, no object      zeros, put: F1
 *                                        └ a store                 the object's copy, put: F3
 *
 * Rules     1. Read-only if shared: a page whose anon or amap others have, too, is
 *              never mapped writable.
 *           2. Before a fault changes a shared amap the space gets an amap of its
 *              own (own).
 *           3. All that may fail comes first: frame, pv, records, charge.
 *           4. The PTE and the slot change in one hold of [W]; after a wait all is
 *              looked up again.
 */
#include "vm/design/anons/anons.h"

static const struct anons_fault_ops *
ops_of(const struct fctx *f)
{
	return f->as->design->anons->fault;
}

/* ---- making a new anon ---- */

static void
give_up(struct fctx *f, struct anons_making *m, enum fault_frame kind)
{
	if (m->pv != NULL)
		pv_free(m->pv);
	fault_keep_spare(f, m->page, kind);
	ops_of(f)->unmake(m);
}

/* All that may fail, except the charge.  FAULT_DONE; else nothing is held. */
static enum fault_outcome
make(struct fctx *f, void *entry, struct anons_making *m, enum fault_frame kind)
{
	struct kmem_cache *lacks;

	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	*m = (struct anons_making){ .page = fault_take_spare(f, kind) };
	if (m->page == NULL)
		return fault_missing(f);
	if (pv_are_kept(f->as) && (m->pv = pv_new()) == NULL)
		lacks = &pv_cache;
	else
		lacks = ops_of(f)->make(entry, f->va >> PAGE_SHIFT, m);
	if (lacks == NULL)
		return FAULT_DONE;
	give_up(f, m, kind);
	return pmap_no_memory(f, lacks);
}

/* The frame, a copy of from or zeros, becomes the page of the new anon, mapped by f->word
 * only, and the anon that of the page (fault->put). */
static void
adopt(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	if (from != NULL)
		page_copy(m->page, from);
	pmap_remove_word(f);
	spin_lock(&pfn_lock);
	pmap_rec_adopt_locked(m->anon, f->as->design->shared->home, m->page);
	pmap_enter_locked(f, m->page, SRC_FORK, pmap_rights(f, fault_rights(f)),
	    m->pv);
	spin_unlock(&pfn_lock);
	ops_of(f)->put(f, entry, m, from);
}

/* ---- the page has no anon ---- */

/* F1: zeros.  F3: a copy of the object's page, from, which is pinned.
 * Locks: those of anons_fault(); f->word is in use.
 * Returns: FAULT_DONE, or what the driver has to do before another pass. */
enum fault_outcome
anons_new_page(struct fctx *f, void *entry, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	struct anons_making m;
	enum fault_outcome r = make(f, entry, &m, kind);

	if (r != FAULT_DONE)
		return r;
	if (!fault_charge_touch(f)) {
		give_up(f, &m, kind);
		return fault_over_limit(f);
	}
	adopt(f, entry, &m, from);
	if (from == NULL)
		EVENT(fault_zerofill, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	else
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	return FAULT_DONE;
}

/* The first store to a page of a private mapping of an object. */
static enum fault_outcome
promote(struct fctx *f, void *entry)
{
	struct vm_page *from;
	enum fault_outcome r = pmap_find_in_object(f, &from);

	if (r != FAULT_DONE)
		return r;
	r = anons_new_page(f, entry, from);
	page_unpin(from);
	return r;
}

/* ---- it has one ---- */

/* F4: a store, and others have the anon, too. */
static enum fault_outcome
copy_anon(struct fctx *f, void *entry, const struct vm_page *from)
{
	uint64_t before = word_get(f->word);
	struct anons_making m;
	enum fault_outcome r = make(f, entry, &m, FRAME_ANY);

	if (r != FAULT_DONE)
		return r;
	adopt(f, entry, &m, from);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word),
	    page_pfn(m.page));
	return FAULT_DONE;
}

/* find() has found the anon of this word, whose lock is held: found() releases it. */
static enum fault_outcome
present(struct fctx *f, void *entry, uint64_t *word)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_page *pg = pmap_rec_pin(word);
	bool copy = pg != NULL && f->access == ACCESS_WRITE &&
	    !f->as->design->anons->is_own(entry, word);
	bool mapped = pg != NULL && !copy &&
	    pmap_map_record(f, pg, fault_rights(f));
	struct swap_words place;
	enum fault_outcome r = FAULT_DONE;

	if (pg == NULL) {
		place = anons_place(f->as->design->shared->home, word, vpn);
		r = pmap_rec_bring(f, &place);
	}
	ops_of(f)->found(entry, vpn, word, mapped ? pg : NULL);
	if (pg == NULL)
		return r;
	if (copy)
		r = copy_anon(f, entry, pg);
	else if (!mapped)
		r = pmap_no_memory(f, &pv_cache);
	page_unpin(pg);
	return r;
}

/* The page of f->word: school->fault.
 * Locks: [M], [W].
 * Returns: FAULT_DONE, or what the driver has to do before another pass. */
enum fault_outcome
anons_fault(struct fctx *f)
{
	const struct anons_fault_ops *ops = ops_of(f);
	enum fault_outcome r = fault_permit(f);
	void *entry = f->v.dpriv;
	struct kmem_cache *lacks;
	uint64_t *word;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (r != FAULT_DONE)
		return r;
	if ((f->v.flags & VAD_SHARED) != 0)
		return pmap_object_page(f, fault_rights(f));
	if (ops->pass != NULL)
		return ops->pass(f, entry);
	lacks = ops->own(f, entry);
	if (lacks != NULL)
		return pmap_no_memory(f, lacks);
	word = ops->find(entry, f->va >> PAGE_SHIFT);
	if (word != NULL)
		return present(f, entry, word);
	if (f->access != ACCESS_WRITE)
		return ops->read(f, entry);
	return f->v.vmo == NULL ? anons_new_page(f, entry, NULL) :
	    promote(f, entry);
}
