/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmobytes.c: bytes into and out of memory objects
 *
 * Problem   read() and write() copy between a page of an object and pages of
 *           the caller, which may be mappings of the very same page.
 *
 * Picture   object ─ page, pinned ─→ uio_put, uio_get ─→ user pages, pinned
 *
 * Rules     1. Bytes are copied between pinned pages, with no lock held but the
 *              file's own (rank 1): nobody waits for himself.
 *           2. Page by page; what comes short ends the call short.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/vm.h"
#include "vm/want/want.h"

/* Moves up to n bytes within one page. */
typedef ssize_t page_mover(struct vmo *vmo, uint64_t off, size_t n,
    struct uio *uio);

static page_mover read_page, write_page;
static ssize_t move_pages(struct vmo *vmo, uint64_t off, struct uio *uio,
    page_mover *mover);

/*
 * Bytes from off on into uio, short at the end of the object.  Holes read as
 * zero and stay holes.
 *
 * Locks:    at most rank 1 held.
 * Context:  thread, may sleep.
 * Returns:  bytes moved; -EFAULT, -EINTR, -EIO if none.
 */
ssize_t
vmo_read(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	return move_pages(vmo, off, uio, read_page);
}

/* The page is pinned before uio pins the user's: neither waits for the other. */
static ssize_t
read_page(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio)
{
	struct vm_page *pg;
	ssize_t r;
	int err;

	err = vmo->type == VMO_VNODE ?
	    cache_get(vmo, off >> PAGE_SHIFT, CACHE_READ, &pg) :
	    anon_page(vmo, off >> PAGE_SHIFT, ANON_FIND, &pg);
	if (err == -ENOENT)
		return uio_zero(uio, n);
	if (err == -ENXIO)
		return 0; /* cut since the size was read */
	if (err != 0)
		return err;
	r = uio_put(uio, (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), n);
	page_unpin(pg);
	return r;
}

/*
 * Bytes of uio to off on.  The object does not grow: resize first.
 *
 * Locks:    at most rank 1 held.
 * Context:  thread, may sleep.
 * Returns:  bytes moved; -EFAULT, -ENOSPC, -EINTR, -EIO if none.
 */
ssize_t
vmo_write(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	return move_pages(vmo, off, uio, write_page);
}

/* Page by page; ends short at the end of the object or where a page does. */
static ssize_t
move_pages(struct vmo *vmo, uint64_t off, struct uio *uio, page_mover *mover)
{
	uint64_t size;
	size_t done = 0, n;
	ssize_t r;

	while (uio->left > 0) {
		size = vmo_size(vmo);
		if (off >= size)
			break;
		n = PAGE_SIZE - (off & PAGE_MASK);
		n = MIN(n, MIN(uio->left, size - off));
		r = mover(vmo, off, n, uio);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		done += (size_t)r;
		off += (size_t)r;
		if ((size_t)r < n || thread_is_killed())
			break;
	}
	return (ssize_t)done;
}

static ssize_t
write_page(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio)
{
	struct vm_page *pg;
	ssize_t r;
	int err;

	if (vmo->type == VMO_VNODE)
		return vmo_write_file_page(vmo, off, n, uio);
	err = anon_page(vmo, off >> PAGE_SHIFT, ANON_CREATE, &pg);
	if (err == -ENXIO)
		return 0;
	if (err != 0)
		return err;
	r = uio_get(uio, (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), n);
	page_unpin_dirty(pg);
	return r;
}

/*
 * Page pg of an anonymous object exists from now on, zeroed if it did not.
 *
 * Locks:    rank 1 for writing.
 * Context:  thread, may sleep.
 * Returns:  0, -ENOSPC, -EINTR.
 */
int
vmo_allocate(struct vmo *vmo, uint64_t pg)
{
	struct vm_page *page;
	int r;

	ASSERT(vmo->type == VMO_AOBJ);
	spin_lock(&vmo->lock);
	vmo->a.keep = MAX(vmo->a.keep, pg + 1);
	spin_unlock(&vmo->lock);
	r = anon_page(vmo, pg, ANON_CREATE, &page);
	if (r == 0)
		page_unpin_dirty(page);
	return r;
}

/*
 * Zero bytes within one page.  A page that does not exist stays so.
 *
 * Locks:    at most rank 1.
 * Returns:  0; of a file also -EIO, -EINTR.
 */
int
vmo_zero_part(struct vmo *vmo, uint64_t off, size_t n)
{
	struct vm_page *pg;
	int r;

	if (vmo->type == VMO_VNODE)
		return cache_zero_part(vmo, off, n);
	/* Who dies must finish: what is cut off may not come back. */
	vm_finish_begin();
	r = anon_page(vmo, off >> PAGE_SHIFT, ANON_FIND, &pg);
	vm_finish_end();
	if (r != 0)
		return 0;
	memset((char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), 0, n);
	page_unpin_dirty(pg);
	return 0;
}

/* ---- what others write to the disk ---- */

/* Page idx, pinned, when it is in memory; waits while it is being read. */
static struct vm_page *
find_read(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *pg;
	bool busy = true;

	do {
		spin_lock(&vmo->lock);
		pg = cache_lookup(vmo, idx);
		if (pg != NULL) {
			spin_lock(&pfn_lock);
			busy = pg->state == PG_READING;
			if (!busy)
				page_pin_locked(pg);
			spin_unlock(&pfn_lock);
		}
		spin_unlock(&vmo->lock);
		if (pg != NULL && busy)
			page_wait_plain(pg);
	} while (pg != NULL && busy);
	return pg;
}

/*
 * Locks:    at most rank 1.
 * Context:  thread, may sleep.
 */
void
vmo_refresh(struct vmo *vmo, uint64_t off, const void *src, size_t n)
{
	const char *from = src;
	struct vm_page *pg;
	size_t part;
	char *to;

	for (; n > 0 && off < vmo_size(vmo); off += part, from += part) {
		part = MIN(n, PAGE_SIZE - (off & PAGE_MASK));
		n -= part;
		pg = find_read(vmo, off >> PAGE_SHIFT);
		if (pg == NULL)
			continue;
		to = (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK);
		if (to != from)
			memcpy(to, from, part);
		page_unpin(pg);
	}
}

/* Where the hole that begins at idx ends; idx: it is none. */
static uint64_t
hole_from(struct vmo *vmo, uint64_t idx)
{
	if (vmo->pager->has(vmo->v.obj, idx))
		return idx;
	return vmo->pager->hole == NULL ? idx + 1 :
	    idx + MAX(1ul, vmo->pager->hole(vmo->v.obj, idx));
}

/* The first page in [idx, end) that is in memory, or end; is it dirty? */
static uint64_t
next_resident(struct vmo *vmo, uint64_t idx, uint64_t end, bool *dirty)
{
	struct vm_page *pg;

	spin_lock(&vmo->lock);
	pg = cache_next(vmo, idx);
	idx = pg != NULL ? MIN(end, pg->index) : end;
	*dirty = idx < end && (pg->flags & PF_DIRTY) != 0;
	spin_unlock(&vmo->lock);
	return idx;
}

/* The first page of a file at or after idx that is no hole, or UINT64_MAX. */
static uint64_t
cache_next_data(struct vmo *vmo, uint64_t idx)
{
	uint64_t end = PAGE_UP(vmo_size(vmo)) >> PAGE_SHIFT, hole_end;
	bool dirty;

	while (idx < end && !thread_is_killed()) {
		hole_end = MIN(end, hole_from(vmo, idx));
		if (hole_end == idx)
			return idx;
		/* A page there may be dirty, and get its place when written. */
		while (idx < hole_end) {
			idx = next_resident(vmo, idx, hole_end, &dirty);
			if (dirty)
				return idx;
			idx += idx < hole_end;
		}
	}
	return UINT64_MAX;
}

/*
 * Locks:    none of rank >= 3.
 * Returns:  index of the first page at or after pgoff that exists (SEEK_DATA),
 *           or UINT64_MAX.
 */
uint64_t
vmo_next_page(struct vmo *vmo, uint64_t pgoff)
{
	struct want w = { .what = WANT_AGAIN };
	uint64_t *word, end, found = UINT64_MAX;
	struct vm_page *table;
	int r;

	if (vmo->type == VMO_VNODE)
		return cache_next_data(vmo, pgoff);
	do {
		spin_lock(&vmo->lock);
		r = anon_next_word(vmo, &pgoff, &w, &table, &word);
		end = word == NULL ? pgoff : anon_run_end(pgoff);
		for (; pgoff < end && found == UINT64_MAX; pgoff++, word++)
			if (word_get(word) != 0)
				found = pgoff;
		if (table != NULL)
			kpaged_unpin(table);
		spin_unlock(&vmo->lock);
		if (r != 0)
			want_finish(&w);
	} while (found == UINT64_MAX && pgoff < VMO_MAX_PAGES);
	want_end(&w);
	return found;
}
