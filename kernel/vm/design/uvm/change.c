/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/change.c: what truncate and mremap do
 *
 * Problem   A part of a mapping loses its pages or its place.  Words are only a
 *           cache: most changes take them away, and the next fault finds the page
 *           again.
 *
 * Picture   truncate ─→ words, and anons behind the end
 *           mremap   ─→ words go, anons change their amap
 *
 * Rules     1. A truncate has no VAD, which may be on swap: it finds entries by
 *              address, under [W].
 */
#include "vm/design/uvm/uvm.h"

/* Anons of [lo, hi) go, of whatever entries lie there.  [W].  How many were late. */
static uint64_t
drop_anons(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct uvm_space *sp = uvm_space(as);
	struct uvm_entry *e;
	uint64_t n = 0;

	UVM_ENTRIES(e, sp, lo) {
		if (e->start >= hi)
			break;
		/* A late fork shares none of a mapping that has an object. */
		ASSERT(!amap_is_shared(e->amap));
		n += amap_unref(e->amap, MAX(lo, e->start), MIN(hi, e->end));
	}
	return n;
}

/*
 * A truncate, a hole or a write-back: ops->zap.
 *
 * Locks:    [X] of the link's object; takes [W].
 * Returns:  0.
 */
int
uvm_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	uint64_t gone = 0;

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
		gone = drop_anons(as, lo, hi);
		break;
	case ZAP_SHARED_ONLY:
		(void)pmap_remove(as, lo, hi, PMAP_OBJECT);
		break;
	case ZAP_CLEAN:
		pmap_clean(as, lo, hi);
		break;
	}
	commit_uncharge_late(as, gone);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/*
 * Amaps of their own, and chunks for all that is to come to b, shift pages above.
 * [W].  False: no memory.
 */
static bool
reserve_moved(struct uvm_entry *a, struct uvm_entry *b, uint64_t end, uint64_t shift)
{
	uint64_t vpn = a->start;
	struct vm_anon *anon;

	ASSERT(!amap_is_shared(b->amap));
	if (amap_is_shared(a->amap) && !amap_unshare(a))
		return false;
	AMAP_FOREACH(anon, a->amap, vpn, end)
		if (!amap_reserve(b->amap, vpn + shift))
			return false;
	return true;
}

/*
 * n pages of one VAD go to another, which has none: ops->move.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0, -ENOMEM (nothing has moved).
 */
int
uvm_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct uvm_entry *a = from->dpriv, *b = to->dpriv;
	uint64_t vpn, end, shift;
	struct vm_anon *anon;
	int r = -ENOMEM;

	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	mutex_lock(&as->ws_lock);
	vpn = a->start;
	end = vpn + n;
	shift = b->start - vpn;
	if (reserve_moved(a, b, end, shift)) {
		(void)pmap_remove(as, vpn, end, PMAP_ALL);
		AMAP_FOREACH(anon, a->amap, vpn, end)
			amap_move(b->amap, vpn + shift, a->amap, vpn);
		r = 0;
	}
	mutex_unlock(&as->ws_lock);
	return r;
}
