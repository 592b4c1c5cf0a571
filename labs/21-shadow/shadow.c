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
	lab_todo("21-shadow step 1: sh_look_locked");
	return false;
}

enum from_where { TOP, BELOW };

/* The first record of [vpn, end) of the chain from o on, in the numbers of o; of two at one
 * page that in front.  False: there is none. */
static bool
next_record(struct sh_object *o, uint64_t vpn, uint64_t end, enum from_where from,
    struct sh_seen *s)
{
	lab_todo("21-shadow step 1: next_record");
	return false;
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

/*
 * Page index of o is not its own any more: the parent's may be seen by one child more.
 *
 * Locks:    [sh].
 */
void
sh_show_parents_locked(struct sh_object *o, uint64_t index)
{
	lab_todo("21-shadow step 2: sh_show_parents_locked");
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
	lab_todo("21-shadow step 2: sh_link_locked");
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
	lab_todo("21-shadow step 2: sh_leave_locked");
	return NULL;
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
	lab_todo("21-shadow step 2: sh_cut_locked");
	return NULL;
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
	lab_todo("21-shadow step 2: sh_share_locked");
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
	lab_todo("21-shadow step 2: sh_hide_locked");
}

/*
 * Does no other child see it?
 *
 * Locks:    [sh].
 */
bool
sh_is_alone_locked(const struct sh_seen *s)
{
	lab_todo("21-shadow step 2: sh_is_alone_locked");
	return false;
}

/*
 * The page of its parent that only this top sees becomes its own, wherever it is.
 *
 * Locks:    [sh].
 */
void
sh_raise_locked(struct sh_object *top, struct sh_seen *s)
{
	lab_todo("21-shadow step 2: sh_raise_locked");
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

/*
 * Objects with only one child are joined with that.
 *
 * Locks:    none of rank >= 7, [W] or none; takes [sh], [P].
 */
void
sh_collapse_due(void)
{
	lab_todo("21-shadow step 3: sh_collapse_due");
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
	lab_todo("21-shadow step 4: sh_bypass_locked");
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
