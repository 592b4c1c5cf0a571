/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_change.c: truncate and mremap
 *
 * Problem   A part of a mapping loses its pages, or its place, while others use
 *           the same amap.
 *
 * Picture   truncate ─→ words of this space; entries, of all who share them
 *           mremap   ─→ W1, then entries change their amap and their number
 *
 * Rules     1. A truncate comes to each space in turn, and each entry behind the
 *              end is everybody's to lose: the first takes it out.  Words of the
 *              others map the page until it comes to them; it is no anon's then.
 *           2. A truncate has no VAD, which may be on swap: it finds objects by
 *              address, under [W].
 */
#include "vm/design/scalux/scalux.h"

/* Entries of [lo, hi) go, of whatever objects lie there.  [W]. */
static void
drop_entries(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct sx_object *o;

	SX_OBJECTS(o, as, lo) {
		if (o->start >= hi)
			break;
		sx_abandon(o);
		sx_drop(o->amap, MAX(lo, o->start), MIN(hi, o->end));
	}
}

/*
 * A truncate, a hole or a write-back: ops->zap.
 *
 * Locks:    [X] of the link's object; takes [W].
 * Returns:  0.
 */
int
sx_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	lo = MAX(lo, link->start);
	hi = MIN(hi, link->end);
	mutex_lock(&as->ws_lock);
	if (as->dpriv == NULL || lo >= hi) {
		mutex_unlock(&as->ws_lock);
		return 0;
	}
	switch (job->how) {
	case ZAP_EVEN_PRIVATE:
		(void)pmap_remove(as, lo, hi, PMAP_ALL);
		drop_entries(as, lo, hi);
		break;
	case ZAP_SHARED_ONLY:
		(void)pmap_remove(as, lo, hi, PMAP_OBJECT);
		break;
	case ZAP_CLEAN:
		pmap_clean(as, lo, hi);
		break;
	}
	mutex_unlock(&as->ws_lock);
	return 0;
}

/*
 * n pages of one VAD go to another, which has none: ops->move.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0, -ENOMEM (nothing has moved).
 */
int
sx_mremap(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct sx_object *a = from->dpriv, *b = to->dpriv;

	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	if (sx_has_others(a) && sx_unshare_wait(a) != 0)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, a->start, a->start + n, PMAP_ALL);
	sx_move(b->amap, b->start, a->amap, a->start, a->start + n);
	mutex_unlock(&as->ws_lock);
	return 0;
}
