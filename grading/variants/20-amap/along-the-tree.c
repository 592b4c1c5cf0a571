/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * along-the-tree.c: which anon is at which page; right, and quicker
 *
 * Written from the lab's page alone.  From one chunk to the next the tree itself leads,
 * without a search; each chunk of the other amap is looked for once, and counts of amaps
 * change once a chunk.
 */
#include "vm/design/uvm/uvm.h"

/* ---- chunks and slots ---- */

/* The first chunk that has an anon of [lo, hi); NULL. */
static struct vm_amap_chunk *
chunk_first(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	if (amap_next(amap, &lo) == NULL || lo >= hi)
		return NULL;
	return amap_chunk(amap, lo / AMAP_CHUNK);
}

/* The chunk behind it, if it begins before hi: by the tree, without a search.  It may
 * have no anon. */
static struct vm_amap_chunk *
chunk_next(struct vm_amap_chunk *c, uint64_t hi)
{
	struct rb_node *n = rb_next(&c->rb);

	if (n == NULL)
		return NULL;
	c = CONTAINER_OF(n, struct vm_amap_chunk, rb);
	return c->no * AMAP_CHUNK < hi ? c : NULL;
}

/* Slots of a chunk that lie in [lo, hi): from, and to behind the last. */
static inline uint32_t
slot_from(const struct vm_amap_chunk *c, uint64_t lo)
{
	uint64_t first = c->no * AMAP_CHUNK;

	return lo > first ? (uint32_t)(lo - first) : 0;
}

static inline uint32_t
slot_to(const struct vm_amap_chunk *c, uint64_t hi)
{
	return (uint32_t)MIN(hi - c->no * AMAP_CHUNK, AMAP_CHUNK);
}

static inline bool
slot_is_late(const struct vm_amap_chunk *c, uint32_t i)
{
	return (c->late >> i & 1) != 0;
}

/* The amap's count is the caller's matter, in both. */
static inline void
slot_fill(struct vm_amap_chunk *c, uint32_t i, struct vm_anon *anon, bool late)
{
	ASSERT(c->anon[i] == NULL);
	c->anon[i] = anon;
	c->n++;
	if (late)
		c->late |= 1u << i;
}

static inline void
slot_empty(struct vm_amap_chunk *c, uint32_t i)
{
	c->anon[i] = NULL;
	c->n--;
	c->late &= ~(1u << i);
}

/* The chunk of a number, made if there is none; NULL: no memory. */
static struct vm_amap_chunk *
chunk_get(struct vm_amap *amap, uint64_t no)
{
	struct vm_amap_chunk *c = amap_chunk(amap, no);

	return c != NULL ? c : amap_chunk_make(amap, no);
}

/* ---- slots ---- */

/* The anon of a page.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none. */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	const struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	return c == NULL ? NULL : c->anon[vpn % AMAP_CHUNK];
}

/* A chunk for the page, so that amap_add() does not fail.
 * Locks: [W] of its space.  Returns: false: no memory. */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	return chunk_get(amap, vpn / AMAP_CHUNK) != NULL;
}

/* The page's anon, from now on: its slot is free, and has a chunk.
 * Locks: [W] of its space.  Owns: takes a reference over. */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, enum charged when)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	ASSERT(c != NULL);
	slot_fill(c, vpn % AMAP_CHUNK, anon, when == CHARGED_LATE);
	amap_count(amap, 1);
}

/* The anon of a page, out of its slot.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none.
 * Owns: the caller, its reference. */
struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);
	struct vm_anon *anon = c == NULL ? NULL : c->anon[vpn % AMAP_CHUNK];

	if (anon == NULL)
		return NULL;
	slot_empty(c, vpn % AMAP_CHUNK);
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
	struct vm_amap_chunk *c;
	uint64_t n = 0;
	uint32_t i;

	for (c = chunk_first(amap, lo, hi); c != NULL; c = chunk_next(c, hi))
		for (i = slot_from(c, lo); i < slot_to(c, hi); i++)
			if (c->anon[i] != NULL) {
				uvm_anon_ref(c->anon[i]);
				n++;
			}
	return n;
}

/* The anons of a chunk's slots in [lo, hi) are let go.  Returns: of them, late ones. */
static uint64_t
drop_slots(struct vm_amap *amap, struct vm_amap_chunk *c, uint64_t lo, uint64_t hi)
{
	uint32_t i, to = slot_to(c, hi), had = c->n;
	uint64_t late = 0;
	struct vm_anon *anon;

	for (i = slot_from(c, lo); i < to && c->n > 0; i++) {
		anon = c->anon[i];
		if (anon == NULL)
			continue;
		late += slot_is_late(c, i);
		slot_empty(c, i);
		uvm_anon_drop(anon);
	}
	amap_count(amap, (int64_t)c->n - had);
	return late;
}

/* The anons of [lo, hi) are let go; nothing maps their pages in this space.
 * Locks: [W] of its space; takes [anon], [P].
 * Returns: how many of them were charged when touched. */
uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_amap_chunk *c, *next;
	uint64_t late = 0;

	for (c = chunk_first(amap, lo, hi); c != NULL; c = next) {
		next = chunk_next(c, hi);
		late += drop_slots(amap, c, lo, hi);
		if (c->n == 0)
			amap_chunk_end(amap, c);
	}
	return late;
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
	spin_unlock(&anon_of_word(word)->lock);
}

/* A read of a page that has no anon.
 * Locks: those of anons_fault(); f->word is in use.
 * Returns: FAULT_DONE, or what the driver has to do before another pass. */
enum fault_outcome
amap_read(struct fctx *f, void *entry)
{
	if (f->v.vmo == NULL)
		return anons_new_page(f, entry, NULL);
	return pmap_object_page(f, fault_rights(f));
}

/* A new anon for f's page, which f->word maps: zeros, or a copy of from.  The one that
 * the page had is let go.
 * Locks: [W] of its space; takes [anon], [P].  Owns: takes the anon over. */
void
amap_put(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	struct uvm_entry *e = entry;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vm_anon *anon = anon_of_word(m->anon);
	struct vm_anon *old = amap_lookup(e->amap, vpn);

	if (old == NULL) {
		amap_add(e->amap, vpn, anon, (f->v.flags & VAD_CHARGED) == 0);
		if (from != NULL)
			EVENT(uvm_promote, f->va, page_pfn(from),
			    page_pfn(m->page));
		return;
	}
	amap_chunk(e->amap, vpn / AMAP_CHUNK)->anon[vpn % AMAP_CHUNK] = anon;
	EVENT(uvm_copy, f->va, page_pfn(from), page_pfn(m->page));
	uvm_anon_drop(old);
}

/* Does no other slot name the anon?  Locks: [anon]; [W] of its space. */
bool
amap_is_own(void *entry, const uint64_t *word)
{
	struct uvm_entry *e = entry;
	const struct vm_anon *anon = CONTAINER_OF(word, struct vm_anon, word);

	return anon->refs == 1 && !amap_is_shared(e->amap);
}

/* ---- copies of amaps ---- */

/* What a chunk of the parent's has in [lo, hi), to the child's amap, which gets a chunk
 * for it with the first anon.
 * Returns: hi; the page at which it stopped.  n: so many more were copied. */
static uint64_t
copy_chunk(struct vm_amap *to, const struct vm_amap_chunk *c, uint64_t lo,
    uint64_t hi, uint64_t *n)
{
	uint32_t i, last = slot_to(c, hi), left = c->n;
	struct vm_amap_chunk *mine = NULL;
	uint64_t at = hi, given = 0;
	struct vm_anon *anon;

	for (i = slot_from(c, lo); i < last && left > 0; i++) {
		anon = c->anon[i];
		if (anon == NULL)
			continue;
		left--;
		if (pmap_rec_is_pinned(&anon->word) || (mine == NULL &&
		    (mine = chunk_get(to, c->no)) == NULL)) {
			at = c->no * AMAP_CHUNK + i;
			break;
		}
		uvm_anon_ref(anon);
		slot_fill(mine, i, anon, slot_is_late(c, i));
		given++;
	}
	amap_count(to, (int64_t)given);
	*n += given;
	return at;
}

/* Early: the child's entry gets the anons of the parent's in [vpn, end), and the
 * parent's words lose W.  A page that somebody pins is not shared: he may go on filling
 * it, for the parent.
 * Locks: both map_locks exclusive and both [W] of the fork; takes [anon], [P].
 * Returns: end; the page at which it stopped, for it is pinned, or there is no
 * memory for its chunk. */
uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	struct vm_amap_chunk *c;
	uint64_t n = 0, at = end;

	for (c = chunk_first(from->amap, vpn, end); c != NULL && at == end;
	    c = chunk_next(c, end))
		at = copy_chunk(to->amap, c, vpn, end, &n);
	EVENT_ADD(uvm_anon_refs_fork, n);
	if (at > vpn)
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
	ASSERT(amap->refs > 0);
	last = --amap->refs == 0;
	spin_unlock(&amap->lock);
	if (!last)
		return;
	(void)amap_unref(amap, 0, UINT64_MAX);
	amap_free(amap);
}

/* All anons of a chunk, to a copy of its amap.  False: no memory, and none was copied. */
static bool
share_chunk(struct vm_amap *copy, const struct vm_amap_chunk *c, uint64_t *n)
{
	struct vm_amap_chunk *mine;
	uint32_t i;

	if (c->n == 0)
		return true;
	mine = chunk_get(copy, c->no);
	if (mine == NULL)
		return false;
	for (i = 0; mine->n < c->n; i++) {
		if (c->anon[i] == NULL)
			continue;
		uvm_anon_ref(c->anon[i]);
		slot_fill(mine, i, c->anon[i], slot_is_late(c, i));
	}
	amap_count(copy, mine->n);
	*n += mine->n;
	return true;
}

/* Late: e is about to change its amap, which others have, too: it gets one of its own,
 * of the same anons.  Words stay, for none is writable.
 * Locks: [W] of its space; takes [amap], [anon], [P].
 * Returns: false: no memory, and nothing has changed. */
bool
amap_unshare(struct uvm_entry *e)
{
	struct vm_amap *old = e->amap, *copy = amap_next_of(e);
	struct vm_amap_chunk *c;
	uint64_t n = 0;

	if (copy == NULL)
		return false;
	for (c = chunk_first(old, 0, UINT64_MAX); c != NULL;
	    c = chunk_next(c, UINT64_MAX))
		if (!share_chunk(copy, c, &n)) {
			amap_leave(copy);
			return false;
		}
	e->amap = copy;
	EVENT(uvm_amap_copies);
	EVENT_ADD(uvm_amap_entries_copied, n);
	amap_leave(old);
	return true;
}
