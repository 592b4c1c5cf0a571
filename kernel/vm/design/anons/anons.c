/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anons.c: entries of a map, from a fault to the end of a space
 *
 * Problem   Where anons are and who shares them is what designs of this school
 *           differ in.  That a fault begins at an entry, that words go before
 *           anons, and that a truncate may touch no VAD is the same for all.
 *
 * Picture   as->ops ──→ here ──→ as->ops->anons ──→ the design's entries and anons
 *                        └─────→ ../pmap/, the words
 *
 * Rules     1. First no word maps a page, then its anon is let go.
 *           2. A truncate has no VAD, which may be on swap: it finds entries by
 *              address, under [W].
 *           3. A VAD that could not be read is all zeros, without an entry: calls do
 *              nothing then, and the end of the space finds the entry.
 *
 * Read next anonsfork.c
 */
#include "vm/design/anons/anons.h"

/* ---- entries ---- */

/*
 * The first entry that ends behind vpn.
 *
 * Locks:    [M] or [W].
 * Returns:  false: there is none, or the space has ended.
 */
bool
anons_next(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	return as->dpriv != NULL && as->ops->anons->next(as, vpn, r);
}

bool
anons_at(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	return anons_next(as, vpn, r) && r->start <= vpn;
}

/*
 * fn for the anons of [lo, hi), with what guards their words.
 *
 * Locks:    [W]; takes a lock of rank 7.
 * Returns:  what fn has returned to end the walk, or 0.
 */
int
anons_each(struct aspace *as, uint64_t lo, uint64_t hi, anons_fn *fn, void *arg)
{
	HELD(&as->ws_lock);
	return as->dpriv == NULL ? 0 : as->ops->anons->each(as, lo, hi, fn, arg);
}

struct all_walk {
	const struct anons_ops *ops;
	anons_entry_fn *fn;
	void *arg;
};

static void
entries_of(struct aspace *as, void *arg)
{
	const struct all_walk *all = arg;
	struct anons_range r;

	if (as->ops->anons == all->ops)
		ANONS_ENTRIES(r, as)
			all->fn(r.entry, all->arg);
}

/*
 * fn for the entries of all spaces of a design.
 *
 * Locks:    freeze_spaces().
 */
void
anons_all_entries(const struct anons_ops *ops, anons_entry_fn *fn, void *arg)
{
	struct all_walk all = { .ops = ops, .fn = fn, .arg = arg };

	as_walk_locked(entries_of, &all);
}

/* ---- their end ---- */

/*
 * The last user is gone and all VADs are detached, but those that were lost:
 * ops->as_fini.
 *
 * Locks:    [M] exclusive; takes [W].
 */
void
anons_as_fini(struct aspace *as)
{
	void *sp = as->dpriv;
	struct anons_range r;

	HELD(&as->map_lock);
	mutex_lock(&as->ws_lock);
	while (anons_next(as, 0, &r)) {
		(void)as->ops->anons->end(as, r.entry);
		as->ops->anons->free(r.entry);
	}
	as->dpriv = NULL;
	mutex_unlock(&as->ws_lock);
	if (as_has_lost(as, LOST_VADS))
		commit_uncharge_late(as, atomic_load(&as->late));
	else
		commit_uncharge_late(as, as->fed + as->pruned);
	kmem_free(sp);
	ASSERT(as->ws_pages == 0 && as->n_locked == 0 && as->n_table == 0);
	ASSERT(atomic_load(&as->late) == 0);
}

/*
 * ops->release: of a VAD that has never been attached, or was merged.
 *
 * Locks:    none of rank >= 3; v is in no tree.
 */
void
anons_release(struct aspace *as, struct vad *v)
{
	as->ops->anons->free(v->dpriv);
	v->dpriv = NULL;
}

/*
 * v is out of the tree of VADs: ops->detach.  Pages that were charged when they
 * were touched are paid back.  The entry goes at once: v may be lost before it is
 * freed.
 *
 * Locks:    [M] exclusive; takes [W].
 */
void
anons_detach(struct aspace *as, struct vad *v)
{
	void *entry = v->dpriv;
	uint64_t late;

	HELD(&as->map_lock);
	if (entry == NULL)
		return; /* lost: anons_as_fini() finds the entry */
	v->dpriv = NULL;
	mutex_lock(&as->ws_lock);
	late = as->ops->anons->end(as, entry);
	mutex_unlock(&as->ws_lock);
	commit_uncharge_late(as, late);
	as->ops->anons->free(entry);
}

/*
 * A truncate, a hole or a write-back: ops->zap.
 *
 * Locks:    [X] of the link's object; takes [W].
 * Returns:  0.
 */
int
anons_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	if (job->how == ZAP_CLEAN)
		return pte_zap(as, link, lo, hi, job);
	lo = MAX(lo, link->start);
	hi = MIN(hi, link->end);
	mutex_lock(&as->ws_lock);
	if (as->dpriv == NULL || lo >= hi) {
		mutex_unlock(&as->ws_lock);
		return 0;
	}
	switch (job->how) {
	case ZAP_EVEN_PRIVATE:
		(void)pmap_remove(as, lo, hi, PMAP_ALL);
		as->ops->anons->drop(as, lo, hi);
		break;
	case ZAP_SHARED_ONLY:
		(void)pmap_remove(as, lo, hi, PMAP_OBJECT);
		break;
	case ZAP_CLEAN: /* as under every design: above */
		break;
	}
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* ---- rights ---- */

/*
 * The VAD is about to have fewer rights: ops->protect.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0.
 */
int
anons_protect(struct aspace *as, struct vad *v, uint8_t prot)
{
	HELD(&as->map_lock);
	if (prot == 0)
		pmap_trim_range(as, v->start, v->end);
	return pte_protect(as, v, prot);
}

/* ---- a fault ---- */

/*
 * The VAD of a page: ops->lookup.
 *
 * Locks:    [M].
 * Returns:  NULL: there is none.
 */
struct vad *
anons_lookup(struct aspace *as, uint64_t vpn)
{
	struct anons_range at;

	HELD_SHARED(&as->map_lock);
	return anons_at(as, vpn, &at) ? at.vad : NULL;
}

/*
 * The page of f->word: ops->fault.
 *
 * Locks:    [M], [W].
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
anons_fault(struct fctx *f)
{
	enum fault_outcome r = fault_permit(f);

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	return r == FAULT_DONE ? f->as->ops->anons->fault(f, f->v.dpriv) : r;
}
