/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_change.c: truncate, mremap and madvise
 *
 * Problem   A part of a mapping loses its pages, or its address, while other
 *           processes use the same amap.
 *
 * Picture   truncate ─→ words of this space; entries, of all who share them
 *           DONTNEED ─→ W1; then words and entries
 *           mremap   ─→ W1, then entries change their amap and their number
 *
 * Rules     1. A truncate visits the spaces in turn, and all of them lose an entry
 *              behind the end: the first visit removes it.  The others' words map
 *              the page until their visit; it belongs to no anon then.
 *           2. DONTNEED need not remove entries with the same bytes as the file: the
 *              next read would add them again.
 */
#include "vm/design/scalux/scalux.h"

/* Drop the entries of [lo, hi), of all objects there: a truncate.
 * Locks: [W]; takes [sx], [P]. */
void
sx_drop_all(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct sx_object *o;

	HELD(&as->ws_lock);
	SX_OBJECTS(o, as, lo, hi) {
		sx_abandon(o);
		sx_drop(o->amap, MAX(lo, o->start), MIN(hi, o->end));
	}
}

/* Move n pages of one VAD to another, which has none: school->move.  Pages behind the end
 * of the object stay: a truncate may have passed the target (R7).
 * Locks: [M] exclusive; takes [W].  Returns: 0, -ENOMEM (nothing has moved). */
int
sx_mremap(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct sx_object *a = from->dpriv, *b = to->dpriv;
	const struct vad copy = *to; /* [W]: no paged memory */
	uint64_t limit;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	if (sx_has_others(a) && sx_unshare_wait(a) != 0)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, a->start, a->start + n, PMAP_ALL);
	limit = pte_limit(&copy) >> PAGE_SHIFT;
	n = MIN(n, MAX(limit, b->start) - b->start);
	sx_move(b->amap, b->start, a->amap, a->start, a->start + n);
	mutex_unlock(&as->ws_lock);
	return 0;
}

static int
is_there(void *unused, uint64_t vpn, uint64_t *word)
{
	return 1;
}

/* madvise: drop the pages that the process has in [lo, hi) of an object.
 * Locks: [M] exclusive; takes [W].
 * Returns: 0, -ENOMEM, -EINTR: nothing has changed. */
int
sx_discard(struct aspace *as, void *object, uint64_t lo, uint64_t hi)
{
	struct sx_object *o = object;
	bool found;
	int r = 0;

	HELD(&as->map_lock);
	mutex_lock(&as->ws_lock);
	found = anons_each(as, lo, hi, is_there, NULL) != 0;
	mutex_unlock(&as->ws_lock);
	if (found && sx_has_others(o))
		r = sx_unshare_wait(o);
	if (r != 0)
		return r;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, lo, hi, PMAP_ALL);
	if (found)
		sx_drop_all(as, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
