/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmo.c: memory objects: references, size, bytes, mappings of them
 *
 * Problem   Files of tmpfs, memfds and shared memory are read and written by
 *           calls, mapped by many spaces and cut while all this goes on.  A
 *           page behind the end may not stay mapped anywhere, and a copy may
 *           not deadlock when source and destination are the same page.
 *
 * Picture   VAD ─┐
 *           VAD ─┼ref→ vmo ── maps ─→ vm_maplink ⇄ vm_maplink …  one per VAD
 *           file ┘       └─ pages: anon.c
 *
 *           shrink:  size, resize_seq ─→ zap each link ─→ free pages ─→ tail
 *                       [O]               [X] [W]            [O]
 *
 * Rules     1. The size is cut before the first word is taken away.  A fault
 *              installs in the hold of [W] in which it read the size, so its
 *              word is either seen by the zap or never made (R7).
 *           2. A link whose zap_seq is resize_seq has been done; a new link is
 *              born done.  So a zap that had to drop [X] can start again.
 *           3. Bytes are copied between pinned pages, with no lock held.
 *
 * Read next vm/anon.c, vm/design/fmo/zap.c, vm/pin.c (uio).  Book: ch08.
 */
#include "lib/string.h"
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

/* Pages of an object whose mappings go. */
struct zap_range {
	uint64_t lo, hi;      /* pgoff */
	uint32_t seq;
	enum zap_how how;
};

/* Moves up to n bytes within one page. */
typedef ssize_t page_mover(struct vmo *vmo, uint64_t off, size_t n,
    struct uio *uio);

static struct {
	struct mutex lock;    /* rank 3 */
	struct list all;      /* every object */
} vmos = {
	.lock = MUTEX_INIT(vmos.lock, LR_KMAP),
	.all = LIST_INIT(vmos.all),
};

static struct vmo *vmo_register(struct vmo *vmo);
static void zap_links(struct vmo *vmo, const struct zap_range *z);
static bool zap_some(struct vmo *vmo, const struct zap_range *z);
static int zap_link(struct vm_maplink *link, const struct zap_range *z);
static void zero_part(struct vmo *vmo, uint64_t off, size_t n);
static page_mover read_page, write_page;
static ssize_t move_pages(struct vmo *vmo, uint64_t off, struct uio *uio,
    page_mover *mover);

/* ---- life ---- */

/*
 * Anonymous object of a file; each page is charged when it is made.
 *
 * Locks:    none of rank >= 3.
 * Owns:     the caller, the only reference.
 * Returns:  NULL: no memory.
 */
struct vmo *
vmo_create_anon(uint64_t bytes, const struct vmo_client_ops *ops, void *client)
{
	struct vmo *vmo = anon_create(bytes);

	if (vmo == NULL)
		return NULL;
	vmo->client_ops = ops;
	vmo->client = client;
	return vmo_register(vmo);
}

/*
 * Object of a MAP_SHARED|MAP_ANONYMOUS mapping, paid for as a whole.
 *
 * Locks:    none of rank >= 3.
 * Owns:     the caller, the only reference; the object takes over the charge
 *           of its size, which the caller has made.
 * Returns:  NULL: no memory, the charge stays the caller's.
 */
struct vmo *
vmo_create_shared_anon(uint64_t bytes)
{
	struct vmo *vmo = anon_create(bytes);

	if (vmo == NULL)
		return NULL;
	vmo->charged_whole = 1;
	vmo->a.charged = PAGE_UP(bytes) >> PAGE_SHIFT;
	return vmo_register(vmo);
}

static struct vmo *
vmo_register(struct vmo *vmo)
{
	mutex_lock(&vmos.lock);
	list_push_back(&vmos.all, &vmo->all);
	mutex_unlock(&vmos.lock);
	return vmo;
}

/*
 * Locks:    any; the caller has a reference or the object's VAD.
 */
void
vmo_get(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) > 0);
	atomic_add(&vmo->refs, 1);
}

/*
 * Locks:    none of rank >= 3.
 * Context:  the last one frees all pages.
 */
void
vmo_put(struct vmo *vmo)
{
	if (atomic_sub(&vmo->refs, 1) > 0)
		return;
	mutex_lock(&vmos.lock);
	list_remove(&vmo->all);
	mutex_unlock(&vmos.lock);
	anon_put(vmo);
}

/*
 * Call fn for every object.
 *
 * Locks:    rank 3 is held around fn, which may take [X] and [O].
 */
void
vmo_walk(void (*fn)(struct vmo *, void *), void *arg)
{
	struct vmo *vmo;

	mutex_lock(&vmos.lock);
	LIST_FOREACH(vmo, &vmos.all, all)
		fn(vmo, arg);
	mutex_unlock(&vmos.lock);
}

/*
 * No object comes or goes, and vmo_walk_locked() may be used, until
 * vmo_unlock_all(): for vm_check.
 *
 * Locks:    none of rank >= 3; afterwards the list lock, rank 3.
 */
void
vmo_lock_all(void)
{
	mutex_lock(&vmos.lock);
}

void
vmo_unlock_all(void)
{
	mutex_unlock(&vmos.lock);
}

/* Locks: vmo_lock_all(); fn may take [O]. */
void
vmo_walk_locked(void (*fn)(struct vmo *, void *), void *arg)
{
	struct vmo *vmo;

	ASSERT(mutex_is_mine(&vmos.lock));
	LIST_FOREACH(vmo, &vmos.all, all)
		fn(vmo, arg);
}

/*
 * Locks:    none of rank >= 7.
 * Returns:  bytes.
 */
uint64_t
vmo_size(struct vmo *vmo)
{
	return atomic_load(&vmo->size);
}

/*
 * Who has nothing but his own reference knows that nobody maps it.
 *
 * Locks:    none of rank >= 7.
 * Returns:  references.
 */
uint32_t
vmo_refs(struct vmo *vmo)
{
	return atomic_load(&vmo->refs);
}

/*
 * Locks:    none of rank >= 7.
 * Returns:  pages that exist.
 */
uint64_t
vmo_pages(struct vmo *vmo)
{
	return atomic_load(&vmo->a.n_pages);
}

/*
 * The file is going away; mappings and descriptors may live on.
 *
 * Locks:    none of rank >= 7.
 */
void
vmo_forget_client(struct vmo *vmo)
{
	spin_lock(&vmo->lock);
	vmo->client_ops = NULL;
	vmo->client = NULL;
	spin_unlock(&vmo->lock);
}

/* ---- mappings ---- */

/*
 * List a mapping; from now on a truncate finds its words.
 *
 * Locks:    none of rank >= 4; takes [X].
 */
void
vmo_link(struct vmo *vmo, struct vm_maplink *link)
{
	mutex_lock(&vmo->maps_lock);
	spin_lock(&vmo->lock);
	link->zap_seq = vmo->resize_seq;
	spin_unlock(&vmo->lock);
	list_push_back(&vmo->maps, &link->node);
	mutex_unlock(&vmo->maps_lock);
}

/*
 * The mapping has no words left.
 *
 * Locks:    none of rank >= 4; takes [X].
 */
void
vmo_unlink(struct vmo *vmo, struct vm_maplink *link)
{
	mutex_lock(&vmo->maps_lock);
	list_remove(&link->node);
	mutex_unlock(&vmo->maps_lock);
}

/*
 * Locks:    none of rank >= 4; takes [X].
 * Returns:  some mapping is shared and may be written.
 */
bool
vmo_is_mapped_writable(struct vmo *vmo)
{
	struct vm_maplink *link;
	bool found = false;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node)
		found |= link->nwr != 0;
	mutex_unlock(&vmo->maps_lock);
	return found;
}

/*
 * Take the words of a range away in every space.  A zap that lacks an entry
 * page lets go of [X] while somebody brings it, and starts the list again.  No
 * lock of rank >= 4 held.
 */
static void
zap_links(struct vmo *vmo, const struct zap_range *z)
{
	while (!zap_some(vmo, z))
		sched_yield();
}

/* One walk over the links.  True: all have been done. */
static bool
zap_some(struct vmo *vmo, const struct zap_range *z)
{
	struct vm_maplink *link;
	bool done = true;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node) {
		if (link->zap_seq == z->seq)
			continue;
		done = zap_link(link, z) == 0;
		if (!done)
			break;
		link->zap_seq = z->seq;
	}
	mutex_unlock(&vmo->maps_lock);
	return done;
}

/* [X] held.  0, -EAGAIN. */
static int
zap_link(struct vm_maplink *link, const struct zap_range *z)
{
	uint64_t pages = link->end - link->start;
	uint64_t lo = MAX(z->lo, link->off);
	uint64_t hi = MIN(z->hi, link->off + pages);

	if (lo >= hi)
		return 0;
	return link->as->ops->zap(link->as, link, link->start + lo - link->off,
	    link->start + hi - link->off, z->how);
}

/* ---- size ---- */

/*
 * Cut or extend; vmm.md 4.8.
 *
 * Locks:    rank 1 (the caller's vnode lock keeps other resizes and writes
 *           away); none of rank >= 3.
 * Context:  thread, may sleep.
 * Returns:  0, -EFBIG.
 */
int
vmo_resize(struct vmo *vmo, uint64_t bytes)
{
	struct zap_range z = { .hi = VMO_MAX_PAGES, .how = ZAP_EVEN_PRIVATE };
	uint64_t old;

	if (bytes > VMO_MAX_PAGES << PAGE_SHIFT)
		return -EFBIG;
	spin_lock(&vmo->lock);
	old = vmo->size;
	vmo->size = bytes;
	z.seq = ++vmo->resize_seq;
	spin_unlock(&vmo->lock);
	EVENT(cache_resize, vmo, old, bytes);
	if (bytes >= old)
		return 0;
	z.lo = PAGE_UP(bytes) >> PAGE_SHIFT;
	EVENT(cache_zap, vmo, z.lo, z.hi);
	zap_links(vmo, &z);
	anon_truncate(vmo, z.lo, z.hi);
	if ((bytes & PAGE_MASK) != 0)
		zero_part(vmo, bytes, PAGE_SIZE - (bytes & PAGE_MASK));
	return 0;
}

/*
 * Make a hole: [off, off + len) reads as zero, whole pages are freed.  Pages go
 * before their mappings: a fault in between makes a new page, and its word is
 * taken away with the rest, which costs a fault and nothing else.
 *
 * Locks:    rank 1; none of rank >= 3.
 * Context:  thread, may sleep.
 * Returns:  0.
 */
int
vmo_punch(struct vmo *vmo, uint64_t off, uint64_t len)
{
	struct zap_range z = { .how = ZAP_SHARED_ONLY };
	uint64_t end = MIN(off + len, PAGE_UP(vmo_size(vmo)));

	if (off >= end)
		return 0;
	z.lo = PAGE_UP(off) >> PAGE_SHIFT;
	z.hi = end >> PAGE_SHIFT;
	if (z.lo > z.hi) {
		zero_part(vmo, off, end - off);
		return 0;
	}
	if ((off & PAGE_MASK) != 0)
		zero_part(vmo, off, PAGE_SIZE - (off & PAGE_MASK));
	if ((end & PAGE_MASK) != 0)
		zero_part(vmo, PAGE_DOWN(end), end & PAGE_MASK);
	anon_truncate(vmo, z.lo, z.hi);
	spin_lock(&vmo->lock);
	z.seq = ++vmo->resize_seq;
	spin_unlock(&vmo->lock);
	EVENT(cache_zap, vmo, z.lo, z.hi);
	zap_links(vmo, &z);
	return 0;
}

/* Zero bytes within one page, if the page exists. */
static void
zero_part(struct vmo *vmo, uint64_t off, size_t n)
{
	struct vm_page *pg;

	if (anon_page(vmo, off >> PAGE_SHIFT, ANON_FIND, &pg) != 0)
		return;
	memset((char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), 0, n);
	page_unpin(pg, true);
}

/* ---- bytes ---- */

/*
 * Bytes from off on into uio, short at the end of the object.  Holes read as
 * zero and stay holes.
 *
 * Locks:    at most rank 1 held.
 * Context:  thread, may sleep.
 * Returns:  bytes moved; -EFAULT, -EINTR if none.
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

	err = anon_page(vmo, off >> PAGE_SHIFT, ANON_FIND, &pg);
	if (err == -ENOENT)
		return uio_zero(uio, n);
	if (err == -ENXIO)
		return 0; /* cut since the size was read */
	if (err != 0)
		return err;
	r = uio_put(uio, (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), n);
	page_unpin(pg, false);
	return r;
}

/*
 * Bytes of uio to off on.  The object does not grow: resize first.
 *
 * Locks:    at most rank 1 held.
 * Context:  thread, may sleep.
 * Returns:  bytes moved; -EFAULT, -ENOSPC, -EINTR if none.
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
		if ((size_t)r < n)
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

	err = anon_page(vmo, off >> PAGE_SHIFT, ANON_CREATE, &pg);
	if (err == -ENXIO)
		return 0;
	if (err != 0)
		return err;
	r = uio_get(uio, (char *)pa2va(page_pa(pg)) + (off & PAGE_MASK), n);
	page_unpin(pg, true);
	return r;
}

/*
 * Locks:    none of rank >= 3.
 * Returns:  index of the first page at or after pgoff that exists (SEEK_DATA),
 *           or UINT64_MAX.
 */
uint64_t
vmo_next_page(struct vmo *vmo, uint64_t pgoff)
{
	uint64_t *word, end, found = UINT64_MAX;
	struct vm_page *table;

	spin_lock(&vmo->lock);
	while (found == UINT64_MAX) {
		word = anon_next_word(vmo, &pgoff, &table);
		if (word == NULL)
			break;
		for (end = anon_run_end(pgoff); pgoff < end; pgoff++, word++) {
			if (word_get(word) == 0)
				continue;
			found = pgoff;
			break;
		}
		if (table != NULL)
			kpaged_unpin(table, false);
	}
	spin_unlock(&vmo->lock);
	return found;
}

/*
 * Make the tables that a fault found missing.  The mapping is looked up anew:
 * it may have gone since, and then the next pass says so.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Returns:  0: start the fault again; -ENOSPC (SIGBUS), -EINTR.
 */
int
anon_fault_path(struct fctx *f)
{
	uint64_t vpn = f->va >> PAGE_SHIFT, pgoff = 0;
	struct vmo *vmo = NULL;
	struct vad *v;
	int r;

	rw_lock_read(&f->as->map_lock);
	v = vad_find(f->as, vpn);
	if (v != NULL && v->vmo != NULL && v->vmo->type == VMO_AOBJ) {
		vmo = v->vmo;
		pgoff = v->off + vpn - v->start;
		vmo_get(vmo);
	}
	rw_unlock_read(&f->as->map_lock);
	if (vmo == NULL)
		return 0;
	r = anon_make_path(vmo, pgoff);
	vmo_put(vmo);
	return r == -ENOMEM ? -ENOSPC : r;
}
