/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmobytes.c: bytes into and out of memory objects
 *
 * Problem   read() and write() copy between pages of an object and memory of the
 *           caller, which may be mapped to the very same pages.  One page at a
 *           time they would spend more on locks than on bytes.
 *
 * Picture   object ─ 16 pages at hand, pinned in one hold ─→ uio_move ─→ user
 *                  └ the first is not: read, made, a hole ─┘
 *
 * Rules     1. Pages are pinned and filled before a byte moves, with no lock held
 *              but the file's own (rank 1): nobody waits for himself.
 *           2. A run ends at a page that is not at hand, and where frames are low.
 *           3. A page of a file has its place on disk before it becomes dirty.
 *           4. What comes short ends the call short.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"

#define RUN_MAX 16 /* pages held at once: R9 */

/* ---- runs ---- */

/* Pin the pages from off on that are at hand, for n bytes at most; of a file, those to
 * be written only where they may become dirty as they are. */
static unsigned
hold_run(struct vmo *vmo, uint64_t off, size_t n, enum uio_dir dir,
    struct vm_page **page)
{
	bool place = dir == UIO_GET && vmo->type == VMO_VNODE;
	uint64_t idx = off >> PAGE_SHIFT;
	unsigned max, held;

	n += off & PAGE_MASK;
	max = (unsigned)MIN(PAGE_UP(n) >> PAGE_SHIFT, (size_t)RUN_MAX);
	if (frames_are_low())
		max = 1; /* rule a of token.c: they are held in a wait */
	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	vmo_at_hand(vmo, idx, max, page);
	for (held = 0; held < max && page[held] != NULL; held++) {
		if (place && !cache_has_place(vmo, idx + held, page[held]))
			break;
		page_pin_locked(page[held]);
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (vmo->type == VMO_VNODE)
		EVENT_ADD(cache_hit, held);
	return held;
}

/* n bytes at most between held pages, the first of which holds off, and uio. */
static ssize_t
move_run(struct vm_page **page, unsigned held, uint64_t off, size_t n,
    struct uio *uio, enum uio_dir dir)
{
	size_t done = 0, at, part;
	ssize_t r = 0;
	unsigned i;

	for (i = 0; i < held && done < n; i++) {
		at = (off + done) & PAGE_MASK;
		part = MIN(n - done, PAGE_SIZE - at);
		r = uio_move(uio, (char *)pa2va(page_pa(page[i])) + at, part,
		    dir);
		if (r <= 0)
			break;
		done += (size_t)r;
		if ((size_t)r < part)
			break;
	}
	vm_unpin_user(page, held, dir == UIO_GET);
	return done > 0 ? (ssize_t)done : r;
}

/* ---- a page alone ---- */

/* Within one page of a file that exists: read if need be, and with its place on disk
 * before it becomes dirty. */
static ssize_t
write_into(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio)
{
	uint64_t idx = off >> PAGE_SHIFT;
	struct vm_page *pg;
	uint32_t seq;
	int r;

	r = cache_get(vmo, idx, CACHE_READ, &pg);
	if (r != 0)
		return r;
	r = cache_extend(vmo, idx, pg, &seq);
	if (r == 0)
		return move_run(&pg, 1, off, n, uio, UIO_GET);
	page_unpin(pg);
	return r;
}

/* A whole page that is absent need not be read.  The frame is filled before it is in
 * the tree: the source may be a mapping of this very page. */
static ssize_t
write_whole(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	uint64_t idx = off >> PAGE_SHIFT;
	struct vm_page *pg = NULL;
	struct uio filled;
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
	if (n > 0) {
		uio_init_kernel(&filled, pa2va(page_pa(pg)), (size_t)n);
		n = write_into(vmo, off, (size_t)n, &filled);
	}
	page_free(pg);
	return n;
}

/* Bytes within the page of off, which is read or made.  0: the end has come nearer. */
static ssize_t
move_page(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio,
    enum uio_dir dir)
{
	uint64_t idx = off >> PAGE_SHIFT;
	struct vm_page *pg;
	ssize_t r;

	n = MIN(n, PAGE_SIZE - (off & PAGE_MASK));
	if (vmo->type == VMO_AOBJ)
		r = anon_page(vmo, idx, dir == UIO_GET ? ANON_CREATE :
		    ANON_FIND, &pg);
	else if (dir == UIO_PUT)
		r = cache_get(vmo, idx, CACHE_READ, &pg);
	else
		r = n == PAGE_SIZE && !cache_is_resident(vmo, idx) ?
		    write_whole(vmo, off, uio) : write_into(vmo, off, n, uio);
	if (r == 0 && (vmo->type == VMO_AOBJ || dir == UIO_PUT))
		return move_run(&pg, 1, off, n, uio, dir);
	if (r == -ENOENT)
		return uio_zero(uio, n);
	return r == -ENXIO ? 0 : r;
}

/* Run by run; ends short at the end of the object or of the user's memory. */
static ssize_t
move(struct vmo *vmo, uint64_t off, struct uio *uio, enum uio_dir dir)
{
	struct vm_page *page[RUN_MAX];
	uint64_t size;
	size_t done = 0, n;
	unsigned held;
	ssize_t r;

	while (uio->left > 0 && off < (size = vmo_size(vmo))) {
		n = MIN(uio->left, size - off);
		if (dir == UIO_GET && vmo->type == VMO_VNODE)
			pageout_throttle();
		held = hold_run(vmo, off, n, dir, page);
		r = held > 0 ? move_run(page, held, off, n, uio, dir) :
		    move_page(vmo, off, n, uio, dir);
		if (r <= 0)
			return done > 0 ? (ssize_t)done : r;
		done += (size_t)r;
		off += (size_t)r;
		if (thread_is_killed())
			break;
	}
	return (ssize_t)done;
}

/* Bytes from off on into uio, short at the end of the object.  Holes read as zero and
 * stay holes.
 * Locks: at most rank 1 held.  Returns: bytes moved; -EFAULT, -EINTR, -EIO if none. */
ssize_t
vmo_read(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	return move(vmo, off, uio, UIO_PUT);
}

/*
 * Bytes of uio to off on.  The object does not grow: resize first.
 *
 * Locks:    at most rank 1 held.
 * Returns:  bytes moved; -EFAULT, -ENOSPC, -EINTR, -EIO if none.
 */
ssize_t
vmo_write(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	return move(vmo, off, uio, UIO_GET);
}

/* ---- pages ---- */

/* Page pg of an anonymous object exists from now on, zeroed if it did not.
 * Locks: rank 1 for writing.  Returns: 0, -ENOSPC, -EINTR. */
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

/* ---- what others write to the disk ---- */

/* Locks: at most rank 1. */
void
vmo_refresh(struct vmo *vmo, uint64_t off, const void *src, size_t n)
{
	const char *from = src;
	struct vm_page *pg;
	size_t part;
	char *to;

	vm_finish_begin();
	for (; n > 0 && off < vmo_size(vmo); off += part, from += part) {
		part = MIN(n, PAGE_SIZE - (off & PAGE_MASK));
		n -= part;
		if (cache_get(vmo, off >> PAGE_SHIFT, CACHE_FIND, &pg) != 0)
			continue;
		to = (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK);
		if (to != from)
			memcpy(to, from, part);
		page_unpin(pg);
	}
	vm_finish_end();
}

/* The first dirty page of [idx, end), or end: it gets its place when it is written. */
static uint64_t
next_dirty(struct vmo *vmo, uint64_t idx, uint64_t end)
{
	struct vm_page *pg;

	spin_lock(&vmo->lock);
	pg = cache_next(vmo, idx);
	while (pg != NULL && pg->index < end && (pg->flags & PF_DIRTY) == 0)
		pg = cache_next(vmo, pg->index + 1);
	if (pg != NULL)
		end = MIN(end, pg->index);
	spin_unlock(&vmo->lock);
	return end;
}

/* The first page of a file at or after idx that is no hole, or UINT64_MAX. */
static uint64_t
cache_next_data(struct vmo *vmo, uint64_t idx)
{
	uint64_t end = PAGE_UP(vmo_size(vmo)) >> PAGE_SHIFT, n, hole_end;

	while (idx < end && !thread_is_killed()) {
		if (vmo->pager->has(vmo->v.obj, idx))
			return idx;
		n = vmo->pager->hole == NULL ? 1 :
		    MAX(1ul, vmo->pager->hole(vmo->v.obj, idx));
		hole_end = MIN(end, idx + n);
		idx = next_dirty(vmo, idx, hole_end);
		if (idx < hole_end)
			return idx;
	}
	return UINT64_MAX;
}

/* swap_walk.fn: here is one. */
static int
any_word(struct swap_walk *walk, const struct swap_words *w)
{
	return 1;
}

/*
 * Locks:    none of rank >= 3.
 * Returns:  index of the first page at or after pgoff that exists (SEEK_DATA),
 *           or UINT64_MAX.
 */
uint64_t
vmo_next_page(struct vmo *vmo, uint64_t pgoff)
{
	struct swap_walk walk = { .at = pgoff, .fn = any_word };
	int r;

	if (vmo->type == VMO_VNODE)
		return cache_next_data(vmo, pgoff);
	while ((r = anon_words(vmo, VMO_MAX_PAGES, &walk)) == -EAGAIN)
		want_finish(&walk.want);
	want_end(&walk.want);
	return r == 0 ? UINT64_MAX : walk.at;
}
