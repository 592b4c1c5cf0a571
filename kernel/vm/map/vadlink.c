/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadlink.c: the object side of a VAD follows it
 *
 * Problem   A VAD with an object has a second half, the maplink, by which the object
 *           finds its mappings; both must come, follow each other and go together.
 *
 * Picture   VAD ─→ vmo
 *             └──→ maplink {as, start, end, off} on vmo->maps
 *
 * Rules     1. The link lies in non-paged memory: it is read under [X], where
 *              nothing may be waited for; the VAD does not, and is not.
 *           2. Unlisted only when no word of the range is left: a truncate
 *              must find what is mapped.
 */
#include "vm/map/map.h"

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

/* The object learns of the mapping; from now on a truncate finds its words.
 * Locks: [M] exclusive; takes [X]. */
void
vad_list_link(struct aspace *as, struct vad *v)
{
	struct vm_maplink *l = v->link; /* [X]: no paged memory */
	struct vmo *vmo = v->vmo;

	if (vmo == NULL)
		return;
	ASSERT(!list_is_linked(&l->node));
	l->as = as;
	fill_link(l, v);
	mutex_lock(&vmo->maps_lock);
	spin_lock(&vmo->lock);
	l->zap_seq = vmo->resize_seq;
	spin_unlock(&vmo->lock);
	list_push_back(&vmo->maps, &l->node);
	vmo->had_writer |= (l->flags & VAD_WRITER) != 0;
	mutex_unlock(&vmo->maps_lock);
}

/* The object forgets the mapping: its words are gone.  Locks: takes [X]. */
void
vad_unlist_link(struct vad *v)
{
	struct vm_maplink *l = v->link;
	struct vmo *vmo = v->vmo;

	if (vmo == NULL || !list_is_linked(&l->node))
		return;
	mutex_lock(&vmo->maps_lock);
	list_remove(&l->node);
	mutex_unlock(&vmo->maps_lock);
}

/* The maplink follows its VAD.  Locks: [M] exclusive of its space; takes [X]. */
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

/* The part of *v that lies in [lo, hi) becomes a VAD of its own.
 * Locks: [M] exclusive.
 * Returns: 0; -ENOMEM (nothing changed); *v is the VAD that holds the part. */
int
vad_isolate(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi)
{
	struct vad *rest;
	int r = 0;

	HELD(&as->map_lock);
	if ((*v)->start < lo)
		r = vad_split(as, *v, lo, v);
	if (r == 0 && (*v)->end > hi)
		r = vad_split(as, *v, hi, &rest);
	if (r != 0)
		*v = vad_merge(as, *v);
	return r;
}

/* Give the part of *v that lies in [lo, hi) other flags.
 * Locks: [M] exclusive; takes [X].  Returns: as vad_isolate(). */
int
vad_set_flags(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags)
{
	uint32_t old = (*v)->flags;
	int r = flags == old ? 0 : vad_isolate(as, v, lo, hi);

	HELD(&as->map_lock);
	if (r != 0 || flags == old)
		return r;
	if ((old & VAD_LOCKED) != 0)
		as->map.locked_pages -= (*v)->end - (*v)->start;
	if ((flags & VAD_LOCKED) != 0)
		as->map.locked_pages += (*v)->end - (*v)->start;
	(*v)->flags = flags;
	vad_update_link(*v);
	EVENT(vad_protect, (*v)->start, (*v)->end, vad_rights(*v), as->id);
	*v = vad_merge(as, *v);
	return 0;
}
