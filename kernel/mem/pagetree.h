/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagetree.h: the pages of one object, in order; the node lies in struct vm_page
 *
 * A search is written by the caller: from root, by tree.left to smaller indices
 * and by tree.right to larger ones.  The owner's lock guards all nodes.
 */
#ifndef MEM_PAGETREE_H
#define MEM_PAGETREE_H

#include "mem/page.h"

struct page_tree {
	pfn_t root; /* 0: empty */
};

/* Enters at pg->index, which no other page has. */
void page_tree_insert(struct page_tree *, struct vm_page *pg);
void page_tree_remove(struct page_tree *, struct vm_page *pg);

/* In order; NULL at the end. */
struct vm_page *page_tree_first(const struct page_tree *);
struct vm_page *page_tree_next(const struct vm_page *);

/* Is every node where its number and its rank belong?  For vm_check and tests. */
bool page_tree_is_well(const struct page_tree *);

#endif
