/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmofile.c: files as memory objects: made, written, cut, synced, dropped
 *
 * Problem   The page cache knows single pages.  A file is written byte by
 *           byte, cut anywhere and synced as a whole, and nothing of what it
 *           had behind its old end may ever be seen again.
 *
 * Picture   write: page absent, all of it written ─→ frame ─→ extend ─→ tree
 *                  else cache_get ─→ extend ─→ copy ─→ dirty at unpin
 *           sync:  mappings lose W and D ─→ collect ─→ write back ─→ …
 *
 * Rules     1. A page gets its place on disk (extend) before it is dirty, so
 *              write-back never fails for lack of room.
 *           2. The block that extend has given holds somebody's old bytes: the
 *              page is in the tree before, pinned or READING, and dirty after.
 *           3. The bytes between the end of the file and the end of its last
 *              page are zero in memory when the file grows over them.
 *
 * Read next pagecache.c, vm/swap/pageout.c.  Book: ch09.
 */
#include "lib/string.h"
#include "vm/cache/cache.h"
#include "vm/design/design.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"

#define DROP_BATCH 64      /* pages given up in one hold of [O] */

static struct {
	_Atomic uint64_t objs; /* [A] files with an object */
} files;

static void cache_end(struct vmo *vmo);
static void flush_all(uint64_t older_than_ns);
static bool drop_some(struct vmo *vmo, uint64_t *idx, pfn_t *dead);

static uint64_t
gauge_objs(void)
{
	return atomic_load(&files.objs);
}

/*
 * Locks:    none; once, by vm_init().
 */
void
cache_files_init(void)
{
	ev_set_gauge(EV_cache_objs, gauge_objs);
	pageout_set_files(flush_all);
}

/*
 * Object of a file.  pager and obj must live until vmo_forget_client() has
 * returned and the last mapping is gone.
 *
 * Locks:    none of rank >= 3.
 * Owns:     the caller, the only reference.
 * Returns:  NULL: no memory.
 */
struct vmo *
vmo_create_file(const struct pager_ops *pager, void *obj, uint64_t bytes,
    const struct vmo_client_ops *ops, void *client)
{
	struct vmo *vmo = vmo_alloc(VMO_VNODE, bytes);

	if (vmo == NULL)
		return NULL;
	vmo->pager = pager;
	vmo->end = cache_end;
	vmo->v.obj = obj;
	vmo->client_ops = ops;
	vmo->client = client;
	atomic_add(&files.objs, 1);
	return vmo_register(vmo);
}

/*
 * The last reference is gone: pages and header go.  What is dirty is lost; its
 * owner has written it before, or wants that.
 *
 * Locks:    none of rank >= 3.
 */
static void
cache_end(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) == 0);
	ASSERT(list_is_empty(&vmo->maps));
	cache_truncate(vmo, 0, UINT64_MAX);
	ASSERT(vmo->n_resident == 0 && vmo->n_dirty == 0);
	atomic_sub(&files.objs, 1);
	vmo_free(vmo);
}

/*
 * A page of a device for its file system, read in if it is absent.
 *
 * Locks:    none of rank >= 2.
 * Owns:     the caller, the pin: cache_unpin().
 * Returns:  0, -ENXIO, -EIO, -EINTR.
 */
int
cache_page(struct vmo *vmo, uint64_t idx, struct vm_page **out)
{
	return cache_get(vmo, idx, CACHE_READ, out);
}

/*
 * Locks:    not [P].  dirty: the holder changed it.
 */
void
cache_unpin(struct vm_page *pg, bool dirty)
{
	page_unpin_written(pg, dirty);
}

/*
 * Is it page idx of the file, or has it been cut off?  Who holds what the file
 * system frees blocks under gets an answer that holds for blocks, too: pages
 * go first.
 *
 * Locks:    takes [P].
 */
bool
cache_is_page(const struct vmo *vmo, uint64_t idx, const struct vm_page *pg)
{
	bool is;

	spin_lock(&pfn_lock);
	is = pg->home == ((uint64_t)HOME_VNODE << 60 | va2pa(vmo)) &&
	    pg->index == idx;
	spin_unlock(&pfn_lock);
	return is;
}

/* ---- writing ---- */

/* ---- the end of the file moves ---- */

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
	enum cache_want want = vmo->pager->has(vmo->v.obj, idx) ? CACHE_READ :
	    CACHE_FIND;

	return cache_get(vmo, idx, want, out);
}

/*
 * What is not zero has a place on disk, so there is nothing to extend.  Owns:
 * takes the pin.
 */
static void
zero_pinned(struct vm_page *pg, uint64_t off, size_t n)
{
	char *p = (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK);
	bool change = !is_all_zero(p, n);

	if (change)
		memset(p, 0, n);
	page_unpin_written(pg, change);
}

/*
 * Zero bytes within one page.  A hole stays one.
 *
 * Locks:    at most rank 1.
 * Returns:  0; -EIO: the page cannot be read; -EINTR.
 */
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

/*
 * Before the size becomes `bytes`: what can fail.  A longer file has zeros
 * behind its old end; the last page of a shorter one is at hand for them.
 *
 * Locks:    rank 1.
 * Owns:     the caller, a pin in *tail, or NULL: for cache_cut_end().
 * Returns:  0, -EIO, -EINTR: the size may not be changed.
 */
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

/* A write of page idx that is under way has ended. */
static void
wait_written(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *pg;
	bool busy;

	do {
		spin_lock(&vmo->lock);
		pg = cache_lookup(vmo, idx);
		spin_lock(&pfn_lock);
		busy = pg != NULL && (pg->flags & PF_WRITING) != 0;
		spin_unlock(&pfn_lock);
		spin_unlock(&vmo->lock);
		if (busy)
			page_wait_plain(pg);
	} while (busy);
}

/*
 * The size is smaller and the mappings behind it are gone: pages go.  The last
 * page stays, but its blocks behind the end will have other owners: a write
 * that began before the size was cut may not reach them later.
 *
 * Locks:    rank 1.
 * Owns:     takes the pin of tail.
 */
void
cache_cut_end(struct vmo *vmo, uint64_t bytes, struct vm_page *tail)
{
	cache_truncate(vmo, PAGE_UP(bytes) >> PAGE_SHIFT, UINT64_MAX);
	if ((bytes & PAGE_MASK) != 0)
		wait_written(vmo, bytes >> PAGE_SHIFT);
	if (tail != NULL)
		zero_pinned(tail, bytes, PAGE_SIZE - (bytes & PAGE_MASK));
}

/* ---- writing back ---- */

/*
 * Mappings of [lo, hi) lose W and D; the pages learn of D after the flush.
 * Whoever stores after this faults first.
 *
 * Locks:    none of rank >= 3.
 */
void
cache_clean_links(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct zap_job job = { .how = ZAP_CLEAN };
	struct vm_maplink *link;
	uint64_t from, to;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node) {
		from = MAX(lo, link->off);
		to = MIN(hi, link->off + link->end - link->start);
		if ((link->flags & VAD_SHARED) == 0 || from >= to)
			continue;
		CHECK(link->as->ops->zap(link->as, link,
		    link->start + from - link->off,
		    link->start + to - link->off, &job) == 0);
	}
	mutex_unlock(&vmo->maps_lock);
}

/* What one flush has written. */
struct flush_count {
	uint64_t pages, bios;
};

/*
 * Write the dirty pages [lo, hi), those that mappings have changed too, and
 * wait for those that others are writing.  0, the first error, -EINTR (fatal
 * signal).  At most rank 1 held.
 */
static int
flush(struct vmo *vmo, uint64_t lo, uint64_t hi, struct flush_count *count)
{
	struct vm_page *pages[CACHE_CLUSTER];
	int first = 0, n, r;

	cache_clean_links(vmo, lo, hi);
	while ((n = cache_collect_dirty(vmo, &lo, hi, pages)) != 0) {
		if (n == -EAGAIN) {
			r = page_wait(pages[0]);
			if (r != 0)
				return r;
			continue;
		}
		r = cache_writeback(vmo, lo, pages, n);
		if (first == 0)
			first = r;
		lo += (uint64_t)n;
		count->pages += (uint64_t)n;
		count->bios++;
	}
	return first;
}

/*
 * Write the dirty pages of [lo, hi) (page numbers) and wait.
 *
 * Locks:    at most rank 1.
 * Context:  thread, sleeps.
 * Returns:  0, the first error; also, once, that of an earlier write-back of
 *           which nobody was told.
 */
int
vmo_sync(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct flush_count count = { 0, 0 };
	int r, before;

	if (vmo->type != VMO_VNODE)
		return 0;
	before = atomic_xchg(&vmo->v.wb_error, 0);
	r = flush(vmo, lo, hi, &count);
	return r != 0 ? r : before;
}

/* One round of the write-back thread: objects dirty for so long. */
static void
flush_all(uint64_t older_than_ns)
{
	uint64_t now = md_time_ns();
	struct flush_count count;
	struct vmo *vmo;
	int r;

	for (vmo = vmo_visit_next(NULL); vmo != NULL; vmo = vmo_visit_next(vmo)) {
		if (atomic_load(&vmo->n_dirty) == 0 ||
		    now - atomic_load(&vmo->v.dirty_since) < older_than_ns)
			continue;
		atomic_store(&vmo->v.dirty_since, now);
		count = (struct flush_count){ 0, 0 };
		r = flush(vmo, 0, UINT64_MAX, &count);
		EVENT_ADD(pageout_file_pages, count.pages);
		EVENT_ADD(pageout_file_bios, count.bios);
		if (r != 0 && r != -EINTR)
			atomic_store(&vmo->v.wb_error, r);
	}
}

/*
 * All files written and their unused pages forgotten: for leak accounting.
 *
 * Locks:    none of rank >= 2.
 */
void
cache_flush_all(void)
{
	flush_all(0);
	vmo_drop_clean_all();
}

/* ---- dropping ---- */

/*
 * Forget clean pages that nobody maps or pins.
 *
 * Locks:    none of rank >= 3.
 */
void
vmo_drop_clean(struct vmo *vmo)
{
	uint64_t idx = 0;
	pfn_t dead;
	bool more;

	do {
		dead = 0;
		spin_lock(&vmo->lock);
		more = drop_some(vmo, &idx, &dead);
		spin_unlock(&vmo->lock);
		page_free_chain(dead);
	} while (more);
}

/* The same for every file.  Locks: none of rank >= 2. */
void
vmo_drop_clean_all(void)
{
	struct vmo *vmo;

	for (vmo = vmo_visit_next(NULL); vmo != NULL; vmo = vmo_visit_next(vmo))
		vmo_drop_clean(vmo);
}

/* Some pages from *idx on.  False: that was the last.  [O]. */
static bool
drop_some(struct vmo *vmo, uint64_t *idx, pfn_t *dead)
{
	struct vm_page *pg = NULL;
	unsigned i;

	ASSERT(spin_is_mine(&vmo->lock));
	spin_lock(&pfn_lock);
	for (i = 0; i < DROP_BATCH; i++) {
		pg = cache_next(vmo, *idx);
		if (pg == NULL)
			break;
		*idx = pg->index + 1;
		if (pg->state != PG_STANDBY)
			continue;
		cache_erase(vmo, pg);
		CHECK(page_disown_locked(pg));
		pg->qnext = *dead;
		*dead = page_pfn(pg);
	}
	spin_unlock(&pfn_lock);
	return pg != NULL;
}

/* ---- checking ---- */
