/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadview.c: the mappings of a range, one after the other
 *
 * Problem   Most calls work on a range of addresses that has mappings, parts of
 *           mappings, and holes; and some of them sleep on the way.
 *
 * Picture   range      [ from ─────────────────────── end )
 *           mappings  ──A──┤   ├───B───┤├──C──────────
 *           parts      [ A ]hole[  B   ][    C        )
 *
 * Rules     1. A part is true while map_lock is held.
 *           2. A view is a copy of a mapping at one moment, with a reference to its
 *              object; each step looks anew from where the last one ended.
 */
#include "vm/map/map.h"

/* The next mapping in [p->hi, end) vpn: for a loop over all of a range.
 * Locks: [M].  Returns: true with p; false: there is none. */
bool
vad_next_part(struct aspace *as, struct vad_part *p, uint64_t end)
{
	struct vad *v = p->hi < end ? vad_find_above(as, p->hi) : NULL;

	HELD_SHARED(&as->map_lock);
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

/* The same for a loop that sleeps: once map_lock has been dropped all that was read is
 * void (R3), so each step looks anew from where the last one ended.
 * Locks: none of rank >= 2.
 * Owns: v, a reference to v->vmo: until the next call, or vad_view_end(). */
bool
vad_view_next(struct aspace *as, struct vad_view *v, uint64_t end)
{
	struct vad_part p = { .hi = v->hi, .hole = v->hole };
	bool found;

	vad_view_end(v);
	rw_lock_read(&as->map_lock);
	found = vad_next_part(as, &p, end);
	if (found) {
		v->lo = p.lo;
		v->hi = p.hi;
		v->vmo = p.vad->vmo;
		v->off = p.vad->off + (p.lo - p.vad->start);
		v->flags = p.vad->flags;
		v->prot = p.vad->prot;
		v->maxprot = p.vad->maxprot;
	}
	v->hole = p.hole;
	if (v->vmo != NULL)
		vmo_get(v->vmo);
	rw_unlock_read(&as->map_lock);
	return found;
}

/* Locks: none of rank >= 2. */
void
vad_view_end(struct vad_view *v)
{
	if (v->vmo != NULL)
		vmo_put(v->vmo);
	v->vmo = NULL;
}

/* Locks: [M].  Returns: pages of [lo, hi) vpn that are mapped with all these flags. */
uint64_t
vad_pages(struct aspace *as, uint64_t lo, uint64_t hi, uint32_t flags)
{
	struct vad_part p;
	uint64_t n = 0;

	HELD_SHARED(&as->map_lock);
	VAD_PARTS(&p, as, lo, hi)
		if ((p.vad->flags & flags) == flags)
			n += p.hi - p.lo;
	return n;
}

/* ---- a part becomes a mapping of its own ---- */

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
	r = map_lock_flags(as, *v, flags);
	if (r == 0) {
		(*v)->flags = flags;
		vad_update_link(*v);
		EVENT(vad_protect, (*v)->start, (*v)->end, vad_rights(*v), as->id);
	}
	*v = vad_merge(as, *v);
	return r;
}
