/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amapchunk.c: the first level of an amap, and operations on whole amaps
 *
 * Problem   A mapping may have a terabyte with a few touched pages.  Their anons
 *           must be found quickly, copied by a fork at the cost of what exists,
 *           and split where the mapping is split.
 *
 * Picture   entry ─┐
 *           entry ─┴→ amap { refs } ─ tree ─→ { no 512 }  { no 513 }  { no 900 }
 *
 * Rules     1. Chunks are numbered by address, not from the mapping's beginning:
 *              so a mapping grows downwards, is split and is merged without
 *              moving a slot.
 *           2. The first level is a tree of the existing chunks: an array of
 *              pointers would cost a mapping of a terabyte 64 MiB before its
 *              first touch.
 *           3. An amap has one entry, whose space's ws_lock guards it.  An amap
 *              that a late fork has shared has several, and nobody changes it: a
 *              space makes its own copy first (amap_own()).
 *           4. A space that alone has an amap stays alone: only its own fork could
 *              add a sharer, and map_lock excludes that.
 *           5. There may be no memory for a copy of many chunks, under locks that
 *              allow no wait: chunks are set aside, over several passes if needed.
 *
 * Read next amap.c
 */
#include "vm/design/uvm/uvm.h"

struct kmem_cache amap_chunks = KMEM_CACHE("vm_amap_chunk",
    struct vm_amap_chunk);
static struct kmem_cache amaps = KMEM_CACHE("vm_amap", struct vm_amap);

#define CHUNK_OF(node) CONTAINER_OF(node, struct vm_amap_chunk, rb)
#define CHUNK_NO RB_NUMBER(struct vm_amap_chunk, rb, no)

/* Locks: none; once, by uvm_design.init. */
void
amap_init(void)
{
	kmem_register(&amap_chunks);
	kmem_register(&amaps);
}

/* ---- the chunks of an amap ---- */

/* The first chunk with a number from no on; NULL. */
static struct vm_amap_chunk *
chunk_from(struct vm_amap *amap, uint64_t no)
{
	struct vm_amap_chunk *last;
	struct rb_node *n;

	/* One that is shared does not change: any that was met is still there. */
	last = atomic_load_relaxed(&amap->last);
	if (last != NULL && last->no == no)
		return last;
	n = rb_from(&amap->chunks, CHUNK_NO, no);
	if (n == NULL)
		return NULL;
	atomic_store_release(&amap->last, CHUNK_OF(n));
	return CHUNK_OF(n);
}

/* The chunk with a number.
 * Locks: [W] of its space.  Returns: the chunk; NULL: there is none. */
struct vm_amap_chunk *
amap_chunk(struct vm_amap *amap, uint64_t no)
{
	struct vm_amap_chunk *c = chunk_from(amap, no);

	return c != NULL && c->no == no ? c : NULL;
}

static void
chunk_link(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	rb_add(&amap->chunks, &c->rb, CHUNK_NO);
	atomic_store_release(&amap->last, c);
}

static void
chunk_unlink(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	rb_remove(&amap->chunks, &c->rb, NULL);
	atomic_store_release(&amap->last, NULL);
}

/* One that was set aside; NULL. */
static struct vm_amap_chunk *
take_spare(struct vm_amap *amap)
{
	struct vm_amap_chunk *c = amap->spare;

	if (c == NULL)
		return NULL;
	amap->spare = c->rb.left == NULL ? NULL : CHUNK_OF(c->rb.left);
	c->rb.left = NULL;
	amap->nspare--;
	return c;
}

/* A chunk, which there is not yet; one that was set aside, if any was.
 * Locks: [W] of its space.  Returns: the chunk, empty; NULL: no memory. */
struct vm_amap_chunk *
amap_chunk_make(struct vm_amap *amap, uint64_t no)
{
	struct vm_amap_chunk *c = take_spare(amap);

	if (c == NULL)
		c = kmem_cache_zalloc(&amap_chunks);
	if (c == NULL)
		return NULL;
	c->no = no;
	chunk_link(amap, c);
	EVENT_ADD(uvm_chunks, 1);
	return c;
}

/* A chunk without an anon goes.  Locks: [W] of its space. */
void
amap_chunk_end(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	ASSERT(c->n == 0);
	chunk_unlink(amap, c);
	kmem_cache_free(&amap_chunks, c);
	EVENT_ADD(uvm_chunks, -1);
}

/* n anons more are in the amap, or less.  Locks: [W] of its space. */
void
amap_count(struct vm_amap *amap, int64_t n)
{
	bool had = amap->nanons != 0;

	amap->nanons += (uint64_t)n;
	EVENT_ADD(uvm_amap_live, (amap->nanons != 0) - had);
}

/* ---- over its anons ---- */

/* The first page from *vpn on that has an anon.
 * Locks: [W] of its space.
 * Returns: its anon, with *vpn moved up to it; NULL: there is none. */
struct vm_anon *
amap_next(struct vm_amap *amap, uint64_t *vpn)
{
	struct vm_amap_chunk *c;

	while ((c = chunk_from(amap, *vpn / AMAP_CHUNK)) != NULL) {
		*vpn = MAX(*vpn, c->no * AMAP_CHUNK);
		for (; *vpn / AMAP_CHUNK == c->no; (*vpn)++)
			if (c->anon[*vpn % AMAP_CHUNK] != NULL)
				return c->anon[*vpn % AMAP_CHUNK];
	}
	return NULL;
}

/* Has the page of a slot been charged when it was touched?  Locks: [W] of its space. */
bool
amap_is_late(struct vm_amap *amap, uint64_t vpn)
{
	const struct vm_amap_chunk *c = amap_chunk(amap, vpn / AMAP_CHUNK);

	return c != NULL && (c->late >> vpn % AMAP_CHUNK & 1) != 0;
}

/* How many pages of [lo, hi) are such.  Locks: [W] of its space. */
uint64_t
amap_count_late(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_amap_chunk *c;
	uint64_t n = 0, vpn;
	uint32_t bits;

	for (c = chunk_from(amap, lo / AMAP_CHUNK); c != NULL;
	    c = chunk_from(amap, c->no + 1)) {
		vpn = c->no * AMAP_CHUNK;
		if (vpn >= hi)
			break;
		bits = c->late;
		if (lo > vpn)
			bits &= UINT32_MAX << (lo - vpn);
		if (hi < vpn + AMAP_CHUNK)
			bits &= ~(UINT32_MAX << (hi - vpn));
		for (; bits != 0; bits &= bits - 1)
			n++;
	}
	return n;
}

/* The anons of pages [lo, hi) of one amap go to free slots of another, shift pages
 * further, which has chunks for them, or spare ones.  No count of an anon changes, for
 * each stays in one slot.
 * Locks: [W] of its space. */
void
amap_move(struct vm_amap *to, struct vm_amap *from, uint64_t lo, uint64_t hi,
    uint64_t shift)
{
	struct vm_anon *anon;
	enum charged when;

	AMAP_FOREACH(anon, from, lo, hi) {
		CHECK(amap_reserve(to, lo + shift));
		when = amap_is_late(from, lo) ? CHARGED_LATE : CHARGED_AHEAD;
		amap_add(to, lo + shift, amap_take(from, lo), when);
	}
}

/* ---- whole amaps ---- */

/* An amap without an anon.
 * Locks: any of rank < LR_MEM.  Returns: refs 1; NULL: no memory.
 * Owns: the caller, for one entry. */
struct vm_amap *
amap_new(void)
{
	struct vm_amap *amap = kmem_cache_zalloc(&amaps);

	if (amap == NULL)
		return NULL;
	spin_init(&amap->lock, LR_OBJ);
	amap->refs = 1;
	return amap;
}

/* Its last entry has let it go, and its anons are gone: it ends, with the chunks that
 * were reserved and not used, and those set aside.
 * Locks: any of rank < LR_MEM; nobody else has it. */
void
amap_free(struct vm_amap *amap)
{
	struct vm_amap_chunk *c;

	ASSERT(amap->nanons == 0);
	while ((c = chunk_from(amap, 0)) != NULL)
		amap_chunk_end(amap, c);
	while ((c = take_spare(amap)) != NULL)
		kmem_cache_free(&amap_chunks, c);
	kmem_cache_free(&amaps, amap);
}

/* A late fork: one entry more has it.
 * Locks: [M] exclusive and [W] of its space; takes [amap].  Returns: it. */
struct vm_amap *
amap_share(struct vm_amap *amap)
{
	spin_lock(&amap->lock);
	amap->refs++;
	spin_unlock(&amap->lock);
	EVENT(uvm_amap_shared_forks);
	return amap;
}

/* One chunk more is set aside, for amap_split() or a copy.
 * Locks: none of rank >= LR_MEM; nobody else has the amap, or [W].
 * Returns: false: no memory. */
bool
amap_make_spare(struct vm_amap *amap)
{
	struct vm_amap_chunk *c = kmem_cache_zalloc(&amap_chunks);

	if (c == NULL)
		return false;
	c->rb.left = amap->spare == NULL ? NULL : &amap->spare->rb;
	amap->spare = c;
	amap->nspare++;
	return true;
}

/* The amap that the entry's anons are copied to, with the chunks that are set aside for
 * that.
 * Locks: [W] of its space.  Returns: refs 1; NULL: no memory.
 * Owns: the caller, for the entry. */
struct vm_amap *
amap_next_of(struct uvm_entry *e)
{
	struct vm_amap *amap = e->next;

	e->next = NULL;
	return amap != NULL ? amap : amap_new();
}

/* Chunks of the entry's part of its amap. */
static uint32_t
chunks_of(const struct uvm_entry *e)
{
	uint64_t no = e->start / AMAP_CHUNK, last = (e->end - 1) / AMAP_CHUNK;
	struct vm_amap_chunk *c;
	uint32_t n = 0;

	for (; (c = chunk_from(e->amap, no)) != NULL && c->no <= last;
	    no = c->no + 1)
		n++;
	return n;
}

/* Set aside the memory of a copy of e's amap.  If memory is short what was set aside
 * stays for the next call, since a shared amap does not change.  [W]. */
static bool
set_aside(struct uvm_entry *e)
{
	uint32_t n = chunks_of(e);

	if (e->next == NULL)
		e->next = amap_new();
	if (e->next == NULL)
		return false;
	while (e->next->nspare < n)
		if (!amap_make_spare(e->next))
			return false;
	return true;
}

/* The entry's amap is its own, for it is about to change: anons_turn_fn.  kept: chunks
 * that are set aside for its copy.
 * Locks: [W] of its space; takes [amap], [anon], [P].
 * Returns: NULL; the cache that had no object: another call goes on where this one has
 * stopped. */
struct kmem_cache *
amap_own(void *entry, uint64_t *kept)
{
	struct uvm_entry *e = entry;

	if (amap_is_shared(e->amap) && !(set_aside(e) && amap_unshare(e))) {
		*kept = e->next == NULL ? 0 : e->next->nspare;
		return e->next == NULL ? &amaps : &amap_chunks;
	}
	if (e->next != NULL) {
		amap_free(e->next);
		e->next = NULL;
	}
	return NULL;
}

/* A fault that will change a shared amap gets a copy of it first: fault->own.
 * Locks: those of anons_fault(); takes [amap], [anon], [P].
 * Returns: NULL; the cache that had no object: another call goes on. */
struct kmem_cache *
amap_fault_own(struct fctx *f, void *entry)
{
	struct uvm_entry *e = entry;
	struct kmem_cache *lacks;
	uint64_t kept;

	/* A load of a page of zeros makes an anon, too. */
	if (!amap_is_shared(e->amap) || (f->access != ACCESS_WRITE &&
	    (f->v.vmo != NULL || amap_lookup(e->amap, f->va >> PAGE_SHIFT) != NULL)))
		return NULL;
	lacks = amap_own(e, &kept);
	if (lacks != NULL)
		pmap_came_to(f, kept);
	return lacks;
}

static void
chunk_move(struct vm_amap *to, struct vm_amap *from, struct vm_amap_chunk *c)
{
	chunk_unlink(from, c);
	chunk_link(to, c);
	amap_count(from, -(int64_t)c->n);
	amap_count(to, c->n);
}

/* `to`, which is empty and has a spare chunk, gets what `from` has of [lo, hi), of which
 * one end is that of the amap: whole chunks, and of the one that is divided some pointers.
 * Locks: [W] of its space. */
void
amap_split(struct vm_amap *to, struct vm_amap *from, uint64_t lo, uint64_t hi)
{
	uint64_t first = (lo + AMAP_CHUNK - 1) / AMAP_CHUNK, end = hi / AMAP_CHUNK;
	struct vm_amap_chunk *c;

	amap_move(to, from, lo, first * AMAP_CHUNK, 0);
	while ((c = chunk_from(from, first)) != NULL && c->no < end)
		chunk_move(to, from, c);
	amap_move(to, from, end * AMAP_CHUNK, hi, 0);
}

/* `to` gets all that `from` has, whose pages lie below its own, or above.
 * Locks: [W] of its space. */
void
amap_merge(struct vm_amap *to, struct vm_amap *from)
{
	struct vm_amap_chunk *c;

	while ((c = chunk_from(from, 0)) != NULL) {
		if (c->n == 0)
			amap_chunk_end(from, c);
		else if (amap_chunk(to, c->no) == NULL)
			chunk_move(to, from, c);
		else /* with its last anon the chunk goes */
			amap_move(to, from, c->no * AMAP_CHUNK,
			    (c->no + 1) * AMAP_CHUNK, 0);
	}
}
