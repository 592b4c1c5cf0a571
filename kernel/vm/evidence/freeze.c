/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * freeze.c: stop all spaces, and swap, for a check
 *
 * Problem   A check that compares the PTEs of all spaces needs a moment in which
 *           none of them changes.
 *
 * Picture   list of spaces ─→ every [M] ─→ list of objects ─→ every [W] ─→
 *           the kernel's [W]
 *
 * Rules     1. Only one thread at a time gets through the list lock, so the
 *              order among the spaces does not matter.
 */
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"

#define LOOK_NS 1000000ul    /* all maps are held, and with them nobody waits for a wake */

/*
 * Stop all of them: no mapping, no word changes until thaw_spaces().
 *
 * Locks:    none of rank >= 2; afterwards the list lock, [M] exclusive of
 *           every space, the list of objects, [W] of every space, and the
 *           kernel's [W].
 */
void
freeze_spaces(void)
{
	struct aspace *as;

	mutex_lock(&as_list_lock);
	LIST_FOREACH(as, &as_list, all)
		rw_lock_write_nested(&as->map_lock);
	mutex_lock(&vmo_list_lock);
	LIST_FOREACH(as, &as_list, all)
		mutex_lock_nested(&as->ws_lock);
	mutex_lock(&kernel_as.ws_lock);
}

void
thaw_spaces(void)
{
	struct aspace *as;

	mutex_unlock(&kernel_as.ws_lock);
	LIST_FOREACH(as, &as_list, all)
		mutex_unlock(&as->ws_lock);
	mutex_unlock(&vmo_list_lock);
	LIST_FOREACH(as, &as_list, all)
		rw_unlock_write(&as->map_lock);
	mutex_unlock(&as_list_lock);
}

/* ---- swap ---- */

static bool
swap_is_busy(void)
{
	const struct swap_area *a;
	bool busy = false;
	unsigned i;

	mutex_lock_nested(&swap_areas_lock);
	for (i = 0; i < SWAP_AREAS; i++) {
		a = swap_area(i);
		busy |= a != NULL && atomic_load(&a->busy) != 0;
	}
	mutex_unlock(&swap_areas_lock);
	return busy;
}

/*
 * From now on no page goes to swap or comes from it, and none is reclaimed whose
 * owner is a word; what is under way ends first.
 *
 * Locks:    none of rank >= 7.
 * Context:  thread, sleeps.
 */
void
freeze_swap(void)
{
	spin_lock(&pfn_lock);
	atomic_store(&owner_frozen, true);
	spin_unlock(&pfn_lock);
	while (swap_is_busy())
		(void)sleep_until(md_time_ns() + LOOK_NS, WAIT_PLAIN);
}

void
thaw_swap(void)
{
	atomic_store(&owner_frozen, false);
	pageout_wake();
}
