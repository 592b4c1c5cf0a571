/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * writeback.c: dirty pages of files are written
 *
 * Picture   msync, fsync ─┐
 *           by age ───────┴→ mappings lose W and D ─→ collect ─→ write ─→ …
 *
 * Rules     1. A store after the flush faults first, so the page is dirty again:
 *              what is written is what the page held at some moment since.
 *           2. An error of the write-back thread is told once, by the next sync.
 */
#include "vm/cache/cache.h"
#include "vm/design/design.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/vm.h"

/* Mappings of [lo, hi) lose W and D; the pages learn of D after the flush.  Whoever
 * stores after this faults first.
 * Locks: none of rank >= 3. */
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

/* Write the dirty pages [lo, hi), those that mappings have changed too, and wait for
 * those that others are writing.  0, the first error, -EINTR (fatal signal).  At most
 * rank 1 held. */
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

/* One round of the write-back thread: objects dirty for so long.
 * Locks: none of rank >= 2. */
void
cache_flush_old(uint64_t older_than_ns)
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

/* All files written and their unused pages forgotten: for leak accounting.
 * Locks: none of rank >= 2. */
void
cache_flush_all(void)
{
	cache_flush_old(0);
	vmo_drop_clean_all();
}
