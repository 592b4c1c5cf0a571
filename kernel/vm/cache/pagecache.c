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
	pfn_t at = vmo->v.pages.root;
	struct vm_page *pg, *best = NULL;

	HELD(&vmo->lock);
	while (at != 0) {
		pg = &pfdb[at];
		if (pg->index < idx) {
			at = pg->tree.right;
			continue;
		}
		best = pg;
		at = pg->index == idx ? 0 : pg->tree.left;
	}
	return best;
}

/* See cache.h.  Locks: [O], [P]. */
void
cache_at_hand(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **pages)
{
	struct vm_page *pg = cache_next(vmo, idx);
	unsigned i;

	HELD(&vmo->lock);
	HELD(&pfn_lock);
	for (i = 0; i < n; i++) {
		pages[i] = NULL;
		if (pg == NULL || pg->index != idx + i)
			continue;
		if (pg->state != PG_READING)
			pages[i] = pg;
		pg = page_tree_next(pg);
	}
}

/* A LIMBO frame becomes page pg->index, READING.  [O], [P]. */
static void
cache_insert(struct vmo *vmo, struct vm_page *pg)
{
	HELD(&vmo->lock);
	page_reading_locked(pg, HOME_VNODE, va2pa(vmo), pg->index);
	page_tree_insert(&vmo->v.pages, pg);
	vmo->n_resident++;
	atomic_add(&cache_pages, 1);
	EVENT(cache_insert);
}

/* Frames become pages from idx on, up to the first that exists, the end, or a hole that
 * is being made.  [O].  How many. */
static unsigned
insert_run(struct vmo *vmo, uint64_t idx, struct vm_page **page, unsigned n)
{
	struct vm_page *next = cache_next(vmo, idx);
	uint64_t end = MIN(cache_pages_of(vmo->size), idx + n);
	unsigned in;

	if (next != NULL)
		end = MIN(end, next->index);
	if (idx < vmo->v.hole_hi)
		end = MIN(end, vmo->v.hole_lo);
	spin_lock(&pfn_lock);
	for (in = 0; idx + in < end; in++) {
		page[in]->index = idx + in;
		cache_insert(vmo, page[in]);
	}
	spin_unlock(&pfn_lock);
	return in;
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
	unsigned in;

	spin_lock(&vmo->lock);
	in = insert_run(vmo, idx, &pg, 1);
	spin_unlock(&vmo->lock);
	return in > 0;
}

/* Take the page out of the tree.  Locks: [O]. */
void
cache_erase(struct vmo *vmo, struct vm_page *pg)
{
	HELD(&vmo->lock);
	ASSERT(vmo->n_resident > 0);
	page_tree_remove(&vmo->v.pages, pg);
	vmo->n_resident--;
	atomic_sub(&cache_pages, 1);
	EVENT(cache_remove);
}

/* ---- getting a page ---- */

/* One look at page idx.
 * Locks: at most [W]; takes [O], [P].  Owns: 0: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT absent; -EAGAIN: *out is READING. */
int
cache_look(struct vmo *vmo, uint64_t idx, enum cache_use use,
    struct vm_page **out)
{
	struct vm_page *pg = NULL;
	int r = -ENXIO;

	spin_lock(&vmo->lock);
	if (idx < cache_pages_of(vmo->size)) {
		pg = cache_lookup(vmo, idx);
		r = pg == NULL ? -ENOENT : 0;
	}
	if (pg != NULL) {
		spin_lock(&pfn_lock);
		if (pg->state == PG_READING)
			r = -EAGAIN;
		else if (use == CACHE_TOUCH)
			ws_rescue(pg);
		if (r == 0)
			page_pin_locked(pg);
		spin_unlock(&pfn_lock);
	}
	spin_unlock(&vmo->lock);
	*out = pg;
	return r;
}

/* Page idx of the file, pinned.
 * Locks: none of rank >= 2.  Owns: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT not in memory (CACHE_FIND); -EIO; -EINTR
 * (fatal signal while waiting). */
int
cache_get(struct vmo *vmo, uint64_t idx, enum cache_want want,
    struct vm_page **out)
{
	struct vm_page *pg;
	int r;

	for (;;) {
		r = cache_look(vmo, idx, CACHE_HOLD, &pg);
		if (r == 0)
			EVENT(cache_hit);
		if (r == -EAGAIN) {
			EVENT(cache_wait);
			r = page_wait(pg);
			pg = NULL;
		} else if (r == -ENOENT && want == CACHE_READ) {
			r = cache_read(vmo, idx, cache_window(vmo, idx), &pg);
		}
		if (r != 0)
			return r;
		if (pg != NULL)
			break;
	}
	*out = pg;
	return 0;
}

/* How far to read if idx is missing: only the page for random reads, more each time for
 * sequential ones.  Called once for each read.
 * Locks: takes [O].
 * Returns: the number of pages, with idx; < 0: downwards. */
int
cache_window(struct vmo *vmo, uint64_t idx)
{
	int n;

	spin_lock(&vmo->lock);
	n = swap_look_ahead_file(&vmo->v.ahead, idx,
	    (cache_lookup(vmo, idx - 1) != NULL ? HAS_BEFORE : 0) |
	    (cache_lookup(vmo, idx + 1) != NULL ? HAS_BEHIND : 0));
	spin_unlock(&vmo->lock);
	return n;
}

/* The page has been read. */
static void
page_is_read(struct vm_page *pg, bool pin)
{
	spin_lock(&pfn_lock);
	page_filled_locked(pg);
	if (pin)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
}

/* Drop a page that could not be read: the next thread reads, or makes, it anew. */
static void
forget_page(struct vmo *vmo, struct vm_page *pg)
{
	bool free;

	spin_lock(&vmo->lock);
	cache_erase(vmo, pg);
	spin_lock(&pfn_lock);
	free = page_unfilled_locked(pg);
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (free)
		page_free(pg);
}

/* A read of several pages has failed: read each alone.  Returns the first page's
 * result. */
static int
read_one_by_one(struct vmo *vmo, uint64_t idx, struct vm_page **page,
    unsigned n, bool pin_first)
{
	int r, first = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		r = cache_in(vmo, idx + i, &page[i], 1);
		if (r == 0)
			page_is_read(page[i], pin_first && i == 0);
		else
			forget_page(vmo, page[i]);
		if (i == 0)
			first = r;
	}
	return first;
}

/* Read pages from idx on, which are READING; the first is pinned for the caller. */
static int
read_run(struct vmo *vmo, uint64_t idx, struct vm_page **page, unsigned n,
    struct vm_page **first)
{
	int r = cache_in(vmo, idx, page, n);
	unsigned i;

	if (r != 0 && n > 1) {
		r = read_one_by_one(vmo, idx, page, n, first != NULL);
	} else if (r != 0) {
		forget_page(vmo, page[0]);
	} else {
		for (i = 0; i < n; i++)
			page_is_read(page[i], i == 0 && first != NULL);
	}
	if (r == 0 && first != NULL)
		*first = page[0];
	return r;
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
	struct vm_page *page[CACHE_WINDOW] = { NULL };
	unsigned got, in;
	int r;

	if (first != NULL)
		*first = NULL;
	r = page_alloc_wait(PHYS_ANY, &page[0]);
	if (r != 0)
		return r;
	/* Do not wait for the frames of the others. */
	for (got = 1; got < MIN(n, (unsigned)CACHE_WINDOW); got++) {
		page[got] = page_alloc_ahead();
		if (page[got] == NULL)
			break;
	}
	spin_lock(&vmo->lock);
	in = insert_run(vmo, idx, page, got);
	spin_unlock(&vmo->lock);
	while (got > in)
		page_free(page[--got]);
	return in > 0 ? read_run(vmo, idx, page, in, first) :
	    cache_hole_wait(vmo, idx, idx + 1);
}

/* ---- dirty, and written back ---- */

/* The page has its blocks on disk and becomes dirty (r 0), or there are none and the page
 * is dropped.
 * Locks: none of rank >= 2. */
void
cache_end_insert(struct vmo *vmo, struct vm_page *pg, int r)
{
	if (r != 0) {
		forget_page(vmo, pg);
		return;
	}
	spin_lock(&pfn_lock);
	page_filled_locked(pg);
	page_pin_locked(pg);
	page_unlock_free(pg, page_unpin_dirty_locked(pg));
}

static bool
is_unclean(const struct vm_page *pg)
{
	return (pg->flags & (PF_DIRTY | PF_WRITING)) != 0;
}

/* -ESRCH: many clean pages so far, go on at *idx.  [O], [P]. */
static int
collect_some(struct vmo *vmo, uint64_t *idx, uint64_t hi, struct vm_page **out)
{
	struct vm_page *pg = cache_next(vmo, *idx);
	unsigned looked = 0;
	int n = 0;

	while (pg != NULL && pg->index < hi && !is_unclean(pg)) {
		pg = page_tree_next(pg);
		if (++looked < SCAN_MAX || pg == NULL)
			continue;
		*idx = pg->index;
		return -ESRCH;
	}
	if (pg == NULL || pg->index >= hi)
		return 0;
	*idx = pg->index;
	if ((pg->flags & PF_WRITING) != 0) {
		out[0] = pg;
		return -EAGAIN;
	}
	while (pg != NULL && pg->index < hi && n < CACHE_CLUSTER &&
	    pg->index == *idx + (uint64_t)n &&
	    (pg->flags & (PF_DIRTY | PF_WRITING)) == PF_DIRTY) {
		page_writing_locked(pg);
		out[n++] = pg;
		pg = page_tree_next(pg);
	}
	return n;
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
	int n;

	do {
		spin_lock(&vmo->lock);
		spin_lock(&pfn_lock);
		n = collect_some(vmo, idx, hi, out);
		spin_unlock(&pfn_lock);
		spin_unlock(&vmo->lock);
	} while (n == -ESRCH);
	return n;
}

/* The write of pg has ended with r. */
static void
page_is_written(struct vm_page *pg, int r)
{
	spin_lock(&pfn_lock);
	page_unlock_free(pg, page_written_locked(pg, r == 0 ? PAGE_WRITTEN :
	    PAGE_UNWRITTEN));
}

/* The same for a write; returns the first error. */
static int
write_one_by_one(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	int first = 0, r, i;

	for (i = 0; i < n; i++) {
		r = cache_out(vmo, idx + (uint64_t)i, &pages[i], 1);
		if (first == 0)
			first = r;
		page_is_written(pages[i], r);
	}
	return first;
}

/* Write the pages from cache_collect_dirty().  If the whole request fails, each page is
 * tried alone; a page that cannot be written is dirty again.
 * Locks: none of rank >= 2.  Returns: 0, the first error. */
int
cache_writeback(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	int r = cache_out(vmo, idx, pages, (unsigned)n), i;

	if (r != 0 && n > 1)
		return write_one_by_one(vmo, idx, pages, n);
	for (i = 0; i < n; i++)
		page_is_written(pages[i], r);
	return r;
}

/* ---- the end of pages ---- */

/* Remove some pages of the range.  False: none is left.  [O]. */
static bool
cut_some(struct vmo *vmo, struct cache_cut *c)
{
	struct vm_page *pg;
	bool more = true;
	unsigned i;

	HELD(&vmo->lock);
	spin_lock(&pfn_lock);
	for (i = 0; i < CUT_BATCH; i++) {
		pg = cache_next(vmo, c->lo);
		more = pg != NULL && pg->index < c->hi;
		if (!more)
			break;
		if (pg->state == PG_READING || (pg->flags & PF_WRITING) != 0) {
			c->busy = pg;
			break;
		}
		cache_erase(vmo, pg);
		if (page_disown_locked(pg))
			page_chain(&c->dead, pg);
	}
	spin_unlock(&pfn_lock);
	return more;
}

/* Remove the pages of [lo, hi).  Waits for I/O on them, not for mappings or pins.
 * Locks: none of rank >= 3; the file cannot be read or written there any more (size
 * cut), or it does not matter (hole). */
void
cache_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct cache_cut c = { .lo = lo, .hi = hi };
	bool more;

	do {
		c.dead = 0;
		c.busy = NULL;
		spin_lock(&vmo->lock);
		more = cut_some(vmo, &c);
		spin_unlock(&vmo->lock);
		page_free_chain(c.dead);
		if (c.busy != NULL)
			page_wait_plain(c.busy);
	} while (more);
}
