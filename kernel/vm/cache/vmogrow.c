/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmogrow.c: a file grows inside a page that is in memory
 *
 * Problem   A page gets its blocks when it becomes dirty, but only those below
 *           the size.  When the file grows, the same page has bytes that have
 *           no place on disk, and a full disk would be noticed at write-back:
 *           too late for who has written them.
 *
 * Picture   page  [ block | ······ | ······ | ······ ]   size in block 0: dirty
 *           grows [ block | ? ? ?  | ? ? ?  | ······ ]   short: in the range
 *                                            next store or write ─→ extend
 *
 * Rules     1. A page that the size has left is marked in the hold of [O] in
 *              which the size grows, and loses W in all mappings after it.
 *           2. A dirty page needs no extend, but a marked one does.
 *           3. A mark goes when extend has ended and the size has not changed
 *              since before it began.
 *           4. The marks are one range of pages: some in it are not short, which
 *              costs a call of extend and nothing else.
 *
 * Read next vmofile.c, vm/fault/cachefault.c.
 */
#include "vm/cache/cache.h"
#include "vm/object/vmo.h"

/* No block is smaller: growth within one needs no new block. */
#define SECTOR_SHIFT 9

static uint64_t
sectors_of(uint64_t bytes)
{
	return (bytes + (1u << SECTOR_SHIFT) - 1) >> SECTOR_SHIFT;
}

/*
 * The size of a file grows from old to vmo->size: rule 1.
 *
 * Locks:    [O].
 * Returns:  the page of the old end is marked: cache_clean_links() for it.
 */
bool
cache_grown_locked(struct vmo *vmo, uint64_t old)
{
	uint64_t idx = old >> PAGE_SHIFT;

	ASSERT(spin_is_mine(&vmo->lock));
	if ((old & PAGE_MASK) == 0 || vmo->pager->extend == NULL ||
	    sectors_of(old) >= sectors_of(vmo->size) ||
	    cache_lookup(vmo, idx) == NULL)
		return false;
	if (vmo->v.short_lo == vmo->v.short_hi) {
		vmo->v.short_lo = idx;
		vmo->v.short_hi = idx + 1;
	}
	vmo->v.short_lo = MIN(vmo->v.short_lo, idx);
	vmo->v.short_hi = MAX(vmo->v.short_hi, idx + 1);
	return true;
}

/*
 * *seq: changes of size so far; cache_extend() says at which it began.
 *
 * Locks:    takes [O].
 * Returns:  page idx may have too few blocks, although it is dirty.
 */
bool
cache_is_short(struct vmo *vmo, uint64_t idx, uint32_t *seq)
{
	bool is;

	spin_lock(&vmo->lock);
	is = idx >= vmo->v.short_lo && idx < vmo->v.short_hi;
	*seq = vmo->resize_seq;
	spin_unlock(&vmo->lock);
	return is;
}

/* Page idx has all its blocks.  In the middle of the range it stays: rule 4. */
static void
unmark_locked(struct vmo *vmo, uint64_t idx)
{
	ASSERT(spin_is_mine(&vmo->lock));
	if (vmo->v.short_lo == vmo->v.short_hi)
		return;
	if (idx == vmo->v.short_lo)
		vmo->v.short_lo++;
	else if (idx == vmo->v.short_hi - 1)
		vmo->v.short_hi--;
}

/*
 * Page idx, which pg is, gets its place on disk, at the size of *seq or later.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, sleeps; pg is pinned.
 * Returns:  0, -ENOSPC, -EIO, -EINTR.
 */
int
cache_extend(struct vmo *vmo, uint64_t idx, struct vm_page *pg, uint32_t *seq)
{
	int r;

	(void)cache_is_short(vmo, idx, seq);
	if (vmo->pager->extend == NULL)
		return 0;
	r = vmo->pager->extend(vmo->v.obj, idx, pg);
	spin_lock(&vmo->lock);
	if (r == 0 && *seq == vmo->resize_seq)
		unmark_locked(vmo, idx);
	spin_unlock(&vmo->lock);
	return r;
}
