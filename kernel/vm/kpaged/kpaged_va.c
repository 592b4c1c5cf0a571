/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged_va.c: ranges of kernel paged memory
 *
 * Problem   Ranges of 1 to many thousand pages are allocated and freed, most
 *           of them single pages, from all CPUs at once.  Freeing may not
 *           fail, so it may not need memory.
 *
 * Picture   one set of extents of page numbers: lib/extent.h
 *           per CPU: up to 8 ranges each of 1, 2, 4 and 8 pages, in front
 *
 * Rules     1. First fit by address: the region stays dense, and with it the
 *              kernel's page tables, which are never freed.
 *           2. Page number 0 is not given out: it means "none" in words.
 */
#include "lib/extent.h"
#include "vm/kpaged/kpaged.h"

#define CLASSES 4        /* 1, 2, 4, 8 pages */
#define CACHED 8         /* ranges per class and CPU */

struct va_cache {
	struct spinlock lock;
	unsigned n[CLASSES];
	va_t va[CLASSES][CACHED];
};

static struct {
	struct mutex lock;        /* rank 3; guards the rest but cpu[] */
	struct extents free;      /* page numbers */
	struct va_cache cpu[MAXCPU]; /* own lock */
	struct kmem_cache tags;
} region = {
	.lock = MUTEX_INIT(region.lock, LR_KMAP),
	.tags = KMEM_CACHE("kpaged-extent", struct extent),
};

va_t kpaged_top = MD_KPAGED_BASE + PAGE_SIZE;

static uint64_t
page_of(va_t kva)
{
	return (kva - MD_KPAGED_BASE) >> PAGE_SHIFT;
}

static int
class_of(size_t pages)
{
	int class;

	for (class = 0; class < CLASSES; class++)
		if (pages == 1ul << class)
			return class;
	return -1;
}

/* One extent: the whole region but its first page.  Words are guarded by
 * kernel_as.ws_lock, rank 6.
 * Locks: none; once, by vm_init(). */
void
kpaged_init(void)
{
	struct extent *e = kmem_cache_alloc(&region.tags);
	unsigned i;

	if (e == NULL)
		panic("kpaged_init: no memory");
	for (i = 0; i < MAXCPU; i++)
		spin_init(&region.cpu[i].lock, LR_LEAF);
	extents_init(&region.free, e, 1, (MD_KPAGED_SIZE >> PAGE_SHIFT) - 1);
}

/* ---- caches ---- */

static va_t
cache_take(int class)
{
	struct va_cache *c;
	va_t kva;

	md_preempt_disable();
	c = &region.cpu[md_cpu()];
	spin_lock(&c->lock);
	kva = c->n[class] > 0 ? c->va[class][--c->n[class]] : 0;
	spin_unlock(&c->lock);
	md_preempt_enable();
	return kva;
}

static bool
cache_put(int class, va_t kva)
{
	struct va_cache *c;
	bool fits;

	md_preempt_disable();
	c = &region.cpu[md_cpu()];
	spin_lock(&c->lock);
	fits = c->n[class] < CACHED;
	if (fits)
		c->va[class][c->n[class]++] = kva;
	spin_unlock(&c->lock);
	md_preempt_enable();
	return fits;
}

/* ---- ranges ---- */

static bool
make_tables(va_t kva, size_t pages)
{
	va_t end = kva + (pages << PAGE_SHIFT), at;

	for (at = kva; at < end; at = (at | ((1ul << 21) - 1)) + 1)
		if (md_kpte_make(at) == NULL)
			return false;
	return true;
}

static void
give_back(va_t kva, size_t pages)
{
	struct extent *tag;

	mutex_lock(&region.lock);
	tag = extent_give(&region.free, page_of(kva), pages);
	mutex_unlock(&region.lock);
	kmem_cache_free(&region.tags, tag);
}

/* From the extents, with kernel page tables; 0: no memory. */
static va_t
take_new(size_t pages)
{
	struct extent *tag = kmem_cache_alloc(&region.tags);
	uint64_t page;
	bool taken;
	va_t kva = 0;

	if (tag == NULL)
		return 0;
	mutex_lock(&region.lock);
	taken = extent_take(&region.free, tag, pages, &page);
	if (taken) {
		kva = MD_KPAGED_BASE + (page << PAGE_SHIFT);
		kpaged_top = MAX(kpaged_top, kva + (pages << PAGE_SHIFT));
	}
	mutex_unlock(&region.lock);
	if (!taken) {
		kmem_cache_free(&region.tags, tag);
		return 0;
	}
	if (make_tables(kva, pages))
		return kva;
	give_back(kva, pages);
	return 0;
}

/* A cached range, or a new one; 0: no memory, or FI_KPAGED. */
static va_t
take(size_t pages)
{
	int class = class_of(pages);
	va_t kva;

	if (inject_hit(FI_KPAGED))
		return 0;
	kva = class >= 0 ? cache_take(class) : 0;
	if (kva == 0)
		return take_new(pages);
	EVENT(kpaged_va_cache_hits);
	return kva;
}

/* A range of kernel paged memory: demand-zero, not charged.
 * Locks: none of rank >= 3.
 * Context: thread, sleeps a while if there is no frame for the records or tables.
 * Owns: the caller, until kpaged_free().
 * Returns: its address; 0: no memory, or FI_KPAGED. */
va_t
kpaged_alloc(size_t pages)
{
	va_t kva;

	ASSERT(pages > 0);
	do
		kva = take(pages);
	while (kva == 0 && vm_frames_come());
	if (kva != 0)
		EVENT(kpaged_alloc, kva, pages);
	return kva;
}

/* Free frames and addresses.  Locks: none of rank >= 3. */
void
kpaged_free(va_t kva, size_t pages)
{
	int class = class_of(pages);

	kpaged_decommit(kva, pages);
	EVENT(kpaged_free, kva, pages);
	if (class < 0 || !cache_put(class, kva))
		give_back(kva, pages);
}

/* Does kva lie in a free extent?  Locks: region.lock, or the machine is stopped. */
bool
kpaged_va_is_free(va_t kva)
{
	return extent_is_free(&region.free, page_of(kva));
}

/* Is the address allocated, or cached?  Locks: none of rank >= 3. */
bool
kpaged_va_is_used(va_t kva)
{
	bool used;

	mutex_lock(&region.lock);
	used = kva < kpaged_top && !kpaged_va_is_free(kva);
	mutex_unlock(&region.lock);
	return used;
}
