/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.h: the functions of slab.c that kmalloc.c needs
 *
 * Offers    frames for kernel objects, counted; caches by object.
 * Needs     mem.h.
 * Sleeps?   Never.
 * In interrupts?  No.
 */
#ifndef MEM_SLAB_H
#define MEM_SLAB_H

#include "mem/mem.h"

enum kmem_fill { FILL_NEW, FILL_ZERO };

/* kmem_cache_alloc() or kmem_cache_zalloc(); the first n bytes are used. */
void *kmem_cache_take(struct kmem_cache *, size_t n, enum kmem_fill);
/* The cache of a slab's object. */
struct kmem_cache *kmem_cache_of(const void *obj);
/* 2^order frames, WIRED, home KERNEL, in page.nonpaged_bytes; or NULL. */
struct vm_page *kmem_take_frames(unsigned order);
void kmem_give_frames(struct vm_page *, unsigned order);

#endif
