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
 *              locked one takes the place of a promised page.  So a space has
 *              as->commit.files charged: all pages of files that its VADs lock,
 *              in memory or not, locked by others or not.
 */
#include "vm/map/map.h"

static struct {
	struct mutex lock;       /* one reservation at a time */
	uint64_t reserved;       /* [lock] pages reserved and not yet counted */
} reserving = { .lock = MUTEX_INIT(reserving.lock, LR_NONE) };

/* Locks: [M].  Returns: pages of files in [lo, hi) vpn that are locked (VAD_LOCKED), or
 * are not (0). */
uint64_t
vad_file_pages(struct aspace *as, uint64_t lo, uint64_t hi, uint32_t locked)
{
	struct vad_part p;
	uint64_t n = 0;

	HELD_SHARED(&as->map_lock);
	VAD_PARTS(&p, as, lo, hi)
		if ((p.vad->flags & VAD_LOCKED) == locked && vad_locks_file(p.vad))
			n += p.hi - p.lo;
	return n;
}

/* Rule 2.  Locks: [M] exclusive. */
static void
count_files(struct aspace *as)
{
	uint64_t had = as->commit.files;

	HELD(&as->map_lock);
	if (as_has_lost(as, LOST_VADS))
		return;
	as->commit.files = vad_file_pages(as, 0, MD_USER_END >> PAGE_SHIFT, VAD_LOCKED);
	as->commit.counted = as->map.locked_pages;
	commit_recharge(had, as->commit.files);
}

/* Rule 2, after VADs have changed.  Pages that a call has locked were charged before, and
 * those of files counted by map_lock_unreserve(): a space that had none has none now,
 * as long as it has locked as many pages in all.
 * Locks: [M] exclusive. */
void
map_lock_count(struct aspace *as)
{
	HELD(&as->map_lock);
	if (as->commit.files != 0 || as->commit.counted != as->map.locked_pages)
		count_files(as);
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
 * Returns: 0; -ENOMEM: beyond limit (bytes), beyond what all may lock, or promised. */
int
map_lock_reserve(struct aspace *as, const struct map_locking *l, uint64_t limit)
{
	int r;

	HELD(&as->map_lock);
	as->map.lock_limit = limit;
	if (l->pages == 0)
		return 0;
	if (limit != MLOCK_ANY &&
	    as->map.locked_pages + l->pages > limit >> PAGE_SHIFT)
		return -ENOMEM;
	r = commit_charge(l->files);
	if (r == 0) {
		r = reserve_pages(l->pages);
		if (r != 0)
			commit_uncharge(l->files);
	}
	return r;
}

/* The pages are counted now, or not wanted.  Locks: [M] exclusive. */
void
map_lock_unreserve(struct aspace *as, const struct map_locking *l)
{
	HELD(&as->map_lock);
	if (l->pages == 0)
		return;
	if (l->files != 0) {
		count_files(as);
		commit_uncharge(l->files);
	}
	mutex_lock(&reserving.lock);
	ASSERT(reserving.reserved >= l->pages);
	reserving.reserved -= l->pages;
	mutex_unlock(&reserving.lock);
}
