/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: small kernel objects that never leave memory
 *
 * Problem   The kernel needs many objects of few sizes, much smaller than a
 *           frame; and it must notice at once when one is used after it was
 *           freed, freed twice, or written beyond its end.
 *
 * Picture   one slab: a frame (or a run of frames)
 *
 *           | header | object |tag| object |tag| object |tag| … |
 *
 *           tag of a live object: POISON_RED, the red zone; in its lower 16
 *           bits, xored, the bytes between what was asked for and the tag,
 *           which hold POISON_RED too.
 *           tag of a free object: upper 48 bits of POISON_FREE, below them the
 *           number of the next free object; the object itself: POISON_FREE.
 *
 * Rules     1. frame->kern.slab leads from any object's address to its slab;
 *              NULL there: a run of kmalloc.c.
 *           2. A cache's lock is not held while frames are taken or given
 *              back; it is taken with interrupts off, since an interrupt
 *              handler may free.
 *           3. Objects of up to POISON_MAX bytes are poisoned and checked
 *              whole, larger ones only by their tag.  New frames are zeroed,
 *              also the bytes around the objects (mem/kva.c, rule 4).
 *           4. A cache joins the list of all caches with its first slab, or when
 *              its owner says so.
 *
 * Read next mem/kmalloc.c.  Memory that can be paged: vm/kpaged/kpaged.c.
 */
#include "lib/floor.h"
#include "lib/poison.h"
#include "lib/string.h"
#include "md.h"
#include "mem/mem.h"
#include "mem/slab.h"

#define POISON_MAX 1024
#define NO_INDEX 0xffff
#define TAG_MASK (~0xfffful)
#define TAG_FREE (POISON_FREE & TAG_MASK)
#define MAX_ORDER 2      /* of a slab */

struct kmem_slab {
	struct kmem_slab *next, *prev; /* [cache lock] on one of three lists */
	struct kmem_cache *cache;      /* [c] */
	struct kmem_slab **list;       /* [cache lock] which one */
	uint16_t nobjs, nfree;         /* [c], [cache lock] */
	uint16_t first_free;           /* [cache lock] index or NO_INDEX */
	uint8_t order;                 /* [c] 2^order frames */
	bool paid;                     /* [c] of kmem_cache_feed() */
	uint32_t stride, start;        /* [c] bytes; of object 0 */
};

static struct kmem_cache end_of_caches;

_Atomic uint64_t kmem_paid;

static struct {
	struct spinlock lock;
	struct kmem_cache *caches;   /* [lock] ends with &end_of_caches */
	_Atomic uint64_t frames;     /* [A] held by all caches */
	bool started;                /* [lock] */
} kmem = { .lock = SPIN_INIT(LR_MEM), .caches = &end_of_caches };

static void *object_take(struct kmem_cache *c, size_t n);
static bool cache_grow(struct kmem_cache *c);
static void slab_put(struct kmem_slab *s, void *obj, unsigned i);
static void *object_at(const struct kmem_slab *s, unsigned i);
static unsigned index_of(const struct kmem_slab *s, const void *obj);
static void check_red_zone(const struct kmem_slab *s, const void *obj);
static struct kmem_slab *spare_slab(struct kmem_cache *c, unsigned keep);
static void slab_release(struct kmem_slab *s);

/* ---- one cache ---- */

void *
kmem_cache_take(struct kmem_cache *c, size_t n, enum kmem_fill fill)
{
	void *obj;

	if (inject_hit(FI_SLAB))
		return NULL;
	while ((obj = object_take(c, n)) == NULL) {
		if (!cache_grow(c))
			return NULL;
	}
	if (fill == FILL_ZERO) {
		memset(obj, 0, n);
	} else if (c->size <= POISON_MAX) {
		words_set(obj, POISON_NEW, n / 8);
	}
	return obj;
}

/*
 * An object with contents POISON_NEW.
 *
 * Locks:    any of rank < LR_MEM may be held.
 * Returns:  NULL: no frame, or FI_SLAB.
 * Owns:     the caller, until kmem_cache_free().
 */
void *
kmem_cache_alloc(struct kmem_cache *c)
{
	return kmem_cache_take(c, c->size, FILL_NEW);
}

void *
kmem_cache_zalloc(struct kmem_cache *c)
{
	return kmem_cache_take(c, c->size, FILL_ZERO);
}

/*
 * Locks:    as kmem_cache_alloc().
 * Context:  any, interrupts too.
 */
void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
	struct kmem_slab *s = page_of_pa(va2pa(obj))->kern.slab;
	struct kmem_slab *spare = NULL;
	uint64_t flags;
	unsigned i;

	if (s == NULL || s->cache != c)
		panic("kmem_cache_free: %p is not of %s", obj, c->name);
	/* The object is still the caller's: no lock is needed to read it. */
	i = index_of(s, obj);
	check_red_zone(s, obj);
	flags = spin_lock_irq(&c->lock);
	slab_put(s, obj, i);
	/* One empty slab is kept; frames cannot be freed in an interrupt. */
	if (!md_in_irq())
		spare = spare_slab(c, 1);
	spin_unlock_irq(&c->lock, flags);
	if (spare != NULL)
		slab_release(spare);
}

struct kmem_cache *
kmem_cache_of(const void *obj)
{
	const struct kmem_slab *s = page_of_pa(va2pa(obj))->kern.slab;

	return s->cache;
}

/*
 * The object of a cache that some byte belongs to.
 *
 * Locks:    none; the object is live.
 */
void *
kmem_object_of(const void *inside)
{
	const struct kmem_slab *s = page_of_pa(va2pa(inside))->kern.slab;
	size_t off = (uintptr_t)inside - (uintptr_t)object_at(s, 0);

	return object_at(s, (unsigned)(off / s->stride));
}

/* ---- tags and poison ---- */

static uint64_t *
tag_of(const struct kmem_slab *s, const void *obj)
{
	return (uint64_t *)((uintptr_t)obj + s->stride - 8);
}

static void *
object_at(const struct kmem_slab *s, unsigned i)
{
	return (uint8_t *)s + s->start + (size_t)i * s->stride;
}

static unsigned
index_of(const struct kmem_slab *s, const void *obj)
{
	uintptr_t off = (uintptr_t)obj - (uintptr_t)object_at(s, 0);

	if (off % s->stride != 0 || off / s->stride >= s->nobjs)
		panic("kmem_free: %p is no object of %s", obj, s->cache->name);
	return (unsigned)(off / s->stride);
}

static void
poison_object(const struct kmem_slab *s, void *obj)
{
	if (s->cache->size <= POISON_MAX)
		words_set(obj, POISON_FREE, s->cache->size / 8);
}

/* A free object must be as poison_object() left it: one instruction for each word. */
static void
check_poison(const struct kmem_slab *s, const void *obj)
{
	const uint64_t *bad;

	if (s->cache->size > POISON_MAX)
		return;
	bad = words_other(obj, POISON_FREE, s->cache->size / 8);
	if (bad != NULL)
		panic("kmem: %s object %p written after free: word %zu is %lx",
		    s->cache->name, obj, (size_t)(bad - (const uint64_t *)obj),
		    *bad);
}

static bool
tag_is_free(uint64_t tag)
{
	return (tag & TAG_MASK) == TAG_FREE;
}

/* Draw the red zone of a new object, from byte n to the end of the tag. */
static void
draw_red_zone(const struct kmem_slab *s, void *obj, size_t n)
{
	size_t slack = s->stride - 8 - n;

	if (slack != 0)
		memset((uint8_t *)obj + n, POISON_RED & 0xff, slack);
	*tag_of(s, obj) = POISON_RED ^ slack;
}

/* Of a live object: is its red zone whole? */
static void
check_red_zone(const struct kmem_slab *s, const void *obj)
{
	uint64_t tag = *tag_of(s, obj), slack = tag ^ POISON_RED;
	const uint8_t *end = (const uint8_t *)tag_of(s, obj), *p;
	size_t whole = slack / 8 * 8;

	if (tag_is_free(tag))
		panic("kmem: %s object %p freed twice", s->cache->name, obj);
	if (slack > s->stride - 8)
		panic("kmem: %s object %p written beyond its end: tag is %lx",
		    s->cache->name, obj, tag);
	p = end - slack;
	if (words_other((const uint64_t *)(end - whole), POISON_RED, whole / 8) ==
	    NULL)
		end -= whole;
	for (; p < end; p++) {
		if (*p != (POISON_RED & 0xff))
			panic("kmem: %s object %p written beyond its end: "
			    "byte %zu is %x", s->cache->name, obj,
			    (size_t)(p - (const uint8_t *)obj), *p);
	}
}

/* ---- slabs: on which list, first free object ---- */

static void
slab_unlink(struct kmem_slab *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		*s->list = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
}

static void
slab_link(struct kmem_slab *s, struct kmem_slab **list)
{
	s->list = list;
	s->prev = NULL;
	s->next = *list;
	if (s->next != NULL)
		s->next->prev = s;
	*list = s;
}

static __attribute__((noinline)) void
slab_move(struct kmem_slab *s, struct kmem_slab **list)
{
	slab_unlink(s);
	slab_link(s, list);
}

/* After a change of nfree: move it to its list, rarely another one than before. */
static inline void
slab_sort(struct kmem_slab *s)
{
	struct kmem_cache *c = s->cache;
	struct kmem_slab **list = s->nfree == 0 ? &c->full :
	    s->nfree == s->nobjs ? &c->empty : &c->partial;

	if (s->list != list)
		slab_move(s, list);
}

/* Returns:  an object with its red zone drawn, or NULL: grow first. */
static void *
object_take(struct kmem_cache *c, size_t n)
{
	uint64_t flags = spin_lock_irq(&c->lock);
	struct kmem_slab *s = c->partial != NULL ? c->partial : c->empty;
	void *obj = NULL;
	uint64_t *tag;

	if (s != NULL) {
		obj = object_at(s, s->first_free);
		tag = tag_of(s, obj);
		if (!tag_is_free(*tag))
			panic("kmem: %s free object %p: tag is %lx",
			    c->name, obj, *tag);
		check_poison(s, obj);
		s->first_free = (uint16_t)(*tag & ~TAG_MASK);
		draw_red_zone(s, obj, n);
		s->nfree--;
		c->live++;
		slab_sort(s);
	}
	spin_unlock_irq(&c->lock, flags);
	return obj;
}

/* obj is number i.  Locks: the cache's. */
static void
slab_put(struct kmem_slab *s, void *obj, unsigned i)
{
	ASSERT(!tag_is_free(*tag_of(s, obj))); /* freed by two threads at once */
	poison_object(s, obj);
	*tag_of(s, obj) = TAG_FREE | s->first_free;
	s->first_free = (uint16_t)i;
	s->nfree++;
	s->cache->live--;
	slab_sort(s);
}

/* ---- frames in and out ---- */

/* 2^order frames, WIRED, home KERNEL, zeroed. */
struct vm_page *
kmem_take_frames(unsigned order)
{
	struct vm_page *pg;

	if (order > 0) {
		pg = phys_alloc_run(order);
		if (pg != NULL)
			memset(pa2va(page_pa(pg)), 0, PAGE_SIZE << order);
	} else {
		pg = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);
		if (pg != NULL) {
			page_set_state(pg, PG_WIRED);
			page_set_home(pg, HOME_KERNEL, 0);
		}
	}
	if (pg != NULL)
		atomic_add(&kmem.frames, 1ul << order);
	return pg;
}

void
kmem_give_frames(struct vm_page *pg, unsigned order)
{
	atomic_sub(&kmem.frames, 1ul << order);
	if (order > 0) {
		phys_free_run(pg, order);
		return;
	}
	page_set_home(pg, HOME_NONE, 0);
	phys_free(pg);
}

static size_t
round_up(size_t x, size_t align)
{
	return (x + align - 1) / align * align;
}

/* Bytes from one object to the next: object, tag, alignment. */
static size_t
stride_of(const struct kmem_cache *c)
{
	return round_up(round_up(c->size, 8) + 8, MAX(c->align, 8u));
}

/* The smallest run that holds one object, and loses at most lost_fifths. */
static unsigned
slab_order(const struct kmem_cache *c, unsigned lost_fifths)
{
	size_t stride = stride_of(c);
	size_t head = round_up(sizeof(struct kmem_slab), MAX(c->align, 8u));
	unsigned order;

	for (order = 0; order < MAX_ORDER; order++) {
		size_t bytes = PAGE_SIZE << order;

		if (head + stride <= bytes && (bytes - head) / stride * stride >=
		    bytes / 5 * (5 - lost_fifths))
			break;
	}
	return order;
}

/*
 * Frames for a slab: adjacent ones are rare when memory is full, so a
 * run that wastes more is taken if there is none of the right size.
 */
static struct vm_page *
slab_frames(const struct kmem_cache *c, unsigned *order)
{
	unsigned best = slab_order(c, 1), least = slab_order(c, 5);
	struct vm_page *pg = kmem_take_frames(best);

	*order = best;
	if (pg == NULL && least < best)
		pg = kmem_take_frames(*order = least);
	return pg;
}

static void
slab_format(struct kmem_slab *s, struct kmem_cache *c, unsigned order)
{
	size_t head = round_up(sizeof(*s), MAX(c->align, 8u));
	unsigned i;

	*s = (struct kmem_slab){ .cache = c, .order = (uint8_t)order,
	    .stride = (uint32_t)stride_of(c), .start = (uint32_t)head,
	    .first_free = NO_INDEX };
	s->nobjs = (uint16_t)(((PAGE_SIZE << order) - head) / s->stride);
	ASSERT(s->nobjs > 0);
	for (i = s->nobjs; i-- > 0; s->first_free = (uint16_t)i) {
		poison_object(s, object_at(s, i));
		*tag_of(s, object_at(s, i)) = TAG_FREE | s->first_free;
	}
	s->nfree = s->nobjs;
}

static uint64_t
gauge_bytes(size_t unused)
{
	return atomic_load_relaxed(&kmem.frames) * PAGE_SIZE;
}

/*
 * Onto the list that /proc/vm/slabs walks.
 *
 * Locks:    any of rank < LR_MEM.
 */
void
kmem_register(struct kmem_cache *c)
{
	uint64_t flags = spin_lock_irq(&kmem.lock);

	if (!kmem.started) {
		kmem.started = true;
		ev_set_gauge(EV_page_nonpaged_bytes, gauge_bytes, 0);
	}
	if (c->next == NULL) {
		c->next = kmem.caches;
		kmem.caches = c;
	}
	spin_unlock_irq(&kmem.lock, flags);
}

static void
cache_add(struct kmem_cache *c, struct vm_page *pg, unsigned order, bool paid)
{
	struct kmem_slab *s = pa2va(page_pa(pg));
	uint64_t flags;
	unsigned i;

	for (i = 0; i < 1u << order; i++)
		pg[i].kern.slab = s;
	slab_format(s, c, order);
	s->paid = paid;
	kmem_register(c);
	flags = spin_lock_irq(&c->lock);
	slab_link(s, &c->empty);
	c->pages += 1ul << order;
	spin_unlock_irq(&c->lock, flags);
}

/* Not inlined, like slab_release(): most calls do not need it. */
static __attribute__((noinline)) bool
cache_grow(struct kmem_cache *c)
{
	unsigned order;
	struct vm_page *pg = slab_frames(c, &order);

	if (pg != NULL)
		cache_add(c, pg, order, false);
	return pg != NULL;
}

/*
 * If the kernel may not grow, a caller that was charged for objects gives a frame.
 *
 * Locks:    as kmem_cache_alloc().
 * Owns:     takes the frame over.
 */
void
kmem_cache_feed(struct kmem_cache *c, struct vm_page *pg)
{
	ASSERT(slab_order(c, 1) == 0);
	page_set_state(pg, PG_WIRED);
	page_set_home(pg, HOME_KERNEL, 0);
	atomic_add(&kmem.frames, 1);
	atomic_add(&kmem_paid, 1);
	cache_add(c, pg, 0, true);
}

/* Locks:    c->lock.  Returns: an empty slab beyond keep of them, unlinked. */
static struct kmem_slab *
spare_slab(struct kmem_cache *c, unsigned keep)
{
	struct kmem_slab *s = c->empty;

	HELD(&c->lock);
	for (; s != NULL && keep > 0; keep--)
		s = s->next;
	if (s != NULL) {
		slab_unlink(s);
		c->pages -= 1ul << s->order;
	}
	return s;
}

static __attribute__((noinline)) void
slab_release(struct kmem_slab *s)
{
	struct vm_page *pg = page_of_pa(va2pa(s));
	unsigned order = s->order;

	atomic_sub(&kmem_paid, s->paid);
	kmem_give_frames(pg, order);
}

/* ---- all caches ---- */

/* Caches are never removed: only the first pointer needs the lock. */
static struct kmem_cache *
first_cache(void)
{
	uint64_t flags = spin_lock_irq(&kmem.lock);
	struct kmem_cache *c = kmem.caches;

	spin_unlock_irq(&kmem.lock, flags);
	return c;
}

void
kmem_drain(void)
{
	struct kmem_cache *c = first_cache();
	struct kmem_slab *s;
	uint64_t flags;

	for (; c != &end_of_caches; c = c->next) {
		do {
			flags = spin_lock_irq(&c->lock);
			s = spare_slab(c, 0);
			spin_unlock_irq(&c->lock, flags);
			if (s != NULL)
				slab_release(s);
		} while (s != NULL);
	}
}

void
kmem_walk(void (*fn)(void *, const char *, size_t, uint64_t, uint64_t),
    void *arg)
{
	struct kmem_cache *c = first_cache();
	uint64_t flags, live, pages;

	for (; c != &end_of_caches; c = c->next) {
		flags = spin_lock_irq(&c->lock);
		live = c->live;
		pages = c->pages;
		spin_unlock_irq(&c->lock, flags);
		fn(arg, c->name, c->size, live, pages);
	}
}

static void
slab_check(const struct kmem_slab *s)
{
	unsigned i, nfree = 0;

	for (i = 0; i < s->nobjs; i++) {
		const void *obj = object_at(s, i);

		if (tag_is_free(*tag_of(s, obj))) {
			check_poison(s, obj);
			nfree++;
		} else {
			check_red_zone(s, obj);
		}
	}
	if (nfree != s->nfree)
		panic("kmem: %s slab %p has %u free objects, counts %u",
		    s->cache->name, (const void *)s, nfree, s->nfree);
}

void
kmem_check(void)
{
	struct kmem_cache *c = first_cache();
	const struct kmem_slab *s;
	uint64_t flags;

	for (; c != &end_of_caches; c = c->next) {
		flags = spin_lock_irq(&c->lock);
		for (s = c->partial; s != NULL; s = s->next)
			slab_check(s);
		for (s = c->full; s != NULL; s = s->next)
			slab_check(s);
		for (s = c->empty; s != NULL; s = s->next)
			slab_check(s);
		spin_unlock_irq(&c->lock, flags);
	}
}
