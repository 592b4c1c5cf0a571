/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filebytes.c: bytes of a user into the pages of a file
 *
 * Problem   The source of a write may be a mapping of the very page that is
 *           written, and a page that does not exist yet must not be read from
 *           disk only to be overwritten.
 *
 * Picture   write ─┬ part of a page: cache_get ─→ room in the file ─→ copy
 *                  └ whole page: frame ─→ copy ─→ into the tree, with room
 *
 * Rules     1. A frame is filled before it is in the tree.
 *           2. Room in the file is made before a page becomes dirty.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/vm.h"

/* A pinned page is going to be dirty: rule 1.  0, -ENOSPC, -EIO … */
static int
extend(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	uint32_t seq;
	bool has;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	has = cache_has_place(vmo, idx, pg);
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	return has ? 0 : cache_extend(vmo, idx, pg, &seq);
}

/* Bytes from where they are now: a uio, or a frame that was filled before. */
static ssize_t
write_into(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio,
    const char *from)
{
	struct vm_page *pg;
	ssize_t r = (ssize_t)n;
	char *to;
	int err;

	err = cache_get(vmo, off >> PAGE_SHIFT, CACHE_READ, &pg);
	if (err != 0)
		return err == -ENXIO ? 0 : err;
	err = extend(vmo, off >> PAGE_SHIFT, pg);
	if (err != 0) {
		page_unpin(pg);
		return err;
	}
	to = (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK);
	if (from != NULL)
		memcpy(to, from, n);
	else
		r = uio_get(uio, to, n);
	page_unpin_dirty(pg);
	return r;
}

/*
 * A whole page that is absent need not be read.  The frame is filled before it
 * is in the tree: the source may be a mapping of this very page.
 */
static ssize_t
write_whole(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	uint64_t idx = off >> PAGE_SHIFT;
	struct vm_page *pg = NULL;
	uint32_t seq;
	ssize_t n;
	int r;

	r = page_alloc_wait(PHYS_ANY, &pg);
	if (r != 0)
		return r;
	n = uio_get(uio, pa2va(page_pa(pg)), PAGE_SIZE);
	if (n == (ssize_t)PAGE_SIZE && cache_begin_insert(vmo, idx, pg)) {
		r = cache_extend(vmo, idx, pg, &seq);
		cache_end_insert(vmo, pg, r);
		return r != 0 ? r : n;
	}
	/* The source ended early, or somebody else was faster. */
	if (n > 0)
		n = write_into(vmo, off, (size_t)n, NULL, pa2va(page_pa(pg)));
	page_free(pg);
	return n;
}

/*
 * n bytes within one page.
 *
 * Locks:    at most rank 1.
 * Context:  thread, may sleep, also for others' dirty pages.
 * Returns:  bytes moved, 0: the file has been cut; -EFAULT, -EIO, -ENOSPC.
 */
ssize_t
vmo_write_file_page(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio)
{
	struct vm_page *pg = NULL;

	if (n == PAGE_SIZE) {
		spin_lock(&vmo->lock);
		pg = cache_lookup(vmo, off >> PAGE_SHIFT);
		spin_unlock(&vmo->lock);
	}
	if (n == PAGE_SIZE && pg == NULL)
		return write_whole(vmo, off, uio);
	return write_into(vmo, off, n, uio, NULL);
}
