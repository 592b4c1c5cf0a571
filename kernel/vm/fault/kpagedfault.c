/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpagedfault.c: the kernel touches its own paged memory, and the page is on swap
 *
 * Problem   VADs are read and written like any other memory, in dozens of
 *           places; yet the page may be on swap.  So the processor's page fault
 *           brings it, and the instruction is repeated.  That takes time and a
 *           frame, so it may happen only where the kernel may wait for both.
 *
 * Picture   v->end ── #PF ─→ no lock of rank >= 3, no spin lock? ── no ─→ panic
 *                                 │ yes
 *                                 v
 *           pins of the fault under way dropped ─→ kpaged_pin ─→ VALID, A set
 *           (unless it has a token)                 zero, read, rescued
 *
 * Rules     1. Legal with nothing or ranks 1 and 2 held (R1).  Under [X], [W] and
 *              all spin locks a copy is used: fctx.v of a fault, fork_work's of
 *              a fork, variables of the function elsewhere.
 *           2. Rule c of token.c: a fault without a token gives up its pins
 *              and spare frames before the one frame is waited for here.
 *           3. No loop: to bring a page of the region nothing of the region is
 *              needed, only kernel tables, descriptors and slots (D5).
 *           4. The page is not pinned when this returns.  A is set, as the access
 *              will set it, so that the page is not the first to be trimmed.
 *
 * What of the kernel can be paged, what cannot, and why: book/reference/kpaged.md.
 */
#include "vm/fault/fault.h"
#include "vm/map/map.h"

/* Rule 1: with locks=1 checked by rank, else by the locks that are known anyway. */
static void
demand_legal(va_t kva)
{
	const struct fctx *f = thread_current()->vmfault;
	unsigned rank = lockrank_highest();

	if (mutex_is_mine(&kernel_as.ws_lock))
		rank = MAX(rank, LR_KWS);
	else if (f != NULL && mutex_is_mine(&f->as->ws_lock))
		rank = MAX(rank, LR_WS);
	if (md_in_irq() || !md_irq_is_enabled() || md_preempt_count() != 0 ||
	    rank >= LR_KMAP)
		panic("kpaged: %lx is touched, not pinned, under a lock of rank "
		    "%u (%s)", kva, rank, lockrank_name(rank));
}

/* The fault around this one gives up its pins and frames before the wait (rule 2). */
static struct fctx *
let_outer_go(void)
{
	struct fctx *f = thread_current()->vmfault;

	if (f != NULL && !f->token && !token_held()) {
		fault_give_back(f);
		f->let_go = true;
	}
	return f;
}

/* A page that is not a container has been brought: could it be read?
 * Locks: none of rank >= 8; the page is pinned. */
void
kpaged_fault_lost(va_t kva, struct vm_page *pg)
{
	if (!page_hides_loss(pg) || !vadpool_lost(kva))
		return;
	spin_lock(&pfn_lock);
	pg->flags &= (uint8_t)~PF_ERROR;
	spin_unlock(&pfn_lock);
}

/* A plain access to the region has found no VALID word.
 * Locks: none of rank >= 3: else the kernel is wrong, and ends here.
 * Returns: 0: touch it again; -EFAULT: nobody has taken the address. */
int
kpaged_fault(va_t kva)
{
	struct vm_page *pg;
	struct fctx *outer;
	enum pte_kind was;

	demand_legal(kva);
	if (!kpaged_va_is_used(kva))
		return -EFAULT;
	EVENT(kpaged_fault);
	outer = let_outer_go();
	was = pte_kind(word_get(md_kpte(kva)));
	/* It must finish even in a dying thread. */
	vm_finish_begin();
	CHECK(kpaged_pin(kva, &pg) == 0);
	vm_finish_end();
	if (was == PTE_SWAP || was == PTE_BUSY) {
		EVENT(kpaged_fault_major);
		if (outer != NULL)
			outer->major = true;
	}
	mutex_lock(&kernel_as.ws_lock);
	(void)kpaged_hold_mapped(kva);
	mutex_unlock(&kernel_as.ws_lock);
	kpaged_fault_lost(kva, pg);
	kpaged_unpin(pg);
	return 0;
}
