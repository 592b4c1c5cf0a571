/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anonfault.c: faults on mappings of anonymous objects
 *
 * Problem   A fault holds map_lock and ws_lock.  The page that it needs may not
 *           exist yet, nor the tables of the object that lead to it, and these
 *           are made without locks; meanwhile the object may be unmapped.
 *
 * Picture   anon_fault ─→ anon_look ─ there, or made ─→ page, pinned ─→ F9, F3
 *                            ├─ being read, on swap, no frame ─→ again
 *                            └─ no table leads there ─→ make_path ─→ again
 *
 * Rules     1. The size is read in the hold of [W] in which the word becomes
 *              VALID (R7): anon_look() does it.
 *           2. The mapping is looked up anew before tables are made.
 */
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/vm.h"
#include "vm/want/want.h"

/*
 * want.get of a fault: the tables that lead to the page of f->va.  If the mapping
 * has gone since, the next pass says so.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Returns:  0: start the fault again; -ENOSPC (SIGBUS), -EINTR.
 */
static int
make_path(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	uint64_t vpn = f->va >> PAGE_SHIFT, pgoff = 0;
	struct vmo *vmo = NULL;
	struct vad *v;
	int r;

	rw_lock_read(&f->as->map_lock);
	v = vad_find(f->as, vpn);
	if (v != NULL && v->vmo != NULL && v->vmo->type == VMO_AOBJ) {
		vmo = v->vmo;
		pgoff = v->off + vpn - v->start;
		vmo_get(vmo);
	}
	rw_unlock_read(&f->as->map_lock);
	if (vmo == NULL)
		return 0;
	want_end(w); /* no frame: it waits for its own */
	r = anon_make_path(vmo, pgoff);
	vmo_put(vmo);
	return r == -ENOMEM ? -ENOSPC : r;
}

/*
 * The page of f's address, made if it is absent.
 *
 * Locks:    [W], kept; takes [O], [P].
 * Owns:     the caller, a pin in *out.
 * Returns:  FAULT_DONE; FAULT_SIGNAL (SIGBUS: beyond the end, over a limit, lost);
 *           FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART.
 */
enum fault_outcome
anon_fault(struct fctx *f, struct vm_page **out)
{
	uint64_t pgoff = fault_index(f);
	int r;

	ASSERT(mutex_is_mine(&f->as->ws_lock));
	r = anon_look(f->v.vmo, pgoff, ANON_TOUCH, &f->want, out);
	switch (r) {
	case 0:
		return FAULT_DONE;
	case -ENOENT:
		(void)want_other(&f->want, make_path, 0);
		return fault_missing(f);
	case -EAGAIN:
		return fault_missing(f);
	case -EIO:
		return fault_lost(f, word_get(f->word));
	case -ENOMEM:
		return fault_over_limit(f);
	default: /* beyond the end, or its file system is full */
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	}
}
