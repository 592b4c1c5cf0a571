/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_entry.c: entries of a map, from mmap to munmap, and their space
 *
 * Problem   A mapping is split, merged, made smaller and larger, while another process
 *           sees the same objects through a mapping that was once a copy of it.
 *
 * Picture   VAD ─ dpriv ─→ entry { start, end } ─→ top ─→ parent ─→ …
 *                            └ tree of the map      ↑ sees [lo, hi) of its parent
 *
 * Rules     1. Each entry has a top of its own: a split divides the pages of one object,
 *              and both parts have the same parent, each with a window on it.
 *           2. prepare() does all that may fail: the entry, with a top.
 *           3. A window grows only by a merge: pages of the parents that a mapping has
 *              given up do not come back when it grows.
 *           4. Pages of a top are numbered by address; those of a parent as those of the
 *              top were when it became one.
 *
 * Read next sh_fault.c
 */
#include "vm/design/shadow/shadow.h"

static struct kmem_cache entries = KMEM_CACHE("sh_entry", struct sh_entry);

static inline struct sh_space *
space_of(const struct aspace *as)
{
	return as->dpriv;
}

/* ---- the tree of a map ---- */

/*
 * The first entry that ends behind vpn.
 *
 * Locks:    [M] or [W].
 * Returns:  NULL: there is none.
 */
struct sh_entry *
sh_entry_from(const struct aspace *as, uint64_t vpn)
{
	struct rb_node *n = rb_from(&space_of(as)->entries,
	    RB_NUMBER(struct sh_entry, rb, end), vpn + 1);

	return n == NULL ? NULL : CONTAINER_OF(n, struct sh_entry, rb);
}

static void
insert(struct sh_entry *e)
{
	rb_add(&space_of(e->as)->entries, &e->rb,
	    RB_NUMBER(struct sh_entry, rb, start));
	e->is_in = true;
}

static void
take_out(struct sh_entry *e)
{
	rb_remove(&space_of(e->as)->entries, &e->rb, NULL);
	e->is_in = false;
}

/* ---- a space ---- */

/*
 * entries->as_init.
 *
 * Locks:    none.
 * Returns:  0, -ENOMEM.
 */
int
sh_as_init(struct aspace *as)
{
	as->record_pages = SH_RECORD_PAGES;
	as->dpriv = kmem_zalloc(sizeof(struct sh_space));
	return as->dpriv == NULL ? -ENOMEM : 0;
}

/*
 * The first entry that ends behind vpn.
 *
 * Locks:    [M] or [W].
 * Returns:  false: there is none.
 */
bool
sh_next(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	struct sh_entry *e = sh_entry_from(as, vpn);

	if (e != NULL)
		*r = (struct anons_range){ e, e->vad, e->start, e->end };
	return e != NULL;
}

/*
 * fn for the pages of [lo, hi) that are seen.
 *
 * Locks:    [W]; around each fn [sh].
 * Returns:  what fn has returned to end the walk, or 0.
 */
int
sh_each(struct aspace *as, uint64_t lo, uint64_t hi, anons_fn *fn, void *arg)
{
	struct sh_entry *e;
	struct sh_seen s;
	uint64_t vpn;
	bool more;
	int r = 0;

	HELD(&as->ws_lock);
	SH_ENTRIES(e, as, lo, hi) {
		if (r != 0)
			break;
		for (vpn = MAX(lo, e->start), more = true; more && r == 0;) {
			spin_lock(&sh_lock);
			more = sh_next_locked(e->top, vpn, MIN(hi, e->end), &s);
			if (more) {
				vpn = s.vpn + 1;
				r = fn(arg, s.vpn, &s.page->word);
			}
			spin_unlock(&sh_lock);
		}
	}
	return r;
}

/* walk->fn for the words of one object.  [sh]. */
static int
swapped_of(struct sh_object *o, struct swap_walk *walk)
{
	struct sh_page *page;
	struct swap_words place;
	uint64_t i = 0;
	int r = 0;

	for (; r == 0 && (page = sh_from_locked(o, i)) != NULL; i = page->index + 1) {
		place = sh_place(page, page->index);
		if (pte_is_away(word_get(&page->word)))
			r = walk->fn(walk, &place);
	}
	return r;
}

/*
 * walk->fn for the pages of whole chains, also those that no top sees: they have slots.
 * It continues at the beginning of an entry, of which fewer pages are on swap then.
 *
 * Locks:    [W]; around fn [sh].
 * Returns:  what fn has returned, or 0.
 */
int
sh_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct sh_object *o;
	struct sh_entry *e;
	int r = 0;

	HELD(&as->ws_lock);
	SH_ENTRIES(e, as, walk->at >> PAGE_SHIFT, UINT64_MAX) {
		walk->at = e->start << PAGE_SHIFT;
		spin_lock(&sh_lock);
		for (o = e->top; r == 0 && o != NULL; o = o->parent)
			r = swapped_of(o, walk);
		spin_unlock(&sh_lock);
		if (r != 0)
			break;
	}
	return r;
}

/* ---- an entry ---- */

/*
 * Allocate what v needs for [start, end): entries->prepare.
 *
 * Locks:    [M] exclusive; v is in no tree, or about to grow.
 * Returns:  0, -ENOMEM.
 */
int
sh_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	struct sh_entry *e;

	HELD(&as->map_lock);
	if (v->dpriv != NULL)
		return 0;
	e = kmem_cache_zalloc(&entries);
	if (e == NULL)
		return -ENOMEM;
	e->as = as;
	e->top = sh_object_new();
	if (e->top == NULL) {
		kmem_cache_free(&entries, e);
		return -ENOMEM;
	}
	v->dpriv = e;
	return 0;
}

/*
 * Ends an entry that is in no tree (any more), frees its top, and collapses what is due.
 *
 * Locks:    [W] at most; takes [sh], [P].
 */
void
sh_free(void *entry)
{
	struct sh_entry *e = entry;

	ASSERT(!e->is_in);
	sh_release(e->top);
	sh_collapse_due();
	kmem_cache_free(&entries, e);
}

/* pager: of the mapping's file; NULL: zeros. */
static void
note_top(const struct sh_entry *e, const struct vmo *pager)
{
	EVENT(shadow_top, va2pa(e->top), e->start << PAGE_SHIFT, e->as->id,
	    pager == NULL ? 0 : va2pa(pager));
}

/*
 * v is in the tree of VADs, or has grown: entries->attach.
 *
 * Locks:    [M] exclusive; takes [W].
 */
void
sh_attach(struct aspace *as, struct vad *v)
{
	uint64_t start = v->start, end = v->end; /* VADs are paged: not under [W] */
	const struct vmo *pager = v->vmo;
	struct sh_entry *e = v->dpriv;

	HELD(&as->map_lock);
	if (e == NULL)
		return;
	mutex_lock(&as->ws_lock);
	e->vad = v;
	e->start = start;
	e->end = end;
	if (!e->is_in)
		insert(e);
	note_top(e, pager);
	mutex_unlock(&as->ws_lock);
}

/* Moves a part of from's window on its parent to `to`: all from lo on, or all before hi.
 * Returns as sh_leave_locked(). */
static struct sh_object *
split_window(struct sh_object *to, struct sh_object *from, uint64_t lo, uint64_t hi)
{
	uint64_t first = MAX(lo, from->lo), end = MIN(hi, from->hi);

	if (from->parent == NULL || first >= end)
		return NULL;
	sh_link_locked(to, from->parent, from->off, first, end);
	return lo == 0 ? sh_cut_locked(from, hi, UINT64_MAX) :
	    sh_cut_locked(from, 0, lo);
}

/* Of two parts the smaller one goes from top to top: a mapping that is divided, or joined,
 * page by page would else have all of its pages moved each time.  [W], [sh]. */
static void
exchange_locked(struct sh_entry *a, struct sh_entry *b, const struct vmo *pager)
{
	struct sh_object *top = a->top;

	HELD(&sh_lock);
	a->top = b->top;
	b->top = top;
	note_top(a, pager);
	note_top(b, pager);
}

/*
 * entries->split.
 *
 * Locks:    [M] exclusive; takes [W].
 */
void
sh_split(struct aspace *as, struct vad *lo, struct vad *hi, uint64_t vpn)
{
	struct sh_entry *a = lo->dpriv, *b = hi->dpriv;
	const struct vmo *pager = lo->vmo;
	struct sh_object *from, *to;
	uint64_t first, end;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return;
	mutex_lock(&as->ws_lock);
	b->end = a->end;
	a->end = b->start = vpn;
	b->vad = hi;
	insert(b);
	note_top(b, pager);
	from = a->top;
	to = b->top;
	first = vpn;
	end = UINT64_MAX;
	spin_lock(&sh_lock);
	if (vpn - a->start < b->end - vpn) {
		exchange_locked(a, b, pager);
		first = 0;
		end = vpn;
	}
	CHECK(split_window(to, from, first, end) == NULL);
	spin_unlock(&sh_lock);
	sh_move(to, from, first, end, 0);
	mutex_unlock(&as->ws_lock);
}

/* Can one window be made of two?  [sh]. */
static bool
can_join(const struct sh_object *a, const struct sh_object *b)
{
	return a->parent == NULL || b->parent == NULL ||
	    (a->parent == b->parent && a->off == b->off && a->hi == b->lo);
}

/* `to` gets from's window on the parent, and `from` sees nothing any more. */
static void
join_windows(struct sh_object *to, struct sh_object *from)
{
	if (from->parent == NULL)
		return;
	if (to->parent == NULL) {
		sh_link_locked(to, from->parent, from->off, from->lo, from->hi);
	} else {
		to->lo = MIN(to->lo, from->lo);
		to->hi = MAX(to->hi, from->hi);
	}
	CHECK(sh_leave_locked(from) == NULL);
}

/*
 * entries->merge.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0; -EBUSY: they see different objects; -ENOMEM (a VAD is lost).
 */
int
sh_merge(struct aspace *as, struct vad *lo, struct vad *hi)
{
	struct sh_entry *a = lo->dpriv, *b = hi->dpriv;
	const struct vmo *pager = lo->vmo;
	bool joined;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	spin_lock(&sh_lock);
	joined = can_join(a->top, b->top);
	if (joined && a->end - a->start < b->end - b->start)
		exchange_locked(a, b, pager);
	if (joined)
		join_windows(a->top, b->top);
	spin_unlock(&sh_lock);
	if (joined) {
		sh_move(a->top, b->top, 0, UINT64_MAX, 0);
		take_out(b);
		a->end = b->end;
	}
	mutex_unlock(&as->ws_lock);
	return joined ? 0 : -EBUSY;
}

/*
 * Drops all that the entry maps, and takes the entry out of the tree.
 *
 * Locks:    [W]; takes [sh].
 * Returns:  how many of its pages were charged when touched.
 */
uint64_t
sh_end(struct aspace *as, void *entry)
{
	struct sh_entry *e = entry;

	HELD(&as->ws_lock);
	(void)pmap_remove(as, e->start, e->end, PMAP_ALL);
	take_out(e);
	return sh_count_late(e->top, e->start, e->end);
}
