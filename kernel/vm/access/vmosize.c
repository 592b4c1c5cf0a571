/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmosize.c: objects are cut, grown and get holes
 *
 * Problem   When an object becomes shorter its pages go, and with them the
 *           words in every space that maps them; meanwhile others fault, read
 *           and write.  Files and anonymous objects differ in what a page is
 *           kept in, not in the order of the steps.
 *
 * Picture   vmo_resize ─→ size ─→ words of all maps ─→ pages ─→ the last bytes
 *           vmo_punch  ─→ bytes at the ends ─→ pages ─→ words
 *
 * Rules     1. The size changes first: no new word is made beyond it.
 *           2. Pages go last, when no word names them; in a hole a fault in
 *              between makes a new page, which costs a fault and nothing else.
 */
#include "lib/string.h"
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/vm.h"

/* Zero bytes within one page, if it exists.  0; of a file also -EIO, -EINTR. */
static int
zero_part(struct vmo *vmo, uint64_t off, size_t n)
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

/*
 * Cut or extend (book: truncate).
 *
 * Locks:    rank 1 (the caller's vnode lock keeps other resizes and writes
 *           away); none of rank >= 3.
 * Returns:  0, -EFBIG; of a file also -EIO (its last page), -EINTR.
 */
int
vmo_resize(struct vmo *vmo, uint64_t bytes)
{
	struct zap_range z = { .hi = VMO_MAX_PAGES, .how = ZAP_EVEN_PRIVATE };
	bool file = vmo->type == VMO_VNODE;
	struct vm_page *tail = NULL;
	uint64_t old, keep = 0;
	bool cuts, grown;
	int r = 0;

	if (bytes > VMO_MAX_PAGES << PAGE_SHIFT)
		return -EFBIG;
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

/* Take the mappings of whole pages away, private copies stay. */
static void
zap_hole(struct vmo *vmo, struct zap_range *z)
{
	spin_lock(&vmo->lock);
	z->seq = ++vmo->resize_seq;
	spin_unlock(&vmo->lock);
	EVENT(cache_zap, vmo, z->lo, z->hi);
	vmo_zap_links(vmo, z);
}

/* Whole pages go before their mappings: a fault in between makes a new page, and its
 * word is taken away with the rest, which costs a fault and nothing else.  In a file
 * such a fault would read what the hole is to free, so it waits (vm/cache/hole.c). */
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

/*
 * Make a hole: [off, off + len) reads as zero, whole pages are freed.
 *
 * Locks:    rank 1; none of rank >= 3.
 * Returns:  0; -EOPNOTSUPP: the file has no holes; -EIO, -EINTR: some of it is
 *           not made.
 */
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
