/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_dup.c: fork copies nothing: parent and child use the same amaps
 *
 * Problem   Most forks are followed by an exec: all that the fork has copied is
 *           thrown away.
 *
 * Picture   before   parent's object ─→ amap { shares 0 } ─→ anons, mapped writable
 *           after    parent's object ─→ amap { shares 0 1 } ─→ anons, read-only
 *                    child's  object ───┘
 *
 * Rules     1. Mappings and charge come first: they may fail.  Sharing an amap
 *              cannot.  All that does not concern amaps is in ../anons/anonsfork.c.
 *           2. If a page is pinned, or no share is left, the child gets an amap of
 *              its own now, and its own copy of pinned pages: the I/O that pins
 *              them may go on filling them, for the parent.
 *
 * Read next unshare.c, which copies at the first store
 */
#include "vm/design/scalux/scalux.h"

/* ---- sharing: both ws_locks ---- */

/* The child's bit: that of its neighbouring object, if that has the same amap.  [sx]. */
static int
share_of(const struct anons_fork *w, struct sx_amap *amap)
{
	const struct sx_object *o;

	LIST_FOREACH(o, &amap->objects, amap_q)
		if (o->as == w->c.child)
			return o->share;
	return sx_free_share_locked(amap);
}

/* Share the parent's amap with the child.  False: no share is left, or a page is pinned;
 * or there are pages behind the end of the object, which no truncate would take from the
 * child (R7). */
static bool
share_amap(struct anons_fork *w, struct sx_object *from, struct sx_object *to)
{
	struct sx_amap *amap = from->amap, *fresh = to->amap;
	struct sx_entry *e;
	int share;

	sx_abandon(from);
	if (anons_fork_is_pinned(w))
		return false;
	spin_lock(&sx_lock);
	e = sx_from_locked(amap, w->limit);
	share = e != NULL && e->vpn < w->end ? -1 : share_of(w, amap);
	if (share >= 0) {
		sx_part_locked(to);
		sx_join_locked(to, amap, (unsigned)share);
		anons_fork_given(w, sx_count_late(amap, w->start, w->end));
	}
	spin_unlock(&sx_lock);
	if (share < 0)
		return false;
	sx_amap_end(fresh);
	w->shared++;
	EVENT(scalux_amap_shared_forks, w->start << PAGE_SHIFT, amap->n);
	return true;
}

/* ---- a copy at once: both ws_locks.  False: w->c.want, and this one again ---- */

/* The child gets its own page, now. */
static bool
copy_page(struct anons_fork *w, struct sx_amap *to, struct sx_entry *n,
    struct sx_entry *e)
{
	struct sx_anon *copy;

	if (!want_frame(&w->c.want))
		return false;
	copy = sx_anon_new(SX_SWAP);
	if (copy == NULL)
		return anons_fork_refused(w, &sx_anons);
	if (!anons_fork_copy(w, &e->anon->word, &copy->word)) {
		sx_anon_free(copy);
		return false;
	}
	sx_add_locked(to, n, e->vpn, copy, sx_charged(e));
	return true;
}

/* An entry for the child.  [sx]. */
static bool
copy_entry(struct anons_fork *w, struct sx_amap *to, struct sx_entry *e)
{
	struct sx_entry *n = kmem_cache_zalloc(&sx_entries);
	bool copied = true;

	if (n == NULL)
		return anons_fork_refused(w, &sx_entries);
	if (e->anon->pager == SX_SWAP && pmap_rec_is_pinned(&e->anon->word))
		copied = copy_page(w, to, n, e);
	else
		sx_add_locked(to, n, e->vpn, e->anon, sx_charged(e));
	if (!copied) {
		kmem_cache_free(&sx_entries, n);
		return false;
	}
	anons_fork_given(w, e->late);
	EVENT(scalux_anon_refs_fork);
	return true;
}

static void
copy_amap(struct anons_fork *w, struct sx_amap *from, struct sx_amap *to)
{
	struct sx_entry *e;
	bool copied = true;

	while (copied) {
		spin_lock(&sx_lock);
		e = sx_from_locked(from, w->at);
		if (e == NULL || e->vpn >= w->limit) {
			w->at = w->limit;
			copied = false;
		} else if ((copied = copy_entry(w, to, e))) {
			w->at = e->vpn + 1;
		}
		spin_unlock(&sx_lock);
	}
}

/* ---- one object ---- */

/* The child shares the amap of the parent's object, or gets copies of its entries; the
 * parent's words become read-only.
 * Locks: both map_locks exclusive, both ws_locks. */
void
sx_fork(struct anons_fork *w)
{
	struct sx_object *from = w->from, *to = w->to;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	if (from->amap->n == 0 ||
	    (w->at == w->start && share_amap(w, from, to)))
		w->at = w->limit;
	else
		copy_amap(w, from->amap, to->amap);
	pmap_change(w->c.parent, w->start, w->end, MD_PTE_W, 0);
}
