/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amap.c: which anon is at which page, for faults and forks
 *
 * Problem   Each page of anonymous memory has a record with a count, the anon.  A
 *           map of anons (amap) says which anons a mapping has; each copy of the
 *           map, early or late, must count each anon that it names.
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
 * Rules     1. A chunk without an anon is freed.
 *           2. Read-only if shared: a page whose anon has more than one reference,
 *              or whose amap has, is never mapped writable.
 *           3. There is no common page of zeros: a read of an untouched page makes
 *              an anon, as a write does.
 *           4. Slots of a shared amap are read, never changed: before a change a
 *              fault calls amap_unshare(), by amap_fault_own().
 *           5. ../anons/anonsfault.c has the order of the steps of a fault.
 */
#include "vm/design/uvm/uvm.h"

/* ---- slots ---- */

/* The anon of a page.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none. */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	return c == NULL ? NULL : c->anon[vpn % AMAP_CHUNK];
}

/* A chunk for the page, so that amap_add() does not fail.
 * Locks: [W] of its space.  Returns: false: no memory. */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	uint64_t no = vpn / AMAP_CHUNK;

	return amap_chunk(amap, no) != NULL || amap_chunk_make(amap, no) != NULL;
}

/* The page's anon, from now on: its slot is free, and has a chunk.
 * Locks: [W] of its space.  Owns: takes a reference over. */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, enum charged when)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	ASSERT(c != NULL && c->anon[vpn % AMAP_CHUNK] == NULL);
	c->anon[vpn % AMAP_CHUNK] = anon;
	c->n++;
	if (when == CHARGED_LATE)
		c->late |= 1u << vpn % AMAP_CHUNK;
	amap_count(amap, 1);
}

/* The anon of a page, out of its slot.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none.
 * Owns: the caller, its reference. */
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

/* One reference more for each anon of [lo, hi): a slot of another amap names it.
 * Locks: [W] of its space; takes [anon].  Returns: how many there are. */
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

/* The anons of [lo, hi) are let go; nothing maps their pages in this space.
 * Locks: [W] of its space; takes [anon], [P].
 * Returns: how many of them were charged when touched. */
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

/* ---- what a fault asks ---- */

/* The word of a page's anon, for a fault.
 * Locks: [W] of its space; [anon] is held behind it, until amap_found().
 * Returns: NULL: there is none, and no lock is held. */
uint64_t *
amap_find(void *entry, uint64_t vpn)
{
	struct uvm_entry *e = entry;
	struct vm_anon *anon = amap_lookup(e->amap, vpn);

	if (anon == NULL)
		return NULL;
	spin_lock(&anon->lock);
	return &anon->word;
}

/* The fault has seen the anon.  Locks: [anon], released. */
void
amap_found(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *mapped)
{
	HELD(&anon_of_word(word)->lock);
	spin_unlock(&anon_of_word(word)->lock);
}

/* A read of a page that has no anon.
 * Locks: those of anons_fault(); f->word is in use.
 * Returns: FAULT_DONE, or what the driver has to do before another pass. */
enum fault_outcome
amap_read(struct fctx *f, void *entry)
{
	return f->v.vmo == NULL ? anons_new_page(f, entry, NULL) :
	    pmap_object_page(f, fault_rights(f));
}

/* A new anon for f's page, which f->word maps: zeros, or a copy of from.  The one that
 * the page had is let go.
 * Locks: [W] of its space; takes [anon], [P].  Owns: takes the anon over. */
void
amap_put(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	struct vm_amap *amap = ((struct uvm_entry *)entry)->amap;
	struct vm_anon *anon = anon_of_word(m->anon), *old;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	old = c->anon[vpn % AMAP_CHUNK];
	if (old != NULL) {
		c->anon[vpn % AMAP_CHUNK] = anon;
		EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m->page));
		uvm_anon_drop(old);
		return;
	}
	amap_add(amap, vpn, anon, (f->v.flags & VAD_CHARGED) != 0 ? CHARGED_AHEAD :
	    CHARGED_LATE);
	if (from != NULL)
		EVENT(uvm_promote, f->va, page_pfn(from), page_pfn(m->page));
}

/* Does no other slot name the anon?  Locks: [anon]; [W] of its space. */
bool
amap_is_own(void *entry, const uint64_t *word)
{
	const struct vm_anon *anon = CONTAINER_OF(word, struct vm_anon, word);

	HELD(&anon->lock);
	return !amap_is_shared(((struct uvm_entry *)entry)->amap) &&
	    anon->refs == 1;
}

/* ---- copies of amaps ---- */

/* The slot of a page in another amap, for the same anon.  False: no memory. */
static bool
copy_slot(struct vm_amap *to, struct vm_amap *from, uint64_t vpn,
    struct vm_anon *anon)
{
	if (!amap_reserve(to, vpn))
		return false;
	amap_add(to, vpn, anon, amap_is_late(from, vpn) ? CHARGED_LATE :
	    CHARGED_AHEAD);
	return true;
}

/* Early: the child's entry gets the anons of the parent's in [vpn, end), and the
 * parent's words lose W.  A pinned page is not shared: its pinner may still fill it for
 * the parent.
 * Locks: both map_locks exclusive and both [W] of the fork; takes [anon], [P].
 * Returns: end; the page at which it stopped, because it is pinned or there is
 * no memory for its chunk. */
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

/* One of several entries lets a shared amap go; the last of them, and that may be this
 * one by now, its anons.
 * Locks: [W] of its space; takes [amap], [anon], [P]. */
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

/* Late: e is about to change its amap, which others have, too: it gets one of its own,
 * of the same anons.  Words stay, for none is writable.
 * Locks: [W] of its space; takes [amap], [anon], [P].
 * Returns: false: no memory, and nothing has changed. */
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
