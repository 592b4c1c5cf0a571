/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asend.c: the mappings of a space that ends
 *
 * Problem   A process that ends gives back all it has mapped.  Its VADs may be
 *           on swap by then, and some of them may be unreadable: nothing of the
 *           rest may stay behind for that.
 *
 * Picture   VADs ─→ list ─→ words, table by table ─→ links, objects, VADs
 *           a VAD is lost:     ops->as_fini ─→ links by a walk over all objects;
 *                                              VADs by their pool
 *
 * Rules     1. Links are unlisted last, when the root is gone: a truncate finds
 *              each until then, and so does the walk for what was lost.
 *           2. Lost VADs are looked for after each step in which they are read.
 */
#include "vm/calls/calls.h"
#include "vm/design/design.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"

/*
 * The words of all VADs, whole tables at a time; the VADs stay on *gone.
 *
 * Locks:    [M] exclusive; a structural token.
 * Owns:     the caller, *gone: as_free_vads().
 */
void
as_detach_all(struct aspace *as, struct vad_list *gone)
{
	struct vad *v;

	*gone = (struct vad_list){ .first = NULL };
	while ((v = vad_first(as)) != NULL) {
		vad_remove(as, v);
		vad_list_add(gone, v);
	}
	for (v = gone->first; v != NULL; v = vad_list_next(v))
		as->ops->detach(as, v);
	/* What lost VADs had mapped ops->as_fini finds. */
	if (as_has_lost(as, LOST_VADS)) {
		EVENT_ADD(vad_live, -(int64_t)as->nvads);
		as->nvads = as->total_pages = 0;
	}
}

/*
 * The VADs themselves, and the spare ones.
 *
 * Locks:    none of rank >= 2.
 */
void
as_free_vads(struct aspace *as, struct vad_list *gone)
{
	struct vad *v;
	unsigned left;

	while ((v = vad_list_take(gone)) != NULL) {
		vad_unlist_link(v);
		vad_free(v);
	}
	vad_list_free(&as->spare_vads);
	if (as_has_lost(as, LOST_VADS))
		vmo_forget_space(as);
	left = vadpool_end(as);
	ASSERT(left == 0 || as_has_lost(as, LOST_VADS));
	EVENT_ADD(vad_free, left);
}
