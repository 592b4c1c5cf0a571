/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pmapfault.c: the common part of a fault where page tables are a cache
 *
 * Problem   A design that keeps its pages in records finds the page in its own
 *           way; the table, the rights, the object's page behind a mapping, and
 *           the waits for them, are the same for all.
 *
 * Picture   the driver: VAD, table ─→ school->fault ─→ the design
 *                                                      │
 *          pmap_object_page  a page of the object ←────┤
 *          pmap_map_record   a page of a record   ←────┘
 *
 * Rules     1. Only a store makes a word writable: so each first store is a fault.
 *           2. Steps that may fail come first: table, records, frame, charge.
 */
#include "vm/design/pmap/pmap.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/space/space.h"
#include "vm/table/table.h"

#define REFUSALS 256   /* in a row, until a fault without a record ends */

/* May a charged frame become records?  A quarter of all frames stays for pages.
 * Locks: any. */
bool
pmap_may_feed(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return ps.wired < ps.total / 4 * 3;
}

/* A pass needs records for many pages, and got none for this page: if it came further
 * than the passes before, the refusals are forgotten.
 * Locks: [W]. */
void
pmap_came_to(struct fctx *f, uint64_t vpn)
{
	if (f->refused > 0 && vpn <= f->reached)
		return;
	f->refused = 0;
	f->reached = vpn;
}

/* No record of this kind, and the kernel may not grow for it.  If the mapping was charged
 * for records, or can be now, a frame is given to them.  Else a word is dropped for its
 * record, so that the number of mapped pages stays: words are a cache.
 * Locks: [W].  Returns: what the pass ends with. */
enum fault_outcome
pmap_no_memory(struct fctx *f, struct kmem_cache *of)
{
	bool paid = (f->v.flags & VAD_CHARGED) != 0;

	HELD(&f->as->ws_lock);
	if (f->refused++ >= REFUSALS)
		return fault_over_limit(f);
	if (!want_zeros(&f->want))
		return fault_missing(f);
	if (pmap_may_feed() && (paid || pt_pay_late(f) == 0)) {
		f->as->commit.fed += !paid;
		kmem_cache_feed(of, f->want.frame);
		f->want.frame = NULL;
	} else if (of != &pv_cache || pmap_evict(f->as, 1, 0) == 0) {
		return fault_over_limit(f);
	}
	(void)want_again(&f->want);
	return fault_missing(f);
}

/* Bits of a VALID word: those of fault_rights(), for the VAD and this access, but no W
 * without a store. */
uint64_t
pmap_rights(const struct fctx *f, uint64_t rights)
{
	return f->access == ACCESS_WRITE ? rights : rights & ~MD_PTE_W;
}

/* The word maps pg already: it gets the rights of this access.  [W]. */
static void
give_rights(struct fctx *f, const struct vm_page *pg, uint64_t rights)
{
	uint64_t before, clear = (f->v.prot & PROT_X) != 0 ? MD_PTE_NX : 0;
	uint64_t set = pmap_rights(f, rights) & ~MD_PTE_NX;

	ASSERT(pte_page(word_get(f->word)) == pg);
	before = word_change(f->word, clear, set);
	md_tlb_local(f->va);
	if (((before & ~clear) | set) == before)
		EVENT(fault_spurious, f->va, before);
	else
		EVENT(fault_upgrade, f->va, before, word_get(f->word),
		    page_pfn(pg));
}

/* A pv for the space, if it keeps such.  False: no memory. */
static bool
make_pv(struct fctx *f, struct vm_pv **p)
{
	*p = pv_are_kept(f->as) ? pv_new() : NULL;
	return *p != NULL || !pv_are_kept(f->as);
}

/* ---- a page of the object ---- */

/* The object's page at f's address.
 * Locks: [M], [W].
 * Returns: FAULT_DONE with the page in *out, pinned; or the outcome that waits. */
enum fault_outcome
pmap_find_in_object(struct fctx *f, struct vm_page **out)
{
	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	return f->v.vmo->type == VMO_VNODE ? cache_fault(f, out) :
	    anon_fault(f, out);
}

/* Its page, pinned, at f->word. */
static enum fault_outcome
map_of_object(struct fctx *f, struct vm_page *pg, uint64_t rights)
{
	struct vm_pv *p;
	bool is_there;

	if (word_get(f->word) != 0) {
		if (pte_page(word_get(f->word)) != pg)
			return FAULT_RESTART;
		give_rights(f, pg, rights);
		return FAULT_DONE;
	}
	if (!make_pv(f, &p))
		return pmap_no_memory(f, &pv_cache);
	spin_lock(&pfn_lock);
	/* A hole has been made meanwhile: it is the object's page no more. */
	is_there = (pg->flags & PF_ORPHAN) == 0;
	if (is_there)
		pmap_enter_locked(f, pg, SRC_OBJ, pmap_rights(f, rights),
		    p);
	spin_unlock(&pfn_lock);
	if (!is_there) {
		if (p != NULL)
			pv_free(p);
		return FAULT_RESTART;
	}
	if (f->v.vmo->type == VMO_VNODE)
		EVENT(fault_file, f->va, 0, word_get(f->word), page_pfn(pg));
	else
		EVENT(fault_aobj, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* F2, F9: a shared mapping, or a page of a private one that was not written to; rights as
 * for pmap_rights().
 * Locks: [M], [W].
 * Returns: FAULT_DONE; what the driver has to do before another pass. */
enum fault_outcome
pmap_object_page(struct fctx *f, uint64_t rights)
{
	bool store = f->access == ACCESS_WRITE;
	struct vm_page *pg;
	enum fault_outcome r = pmap_find_in_object(f, &pg);

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (r != FAULT_DONE)
		return r;
	if (store && f->v.vmo->type == VMO_VNODE && !cache_fault_may_dirty(f, pg))
		return FAULT_NEEDMEM;
	r = map_of_object(f, pg, rights);
	page_unpin_written(pg, store && r == FAULT_DONE);
	return r;
}

/* F1z: a read of a page without a store; nothing is allocated.
 * Locks: [M], [W].  Returns: FAULT_DONE. */
enum fault_outcome
pmap_zero_page(struct fctx *f, uint64_t rights)
{
	uint64_t bits = rights & ~(MD_PTE_W | MD_PTE_D | PTE_LOCK);
	uint64_t before = word_get(f->word);

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	ASSERT(f->access != ACCESS_WRITE);
	if (before == 0) {
		(void)word_set(f->leaf, f->word,
		    pte_make_valid(page_zero_frame(), SRC_SPEC, bits));
		EVENT(fault_zeropage, f->va, 0, word_get(f->word),
		    page_pfn(page_zero_frame()));
	} else {
		EVENT(fault_spurious, f->va, before);
	}
	md_tlb_local(f->va);
	return FAULT_DONE;
}

/* ---- a page of a record ---- */

/* The record's page, pinned, at f->word: mapped, or it gets the rights of this access.
 * Locks: [M], [W]; takes [P].  Returns: false: there was no pv. */
bool
pmap_map_record(struct fctx *f, struct vm_page *pg, uint64_t rights)
{
	struct vm_pv *p;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (word_get(f->word) != 0) {
		give_rights(f, pg, rights);
		return true;
	}
	if (!make_pv(f, &p))
		return false;
	spin_lock(&pfn_lock);
	pmap_enter_locked(f, pg, SRC_FORK, pmap_rights(f, rights), p);
	spin_unlock(&pfn_lock);
	EVENT(fault_rescue, f->va, 0, word_get(f->word), page_pfn(pg));
	return true;
}

/* Was the page that is about to be made charged with its mapping, though there may be no
 * room for it?
 * Locks: [W]. */
bool
pmap_is_overdrawn(const struct fctx *f)
{
	return !commit_may_touch() && f->access == ACCESS_WRITE &&
	    (f->v.flags & (VAD_SHARED | VAD_CHARGED)) == VAD_CHARGED;
}
