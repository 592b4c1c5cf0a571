/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/shadow.c: chains of objects, and how they are kept short
 *
 * Problem   A fork copies nothing: it puts an empty object in front of the old one, one
 *           for each side.  After a thousand forks a fault would search a thousand
 *           objects for a page that was never stored to again.
 *
 * Picture   fork       parent's top ─┐                  exit   ─┐
 *                                    ├─→ object ─→ …            ├─→ object    one child
 *                      child's top  ─┘             child's top ─┘     │
 *                                                    ↑ collapse ──────┘ pages, slots
 *
 *           bypass     top { has all pages that the object has } ─→ the object's parent
 *
 * Rules     1. An object with children is not stored to: the bytes that its children see
 *              do not change when a page moves from object to object.
 *           2. An object has a count of its children and the XOR of their addresses, no
 *              list: when one child is left, the XOR is its address.  Then the object is
 *              due, and collapses at once, not at some later visit.
 *           3. A collapse moves pages and slots that the child does not have, and frees
 *              those that it has or does not see.  Nothing is read in, no word changes.
 *           4. At most SH_STEP pages move in one hold of [sh]; after each of these holds
 *              all faults see the same pages as before.
 *           5. unseen of a page is at most the number of children that do not see it: the
 *              only child that sees it may take it without a copy.  A child that gives up
 *              a page lowers unseen, even if it was not counted: a count that is too low
 *              costs a copy, one that is too high would lose a page.
 */
#include "vm/design/shadow/shadow.h"

#define ONLY_CHILD(o) ((struct sh_object *)(o)->children)

static uint64_t depth_max;                     /* [sh] parents passed by a look-up */

/* ---- what a top sees ---- */

/*
 * The page that a top has at vpn, or sees in one of its parents.
 *
 * Locks:    [sh].
 * Returns:  false: none, or a hole before it; s->depth is right in any case.
 */
bool
sh_look_locked(struct sh_object *top, uint64_t vpn, struct sh_seen *s)
{
	struct sh_object *o = top;
	uint64_t i = vpn;

	HELD(&sh_lock);
	*s = (struct sh_seen){ .object = top, .vpn = vpn };
	while ((s->page = sh_find_locked(o, i)) == NULL && o->parent != NULL &&
	    i >= o->lo && i < o->hi) {
		i += o->off;
		o = s->object = o->parent;
		s->depth++;
	}
	return s->page != NULL && s->page->word != 0;
}

enum from_where { TOP, BELOW };

/* The first record of [vpn, end) of the chain from o on, in the numbers of o; of two at one
 * page that in front.  False: there is none. */
static bool
next_record(struct sh_object *o, uint64_t vpn, uint64_t end, enum from_where from,
    struct sh_seen *s)
{
	uint64_t lo = vpn, hi = end, shift = 0;
	struct sh_page *page;
	unsigned depth = 0;

	for (s->vpn = end; o != NULL && lo < hi; o = o->parent, depth++) {
		page = from == BELOW && depth == 0 ? NULL : sh_from_locked(o, lo);
		if (page != NULL && page->index < hi &&
		    page->index - shift < s->vpn)
			*s = (struct sh_seen){ page, o, page->index - shift,
				depth };
		lo = MAX(lo, o->lo) + o->off;
		hi = MIN(hi, o->hi) + o->off;
		shift += o->off;
	}
	return s->vpn < end;
}

static bool
next_seen(struct sh_object *top, uint64_t vpn, uint64_t end, enum from_where from,
    struct sh_seen *s)
{
	bool found = next_record(top, vpn, end, from, s);

	while (found && s->page->word == 0)
		found = next_record(top, s->vpn + 1, end, from, s);
	return found;
}

/*
 * The first page of [vpn, end) that a top sees.
 *
 * Locks:    [sh].
 * Returns:  false: there is none.
 */
bool
sh_next_locked(struct sh_object *top, uint64_t vpn, uint64_t end,
    struct sh_seen *s)
{
	HELD(&sh_lock);
	return next_seen(top, vpn, end, TOP, s);
}

/*
 * The same, as if it had no pages and holes itself.
 *
 * Locks:    [sh].
 */
bool
sh_next_below_locked(struct sh_object *top, uint64_t vpn, uint64_t end,
    struct sh_seen *s)
{
	HELD(&sh_lock);
	return next_seen(top, vpn, end, BELOW, s);
}

/*
 * How many pages of [lo, hi) that a top sees were charged when they were touched.
 *
 * Locks:    [W] of its space; takes [sh].
 */
uint64_t
sh_count_late(struct sh_object *top, uint64_t lo, uint64_t hi)
{
	struct sh_object *o;
	uint64_t n = 0, late = 0;
	struct sh_seen s;
	bool more;

	spin_lock(&sh_lock);
	for (o = top; o != NULL; o = o->parent)
		late += o->nlate;
	for (more = late != 0; more && (more = sh_next_locked(top, lo, hi, &s));) {
		n += s.page->late;
		lo = s.vpn + 1;
		if (lo % SH_STEP == 0) {
			spin_unlock(&sh_lock);
			spin_lock(&sh_lock);
		}
	}
	spin_unlock(&sh_lock);
	return n;
}

/* ---- parent and child: [sh] ---- */

static void
add_child(struct sh_object *parent, struct sh_object *child)
{
	parent->children ^= (uintptr_t)child;
	if (++parent->num_children == 1)
		list_push_back(&sh_due, &parent->due);
	else if (list_is_linked(&parent->due))
		list_remove(&parent->due);
}

static void
remove_child(struct sh_object *parent, struct sh_object *child)
{
	parent->children ^= (uintptr_t)child;
	if (--parent->num_children == 1)
		list_push_back(&sh_due, &parent->due);
	else if (list_is_linked(&parent->due))
		list_remove(&parent->due);
}

/*
 * Page index of o is not its own any more: the parent's may be seen by one child more.
 *
 * Locks:    [sh].
 */
void
sh_show_parents_locked(struct sh_object *o, uint64_t index)
{
	struct sh_page *page = o->parent == NULL ? NULL :
	    sh_find_locked(o->parent, index + o->off);

	HELD(&sh_lock);
	if (page != NULL && page->unseen > 0)
		page->unseen--;
}

/*
 * An object gets a parent, of which it sees [lo, hi), own numbers.
 *
 * Locks:    [sh].
 */
void
sh_link_locked(struct sh_object *o, struct sh_object *parent, uint64_t off,
    uint64_t lo, uint64_t hi)
{
	HELD(&sh_lock);
	ASSERT(o->parent == NULL && parent != o);
	if (lo >= hi)
		return;
	o->parent = parent;
	o->off = off;
	o->lo = lo;
	o->hi = hi;
	o->try_at = parent->n;
	add_child(parent, o);
	EVENT(shadow_link, va2pa(o), va2pa(parent));
}

/*
 * An object has no parent any more.
 *
 * Locks:    [sh].
 * Returns:  the parent, if that has no children now; NULL.
 * Owns:     the caller, what it returns: sh_release().
 */
struct sh_object *
sh_leave_locked(struct sh_object *o)
{
	struct sh_object *parent = o->parent;
	struct sh_page *page;
	uint64_t i = 0;

	HELD(&sh_lock);
	if (parent == NULL)
		return NULL;
	if (parent->num_children > 1)
		for (; (page = sh_from_locked(o, i)) != NULL; i = page->index + 1)
			sh_show_parents_locked(o, page->index);
	o->parent = NULL;
	o->off = o->lo = o->hi = 0;
	remove_child(parent, o);
	EVENT(shadow_link, va2pa(o), 0);
	return parent->num_children == 0 ? parent : NULL;
}

/*
 * An object sees only [lo, hi) of its parent from now on.
 *
 * Locks:    [sh].
 * Returns:  as sh_leave_locked(), if nothing is left.
 */
struct sh_object *
sh_cut_locked(struct sh_object *o, uint64_t lo, uint64_t hi)
{
	HELD(&sh_lock);
	o->lo = MAX(o->lo, lo);
	o->hi = MIN(o->hi, hi);
	return o->lo < o->hi ? NULL : sh_leave_locked(o);
}

/* Pinned pages go to the parent's new top, before which nothing is yet.  [sh]. */
static void
keep_pinned(struct sh_object *o, struct sh_object *front)
{
	struct sh_page *page;
	uint64_t i = 0;

	for (; (page = sh_from_locked(o, i)) != NULL; i = page->index + 1) {
		if (!pmap_rec_is_pinned(&page->word))
			continue;
		i = page->index;
		sh_show_parents_locked(o, i);
		sh_take_locked(o, page);
		sh_add_locked(front, page, i);
	}
}

/*
 * A fork: the child's top sees in [lo, hi) what the entry's top sees, which then stands
 * behind the new top `front`; NULL: the top has no page that the child may see.
 *
 * Locks:    [W] of both spaces, [sh].
 * Owns:     takes front over.
 */
void
sh_share_locked(struct sh_entry *from, struct sh_object *front,
    struct sh_object *child, uint64_t lo, uint64_t hi)
{
	struct sh_object *o = from->top;

	HELD(&sh_lock);
	if (front == NULL) {
		if (o->parent != NULL)
			sh_link_locked(child, o->parent, o->off, MAX(o->lo, lo),
			    MIN(o->hi, hi));
		return;
	}
	keep_pinned(o, front);
	sh_link_locked(front, o, 0, from->start, from->end);
	sh_link_locked(child, o, 0, lo, hi);
	from->top = front;
}

/* ---- one page: [sh] ---- */

/*
 * A child of the page's object has its own record of that page, or a hole, from now on.
 * A record that no child sees any more is freed.
 *
 * Locks:    [sh]; takes [P].
 */
void
sh_hide_locked(struct sh_seen *s)
{
	HELD(&sh_lock);
	if (s->depth != 1 || ++s->page->unseen < s->object->num_children)
		return;
	sh_show_parents_locked(s->object, s->page->index);
	sh_take_locked(s->object, s->page);
	sh_page_free(s->page);
	EVENT(shadow_dropped);
}

/*
 * Does no other child see it?
 *
 * Locks:    [sh].
 */
bool
sh_is_alone_locked(const struct sh_seen *s)
{
	HELD(&sh_lock);
	return s->depth == 1 && s->page->unseen + 1 >= s->object->num_children;
}

/*
 * The page of its parent that only this top sees becomes its own, wherever it is.
 *
 * Locks:    [sh].
 */
void
sh_raise_locked(struct sh_object *top, struct sh_seen *s)
{
	HELD(&sh_lock);
	sh_show_parents_locked(s->object, s->page->index);
	sh_take_locked(s->object, s->page);
	s->page->unseen = 0;
	sh_add_locked(top, s->page, s->vpn);
	s->object = top;
	s->depth = 0;
	EVENT(shadow_raised);
}

/*
 * Moves the pages of [lo, hi) from one top to another of the same space, which already
 * sees the pages behind them, and renumbers them.  Records that a collapse has moved into
 * the target since are freed: they stood behind these pages.
 *
 * Locks:    [W] of their space; takes [sh].
 */
void
sh_move(struct sh_object *to, struct sh_object *from, uint64_t lo, uint64_t hi,
    uint64_t shift)
{
	struct sh_page *page, *old;
	unsigned n;

	do {
		spin_lock(&sh_lock);
		for (n = 0; n < SH_STEP; n++) {
			page = sh_from_locked(from, lo);
			if (page == NULL || page->index >= hi)
				break;
			lo = page->index + 1;
			sh_take_locked(from, page);
			old = sh_find_locked(to, page->index + shift);
			if (old != NULL) {
				sh_take_locked(to, old);
				sh_page_free(old);
			}
			sh_add_locked(to, page, page->index + shift);
		}
		spin_unlock(&sh_lock);
	} while (n == SH_STEP);
}

/* ---- collapse and bypass: [sh] ---- */

/* A page of a parent whose only child is o: it is o's, or it goes. */
static void
merge_page(struct sh_object *o, struct sh_object *parent, struct sh_page *page)
{
	uint64_t i = page->index - o->off;
	bool seen = i >= o->lo && i < o->hi && sh_find_locked(o, i) == NULL;

	/* A hole in front of nothing is none. */
	seen = seen && (page->word != 0 || parent->parent != NULL);
	if (!seen)
		sh_show_parents_locked(parent, page->index);
	sh_take_locked(parent, page);
	if (seen) {
		page->unseen = 0;
		sh_add_locked(o, page, i);
		EVENT(shadow_migrated);
	} else {
		sh_page_free(page);
		EVENT(shadow_dropped);
	}
}

/* The parent, of which nothing is left, goes out of the chain.  As sh_leave_locked(). */
static struct sh_object *
unchain(struct sh_object *o, struct sh_object *parent)
{
	struct sh_object *next = parent->parent;
	uint64_t lo = MAX(o->lo + o->off, parent->lo);
	uint64_t hi = MIN(o->hi + o->off, parent->hi);

	EVENT(shadow_collapse, va2pa(o), va2pa(parent));
	remove_child(parent, o);
	o->parent = next;
	o->lo = lo - o->off;
	o->hi = hi - o->off;
	o->off += parent->off;
	parent->parent = NULL;
	if (next == NULL) {
		o->off = o->lo = o->hi = 0;
	} else {
		add_child(next, o);
		remove_child(next, parent);
		o->try_at = next->n;
	}
	sh_object_free(parent);
	return next != NULL && lo >= hi ? sh_leave_locked(o) : NULL;
}

/* A step of a collapse.  As sh_leave_locked(). */
static struct sh_object *
collapse_step(struct sh_object *parent)
{
	struct sh_object *o = ONLY_CHILD(parent);
	struct sh_page *page;
	unsigned n;

	ASSERT(parent->num_children == 1 && o->parent == parent);
	for (n = 0; n < SH_STEP; n++) {
		page = sh_from_locked(parent, 0);
		if (page == NULL)
			return unchain(o, parent);
		merge_page(o, parent, page);
	}
	return NULL;
}

/*
 * Objects with only one child are joined with that.
 *
 * Locks:    none of rank >= 7, [W] or none; takes [sh], [P].
 */
void
sh_collapse_due(void)
{
	struct sh_object *dead;
	struct list_node *n;

	do {
		dead = NULL;
		spin_lock(&sh_lock);
		n = list_first(&sh_due);
		if (n != NULL)
			dead = collapse_step(LIST_ENTRY(n, struct sh_object,
			    due));
		spin_unlock(&sh_lock);
		sh_release(dead);
	} while (n != NULL);
}

/* Has o all that it would see of its parent? */
static bool
covers(struct sh_object *o)
{
	struct sh_object *parent = o->parent;
	uint64_t i = o->lo + o->off, hi = o->hi + o->off;
	struct sh_page *page;

	for (; (page = sh_from_locked(parent, i)) != NULL && page->index < hi;
	    i = page->index + 1)
		if (sh_find_locked(o, page->index - o->off) == NULL)
			return false;
	return true;
}

/*
 * If an object has all that it would see of its parent, which has other children: it goes
 * past it.
 *
 * Locks:    [sh].
 */
void
sh_bypass_locked(struct sh_object *o)
{
	struct sh_object *parent = o->parent;
	uint64_t off, lo, hi;

	HELD(&sh_lock);
	if (parent == NULL || parent->num_children < 2 || o->n < o->try_at)
		return;
	o->try_at = 2 * o->n + 1;
	if (!covers(o))
		return;
	lo = MAX(o->lo + o->off, parent->lo) - o->off;
	hi = MIN(o->hi + o->off, parent->hi) - o->off;
	off = o->off + parent->off;
	CHECK(sh_leave_locked(o) == NULL);
	EVENT(shadow_bypass, va2pa(o), va2pa(parent));
	if (parent->parent != NULL)
		sh_link_locked(o, parent->parent, off, lo, hi);
}

/* ---- the end of an object ---- */

/* Some of its pages go.  False: it has none any more. */
static bool
free_some(struct sh_object *o)
{
	struct sh_page *page;
	unsigned n;

	for (n = 0; n < SH_STEP && (page = sh_from_locked(o, 0)) != NULL; n++) {
		sh_show_parents_locked(o, page->index);
		sh_take_locked(o, page);
		sh_page_free(page);
	}
	return o->n != 0;
}

/*
 * Nobody has the object: it goes, and the parents that only it had.
 *
 * Locks:    rank <= 5 at most; takes [sh], [P].
 */
void
sh_release(struct sh_object *o)
{
	struct sh_object *next;
	bool more;

	while (o != NULL) {
		spin_lock(&sh_lock);
		ASSERT(o->num_children == 0);
		next = o;
		more = free_some(o);
		if (!more) {
			next = sh_leave_locked(o);
			sh_object_free(o);
		}
		spin_unlock(&sh_lock);
		o = next;
	}
}

/*
 * A look-up of a fault has passed so many parents.
 *
 * Locks:    [sh].
 */
void
sh_note_depth_locked(unsigned depth)
{
	HELD(&sh_lock);
	if (depth == 0)
		return;
	EVENT_ADD(shadow_depth_sum, depth);
	if (depth > depth_max) {
		EVENT_ADD(shadow_depth_max, depth - depth_max);
		depth_max = depth;
	}
}
