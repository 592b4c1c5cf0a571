/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hole.c: holes in files: nobody gets a page while its blocks go
 *
 * Problem   A hole takes pages, then their mappings, then their blocks.  A
 *           fault in between would read the old bytes again; or a store gets a
 *           new block, and its page is dropped before it is written: the file
 *           shows what somebody else had in that block.
 *
 * Picture   hole_lo, hole_hi ─→ pages go ─→ zap ─→ pager->free ─→ no hole
 *              [O]              └── who misses a page here waits ──┘
 *
 * Rules     1. While [hole_lo, hole_hi) is not empty, no page of it enters the
 *              tree.  Who needs one waits with no lock of rank >= 2, as for a
 *              page that is READING.
 *           2. One hole at a time: MADV_REMOVE holds no lock of rank 1.
 *           3. A page that was found before is no page of the file any more
 *              once it has left the tree: extend asks (cache_is_page).
 */
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"

#define PUNCH_MAX 0x10000000ul /* pages freed by one call of the pager */

static struct waitq ended = WAITQ_INIT(ended); /* for the end of any hole */

/* Sleep while a hole is being made that has pages of [lo, hi).
 * Locks: none of rank >= 2.  Returns: 0: look again; -EINTR (fatal signal). */
int
cache_hole_wait(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct waiter w;
	bool busy;
	int r = 0;

	wait_prepare(&ended, &w);
	spin_lock(&vmo->lock);
	busy = lo < vmo->v.hole_hi && vmo->v.hole_lo < hi;
	spin_unlock(&vmo->lock);
	if (busy)
		r = wait_sleep(&w, vm_wait_how(), WAIT_FOREVER);
	wait_finish(&w);
	return r;
}

/* False: another one is being made. */
static bool
hole_try(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	bool ok;

	spin_lock(&vmo->lock);
	ok = vmo->v.hole_lo == vmo->v.hole_hi;
	if (ok) {
		vmo->v.hole_lo = lo;
		vmo->v.hole_hi = hi;
	}
	spin_unlock(&vmo->lock);
	return ok;
}

/*
 * Locks:    none of rank >= 2.
 * Owns:     the caller, the hole: cache_hole_end().
 * Returns:  0, -EINTR (fatal signal).
 */
int
cache_hole_begin(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	int r = 0;

	while (r == 0 && !hole_try(vmo, lo, hi))
		r = cache_hole_wait(vmo, 0, UINT64_MAX);
	return r;
}

/* The pages and mappings of the hole are gone: so go its blocks.
 * Locks: none of rank >= 2.  Returns: 0; -EIO …: some of it is no hole. */
int
cache_hole_end(struct vmo *vmo)
{
	uint64_t lo = vmo->v.hole_lo, hi = vmo->v.hole_hi, n;
	int r = 0;

	for (; lo < hi && r == 0; lo += n) {
		n = MIN(hi - lo, PUNCH_MAX);
		r = vmo->pager->free(vmo->v.obj, lo, (int)n);
	}
	spin_lock(&vmo->lock);
	vmo->v.hole_lo = vmo->v.hole_hi = 0;
	spin_unlock(&vmo->lock);
	wake_all(&ended);
	return r;
}
