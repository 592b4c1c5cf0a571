/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cachefile.c: a file as a memory object: made, ended, seen by its file system
 *
 * Picture   vnode ─→ vmo_create_file ─→ struct vmo ─→ pages (pagecache.c)
 *
 * Rules     1. The file system sees pages of its own metadata by pins; whether a
 *              page is still one of the file it asks under [P], for a cut takes
 *              pages first and blocks later.
 */
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"

static struct {
	_Atomic uint64_t objs; /* [A] files with an object */
} files;

static void cache_end(struct vmo *vmo);

/*
 * Locks:    none; once, by vm_init().
 */
void
cache_files_init(void)
{
	ev_set_gauge_word(EV_cache_objs, &files.objs);
	pageout_set_files(cache_flush_old);
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

/*
 * Locks:    takes [O].
 * Returns:  the page is in memory, and not just being read.
 */
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

/* vmo_drop_clean() for every file.  Locks: none of rank >= 2. */
void
vmo_drop_clean_all(void)
{
	struct vmo *vmo;

	for (vmo = vmo_visit_next(NULL); vmo != NULL; vmo = vmo_visit_next(vmo))
		vmo_drop_clean(vmo);
}
