/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmalloc.c: kernel memory of any size
 *
 * Problem   Buffers and tables whose size is known only at run time.
 *
 * Picture   n bytes ─→ the next size class ─→ a cache of slab.c
 *                   └→ above 2008: a run of frames
 *
 * Rules     1. A run is known by its first frame: kern.slab is NULL, and
 *              kern.order has LARGE_TAG, which no other use sets.
 *           2. Nothing poisons runs: they are rings and buffers, not structs.
 *
 * Read next mem/kva.c, for what is too large for adjacent frames.
 */
#include "lib/floor.h"
#include "lib/string.h"
#include "md.h"
#include "mem/mem.h"
#include "mem/slab.h"

#define LARGE_TAG 0x100u /* kern.order of a run: this | order */

/*
 * Sizes of kmem_alloc(): below 500 round, above such that a frame less header
 * and tags is used up.
 */
static struct kmem_cache classes[] = {
#define CLASS(n) { .name = "kmem-" #n, .size = n, .align = 8, \
	.lock = SPIN_INIT(LR_MEM) }
	CLASS(16), CLASS(32), CLASS(64), CLASS(96), CLASS(128), CLASS(192),
	CLASS(256), CLASS(384), CLASS(496), CLASS(664), CLASS(1000),
	CLASS(1336), CLASS(2008),
#undef CLASS
};

/* Counts runs of kmem_alloc(); has no slabs. */
static struct kmem_cache large_runs = {
	.name = "kmem-large", .lock = SPIN_INIT(LR_MEM), .align = 8,
};

static struct kmem_cache *
class_for(size_t n)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(classes); i++) {
		if (n <= classes[i].size)
			return &classes[i];
	}
	return NULL;
}

static void
count_run(int live, unsigned order)
{
	uint64_t flags = spin_lock_irq(&large_runs.lock);
	uint64_t frames = 1ul << order;

	large_runs.live += (uint64_t)(int64_t)live;
	large_runs.pages += live > 0 ? frames : 0 - frames;
	spin_unlock_irq(&large_runs.lock, flags);
}

/* Whole frames, zeroed. */
static void *
run_alloc(size_t n)
{
	unsigned order = 0;
	struct vm_page *pg;

	while (PAGE_SIZE << order < n)
		order++;
	if (inject_hit(FI_SLAB) || (pg = kmem_take_frames(order)) == NULL)
		return NULL;
	kmem_register(&large_runs);
	pg->kern.order = LARGE_TAG | order;
	pg->kern.slab = NULL;
	count_run(1, order);
	return pa2va(page_pa(pg));
}

/*
 * n bytes, 8-aligned; whole frames, page-aligned, above 2008 bytes.
 *
 * Locks:    as kmem_cache_alloc().
 * Returns:  NULL: no memory.
 */
void *
kmem_alloc(size_t n)
{
	struct kmem_cache *c = class_for(n);

	return c != NULL ? kmem_cache_take(c, n, FILL_NEW) : run_alloc(n);
}

void *
kmem_zalloc(size_t n)
{
	struct kmem_cache *c = class_for(n);

	return c != NULL ? kmem_cache_take(c, n, FILL_ZERO) : run_alloc(n);
}

static void
run_free(void *p, struct vm_page *pg)
{
	unsigned order = pg->kern.order & ~LARGE_TAG;

	if ((pg->kern.order & LARGE_TAG) == 0 || ((va_t)p & PAGE_MASK) != 0 ||
	    page_home_kind(pg) != HOME_KERNEL)
		panic("kmem_free: %p was not allocated here", p);
	pg->kern.order = 0;
	count_run(-1, order);
	kmem_give_frames(pg, order);
}

/*
 * Locks:    as kmem_cache_alloc().
 * Context:  any; in an interrupt only what is small.
 */
void
kmem_free(void *p)
{
	struct vm_page *pg;

	if (p == NULL)
		return;
	pg = page_of_pa(va2pa(p));
	if (pg->kern.slab != NULL)
		kmem_cache_free(kmem_cache_of(p), p);
	else
		run_free(p, pg);
}
