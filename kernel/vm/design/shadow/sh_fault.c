/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_fault.c: one pass of a fault: from the entry along the chain
 *
 * Problem   A page may be in the top, in an object behind it, in memory or on swap, in the
 *           file behind the chain, or nowhere.
 *
 * Picture   top ─→ parent ─→ … ─┬ found ─┬ out of memory         F5, F6, F11
 *                               │        ├ read, or in the top   map: rescue, upgrade
 *                               │        ├ seen by this top only it comes to the top
 *                               │        └ store                 copy into the top: F4
 *                               └ end ─┬ no file ─┬ read   zeros, common: F1z
 *                                      │          └ store  initpage in the top: F1
 *                                      ├ read     the file's page: F2, F9
 *                                      └ store    its copy: F3
 *
 * Rules     1. Only pages of a top are writable.
 *           2. The page that a top sees does not change while [W] of its space is held,
 *              but a collapse may bring it to the top.
 *           3. Every page of a file is resident in the sense of the seed: initpage is for
 *              pages that no pager has.
 */
#include "vm/design/shadow/shadow.h"

/* What a new page of the top needs: [own]. */
struct sh_making {
	struct sh_page *record;
	struct vm_page *frame;
};

static void
give_up(struct fctx *f, struct sh_making *m, enum fault_frame kind)
{
	if (m->frame != NULL)
		fault_keep_spare(f, m->frame, kind);
	if (m->record != NULL)
		sh_page_free(m->record);
}

/* All that may fail but the charge.  FAULT_DONE; else nothing is held. */
static enum fault_outcome
make(struct fctx *f, struct sh_making *m, enum fault_frame kind)
{
	*m = (struct sh_making){ .frame = fault_take_spare(f, kind) };
	if (m->frame == NULL)
		return fault_missing(f);
	m->record = sh_page_new();
	if (m->record != NULL)
		return FAULT_DONE;
	give_up(f, m, kind);
	return pmap_no_memory(f, &sh_pages);
}

/* The record for the new page: a hole that is there, or that which was made.  NULL: the
 * page has come to the top.  [sh]. */
static struct sh_page *
place(struct sh_object *top, struct sh_making *m, const struct sh_seen *s)
{
	struct sh_page *page = m->record;

	if (s->depth == 0 && s->page != NULL)
		return s->page->word == 0 ? s->page : NULL;
	m->record = NULL;
	sh_add_locked(top, page, s->vpn);
	return page;
}

/*
 * The frame is the top's page from now on, and mapped; when: of one that was nowhere.
 * False: it is in the top already, all the same again.
 */
static bool
install(struct fctx *f, struct sh_entry *e, struct sh_making *m, enum charged when)
{
	struct sh_page *page;
	struct sh_seen s;

	pmap_remove_word(f);
	spin_lock(&sh_lock);
	if (sh_look_locked(e->top, f->va >> PAGE_SHIFT, &s))
		when = s.page->late ? CHARGED_LATE : CHARGED_AHEAD;
	page = place(e->top, m, &s);
	if (page != NULL) {
		sh_set_late_locked(e->top, page, when);
		EVENT_ADD(shadow_pages, 1);
		spin_lock(&pfn_lock);
		pmap_rec_adopt_locked(&page->word, HOME_SHADOW, m->frame);
		pmap_enter_locked(f, m->frame, SRC_FORK,
		    pmap_rights(f, fault_rights(f)), NULL);
		spin_unlock(&pfn_lock);
		if (s.page != NULL)
			sh_hide_locked(&s);
	}
	spin_unlock(&sh_lock);
	if (m->record != NULL)
		sh_page_free(m->record);
	return page != NULL;
}

/* ---- the cases: [M], [W] ---- */

/* F1: zeros.  F3: a copy of the file's page, from, which is pinned. */
static enum fault_outcome
new_page(struct fctx *f, struct sh_entry *e, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct sh_making m;

	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, &m, kind);
	if (r != FAULT_DONE)
		return r;
	if (!fault_charge_touch(f)) {
		give_up(f, &m, kind);
		return fault_over_limit(f);
	}
	if (from != NULL)
		page_copy(m.frame, from);
	/* A page that no object had cannot have come by a collapse. */
	CHECK(install(f, e, &m, (f->v.flags & VAD_CHARGED) != 0 ? CHARGED_AHEAD :
	    CHARGED_LATE));
	if (from == NULL) {
		EVENT(shadow_initpage);
		EVENT(fault_zerofill, f->va, before, word_get(f->word),
		    page_pfn(m.frame));
	} else {
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.frame));
	}
	return FAULT_DONE;
}

/* The first store to a page of a private mapping of a file. */
static enum fault_outcome
promote(struct fctx *f, struct sh_entry *e)
{
	struct vm_page *from;
	enum fault_outcome r = pmap_find_in_object(f, &from);

	if (r != FAULT_DONE)
		return r;
	r = new_page(f, e, from);
	page_unpin(from);
	return r;
}

/* F4: a store to a page of a parent, from, which is pinned. */
static enum fault_outcome
copy_up(struct fctx *f, struct sh_entry *e, const struct vm_page *from)
{
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct sh_making m;

	if (pmap_is_overdrawn(f))
		return fault_over_limit(f);
	r = make(f, &m, FRAME_ANY);
	if (r != FAULT_DONE)
		return r;
	page_copy(m.frame, from);
	if (!install(f, e, &m, CHARGED_AHEAD)) {
		fault_keep_spare(f, m.frame, FRAME_ANY);
		(void)want_again(&f->want);
		return FAULT_RESTART;
	}
	EVENT(fault_fork_copy, f->va, before, word_get(f->word),
	    page_pfn(m.frame));
	EVENT(shadow_copy, f->va, page_pfn(from), page_pfn(m.frame));
	spin_lock(&sh_lock);
	sh_bypass_locked(e->top);
	spin_unlock(&sh_lock);
	return FAULT_DONE;
}

/*
 * The page of a chain, in memory: the seed's vm_object_get_page_resident().  If it is on
 * swap the first caller begins to read it.
 *
 * Locks:    [sh].
 * Returns:  FAULT_DONE, *out is pinned; what the pass waits for.
 */
static enum fault_outcome
get_resident(struct fctx *f, struct sh_seen *s, struct vm_page **out)
{
	const struct swap_words at = sh_place(s->page, s->vpn);

	HELD(&sh_lock);
	*out = pmap_rec_pin(&s->page->word);
	return *out == NULL ? pmap_rec_bring(f, &at) : FAULT_DONE;
}

/* The top sees it.  [sh], released. */
static enum fault_outcome
present(struct fctx *f, struct sh_entry *e, struct sh_seen *s)
{
	bool store = f->access == ACCESS_WRITE;
	struct vm_page *pg = NULL;
	enum fault_outcome r;

	if (store && sh_is_alone_locked(s))
		sh_raise_locked(e->top, s);
	r = get_resident(f, s, &pg);
	spin_unlock(&sh_lock);
	if (r != FAULT_DONE)
		return r;
	store = store && s->depth == 0;
	if (f->access == ACCESS_WRITE && !store)
		r = copy_up(f, e, pg);
	else if (!pmap_map_record(f, pg, fault_rights(f)))
		r = pmap_no_memory(f, &pv_cache);
	page_unpin_written(pg, store && r == FAULT_DONE);
	return r;
}

/*
 * The page of a fault in an entry.
 *
 * Locks:    [M], [W]; f->word is in use.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
static enum fault_outcome
pass(struct fctx *f, void *entry)
{
	bool store = f->access == ACCESS_WRITE, found;
	struct sh_entry *e = entry;
	struct sh_seen s;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	spin_lock(&sh_lock);
	found = sh_look_locked(e->top, f->va >> PAGE_SHIFT, &s);
	sh_note_depth_locked(s.depth);
	if (found)
		return present(f, e, &s);
	spin_unlock(&sh_lock);
	if (f->v.vmo != NULL)
		return store ? promote(f, e) :
		    pmap_object_page(f, fault_rights(f));
	return store ? new_page(f, e, NULL) :
	    pmap_zero_page(f, fault_rights(f));
}

const struct anons_fault_ops sh_fault_ops = { .pass = pass };
