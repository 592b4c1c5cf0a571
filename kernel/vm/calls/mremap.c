/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap.c: a mapping gets another size or another place
 *
 * Problem   Shrink a mapping, grow it in place, or move it: without copying a
 *           byte, and with nothing changed if the call fails.
 *
 * Picture   new_len <= old_len ─→ cut the tail
 *           room behind it     ─→ vad_grow
 *           else, MAYMOVE      ─→ isolate ─→ new VAD ─→ school->move ─→ cut the old
 *           old_len 0, shared  ─→ new VAD of the same object
 *           DONTUNMAP          ─→ as a move, the old VAD stays, empty
 *
 * Rules     1. The range to be moved is made a VAD of its own first, so that
 *              taking it away at the end cannot fail.
 *           2. The new VAD's link is listed before words are moved (R7).
 *           3. The charge is that of the new VAD less what the old range gives back.
 *           4. MREMAP_FIXED first unmaps what is at the target, as Linux does.
 */
#include "vm/calls/calls.h"

enum mremap_flag { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };

/* One call; vpns and pages. */
struct mremap_work {
	struct aspace *as;
	const struct mremap_args *a;
	uint64_t old, old_pages, new_pages;
	uint64_t to;               /* result */
	uint64_t locking;          /* pages reserved by map_lock_reserve() */
	bool locked;               /* the mapping is locked */
	struct map_removed gone;
};

static bool
has(const struct mremap_work *w, unsigned flag)
{
	return (w->a->flags & flag) != 0;
}

/* decode: checks without a look at the mappings. */
static int
mremap_decode(struct mremap_work *w)
{
	const struct mremap_args *a = w->a;
	unsigned known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if ((a->flags & ~known) != 0 || (a->old & PAGE_MASK) != 0)
		return -EINVAL;
	if (has(w, MREMAP_FIXED | MREMAP_DONTUNMAP) && !has(w, MREMAP_MAYMOVE))
		return -EINVAL;
	if (has(w, MREMAP_DONTUNMAP) && a->old_len != a->new_len)
		return -EINVAL;
	w->old = a->old >> PAGE_SHIFT;
	w->old_pages = PAGE_UP(a->old_len) >> PAGE_SHIFT;
	w->new_pages = PAGE_UP(a->new_len) >> PAGE_SHIFT;
	w->to = w->old;
	return w->new_pages == 0 ? -EINVAL : 0;
}

/* Unmap the part of the source beyond the new length.  0, -EINVAL, -ENOMEM. */
static int
mremap_cut(struct mremap_work *w)
{
	if (w->old_pages == w->new_pages)
		return 0;
	if (w->old_pages > (MD_USER_END >> PAGE_SHIFT) - w->old)
		return -EINVAL;
	return map_detach(w->as, w->old + w->new_pages, w->old + w->old_pages,
	    &w->gone);
}

/* Linux's conditions for the source before it grows or moves. */
static int
mremap_check(struct mremap_work *w, const struct vad *v)
{
	uint64_t grown = w->new_pages > w->old_pages ?
	    w->new_pages - w->old_pages : 0;

	if (w->old_pages == 0 && (v->flags & VAD_SHARED) == 0)
		return -EINVAL;
	if (vmo_is_device(v->vmo) && has(w, MREMAP_DONTUNMAP))
		return -EINVAL;
	if (w->old_pages > v->end - w->old)
		return -EFAULT;
	if (v->vmo != NULL &&
	    v->off + (w->old - v->start) + w->new_pages > UINT64_MAX >> PAGE_SHIFT)
		return -EINVAL; /* bytes are counted in 64 bits */
	if (vmo_is_device(v->vmo) && grown != 0)
		return -EFAULT;
	w->locked = (v->flags & VAD_LOCKED) != 0;
	if (w->locked && grown <= MD_USER_END >> PAGE_SHIFT) {
		if (map_lock_reserve(w->as, grown, w->a->lim == NULL ?
		    MLOCK_ANY : w->a->lim->memlock) != 0)
			return -EAGAIN;
		w->locking = grown;
	}
	if (has(w, MREMAP_DONTUNMAP))
		grown = w->new_pages;
	if (grown > MD_USER_END >> PAGE_SHIFT)
		return -ENOMEM;
	return grown == 0 || map_fits(w->as, w->a->lim, v, grown) ? 0 : -ENOMEM;
}

static struct vad *
new_vad(const struct mremap_work *w, const struct vad *from)
{
	struct vad *v = vad_alloc(w->as, from->vmo);

	if (v == NULL)
		return NULL;
	v->start = w->to;
	v->end = w->to + w->new_pages;
	v->off = from->off + (w->old - from->start);
	v->flags = from->flags & ~(uint32_t)(VAD_STACK | VAD_HEAP);
	v->prot = from->prot;
	v->maxprot = from->maxprot;
	if (design_prepare(w->as, v, v->start, v->end) == 0)
		return v;
	vad_free(v);
	return NULL;
}

/* Charge, insert, move the words, unmap the old range. */
static int
move_vad(struct mremap_work *w, struct vad *from)
{
	bool goes = w->old_pages != 0 && !has(w, MREMAP_DONTUNMAP);
	struct aspace *as = w->as;
	struct vad *v = new_vad(w, from);
	uint64_t cost, back, extra;
	int r;

	if (v == NULL)
		return -ENOMEM;
	cost = vad_price(as, v, v->start, v->end);
	CHECK(vad_insert(as, v) == 0);
	/* A block in which both lie stays charged: v is in the tree already. */
	back = goes ? vad_paid(as, from->start, from->end) : 0;
	extra = cost > back ? cost - back : 0;
	r = commit_charge(extra);
	if (r != 0) {
		vad_remove(as, v);
		vad_free(v);
		return r;
	}
	as->commit.paid += cost;
	vad_list_link(as, v);
	design_attach(as, v);
	EVENT(vad_attach, v->start, v->end, vad_rights(v), as->id);
	structural_begin();
	if (w->old_pages != 0)
		r = as->school->move(as, from, v, w->old_pages);
	structural_end();
	if (r != 0) {
		CHECK(map_detach(as, v->start, v->end, &w->gone) == 0);
		w->gone.freed += extra - cost;
		return r;
	}
	if (goes)
		CHECK(map_detach(as, from->start, from->end, &w->gone) == 0);
	else if (w->old_pages != 0)
		CHECK(vad_set_flags(as, &from, from->start, from->end,
		    from->flags & ~VAD_LOCK_FLAGS) == 0);
	w->gone.freed += extra - cost;
	vad_merge(as, v);
	return 0;
}

/* The source moves to w->to, which is free; old_pages 0: a second mapping. */
static int
mremap_move(struct mremap_work *w)
{
	struct vad *v = vad_find(w->as, w->old);
	uint64_t peak = w->as->map.peak_pages;
	int r;

	if (w->as->map.nvads + 3 >= vad_max())
		return -ENOMEM;
	if (w->old_pages == 0)
		return move_vad(w, v);
	r = vad_isolate(w->as, &v, w->old, w->old + w->old_pages);
	if (r != 0)
		return r;
	r = move_vad(w, v);
	/* Merge the source, if it still exists, with its neighbours again. */
	if (r != 0 || has(w, MREMAP_DONTUNMAP)) {
		v = vad_find(w->as, w->old);
		if (v != NULL)
			vad_merge(w->as, v);
	}
	/* For a moment there were both ranges: that is not a peak. */
	w->as->map.peak_pages = MAX(peak, w->as->map.total_pages);
	return r;
}

/* MREMAP_FIXED or DONTUNMAP: to a given address, or a new one. */
static int
mremap_to(struct mremap_work *w)
{
	uint64_t to = w->a->new_addr >> PAGE_SHIFT;
	uint64_t end = MD_USER_END >> PAGE_SHIFT;
	struct vad *v;
	int r = 0;

	if ((w->a->new_addr & PAGE_MASK) != 0 || w->new_pages > end ||
	    to > end - w->new_pages)
		return -EINVAL;
	if (w->old < to + w->new_pages && to < w->old + w->old_pages)
		return -EINVAL;
	if (has(w, MREMAP_FIXED) && to < MMAP_MIN_ADDR >> PAGE_SHIFT &&
	    !w->a->privileged)
		return -EPERM;
	if (w->as->map.nvads + 5 >= vad_max()) /* before anything goes */
		return -ENOMEM;
	if (has(w, MREMAP_FIXED))
		r = map_detach(w->as, to, to + w->new_pages, &w->gone);
	if (r == 0 && w->old_pages > w->new_pages) {
		r = mremap_cut(w);
		w->old_pages = w->new_pages;
	}
	v = vad_find(w->as, w->old);
	if (r == 0)
		r = v == NULL ? -EFAULT : mremap_check(w, v);
	if (r == 0 && !has(w, MREMAP_FIXED))
		r = map_place(w->as, w->a->new_addr >> PAGE_SHIFT, w->new_pages,
		    &to);
	if (r != 0)
		return r;
	w->to = to;
	return mremap_move(w);
}

/* True: done, or *error says why not; false: there is no room behind v. */
static bool
grow_in_place(struct mremap_work *w, struct vad *v, int *error)
{
	uint64_t end = w->old + w->new_pages;

	/* A mapping above that grows down keeps no gap to one that was there before. */
	if (v->end != w->old + w->old_pages || end > MD_USER_END >> PAGE_SHIFT ||
	    vad_pages(w->as, v->end, end, 0) != 0)
		return false;
	*error = vad_grow(w->as, v, v->start, end);
	if (*error == 0)
		vad_merge(w->as, v);
	return true;
}

static int
mremap_locked(struct mremap_work *w)
{
	struct vad *v;
	int r;

	HELD(&w->as->map_lock);
	v = vad_find(w->as, w->old);
	if (v == NULL)
		return -EFAULT;
	if (has(w, MREMAP_FIXED | MREMAP_DONTUNMAP))
		return mremap_to(w);
	if (w->old_pages >= w->new_pages)
		return mremap_cut(w);
	r = mremap_check(w, v);
	if (r != 0 || grow_in_place(w, v, &r))
		return r;
	if (!has(w, MREMAP_MAYMOVE))
		return -ENOMEM;
	r = map_place(w->as, 0, w->new_pages, &w->to);
	return r != 0 ? r : mremap_move(w);
}

/* Returns: 0, address in *out; -EINVAL, -EFAULT, -ENOMEM (book: abi 3), -EPERM (below
 * mmap_min_addr), -EAGAIN (the limit of locked memory). */
int
map_mremap(struct aspace *as, const struct mremap_args *a, va_t *out)
{
	struct mremap_work w = { .as = as, .a = a };
	int r = mremap_decode(&w);

	if (r != 0)
		return r;

	rw_lock_write(&as->map_lock);
	r = mremap_locked(&w);
	map_lock_unreserve(as, w.locking);
	map_end(as, &w.gone);
	*out = w.to << PAGE_SHIFT;
	/* Fault in the part that has grown, and pages of objects, which a move drops. */
	if (r == 0 && w.locked)
		map_populate(as, *out, (w.to + w.new_pages) << PAGE_SHIFT, VAD_LOCKED);
	return r;
}
