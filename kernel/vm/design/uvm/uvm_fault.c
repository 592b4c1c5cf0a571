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

static pmap_resolve_fn resolve;

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
	return r == FAULT_DONE ? pmap_pass(f, resolve, e) : r;
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
	return pmap_no_memory(f);
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
	pmap_enter_locked(f, m->page, SRC_FORK, pmap_rights(f, fault_rights(f)),
	    m->pv);
	spin_unlock(&pfn_lock);
	if (old != NULL)
		uvm_anon_drop(old);
}

/* F1: zeros.  F3: a copy of the object's page, from, which is pinned. */
static enum fault_outcome
new_page(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct making m;

	if (pmap_is_overdrawn(f))
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
	enum fault_outcome r = pmap_find_in_object(f, &from);

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

	if (pmap_is_overdrawn(f))
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

/* Its page is not in memory.  One read for all that share it. */
static enum fault_outcome
bring_anon(struct fctx *f, struct vm_anon *anon)
{
	const struct swap_words place = uvm_anon_place(anon, f->va >> PAGE_SHIFT);
	enum fault_outcome r;

	spin_lock(&anon->lock);
	r = pmap_rec_bring(f, &place);
	spin_unlock(&anon->lock);
	return r;
}

static enum fault_outcome
present_anon(struct fctx *f, struct uvm_entry *e, struct vm_anon *anon)
{
	bool store = f->access == ACCESS_WRITE, copy;
	struct vm_page *pg = pmap_rec_pin(&anon->word);
	enum fault_outcome r;

	if (pg == NULL)
		return bring_anon(f, anon);
	copy = store && uvm_anon_is_shared(anon);
	r = copy ? copy_anon(f, e, pg) : pmap_map_record(f, pg, fault_rights(f));
	page_unpin_written(pg, store && !copy && r == FAULT_DONE);
	return r;
}

/* [M], [W]; f->word is in use. */
static enum fault_outcome
resolve(struct fctx *f, void *entry)
{
	struct uvm_entry *e = entry;
	struct vm_anon *anon;

	if ((f->v.flags & VAD_SHARED) != 0)
		return pmap_object_page(f, fault_rights(f));
	anon = amap_lookup(&e->amap, f->va >> PAGE_SHIFT);
	if (anon != NULL)
		return present_anon(f, e, anon);
	if (f->v.vmo == NULL)
		return new_page(f, e, NULL);
	return f->access == ACCESS_WRITE ? promote(f, e) :
	    pmap_object_page(f, fault_rights(f));
}
