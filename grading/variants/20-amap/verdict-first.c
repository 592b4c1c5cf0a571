/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lab 20, another way: a fault first says what it is, and then does it; ranges are
 * given up from their end; an amap that cannot be copied whole is undone slot by
 * slot.
 */
#include "vm/design/uvm/uvm.h"

enum verdict { ZEROS, OF_OBJECT, PROMOTE, MAP, COPY, AWAY };

static uint64_t
number(uint64_t vpn)
{
	return vpn / AMAP_CHUNK;
}

static unsigned
index_of(uint64_t vpn)
{
	return (unsigned)(vpn - number(vpn) * AMAP_CHUNK);
}

struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));

	if (c == NULL)
		return NULL;
	return c->anon[index_of(vpn)];
}

bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));

	if (c == NULL)
		c = amap_chunk_make(amap, number(vpn));
	return c != NULL;
}

/* The slot has this anon from now on, or none: what it had. */
static struct vm_anon *
exchange(struct vm_amap *amap, struct vm_amap_chunk *c, unsigned i,
    struct vm_anon *anon)
{
	struct vm_anon *had = c->anon[i];
	int change = (anon != NULL) - (had != NULL);

	c->anon[i] = anon;
	c->n += (uint32_t)change;
	if (change != 0)
		amap_count(amap, change);
	return had;
}

void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, bool late)
{
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));

	(void)exchange(amap, c, index_of(vpn), anon);
	if (late)
		c->late |= 1u << index_of(vpn);
}

struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));
	struct vm_anon *anon;

	if (c == NULL || c->anon[index_of(vpn)] == NULL)
		return NULL;
	anon = exchange(amap, c, index_of(vpn), NULL);
	c->late &= ~(1u << index_of(vpn));
	if (c->n == 0)
		amap_chunk_end(amap, c);
	return anon;
}

uint64_t
amap_ref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_anon *anon;
	uint64_t n;

	for (n = 0; (anon = amap_next(amap, &lo)) != NULL && lo < hi; n++, lo++)
		uvm_anon_ref(anon);
	return n;
}

uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	uint64_t late = amap_count_late(amap, lo, hi);

	while (amap_next(amap, &lo) != NULL && lo < hi)
		uvm_anon_drop(amap_take(amap, lo));
	return late;
}

/* ---- a fault ---- */

static enum fault_outcome
copy_anon(struct fctx *f, struct uvm_entry *e, struct vm_page *from)
{
	uint64_t vpn = f->va >> PAGE_SHIFT, before = word_get(f->word);
	struct vm_anon *old;
	struct uvm_making m;
	enum fault_outcome r = uvm_fault_make(f, e, &m, FRAME_ANY);

	if (r == FAULT_DONE) {
		page_copy(m.page, from);
		pmap_remove_word(f);
		uvm_fault_adopt(f, &m);
		old = exchange(e->amap, amap_chunk(e->amap, number(vpn)),
		    index_of(vpn), m.anon);
		EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m.page));
		EVENT(fault_fork_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
		uvm_anon_drop(old);
	}
	page_unpin(from);
	return r;
}

/* All of a new page but its bytes.  FAULT_DONE: in *m. */
static enum fault_outcome
begin_page(struct fctx *f, struct uvm_entry *e, struct uvm_making *m,
    enum fault_frame kind)
{
	enum fault_outcome r = uvm_fault_make(f, e, m, kind);

	if (r == FAULT_DONE && !fault_charge_touch(f)) {
		uvm_fault_give_up(f, m, kind);
		r = fault_over_limit(f);
	}
	return r;
}

static void
end_page(struct fctx *f, struct uvm_entry *e, struct uvm_making *m)
{
	pmap_remove_word(f);
	uvm_fault_adopt(f, m);
	amap_add(e->amap, f->va >> PAGE_SHIFT, m->anon,
	    (f->v.flags & VAD_CHARGED) == 0);
}

static enum fault_outcome
zeros(struct fctx *f, struct uvm_entry *e)
{
	uint64_t before = word_get(f->word);
	struct uvm_making m;
	enum fault_outcome r = begin_page(f, e, &m, FRAME_ZEROED);

	if (r != FAULT_DONE)
		return r;
	end_page(f, e, &m);
	EVENT(fault_zerofill, f->va, before, word_get(f->word),
	    page_pfn(m.page));
	return FAULT_DONE;
}

static enum fault_outcome
promote(struct fctx *f, struct uvm_entry *e)
{
	uint64_t before = word_get(f->word);
	struct vm_page *from;
	struct uvm_making m;
	enum fault_outcome r = pmap_find_in_object(f, &from);

	if (r != FAULT_DONE)
		return r;
	r = begin_page(f, e, &m, FRAME_ANY);
	if (r == FAULT_DONE) {
		page_copy(m.page, from);
		end_page(f, e, &m);
		EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m.page));
		EVENT(fault_private_copy, f->va, before, word_get(f->word),
		    page_pfn(m.page));
	}
	page_unpin(from);
	return r;
}

static enum fault_outcome
map_page(struct fctx *f, struct vm_page *pg)
{
	enum fault_outcome r = pmap_map_record(f, pg, fault_rights(f));

	page_unpin_written(pg, f->access == ACCESS_WRITE && r == FAULT_DONE);
	return r;
}

static enum fault_outcome
away(struct fctx *f, struct vm_anon *anon)
{
	const struct swap_words place = uvm_anon_place(anon, f->va >> PAGE_SHIFT);
	enum fault_outcome r = FAULT_RESTART;
	uint64_t word;

	spin_lock(&anon->lock);
	word = word_get(&anon->word);
	if (pte_kind(word) != PTE_TRANS)
		r = pmap_rec_bring(f, &place);
	spin_unlock(&anon->lock);
	return r;
}

/* What is to be done; the page of an anon, pinned, in *pg. */
static enum verdict
judge(struct fctx *f, struct vm_anon *anon, struct vm_page **pg)
{
	bool store = f->access == ACCESS_WRITE;

	if (anon == NULL)
		return f->v.vmo == NULL ? ZEROS : store ? PROMOTE : OF_OBJECT;
	*pg = pmap_rec_pin(&anon->word);
	if (*pg == NULL)
		return AWAY;
	return store && uvm_anon_is_shared(anon) ? COPY : MAP;
}

enum fault_outcome
amap_fault(struct fctx *f, struct uvm_entry *e)
{
	struct vm_anon *anon = amap_lookup(e->amap, f->va >> PAGE_SHIFT);
	struct vm_page *pg = NULL;

	switch (judge(f, anon, &pg)) {
	case ZEROS:
		return zeros(f, e);
	case OF_OBJECT:
		return pmap_object_page(f, fault_rights(f));
	case PROMOTE:
		return promote(f, e);
	case MAP:
		return map_page(f, pg);
	case COPY:
		return copy_anon(f, e, pg);
	case AWAY:
		break;
	}
	return away(f, anon);
}

/* ---- copies ---- */

uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	struct vm_anon *anon;

	AMAP_FOREACH(anon, from->amap, vpn, end) {
		if (!amap_reserve(to->amap, vpn) ||
		    pmap_rec_is_pinned(&anon->word))
			return vpn;
		pmap_change(parent, vpn, vpn + 1, MD_PTE_W, 0);
		amap_add(to->amap, vpn, anon, amap_is_late(from->amap, vpn));
		EVENT_ADD(uvm_anon_refs_fork, amap_ref(to->amap, vpn, vpn + 1));
	}
	return end;
}

void
amap_leave(struct vm_amap *amap)
{
	bool mine;

	spin_lock(&amap->lock);
	mine = amap->refs == 1;
	amap->refs--;
	spin_unlock(&amap->lock);
	if (mine) {
		(void)amap_unref(amap, 0, UINT64_MAX);
		amap_free(amap);
	}
}

bool
amap_unshare(struct uvm_entry *e)
{
	struct vm_amap *old = e->amap, *own = amap_new();
	struct vm_anon *anon;
	uint64_t vpn = e->start, done;

	if (own == NULL)
		return false;
	AMAP_FOREACH(anon, old, vpn, e->end) {
		if (amap_reserve(own, vpn)) {
			amap_add(own, vpn, anon, amap_is_late(old, vpn));
			continue;
		}
		for (done = e->start; amap_next(own, &done) != NULL;)
			(void)amap_take(own, done);
		amap_free(own);
		return false;
	}
	EVENT_ADD(uvm_amap_entries_copied, amap_ref(own, e->start, e->end));
	EVENT(uvm_amap_copies);
	amap_leave(old);
	e->amap = own;
	return true;
}
