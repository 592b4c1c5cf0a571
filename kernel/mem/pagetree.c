/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagetree.c: the pages of one object, in order
 *
 * Problem   A file has any number of pages at any index; each must be found in few
 *           steps, and the tree has only 12 bytes of each struct vm_page.
 *
 * Picture              20          A treap: by index it is a search tree, by rank a
 *                    ┌──┴──┐       heap.  The rank is a hash of the frame number, so
 *                    7     31      the tree looks as if pages had come in random
 *                    └─┐  ┌┘       order: a page lies some 1.4 log2 n deep, and
 *                     12  25       nodes need no field for balance.
 *
 * Rules     1. A node's rank is above those of its children; no two are equal.
 *           2. Insert: down to the first node of lower rank; the page takes its
 *              place, and the subtree that was there is split in two below it.
 *           3. Remove: its two subtrees become one, which takes its place.
 *           4. Links are frame numbers, 0: none.
 *
 * Read next vm/cache/pagecache.c, which looks for pages in it.
 */
#include "lib/hash.h"
#include "mem/pagetree.h"

/* A different rank for each number. */
static uint64_t
rank_of(pfn_t pfn)
{
	return hash_u64(pfn);
}

static struct vm_page *
page_or_null(pfn_t pfn)
{
	return pfn == 0 ? NULL : &pfdb[pfn];
}

/* A link and its node: the place for an insertion. */
struct tree_place {
	pfn_t *link;
	pfn_t parent;
};

static void
hang(struct tree_place at, pfn_t pfn)
{
	*at.link = pfn;
	pfdb[pfn].parent = at.parent;
}

static struct tree_place
left_of(pfn_t pfn)
{
	return (struct tree_place){ &pfdb[pfn].tree.left, pfn };
}

static struct tree_place
right_of(pfn_t pfn)
{
	return (struct tree_place){ &pfdb[pfn].tree.right, pfn };
}

/*
 * Locks:    the owner's.
 */
void
page_tree_insert(struct page_tree *tree, struct vm_page *pg)
{
	struct tree_place at = { &tree->root, 0 }, low, high;
	pfn_t me = page_pfn(pg), rest;
	uint64_t rank = rank_of(me);

	while (*at.link != 0 && rank_of(*at.link) > rank)
		at = pg->index < pfdb[*at.link].index ? left_of(*at.link) :
		    right_of(*at.link);
	rest = *at.link;
	hang(at, me);
	low = left_of(me);
	high = right_of(me);
	while (rest != 0) {
		ASSERT(pfdb[rest].index != pg->index);
		if (pfdb[rest].index < pg->index) {
			hang(low, rest);
			low = right_of(rest);
			rest = *low.link;
		} else {
			hang(high, rest);
			high = left_of(rest);
			rest = *high.link;
		}
	}
	*low.link = *high.link = 0;
}

/*
 * Locks:    the owner's.
 */
void
page_tree_remove(struct page_tree *tree, struct vm_page *pg)
{
	struct vm_page *parent = page_or_null(pg->parent);
	struct tree_place at = { &tree->root, pg->parent };
	pfn_t low = pg->tree.left, high = pg->tree.right;

	if (parent != NULL)
		at.link = parent->tree.left == page_pfn(pg) ?
		    &parent->tree.left : &parent->tree.right;
	ASSERT(*at.link == page_pfn(pg));
	while (low != 0 && high != 0) {
		if (rank_of(low) > rank_of(high)) {
			hang(at, low);
			at = right_of(low);
			low = *at.link;
		} else {
			hang(at, high);
			at = left_of(high);
			high = *at.link;
		}
	}
	*at.link = low | high;
	if (*at.link != 0)
		pfdb[*at.link].parent = at.parent;
	pg->tree.left = pg->tree.right = pg->parent = 0;
}

/*
 * Locks:    the owner's.
 * Returns:  NULL: it is empty.
 */
struct vm_page *
page_tree_first(const struct page_tree *tree)
{
	struct vm_page *pg = page_or_null(tree->root);

	while (pg != NULL && pg->tree.left != 0)
		pg = &pfdb[pg->tree.left];
	return pg;
}

/*
 * Locks:    the owner's.
 * Returns:  NULL: that was the last one.
 */
struct vm_page *
page_tree_next(const struct vm_page *pg)
{
	struct vm_page *up;

	if (pg->tree.right != 0) {
		up = &pfdb[pg->tree.right];
		while (up->tree.left != 0)
			up = &pfdb[up->tree.left];
		return up;
	}
	up = page_or_null(pg->parent);
	while (up != NULL && up->index < pg->index)
		up = page_or_null(up->parent);
	return up;
}

/* Does its parent name it, on the right side, with a higher rank? */
static bool
is_well_hung(const struct page_tree *tree, const struct vm_page *pg)
{
	const struct vm_page *up = page_or_null(pg->parent);
	pfn_t me = page_pfn(pg);

	if (up == NULL)
		return tree->root == me;
	return rank_of(pg->parent) > rank_of(me) &&
	    (pg->index < up->index ? up->tree.left : up->tree.right) == me;
}

static bool
names_as_parent(pfn_t child, const struct vm_page *pg)
{
	return child == 0 || pfdb[child].parent == page_pfn(pg);
}

/*
 * Locks:    the owner's.
 */
bool
page_tree_is_well(const struct page_tree *tree)
{
	const struct vm_page *pg;

	for (pg = page_tree_first(tree); pg != NULL; pg = page_tree_next(pg))
		if (!is_well_hung(tree, pg) || !names_as_parent(pg->tree.left, pg) ||
		    !names_as_parent(pg->tree.right, pg))
			return false;
	return true;
}
