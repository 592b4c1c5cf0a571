/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fileend.c: the end of a file moves, also inside a resident page; holes
 *
 * Problem   A file can be cut at any byte, and the bytes behind the cut may
 *           never be seen again.  It can grow by any byte: a page gets its
 *           blocks when it becomes dirty, but only those below the size.  When
 *           the file grows, the same page has bytes that have no place on disk,
 *           and a full disk would be noticed at write-back: too late for the
 *           program that has written them.
 *           Punching a hole takes pages, then their mappings, then their blocks.
 *           A fault in between would read the old bytes again; or a store gets a
 *           new block, and its page is dropped before it is written: the file
 *           then shows what another file had in that block.
 *
 * Picture   page  [ block | ······ | ······ | ······ ]   size in block 0: dirty
 *           grows [ block | ? ? ?  | ? ? ?  | ······ ]   short: in the range
 *                                            next store or write ─→ extend
 *           hole_lo, hole_hi ─→ pages go ─→ zap ─→ pager->free ─→ no hole
 *              [O]              └── a fault or read here waits ────┘
 *
 * Rules     1. A page gets its place on disk (extend) before it is dirty, so
 *              write-back never fails for lack of room.
 *           2. The bytes between the end of the file and the end of its last
 *              page are zero in memory when the file grows over them.
 *           3. The page with the old end inside is marked in the hold of [O]
 *              in which the size grows; then it loses W in all mappings.
 *           4. A dirty page needs no extend, but a marked one does.  A mark goes
 *              when extend has ended and the size is as it was before.
 *           5. The marks are one range of pages.  A page in it that is not short
 *              costs a call of extend and nothing else.
 *           6. While [hole_lo, hole_hi) is not empty, no page of it enters the
 *              tree.  A thread that needs one waits with no lock of rank >= 2, as
 *              for a page that is READING.  A file has one hole at a time, for
 *              MADV_REMOVE holds no lock of rank 1.
 *           7. A page that has left the tree belongs to the file no more, even
 *              for a thread that found it before: extend asks (cache_is_page).
 */
#include "lib/string.h"
#include "vm/cache/cache.h"

/* No block is smaller: growth within one needs no new block. */
#define SECTOR_SHIFT 9

/* ---- cut ---- */

static bool
is_all_zero(const char *p, size_t n)
{
	for (; n > 0; p++, n--)
		if (*p != 0)
			return false;
	return true;
}

/* The page if it is in memory or on disk; -ENOENT: a hole. */
static int
get_unless_hole(struct vmo *vmo, uint64_t idx, struct vm_page **out)
{
	enum cache_want want = vmo->pager->is_allocated(vmo->v.obj, idx) ? CACHE_READ :
	    CACHE_FIND;

	return cache_get(vmo, idx, want, out);
}

/* Bytes that are not zero have blocks on disk, so there is nothing to extend.  Owns:
 * takes the pin. */
static void
zero_pinned(struct vm_page *pg, uint64_t off, size_t n)
{
	char *p = (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK);
	bool change = !is_all_zero(p, n);

	if (change)
		memset(p, 0, n);
	page_unpin_written(pg, change);
}

/* Zero bytes within one page.  A hole stays one.
 * Locks: at most rank 1.  Returns: 0; -EIO: the page cannot be read; -EINTR. */
int
cache_zero_part(struct vmo *vmo, uint64_t off, size_t n)
{
	struct vm_page *pg;
	int r = get_unless_hole(vmo, off >> PAGE_SHIFT, &pg);

	if (r != 0)
		return r == -ENOENT || r == -ENXIO ? 0 : r;
	zero_pinned(pg, off, n);
	return 0;
}

/* The steps that can fail, before the size becomes `bytes`.  For a longer file, zero the
 * bytes behind its old end; for a shorter one, pin its last page for that.
 * Locks: rank 1.  Owns: the caller, a pin in *tail, or NULL: for cache_cut_end().
 * Returns: 0, -EIO, -EINTR: the size may not be changed. */
int
cache_cut_begin(struct vmo *vmo, uint64_t bytes, struct vm_page **tail)
{
	uint64_t old = vmo_size(vmo);
	int r;

	*tail = NULL;
	if (bytes >= old)
		return (old & PAGE_MASK) == 0 || bytes == old ? 0 :
		    cache_zero_part(vmo, old, PAGE_SIZE - (old & PAGE_MASK));
	if ((bytes & PAGE_MASK) == 0)
		return 0;
	r = get_unless_hole(vmo, bytes >> PAGE_SHIFT, tail);
	if (r != 0)
		*tail = NULL;
	return r == -ENOENT ? 0 : r;
}

/* Wait for the end of a write of page idx. */
static void
wait_written(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *pg;

	vm_finish_begin();
	if (cache_get(vmo, idx, CACHE_FIND, &pg) == 0) {
		page_wait_plain(pg);
		page_unpin(pg);
	}
	vm_finish_end();
}

/* The size is smaller and the mappings behind it are gone: remove the pages.  The last
 * page stays, but its blocks behind the end will have other owners: a write that began
 * before the cut may not reach them later.
 * Locks: rank 1.  Owns: takes the pin of tail. */
void
cache_cut_end(struct vmo *vmo, uint64_t bytes, struct vm_page *tail)
{
	cache_truncate(vmo, PAGE_UP(bytes) >> PAGE_SHIFT, UINT64_MAX);
	if ((bytes & PAGE_MASK) != 0)
		wait_written(vmo, bytes >> PAGE_SHIFT);
	if (tail != NULL)
		zero_pinned(tail, bytes, PAGE_SIZE - (bytes & PAGE_MASK));
}

/* ---- grown ---- */

static uint64_t
sectors_of(uint64_t bytes)
{
	return (bytes + (1u << SECTOR_SHIFT) - 1) >> SECTOR_SHIFT;
}

/* The size of a file grows from old to vmo->size: rule 3.
 * Locks: [O].
 * Returns: the page of the old end is marked: cache_clean_links() for it. */
bool
cache_grown_locked(struct vmo *vmo, uint64_t old)
{
	uint64_t idx = old >> PAGE_SHIFT;

	HELD(&vmo->lock);
	if ((old & PAGE_MASK) == 0 || sectors_of(old) >= sectors_of(vmo->size) ||
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

/* May page idx, which pg is, become dirty as it is?
 * Locks: [O], [P].  Returns: it is dirty already, and has all its blocks. */
bool
cache_has_place(const struct vmo *vmo, uint64_t idx, const struct vm_page *pg)
{
	HELD(&vmo->lock);
	HELD(&pfn_lock);
	return (pg->flags & PF_DIRTY) != 0 &&
	    (idx < vmo->v.short_lo || idx >= vmo->v.short_hi);
}

/* Page idx has all its blocks now.  A mark in the middle of the range stays: rule 5. */
static void
unmark_locked(struct vmo *vmo, uint64_t idx)
{
	HELD(&vmo->lock);
	if (vmo->v.short_lo == vmo->v.short_hi)
		return;
	if (idx == vmo->v.short_lo)
		vmo->v.short_lo++;
	else if (idx == vmo->v.short_hi - 1)
		vmo->v.short_hi--;
}

/* Page idx, which is pg, gets its blocks on disk; *seq: the number of the size change for
 * which that holds, or a later one.
 * Locks: none of rank >= 2.  Context: thread, sleeps; pg is pinned.
 * Returns: 0, -ENOSPC, -EIO, -EINTR. */
int
cache_extend(struct vmo *vmo, uint64_t idx, struct vm_page *pg, uint64_t *seq)
{
	int r;

	spin_lock(&vmo->lock);
	*seq = vmo->resize_seq;
	spin_unlock(&vmo->lock);
	r = vmo->pager->extend(vmo->v.obj, idx, pg);
	spin_lock(&vmo->lock);
	if (r == 0 && *seq == vmo->resize_seq)
		unmark_locked(vmo, idx);
	spin_unlock(&vmo->lock);
	return r;
}

/* ---- holes ---- */

#define PUNCH_MAX 0x10000000ul /* pages freed by one call of the pager */

static struct waitq ended = WAITQ_INIT(ended); /* for the end of any hole */

static bool
is_in_hole(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	bool is;

	spin_lock(&vmo->lock);
	is = lo < vmo->v.hole_hi && vmo->v.hole_lo < hi;
	spin_unlock(&vmo->lock);
	return is;
}

/* Sleep while a hole is being made that has pages of [lo, hi).
 * Locks: none of rank >= 2.  Returns: 0: look again; -EINTR (fatal signal). */
int
cache_hole_wait(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	return wait_until(&ended, vm_wait_how(), WAIT_FOREVER,
	    !is_in_hole(vmo, lo, hi));
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

/* Locks: none of rank >= 2.  Owns: the caller, the hole: cache_hole_end().
 * Returns: 0, -EINTR (fatal signal). */
int
cache_hole_begin(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	return wait_until(&ended, vm_wait_how(), WAIT_FOREVER, hole_try(vmo, lo, hi));
}

/* The pages and mappings of the hole are gone: free its blocks.
 * Locks: none of rank >= 2.  Returns: 0; -EIO …: a part of it was not freed. */
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
