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
	lab_todo("01-vad step 1: vad_find");
	return NULL;
}

/* The lowest VAD that ends above vpn: the one that contains vpn, or the next.
 * Locks: [M] shared or exclusive.  Returns: the VAD, or NULL. */
struct vad *
vad_find_above(struct aspace *as, uint64_t vpn)
{
	lab_todo("01-vad step 1: vad_find_above");
	return NULL;
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
	return lab_todo("01-vad step 2: vad_find_gap");
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
	return lab_todo("01-vad step 1: vad_insert");
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

/* Divide v at vpn into v = [start, vpn) and *hi = [vpn, end), both in the tree.
 * Locks: [M] exclusive.  Returns: 0, -ENOMEM (nothing changed). */
int
vad_split(struct aspace *as, struct vad *v, uint64_t vpn, struct vad **hi)
{
	return lab_todo("01-vad step 3: vad_split");
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
	return lab_todo("01-vad step 3: vad_remove_range");
}

/* ---- rights, merging ---- */

/* Give [lo, hi) the rights prot, VAD by VAD, as mprotect does.
 * Locks: [M] exclusive.
 * Returns: 0; -ENOMEM (hole, or no memory), -EACCES: the VADs before are done. */
int
vad_protect_range(struct aspace *as, uint64_t lo, uint64_t hi, uint8_t prot)
{
	return lab_todo("01-vad step 4: vad_protect_range");
}

/* Merge v with neighbours that continue it.
 * Locks: [M] exclusive.  Returns: the VAD that now holds v's range. */
struct vad *
vad_merge(struct aspace *as, struct vad *v)
{
	lab_todo("01-vad step 4: vad_merge");
	return v;
}
