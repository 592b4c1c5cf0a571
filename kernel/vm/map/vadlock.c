/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadlock.c: how much memory may be locked
 *
 * Problem   Locked memory never leaves RAM.  A process has a limit, and all
 *           together may lock half of the RAM; two calls at once must not both get
 *           the rest of it.
 *
 * Picture   map_lock_reserve ─→ reserved ─→ locked_pages of the space
 *                                  └─ map_lock_unreserve: counted now, or not needed
 *
 * Rules     1. A reservation lasts until the pages are counted: they are in one of
 *              the two sums, or for a moment in both.
 */
#include "vm/map/map.h"

static struct {
	struct mutex lock;       /* one reservation at a time */
	uint64_t reserved;       /* [lock] pages reserved and not yet counted */
} reserving = { .lock = MUTEX_INIT(reserving.lock, LR_NONE) };

/* May as lock this number of pages more?  Reserves them until they are counted in
 * as->map.locked_pages.  The locked growth of its stack counts, too.
 * Locks: [M] exclusive.  Owns: the caller owes map_lock_unreserve(pages).
 * Returns: 0; -ENOMEM: beyond limit (bytes), or beyond half of the RAM. */
int
map_lock_reserve(struct aspace *as, uint64_t pages, uint64_t limit)
{
	struct phys_stat ps;
	uint64_t all;

	HELD(&as->map_lock);
	as->map.lock_limit = limit;
	if (pages == 0)
		return 0;
	if (limit != MLOCK_ANY && as->map.locked_pages + pages > limit >> PAGE_SHIFT)
		return -ENOMEM;
	phys_stat(&ps);
	mutex_lock(&reserving.lock);
	all = as_sum(offsetof(struct aspace, map.locked_pages)) + reserving.reserved;
	if (all + pages > ps.total / 2) {
		mutex_unlock(&reserving.lock);
		klog("mlock: %lu pages more than %lu are over half of the RAM",
		    pages, all);
		return -ENOMEM;
	}
	reserving.reserved += pages;
	mutex_unlock(&reserving.lock);
	return 0;
}

/* The pages are counted now, or not wanted.  Locks: any of rank <= 2. */
void
map_lock_unreserve(uint64_t pages)
{
	if (pages == 0)
		return;
	mutex_lock(&reserving.lock);
	ASSERT(reserving.reserved >= pages);
	reserving.reserved -= pages;
	mutex_unlock(&reserving.lock);
}
