/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recs_fault.c: the page of a fault, by a design that looks up by itself
 *
 * Problem   The driver has found mapping and table.  What the page is
 *           stands in a record, not in the word, which may be 0 for a page
 *           that is there.
 *
 * Picture   region, slot ─┬ shared, or nothing private and a read ─→ object
 *                         ├ nothing private ─→ a new record, zeros or a copy
 *                         └ record ─┬ in memory, alone or a read ─→ map
 *                                   ├ in memory, shared, a write ─→ copy
 *                                   └ on swap, being read, lost  ─→ as all do
 *
 * Rules     1. A page that several slots refer to is mapped read-only.
 *           2. What may fail comes first: record, frame, charge.
 */
#include "test/host/recs.h"

static enum fault_outcome resolve(struct fctx *f, struct region *r);

/*
 * school->lookup.
 *
 * Locks:    [M].
 */
struct vad *
recs_lookup(struct aspace *as, uint64_t vpn)
{
	struct region *r = region_at(as, vpn);

	return r == NULL ? NULL : r->vad;
}

/*
 * school->fault.
 *
 * Locks:    [M], [W].
 */
enum fault_outcome
recs_fault(struct fctx *f)
{
	enum fault_outcome r = fault_permit(f);

	return r == FAULT_DONE ? resolve(f, f->v.dpriv) : r;
}

/* Only a store makes a word writable: so D is never set unseen. */
static uint64_t
rights(const struct fctx *f)
{
	uint64_t bits = fault_rights(f) & ~PTE_LOCK;

	return f->access == ACCESS_WRITE ? bits : bits & ~MD_PTE_W;
}

/* ---- a page of the object ---- */

static enum fault_outcome
find_in_object(struct fctx *f, struct vm_page **out)
{
	return f->v.vmo->type == VMO_VNODE ? cache_fault(f, out) :
	    anon_fault(f, out);
}

/* Its page, pinned, at f->word.  False: it is the object's no more. */
static bool
map_pinned(struct fctx *f, struct vm_page *pg)
{
	uint64_t old = word_get(f->word);
	bool is_there;

	if (old != 0 && pte_page(old) == pg) {
		(void)word_change(f->word, 0, rights(f));
		md_tlb_local(f->va);
		return true;
	}
	map_clear(f->as, f->va);
	spin_lock(&pfn_lock);
	is_there = (pg->flags & PF_ORPHAN) == 0;
	if (is_there)
		map_enter(f, pg, SRC_OBJ, rights(f));
	spin_unlock(&pfn_lock);
	if (is_there)
		map_entered(f);
	return is_there;
}

static enum fault_outcome
object_page(struct fctx *f)
{
	bool store = f->access == ACCESS_WRITE;
	struct vm_page *pg;
	enum fault_outcome r = find_in_object(f, &pg);

	if (r != FAULT_DONE)
		return r;
	if (store && f->v.vmo->type == VMO_VNODE && !cache_fault_may_dirty(f, pg))
		return FAULT_NEEDMEM;
	r = map_pinned(f, pg) ? FAULT_DONE : FAULT_RESTART;
	page_unpin_written(pg, store && r == FAULT_DONE);
	if (r != FAULT_DONE)
		return r;
	EVENT(fault_file, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* ---- new records ---- */

/* The frame becomes the page of a new record, which is the slot's from now on. */
static void
install(struct fctx *f, struct rec_slot *s, struct rec *rec, struct vm_page *pg)
{
	map_clear(f->as, f->va);
	if (s->rec == NULL)
		s->late = (f->v.flags & VAD_CHARGED) == 0;
	slot_clear(s);
	slot_set(s, rec);
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_TEST, word_pa(&rec->word), f->va >> PAGE_SHIFT);
	word_set_locked(NULL, &rec->word, pte_make_trans(pg));
	map_enter(f, pg, SRC_FORK, rights(f));
	spin_unlock(&pfn_lock);
	map_entered(f);
}

/* Record and frame.  False: f->want. */
static bool
take(struct fctx *f, struct rec **rec, struct vm_page **pg,
    enum fault_frame kind)
{
	*rec = rec_new();
	if (*rec == NULL) {
		(void)want_again(&f->want);
		return false;
	}
	*pg = fault_take_spare(f, kind);
	if (*pg == NULL)
		rec_free(*rec);
	return *pg != NULL;
}

/* Nothing private is here yet, and there is no object, or it is written to. */
static enum fault_outcome
new_page(struct fctx *f, struct rec_slot *s)
{
	struct vm_page *from = NULL, *pg;
	enum fault_outcome r = FAULT_DONE;
	struct rec *rec;

	if (f->v.vmo != NULL)
		r = find_in_object(f, &from);
	if (r != FAULT_DONE)
		return r;
	if (!take(f, &rec, &pg, from == NULL ? FRAME_ZEROED : FRAME_ANY)) {
		r = fault_missing(f);
	} else if (!fault_charge_touch(f)) {
		fault_keep_spare(f, pg, FRAME_ANY);
		rec_free(rec);
		r = fault_over_limit(f);
	} else {
		if (from != NULL)
			page_copy(pg, from);
		install(f, s, rec, pg);
		if (from == NULL)
			EVENT(fault_zerofill, f->va, 0, word_get(f->word),
			    page_pfn(pg));
		else
			EVENT(fault_private_copy, f->va, 0,
			    word_get(f->word), page_pfn(pg));
	}
	if (from != NULL)
		page_unpin(from);
	return r;
}

/* ---- a record ---- */

/* Its page, pinned.  NULL: stolen this moment. */
static struct vm_page *
pin_page(const struct rec *rec)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_get(&rec->word)) == PTE_TRANS) {
		pg = pte_page(word_get(&rec->word));
		ws_rescue(pg);
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

static enum fault_outcome
copy_page(struct fctx *f, struct rec_slot *s)
{
	struct vm_page *from = pin_page(s->rec), *pg;
	enum fault_outcome r;
	struct rec *rec;

	if (from == NULL)
		return FAULT_RESTART;
	if (take(f, &rec, &pg, FRAME_ANY)) {
		page_copy(pg, from);
		install(f, s, rec, pg);
		EVENT(fault_fork_copy, f->va, 0, word_get(f->word), page_pfn(pg));
		r = FAULT_DONE;
	} else {
		r = fault_missing(f);
	}
	page_unpin(from);
	return r;
}

static enum fault_outcome
map_page(struct fctx *f, const struct rec *rec)
{
	struct vm_page *pg = pin_page(rec);
	uint64_t old = word_get(f->word);

	if (pg == NULL)
		return FAULT_RESTART;
	if (old != 0) {
		ASSERT(pte_page(old) == pg);
		(void)word_change(f->word, (f->v.prot & PROT_X) != 0 ?
		    MD_PTE_NX : 0, rights(f) & ~MD_PTE_NX);
		md_tlb_local(f->va);
		page_unpin_written(pg, f->access == ACCESS_WRITE);
		EVENT(fault_upgrade, f->va, old, word_get(f->word), page_pfn(pg));
		return FAULT_DONE;
	}
	spin_lock(&pfn_lock);
	map_enter(f, pg, SRC_FORK, rights(f));
	CHECK(!page_unpin_locked(pg));
	spin_unlock(&pfn_lock);
	map_entered(f);
	EVENT(fault_rescue, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* What is not in memory: as every design has it. */
static enum fault_outcome
absent_page(struct fctx *f, struct rec *rec)
{
	const struct swap_words w = { .word = &rec->word, .step = 1, .max = 1,
		.home = HOME_TEST, .index = f->va >> PAGE_SHIFT };
	uint64_t word = word_get(&rec->word);
	enum fault_outcome r = FAULT_RESTART;

	spin_lock(&recs_lock);
	if (pte_kind(word) == PTE_SWAP)
		r = fault_swap_in(f, &w);
	else if (pte_kind(word) == PTE_BUSY)
		r = fault_busy(f, word, pte_page(word));
	else if (pte_kind(word) == PTE_ERROR)
		r = fault_lost(f, word);
	spin_unlock(&recs_lock);
	return r;
}

static enum fault_outcome
resolve(struct fctx *f, struct region *r)
{
	struct rec_slot *s = slot_of(r, f->va >> PAGE_SHIFT);
	bool write = f->access == ACCESS_WRITE;
	struct rec *rec = s->rec;

	if ((f->v.flags & VAD_SHARED) != 0 ||
	    (rec == NULL && f->v.vmo != NULL && !write))
		return object_page(f);
	if (rec == NULL)
		return new_page(f, s);
	if (pte_kind(word_get(&rec->word)) != PTE_TRANS)
		return absent_page(f, rec);
	return write && rec->refs > 1 ? copy_page(f, s) : map_page(f, rec);
}
