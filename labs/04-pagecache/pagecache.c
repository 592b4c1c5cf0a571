/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagecache.c: the pages of a file, one copy for all who use it
 *
 * Problem   read(), write() and mappings of a file must see one copy of a page.
 *           It is read from the disk once, however many threads ask at the same
 *           time, and written back once, however it was changed.
 *
 * Picture   vmo ── tree by index ─→ page ⇄ page ⇄ page      home: the vmo
 *
 *           absent ─→ READING ─→ STANDBY ⇄ ACTIVE ─→ MODIFIED
 *                        │error               dirty │ ↑ error
 *                        └→ absent     STANDBY ←─ WRITING
 *
 * Rules     1. A page is in the tree before its read begins; a thread that finds
 *              it READING waits and looks again, so nobody reads it twice.
 *           2. A read that fails takes the page out: the next one tries anew.
 *           3. DIRTY is cleared before the write begins, under [P], and the
 *              mappings have lost W before that: a later store makes the page
 *              dirty again, for the next write.
 *           4. A truncate takes pages only when they are neither read nor
 *              written; the last mapping or pin of one frees it (ORPHAN).
 *           5. The pager is called with no lock of rank >= 2.
 */
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/ws/ws.h"

#define CUT_BATCH 64     /* pages taken out in one hold of [O] */
#define SCAN_MAX 2048    /* pages looked at in one hold of [O] */

_Atomic uint64_t cache_pages; /* in all trees */

/* Pages of a range to be removed.  [own] */
struct cache_cut {
	uint64_t lo, hi;
	pfn_t dead;              /* frames to be freed without locks */
	struct vm_page *busy;    /* read or written: wait for it */
};

/* ---- the tree ---- */

static uint64_t
cache_pages_of(uint64_t bytes)
{
	return PAGE_UP(bytes) >> PAGE_SHIFT;
}

/* Locks: [O].  Returns: the first page at or after idx, or NULL. */
struct vm_page *
cache_next(struct vmo *vmo, uint64_t idx)
{
	lab_todo("04-pagecache step 1: cache_next");
	return NULL;
}

/* See cache.h.  Locks: [O], [P]. */
void
cache_at_hand(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **pages)
{
	lab_todo("04-pagecache step 1: cache_at_hand");
}

/* A frame that holds all bytes of page idx enters the tree; others wait until
 * cache_end_insert().
 * Locks: none of rank >= 2.
 * Owns: true: the tree, the frame; false: the caller keeps it.
 * Returns: false: there is such a page, the file ends before it, or it is in a hole
 * that is being made. */
bool
cache_begin_insert(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	lab_todo("04-pagecache step 1: cache_begin_insert");
	return false;
}

/* Take the page out of the tree.  Locks: [O]. */
void
cache_erase(struct vmo *vmo, struct vm_page *pg)
{
	lab_todo("04-pagecache step 1: cache_erase");
}

/* ---- getting a page ---- */

/* One look at page idx.
 * Locks: at most [W]; takes [O], [P].  Owns: 0: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT absent; -EAGAIN: *out is READING. */
int
cache_look(struct vmo *vmo, uint64_t idx, enum cache_use use,
    struct vm_page **out)
{
	return lab_todo("04-pagecache step 2: cache_look");
}

/* Page idx of the file, pinned.
 * Locks: none of rank >= 2.  Owns: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT not in memory (CACHE_FIND); -EIO; -EINTR
 * (fatal signal while waiting). */
int
cache_get(struct vmo *vmo, uint64_t idx, enum cache_want want,
    struct vm_page **out)
{
	return lab_todo("04-pagecache step 2: cache_get");
}

/* How far to read if idx is missing: only the page for random reads, more each time for
 * sequential ones.  Called once for each read.
 * Locks: takes [O].
 * Returns: the number of pages, with idx; < 0: downwards. */
int
cache_window(struct vmo *vmo, uint64_t idx)
{
	lab_todo("04-pagecache step 2: cache_window");
	return 1;
}

/* Drop a page that could not be read: the next thread reads, or makes, it anew. */
static void
forget_page(struct vmo *vmo, struct vm_page *pg)
{
	lab_todo("04-pagecache step 5: forget_page");
}

/* A read of several pages has failed: read each alone.  Returns the first page's
 * result. */
static int
read_one_by_one(struct vmo *vmo, uint64_t idx, struct vm_page **page,
    unsigned n, bool pin_first)
{
	lab_todo("04-pagecache step 5: read_one_by_one");
	return -EIO;
}

/* Read up to n pages from idx on, as far as they are absent and in the file.
 * Locks: none of rank >= 2.
 * Owns: the caller, a pin in *first; NULL there: look again, page idx exists already, or
 * was in a hole that was being made.  first NULL: no pin is wanted.
 * Returns: 0; -EIO, -EINTR: page idx was not read. */
int
cache_readahead(struct vmo *vmo, uint64_t idx, unsigned n,
    struct vm_page **first)
{
	return lab_todo("04-pagecache step 2: cache_readahead");
}

/* ---- dirty, and written back ---- */

/* The page has its blocks on disk and becomes dirty (r 0), or there are none and the page
 * is dropped.
 * Locks: none of rank >= 2. */
void
cache_end_insert(struct vmo *vmo, struct vm_page *pg, int r)
{
	lab_todo("04-pagecache step 3: cache_end_insert");
}

/* The next dirty page in [*idx, hi) and the dirty ones right behind it: clean and
 * PF_WRITING from now on.
 * Locks: none; takes [O], [P].
 * Owns: the caller, who must call cache_writeback() for them.
 * Returns: how many, the first has index *idx; 0: none; -EAGAIN: out[0] is being
 * written by somebody else: page_wait(), then again. */
int
cache_collect_dirty(struct vmo *vmo, uint64_t *idx, uint64_t hi,
    struct vm_page **out)
{
	lab_todo("04-pagecache step 3: cache_collect_dirty");
	return 0;
}

/* The same for a write; returns the first error. */
static int
write_one_by_one(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	lab_todo("04-pagecache step 5: write_one_by_one");
	return -EIO;
}

/* Write the pages from cache_collect_dirty().  If the whole request fails, each page is
 * tried alone; a page that cannot be written is dirty again.
 * Locks: none of rank >= 2.  Returns: 0, the first error. */
int
cache_writeback(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	return lab_todo("04-pagecache step 3: cache_writeback");
}

/* ---- the end of pages ---- */

/* Remove the pages of [lo, hi).  Waits for I/O on them, not for mappings or pins.
 * Locks: none of rank >= 3; the file cannot be read or written there any more (size
 * cut), or it does not matter (hole). */
void
cache_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	lab_todo("04-pagecache step 4: cache_truncate");
}
