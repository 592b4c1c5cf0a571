/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadmem.c: memory of VADs, paged except for the first few, and of their maplinks
 *
 * Problem   65,530 mappings are 6 MB of VADs.  A process that sleeps does not
 *           need them, so they may go to swap; but the record of which VADs of
 *           a page are in use must be there without waiting for that page.
 *           A VAD with an object has a second half, the maplink, by which the
 *           object finds its mappings: it stays in memory.
 *
 * Picture   aspace ──→ vad_page ───→ vad_page …       non-paged, 40 B each
 *                      free 0010…    free 1011…
 *                        │ kva         │ kva
 *                        │             v
 *                        │      |VAD|VAD|   |VAD| … 42 of them |owner|   paged
 *                        v                                               4 KiB
 *                 |VAD|VAD|   |VAD| … 8 of them |owner|     a block, non-paged
 *
 *           VAD ─→ vmo
 *             └──→ maplink {as, start, end, off} on vmo->maps           non-paged
 *
 * Why one pool for each space, not one for all:
 *           the VADs of one process lie together, so they come and go together,
 *           and a process that runs keeps nobody else's VADs in memory; a
 *           page that cannot be read from swap costs one process, not forty;
 *           and the end of a process finds all its VADs without the tree.
 *           The price: half a page, on average, per process.
 *
 * Why the first few are not paged:
 *           most processes have no more than 16, and a page for so few would
 *           be mostly empty: two blocks hold 16, in a third of a page.
 *
 * Rules     1. Pages are charged one by one and given back when empty.  Blocks
 *              are not charged, and stay as long as the space.
 *           2. Nothing in a page is touched with the pool's lock held, nor
 *              anywhere else with a lock of rank >= 3 (vm/fault/kpagedfault.c).
 *           3. A page that could not be read is lost: it is all zero, each VAD
 *              in it an empty range.  LOST_VADS says so; the process gets
 *              SIGKILL at its next fault or at the end of its system call.  The
 *              tree of such a space is wrong, so nothing asserts it;
 *              vadpool_end() frees the rest by the pool's own records.
 *           4. vad_free() may drop the last reference to the object, so it is
 *              called with no lock of rank >= 2.
 *           5. A maplink, not its VAD, is read under [X], where nobody may
 *              wait.  It is unlisted only when no PTE of the range is left: a
 *              truncate must find all that is mapped.
 *
 * Read next vadview.c
 */
#include "vm/design/design.h"
#include "vm/map/map.h"

#define BLOCKS 2u        /* that a space has before its first page */
#define PER_BLOCK 8
#define PER_PAGE ((PAGE_SIZE - sizeof(struct vad_page *)) / sizeof(struct vad))

#define MAX_AT_BOOT 65530u /* as on Linux */

static _Atomic uint32_t most_vads = MAX_AT_BOOT; /* [A] */

/* The record of a page or a block. */
struct vad_page {
	struct list_node node;   /* [pool] of as->map.pool, full ones last */
	struct aspace *as;       /* [c] */
	va_t kva;                /* [c] */
	uint64_t free;           /* [pool] a bit for each free place; 0: full */
};

struct vad_block {
	struct vad vads[PER_BLOCK];
	struct vad_page *owner;  /* [c] */
};

static struct kmem_cache pages = KMEM_CACHE("vad-page", struct vad_page);
static struct kmem_cache blocks = KMEM_CACHE("vad-block", struct vad_block);
static struct kmem_cache links = KMEM_CACHE("maplink", struct vm_maplink);

/* The pointer to the record, behind the VADs of v's page or block.  It is NULL in a page
 * that was lost. */
static struct vad_page **
owner_of(const struct vad *v)
{
	if (!kpaged_has((va_t)v))
		return &((struct vad_block *)kmem_object_of(v))->owner;
	return (struct vad_page **)(PAGE_DOWN((va_t)v) + PAGE_SIZE) - 1;
}

/* All places of a page or block. */
static uint64_t
places_of(const struct vad_page *p)
{
	return BIT(kpaged_has(p->kva) ? PER_PAGE : PER_BLOCK) - 1;
}

static struct vad_page *
page_at(struct list_node *n)
{
	return LIST_ENTRY(n, struct vad_page, node);
}

/* ---- their pages: taking ---- */

/* A free place in a page that exists; 0: there is none. */
static va_t
take_place(struct vad_pool *pool)
{
	struct vad_page *p;
	va_t kva = 0;
	unsigned i;

	spin_lock(&pool->lock);
	p = list_is_empty(&pool->pages) ? NULL : page_at(pool->pages.head.next);
	if (p != NULL && p->free != 0) {
		i = (unsigned)__builtin_ctzl(p->free);
		p->free &= p->free - 1;
		kva = p->kva + i * sizeof(struct vad);
		if (p->free == 0) {
			list_remove(&p->node);
			list_push_back(&pool->pages, &p->node);
		}
	}
	spin_unlock(&pool->lock);
	return kva;
}

/* Memory for a page, charged, or for a block.  No lock of rank >= 3.  0: none. */
static va_t
alloc_places(struct vad_pool *pool)
{
	va_t kva;

	/* Two calls at once may make a block too many. */
	if (atomic_load(&pool->nblocks) < BLOCKS) {
		kva = (va_t)kmem_cache_alloc(&blocks);
		atomic_add(&pool->nblocks, kva != 0);
		return kva;
	}
	if (commit_charge(1) != 0)
		return 0;
	kva = kpaged_alloc(1);
	if (kva == 0)
		commit_uncharge(1);
	return kva;
}

/* Add a page or a block.  No lock of rank >= 3.  False: no memory. */
static bool
add_page(struct aspace *as)
{
	struct vad_page *p = kmem_cache_zalloc(&pages);

	if (p == NULL)
		return false;
	p->as = as;
	p->kva = alloc_places(&as->map.pool);
	if (p->kva == 0) {
		kmem_cache_free(&pages, p);
		return false;
	}
	p->free = places_of(p);
	*owner_of((struct vad *)p->kva) = p;
	spin_lock(&as->map.pool.lock);
	list_push_front(&as->map.pool.pages, &p->node);
	spin_unlock(&as->map.pool.lock);
	return true;
}

/* ---- their pages: giving back ---- */

static void
free_page(struct vad_page *p)
{
	if (kpaged_has(p->kva)) {
		kpaged_free(p->kva, 1);
		commit_uncharge(1);
	} else {
		kmem_cache_free(&blocks, (void *)p->kva);
		atomic_sub(&p->as->map.pool.nblocks, 1);
	}
	kmem_cache_free(&pages, p);
}

/* Free the VAD's memory, and its page if that is empty now.  False: the page was lost,
 * and stays until vadpool_end().  No lock of rank >= 3. */
static bool
give(struct vad *v)
{
	struct vad_page *p = *owner_of(v);
	struct vad_pool *pool;
	bool empty;

	if (p == NULL)
		return false;
	pool = &p->as->map.pool;
	spin_lock(&pool->lock);
	p->free |= BIT(((va_t)v - p->kva) / sizeof(*v));
	empty = p->free == places_of(p) && kpaged_has(p->kva);
	list_remove(&p->node);
	if (!empty)
		list_push_front(&pool->pages, &p->node);
	spin_unlock(&pool->lock);
	if (empty)
		free_page(p);
	return true;
}

/* Free what is left when a space ends: nothing, unless a page was lost.
 * Locks: none of rank >= 2.  Returns: VADs that had not been freed. */
unsigned
vadpool_end(struct aspace *as)
{
	struct list_node *n;
	struct vad_page *p;
	unsigned left = 0;

	while ((n = list_pop_front(&as->map.pool.pages)) != NULL) {
		p = page_at(n);
		for (; p->free != places_of(p); p->free |= p->free + 1)
			left++;
		free_page(p);
	}
	return left;
}

/* ---- lost pages ---- */

/* With the list's spin lock held: the space cannot end meanwhile. */
static bool
has_page(struct aspace *as, void *arg)
{
	const va_t kva = PAGE_DOWN(*(va_t *)arg);
	struct list_node *n = as->map.pool.pages.head.next;
	bool found = false;

	spin_lock_nested(&as->map.pool.lock);
	for (; !found && n != &as->map.pool.pages.head; n = n->next)
		found = page_at(n)->kva == kva;
	spin_unlock(&as->map.pool.lock);
	if (found)
		as_lose(as, LOST_VADS);
	return found;
}

/* A page of the region could not be read and is zero now: which space had its VADs?
 * Locks: none of rank >= 9.  Returns: false: it holds no VADs. */
bool
vadpool_lost(va_t kva)
{
	if (as_find(has_page, &kva) == NULL)
		return false;
	EVENT(vad_lost);
	klog("vadpool: mappings of a process could not be read: it is killed");
	return true;
}

/* Are all VADs of the space in memory, to stay while the kernel [W] is held?  They are
 * mapped then: for vm_check.
 * Locks: freeze_spaces(). */
bool
vadpool_is_here(struct aspace *as)
{
	struct vad_page *p;

	LIST_FOREACH(p, &as->map.pool.pages, node)
		if (kpaged_has(p->kva) && !kpaged_hold_mapped(p->kva))
			return false;
	return true;
}

/* ---- VADs ---- */

/* The link is on no list; NULL is allowed. */
static void
free_link(struct vm_maplink *link)
{
	if (link == NULL)
		return;
	ASSERT(!list_is_linked(&link->node));
	kmem_cache_free(&links, link);
}

/* A VAD for the space, of no range yet; with vmo also a reference to it and a maplink.
 * Locks: none of rank >= 3.  Context: thread, sleeps: VADs are paged.
 * Returns: all fields 0 but vmo and link; NULL: no memory, or FI_SLAB. */
struct vad *
vad_alloc(struct aspace *as, struct vmo *vmo)
{
	struct vm_maplink *link = NULL;
	struct vad *v;
	va_t kva = 0;

	if (vmo != NULL && (link = kmem_cache_zalloc(&links)) == NULL)
		return NULL;
	if (!inject_hit(FI_SLAB))
		while ((kva = take_place(&as->map.pool)) == 0 && add_page(as))
			continue;
	if (kva == 0) {
		free_link(link);
		return NULL;
	}
	v = (struct vad *)kva;
	*v = (struct vad){ .vmo = vmo, .link = link };
	if (vmo != NULL)
		vmo_get(vmo);
	EVENT(vad_alloc);
	return v;
}

/* v is in no tree, its link on no list.  NULL is allowed.
 * Locks: none of rank >= 2, if the reference to the object may be the last. */
void
vad_free(struct vad *v)
{
	struct vmo *vmo;

	if (v == NULL)
		return;
	/* A lost VAD is all zeros. */
	if (v->dpriv != NULL && *owner_of(v) != NULL)
		design_release((*owner_of(v))->as, v);
	vmo = v->vmo;
	free_link(v->link);
	if (give(v))
		EVENT(vad_free);
	if (vmo != NULL)
		vmo_put(vmo);
}

/* All of the list.  Locks: none of rank >= 2. */
void
vad_list_free(struct vad_list *list)
{
	struct vad *v;

	while ((v = vad_list_take(list)) != NULL)
		vad_free(v);
}

/* A space with this number of mappings splits none; mmap and brk, as on Linux, fail
 * only if it has more.  Locks: any. */
uint64_t
vad_max(void)
{
	return atomic_load_relaxed(&most_vads);
}

/* Set by root.  Spaces that have more keep them.  Locks: any.
 * Returns: 0, -EINVAL. */
int
vad_set_max(uint64_t n)
{
	if (n > INT32_MAX)
		return -EINVAL;
	atomic_store(&most_vads, (uint32_t)n);
	return 0;
}

/* Two VADs with links are kept ready, so that munmap of one hole in the middle of a
 * mapping never fails for memory.
 * Locks: [M] exclusive. */
void
vad_refill_spare(struct aspace *as)
{
	struct vad *v;

	HELD(&as->map_lock);
	while (as->map.spare.first == NULL ||
	    vad_list_next(as->map.spare.first) == NULL) {
		v = vad_alloc(as, NULL);
		if (v == NULL)
			return;
		v->link = kmem_cache_zalloc(&links);
		if (v->link == NULL) {
			vad_free(v);
			return;
		}
		vad_list_add(&as->map.spare, v);
	}
}

/* Prepare v to become the part of `of` from vpn on.  NULL: no memory, v is freed. */
static struct vad *
ready_part(struct aspace *as, struct vad *v, const struct vad *of, uint64_t vpn)
{
	if (v == NULL || design_prepare(as, v, vpn, of->end) == 0)
		return v;
	vad_free(v);
	return NULL;
}

/* A VAD for the part of `of` from vpn on, to be cut off.
 * Locks: [M] exclusive.  Returns: as vad_alloc(). */
struct vad *
vad_alloc_part(struct aspace *as, const struct vad *of, uint64_t vpn)
{
	HELD(&as->map_lock);
	return ready_part(as, vad_alloc(as, of->vmo), of, vpn);
}

/* The same for munmap, which alone may take one of the spares.
 * Locks: [M] exclusive.  Returns: as vad_alloc(). */
struct vad *
vad_alloc_piece(struct aspace *as, const struct vad *of, uint64_t vpn)
{
	struct vad *v = vad_alloc(as, of->vmo);

	HELD(&as->map_lock);
	if (v == NULL && as->map.spare.first != NULL) {
		v = vad_list_take(&as->map.spare);
		v->vmo = of->vmo;
		if (v->vmo != NULL)
			vmo_get(v->vmo);
	}
	return ready_part(as, v, of, vpn);
}

/* ---- their links ---- */

/* Set the link's fields from v, or from its copy. */
static void
fill_link(struct vm_maplink *l, const struct vad *v)
{
	l->start = v->start;
	l->end = v->end;
	l->off = v->off;
	l->flags = v->flags;
	l->nwr = (v->flags & VAD_SHARED) != 0 && (v->maxprot & PROT_W) != 0;
}

enum told { TELL_FEWER, TELL_MORE };

/* Tell the client of the object, if it wants to know.  [O]. */
static void
tell_mapped(struct vmo *vmo, enum told told)
{
	HELD(&vmo->lock);
	if (vmo->client_ops != NULL && vmo->client_ops->mapped != NULL)
		vmo->client_ops->mapped(vmo->client, told == TELL_MORE);
}

/* Enter the mapping in the object's list: from now on a truncate finds its words.
 * Locks: [M] exclusive; takes [X]. */
void
vad_list_link(struct aspace *as, struct vad *v)
{
	struct vm_maplink *l = v->link; /* [X]: no paged memory */
	struct vmo *vmo = v->vmo;

	if (vmo == NULL)
		return;
	ASSERT(!list_is_linked(&l->node));
	l->as = as;
	fill_link(l, v);
	mutex_lock(&vmo->maps_lock);
	spin_lock(&vmo->lock);
	l->zap_seq = vmo->resize_seq;
	tell_mapped(vmo, TELL_MORE);
	spin_unlock(&vmo->lock);
	list_push_back(&vmo->maps, &l->node);
	vmo->had_writer |= (l->flags & VAD_WRITER) != 0;
	mutex_unlock(&vmo->maps_lock);
}

/* Remove the mapping from the object's list: its words are gone.  Locks: takes [X]. */
void
vad_unlist_link(struct vad *v)
{
	struct vm_maplink *l = v->link;
	struct vmo *vmo = v->vmo;

	if (vmo == NULL || !list_is_linked(&l->node))
		return;
	mutex_lock(&vmo->maps_lock);
	list_remove(&l->node);
	spin_lock(&vmo->lock);
	tell_mapped(vmo, TELL_FEWER);
	spin_unlock(&vmo->lock);
	mutex_unlock(&vmo->maps_lock);
}

/* The maplink follows its VAD.  Locks: [M] exclusive of its space; takes [X]. */
void
vad_update_link(struct vad *v)
{
	const struct vad copy = *v; /* [X]: no paged memory */
	struct vm_maplink *l = copy.link;

	if (l == NULL || copy.vmo == NULL)
		return;
	mutex_lock(&copy.vmo->maps_lock);
	/* A truncate under way has not seen the pages that it gets from a neighbour. */
	if (copy.end - copy.start > l->end - l->start)
		l->zap_seq = 0;
	fill_link(l, &copy);
	mutex_unlock(&copy.vmo->maps_lock);
}

/* A link of the space, off the object's list; NULL: there is none. */
static struct vm_maplink *
take_link(struct vmo *vmo, const struct aspace *as)
{
	struct vm_maplink *link, *found = NULL;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node)
		if (link->as == as)
			found = link;
	if (found != NULL)
		list_remove(&found->node);
	mutex_unlock(&vmo->maps_lock);
	return found;
}

/* Free the links of a space whose VADs could not be read, each with the reference that
 * its VAD had.
 * Locks: none of rank >= 2; the space has no words. */
void
vad_forget_links(struct aspace *as)
{
	struct vm_maplink *link;
	struct vmo *vmo;

	do {
		link = NULL;
		mutex_lock(&vmo_list_lock);
		LIST_FOREACH(vmo, &vmo_list, all)
			if ((link = take_link(vmo, as)) != NULL)
				break;
		mutex_unlock(&vmo_list_lock);
		free_link(link);
		if (link != NULL)
			vmo_put(vmo);
	} while (link != NULL);
}
