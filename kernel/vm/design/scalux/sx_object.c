/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_object.c: objects and their map entries, from mmap to munmap
 *
 * Problem   A mapping is split, merged, made smaller and larger, while another
 *           process uses the same amap for a mapping that was once a copy of it.
 *
 * Picture   VAD ─ dpriv ─→ object { start, end } ─→ amap ─┬ entries
 *                            └ tree of the map            └ objects of all shares
 *
 * Rules     1. A map entry and the object that it maps are one struct: a fork makes
 *              a new object for each entry, so each has one.
 *           2. prepare() does all that may fail: the object, with an amap.
 *           3. An amap that is not shared is split with its mapping; a shared one
 *              stays whole, and each part has a window on it.
 *           4. A window on a shared amap does not grow over entries that it once
 *              had: the amap is copied first.  It is also copied where a process
 *              would have more windows on it than can be counted.
 *
 * Read next sx_fault.c
 */
#include "vm/design/scalux/scalux.h"

static struct kmem_cache objects = KMEM_CACHE("sx_object", struct sx_object);

/* ---- the tree of a map ---- */

/* The first object that ends behind vpn.
 * Locks: [M] or [W].  Returns: NULL: there is none. */
struct sx_object *
sx_object_from(const struct aspace *as, uint64_t vpn)
{
	struct rb_node *n = rb_from(&sx_space(as)->objects,
	    RB_NUMBER(struct sx_object, rb, end), vpn + 1);

	return n == NULL ? NULL : CONTAINER_OF(n, struct sx_object, rb);
}

/* The object that is mapped at vpn.
 * Locks: [M] or [W].  Returns: NULL: there is none. */
struct sx_object *
sx_object_at(const struct aspace *as, uint64_t vpn)
{
	struct sx_object *o = sx_object_from(as, vpn);

	return o != NULL && o->start <= vpn ? o : NULL;
}

static void
insert(struct sx_object *o)
{
	rb_add(&sx_space(o->as)->objects, &o->rb,
	    RB_NUMBER(struct sx_object, rb, start));
	o->is_in = true;
}

/* Move the border between two neighbours, b ending at end.  A truncate by another process
 * never sees a page in both windows, or in none. */
static void
set_border(struct sx_object *a, struct sx_object *b, uint64_t vpn, uint64_t end)
{
	spin_lock(&sx_lock);
	a->end = b->start = vpn;
	b->end = end;
	spin_unlock(&sx_lock);
}

/* Take it out of the tree, and detach it from its amap.  [W].  As sx_leave(). */
static uint64_t
leave(struct sx_object *o)
{
	rb_remove(&sx_space(o->as)->objects, &o->rb, NULL);
	o->is_in = false;
	return sx_leave(o);
}

/* ---- a space ---- */

/* entries->as_init.  Locks: none.  Returns: 0, -ENOMEM. */
int
sx_as_init(struct aspace *as)
{
	as->record_pages = SX_RECORD_PAGES;
	as->dpriv = kmem_zalloc(sizeof(struct sx_space));
	return as->dpriv == NULL ? -ENOMEM : 0;
}

/* The first object that ends behind vpn.
 * Locks: [M] or [W].  Returns: false: there is none. */
bool
sx_next(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	struct sx_object *o = sx_object_from(as, vpn);

	if (o != NULL)
		*r = (struct anons_range){ o, o->vad, o->start, o->end };
	return o != NULL;
}

/* The first entry of [vpn, end) whose anon is of swap; NULL.  [sx]. */
static struct sx_entry *
next_swap(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct sx_entry *e = sx_from_locked(o->amap, vpn);

	while (e != NULL && e->vpn < end && e->anon->pager != SX_SWAP)
		e = sx_from_locked(o->amap, e->vpn + 1);
	return e == NULL || e->vpn >= end ? NULL : e;
}

/* fn for the anons of swap of [lo, hi).
 * Locks: [W]; around each fn [sx].
 * Returns: what fn has returned to end the walk, or 0. */
int
sx_each(struct aspace *as, uint64_t lo, uint64_t hi, anons_fn *fn, void *arg)
{
	struct sx_object *o;
	struct sx_entry *e;
	uint64_t vpn;
	bool more;
	int r = 0;

	HELD(&as->ws_lock);
	SX_OBJECTS(o, as, lo, hi) {
		if (r != 0)
			break;
		for (vpn = MAX(lo, o->start), more = true; more && r == 0;) {
			spin_lock(&sx_lock);
			e = next_swap(o, vpn, MIN(hi, o->end));
			more = e != NULL;
			if (more) {
				vpn = e->vpn + 1;
				r = fn(arg, e->vpn, &e->anon->word);
			}
			spin_unlock(&sx_lock);
		}
	}
	return r;
}

/* ---- an object ---- */

/* The object is about to grow to [start, end): rule 4. */
static int
prepare_growth(struct sx_object *o, uint64_t start, uint64_t end)
{
	if (!sx_has_entries(o->amap, start, o->start) &&
	    !sx_has_entries(o->amap, o->end, end))
		return 0;
	return sx_unshare_wait(o);
}

/* v may be about to be split off the object at start: on a shared amap it becomes one
 * window more of this process. */
static int
prepare_cut(struct aspace *as, uint64_t start)
{
	struct sx_object *o = sx_object_at(as, start);

	return o != NULL && UNDER(&sx_lock, sx_is_shared(o->amap) &&
	    o->amap->objects_of[o->share] >= SX_WINDOWS - 1) ? sx_unshare_wait(o) : 0;
}

/* Allocate what v needs for [start, end): entries->prepare.
 * Locks: [M] exclusive; v is in no tree, or about to grow.  Returns: 0, -ENOMEM. */
int
sx_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	struct sx_object *o = v->dpriv;
	struct sx_amap *amap;

	HELD(&as->map_lock);
	if (o != NULL)
		return prepare_growth(o, start, end) == 0 ? 0 : -ENOMEM;
	if (prepare_cut(as, start) != 0)
		return -ENOMEM;
	o = kmem_cache_zalloc(&objects);
	amap = o == NULL ? NULL : sx_amap_new();
	if (amap == NULL) {
		if (o != NULL)
			kmem_cache_free(&objects, o);
		return -ENOMEM;
	}
	o->as = as;
	o->amap = amap;
	v->dpriv = o;
	return 0;
}

/* Free an object that is in no tree.  Locks: none of rank >= 7. */
void
sx_free(void *object)
{
	struct sx_object *o = object;

	ASSERT(!o->is_in && o->copy == NULL);
	if (o->amap != NULL)
		sx_amap_end(o->amap);
	kmem_cache_free(&objects, o);
}

/* v is in the tree of VADs, or has grown: entries->attach.
 * Locks: [M] exclusive; takes [W]. */
void
sx_attach(struct aspace *as, struct vad *v)
{
	uint64_t start = v->start, end = v->end; /* VADs are paged: not under [W] */
	struct sx_object *o = v->dpriv;

	HELD(&as->map_lock);
	if (o == NULL)
		return;
	mutex_lock(&as->ws_lock);
	o->vad = v;
	sx_abandon(o);
	spin_lock(&sx_lock);
	o->start = start;
	o->end = end;
	if (!o->is_in)
		sx_join_locked(o, o->amap, 0);
	spin_unlock(&sx_lock);
	if (!o->is_in)
		insert(o);
	mutex_unlock(&as->ws_lock);
}

/* Exchange the amaps; b may not have one yet.  So the smaller of two parts moves: else a
 * mapping that is split page by page would move all its entries each time.  [W]. */
static void
exchange(struct sx_object *a, struct sx_object *b)
{
	struct sx_amap *of_a = a->amap, *of_b = b->amap;

	spin_lock(&sx_lock);
	sx_part_locked(a);
	if (b->is_in)
		sx_part_locked(b);
	sx_join_locked(a, of_b, a->share);
	sx_join_locked(b, of_a, a->share);
	spin_unlock(&sx_lock);
}

/* The object of lo is cut at vpn; its upper part becomes b's: entries->split.  If others
 * share the amap, b has the same one, and nothing moves; else b's own amap gets the
 * entries of the smaller part, and if that is the lower one, a and b first exchange
 * their amaps.
 * Locks: [M] exclusive; takes [W]. */
void
sx_split(struct aspace *as, struct vad *lo, struct vad *hi, uint64_t vpn)
{
	struct sx_object *a = lo->dpriv, *b = hi->dpriv;
	uint64_t end;
	bool lower;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return;
	mutex_lock(&as->ws_lock);
	end = a->end;
	b->vad = hi;
	sx_abandon(a);
	if (sx_has_others(a)) {
		sx_amap_end(b->amap);
		b->amap = a->amap;
	}
	lower = b->amap != a->amap && vpn - a->start < end - vpn;
	/* By the same bit, so that mapped_in stays right. */
	if (lower) {
		exchange(a, b);
	} else {
		spin_lock(&sx_lock);
		sx_join_locked(b, b->amap, a->share);
		spin_unlock(&sx_lock);
	}
	set_border(a, b, vpn, end);
	if (lower)
		sx_move(a->amap, a->start, b->amap, a->start, vpn);
	else if (b->amap != a->amap)
		sx_move(b->amap, vpn, a->amap, vpn, end);
	insert(b);
	mutex_unlock(&as->ws_lock);
}

/* Do both have one amap, or is neither shared, or has b nothing?  [W]. */
static bool
can_join(struct sx_object *a, struct sx_object *b)
{
	return UNDER(&sx_lock, a->amap == b->amap || (!sx_is_shared(b->amap) &&
	    !sx_is_shared(a->amap))) || (!sx_has_entries(b->amap, b->start, b->end) &&
	    !sx_has_entries(a->amap, b->start, b->end));
}

/* entries->merge.
 * Locks: [M] exclusive; takes [W].
 * Returns: 0; -EBUSY: another process has one of them; -ENOMEM (a VAD is lost). */
int
sx_merge(struct aspace *as, struct vad *lo, struct vad *hi)
{
	struct sx_object *a = lo->dpriv, *b = hi->dpriv;
	uint64_t end;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	if (!can_join(a, b)) {
		mutex_unlock(&as->ws_lock);
		return -EBUSY;
	}
	sx_abandon(a);
	sx_abandon(b);
	end = b->end;
	/* mapped_in of the entries that move are of b's share. */
	if (a->amap != b->amap && a->share != b->share)
		(void)pmap_remove(as, b->start, end, PMAP_ALL);
	/* A shared amap stays where it is: the window has none of its entries. */
	if (a->amap != b->amap && !sx_has_others(b)) {
		if (a->share == b->share && !sx_has_others(a) &&
		    a->end - a->start < end - b->start)
			exchange(a, b);
		sx_move(a->amap, a->start, b->amap, a->start, end);
	}
	set_border(a, b, end, end);
	(void)leave(b);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* Clear the object's words, and take it out of its amap and the tree.
 * Locks: [W]; takes [sx], [P].
 * Returns: how many of its pages were charged when touched. */
uint64_t
sx_end(struct aspace *as, void *object)
{
	struct sx_object *o = object;

	HELD(&as->ws_lock);
	(void)pmap_remove(o->as, o->start, o->end, PMAP_ALL);
	sx_abandon(o);
	return leave(o);
}
