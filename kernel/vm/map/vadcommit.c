/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadcommit.c: how many pages the mappings of a space are charged
 *
 * Problem   Private writable memory is charged before it is touched, and so
 *           are the page tables that will map it.  VADs are split, merged and
 *           removed; what stays must always be charged.
 *
 * Picture   2 MiB     |── table ──|── table ──|── table ──|
 *           paid        [ 700 pages  ]   [ 100 pages ]       800 + 3
 *           new             asks for [xxx]                   3 pages, no table
 *           the left one goes        ^ 700 pages and one table are freed: the
 *                                      other is the neighbour's, too
 *
 * Rules     1. A mapping that pays (VAD_CHARGED) pays for each of its pages, and
 *              for each 2-MiB block that it lies in once, however many share it:
 *              aspace.commit.paid is the sum over the tree (I12).  Where a design has
 *              records of pages that stay in memory (as->record_pages), it pays
 *              a frame for each of these smaller blocks, in the same way.
 *           2. Nothing of this is kept in VADs.  Before a range is added or
 *              removed, the tree is asked what that changes; a split or a merge
 *              changes nothing.
 *           3. A mapping stays charged when it loses the right to write.
 *           4. A mapping that locks pages of a file, and does not pay yet, pays for the
 *              pages, but not for tables: those of files are charged at touch.
 */
#include "vm/design/design.h"
#include "vm/map/map.h"

#define SMALL_PIECE 256  /* pages that malloc() takes of an arena at a time */
#define START_STACK 32   /* pages that a stack may grow by, as on Linux */
#define START_HEAP 36    /* what a libc asks for before main(): 34, and tables */
#define START_TABLES 64  /* the tables of 128 MiB of text */
#define START_RECORDS 6  /* for these, where a design has records */

/* Blocks of g pages that a vpn range touches, without the block of page `last`:
 * UINT64_MAX for none.  Inlined with its callers: g is a constant for page tables, and
 * most designs count only these. */
static uint64_t
blocks(uint64_t start, uint64_t end, uint64_t g, uint64_t last)
{
	return (end - 1) / g - start / g + (start / g != last / g);
}

/* What v is charged, for a caller that adds up all VADs in order.  *last is the last page
 * that was charged: UINT64_MAX before the first.
 * Locks: [M].  Returns: pages. */
uint64_t
vad_pays(const struct aspace *as, const struct vad *v, uint64_t *last)
{
	uint64_t g = as->record_pages, n = v->end - v->start +
	    blocks(v->start, v->end, MD_PT_WORDS, *last);

	HELD_SHARED(&as->map_lock);
	if (vad_locks_file(v->vmo, v->flags))
		return v->end - v->start;
	if ((v->flags & VAD_CHARGED) == 0)
		return 0;
	if (g != 0)
		n += blocks(v->start, v->end, g, *last);
	*last = v->end - 1;
	return n;
}

/* Does a charged VAD have a page in the block, but outside of [lo, hi)? */
static bool
is_paid_outside(struct aspace *as, uint64_t first, uint64_t g, uint64_t lo,
    uint64_t hi)
{
	uint64_t end = first + g;
	struct vad *v = vad_find_above(as, first);

	for (; v != NULL && v->start < end; v = vad_next(v))
		if ((v->flags & VAD_CHARGED) != 0 &&
		    (MAX(v->start, first) < lo || MIN(v->end, end) > hi))
			return true;
	return false;
}

/* A part of a range, and the blocks that it lies in: [own]. */
struct block_run {
	uint64_t g;            /* pages of a block */
	uint64_t first, last;  /* block numbers */
};

/* How many of these blocks of [lo, hi) are charged for other pages, too?  Only the blocks
 * at its ends can be. */
static inline __attribute__((always_inline)) uint64_t
shared_blocks(struct aspace *as, uint64_t lo, uint64_t hi,
    const struct block_run *p)
{
	return (uint64_t)is_paid_outside(as, p->first * p->g, p->g, lo, hi) +
	    (p->last != p->first &&
	    is_paid_outside(as, p->last * p->g, p->g, lo, hi));
}

/* Blocks of g pages of [lo, hi) that are not charged for pages outside of it already. */
static inline __attribute__((always_inline)) uint64_t
price_of_blocks(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t g)
{
	const struct block_run all = { g, lo / g, (hi - 1) / g };

	return blocks(lo, hi, g, UINT64_MAX) - shared_blocks(as, lo, hi, &all);
}

/* What v is charged when it gets [lo, hi) vpn, too, or pays from now on: pages, and those
 * tables and frames of records that are not charged for pages outside of it already.
 * Locks: [M].  Returns: pages. */
uint64_t
vad_price(struct aspace *as, const struct vad *v, uint64_t lo, uint64_t hi)
{
	uint64_t g = as->record_pages;

	HELD_SHARED(&as->map_lock);
	if ((v->flags & VAD_CHARGED) == 0)
		return vad_locks_file(v->vmo, v->flags) ? hi - lo : 0;
	return hi - lo + price_of_blocks(as, lo, hi, MD_PT_WORDS) +
	    (g == 0 ? 0 : price_of_blocks(as, lo, hi, g));
}

/* Blocks of g pages charged for [lo, hi) only; *pages: those that are paid there. */
static inline __attribute__((always_inline)) uint64_t
paid_blocks(struct aspace *as, uint64_t lo, uint64_t hi, uint64_t g,
    uint64_t *pages)
{
	struct block_run p = { g, UINT64_MAX, UINT64_MAX };
	struct vad *v = vad_find_above(as, lo);
	uint64_t n = 0, start, end;

	*pages = 0;
	for (; v != NULL && v->start < hi; v = vad_next(v)) {
		start = MAX(v->start, lo);
		end = MIN(v->end, hi);
		if ((v->flags & VAD_CHARGED) != 0 || vad_locks_file(v->vmo, v->flags))
			*pages += end - start;
		if ((v->flags & VAD_CHARGED) == 0)
			continue;
		n += blocks(start, end, g, UINT64_MAX) - (start / g == p.last);
		p.first = MIN(p.first, start / g);
		p.last = (end - 1) / g;
	}
	return n == 0 ? 0 : n - shared_blocks(as, lo, hi, &p);
}

/* The charge that is given back when [lo, hi) vpn goes: its charged pages, and tables
 * and records that are not charged for pages outside of it, too.
 * Locks: [M].  Returns: pages. */
uint64_t
vad_paid(struct aspace *as, uint64_t lo, uint64_t hi)
{
	uint64_t g = as->record_pages, pages;
	uint64_t n = paid_blocks(as, lo, hi, MD_PT_WORDS, &pages);

	HELD_SHARED(&as->map_lock);
	if (g != 0 && pages != 0)
		n += paid_blocks(as, lo, hi, g, &pages);
	return n + pages;
}

/* May private writable memory grow by this number of pages?  A process with a limit pays
 * with a walk over its VADs.
 * Locks: [M]. */
bool
map_data_fits(struct aspace *as, uint64_t pages)
{
	uint64_t limit = atomic_load(&as->map.limit[LIMIT_DATA]);
	struct vad *v;

	if (limit == UINT64_MAX)
		return true;
	VAD_FOREACH(v, as)
		if (vad_is_data(v->flags, v->prot))
			pages += v->end - v->start;
	return pages <= limit;
}

/* ---- paying ---- */

/* Charge this number of pages for v.  [M] exclusive.  0, -ENOMEM. */
static int
pay(struct aspace *as, const struct vad *v, uint64_t price)
{
	/* The charge that exec made ahead is for the stack and the first heap. */
	bool ahead = (v->flags & (VAD_GROWSDOWN | VAD_HEAP)) != 0;

	if ((!ahead || !commit_use_prepaid(as, price)) &&
	    commit_charge(price) != 0)
		return -ENOMEM;
	as->commit.paid += price;
	return 0;
}

/* NORESERVE memory becomes writable.  malloc() reserves arenas and makes them writable in
 * small pieces, which it touches at once: it expects an error, not a SIGBUS.  A program
 * that makes more writable at once will not use all of it.
 * Returns: 0; -ENOMEM: it could not be touched now. */
static int
may_touch_piece(uint64_t pages)
{
	if (pages > SMALL_PIECE || commit_is_late())
		return 0;
	if (commit_charge(pages) != 0)
		return -ENOMEM;
	commit_uncharge(pages);
	return 0;
}

/* vad is about to get the rights prot: charge private memory that becomes writable.  It
 * stays charged when it loses the right again.
 * Locks: [M] exclusive.  Returns: 0, -ENOMEM. */
int
map_charge(struct aspace *as, struct vad *v, uint8_t prot)
{
	uint64_t pages = v->end - v->start, locked;
	int r;

	HELD(&as->map_lock);
	if (vad_is_data(v->flags, prot) && !vad_is_data(v->flags, v->prot) &&
	    !map_data_fits(as, pages))
		return -ENOMEM;
	if ((v->flags & (VAD_NORESERVE | VAD_SHARED)) == VAD_NORESERVE &&
	    (prot & ~v->prot & PROT_W) != 0)
		return may_touch_piece(pages);
	if ((v->flags & VAD_CHARGED) != 0 || !vad_is_charged(v->flags, prot))
		return 0;
	if (commit_is_late()) {
		if (commit_guess(pages) != 0)
			return -ENOMEM;
		v->flags |= VAD_NORESERVE;
		return 0;
	}
	locked = vad_locks_file(v->vmo, v->flags) ? pages : 0;
	v->flags |= VAD_CHARGED;
	r = pay(as, v, vad_price(as, v, v->start, v->end) - locked);
	if (r != 0)
		v->flags &= ~VAD_CHARGED;
	return r;
}

/* Leaf tables of mappings that are not charged, but at most max.  [M]. */
static uint64_t
unpaid_tables(struct aspace *as, uint64_t max)
{
	uint64_t n = 0, last = UINT64_MAX;
	struct vad *v;

	VAD_FOREACH(v, as) {
		if ((v->flags & VAD_CHARGED) != 0)
			continue;
		n += blocks(v->start, v->end, MD_PT_WORDS, last);
		last = v->end - 1;
		if (n >= max)
			return max;
	}
	return n;
}

/* A new program is complete.  Its first instructions need a table for its text, which is
 * not charged, a larger stack and a heap: if there is no room for these, exec fails while
 * it can still return an error to the old program.
 * Locks: none of rank >= 2.
 * Owns: as->commit.prepaid, until commit_use_prepaid() or the end of the space.
 * Returns: 0, -ENOMEM. */
int
map_prepay_start(struct aspace *as)
{
	uint64_t pages = START_STACK + START_HEAP +
	    (as->record_pages == 0 ? 0 : START_RECORDS);
	int r;

	rw_lock_read(&as->map_lock);
	pages += unpaid_tables(as, START_TABLES);
	rw_unlock_read(&as->map_lock);
	r = commit_charge(pages);
	if (r == 0)
		atomic_add(&as->commit.prepaid, pages);
	return r;
}

/* Give v this larger range, which is free.
 * Locks: [M] exclusive.  Returns: 0, -ENOMEM (nothing changed). */
int
vad_grow(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	int r = design_prepare(as, v, start, end);

	HELD(&as->map_lock);
	if (r == 0)
		r = pay(as, v, start < v->start ? vad_price(as, v, start, v->start) :
		    vad_price(as, v, v->end, end));
	if (r != 0)
		return r;
	vad_set_range(as, v, start, end);
	design_attach(as, v);
	EVENT(vad_attach, start, end, vad_rights(v), as->id);
	return 0;
}
