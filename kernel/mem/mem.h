/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.h: frames and kernel objects
 *
 * Offers    phys_ (frames), kmem_ (small objects), kva_ (kernel ranges).
 * Needs     md.h for page tables; the memory map of boot/.
 * Sleeps?   Never: all return NULL when there is no memory.
 * In interrupts?  No, but kmem_free() and kmem_cache_free() of small objects.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "mem/page.h"

/* ---- phys.c ---- */

enum phys_class {
	PHYS_USER,     /* leaves the reserve and some more alone */
	PHYS_KERNEL,   /* leaves the reserve alone */
	PHYS_RESERVED  /* down to the last frame: pageout, exit */
};

#define PHYS_CLASSES (PHYS_RESERVED + 1)

/* How few frames are few: phys_set_marks(). */
struct phys_marks {
	uint64_t reserve, low, high;
	uint64_t leave[PHYS_CLASSES]; /* frames that a class leaves alone */
};

extern struct phys_marks phys_marks; /* [A] */

enum phys_want { PHYS_ANY, PHYS_ZEROED };

/* Take all free RAM of boot/; the frame database is made here. */
void phys_init(void);
/* RAM that boot/ had kept and that has no more use, e.g. the archive of the first files. */
SYSTEM_ONLY uint64_t phys_adopt(pa_t start, pa_t end);
/*
 * One frame.
 *
 * Returns:  page in LIMBO without a home (ZEROED: all bytes 0), or NULL.
 * Owns:     the caller, until page_set_home() or phys_free().
 */
struct vm_page *phys_alloc(enum phys_class, enum phys_want);
/* Give back a frame in LIMBO or WIRED with no home, mapping or pin. */
void phys_free(struct vm_page *);
void phys_free_chain(pfn_t); /* of such, linked through qnext */
void phys_free_zeroed(struct vm_page *); /* one of which each byte is 0 */
/* The same for a frame reclaimed from STANDBY, which page.free does not count. */
void phys_free_reclaimed(struct vm_page *);
uint32_t phys_refusals(void);
/* 2^order adjacent frames, WIRED, home KERNEL; NULL if there is no such run. */
struct vm_page *phys_alloc_run(unsigned order);
void phys_free_run(struct vm_page *, unsigned order);
/* Free frames, all lists and magazines; reserve, low and high marks. */
struct phys_stat {
	uint64_t total;    /* usable frames */
	uint64_t free;     /* FREE, magazines included */
	uint64_t zeroed;   /* ZEROED, magazines included */
	uint64_t wired;    /* WIRED */
	uint64_t avail;    /* FREE and ZEROED that nobody has been promised */
	uint64_t reserve, low, high, min_ever;
	pfn_t max_pfn;
};
void phys_stat(struct phys_stat *);
/* Compute the marks anew (book: deadlock): CPUs, swap areas have joined. */
SYSTEM_ONLY void phys_set_marks(void);
SYSTEM_ONLY void phys_set_areas(unsigned areas);
/*
 * freed: called for each frame that came back, until it returns false, while there are
 * phys_sleepers (wake one); low: after an allocation went below low.  Both may be called
 * with any lock of rank <= LR_MEM held, and may only wake threads.
 */
void phys_set_hooks(bool (*freed)(void), void (*low)(void));
/* [A] Who wants to wait for a frame counts itself, then looks once more, then sleeps. */
extern _Atomic uint32_t phys_sleepers;
/*
 * reclaim: called before an allocation fails; frees a frame whose contents can
 * be had again (phys_free_reclaimed), or returns false.  May be called with any
 * lock of rank < LR_MEM held, and may not sleep.
 */
void phys_set_reclaim(bool (*reclaim)(void));
/*
 * gate: may the current thread make the kernel wire n more frames?  Called with
 * any lock of rank < LR_MEM held; may not sleep.
 */
void phys_set_gate(bool (*gate)(uint64_t n));
/* Empty all CPUs' magazines (before leak accounting).  Any thread. */
SYSTEM_ONLY void phys_drain(void);
/* Zero one FREE frame in idle time; false: nothing to do. */
SYSTEM_ONLY bool phys_zero_idle(void);
/* Has pfn a descriptor?  (RAM of boot/, also what was never free.) */
bool phys_is_ram(pfn_t);
/* page_zero and page_copy: the only ways a whole page is cleared or copied. */
void page_zero(struct vm_page *);
void page_copy(struct vm_page *dst, const struct vm_page *src);

/* ---- slab.c: poison on free, red zones, a leak census by cache ---- */

struct kmem_cache {
	const char *name;        /* [c] as /proc/vm/slabs prints it */
	uint32_t size;           /* [c] bytes of one object */
	uint32_t align;          /* [c] */
	struct spinlock lock;    /* the rest */
	struct kmem_slab *partial, *full, *empty;
	uint64_t live, pages;    /* objects handed out, frames held */
	struct kmem_cache *next; /* all caches */
};

#define KMEM_CACHE(n, type) { .name = (n), .size = sizeof(type), \
	.align = _Alignof(type), .lock = SPIN_INIT(LR_MEM) }

/* Non-paged object, contents POISON_NEW; NULL: no frame or FI_SLAB. */
void *kmem_cache_alloc(struct kmem_cache *);
void *kmem_cache_zalloc(struct kmem_cache *);
void kmem_cache_free(struct kmem_cache *, void *);
void *kmem_object_of(const void *inside); /* the object, of a cache, that it points into */
/* A frame in LIMBO that is paid for becomes objects of the cache, which are small. */
void kmem_cache_feed(struct kmem_cache *, struct vm_page *);
/* [A] WIRED frames that somebody's promise pays for: of fed slabs, and page tables. */
extern _Atomic uint64_t kmem_paid;
/*
 * Puts the cache on the list of all, once: what a design's records are called is
 * shown before there is one.  Again is harmless; the first object does it, too.
 */
SYSTEM_ONLY void kmem_register(struct kmem_cache *);
/* Any size; up to 2 KiB from size classes, above in runs of frames. */
void *kmem_alloc(size_t);
void *kmem_zalloc(size_t);
void kmem_free(void *);   /* NULL is allowed */
/* Return empty slabs to phys (before leak accounting). */
SYSTEM_ONLY void kmem_drain(void);
/* Walk all caches: fn(arg, name, object size, live objects, frames). */
SYSTEM_ONLY void kmem_walk(
    void (*fn)(void *, const char *, size_t, uint64_t, uint64_t), void *arg);
/* Check every object's red zone and free poison; panics by name. */
SYSTEM_ONLY void kmem_check(void);

/* ---- kva.c: ranges of kernel addresses (the arena) ---- */

void kva_init(void);
/* A kernel stack with an unmapped guard page below; NULL: no memory. */
SYSTEM_ONLY uint8_t *kva_stack_alloc(void);
SYSTEM_ONLY void kva_stack_free(uint8_t *stack);
SYSTEM_ONLY size_t kva_stack_used(const uint8_t *stack);
SYSTEM_ONLY size_t kva_stacks_deepest(void);  /* of those without a thread */
/* Is va in the guard page of some stack? (for the double-fault message) */
bool kva_is_guard(va_t);
/* Registers of a device, uncached; never undone.  NULL: no memory. */
SYSTEM_ONLY void *kva_map_device(pa_t, size_t bytes);
/* n pages of virtually contiguous memory, mapped; NULL: no memory. */
void *kva_alloc(size_t pages);
void kva_free(void *, size_t pages);
SYSTEM_ONLY void kva_drain(void);  /* free cached stacks */
/* A zeroed table of any size, without adjacent frames. */
void *room_alloc(size_t bytes);
void *room_alloc_raw(size_t bytes);
void room_free(void *, size_t bytes);

#endif
