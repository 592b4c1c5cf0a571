/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kva.c: ranges of kernel addresses: stacks, tables, device registers
 *
 * Problem   Some things need adjacent addresses but not adjacent frames, or
 *           an unmapped page below, or uncached access: the direct map has
 *           none of these.
 *
 * Picture   the arena, one slot of the top-level table
 *
 *           | stacks: slots of 16 KiB        | ranges of pages       | devices |
 *             each: 8 KiB nothing, 8 KiB stack
 *                                │ guard: a stack that overflows faults here
 *
 * Rules     1. Stacks and ranges are first fits (lib/extent.h), so used ranges
 *              lie at the front of their zone.  A tag is allocated before the lock
 *              is taken, and freed after it: kmem's locks have the same rank.
 *           2. A frame goes back to phys only after all CPUs have flushed its
 *              old address (R6): so freeing needs interrupts on and no
 *              spin lock held (R6a).
 *           3. A few stacks stay mapped in a cache: making and ending threads
 *              then needs no flush.
 *           4. Frames of stacks are zeroed.  QEMU treats a page that once held
 *              code as code until every byte of it has been written, and a stack
 *              writes only its upper end: stores to such a page made system calls
 *              thirty times as slow.
 *           5. So the zeros at the low end of a stack say how deep it has ever
 *              been, by all its threads if it was cached.
 *
 * Read next md.h for md_kmap(); kern/thread.c, the main user.
 */
#include "lib/extent.h"
#include "lib/string.h"
#include "md.h"
#include "mem/mem.h"

#define STACK_PAGES (MD_KSTACK_SIZE >> PAGE_SHIFT)
#define SLOT_PAGES (2 * STACK_PAGES) /* the upper half is mapped */
#define SLOT_BYTES (SLOT_PAGES * PAGE_SIZE)
#define CACHED_STACKS 16

#define STACKS_BASE MD_ARENA_BASE
#define RANGES_BASE (MD_ARENA_BASE + MD_ARENA_SIZE / 4)
#define DEVICES_BASE (MD_ARENA_BASE + MD_ARENA_SIZE / 4 * 3)
#define ARENA_END (MD_ARENA_BASE + MD_ARENA_SIZE)

static struct kmem_cache tags = KMEM_CACHE("kva-extent", struct extent);

static struct {
	struct spinlock lock;     /* the rest */
	struct extents stacks, ranges; /* page numbers of kernel addresses */
	va_t stack_top;           /* end of what stacks ever used; [A] to read */
	va_t next_device;         /* never given back */
	uint8_t *cached[CACHED_STACKS];
	unsigned ncached;
	size_t deepest;           /* bytes used of a stack that was released */
} kva = { .lock = SPIN_INIT(LR_MEM) };

static va_t range_get(struct extents *x, size_t pages);
static void range_put(struct extents *x, va_t va, size_t pages);
static bool map_frames(va_t va, size_t pages);
static void unmap_frames(va_t va, size_t pages);

static void
zone_init(struct extents *x, va_t start, va_t end)
{
	struct extent *tag = kmem_cache_alloc(&tags);

	if (tag == NULL)
		panic("kva_init: no memory");
	extents_init(x, tag, start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT);
}

/*
 * Locks:    none; before there are threads.
 */
void
kva_init(void)
{
	zone_init(&kva.stacks, STACKS_BASE, RANGES_BASE);
	zone_init(&kva.ranges, RANGES_BASE, DEVICES_BASE);
	kva.stack_top = STACKS_BASE;
	kva.next_device = DEVICES_BASE;
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
	va_t slot, va;

	if (stack != NULL)
		return stack;
	slot = range_get(&kva.stacks, SLOT_PAGES);
	if (slot == 0)
		return NULL;
	spin_lock(&kva.lock);
	atomic_store(&kva.stack_top, MAX(kva.stack_top, slot + SLOT_BYTES));
	spin_unlock(&kva.lock);
	va = slot + SLOT_BYTES - MD_KSTACK_SIZE;
	if (!map_frames(va, STACK_PAGES)) {
		range_put(&kva.stacks, slot, SLOT_PAGES);
		return NULL;
	}
	return (uint8_t *)va;
}

/*
 * Bytes of the stack that have ever been in use (rule 5).
 *
 * Locks:    none; its thread may run, and go deeper.
 */
size_t
kva_stack_used(const uint8_t *stack)
{
	const uint64_t *end = (const uint64_t *)(stack + MD_KSTACK_SIZE);
	const uint64_t *w = (const uint64_t *)stack;

	while (w < end && *w == 0)
		w++;
	return (size_t)(end - w) * sizeof(*w);
}

/* The maximum over all stacks that were freed. */
size_t
kva_stacks_deepest(void)
{
	size_t most;
	unsigned i;

	spin_lock(&kva.lock);
	most = kva.deepest;
	for (i = 0; i < kva.ncached; i++)
		most = MAX(most, kva_stack_used(kva.cached[i]));
	spin_unlock(&kva.lock);
	return most;
}

static void
stack_release(uint8_t *stack)
{
	size_t used = kva_stack_used(stack);

	spin_lock(&kva.lock);
	kva.deepest = MAX(kva.deepest, used);
	spin_unlock(&kva.lock);
	unmap_frames((va_t)stack, STACK_PAGES);
	range_put(&kva.stacks, (va_t)stack + MD_KSTACK_SIZE - SLOT_BYTES,
	    SLOT_PAGES);
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
	return va >= STACKS_BASE && va < atomic_load_relaxed(&kva.stack_top) &&
	    (va - STACKS_BASE) % SLOT_BYTES < SLOT_BYTES - MD_KSTACK_SIZE;
}

/* ---- ranges ---- */

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
	va_t va = pages == 0 ? 0 : range_get(&kva.ranges, pages);

	if (va == 0)
		return NULL;
	if (!map_frames(va, pages)) {
		range_put(&kva.ranges, va, pages);
		return NULL;
	}
	return (void *)va;
}

/* Locks and context: as kva_stack_free(). */
void
kva_free(void *p, size_t pages)
{
	if (p == NULL)
		return;
	unmap_frames((va_t)p, pages);
	range_put(&kva.ranges, (va_t)p, pages);
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
	p = room_alloc_raw(bytes);
	return p == NULL ? NULL : memset(p, 0, bytes);
}

/* The same, not zeroed. */
void *
room_alloc_raw(size_t bytes)
{
	return bytes <= PAGE_SIZE ? kmem_alloc(bytes) :
	    kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
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
	va_t va, at;

	spin_lock(&kva.lock);
	at = kva.next_device;
	if (to - from <= ARENA_END - at)
		kva.next_device += to - from;
	spin_unlock(&kva.lock);
	if (to - from > ARENA_END - at)
		return NULL;
	for (va = at; from < to; from += PAGE_SIZE, va += PAGE_SIZE) {
		if (md_kmap(va, from, MD_PTE_W | MD_PTE_NX | MD_PTE_PCD) != 0)
			return NULL;
	}
	return (void *)(at + (pa & PAGE_MASK));
}

/* ---- addresses ---- */

/* Allocate addresses for this number of pages; 0: none, or no memory for the tag. */
static va_t
range_get(struct extents *x, size_t pages)
{
	struct extent *tag = kmem_cache_alloc(&tags);
	uint64_t page = 0;
	bool taken;

	if (tag == NULL)
		return 0;
	spin_lock(&kva.lock);
	taken = extent_take(x, tag, pages, &page);
	spin_unlock(&kva.lock);
	if (!taken)
		kmem_cache_free(&tags, tag);
	return page << PAGE_SHIFT;
}

/* Free addresses only after their flush: they may be reused at once. */
static void
range_put(struct extents *x, va_t va, size_t pages)
{
	struct extent *tag;

	spin_lock(&kva.lock);
	tag = extent_give(x, va >> PAGE_SHIFT, pages);
	spin_unlock(&kva.lock);
	kmem_cache_free(&tags, tag);
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
