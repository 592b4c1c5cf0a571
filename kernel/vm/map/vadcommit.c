/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadcommit.c: what a mapping has promised to use
 *
 * Problem   Private writable memory is paid for before it is touched, and so
 *           are the tables that will describe it.  VADs are divided, joined and
 *           removed; what stays must always have been paid.
 *
 * Picture   2 MiB     |── table ──|── table ──|── table ──|
 *           paid        [ 700 pages  ]   [ 100 pages ]       800 + 3
 *           new             asks for [xxx]                   3 pages, no table
 *           the left one goes        ^ 700 pages, and one table: the other
 *                                      is the neighbour's, too
 *
 * Rules     1. A mapping that pays (VAD_CHARGED) pays for each of its pages, and
 *              for each 2-MiB block that it lies in once, however many share it:
 *              aspace.commit is the sum over the tree (I12).
 *           2. Nothing of this is kept in VADs.  What a range adds or leaves is
 *              asked of the tree, by those who are about to change it; a split
 *              or a merge changes nothing.
 *           3. What has been paid stays paid when the right to write goes.
 */
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/space/space.h"
#include "vm/vm.h"

#define START_STACK 32   /* pages that a stack may grow by, as on Linux */
#define START_HEAP 36    /* what a libc asks for before main(): 34, and tables */
#define START_TABLES 64  /* the tables of 128 MiB of text */

/*
 * Leaf tables that a vpn range needs: the 2-MiB blocks it touches.
 */
uint64_t
vad_tables(uint64_t start, uint64_t end)
{
	return (end - 1) / MD_PT_WORDS - start / MD_PT_WORDS + 1;
}

/*
 * What v pays, for a caller that adds up all VADs in order.  *block is the last 2-MiB block
 * that is paid for: UINT64_MAX before the first.
 *
 * Locks:    [M].
 * Returns:  pages.
 */
uint64_t
vad_pays(const struct vad *v, uint64_t *block)
{
	uint64_t n = v->end - v->start + vad_tables(v->start, v->end) -
	    (v->start / MD_PT_WORDS == *block);

	if ((v->flags & VAD_CHARGED) == 0)
		return 0;
	*block = (v->end - 1) / MD_PT_WORDS;
	return n;
}

/* Does a part of a paying VAD that is not in [lo, hi) lie in the block? */
static bool
is_paid_outside(struct aspace *as, uint64_t block, uint64_t lo, uint64_t hi)
{
	uint64_t first = block * MD_PT_WORDS, end = first + MD_PT_WORDS;
	struct vad *v = vad_find_above(as, first);

	for (; v != NULL && v->start < end; v = vad_next(v))
		if ((v->flags & VAD_CHARGED) != 0 &&
		    (MAX(v->start, first) < lo || MIN(v->end, end) > hi))
			return true;
	return false;
}

/* Of the tables first … last of [lo, hi): how many do others pay for, too? */
static uint64_t
shared_tables(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t first,
    uint64_t last)
{
	bool low = first == lo / MD_PT_WORDS;
	bool high = last == (hi - 1) / MD_PT_WORDS;

	/* Others come as near as the blocks at its ends, no nearer. */
	if (first == last)
		return (low || high) && is_paid_outside(as, first, lo, hi);
	return (uint64_t)(low && is_paid_outside(as, first, lo, hi)) +
	    (high && is_paid_outside(as, last, lo, hi));
}

/*
 * What memory at [lo, hi) vpn that pays will cost: its pages and the tables that
 * nobody outside of it pays for already.
 *
 * Locks:    [M].
 * Returns:  pages.
 */
uint64_t
vad_price(struct aspace *as, uint64_t lo, uint64_t hi)
{
	return hi - lo + vad_tables(lo, hi) - shared_tables(as, lo, hi,
	    lo / MD_PT_WORDS, (hi - 1) / MD_PT_WORDS);
}

/*
 * What is given back when [lo, hi) vpn goes: the pages that were paid for and
 * the tables that nobody outside of it pays for.
 *
 * Locks:    [M].
 * Returns:  pages.
 */
uint64_t
vad_paid(struct aspace *as, uint64_t lo, uint64_t hi)
{
	uint64_t n = 0, first = UINT64_MAX, last = UINT64_MAX, start, end;
	struct vad *v = vad_find_above(as, lo);

	for (; v != NULL && v->start < hi; v = vad_next(v)) {
		if ((v->flags & VAD_CHARGED) == 0)
			continue;
		start = MAX(v->start, lo);
		end = MIN(v->end, hi);
		n += end - start + vad_tables(start, end) -
		    (start / MD_PT_WORDS == last);
		first = MIN(first, start / MD_PT_WORDS);
		last = (end - 1) / MD_PT_WORDS;
	}
	return n == 0 ? 0 : n - shared_tables(as, lo, hi, first, last);
}

/* ---- RLIMIT_DATA ---- */

/*
 * The limit of the space's process.
 *
 * Locks:    any; what grows next heeds it.
 */
void
map_limit_data(struct aspace *as, uint64_t bytes)
{
	atomic_store(&as->data_pages, bytes == UINT64_MAX ? bytes :
	    bytes >> PAGE_SHIFT);
}

/*
 * RLIMIT_AS of the space's process, for what grows without a call.
 *
 * Locks:    any; what grows next heeds it.
 */
void
map_limit_size(struct aspace *as, uint64_t bytes)
{
	atomic_store(&as->size_pages, bytes >> PAGE_SHIFT);
}

/*
 * May private writable memory grow by so many pages?  Who has a limit pays
 * with a walk of its VADs.
 *
 * Locks:    [M].
 */
bool
map_data_fits(struct aspace *as, uint64_t pages)
{
	uint64_t limit = atomic_load(&as->data_pages);
	struct vad *v;

	if (limit == UINT64_MAX)
		return true;
	VAD_FOREACH(v, as)
		if (vad_is_data(v->flags, v->prot))
			pages += v->end - v->start;
	return pages <= limit;
}

/* ---- paying ---- */

/*
 * vad is about to get the rights prot: private memory that becomes writable
 * is paid for now.  What has been paid stays paid when W goes again.
 *
 * Locks:    [M] exclusive.
 * Returns:  0, -ENOMEM.
 */
int
map_charge(struct aspace *as, struct vad *v, uint8_t prot)
{
	uint64_t pages = v->end - v->start, price;

	if (vad_is_data(v->flags, prot) && !vad_is_data(v->flags, v->prot) &&
	    !map_data_fits(as, pages))
		return -ENOMEM;
	if ((v->flags & VAD_CHARGED) != 0 || !vad_is_charged(v->flags, prot))
		return 0;
	if (commit_is_late()) {
		if (commit_guess(pages) != 0)
			return -ENOMEM;
		v->flags |= VAD_NORESERVE;
		return 0;
	}
	price = vad_price(as, v->start, v->end);
	/* What exec has paid ahead is for the first heap, too. */
	if (((v->flags & VAD_HEAP) == 0 || !commit_use_prepaid(as, price)) &&
	    commit_charge(price) != 0)
		return -ENOMEM;
	v->flags |= VAD_CHARGED;
	as->commit += price;
	return 0;
}

/* Leaf tables of mappings that pay for none, but not more than max.  [M]. */
static uint64_t
unpaid_tables(struct aspace *as, uint64_t max)
{
	uint64_t n = 0, block = UINT64_MAX;
	struct vad *v;

	VAD_FOREACH(v, as) {
		if ((v->flags & VAD_CHARGED) != 0)
			continue;
		n += vad_tables(v->start, v->end) -
		    (v->start / MD_PT_WORDS == block);
		block = (v->end - 1) / MD_PT_WORDS;
		if (n >= max)
			return max;
	}
	return n;
}

/*
 * A new program is complete.  Its first instructions touch text that nobody
 * has paid a table for, make the stack grow and ask for a heap: a program that
 * cannot have these is refused while its predecessor can still be told.
 *
 * Locks:    none of rank >= 2.
 * Returns:  0, -ENOMEM.
 */
int
map_prepay_start(struct aspace *as)
{
	uint64_t tables;

	rw_lock_read(&as->map_lock);
	tables = unpaid_tables(as, START_TABLES);
	rw_unlock_read(&as->map_lock);
	return commit_prepay(as, tables + START_STACK + START_HEAP);
}

/* ---- locked memory ---- */

static struct {
	struct mutex lock;       /* reservations and sums, one after the other */
	uint64_t reserved;       /* [lock] pages reserved and not yet counted */
} reserving = { .lock = MUTEX_INIT(reserving.lock, LR_NONE) };

/*
 * May so many pages more be locked by as?  Reserves them until they are
 * counted in as->locked_pages.
 *
 * Locks:    [M] exclusive.
 * Owns:     the caller owes map_lock_unreserve(pages).
 * Returns:  0; -ENOMEM: beyond limit (bytes), or beyond half of the RAM.
 */
int
map_lock_reserve(struct aspace *as, uint64_t pages, uint64_t limit)
{
	struct phys_stat ps;
	uint64_t all;

	if (pages == 0)
		return 0;
	if (limit != MLOCK_ANY && as->locked_pages + pages > limit >> PAGE_SHIFT)
		return -ENOMEM;
	phys_stat(&ps);
	mutex_lock(&reserving.lock);
	all = as_sum(offsetof(struct aspace, locked_pages)) + reserving.reserved;
	if (all + pages > ps.total / 2) {
		mutex_unlock(&reserving.lock);
		klog("mlock: %lu pages more than %lu are over half of the RAM",
		    pages, all);
		return -ENOMEM;
	}
	reserving.reserved += pages;
	mutex_unlock(&reserving.lock);
	return 0;
}

/*
 * They are counted now, or not wanted any more.
 *
 * Locks:    any of rank <= 2.
 */
void
map_lock_unreserve(uint64_t pages)
{
	if (pages == 0)
		return;
	mutex_lock(&reserving.lock);
	ASSERT(reserving.reserved >= pages);
	reserving.reserved -= pages;
	mutex_unlock(&reserving.lock);
}

/* ---- a stack that grows ---- */

/* v grows down to vpn.  0, -ENOMEM. */
static int
grow_charge(struct aspace *as, struct vad *v, uint64_t vpn)
{
	uint64_t price;

	if ((v->flags & VAD_CHARGED) == 0)
		return 0;
	price = vad_price(as, vpn, v->start);
	if (!commit_use_prepaid(as, price) && commit_charge(price) != 0)
		return -ENOMEM;
	as->commit += price;
	return 0;
}

/*
 * A growing mapping v is to begin at vpn: within the limit, and with the
 * guard gap below it free.
 *
 * Locks:    [M] exclusive.
 * Returns:  0, -ENOMEM (nothing changed).
 */
int
map_grow_stack(struct aspace *as, struct vad *v, uint64_t vpn)
{
	uint64_t low = v->start - v->gap, pages, locking;
	struct vad *below = low == 0 ? NULL : vad_find(as, low - 1);
	int r;

	if ((v->flags & VAD_GROWSDOWN) == 0 || vpn >= v->start || vpn < low ||
	    v->end - vpn > atomic_load(&as->stack_pages) || vpn < MMAP_MIN_ADDR >> PAGE_SHIFT)
		return -ENOMEM;
	if (below != NULL && below->prot != 0 && vpn - low < STACK_GUARD_PAGES)
		return -ENOMEM;
	pages = v->start - vpn;
	if (as->total_pages + pages > atomic_load(&as->size_pages))
		return -ENOMEM;
	locking = (v->flags & VAD_LOCKED) != 0 ? pages : 0;
	if (locking != 0 && map_lock_reserve(as, locking, as->lock_limit) != 0)
		return -ENOMEM;
	r = vad_prepare(as, v, vpn, v->end);
	if (r == 0)
		r = grow_charge(as, v, vpn);
	if (r == 0) {
		vad_set_range(as, v, vpn, v->end);
		vad_attached(as, v);
	}
	map_lock_unreserve(locking);
	return r;
}
