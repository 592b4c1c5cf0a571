/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zero.c: whole pages cleared or copied, and clearing ahead
 *
 * Problem   Most frames must be cleared before a program may see them, which
 *           takes longer than the rest of a fault.  An idle CPU has the time.
 *
 * Picture   idle CPU:  FREE ─ page_zero ─→ ZEROED, on the list
 *           (of phys.c, from which phys_alloc(…, PHYS_ZEROED) takes first)
 *
 * Rules     1. page_zero() and page_copy() are the only places that clear or
 *              copy a whole page, so their counters are exact.
 *           2. With the boot option idlezero=0 the list stays empty: then
 *              page.zero counts what faults asked for.
 *
 * Read next kern/sched.c, whose idle loop comes here.
 */
#include "events.h"
#include "lib/string.h"
#include "md.h"
#include "mem/buddy.h"
#include "mem/mem.h"
#include "mem/zero.h"

/* ---- whole pages ---- */

/*
 * Clear a page: the only place where that is done, so page.zero is exact.
 *
 * Locks:    none; the frame is the caller's.
 */
__attribute__((noinline)) void
page_zero(struct vm_page *pg)
{
	EVENT(page_zero);
	memset(pa2va(page_pa(pg)), 0, PAGE_SIZE);
}

/*
 * Copy a page: the only place.
 *
 * Locks:    none; dst is the caller's, src is pinned.
 */
__attribute__((noinline)) void
page_copy(struct vm_page *dst, const struct vm_page *src)
{
	EVENT(page_copy);
	memcpy(pa2va(page_pa(dst)), pa2va(page_pa(src)), PAGE_SIZE);
}

/* Clear a promised frame.  Preemption off: it is on no list meanwhile. */
static bool
zero_one(void)
{
	struct vm_page *pg;
	pfn_t pfn;

	if (buddy_take(&pfn, 1) == 0)
		return false;
	pg = &pfdb[pfn];
	page_zero(pg);
	EVENT(page_zeroed_idle);
	page_set_state(pg, PG_ZEROED);
	zeroed_push(pfn);
	return true;
}

/*
 * Clear one free frame for later (transition 1).
 *
 * Locks:    none.
 * Context:  idle loop.
 * Returns:  false: nothing to do.
 */
bool
phys_zero_idle(void)
{
	struct phys_stat s;
	bool done;

	if (!zeroed_has_room())
		return false;
	phys_stat(&s);
	/* Not if frames are few, and only with a promise of its own. */
	if (s.free + s.zeroed <= s.high)
		return false;
	md_preempt_disable();
	done = phys_promise(PHYS_USER, 1);
	if (done) {
		done = zero_one();
		phys_unpromise(1);
	}
	md_preempt_enable();
	return done;
}
