/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/rights.c: fewer rights, for mprotect
 *
 * Problem   From the return of mprotect on no CPU may use a right that the mapping
 *           has no more.
 *
 * Picture   mprotect ─→ words lose rights ─→ one flush
 *
 * Rules     1. More rights are found by faults.
 */
#include "vm/map/map.h"
#include "vm/design/pmap/pmap.h"
#include "vm/space/space.h"
#include "vm/table/table.h"

/*
 * The VAD is about to have fewer rights: ops->protect.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0.
 */
int
pmap_protect(struct aspace *as, struct vad *v, uint8_t prot)
{
	uint64_t lo = v->start, hi = v->end;
	uint64_t clear = (prot & PROT_W) != 0 ? 0 : MD_PTE_W;

	/* What is locked stays mapped, but out of reach. */
	if (prot == 0 && (v->flags & VAD_LOCKED) != 0)
		atomic_store(&as->hides, true);
	mutex_lock(&as->ws_lock);
	if (prot == 0) {
		(void)pmap_remove(as, lo, hi, PMAP_UNLOCKED);
		clear |= MD_PTE_U;
	}
	pmap_change(as, lo, hi, clear, (prot & PROT_X) != 0 ? 0 : MD_PTE_NX);
	tlb_flush_range(as, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
