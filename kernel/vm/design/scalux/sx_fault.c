/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_fault.c: one pass of a fault: from the object to the anon
 *
 * Problem   A read may use what others use, too; a store must first have an amap
 *           of its own (W1), and then an anon of its own (W2).
 *
 * Picture   store ─→ W1: is the amap shared?  copy its entries (unshare.c)
 *           entry ─┬ of swap ─┬ out of memory       its pager: F5, F6, F11
 *                  │          ├ read, or alone      map: rescue, upgrade
 *                  │          └ named twice, store  W2, copy: F4
 *                  └ none, or of the object ─┬ no object ─┬ read   zeros, common: F1z
 *                                            │            └ store  zeros: F1
 *                                            ├ read     the object's page: F2, F9
 *                                            └ store    its copy: F3
 *
 * Rules     1. Read-only if shared: a page that is reached by an amap of several
 *              processes, or whose anon has several entries, is never writable.
 *           2. A read raises no reference: what it raises is nmapped.  (The seed has
 *              it count in refs; the count would never come back to 1.)
 *           3. In the hold of [W] of a store, after W1, the amap is the process's
 *              alone, and no entry of it goes.  What others share may lose entries
 *              by a truncate: it is looked at with [sx] held.
 */
#include "vm/design/scalux/scalux.h"

/*
 * The word of va maps a page no more: rmap->left.
 *
 * Locks:    [W]; takes [sx].
 */
void
sx_left(struct aspace *as, va_t va, uint64_t old)
{
	struct sx_object *o = sx_object_at(as, va >> PAGE_SHIFT);
	struct sx_entry *e;

	HELD(&as->ws_lock);
	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, va >> PAGE_SHIFT);
	if (e != NULL)
		sx_unmap_locked(e, o->share);
	spin_unlock(&sx_lock);
}

/* ---- what a new page needs ---- */

/* [own] */
struct making {
	struct sx_anon *anon;
	struct sx_entry *entry;  /* NULL: the page has one */
	struct vm_page *page;    /* NULL: the object's */
};

static void
give_up(struct fctx *f, struct making *m, enum fault_frame kind)
{
	if (m->page != NULL)
		fault_keep_spare(f, m->page, kind);
	if (m->anon != NULL)
		sx_anon_free(m->anon);
	if (m->entry != NULL)
		sx_entry_free(m->entry);
}

static bool
has_entry(struct fctx *f, struct sx_object *o)
{
	bool has;

	spin_lock(&sx_lock);
	has = sx_find_locked(o->amap, f->va >> PAGE_SHIFT) != NULL;
	spin_unlock(&sx_lock);
	return has;
}

/* An anon, and an entry if there is none.  False: no memory; nothing is held. */
static bool
make_records(struct fctx *f, struct sx_object *o, struct making *m,
    enum sx_pager pager)
{
	bool has = has_entry(f, o);

	m->anon = sx_anon_new(pager);
	m->entry = has || m->anon == NULL ? NULL : sx_entry_new();
	return m->anon != NULL && (has || m->entry != NULL);
}

/* All that may fail but the charge.  FAULT_DONE; else nothing is held. */
static enum fault_outcome
make(struct fctx *f, struct sx_object *o, struct making *m, enum fault_frame kind)
{
	struct kmem_cache *lacks;

	*m = (struct making){ .page = fault_take_spare(f, kind) };
	if (m->page == NULL)
		return fault_missing(f);
	if (make_records(f, o, m, SX_SWAP))
		return FAULT_DONE;
	lacks = m->anon == NULL ? &sx_anons : &sx_entries;
	give_up(f, m, kind);
	return pmap_no_memory(f, lacks);
}

/* It is the entry's from now on, and mapped; the one before is let go. */
static void
install(struct fctx *f, struct sx_object *o, struct making *m, bool late)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct sx_anon *dead = NULL;
	struct sx_entry *e;

	pmap_remove_word(f);
	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, vpn);
	ASSERT((e == NULL) == (m->entry != NULL));
	if (e != NULL) {
		dead = sx_replace_locked(e, m->anon, late);
	} else {
		e = m->entry;
		sx_add_locked(o->amap, e, vpn, m->anon, late);
	}
	spin_lock(&pfn_lock);
	pmap_rec_adopt_locked(&m->anon->word, HOME_SXANON, m->page);
	pmap_enter_locked(f, m->page, SRC_FORK, pmap_rights(f, fault_rights(f)),
	    NULL);
	spin_unlock(&pfn_lock);
	sx_map_locked(e, o->share, m->page);
	spin_unlock(&sx_lock);
	if (dead != NULL)
		sx_anon_free(dead);
}

/* ---- the cases: [M], [W] ---- */

/* F1: zeros.  F3: a copy of the object's page, from, which is pinned. */
static enum fault_outcome
new_page(struct fctx *f, struct sx_object *o, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct making m;

	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, o, &m, kind);
	if (r != FAULT_DONE)
		return r;
	if (!fault_charge_touch(f)) {
		give_up(f, &m, kind);
		return fault_over_limit(f);
	}
	if (from != NULL)
		page_copy(m.page, from);
	install(f, o, &m, (f->v.flags & VAD_CHARGED) == 0);
	if (from == NULL) {
		EVENT(fault_zerofill, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	} else {
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
		EVENT(scalux_promote, f->va, page_pfn(from), page_pfn(m.page));
	}
	return FAULT_DONE;
}

/* The first store to a page of a private mapping of an object. */
static enum fault_outcome
promote(struct fctx *f, struct sx_object *o)
{
	struct vm_page *from;
	enum fault_outcome r = pmap_find_in_object(f, &from);

	if (r != FAULT_DONE)
		return r;
	r = new_page(f, o, from);
	page_unpin(from);
	return r;
}

/* W2, F4: a store, and another entry names the anon, too. */
static enum fault_outcome
copy_anon(struct fctx *f, struct sx_object *o, const struct vm_page *from)
{
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct making m;

	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, o, &m, FRAME_ANY);
	if (r != FAULT_DONE)
		return r;
	page_copy(m.page, from);
	install(f, o, &m, SX_PAID_AHEAD);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word),
	    page_pfn(m.page));
	EVENT(scalux_copy, f->va, page_pfn(from), page_pfn(m.page));
	return FAULT_DONE;
}

/* F1z: nothing is allocated, also if the amap is shared. */
static enum fault_outcome
zero_page(struct fctx *f)
{
	uint64_t before = word_get(f->word);

	if (before == 0)
		pmap_enter_zero(f, fault_rights(f));
	if (before == 0)
		EVENT(fault_zeropage, f->va, 0, word_get(f->word),
		    page_pfn(page_zero_frame()));
	else
		EVENT(fault_spurious, f->va, before);
	md_tlb_local(f->va);
	return FAULT_DONE;
}

/* The object's page is mapped: its anon says so.  False: they do not fit just now. */
static bool
note_mapped(struct fctx *f, struct sx_object *o, struct making *m)
{
	struct vm_page *pg = pte_page(word_get(f->word));
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct sx_entry *e;
	bool fits;

	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, vpn);
	if (e == NULL && m->entry != NULL) {
		e = m->entry;
		sx_add_locked(o->amap, e, vpn, m->anon, SX_PAID_AHEAD);
		*m = (struct making){ .anon = NULL };
	}
	/* Others may have the page that was here before a hole was made. */
	fits = e != NULL && e->anon->pager == SX_OBJECT &&
	    (e->anon->page == NULL || e->anon->page == pg);
	if (fits)
		sx_map_locked(e, o->share, pg);
	spin_unlock(&sx_lock);
	return fits;
}

/* F2, F9: what nobody has stored to, by an anon that its file is the pager of. */
static enum fault_outcome
read_object(struct fctx *f, struct sx_object *o)
{
	struct making m = { .anon = NULL };
	struct kmem_cache *lacks;
	enum fault_outcome r;

	if (!has_entry(f, o)) {
		if (!make_records(f, o, &m, SX_OBJECT)) {
			lacks = m.anon == NULL ? &sx_anons : &sx_entries;
			give_up(f, &m, FRAME_ANY);
			return pmap_no_memory(f, lacks);
		}
		m.anon->w[0] = (uint64_t)f->v.vmo;
		m.anon->w[1] = fault_index(f);
	}
	r = pmap_object_page(f, fault_rights(f));
	if (r == FAULT_DONE && !note_mapped(f, o, &m)) {
		pmap_remove_word(f);
		(void)want_again(&f->want);
		r = FAULT_RESTART;
	}
	give_up(f, &m, FRAME_ANY);
	return r;
}

/* The entry's anon is of swap.  [sx], released. */
static enum fault_outcome
present(struct fctx *f, struct sx_object *o, struct sx_entry *e)
{
	struct sx_anon *anon = e->anon;
	const struct swap_words place = sx_place(anon, e->vpn);
	struct vm_page *pg = pmap_rec_pin(&anon->word);
	bool store = f->access == ACCESS_WRITE, copy = store && anon->refs > 1;
	enum fault_outcome r;

	if (pg == NULL)
		r = pmap_rec_bring(f, &place);
	else if (!copy)
		r = pmap_map_record(f, pg, fault_rights(f));
	else
		r = FAULT_RESTART;
	if (r == FAULT_DONE)
		sx_map_locked(e, o->share, pg);
	spin_unlock(&sx_lock);
	if (pg == NULL)
		return r;
	if (copy)
		r = copy_anon(f, o, pg);
	page_unpin_written(pg, store && !copy && r == FAULT_DONE);
	return r;
}

/*
 * The page of a fault in an object.
 *
 * Locks:    [M], [W]; f->word is in use.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
sx_fault(struct fctx *f, void *object)
{
	bool store = f->access == ACCESS_WRITE;
	struct sx_object *o = object;
	struct sx_entry *e;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if ((f->v.flags & VAD_SHARED) != 0)
		return pmap_object_page(f, fault_rights(f));
	if (store && !sx_unshare(o)) {
		pmap_came_to(f, o->copied);
		return pmap_no_memory(f, sx_lacks(o));
	}
	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, f->va >> PAGE_SHIFT);
	if (e != NULL && e->anon->pager == SX_SWAP)
		return present(f, o, e);
	spin_unlock(&sx_lock);
	if (f->v.vmo != NULL)
		return store ? promote(f, o) : read_object(f, o);
	return store ? new_page(f, o, NULL) : zero_page(f);
}
