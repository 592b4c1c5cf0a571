/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_amap.c: which anon is at which page, for all processes of an amap
 *
 * Problem   After a fork two processes have the same pages, until one of them
 *           stores; then one may unmap a part of them, and the other not.
 *
 * Picture   parent's object [0x400, 0x500) ─┐
 *                                           ├─→ amap { shares 0, 1 } ─→ entries
 *           child's  object [0x400, 0x480) ─┘        by vpn: anon, mapped_in
 *
 * Rules     1. A shared amap loses an entry only by a truncate, which takes it
 *              from all; entries with the same bytes as the file may be added.
 *           2. A process that unmaps a part makes its window smaller.  Each entry is
 *              in a window of some process: it goes with the last one (I18).
 *           3. A share is a process: after a split its objects use one bit, for
 *              their windows do not overlap.
 *           4. Pages are numbered by address, which forks keep; mremap numbers
 *              them anew, once the amap is not shared.
 *
 * Read next unshare.c
 */
#include "vm/design/scalux/scalux.h"

struct kmem_cache sx_amaps = KMEM_CACHE("sx_amap", struct sx_amap);
struct kmem_cache sx_entries = KMEM_CACHE("sx_entry", struct sx_entry);

#define ENTRY_OF(node) CONTAINER_OF(node, struct sx_entry, rb)
#define ENTRY_VPN RB_NUMBER(struct sx_entry, rb, vpn)

struct sx_amap *
sx_amap_new(void)
{
	struct sx_amap *amap = kmem_cache_zalloc(&sx_amaps);

	if (amap == NULL)
		return NULL;
	list_init(&amap->objects);
	EVENT_ADD(scalux_amap_live, 1);
	return amap;
}

/* ---- look-up ---- */

/* The first entry of a page from vpn on.
 * Locks: [sx].  Returns: NULL: there is none. */
struct sx_entry *
sx_from_locked(struct sx_amap *amap, uint64_t vpn)
{
	struct rb_node *n = amap->last == NULL ? NULL : &amap->last->rb;

	HELD(&sx_lock);
	n = rb_from_near(&amap->entries, ENTRY_VPN, vpn, n);
	if (n == NULL)
		return NULL;
	return amap->last = ENTRY_OF(n);
}

/* The entry of a page.  Locks: [sx].  Returns: NULL: there is none. */
struct sx_entry *
sx_find_locked(struct sx_amap *amap, uint64_t vpn)
{
	struct sx_entry *e;

	HELD(&sx_lock);
	e = sx_from_locked(amap, vpn);
	return e != NULL && e->vpn == vpn ? e : NULL;
}

/* Are there entries of [lo, hi)?  Locks: [W] of its space; takes [sx]. */
bool
sx_has_entries(struct sx_amap *amap, uint64_t lo, uint64_t hi)
{
	struct sx_entry *e;
	bool has;

	spin_lock(&sx_lock);
	e = sx_from_locked(amap, lo);
	has = e != NULL && e->vpn < hi;
	spin_unlock(&sx_lock);
	return has;
}

/* ---- one entry: [sx] ---- */

static void
link_entry(struct sx_amap *amap, struct sx_entry *e, uint64_t vpn)
{
	e->vpn = vpn;
	e->amap = amap;
	rb_add(&amap->entries, &e->rb, ENTRY_VPN);
	amap->last = e;
	amap->n++;
	amap->nlate += e->late;
	EVENT_ADD(scalux_entries, 1);
}

static void
unlink_entry(struct sx_entry *e)
{
	struct sx_amap *amap = e->amap;

	rb_remove(&amap->entries, &e->rb, NULL);
	amap->last = NULL;
	amap->n--;
	amap->nlate -= e->late;
	EVENT_ADD(scalux_entries, -1);
}

static void
name_anon(struct sx_entry *e, struct sx_anon *anon)
{
	e->anon = anon;
	anon->refs++;
	list_push_back(&anon->entries, &e->anon_q);
}

/* The entry drops its anon, which is freed if that was its last entry. */
static void
forget_anon(struct sx_entry *e)
{
	struct sx_anon *anon = e->anon;
	unsigned share;

	for (share = 0; e->mapped_in != 0; share++)
		sx_unmap_locked(e, share);
	list_remove(&e->anon_q);
	e->anon = NULL;
	ASSERT(anon->refs > 0);
	if (--anon->refs == 0)
		sx_anon_free(anon);
}

static void
end_entry(struct sx_entry *e)
{
	unlink_entry(e);
	forget_anon(e);
	kmem_cache_free(&sx_entries, e);
}

/* The page vpn, which has none, gets an entry that names anon.
 * Locks: [sx].  Owns: the amap, the entry. */
void
sx_add_locked(struct sx_amap *amap, struct sx_entry *e, uint64_t vpn,
    struct sx_anon *anon, enum charged when)
{
	HELD(&sx_lock);
	e->late = when == CHARGED_LATE;
	e->mapped_in = 0;
	name_anon(e, anon);
	link_entry(amap, e, vpn);
}

/* Give an entry another anon, a copy; no word of this share maps its page.
 * CHARGED_LATE: the copy was charged just now.
 * Locks: [sx]; takes [P]. */
void
sx_replace_locked(struct sx_entry *e, struct sx_anon *anon, enum charged when)
{
	HELD(&sx_lock);
	ASSERT(!sx_is_shared(e->amap));
	forget_anon(e);
	name_anon(e, anon);
	e->amap->nlate += when == CHARGED_LATE && !e->late;
	e->late |= when == CHARGED_LATE;
}

/* ---- ranges ---- */

/* A copy of the amap under way has the page, too: its owner got the charge back. */
static void
forgive(struct sx_amap *copy, uint64_t vpn)
{
	struct sx_entry *e = sx_find_locked(copy, vpn);

	if (e == NULL)
		return;
	copy->nlate -= e->late;
	e->late = false;
}

/* A truncate takes a late page from all sharers: each gets its charge back.  So a space
 * that joins or leaves an amap counts its late pages in the same hold of
 * [sx]. */
static void
give_back_late(const struct sx_entry *e)
{
	struct sx_object *o;

	if (!e->late)
		return;
	LIST_FOREACH(o, &e->amap->objects, amap_q) {
		if (e->vpn < o->start || e->vpn >= o->end)
			continue;
		commit_uncharge_late(o->as, 1);
		if (o->copy != NULL)
			forgive(o->copy, e->vpn);
	}
}

/* Drop the first entry of [*vpn, hi).  False: there is none.  Takes [sx]. */
static bool
drop_one(struct sx_amap *amap, uint64_t *vpn, uint64_t hi)
{
	struct sx_entry *e;

	spin_lock(&sx_lock);
	e = sx_from_locked(amap, *vpn);
	if (e == NULL || e->vpn >= hi) {
		spin_unlock(&sx_lock);
		return false;
	}
	*vpn = e->vpn;
	give_back_late(e);
	end_entry(e);
	spin_unlock(&sx_lock);
	return true;
}

/* Drop the entries of [lo, hi), and give the sharers of the amap the charge of late ones
 * back.
 * Locks: [W] of its space; takes [sx], [P]. */
void
sx_drop(struct sx_amap *amap, uint64_t lo, uint64_t hi)
{
	while (drop_one(amap, &lo, hi))
		lo++;
}

/* How many pages of [lo, hi) were charged when they were touched?  Locks: [sx]. */
uint64_t
sx_count_late(struct sx_amap *amap, uint64_t lo, uint64_t hi)
{
	struct sx_entry *e;
	uint64_t n = 0;

	HELD(&sx_lock);
	e = amap->nlate == 0 ? NULL : sx_from_locked(amap, lo);
	for (; e != NULL && e->vpn < hi; e = sx_from_locked(amap, e->vpn + 1))
		n += e->late;
	return n;
}

/* Move the entries of [lo, hi) to another amap, lo to page vpn there.  Neither is shared.
 * Locks: [M] exclusive and [W] of its space; takes [sx]. */
void
sx_move(struct sx_amap *to, uint64_t vpn, struct sx_amap *from, uint64_t lo,
    uint64_t hi)
{
	uint64_t at = lo;
	struct sx_entry *e;

	for (;;) {
		spin_lock(&sx_lock);
		e = sx_from_locked(from, at);
		if (e == NULL || e->vpn >= hi)
			break;
		at = e->vpn;
		unlink_entry(e);
		link_entry(to, e, at - lo + vpn);
		at++;
		spin_unlock(&sx_lock);
	}
	spin_unlock(&sx_lock);
}

/* Free an amap and its entries: it has no user, so that no charge must be given
 * back.
 * Locks: takes [sx], [P]. */
void
sx_amap_end(struct sx_amap *amap)
{
	ASSERT(amap->shares == 0);
	sx_drop(amap, 0, UINT64_MAX);
	EVENT_ADD(scalux_amap_live, -1);
	kmem_cache_free(&sx_amaps, amap);
}

/* ---- who uses an amap ---- */

/* A bit for one more process.  Locks: [sx].  Returns: -1: there is none. */
int
sx_free_share_locked(const struct sx_amap *amap)
{
	HELD(&sx_lock);
	return ~amap->shares == 0 ? -1 : __builtin_ctzl(~amap->shares);
}

/* Attach the object, which has no amap, to this one.  Locks: [W], [sx]. */
void
sx_join_locked(struct sx_object *o, struct sx_amap *amap, unsigned share)
{
	HELD(&sx_lock);
	HELD(&o->as->ws_lock);
	ASSERT(amap->objects_of[share] < SX_WINDOWS);
	o->amap = amap;
	o->share = (uint8_t)share;
	amap->shares |= 1ul << share;
	amap->objects_of[share]++;
	list_push_front(&amap->objects, &o->amap_q);
}

/* Detach the object from its amap.  Locks: [W], [sx]. */
void
sx_part_locked(struct sx_object *o)
{
	struct sx_amap *amap = o->amap;

	HELD(&sx_lock);
	HELD(&o->as->ws_lock);
	list_remove(&o->amap_q);
	o->amap = NULL;
	if (--amap->objects_of[o->share] == 0)
		amap->shares &= ~(1ul << o->share);
}

/* An object, of any process, that has the page in its window.
 * Locks: [sx].  Returns: NULL: nobody can reach the page. */
struct sx_object *
sx_window_locked(const struct sx_amap *amap, uint64_t vpn)
{
	struct sx_object *o;

	HELD(&sx_lock);
	LIST_FOREACH(o, &amap->objects, amap_q)
		if (vpn >= o->start && vpn < o->end)
			return o;
	return NULL;
}

/* A window has gone: drop the first entry of [*vpn, end) that only it reached, or skip
 * all that another window reaches.  False: there is no entry.  Takes [sx] for each, for
 * there may be as many windows as VADs. */
static bool
drop_leftover(struct sx_amap *amap, uint64_t *vpn, uint64_t end)
{
	struct sx_object *o;
	struct sx_entry *e;

	spin_lock(&sx_lock);
	e = sx_from_locked(amap, *vpn);
	if (e == NULL || e->vpn >= end) {
		spin_unlock(&sx_lock);
		return false;
	}
	o = sx_window_locked(amap, e->vpn);
	*vpn = o != NULL ? o->end : e->vpn + 1;
	if (o == NULL) {
		end_entry(e);
		EVENT(scalux_leftover);
	}
	spin_unlock(&sx_lock);
	return true;
}

/* Detach the object from its amap; it uses its copy, if it has one.  Its words are gone,
 * or their bits were moved.  Entries that no other window reaches are freed; until then
 * the object keeps the amap, by an empty window.
 * Locks: [W]; takes [sx], [P].
 * Returns: how many pages of its window were charged when touched. */
uint64_t
sx_leave(struct sx_object *o)
{
	struct sx_amap *amap = o->amap, *copy = o->copy;
	uint64_t vpn = o->start, end = o->end, shares, late;
	bool alone;

	HELD(&o->as->ws_lock);
	spin_lock(&sx_lock);
	late = copy != NULL ? 0 : sx_count_late(amap, vpn, end);
	alone = amap->shares == 1ul << o->share &&
	    amap->objects_of[o->share] == 1;
	o->end = vpn;
	spin_unlock(&sx_lock);
	while (!alone && drop_leftover(amap, &vpn, end))
		;
	spin_lock(&sx_lock);
	o->end = end;
	sx_part_locked(o);
	o->copy = NULL;
	if (copy != NULL)
		sx_join_locked(o, copy, 0);
	shares = amap->shares;
	spin_unlock(&sx_lock);
	if (shares == 0)
		sx_amap_end(amap);
	return late;
}
