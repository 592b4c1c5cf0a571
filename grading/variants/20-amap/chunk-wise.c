/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lab 20, another way: chunks are gone through as arrays, slots are places in them;
 * references are raised before a slot names the anon; late copies are made of
 * chunks that were all reserved before, so nothing has to be undone.
 */
#include "vm/design/uvm/uvm.h"

/* One slot, by address. */
struct place {
	struct vm_amap_chunk *c;
	struct vm_anon **slot;
	uint32_t bit;
};

static struct place
find(struct vm_amap *amap, uint64_t vpn)
{
	struct place p = { .c = amap_chunk(amap, vpn >> 5) };

	if (p.c != NULL) {
		p.slot = p.c->anon + (vpn & 31);
		p.bit = (uint32_t)1 << (vpn & 31);
	}
	return p;
}

struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	struct place p = find(amap, vpn);

	return p.slot != NULL ? *p.slot : NULL;
}

bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	if (find(amap, vpn).c != NULL)
		return true;
	return amap_chunk_make(amap, vpn >> 5) != NULL;
}

void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, bool late)
{
	struct place p = find(amap, vpn);

	amap_count(amap, 1);
	p.c->n += 1;
	p.c->late = late ? p.c->late | p.bit : p.c->late & ~p.bit;
	*p.slot = anon;
}

/* The slot's anon, whose reference is the caller's; the chunk stays. */
static struct vm_anon *
clear(struct vm_amap *amap, struct place p)
{
	struct vm_anon *anon = *p.slot;

	if (anon != NULL) {
		*p.slot = NULL;
		p.c->late &= ~p.bit;
		p.c->n -= 1;
		amap_count(amap, -1);
	}
	return anon;
}

struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	struct place p = find(amap, vpn);
	struct vm_anon *anon;

	if (p.c == NULL)
		return NULL;
	anon = clear(amap, p);
	if (anon != NULL && p.c->n == 0)
		amap_chunk_end(amap, p.c);
	return anon;
}

uint64_t
amap_ref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_anon *anon;
	uint64_t n = 0;

	while (lo < hi && (anon = amap_next(amap, &lo)) != NULL && lo < hi) {
		uvm_anon_ref(anon);
		n++;
		lo++;
	}
	return n;
}

/* What a chunk has between lo and hi goes; how many were late. */
static uint64_t
unref_chunk(struct vm_amap *amap, struct vm_amap_chunk *c, uint64_t lo,
    uint64_t hi)
{
	uint64_t first = c->no << 5, i, late = 0;
	struct vm_anon *gone[32];
	unsigned n = 0;

	for (i = 0; i < 32; i++) {
		struct place p = { c, &c->anon[i], (uint32_t)1 << i };

		if (first + i < lo || first + i >= hi || *p.slot == NULL)
			continue;
		late += (c->late & p.bit) != 0;
		gone[n++] = clear(amap, p);
	}
	if (c->n == 0)
		amap_chunk_end(amap, c);
	while (n > 0)
		uvm_anon_drop(gone[--n]);
	return late;
}

uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	uint64_t late = 0;

	while (lo < hi && amap_next(amap, &lo) != NULL && lo < hi) {
		uint64_t next = ((lo >> 5) + 1) << 5;

		late += unref_chunk(amap, amap_chunk(amap, lo >> 5), lo, hi);
		lo = next;
	}
	return late;
}

/* ---- faults ---- */

/* A new anon for the page, a copy of from, or zeros.  fresh: it is charged. */
static enum fault_outcome
give_anon(struct fctx *f, struct uvm_entry *e, const struct vm_page *from,
    bool fresh)
{
	enum fault_frame kind = from != NULL ? FRAME_ANY : FRAME_ZEROED;
	uint64_t vpn = f->va >> PAGE_SHIFT, before = word_get(f->word);
	struct vm_anon *old = NULL;
	struct uvm_making m;
	struct place p;
	enum fault_outcome r = uvm_fault_make(f, e, &m, kind);

	if (r != FAULT_DONE)
		return r;
	if (fresh && !fault_charge_touch(f)) {
		uvm_fault_give_up(f, &m, kind);
		return fault_over_limit(f);
	}
	if (from != NULL)
		page_copy(m.page, from);
	p = find(e->amap, vpn);
	if (*p.slot == NULL) {
		amap_add(e->amap, vpn, m.anon, !(f->v.flags & VAD_CHARGED));
	} else {
		old = *p.slot;
		*p.slot = m.anon;
	}
	pmap_remove_word(f);
	uvm_fault_adopt(f, &m);
	if (!fresh) {
		EVENT(fault_fork_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
		EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m.page));
	} else if (from != NULL) {
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
		EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m.page));
	} else {
		EVENT(fault_zerofill, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	}
	if (old != NULL)
		uvm_anon_drop(old);
	return FAULT_DONE;
}

static enum fault_outcome
fetch(struct fctx *f, struct vm_anon *anon)
{
	struct swap_words place = uvm_anon_place(anon, f->va >> PAGE_SHIFT);
	enum fault_outcome r;

	spin_lock(&anon->lock);
	r = pmap_rec_bring(f, &place);
	spin_unlock(&anon->lock);
	return r;
}

enum fault_outcome
amap_fault(struct fctx *f, struct uvm_entry *e)
{
	struct vm_anon *anon = amap_lookup(e->amap, f->va >> PAGE_SHIFT);
	bool store = f->access == ACCESS_WRITE;
	struct vm_page *pg;
	enum fault_outcome r;

	if (anon == NULL && f->v.vmo == NULL)
		return give_anon(f, e, NULL, true);
	if (anon == NULL && !store)
		return pmap_object_page(f, fault_rights(f));
	if (anon == NULL) {
		r = pmap_find_in_object(f, &pg);
		if (r == FAULT_DONE) {
			r = give_anon(f, e, pg, true);
			page_unpin(pg);
		}
		return r;
	}
	pg = pmap_rec_pin(&anon->word);
	if (pg == NULL)
		return fetch(f, anon);
	if (store && uvm_anon_is_shared(anon)) {
		r = give_anon(f, e, pg, false);
		page_unpin(pg);
		return r;
	}
	r = pmap_map_record(f, pg, fault_rights(f));
	page_unpin_written(pg, store && r == FAULT_DONE);
	return r;
}

/* ---- copies ---- */

uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	struct vm_anon *anon;
	uint64_t at = vpn;

	/* Words first: whatever is shared below is read-only by then. */
	pmap_change(parent, vpn, end, MD_PTE_W, 0);
	while (at < end && (anon = amap_next(from->amap, &at)) != NULL && at < end) {
		struct place p = find(from->amap, at);

		if (pmap_rec_is_pinned(&anon->word) || !amap_reserve(to->amap, at))
			return at;
		uvm_anon_ref(anon);
		EVENT(uvm_anon_refs_fork);
		amap_add(to->amap, at, anon, (p.c->late & p.bit) != 0);
		at++;
	}
	return end;
}

void
amap_leave(struct vm_amap *amap)
{
	uint32_t left;

	spin_lock(&amap->lock);
	amap->refs -= 1;
	left = amap->refs;
	spin_unlock(&amap->lock);
	if (left != 0)
		return;
	(void)amap_unref(amap, 0, UINT64_MAX);
	amap_free(amap);
}

bool
amap_unshare(struct uvm_entry *e)
{
	struct vm_amap *own = amap_new(), *old = e->amap;
	struct vm_anon *anon;
	uint64_t vpn, n = 0;

	if (own == NULL)
		return false;
	for (vpn = 0; amap_next(old, &vpn) != NULL; vpn = ((vpn >> 5) + 1) << 5) {
		if (!amap_reserve(own, vpn)) {
			amap_free(own);
			return false;
		}
	}
	for (vpn = 0; (anon = amap_next(old, &vpn)) != NULL; vpn++, n++) {
		uvm_anon_ref(anon);
		amap_add(own, vpn, anon, amap_is_late(old, vpn));
	}
	e->amap = own;
	amap_leave(old);
	EVENT(uvm_amap_copies);
	EVENT_ADD(uvm_amap_entries_copied, n);
	return true;
}
