/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: holes by a stack of nodes, pieces copied whole, ranges from the top down, neighbours joined at the end. */
/*
 * vad.c: the tree of mappings of one address space
 *
 * Problem   Which mapping, if any, holds an address?  Where is room for a new
 *           one?  Both in O(log n), with 65530 mappings; and cutting a range
 *           out of the middle of several must either happen or not.
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
 *
 * Read next vm/map/vadmem.c, then vm/calls/map.c, which calls all this.
 *           Book: ch05.
 */
#include "vm/design/design.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"

static void gap_update(struct vad *v);
static struct vad *vad_prev(struct vad *v);

#define VAD_OF(n) CONTAINER_OF(n, struct vad, rb)

/* ---- finding ---- */

/*
 * The VAD that contains vpn.
 *
 * Locks:    [M] shared or exclusive.
 * Returns:  the VAD, or NULL.
 */
struct vad *
vad_find(struct aspace *as, uint64_t vpn)
{
	struct rb_node *n = as->map.vads.node;
	struct vad *at = NULL;

	ASSERT(rw_is_locked(&as->map_lock));
	/* The last one that begins at or below vpn. */
	while (n != NULL) {
		EVENT(vad_visit);
		if (VAD_OF(n)->start > vpn) {
			n = n->left;
			continue;
		}
		at = VAD_OF(n);
		if (at->end > vpn)
			break;
		n = n->right;
	}
	return at != NULL && vpn < at->end ? at : NULL;
}

/*
 * The lowest VAD that ends above vpn: the one that contains vpn, or the next.
 *
 * Locks:    [M] shared or exclusive.
 * Returns:  the VAD, or NULL.
 */
struct vad *
vad_find_above(struct aspace *as, uint64_t vpn)
{
	struct rb_node *n = as->map.vads.node, *last = NULL;

	while (n != NULL) {
		EVENT(vad_visit);
		last = n;
		if (VAD_OF(n)->start <= vpn && vpn < VAD_OF(n)->end)
			return VAD_OF(n);
		n = vpn < VAD_OF(n)->start ? n->left : n->right;
	}
	/* A neighbour of the hole that vpn is in. */
	if (last != NULL && VAD_OF(last)->end <= vpn)
		last = rb_next(last);
	return last == NULL ? NULL : VAD_OF(last);
}

/*
 * First and next in order of address, for VAD_FOREACH.
 *
 * Locks:    [M] shared or exclusive.
 * Returns:  the VAD, or NULL.
 */
struct vad *
vad_first(struct aspace *as)
{
	struct rb_node *n = rb_first(&as->map.vads);

	return n == NULL ? NULL : VAD_OF(n);
}

/* Locks: [M].  Returns: the VAD after v, or NULL. */
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

#define DEPTH 64

/* Are there so many pages in [bottom, top)?  Then the highest of them. */
static bool
fits(uint64_t bottom, uint64_t top, uint64_t pages, uint64_t *vpn)
{
	if (top < bottom || top - bottom < pages)
		return false;
	*vpn = top - pages;
	return true;
}

/*
 * Top-down first fit: the highest hole of `pages` pages in [lo, hi).
 *
 * The hole that hi cuts, or the one behind the last VAD, is looked at first;
 * all holes before it lie below hi, and maxgap leads to the highest of them.
 *
 * Locks:    [M] shared or exclusive.
 * Returns:  0 with the start in *vpn, -ENOMEM.
 */
int
vad_find_gap(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi,
    uint64_t *vpn)
{
	struct rb_node *last = rb_last(&as->map.vads), *stack[DEPTH], *n;
	uint64_t end = last == NULL ? 0 : VAD_OF(last)->end;
	unsigned depth = 0;

	ASSERT(rw_is_locked(&as->map_lock));
	if (fits(MAX(end, lo), hi, pages, vpn))
		return 0;
	n = as->map.vads.node;
	while (n != NULL || depth > 0) {
		/* To the right as far as a hole may be there, and below hi. */
		while (n != NULL && max_below(n) >= pages) {
			EVENT(vad_visit);
			stack[depth++] = n;
			n = VAD_OF(n)->start < hi ? n->right : NULL;
		}
		if (depth == 0)
			break;
		n = stack[--depth];
		if (fits(MAX(VAD_OF(n)->start - VAD_OF(n)->gap, lo),
			MIN(VAD_OF(n)->start, hi), pages, vpn))
			return 0;
		n = VAD_OF(n)->start > lo ? n->left : NULL;
	}
	return -ENOMEM;
}

/* ---- insert, remove, resize ---- */

/* v, not NULL, has so many pages more, modulo 2^64. */
static void
count_lock(struct aspace *as, const struct vad *v, uint64_t more)
{
	if ((v->flags & VAD_LOCKED) != 0)
		as->map.locked_pages += more;
}

/*
 * Put v, whose start and end are set, into the tree.
 *
 * Locks:    [M] exclusive.
 * Returns:  0, -EEXIST (overlaps another; nothing changed).
 */
int
vad_insert(struct aspace *as, struct vad *v)
{
	struct rb_node *parent = NULL, **link = &as->map.vads.node;
	uint64_t pages = v->end - v->start;
	struct vad *at;

	while (*link != NULL) {
		parent = *link;
		at = VAD_OF(parent);
		if (at->end <= v->start)
			link = &parent->right;
		else if (v->end <= at->start)
			link = &parent->left;
		else
			return -EEXIST;
		EVENT(vad_visit);
	}
	EVENT_ADD(vad_live, 1);
	EVENT(vad_insert);
	v->maxgap = v->gap = 0;
	rb_insert(&as->map.vads, &v->rb, parent, link, vad_augment);
	gap_update(vad_next(v));
	gap_update(v);
	count_lock(as, v, pages);
	as->map.nvads += 1;
	as->map.total_pages += pages;
	if (as->map.peak_pages < as->map.total_pages)
		as->map.peak_pages = as->map.total_pages;
	return 0;
}

/*
 * Take v out of the tree; it keeps its fields and its maplink.
 *
 * Locks:    [M] exclusive.
 * Owns:     the caller: vad_free() when the words are gone.
 */
void
vad_remove(struct aspace *as, struct vad *v)
{
	struct vad *next = vad_next(v);

	ASSERT(rw_is_writer(&as->map_lock));
	if (as->map.hint == v)
		as->map.hint = NULL;
	rb_remove(&as->map.vads, &v->rb, vad_augment);
	gap_update(next);
	as->map.nvads--;
	count_lock(as, v, v->start - v->end);
	as->map.total_pages -= v->end - v->start;
	EVENT(vad_remove);
	EVENT_ADD(vad_live, -1);
}

/*
 * Move an end of v, which is in the tree: stack, brk and mremap grow, cuts
 * clip.  The new range may touch no other VAD.
 *
 * Locks:    [M] exclusive; takes [X].
 */
void
vad_set_range(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	ASSERT(rw_is_writer(&as->map_lock));
	ASSERT(start < end);
	count_lock(as, v, (end - start) - (v->end - v->start));
	as->map.total_pages += (end - start) - (v->end - v->start);
	as->map.peak_pages = MAX(as->map.peak_pages, as->map.total_pages);
	v->off += start - v->start;
	v->start = start;
	v->end = end;
	gap_update(v);
	gap_update(vad_next(v));
	vad_update_link(v);
}

/* ---- splitting ---- */

/* hi becomes what v has behind vpn; it is in no tree yet. */
static void
divide(struct aspace *as, struct vad *v, struct vad *hi, uint64_t vpn)
{
	struct vm_maplink *link = hi->link, *old = v->link;
	void *dpriv = hi->dpriv;
	struct vmo *vmo = v->vmo;
	uint64_t off = v->off + (vpn - v->start);
	uint64_t pages = v->end - vpn;

	EVENT(vad_split, v->start, v->end, v->flags, v->off);
	*hi = *v;
	hi->link = link;
	hi->dpriv = dpriv;
	hi->start = vpn;
	hi->off = off;
	design_split(as, v, hi, vpn);
	if (link != NULL) {
		mutex_lock(&vmo->maps_lock);
		*link = *old;
		link->off = off;
		link->start = vpn;
		old->end = vpn;
		list_push_back(&vmo->maps, &link->node);
		mutex_unlock(&vmo->maps_lock);
	}
	as->map.total_pages -= pages;
	count_lock(as, v, -pages);
	v->end = vpn;
	gap_update(vad_next(v));
}

/*
 * Divide v at vpn into v = [start, vpn) and *hi = [vpn, end), both in the tree.
 *
 * Locks:    [M] exclusive.
 * Returns:  0, -ENOMEM (nothing changed).
 */
int
vad_split(struct aspace *as, struct vad *v, uint64_t vpn, struct vad **hi)
{
	struct vad *piece = NULL;

	if (as->map.nvads < vad_max())
		piece = vad_alloc_part(as, v, vpn);
	if (piece == NULL)
		return -ENOMEM;
	divide(as, v, piece, vpn);
	*hi = piece;
	return vad_insert(as, piece);
}

/* The highest VAD that begins below vpn, or NULL. */
static struct vad *
vad_below(struct aspace *as, uint64_t vpn)
{
	struct vad *v = vad_find_above(as, vpn - 1);
	struct rb_node *n;

	if (v != NULL && v->start < vpn)
		return v;
	n = v != NULL ? rb_prev(&v->rb) : rb_last(&as->map.vads);
	return n == NULL ? NULL : VAD_OF(n);
}

/*
 * Cut [lo, hi) out of the tree.  VADs wholly inside leave it; of a VAD at an
 * end a piece is cut off, which never enters the tree.
 *
 * Locks:    [M] exclusive.
 * Returns:  0 with the cut VADs in order on *out, their maplinks still listed;
 *           -ENOMEM (nothing changed).
 * Owns:     the caller, the list.
 */
int
vad_remove_range(struct aspace *as, uint64_t lo, uint64_t hi,
    struct vad_list *out)
{
	struct vad *first = vad_find_above(as, lo), *v, *below;
	struct vad *low = NULL, *high = NULL;

	*out = (struct vad_list){ .first = NULL };
	v = vad_below(as, hi);
	if (v == NULL || first == NULL || first->start >= hi)
		return 0;
	if (first->start < lo) {
		low = vad_alloc_piece(as, first, lo);
		if (low == NULL)
			return -ENOMEM;
	}
	if (v->end > hi) {
		high = vad_alloc_piece(as, v, hi);
		if (high == NULL) {
			vad_free(low);
			return -ENOMEM;
		}
		divide(as, v, high, hi);
		CHECK(vad_insert(as, high) == 0);
	}
	/* From the last to the first; each goes to the head of the list. */
	for (; v != NULL && v->end > lo; v = below) {
		below = vad_prev(v);
		if (v->start >= lo) {
			vad_remove(as, v);
		} else {
			divide(as, v, low, lo);
			v = low;
			below = NULL;
		}
		v->rb.left = out->first == NULL ? NULL : &out->first->rb;
		if (out->first == NULL)
			out->last = v;
		out->first = v;
	}
	return 0;
}

/* ---- rights, merging ---- */

/* Does b continue a in all respects? */
static bool
continues(const struct vad *a, const struct vad *b)
{
	if (b->start != a->end || b->prot != a->prot || b->flags != a->flags)
		return false;
	if (b->vmo != a->vmo || b->maxprot != a->maxprot)
		return false;
	if ((a->flags & VAD_NOMERGE) != 0)
		return false;
	return a->vmo == NULL || b->off - a->off == b->start - a->start;
}

/* a takes in the VAD behind it, if that continues it. */
static bool
join_next(struct aspace *as, struct vad *a)
{
	struct vad *b = vad_next(a);
	uint64_t end;

	if (b == NULL || !continues(a, b) || !design_merge(as, a, b))
		return false;
	end = b->end;
	vad_remove(as, b);
	vad_set_range(as, a, a->start, end);
	EVENT(vad_merge, a->start, end, vad_rights(a), as->id);
	vad_unlist_link(b);
	vad_free(b);
	return true;
}

/* [lo, hi) of *v becomes a VAD of its own, in *v; both pieces come first. */
static int
part(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi)
{
	struct vad *piece[2] = { NULL, NULL };
	uint64_t at[2] = { hi, lo };
	bool need[2] = { (*v)->end > hi, (*v)->start < lo };
	int i;

	if (as->map.nvads + need[0] + need[1] > vad_max())
		return -ENOMEM;
	for (i = 0; i < 2; i++)
		if (need[i] && (piece[i] = vad_alloc_part(as, *v, at[i])) == NULL) {
			vad_free(piece[0]);
			return -ENOMEM;
		}
	for (i = 0; i < 2; i++)
		if (need[i]) {
			divide(as, *v, piece[i], at[i]);
			CHECK(vad_insert(as, piece[i]) == 0);
		}
	if (need[1])
		*v = piece[1];
	return 0;
}

static int
protect_part(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi,
    uint8_t prot)
{
	uint8_t old = (*v)->prot;
	int r;

	if (old == prot)
		return 0;
	if ((~(*v)->maxprot & prot) != 0)
		return -EACCES;
	r = part(as, v, lo, hi);
	if (r == 0)
		r = map_charge(as, *v, prot);
	if (r != 0)
		return r;
	if ((old & ~prot) != 0)
		r = as->school->protect(as, *v, prot);
	(*v)->prot = prot;
	vad_update_link(*v);
	EVENT(vad_protect, (*v)->start, (*v)->end, vad_rights(*v), as->id);
	return r;
}

/*
 * Give [lo, hi) the rights prot, VAD by VAD, as mprotect does.
 *
 * Locks:    [M] exclusive.
 * Returns:  0; -ENOMEM (hole, or no memory), -EACCES: those before are done.
 */
int
vad_protect_range(struct aspace *as, uint64_t lo, uint64_t hi, uint8_t prot)
{
	struct vad *v = vad_find(as, lo), *first;
	uint64_t at = lo;
	int r = 0;

	while (r == 0 && at < hi) {
		if (v == NULL || v->start > at) {
			r = -ENOMEM;
			break;
		}
		r = protect_part(as, &v, at, MIN(hi, v->end), prot);
		at = v->end;
		v = vad_next(v);
	}
	/* What the loop has left of neighbours that are alike. */
	first = vad_find_above(as, lo == 0 ? 0 : lo - 1);
	while (first != NULL && first->start <= hi)
		first = join_next(as, first) ? first : vad_next(first);
	return r;
}

/*
 * Join v with neighbours that continue it.
 *
 * Locks:    [M] exclusive.
 * Returns:  the VAD that now holds v's range.
 */
struct vad *
vad_merge(struct aspace *as, struct vad *v)
{
	struct vad *below = vad_prev(v);

	if (below != NULL && join_next(as, below))
		v = below;
	(void)join_next(as, v);
	return v;
}
