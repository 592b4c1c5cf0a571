/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kva.c: ranges of kernel addresses: stacks, tables, device registers
 *
 * Problem   Some things need adjacent addresses but not adjacent frames, or
 *           an unmapped page below, or uncached access: the direct map gives
 *           none of that.
 *
 * Picture   the arena, one slot of the top-level table
 *
 *           | stacks: slots of 32 KiB        | ranges, powers of two | devices |
 *             each: 16 KiB nothing, 16 KiB stack
 *                                │ guard: a stack that overflows faults here
 *
 * Rules     1. Addresses are plentiful: new ones are cut off the front of a
 *              zone; freed ones wait in a list per size and are never joined.
 *           2. A frame goes back to phys only after all CPUs have flushed its
 *              old address (R6): so freeing wants interrupts on and no
 *              spin lock held (R6a).
 *           3. A few stacks stay mapped in a cache: making and ending threads
 *              then needs no flush.
 *           4. Frames come zeroed: nobody's old bytes lie under a stack.  To
 *              QEMU a page of a program that has ended is code until every byte
 *              of it has been written.  Stores to it made system calls thirty
 *              times as slow, for a stack writes only its upper end.
 *
 * Read next md.h for md_kmap(); kern/thread.c, the main user.
 */
#include "lib/list.h"
#include "lib/string.h"
#include "md.h"
#include "mem/mem.h"

#define MAX_PAGES_ORDER 18 /* 1 GiB in one range */
#define STACK_ORDER 3      /* slot of 8 pages: the upper 4 are mapped */
#define STACK_PAGES (MD_KSTACK_SIZE >> PAGE_SHIFT)
#define SLOT_BYTES (PAGE_SIZE << STACK_ORDER)
#define CACHED_STACKS 16

#define STACKS_BASE MD_ARENA_BASE
#define RANGES_BASE (MD_ARENA_BASE + MD_ARENA_SIZE / 4)
#define DEVICES_BASE (MD_ARENA_BASE + MD_ARENA_SIZE / 4 * 3)
#define ARENA_END (MD_ARENA_BASE + MD_ARENA_SIZE)

/* A piece of the arena, in use or waiting to be used again. */
struct kva_range {
	struct rb_node rb;        /* in use: by address */
	struct list_node node;    /* free: list of its order */
	va_t va;                  /* [c] */
	unsigned order;           /* [c] 2^order pages */
};

/* Where new ranges are cut off, and old ones wait. */
struct zone {
	va_t next, end;
	struct list free[MAX_PAGES_ORDER + 1];
};

static struct kmem_cache range_cache = KMEM_CACHE("kva_range",
    struct kva_range);

static struct {
	struct spinlock lock;     /* the rest */
	struct zone stacks, ranges, devices;
	struct rb_root used;
	uint8_t *cached[CACHED_STACKS];
	unsigned ncached;
} kva = { .lock = SPIN_INIT(LR_MEM) };

static struct kva_range *range_get(struct zone *z, unsigned order);
static void range_put(struct zone *z, struct kva_range *r);
static struct kva_range *range_remove(va_t va);
static bool map_frames(va_t va, size_t pages);
static void unmap_frames(va_t va, size_t pages);

static void
zone_init(struct zone *z, va_t start, va_t end)
{
	unsigned i;

	z->next = start;
	z->end = end;
	for (i = 0; i <= MAX_PAGES_ORDER; i++)
		list_init(&z->free[i]);
}

/*
 * Locks:    none; before there are threads.
 */
void
kva_init(void)
{
	zone_init(&kva.stacks, STACKS_BASE, RANGES_BASE);
	zone_init(&kva.ranges, RANGES_BASE, DEVICES_BASE);
	zone_init(&kva.devices, DEVICES_BASE, ARENA_END);
}

/* ---- stacks ---- */

static uint8_t *
cached_stack(void)
{
	uint8_t *stack = NULL;

	spin_lock(&kva.lock);
	if (kva.ncached > 0)
		stack = kva.cached[--kva.ncached];
	spin_unlock(&kva.lock);
	return stack;
}

static bool
cache_stack(uint8_t *stack)
{
	bool kept;

	spin_lock(&kva.lock);
	kept = kva.ncached < CACHED_STACKS;
	if (kept)
		kva.cached[kva.ncached++] = stack;
	spin_unlock(&kva.lock);
	return kept;
}

/*
 * A kernel stack; contents undefined, but nothing of a user's.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  its lowest byte, or NULL.
 * Owns:     the caller, until kva_stack_free().
 */
uint8_t *
kva_stack_alloc(void)
{
	uint8_t *stack = cached_stack();
	struct kva_range *r;
	va_t va;

	if (stack != NULL)
		return stack;
	r = range_get(&kva.stacks, STACK_ORDER);
	if (r == NULL)
		return NULL;
	va = r->va + SLOT_BYTES - MD_KSTACK_SIZE;
	if (!map_frames(va, STACK_PAGES)) {
		range_put(&kva.stacks, range_remove(r->va));
		return NULL;
	}
	return (uint8_t *)va;
}

static void
stack_release(uint8_t *stack)
{
	struct kva_range *r;

	unmap_frames((va_t)stack, STACK_PAGES);
	r = range_remove((va_t)stack + MD_KSTACK_SIZE - SLOT_BYTES);
	range_put(&kva.stacks, r);
}

/*
 * Locks:    no spin lock; interrupts on (rule 2).
 * Context:  thread, on another stack.
 */
void
kva_stack_free(uint8_t *stack)
{
	if (!cache_stack(stack))
		stack_release(stack);
}

/* As kva_stack_free(). */
void
kva_drain(void)
{
	uint8_t *stack;

	while ((stack = cached_stack()) != NULL)
		stack_release(stack);
}

/* Locks:    none; also on the double-fault stack. */
bool
kva_is_guard(va_t va)
{
	return va >= STACKS_BASE && va < atomic_load_relaxed(&kva.stacks.next) &&
	    (va - STACKS_BASE) % SLOT_BYTES < SLOT_BYTES - MD_KSTACK_SIZE;
}

/* ---- ranges ---- */

static unsigned
order_of(size_t pages)
{
	unsigned order = 0;

	while (1ul << order < pages)
		order++;
	return order;
}

/*
 * n pages of adjacent addresses, mapped; contents undefined.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until kva_free() with the same n.
 */
void *
kva_alloc(size_t pages)
{
	struct kva_range *r;

	if (pages == 0 || pages > 1ul << MAX_PAGES_ORDER)
		return NULL;
	r = range_get(&kva.ranges, order_of(pages));
	if (r == NULL)
		return NULL;
	if (!map_frames(r->va, pages)) {
		range_put(&kva.ranges, range_remove(r->va));
		return NULL;
	}
	return (void *)r->va;
}

/* Locks and context: as kva_stack_free(). */
void
kva_free(void *p, size_t pages)
{
	if (p == NULL)
		return;
	unmap_frames((va_t)p, pages);
	range_put(&kva.ranges, range_remove((va_t)p));
}

/*
 * A zeroed table of any size that needs no adjacent frames, which are rare
 * when memory is full: from kmem_alloc() up to a frame, above of mapped pages.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until room_free() with the same size.
 */
void *
room_alloc(size_t bytes)
{
	void *p;

	if (bytes <= PAGE_SIZE)
		return kmem_zalloc(bytes);
	p = kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

/* Locks and context: as kva_stack_free().  NULL is allowed. */
void
room_free(void *p, size_t bytes)
{
	if (bytes <= PAGE_SIZE)
		kmem_free(p);
	else
		kva_free(p, PAGE_UP(bytes) >> PAGE_SHIFT);
}

/*
 * Registers of a device, uncached.  Never undone.
 *
 * Returns:  their address, or NULL.
 */
void *
kva_map_device(pa_t pa, size_t bytes)
{
	pa_t from = PAGE_DOWN(pa), to = PAGE_UP(pa + bytes);
	struct kva_range *r;
	va_t va;

	r = range_get(&kva.devices, order_of((to - from) >> PAGE_SHIFT));
	if (r == NULL)
		return NULL;
	for (va = r->va; from < to; from += PAGE_SIZE, va += PAGE_SIZE) {
		if (md_kmap(va, from, MD_PTE_W | MD_PTE_NX | MD_PTE_PCD) != 0)
			return NULL;
	}
	return (void *)(r->va + (pa & PAGE_MASK));
}

/* ---- addresses ---- */

/* Locks:    kva.lock. */
static void
used_insert(struct kva_range *r)
{
	struct rb_node **link = &kva.used.node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = r->va < CONTAINER_OF(parent, struct kva_range, rb)->va ?
		    &parent->left : &parent->right;
	}
	rb_insert(&kva.used, &r->rb, parent, link, NULL);
}

/* Locks:    kva.lock.  Returns: an old range of that order, or NULL. */
static struct kva_range *
reuse(struct zone *z, unsigned order)
{
	struct list_node *n = list_pop_front(&z->free[order]);

	return n == NULL ? NULL : LIST_ENTRY(n, struct kva_range, node);
}

/* Locks:    kva.lock.  Make r a new range; false: the zone is used up. */
static bool
cut(struct zone *z, struct kva_range *r, unsigned order)
{
	va_t bytes = PAGE_SIZE << order;

	if (r == NULL || z->end - z->next < bytes)
		return false;
	r->va = z->next;
	r->order = order;
	atomic_store(&z->next, z->next + bytes);
	return true;
}

static struct kva_range *
range_get(struct zone *z, unsigned order)
{
	/* Taken before the lock, as kmem's locks have the same rank. */
	struct kva_range *new = kmem_cache_zalloc(&range_cache);
	struct kva_range *r;

	spin_lock(&kva.lock);
	r = reuse(z, order);
	if (r == NULL && cut(z, new, order)) {
		r = new;
		new = NULL;
	}
	if (r != NULL)
		used_insert(r);
	spin_unlock(&kva.lock);
	if (new != NULL)
		kmem_cache_free(&range_cache, new);
	return r;
}

/* Take the range that starts at va out of those in use. */
static struct kva_range *
range_remove(va_t va)
{
	struct rb_node *n;
	struct kva_range *r;

	spin_lock(&kva.lock);
	for (n = kva.used.node; n != NULL;) {
		r = CONTAINER_OF(n, struct kva_range, rb);
		if (r->va == va) {
			rb_remove(&kva.used, &r->rb, NULL);
			spin_unlock(&kva.lock);
			return r;
		}
		n = va < r->va ? n->left : n->right;
	}
	panic("kva: no range starts at %lx", va);
}

/* Only when its addresses are flushed: they may be handed out at once. */
static void
range_put(struct zone *z, struct kva_range *r)
{
	spin_lock(&kva.lock);
	list_push_front(&z->free[r->order], &r->node);
	spin_unlock(&kva.lock);
}

/* ---- frames ---- */

static bool
map_one(va_t va)
{
	struct vm_page *pg = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);

	if (pg == NULL)
		return false;
	page_set_state(pg, PG_WIRED);
	page_set_home(pg, HOME_KERNEL, 0);
	pg->kern.slab = NULL;
	if (md_kmap(va, page_pa(pg), MD_PTE_W | MD_PTE_NX) == 0)
		return true;
	page_set_home(pg, HOME_NONE, 0);
	phys_free(pg);
	return false;
}

static bool
map_frames(va_t va, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		if (!map_one(va + i * PAGE_SIZE)) {
			unmap_frames(va, i);
			return false;
		}
	}
	return true;
}

/* Unmap a bunch, flush once, then free: 64 frames per flush. */
static void
unmap_frames(va_t va, size_t pages)
{
	struct vm_page *pg[64];
	size_t i, n;

	for (; pages > 0; pages -= n, va += n * PAGE_SIZE) {
		n = MIN(pages, ARRAY_LEN(pg));
		for (i = 0; i < n; i++)
			pg[i] = page_of_pa(md_kunmap(va + i * PAGE_SIZE) &
			    MD_PTE_PFN);
		md_tlb_flush(NULL, va, va + n * PAGE_SIZE, FLUSH_PAGES);
		for (i = 0; i < n; i++) {
			page_set_home(pg[i], HOME_NONE, 0);
			phys_free(pg[i]);
		}
	}
}
