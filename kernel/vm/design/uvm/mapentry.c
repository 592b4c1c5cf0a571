/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/mapentry.c: map entries, from mmap to munmap, and their space
 *
 * Problem   The kernel keeps mappings as VADs, which may be on swap.  A fault, a
 *           truncate and the page daemon need an entry, with its anons, under
 *           locks where nothing on swap can be touched.
 *
 * Picture   VAD ─ dpriv ─→ entry { start, end, vad } ─ amap ─→ anons
 *                            └─ splay tree of the space
 *
 * Rules     1. prepare() does all that may fail: the entry, its amap, a chunk in
 *              case one is split, and a copy of a shared amap that will be
 *              split.  All later changes only move pointers.
 *           2. start and end are the VAD's, and change with it under [M], [W] and
 *              [splay]: with one of these held they may be read.
 *           3. Rights and flags are in the VAD only, also the rights that mprotect
 *              may give at most (maxprot).
 *
 * Read next amap.c
 */
#include "vm/design/uvm/uvm.h"

static struct kmem_cache entries = KMEM_CACHE("uvm_entry", struct uvm_entry);

/* ---- a space ---- */

/* entries->as_init.  Locks: none.  Returns: 0, -ENOMEM. */
int
uvm_as_init(struct aspace *as)
{
	struct uvm_space *sp = kmem_zalloc(sizeof(*sp));

	if (sp == NULL)
		return -ENOMEM;
	spin_init(&sp->lock, LR_OBJ);
	as->dpriv = sp;
	as->record_pages = AMAP_CHUNK;
	return 0;
}

/* The first entry that ends behind vpn.
 * Locks: [M] or [W].  Returns: false: there is none. */
bool
uvm_next(struct aspace *as, uint64_t vpn, struct anons_range *r)
{
	struct uvm_entry *e = splay_next(uvm_space(as), vpn);

	if (e != NULL)
		*r = (struct anons_range){ e, e->vad, e->start, e->end };
	return e != NULL;
}

/* fn for the anons of [lo, hi).
 * Locks: [W]; around fn [anon].
 * Returns: what fn has returned to end the walk, or 0. */
int
uvm_each(struct aspace *as, uint64_t lo, uint64_t hi, anons_fn *fn, void *arg)
{
	struct vm_anon *anon;
	struct uvm_entry *e;
	uint64_t vpn;
	int r;

	HELD(&as->ws_lock);
	UVM_ENTRIES(e, uvm_space(as), lo, hi) {
		vpn = MAX(lo, e->start);
		AMAP_FOREACH(anon, e->amap, vpn, MIN(hi, e->end)) {
			spin_lock(&anon->lock);
			r = fn(arg, vpn, &anon->word);
			spin_unlock(&anon->lock);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

/* ---- an entry ---- */

/* Prepare a cut at vpn of the entry there: it needs an amap of its own, and one more
 * chunk if the cut divides a chunk.
 * Returns: false: no memory. */
static bool
prepare_cut(struct aspace *as, struct uvm_entry *e, uint64_t vpn)
{
	struct uvm_entry *cut = splay_find(uvm_space(as), vpn);
	uint64_t at = vpn;
	bool divides;

	if (cut != NULL && uvm_own_wait(as, cut) != 0)
		return false;
	mutex_lock(&as->ws_lock);
	divides = vpn % AMAP_CHUNK != 0 && cut != NULL &&
	    amap_next(cut->amap, &at) != NULL &&
	    at / AMAP_CHUNK == vpn / AMAP_CHUNK;
	mutex_unlock(&as->ws_lock);
	return !divides || amap_make_spare(e->amap);
}

/* Allocate what v needs for [start, end): entries->prepare.  An amap needs nothing for a
 * range in which nothing has been touched, but v may be about to be cut off another
 * VAD.
 * Locks: [M] exclusive; v is in no tree, or about to grow.  Returns: 0, -ENOMEM. */
int
uvm_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	struct uvm_entry *e = v->dpriv;

	HELD(&as->map_lock);
	if (e != NULL)
		return 0;
	e = kmem_cache_zalloc(&entries);
	if (e == NULL)
		return -ENOMEM;
	e->amap = amap_new();
	if (e->amap == NULL || !prepare_cut(as, e, start)) {
		uvm_free(e);
		return -ENOMEM;
	}
	v->dpriv = e;
	return 0;
}

/* It is in no tree (any more), and has no anon.  Locks: none of rank >= 7. */
void
uvm_free(void *entry)
{
	struct uvm_entry *e = entry;

	ASSERT(e->in == NULL);
	if (e->amap != NULL)
		amap_free(e->amap);
	if (e->next != NULL)
		amap_free(e->next);
	kmem_cache_free(&entries, e);
}

/* v is in the tree of VADs, or has grown: entries->attach.
 * Locks: [M] exclusive; takes [W]. */
void
uvm_attach(struct aspace *as, struct vad *v)
{
	uint64_t start = v->start, end = v->end; /* VADs are paged: not under [W] */
	struct uvm_entry *e = v->dpriv;

	HELD(&as->map_lock);
	if (e == NULL)
		return;
	mutex_lock(&as->ws_lock);
	e->vad = v;
	splay_resize(uvm_space(as), e, start, end);
	if (e->in == NULL)
		splay_insert(uvm_space(as), e);
	mutex_unlock(&as->ws_lock);
}

/* Of two parts the smaller one goes from amap to amap: else a mapping that is divided, or
 * joined, page by page would have all its chunks moved each time. */
static void
exchange(struct uvm_entry *a, struct uvm_entry *b)
{
	struct vm_amap *amap = a->amap;

	a->amap = b->amap;
	b->amap = amap;
}

/* entries->split.  Locks: [M] exclusive; takes [W]. */
void
uvm_split(struct aspace *as, struct vad *lo, struct vad *hi, uint64_t vpn)
{
	struct uvm_entry *a = lo->dpriv, *b = hi->dpriv;
	struct uvm_space *sp = uvm_space(as);

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return;
	mutex_lock(&as->ws_lock);
	b->vad = hi;
	splay_resize(sp, b, vpn, a->end);
	splay_resize(sp, a, a->start, vpn);
	if (vpn - a->start < b->end - vpn) {
		exchange(a, b);
		amap_split(a->amap, b->amap, 0, vpn);
	} else {
		amap_split(b->amap, a->amap, vpn, UINT64_MAX);
	}
	splay_insert(sp, b);
	mutex_unlock(&as->ws_lock);
}

/* entries->merge.
 * Locks: [M] exclusive; takes [W].
 * Returns: 0, -ENOMEM (a VAD is lost, or an amap shared: they stay two). */
int
uvm_merge(struct aspace *as, struct vad *lo, struct vad *hi)
{
	struct uvm_entry *a = lo->dpriv, *b = hi->dpriv;
	struct uvm_space *sp = uvm_space(as);

	HELD(&as->map_lock);
	if (a == NULL || b == NULL)
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	if (amap_is_shared(a->amap) || amap_is_shared(b->amap)) {
		mutex_unlock(&as->ws_lock);
		return -ENOMEM;
	}
	splay_remove(sp, b);
	if (a->end - a->start < b->end - b->start)
		exchange(a, b);
	splay_resize(sp, a, a->start, b->end);
	amap_merge(a->amap, b->amap);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* The entry's pages are as if never touched: its anons go, or its part in an amap that
 * others have, too; it leaves the tree.
 * Locks: [W]; takes [amap], [anon], [P].
 * Returns: how many of its pages were charged when touched. */
uint64_t
uvm_end(struct aspace *as, void *entry)
{
	struct uvm_entry *e = entry;
	uint64_t late;

	HELD(&as->ws_lock);
	(void)pmap_remove(as, e->start, e->end, PMAP_ALL);
	if (amap_is_shared(e->amap)) {
		late = amap_count_late(e->amap, e->start, e->end);
		amap_leave(e->amap);
		e->amap = NULL;
	} else {
		late = amap_unref(e->amap, e->start, e->end);
	}
	splay_remove(uvm_space(as), e);
	return late;
}
