/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmobytes.c: bytes into and out of memory objects; their size, and holes
 *
 * Problem   read() and write() copy between pages of an object and memory of the
 *           caller, which may be mapped to the very same pages.  One page at a
 *           time they would spend more on locks than on bytes.  When an object
 *           becomes shorter its pages go, and with them the PTEs in every space
 *           that maps them, while other threads fault, read and write.  The order of
 *           the steps is the same for files and for anonymous objects.
 *
 * Picture   object ─ 16 resident pages, pinned in one hold ─→ uio_move ─→ user
 *                  └ the first is not: read, made, a hole ──┘
 *           vmo_resize ─→ size ─→ words of all maps ─→ pages ─→ the last bytes
 *           vmo_punch  ─→ bytes at the ends ─→ pages ─→ words
 *
 * Rules     1. Pages are pinned and filled before a byte moves, with no lock held
 *              but the file's own (rank 1): nobody waits for himself.
 *           2. A run ends at a page that is not resident, and where frames are low.
 *           3. A page of a file has its place on disk before it becomes dirty.
 *           4. A page that moves only a part of its bytes ends the call.
 *           5. Read-ahead is told how long the call is (vm/swap/ahead.c).
 *           6. The size changes first: no new PTE is made beyond it.  Pages go
 *              last, when no PTE names them.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/cache/cache.h"

#define RUN_MAX 16 /* pages held at once: R9 */

/* ---- runs ---- */

/* Pin the resident pages from off on, for n bytes at most; for a write to a file, only
 * pages that may become dirty as they are. */
static unsigned
hold_run(struct vmo *vmo, uint64_t off, size_t n, enum uio_dir dir,
    struct vm_page **page)
{
	bool place = dir == UIO_GET && vmo->type == VMO_VNODE;
	uint64_t idx = off >> PAGE_SHIFT;
	unsigned max, first, held;

	n += off & PAGE_MASK;
	max = (unsigned)MIN(PAGE_UP(n) >> PAGE_SHIFT, (size_t)RUN_MAX);
	if (max > 1 && frames_are_low())
		max = 1; /* rule a of token.c: pins would be kept in a wait */
	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	/* If one word is absent, the next ones mostly are, too. */
	first = vmo->type == VMO_AOBJ ? 1 : max;
	vmo_at_hand(vmo, idx, first, page);
	if (first < max && page[0] != NULL)
		vmo_at_hand(vmo, idx + 1, max - 1, page + 1);
	for (held = 0; held < max && page[held] != NULL; held++) {
		if (place && !cache_has_place(vmo, idx + held, page[held]))
			break;
		page_pin_locked(page[held]);
	}
	if (held == 0 && vmo->type == VMO_VNODE) {
		vmo->v.ahead.asked_at = ASKED_AT(idx);
		vmo->v.ahead.asked = max & 63;
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (vmo->type == VMO_VNODE)
		EVENT_ADD(cache_hit, held);
	return held;
}

/* Copy at most n bytes between pinned pages, the first of which has off, and uio. */
static ssize_t
move_run(struct vm_page **page, unsigned held, uint64_t off, size_t n,
    struct uio *uio, enum uio_dir dir)
{
	size_t at = off & PAGE_MASK;
	ssize_t r = uio_move_frames(uio, page, at, MIN(n, held * PAGE_SIZE - at),
	    dir);

	page_unpin_run(page, held, dir == UIO_GET ? PAGE_DIRTY : PAGE_CLEAN);
	return r;
}

/* ---- a page alone ---- */

/* Page idx, read or made, pinned; for a write to a file with its blocks on disk.
 * 0; -ENXIO: beyond the end; -ENOENT: a read of a hole. */
static int
get_page(struct vmo *vmo, uint64_t idx, enum uio_dir dir, struct vm_page **pg)
{
	uint64_t seq;
	int r;

	if (vmo->type == VMO_AOBJ)
		return anon_page(vmo, idx, dir == UIO_GET ? ANON_CREATE :
		    ANON_FIND, pg);
	r = cache_get(vmo, idx, CACHE_READ, pg);
	if (r != 0 || dir == UIO_PUT)
		return r;
	r = cache_extend(vmo, idx, *pg, &seq);
	if (r != 0)
		page_unpin(*pg);
	return r;
}

/* Copy bytes within the page of off.  0: the object has been cut. */
static ssize_t
move_page(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio,
    enum uio_dir dir)
{
	struct vm_page *pg;
	int r = get_page(vmo, off >> PAGE_SHIFT, dir, &pg);

	if (r == 0)
		return move_run(&pg, 1, off, n, uio, dir);
	if (r == -ENOENT)
		return uio_zero(uio, n);
	return r == -ENXIO ? 0 : r;
}

/* A frame with all bytes of page idx becomes that page.  1: the object owns it; 0: still
 * the caller, for the page exists, cannot be charged, or has no table; an error:
 * freed. */
static int
enter_page(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	uint64_t seq;
	int r;

	if (vmo->type == VMO_AOBJ)
		return anon_enter(vmo, idx, pg);
	if (!cache_begin_insert(vmo, idx, pg))
		return 0;
	r = cache_extend(vmo, idx, pg, &seq);
	cache_end_insert(vmo, pg, r);
	return r != 0 ? r : 1;
}

/* A whole page that is absent need not be read.  The frame is filled before it is in
 * the object: the source may be a mapping of this very page. */
static ssize_t
write_whole(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	struct vm_page *pg = NULL;
	struct uio filled;
	ssize_t n;
	int r;

	r = page_alloc_wait(PHYS_ANY, &pg);
	if (r != 0)
		return r;
	n = uio_get(uio, pa2va(page_pa(pg)), PAGE_SIZE);
	if (n == (ssize_t)PAGE_SIZE)
		r = enter_page(vmo, off >> PAGE_SHIFT, pg);
	if (r != 0)
		return r < 0 ? r : n;
	/* The source ended early, or another thread was faster. */
	if (n > 0) {
		uio_init_kernel(&filled, pa2va(page_pa(pg)), (size_t)n);
		n = move_page(vmo, off, (size_t)n, &filled, UIO_GET);
	}
	page_free(pg);
	return n;
}

/* As move_page(), of n bytes at most. */
static ssize_t
move_alone(struct vmo *vmo, uint64_t off, size_t n, struct uio *uio,
    enum uio_dir dir)
{
	n = MIN(n, PAGE_SIZE - (off & PAGE_MASK));
	return dir == UIO_GET && n == PAGE_SIZE && (vmo->type == VMO_AOBJ ||
	    !cache_is_resident(vmo, off >> PAGE_SHIFT)) ?
	    write_whole(vmo, off, uio) : move_page(vmo, off, n, uio, dir);
}

/* Copy run by run; short at the end of the object or of the user's memory. */
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
		    move_alone(vmo, off, n, uio, dir);
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

/* Bytes of uio to off on.  The object does not grow: resize first.
 * Locks: at most rank 1 held.
 * Returns: bytes moved; -EFAULT, -ENOSPC, -EINTR, -EIO if none. */
ssize_t
vmo_write(struct vmo *vmo, uint64_t off, struct uio *uio)
{
	return move(vmo, off, uio, UIO_GET);
}

/* Make page pg of an anonymous object, zeroed, if it does not exist.
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

/* What src has is on the disk already: pages that are here get it too, and stay clean.
 * Locks: at most rank 1. */
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

/* The first dirty page of [idx, end), or end: it counts as data though it has no block
 * yet. */
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
		if (vmo->pager->is_allocated(vmo->v.obj, idx))
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

/* swap_walk.fn: the first word ends the walk. */
static int
any_word(struct swap_walk *walk, const struct swap_words *w)
{
	return 1;
}

/* Locks: none of rank >= 3.
 * Returns: index of the first page at or after pgoff that exists (SEEK_DATA), or
 * UINT64_MAX. */
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

/* ---- size, holes ---- */

/* Zero bytes within one page, if it exists.  0; of a file also -EIO, -EINTR. */
static int
zero_part(struct vmo *vmo, uint64_t off, size_t n)
{
	struct vm_page *pg;
	int r;

	if (vmo->type == VMO_VNODE)
		return cache_zero_part(vmo, off, n);
	/* Even a dying thread must finish: cut bytes may not come back. */
	vm_finish_begin();
	r = anon_page(vmo, off >> PAGE_SHIFT, ANON_FIND, &pg);
	vm_finish_end();
	if (r != 0)
		return 0;
	memset((char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), 0, n);
	page_unpin_dirty(pg);
	return 0;
}

/* Cut or extend (book: truncate).
 * Locks: rank 1 (the caller's vnode lock keeps other resizes and writes away); none of
 * rank >= 3.
 * Returns: 0; of a file also -EIO (its last page), -EINTR. */
int
vmo_resize(struct vmo *vmo, uint64_t bytes)
{
	struct zap_range z = { .hi = VMO_MAX_PAGES, .how = ZAP_EVEN_PRIVATE };
	bool file = vmo->type == VMO_VNODE;
	struct vm_page *tail = NULL;
	uint64_t old, keep = 0;
	bool cuts, grown;
	int r = 0;

	if (file)
		r = cache_cut_begin(vmo, bytes, &tail);
	if (r != 0)
		return r;
	spin_lock(&vmo->lock);
	old = vmo->size;
	vmo->size = bytes;
	z.seq = ++vmo->resize_seq;
	if (!file && bytes <= old) {
		keep = vmo->a.keep;
		vmo->a.keep = 0;
	}
	grown = file && cache_grown_locked(vmo, old);
	cuts = bytes < old || keep != 0;
	vmo->cuts += cuts;
	spin_unlock(&vmo->lock);
	EVENT(cache_resize, vmo, old, bytes);
	if (grown)
		cache_clean_links(vmo, old >> PAGE_SHIFT,
		    (old >> PAGE_SHIFT) + 1);
	if (!cuts)
		return 0;
	z.lo = PAGE_UP(bytes) >> PAGE_SHIFT;
	EVENT(cache_zap, vmo, z.lo, z.hi);
	vmo_zap_links(vmo, &z);
	if (file)
		cache_cut_end(vmo, bytes, tail);
	else
		anon_truncate(vmo, z.lo, z.hi);
	spin_lock(&vmo->lock);
	vmo->cuts--;
	spin_unlock(&vmo->lock);
	if (!file && (bytes & PAGE_MASK) != 0)
		return zero_part(vmo, bytes, PAGE_SIZE - (bytes & PAGE_MASK));
	return 0;
}

/* Clear the PTEs of whole pages in all mappings; private copies stay. */
static void
zap_hole(struct vmo *vmo, struct zap_range *z)
{
	spin_lock(&vmo->lock);
	z->seq = ++vmo->resize_seq;
	spin_unlock(&vmo->lock);
	EVENT(cache_zap, vmo, z->lo, z->hi);
	vmo_zap_links(vmo, z);
}

/* Whole pages go before their mappings: a fault in between makes a new page, whose PTE is
 * cleared with the rest; that costs a fault and nothing else.  In a file such a fault
 * would read bytes that the hole removes, so it waits (vm/cache/fileend.c). */
static int
punch_pages(struct vmo *vmo, struct zap_range *z)
{
	int r;

	if (vmo->type != VMO_VNODE) {
		anon_truncate(vmo, z->lo, z->hi);
		zap_hole(vmo, z);
		return 0;
	}
	r = cache_hole_begin(vmo, z->lo, z->hi);
	if (r != 0)
		return r;
	cache_truncate(vmo, z->lo, z->hi);
	zap_hole(vmo, z);
	return cache_hole_end(vmo);
}

/* Make a hole: [off, off + len) reads as zero, whole pages are freed.
 * Locks: rank 1; none of rank >= 3.
 * Returns: 0; -EOPNOTSUPP: the file can have no holes; -EIO, -EINTR: a part is not
 * done. */
int
vmo_punch(struct vmo *vmo, uint64_t off, uint64_t len)
{
	struct zap_range z = { .how = ZAP_SHARED_ONLY };
	uint64_t end = PAGE_UP(vmo_size(vmo));
	int r = 0;

	if (vmo->type == VMO_VNODE && vmo->pager->free == NULL)
		return -EOPNOTSUPP;
	if (vmo->type == VMO_AOBJ)
		end = MAX(end, atomic_load(&vmo->a.keep) << PAGE_SHIFT);
	end = MIN(off + len, end);
	if (off >= end)
		return 0;
	z.lo = PAGE_UP(off) >> PAGE_SHIFT;
	z.hi = end >> PAGE_SHIFT;
	if (z.lo > z.hi)
		return zero_part(vmo, off, end - off);
	if ((off & PAGE_MASK) != 0)
		r = zero_part(vmo, off, PAGE_SIZE - (off & PAGE_MASK));
	if (r == 0 && (end & PAGE_MASK) != 0)
		r = zero_part(vmo, PAGE_DOWN(end), end & PAGE_MASK);
	if (r == 0 && z.lo < z.hi)
		r = punch_pages(vmo, &z);
	return r;
}
