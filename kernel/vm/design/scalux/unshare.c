/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/unshare.c: W1: a shared amap is copied before it is changed
 *
 * Problem   A fork has copied nothing.  The first store of either side must not
 *           change what the other has; and there may be no memory for a copy of
 *           many entries under locks that allow no wait.
 *
 * Picture   before   parent ─┬─→ amap 1 { e₁ e₂ e₃ } ─→ anons, refs 1
 *                    child  ─┘
 *           after    parent ───→ amap 1 { e₁ e₂ e₃ } ─→ anons, refs 2
 *                    child  ───→ amap 2 { e₁ e₂ e₃ } ─────┘
 *
 * Rules     1. Only the window is copied; entries, not anons.
 *           2. The copied part is kept in the object until the next pass.  A shared
 *              amap loses entries meanwhile only by a truncate, which looks at the
 *              copy, too.
 *           3. If no other process shares the amap any more, the copy is not needed
 *              and is thrown away.
 *           4. mapped_in is copied, too: no PTE changes.
 */
#include "vm/design/scalux/scalux.h"

/* Does another process use its amap?  If not, none will: only its own fork could change
 * that, and map_lock excludes it.
 * Locks: [M] or [W]; takes [sx]. */
bool
sx_has_others(const struct sx_object *o)
{
	return UNDER(&sx_lock, sx_is_shared(o->amap));
}

/* Free an incomplete copy: the window or the amap changes.
 * Locks: [W]; takes [sx], [P]. */
void
sx_abandon(struct sx_object *o)
{
	struct sx_amap *copy = o->copy;

	HELD(&o->as->ws_lock);
	if (copy == NULL)
		return;
	spin_lock(&sx_lock);
	o->copy = NULL;
	spin_unlock(&sx_lock);
	sx_amap_end(copy);
}

/* Begin a copy, without entries.  [W].  False: no memory. */
static bool
begin_copy(struct sx_object *o)
{
	struct sx_amap *copy = sx_amap_new();

	spin_lock(&sx_lock);
	o->copy = copy;
	spin_unlock(&sx_lock);
	o->copied = o->start;
	return copy != NULL;
}

/* Copy the next entry of the window.  0: there is none; -1: no memory. */
static int
copy_next(struct sx_object *o)
{
	struct sx_entry *e, *n = kmem_cache_zalloc(&sx_entries);

	if (n == NULL)
		return -1;
	spin_lock(&sx_lock);
	e = sx_from_locked(o->amap, o->copied);
	if (e == NULL || e->vpn >= o->end || !sx_is_shared(o->amap)) {
		spin_unlock(&sx_lock);
		kmem_cache_free(&sx_entries, n);
		return 0;
	}
	sx_add_locked(o->copy, n, e->vpn, e->anon, sx_charged(e));
	o->copied = e->vpn + 1;
	spin_unlock(&sx_lock);
	EVENT(scalux_amap_entries_copied);
	return 1;
}

/* Count the word that maps the page of e, if there is one, in the copy.
 * False: the copy lacks this anon, which came while it was made.  [W], [sx]. */
static bool
hand_over(struct sx_object *o, struct sx_entry *e)
{
	struct vm_page *pg = e->anon->page;
	struct sx_entry *n;

	if ((e->mapped_in >> o->share & 1) == 0)
		return true;
	n = sx_find_locked(o->copy, e->vpn);
	if (n == NULL || n->anon != e->anon)
		return false;
	sx_unmap_locked(e, o->share);
	sx_map_locked(n, 0, pg);
	return true;
}

/* The copy is complete: it becomes the object's amap.  [W]. */
static void
take_copy(struct sx_object *o)
{
	uint64_t vpn = o->start, n = o->copy->n;
	struct sx_entry *e;
	bool done;

	for (;; vpn++) {
		spin_lock(&sx_lock);
		e = sx_from_locked(o->amap, vpn);
		if (e == NULL || e->vpn >= o->end)
			break;
		vpn = e->vpn;
		done = hand_over(o, e);
		spin_unlock(&sx_lock);
		if (!done)
			(void)pmap_remove(o->as, vpn, vpn + 1, PMAP_ALL);
	}
	spin_unlock(&sx_lock);
	(void)sx_leave(o);
	EVENT(scalux_amap_copies, o->start << PAGE_SHIFT, n);
}

/* Make the object's amap its process's own: W1, an anons_turn_fn.
 * Locks: [W]; takes [sx], [P].
 * Returns: NULL; the cache that had no object: the next call goes on. */
struct kmem_cache *
sx_unshare(void *object, uint64_t *copied)
{
	struct sx_object *o = object;
	int r = 1;

	HELD(&o->as->ws_lock);
	*copied = o->start;
	if (sx_has_others(o) && o->copy == NULL && !begin_copy(o))
		return &sx_amaps;
	while (r > 0 && sx_has_others(o))
		r = copy_next(o);
	*copied = o->copied;
	if (r < 0)
		return &sx_entries;
	if (sx_has_others(o))
		take_copy(o);
	sx_abandon(o);
	return NULL;
}

/* sx_unshare(), for callers that may wait.
 * Locks: [M] exclusive, with a structural token or none; takes [W].
 * Returns: 0, -ENOMEM, -EINTR (fatal signal): the amap is unchanged. */
int
sx_unshare_wait(struct sx_object *o)
{
	int r = anons_by_turns(o->as, o->vad, sx_unshare, o);

	if (r != 0) {
		mutex_lock(&o->as->ws_lock);
		sx_abandon(o);
		mutex_unlock(&o->as->ws_lock);
	}
	return r;
}
