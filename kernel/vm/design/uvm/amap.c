/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amap.c: which anon is at which page: a sparse array of two levels
 *
 * Problem   A mapping may be of a terabyte, of which a few pages have been
 *           touched.  Their anons must be found quickly, copied by a fork at the
 *           cost of what exists, and divided where the mapping is.
 *
 * Picture   amap ─ chunks ─→ { no 512 }   { no 513 }          { no 900 }
 *                              anon[32]     anon[32]            anon[32]
 *                              │ │          │
 *                              ▼ ▼          ▼
 *                              anons of pages 16384, 16385, …   vpn = no * 32 + i
 *
 * Rules     1. Chunks are numbered by address, not from the mapping's beginning:
 *              so a mapping grows downwards, is divided and is joined without a
 *              slot being shifted.
 *           2. The first level is a tree of the chunks that there are: an array
 *              of pointers would cost a mapping of a terabyte 64 MiB before its
 *              first touch.
 *           3. A chunk without an anon goes.
 *           4. Under this design an amap belongs to one entry of one space: that
 *              space's ws_lock guards it.
 */
#include "vm/design/uvm/uvm.h"

static struct kmem_cache chunks = KMEM_CACHE("vm_amap_chunk",
    struct vm_amap_chunk);

#define CHUNK_OF(node) CONTAINER_OF(node, struct vm_amap_chunk, rb)

/* ---- first level ---- */

/* The first chunk with a number from no on; NULL. */
static struct vm_amap_chunk *
chunk_from(struct vm_amap *amap, uint64_t no)
{
	struct rb_node *n = amap->chunks.node;
	struct vm_amap_chunk *best = NULL;

	if (amap->last != NULL && amap->last->no == no)
		return amap->last;
	while (n != NULL) {
		if (CHUNK_OF(n)->no >= no) {
			best = CHUNK_OF(n);
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best != NULL)
		amap->last = best;
	return best;
}

static struct vm_amap_chunk *
chunk_at(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = chunk_from(amap, vpn / AMAP_CHUNK);

	return c != NULL && c->no == vpn / AMAP_CHUNK ? c : NULL;
}

static void
chunk_link(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	struct rb_node **link = &amap->chunks.node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		ASSERT(CHUNK_OF(parent)->no != c->no);
		link = c->no < CHUNK_OF(parent)->no ? &parent->left :
		    &parent->right;
	}
	rb_insert(&amap->chunks, &c->rb, parent, link, NULL);
	amap->last = c;
}

static void
chunk_unlink(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	rb_remove(&amap->chunks, &c->rb, NULL);
	amap->last = NULL;
}

static void
chunk_end(struct vm_amap *amap, struct vm_amap_chunk *c)
{
	ASSERT(c->n == 0);
	chunk_unlink(amap, c);
	kmem_cache_free(&chunks, c);
	EVENT_ADD(uvm_chunks, -1);
}

/* n anons more are in the amap, or less. */
static void
count_anons(struct vm_amap *amap, int64_t n)
{
	bool had = amap->nanons != 0;

	amap->nanons += (uint64_t)n;
	EVENT_ADD(uvm_amap_live, (amap->nanons != 0) - had);
}

/* ---- slots ---- */

/*
 * The anon of a page.
 *
 * Locks:    [W].
 * Returns:  the anon; NULL: there is none.
 */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = chunk_at(amap, vpn);

	return c == NULL ? NULL : c->anon[vpn % AMAP_CHUNK];
}

/*
 * A chunk for the page, so that amap_add() does not fail.
 *
 * Locks:    [W].
 * Returns:  false: no memory.
 */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = chunk_at(amap, vpn);

	if (c != NULL)
		return true;
	c = kmem_cache_zalloc(&chunks);
	if (c == NULL) {
		c = amap->spare;
		amap->spare = NULL;
	}
	if (c == NULL)
		return false;
	c->no = vpn / AMAP_CHUNK;
	chunk_link(amap, c);
	EVENT_ADD(uvm_chunks, 1);
	return true;
}

static void
slot_set(struct vm_amap *amap, struct vm_amap_chunk *c, uint64_t vpn,
    struct vm_anon *anon, bool late)
{
	ASSERT(c != NULL && c->anon[vpn % AMAP_CHUNK] == NULL);
	c->anon[vpn % AMAP_CHUNK] = anon;
	c->n++;
	if (late)
		c->late |= 1u << vpn % AMAP_CHUNK;
	count_anons(amap, 1);
}

static struct vm_anon *
slot_clear(struct vm_amap *amap, struct vm_amap_chunk *c, uint64_t vpn)
{
	struct vm_anon *anon = c->anon[vpn % AMAP_CHUNK];

	if (anon == NULL)
		return NULL;
	c->anon[vpn % AMAP_CHUNK] = NULL;
	c->late &= ~(1u << vpn % AMAP_CHUNK);
	c->n--;
	count_anons(amap, -1);
	return anon;
}

/*
 * Has the page of a slot been charged when it was touched?
 *
 * Locks:    [W].
 */
bool
amap_is_late(struct vm_amap *amap, uint64_t vpn)
{
	const struct vm_amap_chunk *c = chunk_at(amap, vpn);

	return c != NULL && (c->late >> vpn % AMAP_CHUNK & 1) != 0;
}

/*
 * The page's anon, from now on: its slot is free, and has a chunk.
 *
 * Locks:    [W].
 * Owns:     takes a reference over.
 */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, bool late)
{
	slot_set(amap, chunk_at(amap, vpn), vpn, anon, late);
}

/*
 * Another anon for a slot that is in use: it has been copied.
 *
 * Locks:    [W].
 * Returns:  the anon before.
 * Owns:     takes a reference over; the caller, that of the anon before.
 */
struct vm_anon *
amap_replace(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon)
{
	struct vm_amap_chunk *c = chunk_at(amap, vpn);
	struct vm_anon *old = c->anon[vpn % AMAP_CHUNK];

	ASSERT(old != NULL);
	c->anon[vpn % AMAP_CHUNK] = anon;
	return old;
}

/*
 * The anon of a page, out of its slot.
 *
 * Locks:    [W].
 * Returns:  the anon; NULL: there is none.
 * Owns:     the caller, its reference.
 */
struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	struct vm_amap_chunk *c = chunk_at(amap, vpn);
	struct vm_anon *anon;

	if (c == NULL)
		return NULL;
	anon = slot_clear(amap, c, vpn);
	if (c->n == 0)
		chunk_end(amap, c);
	return anon;
}

/*
 * The anon of page `from` of one amap goes to a free slot of another, which has a
 * chunk.
 *
 * Locks:    [W].
 */
void
amap_move(struct vm_amap *to, uint64_t vpn, struct vm_amap *amap, uint64_t from)
{
	bool late = amap_is_late(amap, from);

	amap_add(to, vpn, amap_take(amap, from), late);
}

/*
 * The first page from *vpn on that has an anon.
 *
 * Locks:    [W].
 * Returns:  its anon, with *vpn moved up to it; NULL: there is none.
 */
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

/*
 * The anons of [lo, hi) are let go; nothing maps their pages in this space.
 *
 * Locks:    [W]; takes [anon], [P].
 * Returns:  how many of them were charged when touched.
 */
uint64_t
amap_drop(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	struct vm_anon *anon;
	uint64_t n = 0;

	AMAP_FOREACH(anon, amap, lo, hi) {
		n += amap_is_late(amap, lo);
		uvm_anon_drop(amap_take(amap, lo));
	}
	return n;
}

/* ---- whole amaps ---- */

/*
 * A chunk is set aside for amap_split().
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  false: no memory.
 */
bool
amap_make_spare(struct vm_amap *amap)
{
	if (amap->spare == NULL)
		amap->spare = kmem_cache_zalloc(&chunks);
	return amap->spare != NULL;
}

/*
 * hi, which is empty and has a spare chunk, gets what lo has from vpn on: whole
 * chunks, and of the one that is divided some pointers.  No count of an anon
 * changes, for each stays in one slot.
 *
 * Locks:    [W].
 */
void
amap_split(struct vm_amap *lo, struct vm_amap *hi, uint64_t vpn)
{
	struct vm_amap_chunk *c;
	struct vm_anon *anon;
	uint64_t at = vpn;

	while (at % AMAP_CHUNK != 0 && (anon = amap_next(lo, &at)) != NULL &&
	    at / AMAP_CHUNK == vpn / AMAP_CHUNK) {
		CHECK(amap_reserve(hi, at));
		amap_move(hi, at, lo, at);
		at++;
	}
	at = (vpn + AMAP_CHUNK - 1) / AMAP_CHUNK;
	while ((c = chunk_from(lo, at)) != NULL) {
		chunk_unlink(lo, c);
		chunk_link(hi, c);
		count_anons(lo, -(int64_t)c->n);
		count_anons(hi, c->n);
	}
}

/* lo has a chunk of that number: it gets the pointers. */
static void
join_chunks(struct vm_amap *lo, struct vm_amap *hi, struct vm_amap_chunk *c)
{
	uint64_t vpn = c->no * AMAP_CHUNK, i;
	bool late;

	for (i = 0; i < AMAP_CHUNK; i++) {
		late = (c->late >> i & 1) != 0;
		if (c->anon[i] != NULL)
			amap_add(lo, vpn + i, slot_clear(hi, c, vpn + i), late);
	}
	chunk_end(hi, c);
}

/*
 * lo gets all that hi has, whose pages lie above.
 *
 * Locks:    [W].
 */
void
amap_merge(struct vm_amap *lo, struct vm_amap *hi)
{
	struct vm_amap_chunk *c;

	while ((c = chunk_from(hi, 0)) != NULL) {
		if (chunk_at(lo, c->no * AMAP_CHUNK) != NULL) {
			join_chunks(lo, hi, c);
			continue;
		}
		chunk_unlink(hi, c);
		chunk_link(lo, c);
		count_anons(hi, -(int64_t)c->n);
		count_anons(lo, c->n);
	}
}

/*
 * Its entry goes: chunks that were reserved and not used, and the spare one.
 *
 * Locks:    none; nobody else has it.
 */
void
amap_end(struct vm_amap *amap)
{
	struct vm_amap_chunk *c;

	ASSERT(amap->nanons == 0);
	while ((c = chunk_from(amap, 0)) != NULL)
		chunk_end(amap, c);
	if (amap->spare != NULL)
		kmem_cache_free(&chunks, amap->spare);
	amap->spare = NULL;
}
