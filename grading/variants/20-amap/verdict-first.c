/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lab 20, another way: a new page first says what it is, and then it is done; ranges are
 * given up from their end; an amap that cannot be copied whole is undone slot by
 * slot.
 */
#include "vm/design/uvm/uvm.h"

enum verdict { ZEROS, PROMOTE, COPY };

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
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, enum charged when)
{
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));

	(void)exchange(amap, c, index_of(vpn), anon);
	if (when == CHARGED_LATE)
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

uint64_t *
amap_find(void *entry, uint64_t vpn)
{
	struct vm_anon *anon = amap_lookup(((struct uvm_entry *)entry)->amap, vpn);

	if (anon != NULL)
		spin_lock(&anon->lock);
	return anon != NULL ? &anon->word : NULL;
}

void
amap_found(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *mapped)
{
	spin_unlock(&anon_of_word(word)->lock);
}

bool
amap_is_own(void *entry, const uint64_t *word)
{
	const struct vm_anon *anon = CONTAINER_OF(word, struct vm_anon, word);

	if (amap_is_shared(((struct uvm_entry *)entry)->amap))
		return false;
	return anon->refs == 1;
}

/* What a new page is. */
static enum verdict
judge(const struct vm_anon *old, const struct vm_page *from)
{
	if (from == NULL)
		return ZEROS;
	return old == NULL ? PROMOTE : COPY;
}

enum fault_outcome
amap_read(struct fctx *f, void *entry)
{
	return f->v.vmo == NULL ? anons_new_page(f, entry, NULL) :
	    pmap_object_page(f, fault_rights(f));
}

void
amap_put(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	struct vm_amap *amap = ((struct uvm_entry *)entry)->amap;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_amap_chunk *c = amap_chunk(amap, number(vpn));
	struct vm_anon *old = exchange(amap, c, index_of(vpn), anon_of_word(m->anon));

	switch (judge(old, from)) {
	case COPY:
		EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m->page));
		uvm_anon_drop(old);
		return;
	case PROMOTE:
		EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m->page));
		break;
	case ZEROS:
		break;
	}
	if ((f->v.flags & VAD_CHARGED) == 0)
		c->late |= 1u << index_of(vpn);
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
