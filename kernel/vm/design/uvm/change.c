/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/change.c: truncate, mremap and madvise
 *
 * Problem   A part of a mapping loses its pages or its address.  PTEs are only a
 *           cache: most changes clear them, and the next fault finds the page
 *           again.
 *
 * Picture   truncate ─→ words, and anons behind the end
 *           DONTNEED ─→ the same, in an amap that is not shared
 *           mremap   ─→ words go, anons change their amap
 *
 * Rules     1. A copy of a shared amap, which may fail, comes first; then the words go.
 */
#include "vm/design/uvm/uvm.h"

/* As amap_own(), but it may wait for memory.
 * Locks: [M] exclusive, with a structural token or none; takes [W].
 * Returns: 0, -ENOMEM, -EINTR (fatal signal): the amap is as it was. */
int
uvm_own_wait(struct aspace *as, struct uvm_entry *e)
{
	return anons_by_turns(as, e->vad, amap_own, e);
}

/* Anons of [lo, hi) go, of whatever entries lie there: of a truncate.
 * Locks: [W]; takes [anon], [P]. */
void
uvm_drop(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct uvm_entry *e;

	HELD(&as->ws_lock);
	UVM_ENTRIES(e, uvm_space(as), lo, hi) {
		/* A late fork shares none of a mapping that has an object. */
		ASSERT(!amap_is_shared(e->amap));
		commit_uncharge_late(as, amap_unref(e->amap,
		    MAX(lo, e->start), MIN(hi, e->end)));
	}
}

/* Anons that go to another amap: [own]. */
struct moving {
	struct uvm_entry *from, *to;
	uint64_t end, shift;       /* of the anons, and how far they go */
};

/* Chunks for all that is to come to the other amap; those that there are stay. */
static struct kmem_cache *
reserve_turn(void *arg, uint64_t *came_to)
{
	const struct moving *m = arg;
	struct vm_anon *anon;

	ASSERT(!amap_is_shared(m->from->amap) && !amap_is_shared(m->to->amap));
	*came_to = m->from->start;
	AMAP_FOREACH(anon, m->from->amap, *came_to, m->end)
		if (!amap_reserve(m->to->amap, *came_to + m->shift))
			return &amap_chunks;
	return NULL;
}

/* Moves n pages of one VAD to another, which has none: school->move.  Pages behind the
 * end of the object stay: a truncate may have visited the target already (R7).
 * Locks: [M] exclusive; takes [W].  Returns: 0, -ENOMEM (nothing has moved). */
int
uvm_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct uvm_entry *a = from->dpriv, *b = to->dpriv;
	const struct vad copy = *to; /* [W]: no paged memory */
	struct moving m = { .from = a, .to = b };
	uint64_t vpn, limit;
	int r;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	r = uvm_own_wait(as, a);
	if (r != 0)
		return -ENOMEM;
	vpn = a->start;
	m.shift = b->start - vpn;
	m.end = vpn + n;
	r = anons_by_turns(as, a->vad, reserve_turn, &m);
	if (r != 0)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	limit = pte_limit(&copy) >> PAGE_SHIFT;
	m.end = MIN(m.end, MAX(limit, b->start) - m.shift);
	(void)pmap_remove(as, vpn, vpn + n, PMAP_ALL);
	amap_move(b->amap, a->amap, vpn, m.end, m.shift);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* madvise: discards the pages of the process in [lo, hi) of an entry.
 * Locks: [M] exclusive; takes [W].
 * Returns: 0; -EAGAIN: its amap is shared, and there is no memory for a copy;
 * -EINTR. */
int
uvm_discard(struct aspace *as, void *entry, uint64_t lo, uint64_t hi)
{
	struct uvm_entry *e = entry;
	int r = uvm_own_wait(as, e);

	HELD(&as->map_lock);
	if (r != 0)
		return r == -ENOMEM ? -EAGAIN : r;
	mutex_lock(&as->ws_lock);
	(void)pmap_remove(as, lo, hi, PMAP_ALL);
	uvm_drop(as, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
