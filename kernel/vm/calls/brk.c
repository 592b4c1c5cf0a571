/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brk.c: the stack and the heap of a program
 *
 * Problem   Two mappings of a program grow: its stack when the program touches an
 *           address below it, its heap by brk(2).  Others must leave them room.
 *
 * Picture   brk0 ── heap ──→ brk          map.base        stack ──→ top
 *                                            │ gap │ ←── grows
 *                                                  at most LIMIT_STACK
 *
 * Rules     1. A mapping that grows down keeps 256 free pages below it.  The
 *              limit is read when it grows (map/vadstack.c); it may have changed
 *              since exec.
 *           2. The break is the number asked for, not rounded; the heap is
 *              the pages up to it.  It is charged before it grows.
 */
#include "vm/calls/calls.h"

/* ---- the stack ---- */

#define STACK_ROOM_MIN (128ul << 20)
#define STACK_ROOM_MAX (64ul << 30)

/* The room kept free below the top of a stack with that limit: at least Linux's 128 MiB,
 * for the limit may be raised later; without a limit, not the whole half. */
uint64_t
map_stack_room(uint64_t limit)
{
	return PAGE_UP(MIN(MAX(limit, STACK_ROOM_MIN), STACK_ROOM_MAX));
}

/* Anonymous memory of these flags and rights at [start, end) vpn, which is free.  [M]
 * exclusive.  0, -ENOMEM. */
static int
add_mapping(struct aspace *as, uint64_t start, uint64_t end, uint32_t flags,
    unsigned prot)
{
	struct vad *v = vad_alloc(as, NULL);
	int r;

	if (v == NULL)
		return -ENOMEM;
	v->start = start;
	v->end = end;
	v->flags = flags;
	v->maxprot = PROT_R | PROT_W | PROT_X;
	r = design_prepare(as, v, start, end);
	if (r == 0)
		r = map_charge(as, v, (uint8_t)prot);
	if (r != 0) {
		vad_free(v);
		return r;
	}
	v->prot = (uint8_t)prot;
	map_attach(as, v);
	return 0;
}

/* The stack of a new program: a mapping that grows down from top, limit bytes at most.
 * Returns: 0, -ENOMEM. */
int
map_stack(struct aspace *as, va_t top, uint64_t limit, unsigned prot)
{
	uint64_t room = map_stack_room(limit) >> PAGE_SHIFT;
	uint64_t end = top >> PAGE_SHIFT;
	int r;

	rw_lock_write(&as->map_lock);
	r = add_mapping(as, end - 1, end, VAD_GROWSDOWN | VAD_STACK, prot);
	if (r == 0) {
		map_set_limit(as, LIMIT_STACK, limit);
		/* Mappings go below the lowest address that it may reach. */
		room += STACK_GUARD_PAGES;
		as->map.base -= room - MIN(room, STACK_SPACE >> PAGE_SHIFT);
		as->map.base = MIN(as->map.base, end - room);
	}
	rw_unlock_write(&as->map_lock);
	return r;
}

/* ---- brk ---- */

/* Where the break of a new program starts. */
void
map_set_brk(struct aspace *as, va_t start)
{
	rw_lock_write(&as->map_lock);
	as->map.brk0 = as->map.brk = start;
	rw_unlock_write(&as->map_lock);
}

/* Grow the heap from old to new (vpn).  [M] exclusive.  0, -ENOMEM. */
static int
brk_grow(struct aspace *as, uint64_t old, uint64_t new,
    const struct map_limits *lim)
{
	uint64_t locking = as->map.lock_future != 0 ? new - old : 0;
	int r;

	/* One page stays free behind the heap, as on Linux. */
	if (!map_is_free(as, old, new + 1) || as->map.nvads > vad_max() ||
	    as->map.total_pages + (new - old) > lim->as >> PAGE_SHIFT)
		return -ENOMEM;
	r = map_lock_reserve(as, locking, lim->memlock);
	if (r == 0) {
		r = add_mapping(as, old, new, VAD_HEAP | as->map.lock_future,
		    map_rights(as, PROT_R | PROT_W, PROT_X));
		map_lock_unreserve(as, locking);
	}
	return r;
}

/* Shrink the heap from old to new (vpn).  If nothing is mapped there any more, the call
 * fails, as on Linux.
 * [M] exclusive.  0, -ENOMEM. */
static int
brk_shrink(struct aspace *as, uint64_t old, uint64_t new, struct map_removed *gone)
{
	int r = map_detach(as, new, old, gone);

	return r == 0 && gone->vads.first == NULL ? -ENOMEM : r;
}

/* Set the break.
 * Returns: the break: want, exactly, or the old one where it cannot be had. */
va_t
map_brk(struct aspace *as, va_t want, const struct map_limits *lim)
{
	struct map_removed gone = { .freed = 0 };
	uint64_t old = 0, new = 0;
	int r = -ENOMEM;
	bool locks;
	va_t brk;

	EVENT(vad_brk);
	rw_lock_write(&as->map_lock);
	if (want >= as->map.brk0 && want < MD_USER_END && as->map.brk0 != 0 &&
	    want - as->map.brk0 <= lim->data) {
		old = PAGE_UP(as->map.brk) >> PAGE_SHIFT;
		new = PAGE_UP(want) >> PAGE_SHIFT;
		if (new > old)
			r = brk_grow(as, old, new, lim);
		else
			r = new == old ? 0 : brk_shrink(as, old, new, &gone);
	}
	if (r == 0)
		as->map.brk = want;
	brk = as->map.brk;
	locks = as->map.lock_future != 0;
	map_end(as, &gone);
	if (r == 0 && locks && new > old)
		map_populate(as, old << PAGE_SHIFT, new << PAGE_SHIFT, VAD_LOCKED);
	return brk;
}
