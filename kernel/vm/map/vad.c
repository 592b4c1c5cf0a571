/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vad.c: the tree of mappings of one address space
 *
 * Problem   Which mapping, if any, holds an address?  Where is room for a new
 *           one?  Both in O(log n), with 65530 mappings; and cutting a range
 *           out of several mappings must happen as a whole or not at all.
 *
 * Picture   red-black tree by start; each node knows the hole before it (gap)
 *           and the largest gap of its subtree (maxgap):
 *
 *                     [40,50) gap 10, maxgap 12
 *                    /                         \
 *           [20,30) gap 8                [62,70) gap 12
 *
 * Rules     1. map_lock exclusive for every change, shared for finds.
 *           2. Only vad_insert, vad_remove, vad_set_range and the splits
 *              change start, end and the gaps; each repairs the gap of the
 *              successor too, for a gap belongs to the node after it.
 *           3. A split allocates first; after that nothing can fail.
 *           4. The maplink of a VAD with object covers the same range at any
 *              time that [X] is free: truncate reads it, not the VAD.
 *           5. VADs are paged: an access to one may sleep.  Under [X], [W] or a
 *              spin lock only copies are used (vm/fault/kpagedfault.c).
 *
 * Read next vm/map/vadmem.c, then vm/calls/map.c, which calls all this.
 *           Book: ch05.
 */
#include "vm/design/design.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"

#define VAD_OF(n) CONTAINER_OF(n, struct vad, rb)

/* ---- finding ---- */

/* The VAD that contains vpn.
 * Locks: [M] shared or exclusive.  Returns: the VAD, or NULL. */
struct vad *
vad_find(struct aspace *as, uint64_t vpn)
{
	struct vad *v = atomic_load_relaxed(&as->map.hint);

	HELD_SHARED(&as->map_lock);
	if (v != NULL) {
		EVENT(vad_visit);
		if (v->start <= vpn && vpn < v->end)
			return v;
	}
	v = vad_find_above(as, vpn);
	if (v == NULL || v->start > vpn)
		return NULL;
	__atomic_store_n(&as->map.hint, v, __ATOMIC_RELAXED);
	return v;
}

/* The lowest VAD that ends above vpn: the one that contains vpn, or the next.
 * Locks: [M] shared or exclusive.  Returns: the VAD, or NULL. */
struct vad *
vad_find_above(struct aspace *as, uint64_t vpn)
{
	struct rb_node *n = as->map.vads.node;
	struct vad *best = NULL;

	HELD_SHARED(&as->map_lock);
	while (n != NULL) {
		EVENT(vad_visit);
		if (VAD_OF(n)->end > vpn) {
			best = VAD_OF(n);
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

/* First and next in order of address, for VAD_FOREACH.
 * Locks: [M] shared or exclusive.  Returns: the VAD, or NULL. */
struct vad *
vad_first(struct aspace *as)
{
	struct rb_node *n = rb_first(&as->map.vads);

	return n == NULL ? NULL : VAD_OF(n);
}

/* Locks: [M] of its space.  Returns: the VAD after v, or NULL. */
struct vad *
vad_next(struct vad *v)
{
	struct rb_node *n = rb_next(&v->rb);

	return n == NULL ? NULL : VAD_OF(n);
}

static struct vad *
vad_prev(struct vad *v)
{
	struct rb_node *n = rb_prev(&v->rb);

	return n == NULL ? NULL : VAD_OF(n);
}

/* ---- gaps ---- */

static uint64_t
max_below(struct rb_node *n)
{
	return n == NULL ? 0 : VAD_OF(n)->maxgap;
}

static void
vad_augment(struct rb_node *n)
{
	struct vad *v = VAD_OF(n);
	uint64_t m = v->gap;

	m = MAX(m, max_below(n->left));
	m = MAX(m, max_below(n->right));
	v->maxgap = m;
}

/* Recompute the hole before v, and what depends on it. */
static void
gap_update(struct vad *v)
{
	struct vad *p;

	if (v == NULL)
		return;
	p = vad_prev(v);
	v->gap = v->start - (p == NULL ? 0 : p->end);
	rb_augment_path(&v->rb, vad_augment);
}

/* The last node of the subtree n whose gap is big enough: maxgap says it is. */
static struct rb_node *
gap_in_subtree(struct rb_node *n, uint64_t pages)
{
	while (n != NULL) {
		EVENT(vad_visit);
		if (max_below(n->right) >= pages)
			n = n->right;
		else if (VAD_OF(n)->gap >= pages)
			return n;
		else
			n = n->left;
	}
	return NULL;
}

/* The last node before n, in order, whose gap is big enough; NULL. */
static struct rb_node *
gap_before(struct rb_node *n, uint64_t pages)
{
	struct rb_node *p;

	if (max_below(n->left) >= pages)
		return gap_in_subtree(n->left, pages);
	for (p = rb_parent(n); p != NULL; n = p, p = rb_parent(n)) {
		EVENT(vad_visit);
		if (n == p->left)
			continue;
		if (VAD_OF(p)->gap >= pages)
			return p;
		if (max_below(p->left) >= pages)
			return gap_in_subtree(p->left, pages);
	}
	return NULL;
}

/*
 * Top-down first fit: the highest hole of `pages` pages in [lo, hi).
 *
 * The hole that hi cuts, or the one behind the last VAD, is tried first;
 * all holes before it lie below hi, and maxgap leads to the highest of them.
 *
 * Locks:    [M] shared or exclusive.
 * Returns:  0 with the start in *vpn, -ENOMEM.
 */
int
vad_find_gap(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi,
    uint64_t *vpn)
{
	struct vad *v = vad_find_above(as, hi - 1);
	struct rb_node *last = rb_last(&as->map.vads);
	uint64_t top = hi, bottom = lo;

	HELD_SHARED(&as->map_lock);
	ASSERT(pages > 0 && lo < hi);
	if (v != NULL) {
		bottom = MAX(lo, v->start - v->gap);
		top = MIN(hi, v->start);
	} else if (last != NULL) {
		bottom = MAX(lo, VAD_OF(last)->end);
	}
	while (top < bottom || top - bottom < pages) {
		struct rb_node *n = v != NULL ? &v->rb : last;

		if (v == NULL && last != NULL && VAD_OF(last)->gap >= pages)
			v = VAD_OF(last);
		else if (n != NULL && (n = gap_before(n, pages)) != NULL)
			v = VAD_OF(n);
		else
			return -ENOMEM;
		if (v->start <= lo)
			return -ENOMEM;
		top = v->start;
		bottom = MAX(lo, v->start - v->gap);
	}
	*vpn = top - pages;
	return 0;
}

/* ---- insert, remove, resize ---- */

/* v, not NULL, grows by this number of pages, modulo 2^64. */
static void
count_lock(struct aspace *as, const struct vad *v, uint64_t more)
{
	if ((v->flags & VAD_LOCKED) != 0)
		as->map.locked_pages += more;
}

/* Put v, whose start and end are set, into the tree.
 * Locks: [M] exclusive.  Returns: 0, -EEXIST (overlaps another; nothing changed). */
int
vad_insert(struct aspace *as, struct vad *v)
{
	struct rb_node **link = &as->map.vads.node, *parent = NULL;
	struct vad *below = NULL, *above = NULL;

	HELD(&as->map_lock);
	ASSERT(v->start < v->end || as_has_lost(as, LOST_VADS));
	while (*link != NULL) {
		struct vad *at = VAD_OF(*link);

		EVENT(vad_visit);
		if (v->start < at->end && at->start < v->end &&
		    !as_has_lost(as, LOST_VADS))
			return -EEXIST;
		parent = *link;
		if (v->start < at->start) {
			above = at;
			link = &parent->left;
		} else {
			below = at;
			link = &parent->right;
		}
	}
	/* The successor stands above v in the tree: augment reaches both. */
	v->gap = v->start - (below == NULL ? 0 : below->end);
	if (above != NULL)
		above->gap = above->start - v->end;
	if (!vad_is_given_up(as))
		rb_insert(&as->map.vads, &v->rb, parent, link, vad_augment);
	as->map.nvads++;
	count_lock(as, v, v->end - v->start);
	as->map.total_pages += v->end - v->start;
	as->map.peak_pages = MAX(as->map.peak_pages, as->map.total_pages);
	EVENT(vad_insert);
	EVENT_ADD(vad_live, 1);
	return 0;
}

/* Take v out of the tree; it keeps its fields and its maplink.
 * Locks: [M] exclusive.  Owns: the caller: vad_free() when the words are gone. */
void
vad_remove(struct aspace *as, struct vad *v)
{
	struct vad *next = vad_next(v);

	HELD(&as->map_lock);
	if (as->map.hint == v)
		as->map.hint = NULL;
	/* The successor gets v's hole, too: its own maxgap first, then those above. */
	if (next != NULL) {
		next->gap += v->gap + (v->end - v->start);
		vad_augment(&next->rb);
	}
	if (!vad_is_given_up(as))
		rb_remove(&as->map.vads, &v->rb, vad_augment);
	as->map.nvads--;
	count_lock(as, v, v->start - v->end);
	as->map.total_pages -= v->end - v->start;
	EVENT(vad_remove);
	EVENT_ADD(vad_live, -1);
}

/* Move an end of v, which is in the tree: stack, brk and mremap grow it, cuts clip it.
 * The new range may overlap no other VAD.
 * Locks: [M] exclusive; takes [X]. */
void
vad_set_range(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	HELD(&as->map_lock);
	ASSERT(start < end);
	count_lock(as, v, (end - start) - (v->end - v->start));
	as->map.total_pages += (end - start) - (v->end - v->start);
	as->map.peak_pages = MAX(as->map.peak_pages, as->map.total_pages);
	v->off += start - v->start;
	v->start = start;
	v->end = end;
	if (!vad_is_given_up(as)) {
		gap_update(v);
		gap_update(vad_next(v));
	}
	vad_update_link(v);
}

/* ---- splitting ---- */

/* hi, new from vad_alloc_part(), becomes the part of v from vpn on; v, in the tree,
 * is clipped.  hi is not inserted.  Both maplinks change in one hold of [X], so that no
 * truncate sees a page in neither or in both. */
static void
cut_tail(struct aspace *as, struct vad *v, struct vad *hi, uint64_t vpn)
{
	struct vm_maplink *link = v->link, *piece = hi->link;
	struct vmo *vmo = v->vmo;
	uint64_t off;

	ASSERT((v->start < vpn && vpn < v->end) || as_has_lost(as, LOST_VADS));
	hi->start = vpn;
	hi->end = v->end;
	hi->off = v->off + (vpn - v->start);
	hi->flags = v->flags;
	hi->prot = v->prot;
	hi->maxprot = v->maxprot;
	design_split(as, v, hi, vpn);
	/* Under [X] no VAD is touched: it may be on swap. */
	off = hi->off;
	if (vmo != NULL) {
		mutex_lock(&vmo->maps_lock);
		*piece = *link;
		piece->start = vpn;
		piece->off = off;
		list_push_back(&vmo->maps, &piece->node);
		link->end = vpn;
		mutex_unlock(&vmo->maps_lock);
	}
	count_lock(as, v, vpn - v->end);
	as->map.total_pages -= v->end - vpn;
	v->end = vpn;
	if (!vad_is_given_up(as))
		gap_update(vad_next(v));
}

/* Divide v at vpn into v = [start, vpn) and *hi = [vpn, end), both in the tree.
 * Locks: [M] exclusive.  Returns: 0, -ENOMEM (nothing changed). */
int
vad_split(struct aspace *as, struct vad *v, uint64_t vpn, struct vad **hi)
{
	struct vad *h;

	HELD(&as->map_lock);
	h = as->map.nvads < vad_max() ? vad_alloc_part(as, v, vpn) : NULL;
	if (h == NULL)
		return -ENOMEM;
	cut_tail(as, v, h, vpn);
	CHECK(vad_insert(as, h) == 0);
	EVENT(vad_split, v->start, h->end, v->flags, v->off);
	*hi = h;
	return 0;
}

/* Cut [lo, hi) out of the tree.  VADs wholly inside leave it; a VAD at an end is split,
 * and the piece inside never enters the tree.
 * Locks: [M] exclusive.
 * Returns: 0 with the cut VADs in order on *out, their maplinks still listed; -ENOMEM
 * (nothing changed).
 * Owns: the caller, the list. */
int
vad_remove_range(struct aspace *as, uint64_t lo, uint64_t hi,
    struct vad_list *out)
{
	struct vad *v = vad_find_above(as, lo), *next, *last;
	struct vad *mid = NULL, *tail = NULL;
	bool cut_lo, cut_hi;

	HELD(&as->map_lock);
	*out = (struct vad_list){ .first = NULL };
	if (v == NULL || v->start >= hi)
		return 0;
	last = v->end >= hi ? v : vad_find(as, hi - 1);
	cut_lo = v->start < lo;
	cut_hi = last != NULL && last->end > hi;

	/* reserve */
	if (cut_lo && (mid = vad_alloc_piece(as, v, lo)) == NULL)
		return -ENOMEM;
	if (cut_hi && (tail = vad_alloc_piece(as, last, hi)) == NULL) {
		vad_free(mid);
		return -ENOMEM;
	}

	/* perform: the upper end first, for both ends may cut one VAD */
	if (cut_hi) {
		cut_tail(as, last, tail, hi);
		CHECK(vad_insert(as, tail) == 0);
		if (last != v || !cut_lo)
			EVENT(vad_split, last->start, tail->end, last->flags,
			    last->off);
	}
	if (cut_lo) {
		next = vad_next(v);
		EVENT(vad_split, v->start, v->end, v->flags, v->off);
		cut_tail(as, v, mid, lo);
		vad_list_add(out, mid);
		v = next;
	}
	for (; v != NULL && v->start < hi && !vad_is_given_up(as); v = next) {
		next = vad_next(v);
		vad_remove(as, v);
		vad_list_add(out, v);
	}
	return 0;
}

/* ---- rights, merging ---- */

/* Make VAD boundaries at lo and hi, if v reaches over them; *at begins at lo. */
static int
isolate(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    struct vad **at)
{
	struct vad *mid = v, *rest;
	int r;

	if (v->start < lo && (r = vad_split(as, v, lo, &mid)) != 0)
		return r;
	if (mid->end > hi && (r = vad_split(as, mid, hi, &rest)) != 0) {
		vad_merge(as, mid);
		return r;
	}
	*at = mid;
	return 0;
}

/* Give prot to the part of one VAD that lies in [lo, hi).  *next: go on there. */
static int
protect_one(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    uint8_t prot, struct vad **next)
{
	struct vad *at;
	int r;

	*next = v;
	if (v->prot == prot)
		return 0;
	if ((prot & ~v->maxprot) != 0)
		return -EACCES;
	r = isolate(as, v, lo, hi, &at);
	if (r != 0)
		return r;
	r = map_charge(as, at, prot);
	if (r == 0) {
		if ((at->prot & ~prot) != 0)
			r = as->school->protect(as, at, prot);
		at->prot = prot;
		vad_update_link(at);
		EVENT(vad_protect, at->start, at->end, vad_rights(at), as->id);
	}
	*next = vad_merge(as, at);
	return r;
}

/* Give [lo, hi) the rights prot, VAD by VAD, as mprotect does.
 * Locks: [M] exclusive.
 * Returns: 0; -ENOMEM (hole, or no memory), -EACCES: the VADs before are done. */
int
vad_protect_range(struct aspace *as, uint64_t lo, uint64_t hi, uint8_t prot)
{
	struct vad *v;
	int r;

	HELD(&as->map_lock);
	while (lo < hi) {
		v = vad_find(as, lo);
		if (v == NULL)
			return -ENOMEM;
		r = protect_one(as, v, lo, MIN(hi, v->end), prot, &v);
		if (r != 0)
			return r;
		lo = v->end;
	}
	return 0;
}

static bool
can_merge(const struct vad *a, const struct vad *b)
{
	return a->end == b->start && a->vmo == b->vmo && a->flags == b->flags &&
	    a->prot == b->prot && a->maxprot == b->maxprot &&
	    (a->flags & VAD_NOMERGE) == 0 &&
	    (a->vmo == NULL || a->off + (a->end - a->start) == b->off);
}

/* b goes into a, its lower neighbour. */
static void
merge_pair(struct aspace *as, struct vad *a, struct vad *b)
{
	uint64_t end = b->end;

	EVENT(vad_merge, a->start, end, vad_rights(a), as->id);
	vad_remove(as, b);
	/* The longer link first: a truncate must find every page of b. */
	vad_set_range(as, a, a->start, end);
	vad_unlist_link(b);
	vad_free(b);
}

/* Merge v with neighbours that continue it.
 * Locks: [M] exclusive.  Returns: the VAD that now holds v's range. */
struct vad *
vad_merge(struct aspace *as, struct vad *v)
{
	HELD(&as->map_lock);
	struct vad *p = vad_prev(v), *n = vad_next(v);

	ASSERT(rw_is_writer(&as->map_lock));
	if (n != NULL && can_merge(v, n) && design_merge(as, v, n))
		merge_pair(as, v, n);
	if (vad_is_given_up(as))
		return v;
	if (p != NULL && can_merge(p, v) && design_merge(as, p, v)) {
		merge_pair(as, p, v);
		v = p;
	}
	return v;
}
