/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c: red-black tree, the node lies in the element
 *
 * Problem   Ordered sets that stay balanced without allocating, and sums over
 *           subtrees that are right again after each change.
 *
 * Picture       rotate left at x            x: upper, y: its right child
 *
 *                 x                y
 *                / \              / \       b changes sides; the order
 *               a   y     →      x   c      a x b y c stays
 *                  / \          / \
 *                 b   c        a   b
 *
 * Rules     1. The root is black; a red node has no red child; all paths from
 *              a node down to nothing pass the same number of black nodes.
 *           2. A rotation keeps the set below the upper node, so only the two
 *              nodes that change places get new summaries: lower one first.
 *           3. A missing child counts as black.
 *           4. Nodes may lie in pageable memory that is lost, and are all zero
 *              then: no colour, no child, no parent.  The results for such a tree
 *              are worthless, but no function follows a NULL pointer.
 *
 * Read next vm/map/vad.c, the first user.
 */
#include "lib/tree.h"

#define RB_BLACK 1ul

static void insert_fixup(struct rb_root *root, struct rb_node *n,
    rb_augment_fn *augment);
static void remove_fixup(struct rb_root *root, struct rb_node *n,
    struct rb_node *parent, rb_augment_fn *augment);

/* ---- colour and parent in one word ---- */

static bool
is_red(const struct rb_node *n)
{
	return !rb_is_black(n);
}

static void
set_parent(struct rb_node *n, struct rb_node *parent)
{
	if (n == NULL)
		return; /* rule 4 */
	n->parent_color = (uintptr_t)parent | (n->parent_color & RB_BLACK);
}

static void
set_black(struct rb_node *n)
{
	if (n == NULL)
		return; /* rule 4, or an empty tree */
	n->parent_color |= RB_BLACK;
}

static void
set_red(struct rb_node *n)
{
	n->parent_color &= ~RB_BLACK;
}

static void
copy_color(struct rb_node *n, const struct rb_node *from)
{
	n->parent_color = (n->parent_color & ~RB_BLACK) |
	    (from->parent_color & RB_BLACK);
}

/* ---- rotations ---- */

/* Whatever pointed to old (its parent or the root) points to new. */
static void
replace_child(struct rb_root *root, struct rb_node *parent,
    struct rb_node *old, struct rb_node *new)
{
	if (parent == NULL)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

static void
rotated(struct rb_node *lower, struct rb_node *upper, rb_augment_fn *augment)
{
	if (augment == NULL)
		return;
	augment(lower);
	augment(upper);
}

static void
rotate_left(struct rb_root *root, struct rb_node *x, rb_augment_fn *augment)
{
	struct rb_node *y = x->right, *parent = rb_parent(x);

	if (y == NULL)
		return; /* rule 4 */
	x->right = y->left;
	set_parent(y->left, x);
	y->left = x;
	set_parent(x, y);
	set_parent(y, parent);
	replace_child(root, parent, x, y);
	rotated(x, y, augment);
}

static void
rotate_right(struct rb_root *root, struct rb_node *x, rb_augment_fn *augment)
{
	struct rb_node *y = x->left, *parent = rb_parent(x);

	if (y == NULL)
		return; /* rule 4 */
	x->left = y->right;
	set_parent(y->right, x);
	y->right = x;
	set_parent(x, y);
	set_parent(y, parent);
	replace_child(root, parent, x, y);
	rotated(x, y, augment);
}

/* ---- insertion ---- */

void
rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
    struct rb_node **link, rb_augment_fn *augment)
{
	node->left = node->right = NULL;
	node->parent_color = (uintptr_t)parent; /* red: black heights keep */
	*link = node;
	rb_augment_path(node, augment);
	insert_fixup(root, node, augment);
}

/* n is red; if its parent is red too, push the conflict up or rotate it away. */
static void
insert_fixup(struct rb_root *root, struct rb_node *n, rb_augment_fn *augment)
{
	struct rb_node *parent, *grand, *uncle;

	while (is_red(parent = rb_parent(n))) {
		grand = rb_parent(parent); /* exists: a red node is no root */
		if (grand == NULL)
			break; /* rule 4 */
		uncle = parent == grand->left ? grand->right : grand->left;
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			n = grand;
			continue;
		}
		/* An inner grandchild first becomes an outer one. */
		if (parent == grand->left && n == parent->right) {
			rotate_left(root, parent, augment);
			parent = n;
		} else if (parent == grand->right && n == parent->left) {
			rotate_right(root, parent, augment);
			parent = n;
		}
		set_black(parent);
		set_red(grand);
		if (parent == grand->left)
			rotate_right(root, grand, augment);
		else
			rotate_left(root, grand, augment);
		break;
	}
	set_black(root->node);
}

/* ---- removal ---- */

static struct rb_node *
leftmost(struct rb_node *n)
{
	while (n != NULL && n->left != NULL)
		n = n->left;
	return n;
}

static struct rb_node *
rightmost(struct rb_node *n)
{
	while (n != NULL && n->right != NULL)
		n = n->right;
	return n;
}

/* Put child, which may be NULL, where node was. */
static void
splice_out(struct rb_root *root, struct rb_node *node, struct rb_node *child)
{
	struct rb_node *parent = rb_parent(node);

	replace_child(root, parent, node, child);
	set_parent(child, parent);
}

void
rb_remove(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment)
{
	struct rb_node *child, *parent, *heir;
	bool lost_black;

	if (node->left == NULL || node->right == NULL) {
		child = node->left != NULL ? node->left : node->right;
		parent = rb_parent(node);
		lost_black = rb_is_black(node);
		splice_out(root, node, child);
	} else {
		/* Two children: the next in order takes place and colour. */
		heir = leftmost(node->right);
		if (heir == NULL)
			return; /* rule 4 */
		child = heir->right;
		parent = rb_parent(heir);
		lost_black = rb_is_black(heir);
		if (parent == node)
			parent = heir;
		else
			splice_out(root, heir, child);
		if (parent != heir) {
			heir->right = node->right;
			set_parent(heir->right, heir);
		}
		heir->left = node->left;
		set_parent(heir->left, heir);
		set_parent(heir, rb_parent(node));
		replace_child(root, rb_parent(node), node, heir);
		copy_color(heir, node);
	}
	if (parent != NULL)
		rb_augment_path(parent, augment);
	if (lost_black)
		remove_fixup(root, child, parent, augment);
}

/*
 * Paths through n (below parent; n may be NULL) lack one black node.  This is
 * the case where n is parent's left child; returns true when all is repaired,
 * false when the lack has moved up to parent.
 */
static bool
repair_left(struct rb_root *root, struct rb_node *parent,
    rb_augment_fn *augment)
{
	struct rb_node *sibling = parent->right;

	if (is_red(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_left(root, parent, augment);
		sibling = parent->right;
	}
	if (sibling == NULL)
		return true; /* rule 4 */
	if (rb_is_black(sibling->left) && rb_is_black(sibling->right)) {
		set_red(sibling);
		return false;
	}
	if (rb_is_black(sibling->right)) {
		set_black(sibling->left);
		set_red(sibling);
		rotate_right(root, sibling, augment);
		sibling = parent->right;
	}
	copy_color(sibling, parent);
	set_black(parent);
	set_black(sibling->right);
	rotate_left(root, parent, augment);
	return true;
}

/* repair_left in the mirror. */
static bool
repair_right(struct rb_root *root, struct rb_node *parent,
    rb_augment_fn *augment)
{
	struct rb_node *sibling = parent->left;

	if (is_red(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_right(root, parent, augment);
		sibling = parent->left;
	}
	if (sibling == NULL)
		return true; /* rule 4 */
	if (rb_is_black(sibling->left) && rb_is_black(sibling->right)) {
		set_red(sibling);
		return false;
	}
	if (rb_is_black(sibling->left)) {
		set_black(sibling->right);
		set_red(sibling);
		rotate_left(root, sibling, augment);
		sibling = parent->left;
	}
	copy_color(sibling, parent);
	set_black(parent);
	set_black(sibling->left);
	rotate_right(root, parent, augment);
	return true;
}

static void
remove_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
    rb_augment_fn *augment)
{
	bool done = false;

	/* A red n, or the root, absorbs the missing black. */
	while (!done && parent != NULL && rb_is_black(n)) {
		if (n == parent->left)
			done = repair_left(root, parent, augment);
		else
			done = repair_right(root, parent, augment);
		n = parent;
		parent = rb_parent(n);
	}
	if (!done)
		set_black(n);
}

void
rb_augment_path(struct rb_node *node, rb_augment_fn *augment)
{
	if (augment == NULL)
		return;
	for (; node != NULL; node = rb_parent(node))
		augment(node);
}

/* ---- walking ---- */

struct rb_node *
rb_first(const struct rb_root *root)
{
	return leftmost(root->node);
}

struct rb_node *
rb_last(const struct rb_root *root)
{
	return rightmost(root->node);
}

struct rb_node *
rb_next(const struct rb_node *n)
{
	struct rb_node *parent;

	if (n->right != NULL)
		return leftmost(n->right);
	while ((parent = rb_parent(n)) != NULL && n == parent->right)
		n = parent;
	return parent;
}

struct rb_node *
rb_prev(const struct rb_node *n)
{
	struct rb_node *parent;

	if (n->left != NULL)
		return rightmost(n->left);
	while ((parent = rb_parent(n)) != NULL && n == parent->left)
		n = parent;
	return parent;
}

/* ---- checking ---- */

/* Number of black nodes from n down to any missing child on its left edge. */
static int
left_black_height(const struct rb_node *n)
{
	int h = 0;

	for (; n != NULL; n = n->left)
		h += rb_is_black(n);
	return h;
}

/* Black nodes from n up to the root, n included. */
static int
black_depth(const struct rb_node *n)
{
	int h = 0;

	for (; n != NULL; n = rb_parent(n))
		h += rb_is_black(n);
	return h;
}

static bool
node_is_legal(const struct rb_node *n, int height)
{
	if (n->left != NULL && rb_parent(n->left) != n)
		return false;
	if (n->right != NULL && rb_parent(n->right) != n)
		return false;
	if (is_red(n) && (is_red(n->left) || is_red(n->right)))
		return false;
	/* Every place where a path ends must lie equally deep in black. */
	if (n->left == NULL || n->right == NULL)
		return black_depth(n) == height;
	return true;
}

/* Without recursion: kernel stacks are small, and a damaged tree may be deep. */
int
rb_check(const struct rb_root *root)
{
	int height = left_black_height(root->node);
	const struct rb_node *n;

	if (root->node == NULL)
		return 0;
	if (rb_parent(root->node) != NULL || is_red(root->node))
		return -1;
	for (n = rb_first(root); n != NULL; n = rb_next(n)) {
		if (!node_is_legal(n, height))
			return -1;
	}
	return height;
}
