/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * extent.h: runs of free numbers, for address ranges that are allocated and freed
 *
 * Problem   Ranges of any length are allocated and freed in any order.  Freeing
 *           may not fail, so it may not need memory.
 *
 * Picture   tree of free extents, each with the longest below it
 *
 *           |used|  extent  |used|used| extent |used|      one extent …
 *
 * Rules     1. There are used + 1 tags at any time: as many as there can be
 *              extents between used ranges.  To take a range the caller brings a
 *              tag; so to give it back it needs none, and gets one to free.
 *           2. First fit: the lowest numbers that are enough.  So used ranges stay
 *              dense.
 *           3. A run that is given back is merged with its neighbours.
 *           4. No locking, no allocation; the owner's lock guards all.
 *
 * Read next mem/kva.c, vm/kpaged/kpaged_va.c, which use it.
 */
#ifndef LIB_EXTENT_H
#define LIB_EXTENT_H

#include "lib/tree.h"
#include "lib/types.h"

/* A tag: of a free extent, or without one. */
struct extent {
	struct rb_node rb;         /* in the tree; or left: the next one without */
	uint64_t start, n;         /* the numbers [start, start + n) are free */
	uint64_t longest;          /* in the subtree */
};

struct extents {
	struct rb_root tree;       /* by start */
	struct extent *spare;      /* tags without an extent */
};

/* Once: the first tag is for all of [start, start + n), which is free. */
void extents_init(struct extents *, struct extent *tag, uint64_t start, uint64_t n);
/* Take n numbers from *start on, with a new tag.  False: there are not so many in a
 * row, and the tag is still the caller's. */
bool extent_take(struct extents *, struct extent *tag, uint64_t n, uint64_t *start);
/* Give [start, start + n) back.  The tag that is too many is the caller's. */
struct extent *extent_give(struct extents *, uint64_t start, uint64_t n);
bool extent_is_free(const struct extents *, uint64_t number);

#endif
