/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amap.c: which anon is at which page, and what a fault and a fork do with it
 *
 * Problem   Each page of anonymous memory has a record with a count, the anon.  A
 *           map of anons says who has which; whoever copies the map, early or
 *           late, must count each anon that it names.
 *
 * Picture   amap ─ chunks ─→ { no 512 }   { no 513 }          { no 900 }
 *                              anon[32]     anon[32]            anon[32]
 *                              │ │          │
 *                              ▼ ▼          ▼
 *                              anons of pages 16384, 16385, …   vpn = no * 32 + i
 *
 *           early   fork: new amap, same anons, refs 2       a write copies a page
 *           late    fork: same amap, refs 2                  the first write copies
 *                   the amap, then its page
 *
 * Rules     1. A chunk without an anon goes.
 *           2. Read-only if shared: a page whose anon has more than one reference,
 *              or whose amap has, is never mapped writable.
 *           3. What may fail comes first: anon, chunk, pv, frame, charge.
 *           4. The slot and the word change in one hold of [W]; after a wait all is
 *              looked up again.
 *           5. There is no common page of zeros: a read of what was never written
 *              makes an anon, as a write does.
 *           6. Of a shared amap slots are read, never changed: uvm_fault() has called
 *              amap_unshare() before amap_fault() would.
 */
#include "vm/design/uvm/uvm.h"

/* ---- slots ---- */

/*
 * The anon of a page.
 *
 * Locks:    [W] of its space.
 * Returns:  the anon; NULL: there is none.
 */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	return c == NULL ? NULL : c->anon[vpn % AMAP_CHUNK];
}

/*
 * A chunk for the page, so that amap_add() does not fail.
 *
 * Locks:    [W] of its space.
 * Returns:  false: no memory.
 */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	uint64_t no = vpn / AMAP_CHUNK;

	return amap_chunk(amap, no) != NULL || amap_chunk_make(amap, no) != NULL;
}

/*
 * The page's anon, from now on: its slot is free, and has a chunk.
 *
 * Locks:    [W] of its space.
 * Owns:     takes a reference over.
 */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, bool late)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	ASSERT(c != NULL && c->anon[vpn % AMAP_CHUNK] == NULL);
	c->anon[vpn % AMAP_CHUNK] = anon;
	c->n++;
	if (late)
		c->late |= 1u << vpn % AMAP_CHUNK;
	amap_count(amap, 1);
}

/*
 * The anon of a page, out of its slot.
 *
 * Locks:    [W] of its space.
 * Returns:  the anon; NULL: there is none.
 * Owns:     the caller, its reference.
 */
struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);
	struct vm_anon *anon = amap_lookup(amap, vpn);

	if (anon == NULL)
		return NULL;
	c->anon[vpn % AMAP_CHUNK] = NULL;
	c->late &= ~(1u << vpn % AMAP_CHUNK);
	c->n--;
	amap_count(amap, -1);
	if (c->n == 0)
		amap_chunk_end(amap, c);
	return anon;
}

/*
 * One reference more for each anon of [lo, hi): a slot of another amap names it.
 *
 * Locks:    [W] of its space; takes [anon].
 * Returns:  how many there are.
 */
uint64_t
amap_ref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_anon *anon;
	uint64_t n = 0;

	AMAP_FOREACH(anon, amap, lo, hi) {
		uvm_anon_ref(anon);
		n++;
	}
	return n;
}

/*
 * The anons of [lo, hi) are let go; nothing maps their pages in this space.
 *
 * Locks:    [W] of its space; takes [anon], [P].
 * Returns:  how many of them were charged when touched.
 */
uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_anon *anon;
	uint64_t n = 0;

	AMAP_FOREACH(anon, amap, lo, hi) {
		n += amap_is_late(amap, lo);
		uvm_anon_drop(amap_take(amap, lo));
	}
	return n;
}

/* ---- a fault: an anon is made ---- */

/* Another anon for a slot that is in use; the one before, with its reference. */
static struct vm_anon *
replace(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);
	struct vm_anon *old = c->anon[vpn % AMAP_CHUNK];

	ASSERT(old != NULL);
	c->anon[vpn % AMAP_CHUNK] = anon;
	return old;
}

/* It is the slot's from now on, and mapped; the one before is let go. */
static void
install(struct fctx *f, struct uvm_entry *e, struct uvm_making *m)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_anon *old = NULL;

	pmap_remove_word(f);
	if (amap_lookup(e->amap, vpn) != NULL)
		old = replace(e->amap, vpn, m->anon);
	else
		amap_add(e->amap, vpn, m->anon,
		    (f->v.flags & VAD_CHARGED) == 0);
	uvm_fault_adopt(f, m);
	if (old != NULL)
		uvm_anon_drop(old);
}

/* F1: zeros.  F3: a copy of the object's page, from, which is pinned. */
static enum fault_outcome
new_page(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	enum fault_frame kind = from == NULL ? FRAME_ZEROED : FRAME_ANY;
	uint64_t before = word_get(f->word);
	struct uvm_making m;
	enum fault_outcome r = uvm_fault_make(f, e, &m, kind);

	if (r != FAULT_DONE)
		return r;
	if (!fault_charge_touch(f)) {
		uvm_fault_give_up(f, &m, kind);
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

/* F4: a write, and others have it, too. */
static enum fault_outcome
copy_anon(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	uint64_t before = word_get(f->word);
	struct uvm_making m;
	enum fault_outcome r = uvm_fault_make(f, e, &m, FRAME_ANY);

	if (r != FAULT_DONE)
		return r;
	page_copy(m.page, from);
	install(f, e, &m);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word),
	    page_pfn(m.page));
	EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m.page));
	return FAULT_DONE;
}

/* ---- a fault: an anon that there is ---- */

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

/*
 * A page of a private mapping: its anon, or the object behind it, or zeros.
 *
 * Locks:    [M], [W]; f->word is in use.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
amap_fault(struct fctx *f, struct uvm_entry *e)
{
	struct vm_anon *anon = amap_lookup(e->amap, f->va >> PAGE_SHIFT);

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (anon != NULL)
		return present_anon(f, e, anon);
	if (f->v.vmo == NULL)
		return new_page(f, e, NULL);
	return f->access == ACCESS_WRITE ? promote(f, e) :
	    pmap_object_page(f, fault_rights(f));
}

/* ---- copies of amaps ---- */

/* The slot of a page in another amap, for the same anon.  False: no memory. */
static bool
copy_slot(struct vm_amap *to, struct vm_amap *from, uint64_t vpn,
    struct vm_anon *anon)
{
	if (!amap_reserve(to, vpn))
		return false;
	amap_add(to, vpn, anon, amap_is_late(from, vpn));
	return true;
}

/*
 * Early: the child's entry gets the anons of the parent's in [vpn, end), and the
 * parent's words lose W.  A page that somebody pins is not shared: he may go on
 * filling it, for the parent.
 *
 * Locks:    both map_locks exclusive and both [W] of the fork; takes [anon], [P].
 * Returns:  end; the page at which it stopped, for it is pinned, or there is no
 *           memory for its chunk.
 */
uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	struct vm_anon *anon;
	uint64_t at = vpn;

	AMAP_FOREACH(anon, from->amap, at, end)
		if (pmap_rec_is_pinned(&anon->word) ||
		    !copy_slot(to->amap, from->amap, at, anon))
			break;
	if (anon == NULL || at > end)
		at = end;
	EVENT_ADD(uvm_anon_refs_fork, amap_ref(to->amap, vpn, at));
	pmap_change(parent, vpn, at, MD_PTE_W, 0);
	return at;
}

/*
 * One of several entries lets a shared amap go; the last of them, and that may be
 * this one by now, its anons.
 *
 * Locks:    [W] of its space; takes [amap], [anon], [P].
 */
void
amap_leave(struct vm_amap *amap)
{
	bool last;

	spin_lock(&amap->lock);
	last = --amap->refs == 0;
	spin_unlock(&amap->lock);
	if (last) {
		(void)amap_unref(amap, 0, UINT64_MAX);
		amap_free(amap);
	}
}

/*
 * Late: e is about to change its amap, which others have, too: it gets one of its
 * own, of the same anons.  Words stay, for none is writable.
 *
 * Locks:    [W] of its space; takes [amap], [anon], [P].
 * Returns:  false: no memory, and nothing has changed.
 */
bool
amap_unshare(struct uvm_entry *e)
{
	struct vm_amap *amap = amap_next_of(e);
	uint64_t vpn = e->start;
	struct vm_anon *anon;

	if (amap == NULL)
		return false;
	AMAP_FOREACH(anon, e->amap, vpn, e->end)
		if (!copy_slot(amap, e->amap, vpn, anon))
			break;
	(void)amap_ref(amap, e->start, e->end);
	if (anon != NULL && vpn < e->end) {
		amap_leave(amap);
		return false;
	}
	EVENT(uvm_amap_copies);
	EVENT_ADD(uvm_amap_entries_copied, amap->nanons);
	amap_leave(e->amap);
	e->amap = amap;
	return true;
}
