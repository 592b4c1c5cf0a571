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
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, enum charged when)
{
	struct place p = find(amap, vpn);

	amap_count(amap, 1);
	p.c->n += 1;
	p.c->late = when == CHARGED_LATE ? p.c->late | p.bit : p.c->late & ~p.bit;
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

uint64_t *
amap_find(void *entry, uint64_t vpn)
{
	struct uvm_entry *e = entry;
	struct place p = find(e->amap, vpn);

	if (p.c == NULL || *p.slot == NULL)
		return NULL;
	spin_lock(&(*p.slot)->lock);
	return &(*p.slot)->word;
}

void
amap_found(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *mapped)
{
	struct uvm_entry *e = entry;

	spin_unlock(&(*find(e->amap, vpn).slot)->lock);
}

bool
amap_is_own(void *entry, const uint64_t *word)
{
	struct uvm_entry *e = entry;
	const struct vm_anon *anon = CONTAINER_OF(word, struct vm_anon, word);

	return anon->refs < 2 && !amap_is_shared(e->amap);
}

enum fault_outcome
amap_read(struct fctx *f, void *entry)
{
	if (f->v.vmo != NULL)
		return pmap_object_page(f, fault_rights(f));
	return anons_new_page(f, entry, NULL);
}

void
amap_put(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	struct uvm_entry *e = entry;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct place p = find(e->amap, vpn);
	struct vm_anon *old = *p.slot;

	if (old == NULL) {
		amap_add(e->amap, vpn, anon_of_word(m->anon), !(f->v.flags & VAD_CHARGED));
		if (from != NULL)
			EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m->page));
		return;
	}
	*p.slot = anon_of_word(m->anon);
	uvm_anon_drop(old);
	EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m->page));
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
