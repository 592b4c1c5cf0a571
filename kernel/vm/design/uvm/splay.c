/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/splay.c: the entries of a map, in a splay tree
 *
 * Problem   Faults come in bunches: the entry that was found last is wanted again.
 *           A tree that moves it to the top finds it at once the next time,
 *           and needs no balance.
 *
 * Picture   search for d:      h              d          the next search for d
 *                             ╱ ╲    ──→     ╱ ╲         looks at one entry
 *                            d   k          b   h
 *                           ╱                  ╱ ╲
 *                          b                  f   k
 *
 * Rules     1. A search changes the tree, and faults of threads run in parallel
 *              under a shared map_lock: so the tree has a lock of its own.
 *           2. An entry covers [start, end); no two overlap, so that an
 *              address is below, within or above an entry.
 */
#include "vm/design/uvm/uvm.h"

/* Below, within or behind the entry: -1, 0, 1. */
static int
compare(uint64_t vpn, const struct uvm_entry *e)
{
	return vpn < e->start ? -1 : vpn >= e->end;
}

static struct uvm_entry *
rotate_right(struct uvm_entry *t)
{
	struct uvm_entry *up = t->left;

	t->left = up->right;
	up->right = t;
	EVENT(uvm_splay_rotations);
	return up;
}

static struct uvm_entry *
rotate_left(struct uvm_entry *t)
{
	struct uvm_entry *up = t->right;

	t->right = up->left;
	up->left = t;
	EVENT(uvm_splay_rotations);
	return up;
}

/* Makes the entry that holds vpn the root; if there is none, the one below or above.
 * Top-down: entries that are passed on the way go to a tree of smaller ones or to a
 * tree of larger ones; at the end both become children of the new root. */
static struct uvm_entry *
splay(struct uvm_entry *t, uint64_t vpn)
{
	struct uvm_entry sides = { .left = NULL }, *less = &sides, *more = &sides;
	int way;

	while ((way = compare(vpn, t)) != 0) {
		if (way < 0) {
			if (t->left != NULL && compare(vpn, t->left) < 0)
				t = rotate_right(t);
			if (t->left == NULL)
				break;
			more->left = t;
			more = t;
			t = t->left;
		} else {
			if (t->right != NULL && compare(vpn, t->right) > 0)
				t = rotate_left(t);
			if (t->right == NULL)
				break;
			less->right = t;
			less = t;
			t = t->right;
		}
	}
	less->right = t->left;
	more->left = t->right;
	t->left = sides.right;
	t->right = sides.left;
	return t;
}

/* vpn's entry is at the top, or a neighbour.  [splay]; the tree is not empty. */
static int
bring_up(struct uvm_space *sp, uint64_t vpn)
{
	int way = compare(vpn, sp->root);

	if (way == 0)
		return 0;
	sp->root = splay(sp->root, vpn);
	return compare(vpn, sp->root);
}

/* The entry that contains vpn.
 * Locks: [M] or [W]; takes [splay].  Returns: the entry; NULL: there is none. */
struct uvm_entry *
splay_find(struct uvm_space *sp, uint64_t vpn)
{
	struct uvm_entry *e = NULL;

	spin_lock(&sp->lock);
	if (sp->root != NULL && bring_up(sp, vpn) == 0)
		e = sp->root;
	spin_unlock(&sp->lock);
	return e;
}

/* The first entry that ends behind vpn.
 * Locks: [M] or [W]; takes [splay].  Returns: the entry; NULL: there is none. */
struct uvm_entry *
splay_next(struct uvm_space *sp, uint64_t vpn)
{
	struct uvm_entry *e = NULL;

	spin_lock(&sp->lock);
	if (sp->root != NULL && bring_up(sp, vpn) <= 0) {
		e = sp->root;
	} else if (sp->root != NULL) {
		for (e = sp->root->right; e != NULL && e->left != NULL;)
			e = e->left;
	}
	spin_unlock(&sp->lock);
	return e;
}

/* Locks: [M] exclusive and [W] of its space; takes [splay]. */
void
splay_insert(struct uvm_space *sp, struct uvm_entry *e)
{
	struct uvm_entry *t;

	e->left = e->right = NULL;
	spin_lock(&sp->lock);
	if (sp->root != NULL && bring_up(sp, e->start) < 0) {
		t = sp->root;
		e->right = t;
		e->left = t->left;
		t->left = NULL;
	} else if (sp->root != NULL) {
		t = sp->root;
		ASSERT(t->end <= e->start);
		e->left = t;
		e->right = t->right;
		t->right = NULL;
	}
	sp->root = e;
	e->in = sp;
	spin_unlock(&sp->lock);
}

/* Locks: [M] exclusive and [W] of its space; takes [splay]. */
void
splay_remove(struct uvm_space *sp, struct uvm_entry *e)
{
	struct uvm_entry *rest;

	spin_lock(&sp->lock);
	CHECK(bring_up(sp, e->start) == 0 && sp->root == e);
	rest = e->right;
	sp->root = e->left;
	if (sp->root == NULL) {
		sp->root = rest;
	} else {
		/* All are below e: the last of them comes up, without a right. */
		sp->root = splay(sp->root, e->start);
		sp->root->right = rest;
	}
	e->in = NULL;
	spin_unlock(&sp->lock);
}

/* The entry, in the tree, is of another range, which no other one meets.
 * Locks: [M] exclusive and [W] of its space; takes [splay]. */
void
splay_resize(struct uvm_space *sp, struct uvm_entry *e, uint64_t start,
    uint64_t end)
{
	spin_lock(&sp->lock);
	e->start = start;
	e->end = end;
	spin_unlock(&sp->lock);
}
