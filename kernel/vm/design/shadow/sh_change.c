/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_change.c: truncate, mremap and madvise
 *
 * Problem   A part of a mapping loses its pages, or its address, while other processes
 *           see the same objects.
 *
 * Picture   truncate  the top's pages go; its window ends there
 *           DONTNEED  the same at an end of the window; in its middle a hole for each
 *                     page that a parent has
 *           mremap    the top's pages get other numbers; its window another off
 *
 * Rules     1. A truncate reaches to the end of each mapping, so it cuts a window, which
 *              takes no memory.  The next collapse frees pages that nobody sees any more.
 *           2. Holes are made before anything changes.
 */
#include "vm/design/shadow/shadow.h"

enum what_goes { PAGES_AND_HOLES, PAGES_ONLY };

/* The next record of [lo, hi) in the top itself, of those that go.  [sh]; NULL. */
static struct sh_page *
own_page(struct sh_object *top, uint64_t lo, uint64_t hi, enum what_goes what)
{
	struct sh_page *page = sh_from_locked(top, lo);

	while (page != NULL && page->word == 0 && what == PAGES_ONLY)
		page = sh_from_locked(top, page->index + 1);
	return page != NULL && page->index < hi ? page : NULL;
}

/* Removes the top's own records in [lo, hi). */
static void
drop_own(struct sh_object *top, uint64_t lo, uint64_t hi, enum what_goes what)
{
	struct sh_page *page;
	unsigned n;

	do {
		spin_lock(&sh_lock);
		for (n = 0; n < SH_STEP &&
		    (page = own_page(top, lo, hi, what)) != NULL; n++) {
			lo = page->index;
			sh_show_parents_locked(top, page->index);
			sh_take_locked(top, page);
			sh_page_free(page);
		}
		spin_unlock(&sh_lock);
	} while (n == SH_STEP);
}

/* It sees only [lo, hi) of its parent; an object without children then goes. */
static void
cut(struct sh_object *top, uint64_t lo, uint64_t hi)
{
	struct sh_object *dead;

	spin_lock(&sh_lock);
	dead = sh_cut_locked(top, lo, hi);
	spin_unlock(&sh_lock);
	sh_release(dead);
}

static bool
sees_below(struct sh_object *top, uint64_t lo, uint64_t hi)
{
	struct sh_seen s;
	bool sees;

	spin_lock(&sh_lock);
	sees = sh_next_below_locked(top, lo, hi, &s);
	spin_unlock(&sh_lock);
	return sees;
}

/*
 * Pages of [lo, hi) go, of whatever entries lie there: of a truncate, to the end of the
 * object; or one page that its top alone has.
 *
 * Locks:    [W]; takes [sh], [P].
 */
void
sh_drop(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct sh_entry *e;
	uint64_t from, to;

	HELD(&as->ws_lock);
	SH_ENTRIES(e, as, lo, hi) {
		from = MAX(lo, e->start);
		to = MIN(hi, e->end);
		commit_uncharge_late(as, sh_count_late(e->top, from, to));
		if (sees_below(e->top, from, to))
			cut(e->top, 0, from);
		drop_own(e->top, from, to, PAGES_AND_HOLES);
	}
}

/*
 * Moves n pages of one VAD to another, which has none: school->move.  Pages behind the
 * end of the object stay: a truncate may have visited the target already (R7).
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0, -ENOMEM (the VAD is lost).
 */
int
sh_mremap(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct sh_entry *a = from->dpriv, *b = to->dpriv;
	const struct vad copy = *to; /* [W]: no paged memory */
	struct sh_object *dead = NULL;
	uint64_t lo, hi, shift, limit;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, a->start, a->start + n, PMAP_ALL);
	limit = pte_limit(&copy) >> PAGE_SHIFT;
	lo = a->start;
	hi = lo + MIN(n, MAX(limit, b->start) - b->start);
	shift = b->start - lo;
	spin_lock(&sh_lock);
	if (a->top->parent != NULL)
		sh_link_locked(b->top, a->top->parent, a->top->off - shift,
		    MAX(lo, a->top->lo) + shift, MIN(hi, a->top->hi) + shift);
	spin_unlock(&sh_lock);
	sh_move(b->top, a->top, lo, hi, shift);
	spin_lock(&sh_lock);
	dead = sh_cut_locked(a->top, hi, UINT64_MAX);
	spin_unlock(&sh_lock);
	sh_release(dead);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* ---- DONTNEED ---- */

/* [own] */
struct discarding {
	struct sh_entry *e;
	uint64_t lo, hi;
	struct sh_page *holes; /* made, by rb.left */
	uint64_t n;            /* so many */
};

static struct sh_page *
take_hole(struct discarding *d)
{
	struct sh_page *hole = d->holes;

	if (hole == NULL)
		return NULL;
	d->holes = hole->rb.left == NULL ? NULL :
	    CONTAINER_OF(hole->rb.left, struct sh_page, rb);
	hole->rb.left = NULL;
	d->n--;
	return hole;
}

/* Is there something of the window on both sides of the range? */
static bool
is_inside(const struct discarding *d)
{
	const struct sh_object *top = d->e->top;

	return top->parent != NULL && top->lo < d->lo && d->hi < top->hi;
}

/* How many pages of the range its parents would show.  [W]. */
static uint64_t
holes_needed(struct discarding *d)
{
	uint64_t lo = d->lo, n = 0;
	struct sh_seen s;

	spin_lock(&sh_lock);
	while (is_inside(d) &&
	    sh_next_below_locked(d->e->top, lo, d->hi, &s)) {
		n++;
		lo = s.vpn + 1;
	}
	spin_unlock(&sh_lock);
	return n;
}

/* In the middle of a window: of each page that the parents would show, the top has a hole
 * now, or a page that it has already is one. */
static void
dig(struct discarding *d)
{
	struct sh_object *top = d->e->top;
	struct sh_page *page;
	uint64_t lo = d->lo;
	struct sh_seen s;

	spin_lock(&sh_lock);
	for (; sh_next_below_locked(top, lo, d->hi, &s); lo = s.vpn + 1) {
		page = sh_find_locked(top, s.vpn);
		if (page != NULL) {
			sh_set_late_locked(top, page, CHARGED_AHEAD);
			sh_page_empty(page);
		} else {
			sh_add_locked(top, take_hole(d), s.vpn);
			sh_hide_locked(&s);
		}
	}
	spin_unlock(&sh_lock);
}

/* An end of the window: it is cut.  False: it is in the middle. */
static bool
cut_end(struct discarding *d)
{
	struct sh_object *top = d->e->top, *dead = NULL;
	bool inside;

	spin_lock(&sh_lock);
	inside = is_inside(d);
	if (!inside && d->lo <= top->lo)
		dead = sh_cut_locked(top, d->hi, UINT64_MAX);
	else if (!inside)
		dead = sh_cut_locked(top, 0, d->lo);
	spin_unlock(&sh_lock);
	sh_release(dead);
	return !inside;
}

/* Makes the range as if never touched; there are holes enough.  Records behind it are
 * hidden first, or a collapse would move them into the top.  [W]. */
static void
discard(struct discarding *d)
{
	struct sh_object *top = d->e->top;
	struct aspace *as = d->e->as;

	(void)pmap_remove(as, d->lo, d->hi, PMAP_ALL);
	commit_uncharge_late(as, sh_count_late(top, d->lo, d->hi));
	if (sees_below(top, d->lo, d->hi) && !cut_end(d)) {
		dig(d);
		drop_own(top, d->lo, d->hi, PAGES_ONLY);
	} else {
		drop_own(top, d->lo, d->hi, PAGES_AND_HOLES);
	}
}

/* Holes for the range.  [W].  False: no memory; another call goes on. */
static bool
make_holes(struct discarding *d)
{
	uint64_t need = holes_needed(d);
	struct sh_page *hole;

	while (d->n < need) {
		hole = sh_page_new();
		if (hole == NULL)
			return false;
		hole->rb.left = d->holes == NULL ? NULL : &d->holes->rb;
		d->holes = hole;
		d->n++;
	}
	return true;
}

static struct kmem_cache *
discard_turn(void *arg, uint64_t *came_to)
{
	struct discarding *d = arg;
	bool done = make_holes(d);

	*came_to = d->n;
	if (!done)
		return &sh_pages;
	discard(d);
	return NULL;
}

/*
 * madvise: discards the pages of the process in [lo, hi) of an entry.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0, -ENOMEM, -EINTR: nothing has changed.
 */
int
sh_discard(struct aspace *as, void *entry, uint64_t lo, uint64_t hi)
{
	struct discarding d = { .e = entry, .lo = lo, .hi = hi };
	struct sh_page *hole;
	int r;

	HELD(&as->map_lock);
	r = anons_by_turns(as, d.e->vad, discard_turn, &d);
	while ((hole = take_hole(&d)) != NULL)
		sh_page_free(hole);
	sh_collapse_due();
	return r;
}

/*
 * Does no other process see the page, and nothing behind it come to light without it?
 *
 * Locks:    [W], [sh].
 */
bool
sh_is_own(void *entry, const uint64_t *word)
{
	struct sh_page *page = CONTAINER_OF(word, struct sh_page, word);
	struct sh_entry *e = entry;
	struct sh_seen s;

	HELD(&e->as->ws_lock);
	HELD(&sh_lock);
	return sh_find_locked(e->top, page->index) == page &&
	    !sh_next_below_locked(e->top, page->index, page->index + 1, &s);
}
