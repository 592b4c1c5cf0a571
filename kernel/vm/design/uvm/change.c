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

/* What a step under [W] has come to: the same as before, no further. */
struct turn {
	struct uvm_entry *e, *to;  /* of a move: whose anons, and to whose amap */
	uint64_t end, shift;       /* of a move: of the anons, and how far they go */
	uint64_t came_to;          /* answer: how far */
	struct kmem_cache *lacks;  /* answer: what there was none of */
};

/* step() until it is done.  A turn that came no further than the last is refused.  [M]
 * exclusive.  0, -ENOMEM, -EINTR. */
static int
by_turns(struct aspace *as, bool (*step)(struct turn *), struct turn *t)
{
	struct want w = { .what = WANT_AGAIN };
	bool done, paid = (t->e->vad->flags & VAD_CHARGED) != 0;
	unsigned refused = 0;
	uint64_t before;
	int r = 0;

	do {
		mutex_lock(&as->ws_lock);
		before = t->came_to;
		done = step(t);
		if (t->came_to != before)
			refused = 0;
		if (!done)
			r = anons_refused(&w, t->lacks, paid, &refused);
		mutex_unlock(&as->ws_lock);
		if (!done && r == 0)
			r = want_get(&w);
	} while (!done && r == 0);
	want_end(&w);
	return done ? 0 : r;
}

static bool
own(struct turn *t)
{
	bool done = amap_own(t->e);

	t->came_to = amap_kept(t->e);
	t->lacks = amap_lacks(t->e);
	return done;
}

/* amap_own(), for who may wait.
 * Locks: [M] exclusive, with a structural token or none; takes [W].
 * Returns: 0, -ENOMEM, -EINTR (fatal signal): the amap is as it was. */
int
uvm_own_wait(struct aspace *as, struct uvm_entry *e)
{
	struct turn t = { .e = e };

	return by_turns(as, own, &t);
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

/* Chunks for all that is to come to another amap.  [W].  False: no memory; those that
 * there are stay. */
static bool
reserve_moved(struct turn *t)
{
	uint64_t vpn = t->e->start;
	struct vm_anon *anon;
	bool done = true;

	ASSERT(!amap_is_shared(t->e->amap) && !amap_is_shared(t->to->amap));
	AMAP_FOREACH(anon, t->e->amap, vpn, t->end)
		if (!(done = amap_reserve(t->to->amap, vpn + t->shift)))
			break;
	t->came_to = vpn;
	t->lacks = &amap_chunks;
	return done;
}

/* n pages of one VAD go to another, which has none: school->move.  What lies behind the
 * end of the object stays: a truncate takes the target to be done (R7).
 * Locks: [M] exclusive; takes [W].  Returns: 0, -ENOMEM (nothing has moved). */
int
uvm_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	struct uvm_entry *a = from->dpriv, *b = to->dpriv;
	const struct vad copy = *to; /* [W]: no paged memory */
	struct turn t = { .e = a, .to = b };
	uint64_t vpn, limit;
	struct vm_anon *anon;
	int r;

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM; /* the VAD is lost */
	r = uvm_own_wait(as, a);
	if (r != 0)
		return -ENOMEM;
	vpn = a->start;
	t.shift = b->start - vpn;
	t.end = vpn + n;
	r = by_turns(as, reserve_moved, &t);
	if (r != 0)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	limit = pte_limit(&copy) >> PAGE_SHIFT;
	t.end = MIN(t.end, MAX(limit, b->start) - t.shift);
	(void)pmap_remove(as, vpn, vpn + n, PMAP_ALL);
	AMAP_FOREACH(anon, a->amap, vpn, t.end)
		amap_move(b->amap, vpn + t.shift, a->amap, vpn);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* madvise: what the process has in [lo, hi) of an entry is not wanted any more.
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
