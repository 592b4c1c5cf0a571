/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadstack.c: a mapping that grows down
 *
 * Problem   A stack grows down to the lowest address touched, and must not meet
 *           the mapping below it.
 *
 * Picture   below    |← 256 free pages →| vpn … v->start │ the stack, v  │ v->end
 *                                         what it grows by
 *
 * Rules     1. The limits of stack, space and locked memory are checked when it
 *              grows; if one is exceeded nothing has changed.
 *           2. No gap is kept to a neighbour without rights, which is a guard
 *              itself, nor to one that grows down, too.
 */
#include "vm/map/map.h"

/* Let a growing mapping v begin at vpn, if that is within the limit and the guard gap
 * below it is free.
 * Locks: [M] exclusive.  Returns: 0, -ENOMEM (nothing changed). */
int
map_grow_stack(struct aspace *as, struct vad *v, uint64_t vpn)
{
	uint64_t low = v->start - v->gap, pages, locking;
	struct vad *below = low == 0 ? NULL : vad_find(as, low - 1);
	int r;

	HELD(&as->map_lock);
	if ((v->flags & VAD_GROWSDOWN) == 0 || vpn >= v->start || vpn < low ||
	    v->end - vpn > atomic_load(&as->map.limit[LIMIT_STACK]) ||
	    vpn < MMAP_MIN_ADDR >> PAGE_SHIFT)
		return -ENOMEM;
	if (below != NULL && below->prot != 0 && vpn - low < STACK_GUARD_PAGES &&
	    (below->flags & VAD_GROWSDOWN) == 0)
		return -ENOMEM;
	pages = v->start - vpn;
	if (as->map.total_pages + pages > atomic_load(&as->map.limit[LIMIT_SIZE]))
		return -ENOMEM;
	locking = (v->flags & VAD_LOCKED) != 0 ? pages : 0;
	if (map_lock_reserve(as, locking, as->map.lock_limit) != 0)
		return -ENOMEM;
	r = vad_grow(as, v, vpn, v->end);
	map_lock_unreserve(as, locking);
	return r;
}
