/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h: red-black tree, the node lies in the element; augmentation by hook
 *
 * Problem   Ordered sets (VADs, references to forked objects, extents) without
 *           allocation, and sums over subtrees kept current.
 *
 * Picture   struct vad { struct rb_node rb; … }: the caller walks with
 *           node->left/right and its own comparison, then links the new node
 *           at the place found: rb_insert(root, node, parent, &parent->left,
 *           augment).
 *
 * Rules     1. augment(node) recomputes the node's summary from its own data
 *              and its two children; it is called bottom-up for each node
 *              whose subtree changed.  NULL: no summary.
 *           2. No locking, no allocation; the owner's lock guards all nodes.
 *           3. If elements are ordered by a number (uint64_t), no two equal, the
 *              search is here: RB_NUMBER gives the number's offset in the
 *              element, which the compiler knows at each call.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "lib/assert.h"
#include "lib/types.h"

struct rb_node {
	struct rb_node *left, *right;
	uintptr_t parent_color; /* parent pointer | 1 when black */
};

struct rb_root {
	struct rb_node *node;
};

typedef void rb_augment_fn(struct rb_node *);

static inline struct rb_node *
rb_parent(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~1ul);
}

static inline bool
rb_is_black(const struct rb_node *n)
{
	return n == NULL || (n->parent_color & 1) != 0;
}

/* Link node below parent at *link (NULL parent: the root) and rebalance. */
void rb_insert(struct rb_root *, struct rb_node *node, struct rb_node *parent,
    struct rb_node **link, rb_augment_fn *);

/* Unlink node and rebalance; the node's fields are void afterwards. */
void rb_remove(struct rb_root *, struct rb_node *node, rb_augment_fn *);

/* Recompute summaries from node up to the root. */
void rb_augment_path(struct rb_node *node, rb_augment_fn *);

/* In-order walk; NULL at the end. */
struct rb_node *rb_first(const struct rb_root *);
struct rb_node *rb_last(const struct rb_root *);
struct rb_node *rb_next(const struct rb_node *);
struct rb_node *rb_prev(const struct rb_node *);

/*
 * Is the subtree a legal red-black tree?  For vm_check and tests.
 *
 * Returns:  black height, or -1 (red-red, unequal heights, wrong parent).
 */
int rb_check(const struct rb_root *);

/* ---- in the order of a number of the elements ---- */

/* How far behind the node of an element its number lies. */
#define RB_NUMBER(type, node, number) \
	((ptrdiff_t)offsetof(type, number) - (ptrdiff_t)offsetof(type, node))

static inline uint64_t
rb_number(const struct rb_node *n, ptrdiff_t at)
{
	return *(const uint64_t *)((uintptr_t)n + (uintptr_t)at);
}

/* The first node from a number on; NULL. */
static inline struct rb_node *
rb_from(const struct rb_root *root, ptrdiff_t at, uint64_t number)
{
	struct rb_node *n = root->node, *best = NULL;

	while (n != NULL) {
		if (rb_number(n, at) >= number) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

/* The same for walks, which ask for the next one: last is what was found last; NULL. */
static inline struct rb_node *
rb_from_near(const struct rb_root *root, ptrdiff_t at, uint64_t number,
    struct rb_node *last)
{
	if (last != NULL && rb_number(last, at) <= number) {
		if (rb_number(last, at) == number)
			return last;
		last = rb_next(last);
		if (last == NULL || rb_number(last, at) >= number)
			return last;
	}
	return rb_from(root, at, number);
}

/* Link a node by its number; no summaries. */
static inline void
rb_add(struct rb_root *root, struct rb_node *node, ptrdiff_t at)
{
	struct rb_node **link = &root->node, *parent = NULL;
	uint64_t number = rb_number(node, at);

	while (*link != NULL) {
		parent = *link;
		ASSERT(rb_number(parent, at) != number);
		link = number < rb_number(parent, at) ? &parent->left :
		    &parent->right;
	}
	rb_insert(root, node, parent, link, NULL);
}

#endif
