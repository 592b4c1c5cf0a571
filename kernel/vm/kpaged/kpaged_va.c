/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged_va.c: addresses of kernel paged memory
 *
 * Problem   Ranges of 1 page to many thousands are taken and given back, most
 *           of them single pages and from all CPUs at once.  Giving back may
 *           not fail, so it may not need memory.
 *
 * Picture   tree of free extents by address, each with the longest below it
 *
 *           |used|  extent  |used|used| extent |used|      one extent …
 *
 *           per CPU: up to 8 ranges each of 1, 2, 4 and 8 pages, in front
 *
 * Rules     1. There are used + 1 tags at any time: as many as there can be
 *              extents between used ranges.  An allocation makes a tag, so
 *              that the matching free never needs one.
 *           2. First fit by address: the region stays dense, and with it the
 *              kernel's page tables, which are never freed.
 *           3. Page number 0 is not given out: it means "none" in words.
 *
 * Read next kpaged.c, lib/tree.h.  Book: ch14.
 */
#include "vm/kpaged/kpaged.h"

#define CLASSES 4        /* 1, 2, 4, 8 pages */
#define CACHED 8         /* ranges per class and CPU */

struct extent {
	struct rb_node rb;       /* in the tree, or left: next spare tag */
	va_t va;
	uint64_t pages, longest; /* longest: in the subtree */
};

struct va_cache {
	struct spinlock lock;
	unsigned n[CLASSES];
	va_t va[CLASSES][CACHED];
};

static struct {
	struct mutex lock;        /* rank 3; guards the rest but cpu[] */
	struct rb_root tree;      /* struct extent by va */
	struct extent *spare;     /* tags without an extent, through rb.left */
	va_t top;                 /* end of what was ever used */
	struct va_cache cpu[MAXCPU]; /* own lock */
	struct kmem_cache tags;
} region = {
	.lock = MUTEX_INIT(region.lock, LR_KMAP),
	.tags = KMEM_CACHE("kpaged-extent", struct extent),
};

static void give_back(va_t kva, size_t pages);
static int class_of(size_t pages);
static va_t va_cache_take(int class);
static bool cache_put(int class, va_t kva);
static va_t extent_take(size_t pages);
static void extent_put(va_t kva, size_t pages);
static struct extent *extent_before(va_t kva);
static struct extent *extent_fit(uint64_t pages);
static void extent_insert(struct extent *e);
static void extent_longest(struct rb_node *n);
static bool make_tables(va_t kva, size_t pages);

static void
tag_keep(struct extent *e)
{
	e->rb.left = region.spare != NULL ? &region.spare->rb : NULL;
	region.spare = e;
}

static struct extent *
tag_take(void)
{
	struct extent *e = region.spare;

	ASSERT(e != NULL);
	region.spare = e->rb.left == NULL ? NULL :
	    CONTAINER_OF(e->rb.left, struct extent, rb);
	return e;
}

/*
 * One extent: the whole region but its first page.
 *
 * Locks:    none; once, by kpaged_init().
 */
void
kpaged_va_init(void)
{
	struct extent *e = kmem_cache_alloc(&region.tags);
	unsigned i;

	if (e == NULL)
		panic("kpaged_va_init: no memory");
	for (i = 0; i < MAXCPU; i++)
		spin_init(&region.cpu[i].lock, LR_LEAF);
	e->va = MD_KPAGED_BASE + PAGE_SIZE;
	e->pages = (MD_KPAGED_SIZE >> PAGE_SHIFT) - 1;
	region.top = e->va;
	extent_insert(e);
}

/*
 * Locks:    none of rank >= 3.
 * Returns:  address of a range with kernel page tables; 0: no memory.
 */
va_t
kpaged_va_alloc(size_t pages)
{
	int class = class_of(pages);
	struct extent *tag;
	va_t kva;

	kva = class >= 0 ? va_cache_take(class) : 0;
	if (kva != 0) {
		EVENT(kpaged_va_cache_hits);
		return kva;
	}
	tag = kmem_cache_alloc(&region.tags);
	if (tag == NULL)
		return 0;
	mutex_lock(&region.lock);
	tag_keep(tag);
	kva = extent_take(pages);
	if (kva != 0)
		region.top = MAX(region.top, kva + (pages << PAGE_SHIFT));
	else
		tag = tag_take();
	mutex_unlock(&region.lock);
	if (kva == 0) {
		kmem_cache_free(&region.tags, tag);
		return 0;
	}
	if (make_tables(kva, pages))
		return kva;
	give_back(kva, pages);
	return 0;
}

static bool
make_tables(va_t kva, size_t pages)
{
	va_t end = kva + (pages << PAGE_SHIFT), at;

	for (at = kva; at < end; at = (at | ((1ul << 21) - 1)) + 1)
		if (md_kpte_make(at) == NULL)
			return false;
	return true;
}

/*
 * Locks:    none of rank >= 3; no word of the range is used.
 */
void
kpaged_va_free(va_t kva, size_t pages)
{
	int class = class_of(pages);

	if (class < 0 || !cache_put(class, kva))
		give_back(kva, pages);
}

static void
give_back(va_t kva, size_t pages)
{
	struct extent *tag;

	mutex_lock(&region.lock);
	extent_put(kva, pages);
	tag = tag_take();
	mutex_unlock(&region.lock);
	kmem_cache_free(&region.tags, tag);
}

/*
 * Empty the caches of all CPUs (before leak accounting).
 *
 * Locks:    none of rank >= 3.
 */
void
kpaged_drain(void)
{
	unsigned i;
	int class;
	va_t kva;

	for (i = 0; i < MAXCPU * CLASSES; i++) {
		struct va_cache *c = &region.cpu[i / CLASSES];

		class = (int)(i % CLASSES);
		for (;;) {
			spin_lock(&c->lock);
			kva = c->n[class] > 0 ? c->va[class][--c->n[class]] : 0;
			spin_unlock(&c->lock);
			if (kva == 0)
				break;
			give_back(kva, 1ul << class);
		}
	}
}

/* ---- caches ---- */

static int
class_of(size_t pages)
{
	int class;

	for (class = 0; class < CLASSES; class++)
		if (pages == 1ul << class)
			return class;
	return -1;
}

static va_t
va_cache_take(int class)
{
	struct va_cache *c;
	va_t kva = 0;

	md_preempt_disable();
	c = &region.cpu[md_cpu()];
	spin_lock(&c->lock);
	if (c->n[class] > 0)
		kva = c->va[class][--c->n[class]];
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

/* ---- the tree ---- */

static struct extent *
extent_of(struct rb_node *n)
{
	return n != NULL ? CONTAINER_OF(n, struct extent, rb) : NULL;
}

/* The front of the first extent that is long enough. */
static va_t
extent_take(size_t pages)
{
	struct extent *e = extent_fit(pages);
	va_t kva;

	if (e == NULL)
		return 0;
	kva = e->va;
	e->va += pages << PAGE_SHIFT;
	e->pages -= pages;
	if (e->pages > 0) {
		rb_augment_path(&e->rb, extent_longest);
	} else {
		rb_remove(&region.tree, &e->rb, extent_longest);
		tag_keep(e);
	}
	return kva;
}

static struct extent *
extent_fit(uint64_t pages)
{
	struct extent *e = extent_of(region.tree.node), *left;

	if (e == NULL || e->longest < pages)
		return NULL;
	for (;;) {
		left = extent_of(e->rb.left);
		if (left != NULL && left->longest >= pages)
			e = left;
		else if (e->pages >= pages)
			return e;
		else
			e = extent_of(e->rb.right);
	}
}

/*
 * Join with the neighbours.  A tag is needed only where there is none to join:
 * then used ranges lie on both sides, so there are fewer extents than tags.
 */
static void
extent_put(va_t kva, size_t pages)
{
	va_t end = kva + (pages << PAGE_SHIFT);
	struct extent *before = extent_before(kva), *after;

	after = extent_of(before != NULL ? rb_next(&before->rb) :
	    rb_first(&region.tree));
	if (after != NULL && after->va == end) {
		pages += after->pages;
		rb_remove(&region.tree, &after->rb, extent_longest);
		tag_keep(after);
	}
	if (before != NULL && before->va + (before->pages << PAGE_SHIFT) == kva) {
		before->pages += pages;
		rb_augment_path(&before->rb, extent_longest);
		return;
	}
	after = tag_take();
	after->va = kva;
	after->pages = pages;
	extent_insert(after);
}

/* Last extent that starts at or before kva. */
static struct extent *
extent_before(va_t kva)
{
	struct extent *e = extent_of(region.tree.node), *best = NULL;

	while (e != NULL) {
		if (e->va <= kva) {
			best = e;
			e = extent_of(e->rb.right);
		} else {
			e = extent_of(e->rb.left);
		}
	}
	return best;
}

static void
extent_insert(struct extent *e)
{
	struct rb_node **link = &region.tree.node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = e->va < extent_of(parent)->va ? &parent->left :
		    &parent->right;
	}
	e->longest = e->pages;
	rb_insert(&region.tree, &e->rb, parent, link, extent_longest);
}

static void
extent_longest(struct rb_node *n)
{
	struct extent *e = extent_of(n), *c;

	e->longest = e->pages;
	c = extent_of(n->left);
	if (c != NULL)
		e->longest = MAX(e->longest, c->longest);
	c = extent_of(n->right);
	if (c != NULL)
		e->longest = MAX(e->longest, c->longest);
}

/*
 * Has somebody taken the address, or may soon (caches)?
 *
 * Locks:    none of rank >= 3.
 */
bool
kpaged_va_is_used(va_t kva)
{
	bool used;

	mutex_lock(&region.lock);
	used = kva < region.top && !kpaged_va_is_free(kva);
	mutex_unlock(&region.lock);
	return used;
}

/* ---- evidence ---- */

/*
 * Locks:    the machine is stopped (vm_check).
 * Returns:  end of the addresses that were ever used.
 */
va_t
kpaged_va_top(void)
{
	return region.top;
}

/*
 * Locks:    the machine is stopped (vm_check).
 * Returns:  kva lies in a free extent.
 */
bool
kpaged_va_is_free(va_t kva)
{
	const struct extent *e = extent_before(kva);

	return e != NULL && kva < e->va + (e->pages << PAGE_SHIFT);
}
