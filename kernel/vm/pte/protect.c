/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/protect.c: fewer rights, for mprotect and mlock
 *
 * Problem   From the return of mprotect on no CPU may use a right that the
 *           mapping has no more.
 *
 * Picture   some rights left  VALID: W off, NX on ─→ one flush
 *           none left         VALID leaves the working set (trim.c); what is
 *                             locked stays, without U
 *
 * Rules     1. Only VALID words have rights: of all others the next fault asks
 *              the VAD.
 *           2. One flush for the whole range, in the hold of ws_lock that
 *              changed the words.
 */
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/vm.h"

struct rights_work {
	uint64_t clear, set;  /* bits of VALID words */
	uint64_t lo, hi;      /* vpn range that changed */
};

static void
reduce_table(struct rights_work *r, struct pt_iter *it)
{
	uint64_t *word, w;

	PT_FOREACH(word, it) {
		w = word_get(word);
		if (pte_kind(w) != PTE_VALID ||
		    ((w & ~r->clear) | r->set) == w)
			continue;
		word_change(word, r->clear, r->set);
		r->lo = MIN(r->lo, it->va >> PAGE_SHIFT);
		r->hi = (it->va >> PAGE_SHIFT) + 1;
	}
}

/*
 * The VAD is about to have fewer rights: ops->protect.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0.
 */
int
pte_protect(struct aspace *as, struct vad *vad, uint8_t prot)
{
	struct rights_work r = { .lo = UINT64_MAX,
		.clear = (prot & PROT_W) != 0 ? 0 : MD_PTE_W,
		.set = (prot & PROT_X) != 0 ? 0 : MD_PTE_NX };
	struct pt_iter it = pt_range(as, vad->start, vad->end);

	if (prot == 0) {
		/* What it leaves VALID is locked: stays, but out of reach. */
		if ((vad->flags & VAD_LOCKED) != 0)
			atomic_store(&as->hides, true);
		pte_trim_range(as, vad->start, vad->end);
		r.clear |= MD_PTE_U;
	}
	mutex_lock(&as->ws_lock);
	while (pt_iter_table(&it))
		reduce_table(&r, &it);
	tlb_flush_range(as, r.lo, r.hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
