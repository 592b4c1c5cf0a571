/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c: mmap, munmap, mprotect: mappings come, change and go
 *
 * Problem   A call names a range and wants all or nothing: what can fail must
 *           have failed before the first thing is changed, and nobody may see
 *           the state between.
 *
 * Picture   decode   arguments, without effect
 *           reserve  VAD, maplink, object, commit      (may fail, one undo)
 *           perform  cut out what is in the way ─→ insert ─→ merge
 *           after map_lock: uncharge, drop objects, reap
 *
 * Rules     1. MAP_FIXED is one operation: commit is charged before anything
 *              is removed, and map_lock is held from cut to insert.
 *           2. Private writable memory is charged as a whole when it becomes
 *              writable (VAD_CHARGED), with a table per 2-MiB block; memory
 *              with NORESERVE when it is touched; shared anonymous memory by
 *              its object.
 *           3. References to objects are dropped after map_lock: the last one
 *              may do I/O.
 *           4. An mprotect that takes rights away does a few tables in each hold
 *              of map_lock, so that a fault does not wait for all of them.  One
 *              that makes memory writable is charged, so it is one hold (rule 2).
 *
 * Read next brk.c, mremap.c
 */
#include "vm/calls/calls.h"
#include "vm/table/table.h"

#define PROTECT_TABLES 128u        /* leaf tables of mprotect in one hold of map_lock */
#define LOW_START (0x40000000ul >> PAGE_SHIFT)
#define LOW_END (0x80000000ul >> PAGE_SHIFT)

/* A mapping under construction. */
struct attach_work {
	const struct map_args *a;
	uint64_t pages, vpn;       /* how many pages, and where */
	uint64_t replaced;         /* pages that are mapped there */
	uint64_t cost, extra;      /* commit it needs; of it charged so far */
	struct vad *vad;
	struct vmo *shared;        /* made here, for shared anonymous memory */
	uint64_t locking;          /* pages reserved by map_lock_reserve() */
};

/* ---- helpers of all mapping calls ---- */

/* The vpn range of len bytes at va, rounded up.  A range that leaves the user half ends
 * one page behind it, which is a hole: the part before is done as before any hole.
 * Returns: 1; 0: it is empty; -EINVAL (unaligned), -ENOMEM (wraps, no user address). */
int
map_range(va_t va, uint64_t len, uint64_t *lo, uint64_t *hi)
{
	if ((va & PAGE_MASK) != 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (va > MD_USER_END || va + PAGE_UP(len) <= va)
		return -ENOMEM;
	*lo = va >> PAGE_SHIFT;
	*hi = MIN(va + PAGE_UP(len), MD_USER_END + PAGE_SIZE) >> PAGE_SHIFT;
	return 1;
}

/* May memory of v's kind grow by so many pages?  lim NULL: no limit.  Locks: [M]. */
bool
map_fits(struct aspace *as, const struct map_limits *lim, const struct vad *v,
    uint64_t more)
{
	HELD_SHARED(&as->map_lock);
	return lim == NULL || (as->map.total_pages + more <= lim->as >> PAGE_SHIFT &&
	    (!vad_is_data(v->flags, v->prot) || map_data_fits(as, more)));
}

/* Is [lo, hi) vpn free, and clear of the guard gap of a stack above it?  Locks: [M]. */
bool
map_is_free(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct vad *v = vad_find_above(as, lo);
	uint64_t gap;

	HELD_SHARED(&as->map_lock);
	if (v == NULL)
		return true;
	gap = (v->flags & VAD_GROWSDOWN) != 0 ? STACK_GUARD_PAGES : 0;
	return v->start >= hi + gap;
}

/* May `pages` pages go to the hint (0: none), *vpn, below end?  [M]. */
static bool
goes_to_hint(struct aspace *as, uint64_t hint, uint64_t pages, uint64_t end,
    uint64_t *vpn)
{
	*vpn = MAX(hint, MMAP_MIN_ADDR >> PAGE_SHIFT);
	return hint != 0 && *vpn < end && pages <= end - *vpn &&
	    map_is_free(as, *vpn, *vpn + pages);
}

/* The highest free place in [lo, hi) vpn for `pages` pages, as map_is_free() means it.
 * Below map.base no stack is in the way.
 * Locks: [M].  Returns: 0 with the place in *vpn, -ENOMEM. */
static int
place_in(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi, uint64_t *vpn)
{
	struct vad *v;
	int r;

	HELD_SHARED(&as->map_lock);
	while ((r = vad_find_gap(as, pages, lo, hi, vpn)) == 0 &&
	    (as->map.grows || hi > as->map.base) &&
	    !map_is_free(as, *vpn, *vpn + pages)) {
		v = vad_find_above(as, *vpn); /* it grows down to there */
		if (v->start <= lo + STACK_GUARD_PAGES)
			return -ENOMEM;
		hi = v->start - STACK_GUARD_PAGES;
	}
	return r;
}

/* MAP_32BIT: at the hint, else anywhere in the second GiB, as Linux. */
static int
place_low(struct aspace *as, uint64_t hint, uint64_t pages, uint64_t *vpn)
{
	return goes_to_hint(as, hint, pages, LOW_END, vpn) ? 0 :
	    place_in(as, pages, LOW_START, LOW_END, vpn);
}

/* Where `pages` pages may go: at the hint (0: none) if that is free, else top-down
 * below map.base, else anywhere.
 * Locks: [M].  Returns: 0 with the place in *vpn, -ENOMEM. */
int
map_place(struct aspace *as, uint64_t hint, uint64_t pages, uint64_t *vpn)
{
	uint64_t min = MMAP_MIN_ADDR >> PAGE_SHIFT;
	uint64_t end = MD_USER_END >> PAGE_SHIFT;

	HELD_SHARED(&as->map_lock);
	return goes_to_hint(as, hint, pages, end, vpn) ||
	    place_in(as, pages, min, as->map.base, vpn) == 0 ? 0 :
	    place_in(as, pages, min, end, vpn);
}

/* The common part of munmap, MAP_FIXED and mremap: cut [lo, hi) out and clear its words;
 * the VADs and their charge are added to gone.
 * Locks: [M] exclusive; waits for entry pages and frames.
 * Returns: 0; -ENOMEM (no VAD for a split, too many; nothing changed). */
int
map_detach(struct aspace *as, uint64_t lo, uint64_t hi, struct map_removed *removed)
{
	struct vad *v = as->map.nvads >= vad_max() ? vad_find(as, lo) : NULL;
	uint64_t paid = vad_paid(as, lo, hi);
	struct vad_list list;
	int r = -ENOMEM;

	HELD(&as->map_lock);
	if (v == NULL || v->start == lo || v->end <= hi) /* a hole in v would be one more */
		r = vad_remove_range(as, lo, hi, &list);
	if (r != 0)
		return r;
	while ((v = vad_list_take(&list)) != NULL) {
		as->school->detach(as, v);
		vad_unlist_link(v);
		EVENT(vad_detach, v->start, v->end, vad_rights(v), as->id);
		vad_list_add(&removed->vads, v);
	}
	as->commit.paid -= paid;
	removed->freed += paid;
	vad_refill_spare(as);
	return 0;
}

/* The end of a mapping call: drop map_lock, then free the removed VADs, if any.
 * Locks: [M] exclusive in, none out. */
void
map_end(struct aspace *as, struct map_removed *removed)
{
	HELD(&as->map_lock);
	/* Without its VADs only the sum of the space's charges is known, no single
	 * one. */
	if (removed != NULL && as_has_lost(as, LOST_VADS)) {
		as->commit.paid += removed->freed;
		removed->freed = 0;
	}
	rw_unlock_write(&as->map_lock);
	if (removed != NULL) {
		commit_uncharge(removed->freed);
		vad_list_free(&removed->vads);
	}
	fault_reap();
}

/* Put a VAD, charged, prepared and at a free place, into the space.
 * Locks: [M] exclusive.  Owns: takes v over, which may be merged to a neighbour. */
void
map_attach(struct aspace *as, struct vad *v)
{
	HELD(&as->map_lock);
	vad_list_link(as, v);
	CHECK(vad_insert(as, v) == 0);
	design_attach(as, v);
	EVENT(vad_attach, v->start, v->end, vad_rights(v), as->id);
	vad_merge(as, v);
}

/* ---- mmap ---- */

/* Fault in the pages for POPULATE without NONBLOCK, and for locking, as far as possible:
 * the mapping stays, even if that fails. */
static void
mmap_touch(struct aspace *as, const struct attach_work *w)
{
	va_t va = w->vpn << PAGE_SHIFT, end = va + (w->pages << PAGE_SHIFT);
	bool all = (w->a->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;

	if (all || w->locking != 0)
		map_populate(as, va, end, all ? 0 : VAD_LOCKED);
}

static bool
is_fixed(const struct map_args *a)
{
	return (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
}

static int
decode_place(const struct map_args *a, uint64_t pages)
{
	if (!is_fixed(a))
		return 0;
	if (a->addr > MD_USER_END - (pages << PAGE_SHIFT))
		return -ENOMEM;
	if ((a->addr & PAGE_MASK) != 0)
		return -EINVAL;
	if (a->addr < MMAP_MIN_ADDR && !a->privileged)
		return -EPERM;
	return 0;
}

/* The checks of mmap before it looks at the object to be mapped (vm.h). */
int
map_place_check(struct aspace *as, const struct map_args *a)
{
	uint64_t vpn = a->addr >> PAGE_SHIFT;
	uint64_t pages = PAGE_UP(a->len) >> PAGE_SHIFT;
	int r = decode_place(a, pages);

	if (r != 0 || (a->flags & MAP_FIXED_NOREPLACE) == 0)
		return r;
	rw_lock_read(&as->map_lock);
	r = vad_pages(as, vpn, vpn + pages, 0) != 0 ? -EEXIST : 0;
	rw_unlock_read(&as->map_lock);
	return r;
}

/* Could it use up as much as its size? */
static bool
takes_memory(const struct map_args *a)
{
	if ((a->flags & MAP_NORESERVE) != 0)
		return false;
	return (a->flags & MAP_TYPE) == MAP_PRIVATE ?
	    (a->prot & PROT_W) != 0 : a->vmo == NULL;
}

/* The memory of a device, but not RAM, can be mapped shared; a private copy would have to
 * read registers that may change when read.  0, -EINVAL, -EPERM. */
static int
device_decode(const struct map_args *a, uint64_t pages)
{
	if (!vmo_is_device(a->vmo))
		return 0;
	if ((a->flags & MAP_TYPE) == MAP_PRIVATE)
		return -EINVAL;
	return vmo_device_check(a->vmo, a->off >> PAGE_SHIFT, pages);
}

/* decode: the order of the checks is Linux's. */
static int
mmap_decode(const struct map_args *a, struct attach_work *w)
{
	unsigned type = a->flags & MAP_TYPE;
	int r;

	if (a->len == 0)
		return -EINVAL;
	if (a->len > MD_USER_END)
		return -ENOMEM;
	w->pages = PAGE_UP(a->len) >> PAGE_SHIFT;
	if (a->vmo != NULL && a->off + PAGE_UP(a->len) < a->off)
		return -EOVERFLOW;
	r = decode_place(a, w->pages);
	if (r != 0)
		return r;
	ASSERT(type == MAP_PRIVATE || type == MAP_SHARED);
	/* A mapping that grows down has no object: its offset would wrap. */
	if ((type != MAP_PRIVATE || a->vmo != NULL) &&
	    (a->flags & MAP_GROWSDOWN) != 0)
		return -EINVAL;
	if ((a->flags & MAP_LOCKED) != 0 && a->lim != NULL &&
	    a->lim->memlock == 0)
		return -EPERM;
	if ((a->flags & MAP_HUGETLB) != 0)
		return -ENOMEM;
	r = device_decode(a, w->pages);
	return r == 0 && takes_memory(a) ? commit_guess(w->pages) : r;
}

static uint32_t
vad_flags(const struct map_args *a)
{
	uint32_t flags = 0;

	if ((a->flags & MAP_TYPE) != MAP_PRIVATE)
		flags |= VAD_SHARED;
	if ((a->flags & MAP_GROWSDOWN) != 0)
		flags |= VAD_GROWSDOWN;
	if ((a->flags & MAP_LOCKED) != 0)
		flags |= VAD_LOCKED;
	if (a->writer)
		flags |= VAD_WRITER;
	if (a->is_zero_device)
		flags |= VAD_ZERO_DEVICE;
	if ((a->flags & MAP_NORESERVE) != 0 ||
	    (commit_is_late() && vad_is_charged(flags, a->prot)))
		flags |= VAD_NORESERVE;
	return flags;
}

/* Give back what was reserved and not used; the VAD is NULL once it is in the tree. */
static void
mmap_release(struct attach_work *w)
{
	vad_free(w->vad);
	w->vad = NULL;
	if (w->shared != NULL)
		vmo_put(w->shared);
	w->shared = NULL;
}

/* reserve: object and VAD; undone by mmap_release(). */
static int
mmap_reserve(struct aspace *as, struct attach_work *w)
{
	const struct map_args *a = w->a;
	struct vmo *vmo = a->vmo;
	struct vad *v;

	if (vmo == NULL && (a->flags & MAP_TYPE) == MAP_SHARED) {
		w->shared = map_shared_object(w->pages << PAGE_SHIFT,
		    (a->flags & MAP_NORESERVE) != 0 ? SHARED_LATE :
		    SHARED_PROMISED, NULL, NULL);
		if (w->shared == NULL)
			return -ENOMEM;
		vmo = w->shared;
	}
	v = w->vad = vad_alloc(as, vmo);
	if (v == NULL) {
		mmap_release(w);
		return -ENOMEM;
	}
	v->flags = vad_flags(a);
	v->prot = (uint8_t)(a->prot & (PROT_R | PROT_W | PROT_X));
	v->maxprot = a->vmo == NULL && a->maxprot == 0 ?
	    PROT_R | PROT_W | PROT_X : (uint8_t)a->maxprot;
	v->off = vmo == a->vmo ? a->off >> PAGE_SHIFT : 0;
	if (vad_is_charged(v->flags, v->prot))
		v->flags |= VAD_CHARGED;
	return 0;
}

/* Anonymous memory in the heap, or right behind it, counts as heap.  [M]. */
static bool
is_in_heap(const struct aspace *as, const struct vad *v)
{
	return v->vmo == NULL && v->start << PAGE_SHIFT >= as->map.brk0 &&
	    v->start << PAGE_SHIFT <= PAGE_UP(as->map.brk);
}

/* The place.  [M]. */
static int
mmap_place(struct aspace *as, struct attach_work *w)
{
	const struct map_args *a = w->a;
	int r;

	if (is_fixed(a)) {
		w->vpn = a->addr >> PAGE_SHIFT;
		w->replaced = vad_pages(as, w->vpn, w->vpn + w->pages, 0);
	} else {
		r = (a->flags & MAP_32BIT) != 0 ?
		    place_low(as, a->addr >> PAGE_SHIFT, w->pages, &w->vpn) :
		    map_place(as, a->addr >> PAGE_SHIFT, w->pages, &w->vpn);
		if (r != 0)
			return r;
	}
	w->vad->start = w->vpn;
	w->vad->end = w->vpn + w->pages;
	w->vad->prot = map_rights(as, w->vad->prot, w->vad->maxprot);
	if (is_in_heap(as, w->vad))
		w->vad->flags |= VAD_HEAP;
	return (a->flags & MAP_FIXED_NOREPLACE) != 0 && w->replaced != 0 ?
	    -EEXIST : 0;
}

/* Will the new VAD be locked, and may it?  [M].  0, -EAGAIN. */
static int
mmap_lock(struct aspace *as, struct attach_work *w)
{
	const struct map_limits *lim = w->a->lim;

	w->vad->flags |= as->map.lock_future;
	if (vmo_is_device(w->vad->vmo))
		w->vad->flags &= ~VAD_LOCK_FLAGS;
	if ((w->vad->flags & VAD_LOCKED) == 0)
		return 0;
	if (map_lock_reserve(as, w->pages, lim == NULL ? MLOCK_ANY :
	    lim->memlock) != 0)
		return -EAGAIN;
	w->locking = w->pages;
	return 0;
}

/* Commit for the new VAD, less what the detach will give back.  [M]. */
static int
mmap_charge(struct aspace *as, struct attach_work *w)
{
	struct vad *v = w->vad;
	uint64_t back;

	w->cost = vad_price(as, v, v->start, v->end);
	if (w->cost == 0)
		return 0;
	back = w->replaced == 0 ? 0 : vad_paid(as, v->start, v->end);
	w->extra = w->cost > back ? w->cost - back : 0;
	return commit_charge(w->extra);
}

/* perform, under map_lock: place, charge, cut, insert.  The cut is the last step that can
 * fail, and then it has changed nothing. */
static int
mmap_perform(struct aspace *as, struct attach_work *w)
{
	struct map_removed gone = { .freed = 0 };
	int r;

	rw_lock_write(&as->map_lock);
	r = mmap_place(as, w);
	if (r == 0)
		r = mmap_lock(as, w);
	/* Limits that depend on the mappings at that place. */
	if (r == 0 && (as->map.nvads > vad_max() ||
	    !map_fits(as, w->a->lim, w->vad, w->pages - w->replaced)))
		r = -ENOMEM;
	if (r == 0)
		r = design_prepare(as, w->vad, w->vad->start, w->vad->end);
	if (r == 0)
		r = mmap_charge(as, w);
	if (r == 0 && w->replaced == 0)
		vad_refill_spare(as);
	if (r == 0 && w->replaced != 0) {
		r = map_detach(as, w->vad->start, w->vad->end, &gone);
		if (r != 0)
			commit_uncharge(w->extra);
	}
	if (r == 0) {
		as->commit.paid += w->cost;
		gone.freed += w->extra - w->cost;
		as->map.grows |= (w->vad->flags & VAD_GROWSDOWN) != 0;
		map_attach(as, w->vad);
		w->vad = NULL;
	}
	map_lock_unreserve(as, w->locking);
	map_end(as, &gone);
	return r;
}

/* Map anonymous memory or an object.
 * Returns: 0 with the address in *out; -EINVAL, -ENOMEM, -EEXIST, -EPERM, -EOVERFLOW,
 * -EAGAIN (the limit of locked memory; book: abi 3): nothing changed. */
int
map_mmap(struct aspace *as, const struct map_args *a, va_t *out)
{
	struct attach_work w = { .a = a };
	int r;

	r = mmap_decode(a, &w);
	if (r != 0)
		return r;

	r = mmap_reserve(as, &w);
	if (r != 0)
		return r;

	r = mmap_perform(as, &w);
	if (r == 0) {
		*out = w.vpn << PAGE_SHIFT;
		mmap_touch(as, &w);
	}
	mmap_release(&w);
	return r;
}

/* ---- munmap, mprotect ---- */

/* Returns: 0, also for holes; -EINVAL; -ENOMEM (no VAD for a split, too many; nothing changed). */
int
map_munmap(struct aspace *as, va_t va, uint64_t len)
{
	struct map_removed gone = { .freed = 0 };
	uint64_t lo, hi;
	int r;

	if (map_range(va, len, &lo, &hi) <= 0 || hi > MD_USER_END >> PAGE_SHIFT)
		return -EINVAL;
	rw_lock_write(&as->map_lock);
	r = map_detach(as, lo, hi, &gone);
	map_end(as, &gone);
	return r;
}

/* mprotect with PROT_GROWSDOWN: extend the range down to the start of the mapping, which
 * must grow down.
 * Locks: [M].  Returns: 0, *lo moved; -ENOMEM (nothing there), -EINVAL (it does not grow). */
static int
map_grown_from(struct aspace *as, uint64_t *lo, uint64_t hi)
{
	struct vad *v = vad_find_above(as, *lo);

	HELD_SHARED(&as->map_lock);
	if (v == NULL || v->start >= hi)
		return -ENOMEM;
	if ((v->flags & VAD_GROWSDOWN) == 0)
		return -EINVAL;
	*lo = v->start;
	return 0;
}

/* Rule 4: the end of the first PROTECT_TABLES leaf tables of [lo, hi) vpn; hi: there are
 * fewer.  Takes [W]. */
static uint64_t
tables_end(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct pt_iter it = pt_range(as, lo, hi);
	unsigned n;

	if (hi - lo <= PROTECT_TABLES * MD_PT_WORDS)
		return hi;
	mutex_lock(&as->ws_lock);
	for (n = 0; n < PROTECT_TABLES && pt_iter_table(&it); n++)
		it.va = it.stop;
	mutex_unlock(&as->ws_lock);
	return it.va >> PAGE_SHIFT;
}

/* personality(READ_IMPLIES_EXEC): from now on a mapping that is made or changed may be
 * run if it may be read.  Also of the children, until they exec. */
void
map_set_read_is_run(struct aspace *as, bool on)
{
	atomic_store(&as->map.runs, on);
}

bool
map_read_is_run(const struct aspace *as)
{
	return atomic_load(&as->map.runs);
}

/* Give [lo, hi) vpn the rights prot, or its first part, up to *to.  If no mapping can be
 * split, all at once.
 * Locks: [M] exclusive.  Returns: as vad_protect_range(). */
static int
protect_some(struct aspace *as, uint64_t lo, uint64_t hi, uint8_t prot, uint64_t *to)
{
	struct vad *v;
	int r;

	HELD(&as->map_lock);
	if (map_read_is_run(as) && (v = vad_find(as, lo)) != NULL) {
		prot = map_rights(as, prot, v->maxprot);
		hi = MIN(hi, v->end);
	}
	*to = (prot & PROT_W) != 0 ? hi : tables_end(as, lo, hi);
	r = vad_protect_range(as, lo, *to, prot);
	if (r == -ENOMEM && *to < hi) {
		*to = hi;
		r = vad_protect_range(as, lo, hi, prot);
	}
	return r;
}

/* Returns: 0; -EINVAL; -ENOMEM (hole, commit), -EACCES (maxprot): the part before it has
 * changed. */
int
map_mprotect(struct aspace *as, va_t va, uint64_t len, unsigned prot)
{
	uint64_t lo, hi, at, to;
	bool locked;
	int r = map_range(va, len, &lo, &hi);

	if (r <= 0)
		return r;
	rw_lock_write(&as->map_lock);
	r = (prot & PROT_GROWSDOWN) == 0 ? 0 : map_grown_from(as, &lo, hi);
	for (at = lo; r == 0 && at < hi; at = to) {
		if (at != lo) {
			map_end(as, NULL); /* waiting faults get it now */
			rw_lock_write(&as->map_lock);
		}
		r = protect_some(as, at, hi, prot & (PROT_R | PROT_W | PROT_X), &to);
	}
	locked = as->map.locked_pages != 0;
	map_end(as, NULL);
	/* Locked memory that has become writable makes its copies now. */
	if (locked && (prot & PROT_W) != 0)
		map_populate(as, lo << PAGE_SHIFT, hi << PAGE_SHIFT, VAD_LOCKED);
	return r;
}
