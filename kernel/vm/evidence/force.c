/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * force.c: memory pressure on request, where a fault waits or ends
 *
 * Problem   A test with enough memory never runs the code for a shortage.  So a
 *           test may ask that all pages that are not in use leave memory now,
 *           and that each fault finds them gone.
 *
 * Picture   vm_fault ─ waits, ends ─→ at_fault ─→ trim, tables, entries, frames
 *                                             └─→ vm_check (check=N)
 *
 * Rules     1. Nothing is taken that could not be taken in a real shortage.
 *           2. Pages used since the last fault stay: else two pages that one
 *              instruction needs would evict each other for ever.
 */
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

#define PATIENCE 64            /* faults of others until one sets the pace */

static void at_fault(struct aspace *as, enum fault_moment moment);
static void force_out_tables(struct aspace *as);
static void trim_unused(struct aspace *as, bool ended);
static bool sets_the_pace(struct aspace *as);
static void push_page(const uint64_t *word);
static void push_pages(struct vm_page *leaf);

/*
 * Locks:    none; once, by vm_init().
 */
void
force_init(void)
{
	fault_set_hook(at_fault);
}

/*
 * Where a fault ends or waits: FI_TRIM sends unused pages to swap; FI_TABLE also
 * their tables and all VADs; FI_EVICT_ENTRY entries and tables of objects;
 * FI_RECLAIM reclaims clean pages.
 *
 * Locks:    none of rank >= 2.
 */
static void
at_fault(struct aspace *as, enum fault_moment moment)
{
	bool tables = inject_hit(FI_TABLE);

	if (tables || inject_hit(FI_TRIM)) {
		trim_unused(as, moment == FAULT_ENDS);
		pageout_push();
	}
	if (tables)
		force_out_tables(as);
	if (inject_hit(FI_EVICT_ENTRY) || tables)
		force_out_kpaged(tables ? FORCE_VADS_TOO : FORCE_ENTRIES);
	if (inject_hit(FI_RECLAIM))
		(void)phys_reclaim();
	if (moment == FAULT_ENDS)
		vm_check_fault();
}

/*
 * Trim the pages not used since the last fault; if used ones went, too, two pages that
 * one instruction needs would evict each other for ever.
 */
static void
trim_unused(struct aspace *as, bool ended)
{
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0 && (!ended || sets_the_pace(as))) {
		if (ended) {
			ws_grow_older(as);
			tlb_flush_range(as, 0, MD_USER_END >> PAGE_SHIFT);
		}
		as->school->evict(as, SIZE_MAX, 1);
	}
	mutex_unlock(&as->ws_lock);
}

/*
 * Do the faults of this thread age the space?  Only one thread's do, so that the
 * pages which it has used since its last fault stay and it gets on.  When the
 * others have had PATIENCE faults since its last one, another thread's do.
 */
static bool
sets_the_pace(struct aspace *as)
{
	uint32_t me = thread_current()->id;

	if (as->force.pacer != me && ++as->force.missed < PATIENCE)
		return false;
	as->force.pacer = me;
	as->force.missed = 0;
	return true;
}

/*
 * Injected: tables leave as soon as they can (FI_TABLE), for which the pages
 * that leaf tables name have to go first.  What is written goes the next time.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
static void
force_out_tables(struct aspace *as)
{
	struct pt_iter it = pt_range(as, 0, MD_USER_END >> PAGE_SHIFT);

	mutex_lock(&as->ws_lock);
	for (; pt_iter_place(&it); it.va = it.stop) {
		if (it.leaf != NULL)
			push_pages(it.leaf);
		else
			push_page(it.out);
	}
	if (as->md.root_pa != 0)
		(void)pt_evict(as, SIZE_MAX);
	mutex_unlock(&as->ws_lock);
}

/* What a leaf's words name goes to swap, as far as it is not in use.  [W]. */
static void
push_pages(struct vm_page *leaf)
{
	unsigned i;

	for (i = 0; i < MD_PT_WORDS && leaf->nres > leaf->tbl.nvalid; i++)
		push_page(&pt_words(leaf)[i]);
}

static void
push_page(const uint64_t *word)
{
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(word)) == PTE_TRANS)
		(void)pageout_page(pte_page(word_get(word)), SWAP_KEEP);
	spin_unlock(&pfn_lock);
}

/*
 * All that may go is trimmed, and written or given away at once: FI_EVICT_ENTRY.
 * VADs only if asked for (FI_TABLE): that takes flushes, and what was used since
 * the last time stays once, else threads would chase each other's away for ever.
 * Who comes while another is at it has nothing to do.
 *
 * Locks:    none of rank >= 6.
 */
void
force_out_kpaged(enum force_what what)
{
	static _Atomic bool busy;       /* [A] */
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	uint64_t *word;

	if (atomic_xchg(&busy, true))
		return;
	if (what == FORCE_VADS_TOO)
		(void)kpaged_trim();
	for (; (word = kpaged_next_word(&kva, top)) != NULL; kva += PAGE_SIZE) {
		(void)kpaged_rest(word);
		if (pte_kind(word_get(word)) == PTE_TRANS)
			push_page(word);
	}
	atomic_store(&busy, false);
}
