/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * touch.h: what a plain access to kernel paged memory does on the host
 *
 * Offers    kpaged_touch(), for window_open(): the processor's page fault.
 * Needs     the rooms of vm/, test/host/window.h.
 * Sleeps?   Yes: the page may be on swap.
 */
#ifndef TEST_HOST_TOUCH_H
#define TEST_HOST_TOUCH_H

#include "vm/fault/fault.h"
#include "vm/space/space.h"

#include "test/host/window.h"

/*
 * Translations are common to all CPUs: who flushes, flushes for all.  Under
 * locks of rank >= 3 no access is right, there or not, but for vm_check.
 */
static inline void
kpaged_touch(unsigned long va, int write)
{
	uint64_t *word = md_kpte(va);

	if (lockrank_highest() >= LR_KMAP && !mutex_is_mine(&kernel_as.ws_lock))
		panic("kpaged: %lx is touched, not pinned, under rank %u", va,
		    lockrank_highest());
	while (word == NULL || (*word & MD_PTE_P) == 0)
		if (kpaged_fault(va) != 0)
			panic("kpaged: %lx is touched, and nobody's", va);
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	window_map(va, *word & MD_PTE_PFN, write || window_has(va, 1));
}

#endif
