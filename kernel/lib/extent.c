/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * extent.c: runs of free numbers: a tree, each node with the longest below it
 *
 * Rules and the picture: extent.h.
 */
#include "lib/assert.h"
#include "lib/extent.h"

static void
tag_keep(struct extents *x, struct extent *e)
{
	e->rb.left = x->spare != NULL ? &x->spare->rb : NULL;
	x->spare = e;
}

static struct extent *
extent_of(struct rb_node *n)
{
	return n != NULL ? CONTAINER_OF(n, struct extent, rb) : NULL;
}

static struct extent *
tag_take(struct extents *x)
{
	struct extent *e = x->spare;

	ASSERT(e != NULL);
	x->spare = extent_of(e->rb.left);
	return e;
}

static void
note_longest(struct rb_node *n)
{
	struct extent *e = extent_of(n), *c;

	e->longest = e->n;
	c = extent_of(n->left);
	if (c != NULL)
		e->longest = MAX(e->longest, c->longest);
	c = extent_of(n->right);
	if (c != NULL)
		e->longest = MAX(e->longest, c->longest);
}

static void
insert(struct extents *x, struct extent *e, uint64_t start, uint64_t n)
{
	struct rb_node **link = &x->tree.node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = start < extent_of(parent)->start ? &parent->left :
		    &parent->right;
	}
	e->start = start;
	e->n = e->longest = n;
	rb_insert(&x->tree, &e->rb, parent, link, note_longest);
}

/* The last extent that starts at or before the number. */
static struct extent *
extent_before(const struct extents *x, uint64_t number)
{
	struct extent *e = extent_of(x->tree.node), *best = NULL;

	while (e != NULL) {
		if (e->start <= number) {
			best = e;
			e = extent_of(e->rb.right);
		} else {
			e = extent_of(e->rb.left);
		}
	}
	return best;
}

/* The first extent that is long enough. */
static struct extent *
first_fit(struct extents *x, uint64_t n)
{
	struct extent *e = extent_of(x->tree.node), *left;

	if (e == NULL || e->longest < n)
		return NULL;
	for (;;) {
		left = extent_of(e->rb.left);
		if (left != NULL && left->longest >= n)
			e = left;
		else if (e->n >= n)
			return e;
		else
			e = extent_of(e->rb.right);
	}
}

void
extents_init(struct extents *x, struct extent *tag, uint64_t start, uint64_t n)
{
	insert(x, tag, start, n);
}

bool
extent_take(struct extents *x, struct extent *tag, uint64_t n, uint64_t *start)
{
	struct extent *e = first_fit(x, n);

	if (e == NULL)
		return false;
	tag_keep(x, tag);
	*start = e->start;
	e->start += n;
	e->n -= n;
	if (e->n > 0) {
		rb_augment_path(&e->rb, note_longest);
	} else {
		rb_remove(&x->tree, &e->rb, note_longest);
		tag_keep(x, e);
	}
	return true;
}

/*
 * A tag is needed only where there is no neighbour to join: then used ranges lie
 * on both sides, so there are fewer extents than tags.
 */
struct extent *
extent_give(struct extents *x, uint64_t start, uint64_t n)
{
	struct extent *before = extent_before(x, start), *after;
	uint64_t end = start + n;

	after = extent_of(before != NULL ? rb_next(&before->rb) :
	    rb_first(&x->tree));
	/* Else it is given back twice, or never was taken. */
	CHECK((before == NULL || before->start + before->n <= start) &&
	    (after == NULL || end <= after->start));
	if (after != NULL && after->start == end) {
		n += after->n;
		rb_remove(&x->tree, &after->rb, note_longest);
		tag_keep(x, after);
	}
	if (before != NULL && before->start + before->n == start) {
		before->n += n;
		rb_augment_path(&before->rb, note_longest);
	} else {
		insert(x, tag_take(x), start, n);
	}
	return tag_take(x);
}

bool
extent_is_free(const struct extents *x, uint64_t number)
{
	const struct extent *e = extent_before(x, number);

	return e != NULL && number - e->start < e->n;
}
