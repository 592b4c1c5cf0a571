/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadmem.c: the memory of VADs and their links to objects
 *
 * Problem   A VAD with an object has a second half, the maplink, by which the
 *           object finds its mappings; both must come, follow each other and
 *           go together.
 *
 * Picture   vad {start, end, off, link} ──→ vmo
 *                              └─→ maplink {as, start, end, off} on vmo->maps
 *
 * Rules     1. The link lies in non-paged memory: it is read under [X], where
 *              nothing may be waited for; the VAD does not, and is not.
 *           2. Unlisted only when no word of the range is left: a truncate
 *              must find what is mapped.
 *           3. vad_free() may drop the last reference to the object, so it is
 *              called with no lock of rank >= 2.
 */
#include "vm/design/design.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/vm.h"

/*
 * A VAD for the space, of no range yet; with vmo also a reference to it and a
 * maplink.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps: VADs are paged.
 * Returns:  all fields 0 but vmo and link; NULL: no memory.
 */
struct vad *
vad_alloc(struct aspace *as, struct vmo *vmo)
{
	struct vm_maplink *link = NULL;
	struct vad *v;

	if (vmo != NULL && (link = vmo_link_alloc()) == NULL)
		return NULL;
	v = vadpool_take(as);
	if (v == NULL) {
		vmo_link_free(link);
		return NULL;
	}
	*v = (struct vad){ .vmo = vmo, .link = link };
	if (vmo != NULL)
		vmo_get(vmo);
	EVENT(vad_alloc);
	return v;
}

/* What the design has made for it; of a VAD that was lost nothing is known. */
static void
release_part(struct vad *v)
{
	struct aspace *as = vadpool_owner(v);

	if (as != NULL && as->ops->release != NULL)
		as->ops->release(as, v);
}

/*
 * v is in no tree, its link on no list.  NULL is allowed.
 *
 * Locks:    none of rank >= 2, if the reference to the object may be the last.
 */
void
vad_free(struct vad *v)
{
	struct vmo *vmo;

	if (v == NULL)
		return;
	if (v->dpriv != NULL)
		release_part(v);
	vmo = v->vmo;
	if (v->link != NULL)
		vmo_link_free(v->link);
	if (vadpool_give(v))
		EVENT(vad_free);
	if (vmo != NULL)
		vmo_put(vmo);
}

/* All of the list.  Locks: none of rank >= 2. */
void
vad_list_free(struct vad_list *list)
{
	struct vad *v;

	while ((v = vad_list_take(list)) != NULL)
		vad_free(v);
}

/*
 * The next mapping in [p->hi, end) vpn: for a loop over all of a range.
 *
 * Locks:    [M].
 * Returns:  true with p; false: there is none.
 */
bool
vad_next_part(struct aspace *as, struct vad_part *p, uint64_t end)
{
	struct vad *v = p->hi < end ? vad_find_above(as, p->hi) : NULL;

	if (v == NULL || v->start >= end) {
		p->hole |= p->hi < end;
		return false;
	}
	p->hole |= v->start > p->hi;
	p->vad = v;
	p->lo = MAX(p->hi, v->start);
	p->hi = MIN(end, v->end);
	return true;
}

/*
 * Locks:    [M].
 * Returns:  pages of [lo, hi) vpn that are mapped with all these flags.
 */
uint64_t
vad_pages(struct aspace *as, uint64_t lo, uint64_t hi, uint32_t flags)
{
	struct vad_part p;
	uint64_t n = 0;

	VAD_PARTS(&p, as, lo, hi)
		if ((p.vad->flags & flags) == flags)
			n += p.hi - p.lo;
	return n;
}

/* What the link says of v, or of its copy. */
static void
fill_link(struct vm_maplink *l, const struct vad *v)
{
	l->start = v->start;
	l->end = v->end;
	l->off = v->off;
	l->flags = v->flags;
	l->nwr = (v->flags & VAD_SHARED) != 0 && (v->maxprot & PROT_W) != 0;
}

/* The object learns of the mapping.  Locks: [M] exclusive; takes [X]. */
void
vad_list_link(struct aspace *as, struct vad *v)
{
	if (v->vmo == NULL)
		return;
	v->link->as = as;
	fill_link(v->link, v);
	vmo_link(v->vmo, v->link);
}

/* The object forgets the mapping: its words are gone.  Locks: takes [X]. */
void
vad_unlist_link(struct vad *v)
{
	if (v->vmo != NULL && list_is_linked(&v->link->node))
		vmo_unlink(v->vmo, v->link);
}

/*
 * Two VADs with links are kept ready, so that munmap of one hole in the
 * middle of a mapping never fails for memory.
 *
 * Locks:    [M] exclusive.
 */
void
vad_refill_spare(struct aspace *as)
{
	struct vad *v;

	while (as->spare_vads.first == NULL ||
	    vad_list_next(as->spare_vads.first) == NULL) {
		v = vad_alloc(as, NULL);
		if (v == NULL)
			return;
		v->link = vmo_link_alloc();
		if (v->link == NULL) {
			vad_free(v);
			return;
		}
		vad_list_add(&as->spare_vads, v);
	}
}

/* The maplink follows its VAD.  Locks: [M] exclusive; takes [X]. */
void
vad_update_link(struct vad *v)
{
	const struct vad copy = *v; /* [X]: no paged memory */
	struct vm_maplink *l = copy.link;

	if (l == NULL || copy.vmo == NULL)
		return;
	mutex_lock(&copy.vmo->maps_lock);
	/* A truncate under way has not seen what it gets from a neighbour. */
	if (copy.end - copy.start > l->end - l->start)
		l->zap_seq = 0;
	fill_link(l, &copy);
	mutex_unlock(&copy.vmo->maps_lock);
}

/*
 * Give the part of *v that lies in [lo, hi) other flags.
 *
 * Locks:    [M] exclusive; takes [X].
 * Returns:  0; -ENOMEM (nothing changed); *v is the VAD that holds the part.
 */
int
vad_set_flags(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags)
{
	uint32_t old = (*v)->flags;
	struct vad *rest;
	int r = 0;

	if (flags == old)
		return 0;
	if ((*v)->start < lo)
		r = vad_split(as, *v, lo, v);
	if (r == 0 && (*v)->end > hi)
		r = vad_split(as, *v, hi, &rest);
	if (r == 0) {
		if ((old & VAD_LOCKED) != 0)
			as->locked_pages -= (*v)->end - (*v)->start;
		if ((flags & VAD_LOCKED) != 0)
			as->locked_pages += (*v)->end - (*v)->start;
		(*v)->flags = flags;
		vad_update_link(*v);
	}
	*v = vad_merge(as, *v);
	return r;
}

/*
 * VADs were lost: the tree is given up, for to change what is left of it would
 * make circles.  The end of the space finds all VADs without it.
 *
 * Locks:    [M] exclusive.
 */
void
vad_give_up(struct aspace *as)
{
	as->vads.node = NULL;
	as->hint = NULL;
}

/*
 * The design makes ready what v needs to hold [start, end) vpn: before it gets
 * into the tree, or grows.
 *
 * Locks:    [M] exclusive.
 * Context:  thread, may sleep.
 * Returns:  0, -ENOMEM (nothing changed).
 * Owns:     v: vad_free() gives back what was made.
 */
int
vad_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	return as->ops->prepare == NULL ? 0 :
	    as->ops->prepare(as, v, start, end);
}

/* v, prepared, is in the tree, or has grown.  Locks: [M] exclusive. */
void
vad_attached(struct aspace *as, struct vad *v)
{
	if (as->ops->attach != NULL)
		as->ops->attach(as, v);
}

/* v becomes ready to be cut off `of` at vpn.  NULL: no memory, v is free again. */
static struct vad *
ready_part(struct aspace *as, struct vad *v, const struct vad *of, uint64_t vpn)
{
	if (v == NULL || vad_prepare(as, v, vpn, of->end) == 0)
		return v;
	vad_free(v);
	return NULL;
}

/*
 * A VAD for what `of` has from vpn on, to be cut off.
 *
 * Locks:    [M] exclusive.
 * Returns:  as vad_alloc().
 */
struct vad *
vad_alloc_part(struct aspace *as, const struct vad *of, uint64_t vpn)
{
	return ready_part(as, vad_alloc(as, of->vmo), of, vpn);
}

/*
 * The same for munmap, which alone may take one of the spares.
 *
 * Locks:    [M] exclusive.
 * Returns:  as vad_alloc().
 */
struct vad *
vad_alloc_piece(struct aspace *as, const struct vad *of, uint64_t vpn)
{
	struct vad *v = vad_alloc(as, of->vmo);

	if (v == NULL && as->spare_vads.first != NULL) {
		v = vad_list_take(&as->spare_vads);
		v->vmo = of->vmo;
		if (v->vmo != NULL)
			vmo_get(v->vmo);
	}
	return ready_part(as, v, of, vpn);
}
