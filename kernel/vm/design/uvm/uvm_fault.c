/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_fault.c: one pass of a fault: from the entry to the anon, or to the object
 *
 * Problem   The word of an address says nothing when it is 0: the page may be in
 *           an anon, in memory or on swap, in the object behind the mapping, or
 *           nowhere yet.
 *
 * Picture   entry ─→ slot of the amap ─┬ anon ─┬ out of memory  F5, F6, F11
 *                                      │       ├ read, or alone  map: rescue, upgrade
 *                                      │       └ shared, a write copy: F4
 *                                      └ none ─┬ no object        zeros: F1
 *                                              ├ shared, or read  the object's: F2, F9
 *                                              └ private, a write its copy: F3
 *
 * Rules     1. Read-only if shared: a page whose anon has more than one reference
 *              is never mapped writable.
 *           2. What may fail comes first: table, anon, chunk, pv, frame, charge.
 *           3. The slot and the word change in one hold of [W]; after a wait all is
 *              looked up again.
 *           4. There is no common page of zeros: a read of what was never written
 *              makes an anon, as a write does.
 */
#include "vm/design/uvm/uvm.h"

#define REFUSALS 32    /* passes without a record, until the fault ends */

static enum fault_outcome resolve(struct fctx *f, struct uvm_entry *e);

/* The working set is at its limit: pages of its own go first.  [W]. */
static void
keep_limit(struct aspace *as)
{
	if (as->ws_pages >= atomic_load_relaxed(&as->ws_max))
		EVENT_ADD(ws_self_replace, pmap_evict(as, 1, 0));
}

/*
 * No memory for a table or a record.  If a program could have a frame it is the
 * kernel that may not grow, and that does not end by waiting: the page cannot be had.
 */
static enum fault_outcome
no_memory(struct fctx *f)
{
	if (f->want.frame == NULL && !want_frame(&f->want))
		return fault_missing(f);
	if (f->restarts >= REFUSALS)
		return fault_over_limit(f);
	(void)want_again(&f->want);
	return fault_missing(f);
}

/* [M] held.  What ends the pass, or its page is mapped. */
static enum fault_outcome
pass_entry(struct fctx *f, struct uvm_entry *e)
{
	struct aspace *as = f->as;
	enum fault_outcome r;

	mutex_lock(&as->ws_lock);
	keep_limit(as);
	f->word = pmap_make(f);
	if (inject_hit(FI_RESTART))
		r = FAULT_RESTART;
	else
		r = f->word == NULL ? no_memory(f) : resolve(f, e);
	if (r == FAULT_DONE && f->pin_out != NULL) {
		*f->pin_out = pte_page(word_get(f->word));
		page_pin(*f->pin_out);
	}
	mutex_unlock(&as->ws_lock);
	if (r == FAULT_DONE && f->access == ACCESS_WRITE && f->v.vmo != NULL &&
	    (f->v.flags & VAD_SHARED) != 0)
		vmo_stored(f->v.vmo);
	return r;
}

/*
 * ops->pass.
 *
 * Locks:    [M], kept; takes [W].
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
uvm_pass(struct fctx *f)
{
	struct uvm_entry *e = NULL;
	enum fault_outcome r;

	if (f->va >= MD_USER_END)
		return fault_signal(f, SIGSEGV, SEGV_MAPERR);
	if (!as_is_lost(f->as)) {
		e = splay_find(uvm_space(f->as), f->va >> PAGE_SHIFT);
		if (e == NULL)
			return fault_grow(f);
		fault_set_vad(f, e->vad);
	}
	/* The VAD is paged: it may have been lost just now. */
	if (as_is_lost(f->as))
		return fault_signal(f, SIGKILL, 0);
	r = fault_permit(f);
	return r == FAULT_DONE ? pass_entry(f, e) : r;
}

/* Only a store makes a word writable: so D is never set unseen. */
static uint64_t
rights(const struct fctx *f)
{
	uint64_t bits = fault_rights(f);

	return f->access == ACCESS_WRITE ? bits : bits & ~MD_PTE_W;
}

/* The word maps pg already: it gets the rights of this access. */
static void
give_rights(struct fctx *f, const struct vm_page *pg)
{
	uint64_t before, clear = (f->v.prot & PROT_X) != 0 ? MD_PTE_NX : 0;
	uint64_t set = rights(f) & ~MD_PTE_NX;

	ASSERT(pte_page(word_get(f->word)) == pg);
	before = word_change(f->word, clear, set);
	md_tlb_local(f->va);
	if (((before & ~clear) | set) == before)
		EVENT(fault_spurious, f->va, before);
	else
		EVENT(fault_upgrade, f->va, before, word_get(f->word),
		    page_pfn(pg));
}

/* ---- a page of the object ---- */

static enum fault_outcome
find_in_object(struct fctx *f, struct vm_page **out)
{
	return f->v.vmo->type == VMO_VNODE ? cache_fault(f, out) :
	    anon_fault(f, out);
}

/* Its page, pinned, at f->word. */
static enum fault_outcome
map_of_object(struct fctx *f, struct vm_page *pg)
{
	struct vm_pv *p;
	bool is_there;

	if (word_get(f->word) != 0) {
		if (pte_page(word_get(f->word)) != pg)
			return FAULT_RESTART;
		give_rights(f, pg);
		return FAULT_DONE;
	}
	p = pv_new();
	if (p == NULL)
		return no_memory(f);
	spin_lock(&pfn_lock);
	/* A hole has been made meanwhile: it is the object's page no more. */
	is_there = (pg->flags & PF_ORPHAN) == 0;
	if (is_there)
		pmap_enter_locked(f, pg, SRC_OBJ, rights(f), p);
	spin_unlock(&pfn_lock);
	if (!is_there) {
		pv_free(p);
		return FAULT_RESTART;
	}
	if (f->v.vmo->type == VMO_VNODE)
		EVENT(fault_file, f->va, 0, word_get(f->word), page_pfn(pg));
	else
		EVENT(fault_aobj, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* F2, F9: a shared mapping, or a private one that nobody has written to. */
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
	r = map_of_object(f, pg);
	page_unpin_written(pg, store && r == FAULT_DONE);
	return r;
}

/* ---- an anon is made ---- */

/* What a new anon needs, beside a chunk: [own]. */
struct making {
	struct vm_anon *anon;
	struct vm_page *page;
	struct vm_pv *pv;
};

static void
give_up(struct fctx *f, struct making *m, enum fault_frame kind)
{
	if (m->pv != NULL)
		pv_free(m->pv);
	if (m->page != NULL)
		fault_keep_spare(f, m->page, kind);
	if (m->anon != NULL)
		uvm_anon_free(m->anon);
}

/* All that may fail but the charge.  FAULT_DONE; else nothing is held. */
static enum fault_outcome
make(struct fctx *f, struct uvm_entry *e, struct making *m, enum fault_frame kind)
{
	*m = (struct making){ .page = fault_take_spare(f, kind) };
	if (m->page == NULL)
		return fault_missing(f);
	m->anon = uvm_anon_new();
	m->pv = m->anon == NULL ? NULL : pv_new();
	if (m->pv != NULL && amap_reserve(&e->amap, f->va >> PAGE_SHIFT))
		return FAULT_DONE;
	give_up(f, m, kind);
	return no_memory(f);
}

/* It is the slot's from now on, and mapped; the one before is let go. */
static void
install(struct fctx *f, struct uvm_entry *e, struct making *m)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_anon *old = NULL;

	pmap_remove_word(f);
	if (amap_lookup(&e->amap, vpn) != NULL)
		old = amap_replace(&e->amap, vpn, m->anon);
	else
		amap_add(&e->amap, vpn, m->anon,
		    (f->v.flags & VAD_CHARGED) == 0);
	spin_lock(&pfn_lock);
	uvm_anon_adopt_locked(m->anon, m->page);
	pmap_enter_locked(f, m->page, SRC_FORK, rights(f), m->pv);
	spin_unlock(&pfn_lock);
	if (old != NULL)
		uvm_anon_drop(old);
}

/* Has the mapping promised the page, and may the promise not be kept? */
static bool
is_overdrawn(const struct fctx *f)
{
	return !commit_may_touch() && f->access == ACCESS_WRITE &&
	    (f->v.flags & (VAD_SHARED | VAD_CHARGED)) == VAD_CHARGED;
}

/* F1: zeros.  F3: a copy of the object's page, from, which is pinned. */
static enum fault_outcome
new_page(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct making m;

	if (is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, e, &m, kind);
	if (r != FAULT_DONE)
		return r;
	if (!fault_charge_touch(f)) {
		give_up(f, &m, kind);
		return fault_over_limit(f);
	}
	if (from != NULL)
		page_copy(m.page, from);
	install(f, e, &m);
	if (from == NULL) {
		EVENT(fault_zerofill, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	} else {
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
		EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m.page));
	}
	return FAULT_DONE;
}

/* Anonymous-on-vnode: the first write to a page of a private mapping. */
static enum fault_outcome
promote(struct fctx *f, struct uvm_entry *e)
{
	struct vm_page *from;
	enum fault_outcome r = find_in_object(f, &from);

	if (r != FAULT_DONE)
		return r;
	r = new_page(f, e, from);
	page_unpin(from);
	return r;
}

/* ---- an anon that there is ---- */

/* F4: a write, and others have it, too. */
static enum fault_outcome
copy_anon(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	uint64_t before = word_get(f->word);
	struct making m;
	enum fault_outcome r;

	if (is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, e, &m, FRAME_ANY);
	if (r != FAULT_DONE)
		return r;
	page_copy(m.page, from);
	install(f, e, &m);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word),
	    page_pfn(m.page));
	EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m.page));
	return FAULT_DONE;
}

/* Its page, pinned, at f->word. */
static enum fault_outcome
map_anon(struct fctx *f, struct vm_page *pg)
{
	struct vm_pv *p;

	if (word_get(f->word) != 0) {
		give_rights(f, pg);
		return FAULT_DONE;
	}
	p = pv_new();
	if (p == NULL)
		return no_memory(f);
	spin_lock(&pfn_lock);
	pmap_enter_locked(f, pg, SRC_FORK, rights(f), p);
	spin_unlock(&pfn_lock);
	EVENT(fault_rescue, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* Its page is not in memory.  One read for all that share it. */
static enum fault_outcome
bring_anon(struct fctx *f, struct vm_anon *anon)
{
	const struct swap_words place = uvm_anon_place(anon, f->va >> PAGE_SHIFT);
	enum fault_outcome r = FAULT_RESTART;
	uint64_t word;

	spin_lock(&anon->lock);
	word = word_get(&anon->word);
	if (pte_kind(word) == PTE_SWAP)
		r = fault_swap_in(f, &place);
	else if (pte_kind(word) == PTE_BUSY)
		r = fault_busy(f, word, pte_page(word));
	else if (pte_kind(word) == PTE_ERROR)
		r = fault_lost(f, word);
	spin_unlock(&anon->lock);
	return r;
}

static enum fault_outcome
present_anon(struct fctx *f, struct uvm_entry *e, struct vm_anon *anon)
{
	bool store = f->access == ACCESS_WRITE, copy;
	struct vm_page *pg = uvm_anon_pin(anon);
	enum fault_outcome r;

	if (pg == NULL)
		return bring_anon(f, anon);
	copy = store && uvm_anon_is_shared(anon);
	r = copy ? copy_anon(f, e, pg) : map_anon(f, pg);
	page_unpin_written(pg, store && !copy && r == FAULT_DONE);
	return r;
}

/* [M], [W]; f->word is in use. */
static enum fault_outcome
resolve(struct fctx *f, struct uvm_entry *e)
{
	struct vm_anon *anon;

	if ((f->v.flags & VAD_SHARED) != 0)
		return object_page(f);
	anon = amap_lookup(&e->amap, f->va >> PAGE_SHIFT);
	if (anon != NULL)
		return present_anon(f, e, anon);
	if (f->v.vmo == NULL)
		return new_page(f, e, NULL);
	return f->access == ACCESS_WRITE ? promote(f, e) : object_page(f);
}
