/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_dup.c: fork copies nothing: parent and child use the same amaps
 *
 * Problem   Most forks are followed by an exec: whatever the fork has copied was
 *           for nothing.
 *
 * Picture   before   parent's object ─→ amap { shares 0 } ─→ anons, mapped writable
 *           after    parent's object ─→ amap { shares 0 1 } ─→ anons, read-only
 *                    child's  object ───┘
 *
 * Rules     1. Mappings and charge come first: they may fail.  To share an amap
 *              cannot.
 *           2. Words of the parent lose W; one flush, before the child is published,
 *              and also when the fork is given up.
 *           3. Where somebody pins a page, or no share is left, the child gets an
 *              amap of its own now, and its own copy of pages that are pinned: who
 *              pins them may go on filling them, for the parent.
 *           4. Pages on swap, or under way, are shared as they are: nothing is read.
 *
 * Read next unshare.c, which copies at the first store
 */
#include "vm/design/scalux/scalux.h"

/* One fork under way; on the stack of sx_dup(). */
struct sx_fork {
	struct pte_fork c;             /* what forks of all designs have */
	struct sx_object *from, *to;   /* [M] of parent and child */
	uint64_t at;                   /* vpn: a copy at once has come so far */
	uint64_t lo, hi;               /* parent words that lost W: to be flushed */
	uint64_t shared, copies;       /* amaps shared, pages copied so far */
	unsigned refused;              /* times that there was no record for this entry */
};

/* ---- sharing: both ws_locks ---- */

/* The child's bit: that of its object beside, if that uses the amap, too.  [sx]. */
static int
share_of(const struct sx_fork *w)
{
	const struct sx_object *o;

	LIST_FOREACH(o, &w->from->amap->objects, amap_q)
		if (o->as == w->c.child)
			return o->share;
	return sx_free_share_locked(w->from->amap);
}

/* Does somebody fill or read a page of the window? */
static bool
has_pinned(const struct sx_object *o)
{
	uint64_t vpn = o->start;
	bool pinned = false;
	struct sx_entry *e;

	spin_lock(&sx_lock);
	for (; !pinned && (e = sx_from_locked(o->amap, vpn)) != NULL &&
	    e->vpn < o->end; vpn = e->vpn + 1)
		pinned = e->anon->pager == SX_SWAP &&
		    pmap_rec_is_pinned(&e->anon->word);
	spin_unlock(&sx_lock);
	return pinned;
}

/* The child has so many pages that were charged when touched. */
static void
pay_late(struct sx_fork *w, uint64_t late)
{
	w->c.charge -= late;
	atomic_add(&w->c.child->late, late);
	w->c.given = true;
}

/* The child uses the parent's amap.  False: it cannot. */
static bool
share_amap(struct sx_fork *w)
{
	struct sx_amap *amap = w->from->amap, *fresh = w->to->amap;
	int share;

	sx_abandon(w->from);
	if (has_pinned(w->from))
		return false;
	spin_lock(&sx_lock);
	share = share_of(w);
	if (share >= 0) {
		sx_part_locked(w->to);
		sx_join_locked(w->to, amap, (unsigned)share);
	}
	spin_unlock(&sx_lock);
	if (share < 0)
		return false;
	sx_amap_end(fresh);
	pay_late(w, sx_count_late(amap, w->from->start, w->from->end));
	w->shared++;
	EVENT(scalux_amap_shared_forks, w->from->start << PAGE_SHIFT, amap->n);
	return true;
}

/* ---- a copy at once: both ws_locks.  False: w->c.want, and this one again ---- */

static bool
no_record(struct sx_fork *w, struct kmem_cache *of)
{
	bool paid = (w->c.vad.flags & VAD_CHARGED) != 0;

	if (sx_refused(&w->c.want, of, paid, &w->refused) != 0)
		w->at = UINT64_MAX;
	return false;
}

/* The child gets its own page, now. */
static bool
copy_page(struct sx_fork *w, struct sx_entry *n, struct sx_entry *e)
{
	struct sx_anon *copy;
	struct vm_page *from, *to;

	if (!want_frame(&w->c.want))
		return false;
	copy = sx_anon_new(SX_SWAP);
	if (copy == NULL)
		return no_record(w, &sx_anons);
	from = pmap_rec_pin(&e->anon->word);
	if (from == NULL) {
		sx_anon_free(copy);
		(void)want_again(&w->c.want);
		return false;
	}
	to = w->c.want.frame;
	w->c.want.frame = NULL;
	sx_add_locked(w->to->amap, n, e->vpn, copy, e->late);
	pmap_rec_copy(&copy->word, HOME_SXANON, to, from);
	page_unpin(from);
	w->copies++;
	EVENT(fork_pinned_copies);
	return true;
}

/* An entry for the child.  [sx]. */
static bool
copy_entry(struct sx_fork *w, struct sx_entry *e)
{
	struct sx_entry *n = sx_entry_new();
	bool copied = true;

	if (n == NULL)
		return no_record(w, &sx_entries);
	if (e->anon->pager == SX_SWAP && pmap_rec_is_pinned(&e->anon->word))
		copied = copy_page(w, n, e);
	else
		sx_add_locked(w->to->amap, n, e->vpn, e->anon, e->late);
	if (!copied) {
		sx_entry_free(n);
		return false;
	}
	pay_late(w, e->late);
	w->refused = 0;
	EVENT(scalux_anon_refs_fork);
	return true;
}

/*
 * The entries from w->at on, as far as the object goes: nobody would take from the
 * child what lies behind (R7).
 */
static void
copy_amap(struct sx_fork *w)
{
	uint64_t end = MIN(w->from->end, pte_limit(&w->c.vad) >> PAGE_SHIFT);
	struct sx_entry *e;
	bool copied = true;

	while (copied) {
		spin_lock(&sx_lock);
		e = sx_from_locked(w->from->amap, w->at);
		if (e == NULL || e->vpn >= end) {
			w->at = w->from->end;
			copied = false;
		} else if ((copied = copy_entry(w, e))) {
			w->at = e->vpn + 1;
		}
		spin_unlock(&sx_lock);
	}
}

/* ---- one object ---- */

/* The parent may not store without a fault from now on.  [W]. */
static void
write_protect(struct sx_fork *w)
{
	pmap_change(w->c.parent, w->from->start, w->from->end, MD_PTE_W, 0);
	w->lo = MIN(w->lo, w->from->start);
	w->hi = MAX(w->hi, w->from->end);
}

/* False: what is missing is in w->c.want. */
static bool
dup_once(struct sx_fork *w)
{
	bool shared = false;

	want_again(&w->c.want);
	mutex_lock(&w->c.parent->ws_lock);
	mutex_lock_nested(&w->c.child->ws_lock);
	if (w->from->amap->n == 0)
		w->at = w->from->end;
	else if (w->at == w->from->start)
		shared = share_amap(w);
	if (shared)
		w->at = w->from->end;
	else if (w->at < w->from->end)
		copy_amap(w);
	write_protect(w);
	mutex_unlock(&w->c.child->ws_lock);
	mutex_unlock(&w->c.parent->ws_lock);
	return w->at >= w->from->end;
}

static int
dup_object(struct sx_fork *w)
{
	const struct vad *v = &w->c.vad;
	int r = 0;

	if ((v->flags & (VAD_SHARED | VAD_WIPEONFORK | VAD_DONTFORK)) != 0)
		return 0;
	w->from = sx_object_at(w->c.parent, v->start);
	w->to = sx_object_at(w->c.child, v->start);
	if (w->from == NULL || w->to == NULL)
		return -ENOMEM; /* VADs were lost */
	w->at = w->from->start;
	while (r == 0 && !dup_once(w))
		r = want_get(&w->c.want);
	return w->at == UINT64_MAX ? -ENOMEM : r;
}

/*
 * Fork the memory of parent into child, which is empty: ops->dup.
 *
 * Locks:    both map_locks exclusive; takes and releases both ws_locks.
 * Context:  thread, sleeps; with a structural token.
 * Returns:  0, -ENOMEM, -EINTR (fatal signal): the child may be half made, as_put()
 *           takes it apart; the parent has what it had.
 */
int
sx_dup(struct aspace *parent, struct aspace *child)
{
	struct sx_fork w = { .c = { .parent = parent, .child = child },
		.lo = UINT64_MAX };
	uint64_t tables;
	int r;

	EVENT(fork_begin, parent->id, child->id);
	r = fork_vads_paid(&w.c, atomic_load(&parent->late));
	while (r == 0 && fork_next_vad(&w.c))
		r = dup_object(&w);
	if (w.lo < w.hi) {
		mutex_lock(&parent->ws_lock);
		tlb_flush_range(parent, w.lo, w.hi);
		mutex_unlock(&parent->ws_lock);
	}
	want_end(&w.c.want);
	if (r == 0) {
		/* For the parent's tables: the child will make its own of them. */
		tables = MIN(w.c.charge, parent->n_table + parent->pruned);
		atomic_add(&child->prepaid, tables);
		w.c.charge -= tables;
	}
	commit_uncharge(w.c.charge);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.shared, 0, w.copies);
	}
	return r;
}
