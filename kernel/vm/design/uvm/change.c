/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/change.c: what truncate, mremap and madvise do
 *
 * Problem   A part of a mapping loses its pages or its place.  Words are only a
 *           cache: most changes take them away, and the next fault finds the page
 *           again.
 *
 * Picture   truncate ─→ words, and anons behind the end
 *           DONTNEED ─→ the same, of an amap that nobody else has
 *           mremap   ─→ words go, anons change their amap
 *
 * Rules     1. Words go first; what may fail, a copy of a shared amap, before them.
 */
#include "vm/design/uvm/uvm.h"

/*
 * Anons of [lo, hi) go, of whatever entries lie there: of a truncate.
 *
 * Locks:    [W]; takes [anon], [P].
 */
void
uvm_drop(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct uvm_entry *e;

	UVM_ENTRIES(e, uvm_space(as), lo, hi) {
		/* A late fork shares none of a mapping that has an object. */
		ASSERT(!amap_is_shared(e->amap));
		commit_uncharge_late(as, amap_unref(e->amap,
		    MAX(lo, e->start), MIN(hi, e->end)));
	}
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
 * n pages of one VAD go to another, which has none: ops->move.  What lies behind the
 * end of the object stays: a truncate takes the target to be done (R7).
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0, -ENOMEM (nothing has moved).
 */
int
uvm_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct uvm_entry *a = from->dpriv, *b = to->dpriv;
	const struct vad copy = *to; /* [W]: no paged memory */
	uint64_t vpn, end, shift, limit;
	struct vm_anon *anon;
	int r = -ENOMEM;

	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	mutex_lock(&as->ws_lock);
	vpn = a->start;
	shift = b->start - vpn;
	limit = pte_limit(&copy) >> PAGE_SHIFT;
	end = MIN(b->start + n, MAX(limit, b->start)) - shift;
	if (reserve_moved(a, b, end, shift)) {
		(void)pmap_remove(as, vpn, vpn + n, PMAP_ALL);
		AMAP_FOREACH(anon, a->amap, vpn, end)
			amap_move(b->amap, vpn + shift, a->amap, vpn);
		r = 0;
	}
	mutex_unlock(&as->ws_lock);
	return r;
}

/*
 * madvise: what the process has in [lo, hi) of an entry is not wanted any more.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0; -EAGAIN: its amap is shared, and there is no memory for a copy.
 */
int
uvm_discard(struct aspace *as, void *entry, uint64_t lo, uint64_t hi)
{
	struct uvm_entry *e = entry;
	bool own;

	mutex_lock(&as->ws_lock);
	own = !amap_is_shared(e->amap) || amap_unshare(e);
	if (own) {
		(void)pmap_remove(as, lo, hi, PMAP_ALL);
		uvm_drop(as, lo, hi);
	}
	mutex_unlock(&as->ws_lock);
	return own ? 0 : -EAGAIN;
}

/*
 * Does no other slot name the anon?
 *
 * Locks:    [W], [anon].
 */
bool
uvm_is_own(void *entry, const uint64_t *word)
{
	const struct vm_anon *anon = CONTAINER_OF(word, struct vm_anon, word);

	return !amap_is_shared(((struct uvm_entry *)entry)->amap) &&
	    anon->refs == 1;
}
