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
 *           2. A page of a file may leave at any time, so it is not charged; but a
 *              locked one takes the place of a promised page.  So a mapping that
 *              locks pages of a file pays for them (vadcommit.c), in memory or
 *              not, locked by others or not.
 */
#include "vm/map/map.h"

static struct {
	struct mutex lock;       /* one reservation at a time */
	uint64_t reserved;       /* [lock] pages reserved and not yet counted */
} reserving = { .lock = MUTEX_INIT(reserving.lock, LR_NONE) };

/* v is about to get these flags: if it locks its pages from now on, or no longer, they
 * are counted, and those of a file are paid for.
 * Locks: [M] exclusive.  Returns: 0; -ENOMEM (nothing changed). */
int
map_lock_flags(struct aspace *as, const struct vad *v, uint32_t flags)
{
	bool locks = (flags & VAD_LOCKED) != 0;
	uint64_t pages = v->end - v->start, paid;

	HELD(&as->map_lock);
	if (locks == ((v->flags & VAD_LOCKED) != 0))
		return 0;
	paid = vad_locks_file(v->vmo, v->flags | VAD_LOCKED) ? pages : 0;
	if (locks && commit_charge(paid) != 0)
		return -ENOMEM;
	if (!locks)
		commit_uncharge(paid);
	as->commit.paid += locks ? paid : -paid;
	as->map.locked_pages += locks ? pages : -pages;
	return 0;
}

/* All spaces together.  0, -ENOMEM. */
static int
reserve_pages(uint64_t pages)
{
	uint64_t all;
	bool may;

	mutex_lock(&reserving.lock);
	all = as_sum(offsetof(struct aspace, map.locked_pages)) + reserving.reserved;
	may = commit_may_lock(all + pages);
	if (may) {
		reserving.reserved += pages;
		atomic_store(&frames_unmovable, all + pages);
	}
	mutex_unlock(&reserving.lock);
	if (!may)
		klog("mlock: %lu pages more than %lu are over half of the RAM, "
		    "or of what the kernel leaves", pages, all);
	return may ? 0 : -ENOMEM;
}

/* May as lock these pages, too?  Reserves them until they are counted in
 * as->map.locked_pages.  The locked growth of its stack counts, too.
 * Locks: [M] exclusive.  Owns: the caller owes map_lock_unreserve().
 * Returns: 0; -ENOMEM: beyond limit (bytes), or beyond what all may lock. */
int
map_lock_reserve(struct aspace *as, uint64_t pages, uint64_t limit)
{
	HELD(&as->map_lock);
	as->map.lock_limit = limit;
	if (pages == 0)
		return 0;
	if (limit != MLOCK_ANY && as->map.locked_pages + pages > limit >> PAGE_SHIFT)
		return -ENOMEM;
	return reserve_pages(pages);
}

/* The pages are counted now, or not wanted.  Locks: [M] exclusive. */
void
map_lock_unreserve(struct aspace *as, uint64_t pages)
{
	HELD(&as->map_lock);
	if (pages == 0)
		return;
	mutex_lock(&reserving.lock);
	ASSERT(reserving.reserved >= pages);
	reserving.reserved -= pages;
	mutex_unlock(&reserving.lock);
}
