/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadpool.c: the pages of kernel paged memory in which VADs lie
 *
 * Problem   65530 mappings are 7 MB of VADs.  A process that sleeps does not
 *           need them, so they may leave memory; but who writes down which part
 *           of a page is in use may not have to wait for that page.
 *
 * Picture   aspace ──→ vad_page ──→ vad_page …       non-paged, 40 B each
 *                      used 1101…   used 0100…
 *                        │ kva
 *                        v
 *             |VAD|VAD|   |VAD| …   36 of them |owner|      paged, 4 KiB
 *
 * Why one pool for each space, not one for all:
 *           what one process uses lies together, so it comes and goes together,
 *           and a process that is awake keeps nobody else's VADs in memory; a
 *           page that cannot be read from swap costs one process, not forty;
 *           and whoever ends a process finds all its VADs without the tree.
 *           The price: half a page, on average, and one at least, per process.
 *
 * Rules     1. Pages are charged one by one and given back when empty.
 *           2. Nothing in a page is touched with the pool's lock held, nor
 *              anywhere else with a lock of rank >= 3 (vm/fault/kpagedfault.c).
 *           3. A page that could not be read is lost: it is all zero, each VAD
 *              in it an empty range.  LOST_VADS says so; the process gets
 *              SIGKILL at its next fault or at the end of its system call.  No
 *              tree of such a space is true any more, so nothing asserts it;
 *              vadpool_end() frees what is left by the pool's own books.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/map/map.h"
#include "vm/space/space.h"

#define PER_PAGE ((PAGE_SIZE - sizeof(struct vad_page *)) / sizeof(struct vad))
#define ALL_USED (BIT(PER_PAGE) - 1)

struct vad_page {
	struct list_node node;   /* [pool] of as->vad_pool, full ones last */
	struct aspace *as;       /* [c] */
	va_t kva;                /* [c] */
	uint64_t used;           /* [pool] a bit for each VAD */
};

static struct kmem_cache pages = KMEM_CACHE("vad-page", struct vad_page);

/* What the last word of a page says: whose it is.  Paged memory. */
static struct vad_page **
owner_of(va_t kva)
{
	return (struct vad_page **)(PAGE_DOWN(kva) + PAGE_SIZE) - 1;
}

static struct vad_page *
page_at(struct list_node *n)
{
	return LIST_ENTRY(n, struct vad_page, node);
}

/*
 * Locks:    none; once, by as_make().
 */
void
vadpool_init(struct vad_pool *pool)
{
	spin_init(&pool->lock, LR_LEAF);
	list_init(&pool->pages);
}

/* ---- taking ---- */

/* A place in a page that has one; 0: there is none. */
static va_t
take_place(struct vad_pool *pool)
{
	struct vad_page *p;
	va_t kva = 0;
	unsigned i;

	spin_lock(&pool->lock);
	p = list_is_empty(&pool->pages) ? NULL : page_at(pool->pages.head.next);
	if (p != NULL && p->used != ALL_USED) {
		i = (unsigned)__builtin_ctzl(~p->used);
		p->used |= BIT(i);
		kva = p->kva + i * sizeof(struct vad);
		if (p->used == ALL_USED) {
			list_remove(&p->node);
			list_push_back(&pool->pages, &p->node);
		}
	}
	spin_unlock(&pool->lock);
	return kva;
}

/* One page more.  No lock of rank >= 3.  False: no memory. */
static bool
add_page(struct aspace *as)
{
	struct vad_page *p;

	if (commit_charge(1) != 0)
		return false;
	p = kmem_cache_zalloc(&pages);
	if (p == NULL)
		goto undo_charge;
	p->kva = kpaged_alloc(1);
	if (p->kva == 0)
		goto undo_page;
	p->as = as;
	*owner_of(p->kva) = p;
	spin_lock(&as->vad_pool.lock);
	list_push_front(&as->vad_pool.pages, &p->node);
	spin_unlock(&as->vad_pool.lock);
	return true;
undo_page:
	kmem_cache_free(&pages, p);
undo_charge:
	commit_uncharge(1);
	return false;
}

/*
 * Room for one VAD of this space.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps.
 * Owns:     the caller: vadpool_give().
 * Returns:  its memory, contents as they come; NULL: no memory, or FI_SLAB.
 */
struct vad *
vadpool_take(struct aspace *as)
{
	va_t kva;

	if (inject_hit(FI_SLAB))
		return NULL;
	while ((kva = take_place(&as->vad_pool)) == 0)
		if (!add_page(as))
			return NULL;
	return (struct vad *)kva;
}

/* ---- giving back ---- */

static void
free_page(struct vad_page *p)
{
	kpaged_free(p->kva, 1);
	kmem_cache_free(&pages, p);
	commit_uncharge(1);
}

/*
 * The VAD's memory is free; an empty page goes.  What lay in a lost page stays
 * until vadpool_end().
 *
 * Locks:    none of rank >= 3.
 * Returns:  false: it lay in a lost page.
 */
bool
vadpool_give(struct vad *v)
{
	struct vad_page *p = *owner_of((va_t)v);
	struct vad_pool *pool;
	bool empty;

	if (p == NULL)
		return false;
	pool = &p->as->vad_pool;
	spin_lock(&pool->lock);
	p->used &= ~BIT(((va_t)v - p->kva) / sizeof(*v));
	empty = p->used == 0;
	list_remove(&p->node);
	if (!empty)
		list_push_front(&pool->pages, &p->node);
	spin_unlock(&pool->lock);
	if (empty)
		free_page(p);
	return true;
}

/* The space whose VAD it is; NULL: it lies in a lost page.  Locks: as VADs. */
struct aspace *
vadpool_owner(struct vad *v)
{
	struct vad_page *p = *owner_of((va_t)v);

	return p == NULL ? NULL : p->as;
}

/*
 * What is still there when a space ends: nothing, unless a page was lost.
 *
 * Locks:    none of rank >= 2.
 * Returns:  VADs that had not been freed.
 */
unsigned
vadpool_end(struct aspace *as)
{
	struct list_node *n;
	struct vad_page *p;
	unsigned left = 0;

	while ((n = list_pop_front(&as->vad_pool.pages)) != NULL) {
		p = page_at(n);
		for (; p->used != 0; p->used &= p->used - 1)
			left++;
		free_page(p);
	}
	return left;
}

/* ---- lost pages ---- */

/* Under the list's spin lock: nobody ends the space meanwhile. */
static bool
has_page(struct aspace *as, void *arg)
{
	const va_t kva = PAGE_DOWN(*(va_t *)arg);
	struct list_node *n = as->vad_pool.pages.head.next;
	bool found = false;

	spin_lock_nested(&as->vad_pool.lock);
	for (; !found && n != &as->vad_pool.pages.head; n = n->next)
		found = page_at(n)->kva == kva;
	spin_unlock(&as->vad_pool.lock);
	if (found)
		as_lose(as, LOST_VADS);
	return found;
}

/*
 * A page of the region could not be read and is zero now: whose VADs were
 * they?
 *
 * Locks:    none of rank >= 9.
 * Returns:  false: it holds no VADs.
 */
bool
vadpool_lost(va_t kva)
{
	if (as_find(has_page, &kva) == NULL)
		return false;
	EVENT(vad_lost);
	klog("vadpool: mappings of a process could not be read: it is killed");
	return true;
}

/*
 * Are all VADs of the space in memory, to stay while the kernel [W] is held?
 * They are mapped then: for vm_check.
 *
 * Locks:    freeze_spaces().
 */
bool
vadpool_is_here(struct aspace *as)
{
	struct list_node *n = as->vad_pool.pages.head.next;

	for (; n != &as->vad_pool.pages.head; n = n->next)
		if (!kpaged_hold_mapped(page_at(n)->kva))
			return false;
	return true;
}
