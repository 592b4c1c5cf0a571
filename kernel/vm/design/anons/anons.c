/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anons.c: entries of a map, from a fault to the end of a space
 *
 * Problem   Designs of this school differ in where they keep anons and who shares
 *           them.  In all of them a fault begins at an entry, PTEs are cleared
 *           before an anon is given up, and a truncate may touch no VAD.
 *
 * Picture   as->school ──→ here ──→ as->design->anons ──→ the design's entries and anons
 *                        └─────→ ../pmap/, the words
 *
 * Rules     1. The PTEs of a page are cleared first, then its anon is given up.
 *           2. A truncate has no VAD, which may be on swap: it finds entries by
 *              address, under [W].
 *           3. A VAD that could not be read is all zeros, without an entry: calls do
 *              nothing then, and the end of the space finds the entry.
 *
 * Read next anonsfork.c
 */
#include "vm/design/anons/anons.h"

/* ---- entries ---- */

/* The first entry that ends behind vpn.
 * Locks: [M] or [W].  Returns: false: there is none, or the space has ended. */
bool
anons_next(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	return as->dpriv != NULL && as->design->anons->next(as, vpn, r);
}

bool
anons_at(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	return anons_next(as, vpn, r) && r->start <= vpn;
}

/* fn for the anons of [lo, hi), with the lock that guards their words.
 * Locks: [W]; takes a lock of rank 7.
 * Returns: what fn has returned to end the walk, or 0. */
int
anons_each(struct aspace *as, uint64_t lo, uint64_t hi, anons_fn *fn, void *arg)
{
	HELD(&as->ws_lock);
	return as->dpriv == NULL ? 0 : as->design->anons->each(as, lo, hi, fn, arg);
}

/* fn for the entries of all spaces of a design.  Locks: freeze_spaces(). */
void
anons_all_entries(const struct anons_ops *ops, anons_entry_fn *fn, void *arg)
{
	struct anons_range r;
	struct aspace *as;

	LIST_FOREACH(as, &as_list, all)
		if (as->design->anons == ops)
			ANONS_ENTRIES(r, as)
				fn(r.entry, arg);
}

/* ---- their end ---- */

/* The last user is gone and all VADs but lost ones are detached:
 * school->as_fini.
 * Locks: [M] exclusive; takes [W]. */
void
anons_as_fini(struct aspace *as)
{
	void *sp = as->dpriv;
	struct anons_range r;

	HELD(&as->map_lock);
	mutex_lock(&as->ws_lock);
	while (anons_next(as, 0, &r)) {
		(void)as->design->anons->end(as, r.entry);
		as->design->anons->free(r.entry);
	}
	as->dpriv = NULL;
	mutex_unlock(&as->ws_lock);
	if (as_has_lost(as, LOST_VADS))
		commit_uncharge_late(as, atomic_load(&as->commit.late));
	else
		commit_uncharge_late(as, as->commit.fed + as->commit.pruned);
	kmem_free(sp);
	ASSERT(as->ws.pages == 0 && as->words.locked == 0 && as->table.n == 0);
	ASSERT(atomic_load(&as->commit.late) == 0);
}

/* entries->release: of a VAD that has never been attached, or was merged.
 * Locks: none of rank >= 3; v is in no tree. */
void
anons_release(struct aspace *as, struct vad *v)
{
	as->design->anons->free(v->dpriv);
	v->dpriv = NULL;
}

/* v is out of the tree of VADs: school->detach.  The charge of late pages is given back.
 * The entry is freed now, for v may be lost before it is freed.
 * Locks: [M] exclusive; takes [W]. */
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
	late = as->design->anons->end(as, entry);
	mutex_unlock(&as->ws_lock);
	commit_uncharge_late(as, late);
	as->design->anons->free(entry);
}

/* A truncate, a hole or a write-back: school->zap.
 * Locks: [X] of the link's object; takes [W].  Returns: 0. */
int
anons_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	bool all = job->how == ZAP_EVEN_PRIVATE;

	if (job->how == ZAP_CLEAN) /* the same in all designs */
		return pte_zap(as, link, lo, hi, job);
	lo = MAX(lo, link->start);
	hi = MIN(hi, link->end);
	mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL && lo < hi) {
		(void)pmap_remove(as, lo, hi, all ? PMAP_ALL : PMAP_OBJECT);
		if (all)
			as->design->anons->drop(as, lo, hi);
	}
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* ---- operations that need records, and may wait for them ---- */

/* Call turn() for an entry of v, under [W], until nothing is missing.  A turn that came
 * no further than the last one counts as refused.
 * Locks: [M] exclusive; takes [W].
 * Returns: 0; -ENOMEM, -EINTR (fatal signal): there is no further turn. */
int
anons_by_turns(struct aspace *as, const struct vad *v, anons_turn_fn *turn, void *arg)
{
	struct want w = { .what = WANT_AGAIN };
	bool paid = (v->flags & VAD_CHARGED) != 0;
	uint64_t before, came_to = 0;
	struct kmem_cache *lacks;
	unsigned refused = 0;
	int r;

	HELD(&as->map_lock);
	do {
		r = 0;
		mutex_lock(&as->ws_lock);
		before = came_to;
		lacks = turn(arg, &came_to);
		if (came_to != before)
			refused = 0;
		if (lacks != NULL)
			r = anons_refused(&w, lacks, paid, &refused);
		mutex_unlock(&as->ws_lock);
		if (lacks != NULL && r == 0)
			r = want_get(&w);
	} while (lacks != NULL && r == 0);
	want_end(&w);
	return r;
}

/* ---- rights ---- */

/* The VAD is about to have fewer rights: school->protect.
 * Locks: [M] exclusive; takes [W].  Returns: 0. */
int
anons_protect(struct aspace *as, struct vad *v, uint8_t prot)
{
	HELD(&as->map_lock);
	if (prot == 0)
		pmap_trim_range(as, v->start, v->end);
	return pte_protect(as, v, prot);
}

/* ---- look-up ---- */

/* The VAD of a page: school->lookup.
 * Locks: [M].  Returns: NULL: there is none, or the space is lost. */
struct vad *
anons_lookup(struct aspace *as, uint64_t vpn)
{
	struct anons_range at;

	HELD_SHARED(&as->map_lock);
	return !as_is_lost(as) && anons_at(as, vpn, &at) ? at.vad : NULL;
}

/* ---- the school as the rest of vm/ sees it ---- */

/* mremap: pages are numbered by address, and each design renumbers them in its way:
 * school->move.
 * Locks: [M] exclusive; takes [W].  Returns: as entries->move. */
static int
anons_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	HELD(&as->map_lock);
	return as->design->entries->move(as, from, to, n);
}

const struct school anons_school = {
	.is_cache = true,
	.advise_shared = false,
	.as_fini = anons_as_fini,
	.detach = anons_detach,
	.zap = anons_zap,
	.protect = anons_protect,
	.move = anons_move,
	.advise = anons_advise,
	.fault = anons_fault,
	.lookup = anons_lookup,
	.evict = pmap_evict,
	.walk = anons_walk,
	.named = anons_named,
	.swapped = anons_swapped,
};
