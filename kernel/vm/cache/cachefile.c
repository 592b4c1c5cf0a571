/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cachefile.c: a file as a memory object: made, written back, ended
 *
 * Picture   vnode ─→ vmo_create_file ─→ struct vmo ─→ pages (pagecache.c)
 *           msync, fsync ─┐
 *           by age ───────┴→ mappings lose W and D ─→ collect ─→ write ─→ …
 *
 * Rules     1. The file system pins the pages of its own metadata.  It asks under
 *              [P] whether a page still belongs to the file: a truncate takes
 *              the pages first and the blocks later.
 *           2. A clean page that nobody maps or pins may be dropped at any time:
 *              for its frame, or because somebody asks.
 *           3. After the flush the first store to a page faults and makes it dirty
 *              again, so each page is written as it was at some moment since then.
 *              Such a store gives the right to write back; stores by it may come
 *              after the page was written: at the end W and D are taken once more.
 *           4. The next sync reports an error of the write-back thread, once.
 */
#include "vm/cache/cache.h"

#define DROP_BATCH 64 /* pages looked at in one hold of [O] */

static _Atomic uint64_t files; /* [A] with an object */

/* ---- calls of the pager ---- */

/* Read pages from idx on, which are READING.  Those behind the first are read
 * ahead.
 * Locks: none of rank >= 2; takes [P].  Returns: 0, -EIO. */
int
cache_in(struct vmo *vmo, uint64_t idx, struct vm_page **pages, unsigned n)
{
	unsigned i;
	int r;

	if (n > 1) {
		EVENT_ADD(cache_ra_pages, n - 1);
		spin_lock(&pfn_lock);
		for (i = 1; i < n; i++)
			pages[i]->flags |= PF_AHEAD;
		spin_unlock(&pfn_lock);
	}
	r = vmo->pager->in(vmo->v.obj, idx, pages, (int)n);
	if (r == 0)
		EVENT_ADD(cache_read_pages, n);
	return r;
}

/* Write pages from idx on, which are WRITING, to the disk.
 * Locks: none of rank >= 2.  Returns: 0, -EIO. */
int
cache_out(struct vmo *vmo, uint64_t idx, struct vm_page **pages, unsigned n)
{
	int r = vmo->pager->out(vmo->v.obj, idx, pages, (int)n);

	if (r == 0)
		EVENT_ADD(cache_writeback, n);
	return r;
}

/* ---- one page ---- */

/* A page of a device for its file system, read in if it is absent.
 * Locks: none of rank >= 2.  Owns: the caller, the pin: cache_unpin().
 * Returns: 0, -ENXIO, -EIO, -EINTR. */
int
cache_page(struct vmo *vmo, uint64_t idx, struct vm_page **out)
{
	/* A lab's cache_get() is checked: it may not write to data of fs/. */
	struct vm_page *pg = NULL;
	int r = cache_get(vmo, idx, CACHE_READ, &pg);

	if (r == 0)
		*out = pg;
	return r;
}

/* Locks: not [P].  dirty: the holder changed it. */
void
cache_unpin(struct vm_page *pg, enum page_dirt dirt)
{
	page_unpin_written(pg, dirt == PAGE_DIRTY);
}

/* Is it page idx of the file, or has it been cut off?  If the caller holds the lock under
 * which the file system frees blocks, the answer holds for blocks, too: pages go first.
 * Locks: takes [P]. */
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

/* Locks: takes [O].  Returns: the page is in memory, and not just being read. */
bool
cache_is_resident(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *pg;

	spin_lock(&vmo->lock);
	pg = cache_lookup(vmo, idx);
	if (pg != NULL && pg->state == PG_READING)
		pg = NULL;
	spin_unlock(&vmo->lock);
	return pg != NULL;
}

/* ---- a page and its neighbours ---- */

/* How many of the n pages right before idx are absent, up to the first that is not.
 * Takes [O]. */
static unsigned
absent_before(struct vmo *vmo, uint64_t idx, unsigned n)
{
	unsigned i = 0;

	spin_lock(&vmo->lock);
	while (i < n && i < idx && cache_lookup(vmo, idx - i - 1) == NULL)
		i++;
	spin_unlock(&vmo->lock);
	return i;
}

/* Read page idx and those before it, n at most, by one request: as cache_read(), except
 * that the page may still be absent, *out NULL. */
static int
read_down(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **out)
{
	unsigned before = absent_before(vmo, idx, n - 1);
	int r = cache_readahead(vmo, idx - before, before + 1, NULL);

	*out = NULL;
	/* The error may belong to another page than idx. */
	if (r != -EINTR && cache_look(vmo, idx, CACHE_HOLD, out) != 0)
		*out = NULL;
	return r == -EINTR ? r : 0;
}

/* Page idx is absent: read it and those behind it, n at most; n < 0: those before it.
 * Locks: none of rank >= 2.
 * Owns: the caller, a pin in *out; NULL: look again.
 * Returns: 0; -EIO, -EINTR: page idx was not read. */
int
cache_read(struct vmo *vmo, uint64_t idx, int n, struct vm_page **out)
{
	int r;

	if (n < -1 && !frames_are_low()) {
		r = read_down(vmo, idx, (unsigned)-n, out);
		if (r != 0 || *out != NULL)
			return r;
	}
	return cache_readahead(vmo, idx, (unsigned)MAX(n, 1), out);
}

/* ---- dirty pages are written ---- */

/* Mappings of [lo, hi) lose W and D; pages whose D was set become dirty after the flush.
 * A later store faults first.
 * Locks: none of rank >= 3. */
void
cache_clean_links(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct zap_job job = { .how = ZAP_CLEAN };
	struct vm_maplink *link;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node)
		if ((link->flags & VAD_SHARED) != 0)
			CHECK(vmo_zap_link(link, lo, hi, &job) == 0);
	mutex_unlock(&vmo->maps_lock);
}

enum flush_why { FLUSH_ASKED, FLUSH_AGED };

/* Write the dirty pages [lo, hi), those that mappings have changed too, and wait for
 * those that others are writing.  0, the first error, -EINTR (fatal signal).
 * At most rank 1 held. */
static int
flush(struct vmo *vmo, uint64_t lo, uint64_t hi, enum flush_why why)
{
	struct vm_page *pages[CACHE_CLUSTER];
	uint64_t from = UINT64_MAX;
	int first = 0, n, r;

	cache_clean_links(vmo, lo, hi);
	while ((n = cache_collect_dirty(vmo, &lo, hi, pages)) != 0) {
		if (n == -EAGAIN) {
			r = page_wait(pages[0]);
			if (r == 0)
				continue;
			first = r;
			break;
		}
		r = cache_writeback(vmo, lo, pages, n);
		if (first == 0)
			first = r;
		from = MIN(from, lo);
		lo += (uint64_t)n;
		if (why == FLUSH_AGED) {
			EVENT_ADD(pageout_file_pages, n);
			EVENT_ADD(pageout_file_bios, 1);
		}
	}
	if (from < lo)
		cache_clean_links(vmo, from, lo);
	return first;
}

/* Write the dirty pages of [lo, hi) (page indexes) and wait.
 * Locks: at most rank 1.
 * Returns: 0, the first error; also, once, an error of an earlier write-back that was not
 * reported yet; -EINTR (fatal signal): that one stays for the next caller. */
int
vmo_sync(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	int r, before;

	if (vmo->type != VMO_VNODE)
		return 0;
	before = atomic_xchg(&vmo->v.wb_error, 0);
	r = flush(vmo, lo, hi, FLUSH_ASKED);
	if (r == -EINTR && before != 0)
		atomic_store(&vmo->v.wb_error, before);
	return r != 0 ? r : before;
}

/* One round of the write-back thread: objects that have been dirty for that long.
 * Locks: none of rank >= 2. */
void
cache_flush_old(uint64_t older_than_ns)
{
	uint64_t now = md_time_ns();
	struct vmo *vmo;
	int r;

	if (pages_dirty == 0)
		return;
	for (vmo = vmo_visit_next(NULL); vmo != NULL; vmo = vmo_visit_next(vmo)) {
		if (atomic_load(&vmo->n_dirty) == 0 ||
		    now - atomic_load(&vmo->v.dirty_since) < older_than_ns)
			continue;
		atomic_store(&vmo->v.dirty_since, now);
		r = flush(vmo, 0, UINT64_MAX, FLUSH_AGED);
		if (r != 0 && r != -EINTR)
			atomic_store(&vmo->v.wb_error, r);
	}
}

/* ---- clean pages are dropped ---- */

/* owner_home.reclaim: [P] held, so [O] is only tried. */
static bool
cache_reclaim(struct vm_page *pg)
{
	struct vmo *vmo = pa2va(page_home_payload(pg));

	ASSERT(pg->state == PG_STANDBY && (pg->flags & PF_DIRTY) == 0);
	if (!spin_trylock(&vmo->lock))
		return false;
	if (page_is_ahead(pg))
		swap_ops->ahead_ended(pg, AHEAD_GIVEN_UP);
	cache_erase(vmo, pg);
	page_count_home(HOME_VNODE, -1);
	page_set_home(pg, HOME_NONE, 0);
	EVENT(page_reclaim_file);
	spin_unlock(&vmo->lock);
	return true;
}

/* Drop those of a few pages from *at on, before `end`, that are clean and neither mapped
 * nor pinned.  False: there are no more. */
static bool
drop_some(struct vmo *vmo, uint64_t *at, uint64_t end)
{
	struct vm_page *pg = NULL;
	pfn_t dead = 0;
	unsigned i;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	for (i = 0; i < DROP_BATCH; i++) {
		pg = cache_next(vmo, *at);
		if (pg != NULL && pg->index >= end)
			pg = NULL;
		if (pg == NULL)
			break;
		*at = pg->index + 1;
		if (pg->state != PG_STANDBY)
			continue;
		cache_erase(vmo, pg);
		if (page_disown_locked(pg))
			page_chain(&dead, pg);
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	page_free_chain(dead);
	return pg != NULL;
}

/* Drop clean pages [lo, hi) that nobody maps or pins.  Locks: none of rank >= 3. */
void
vmo_drop_range(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	while (drop_some(vmo, &lo, hi))
		;
}

/* The same for all its pages. */
void
vmo_drop_clean(struct vmo *vmo)
{
	vmo_drop_range(vmo, 0, UINT64_MAX);
}

/* vmo_drop_clean() for every file.  Locks: none of rank >= 2. */
void
vmo_drop_clean_all(void)
{
	struct vmo *vmo;

	for (vmo = vmo_visit_next(NULL); vmo != NULL; vmo = vmo_visit_next(vmo))
		vmo_drop_clean(vmo);
}

/* ---- life ---- */

/* The last reference is gone: free pages and header.  Dirty pages are lost; the owner has
 * written them before, or wants that.
 * Locks: none of rank >= 3. */
static void
cache_end(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) == 0);
	ASSERT(list_is_empty(&vmo->maps));
	cache_truncate(vmo, 0, UINT64_MAX);
	ASSERT(vmo->n_resident == 0 && vmo->n_dirty == 0);
	atomic_sub(&files, 1);
	vmo_free(vmo);
}

/* Object of a file.  pager and obj must live until vmo_forget_client() has returned and
 * the last mapping is gone.
 * Locks: none of rank >= 3.  Owns: the caller, the only reference.
 * Returns: NULL: no memory. */
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
	atomic_add(&files, 1);
	return vmo_register(vmo, ops, client);
}

void
cache_init(void)
{
	ev_set_gauge_word(EV_cache_pages, &cache_pages);
	ev_set_gauge_word(EV_cache_objs, &files);
	owner_add_home(HOME_VNODE, (struct owner_home){ .reclaim = cache_reclaim });
	pageout_set_files(cache_flush_old);
}
