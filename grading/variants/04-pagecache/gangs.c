/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gangs.c: another right solution of lab 04: pages go in gangs
 *
 * A gang is up to 32 adjacent pages in an array.  All its pages are READING before the
 * first enters, the last one first; it is filled, written, given up in one hold of
 * the locks; what is dirty is first seen, and then marked; a cut takes a gang out at
 * a time.
 */
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/ws/ws.h"

#define GANG CACHE_WINDOW

_Atomic uint64_t cache_pages;

struct gang {
	struct vmo *vmo;
	uint64_t idx;
	unsigned n;
	struct vm_page *page[GANG];
	int r[GANG];             /* what became of each */
};

/* ---- the tree ---- */

static struct vm_page *
next_below(pfn_t at, uint64_t idx)
{
	struct vm_page *left;

	if (at == 0)
		return NULL;
	if (pfdb[at].index < idx)
		return next_below(pfdb[at].tree.right, idx);
	left = next_below(pfdb[at].tree.left, idx);
	return left != NULL ? left : &pfdb[at];
}

struct vm_page *
cache_next(struct vmo *vmo, uint64_t idx)
{
	return next_below(vmo->v.pages.root, idx);
}

void
cache_at_hand(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **pages)
{
	struct vm_page *pg = cache_next(vmo, idx);
	uint64_t end = idx + n;
	unsigned i;

	for (i = 0; i < n; i++)
		pages[i] = NULL;
	for (; pg != NULL && pg->index < end; pg = page_tree_next(pg))
		if (pg->state != PG_READING)
			pages[pg->index - idx] = pg;
}

/* How many of the gang's pages may enter: those before the first hindrance. */
static unsigned
room_for(struct vmo *vmo, uint64_t idx, unsigned n)
{
	struct vm_page *there = cache_next(vmo, idx);
	uint64_t pages = (vmo->size >> PAGE_SHIFT) + ((vmo->size & PAGE_MASK) != 0);
	unsigned k;

	for (k = 0; k < n; k++) {
		if (idx + k >= pages || (there != NULL && there->index == idx + k))
			break;
		if (idx + k >= vmo->v.hole_lo && idx + k < vmo->v.hole_hi)
			break;
	}
	return k;
}

/* [O].  As many as may; g->n says so afterwards. */
static void
gang_enters(struct gang *g)
{
	unsigned i;

	g->n = room_for(g->vmo, g->idx, g->n);
	if (g->n == 0)
		return;
	spin_lock(&pfn_lock);
	for (i = 0; i < g->n; i++)
		page_reading_locked(g->page[i], HOME_VNODE, va2pa(g->vmo),
		    g->idx + i);
	while (i-- > 0)
		page_tree_insert(&g->vmo->v.pages, g->page[i]);
	spin_unlock(&pfn_lock);
	g->vmo->n_resident += g->n;
	atomic_add(&cache_pages, g->n);
	EVENT_ADD(cache_insert, g->n);
}

bool
cache_begin_insert(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	struct gang g = { .vmo = vmo, .idx = idx, .n = 1, .page = { pg } };

	spin_lock(&vmo->lock);
	gang_enters(&g);
	spin_unlock(&vmo->lock);
	return g.n == 1;
}

void
cache_erase(struct vmo *vmo, struct vm_page *pg)
{
	page_tree_remove(&vmo->v.pages, pg);
	EVENT(cache_remove);
	atomic_sub(&cache_pages, 1);
	vmo->n_resident--;
}

/* ---- getting a page ---- */

int
cache_look(struct vmo *vmo, uint64_t idx, enum cache_use use,
    struct vm_page **out)
{
	struct vm_page *pg;
	int r = -ENXIO;

	spin_lock(&vmo->lock);
	if (idx << PAGE_SHIFT >= vmo->size)
		goto out;
	r = -ENOENT;
	pg = cache_next(vmo, idx);
	if (pg == NULL || pg->index != idx)
		goto out;
	*out = pg;
	spin_lock(&pfn_lock);
	r = pg->state == PG_READING ? -EAGAIN : 0;
	if (r == 0 && use == CACHE_TOUCH)
		ws_rescue(pg);
	if (r == 0)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
out:
	spin_unlock(&vmo->lock);
	return r;
}

int
cache_get(struct vmo *vmo, uint64_t idx, enum cache_want want,
    struct vm_page **out)
{
	struct vm_page *pg = NULL;
	int r = cache_look(vmo, idx, CACHE_HOLD, &pg);

	while (r == -EAGAIN || (r == -ENOENT && want == CACHE_READ)) {
		if (r == -EAGAIN) {
			EVENT(cache_wait);
			r = page_wait(pg);
		} else {
			r = cache_read(vmo, idx, cache_window(vmo, idx), &pg);
			if (r == 0 && pg != NULL) {
				*out = pg;
				return 0;
			}
		}
		if (r != 0)
			return r;
		r = cache_look(vmo, idx, CACHE_HOLD, &pg);
	}
	if (r == 0) {
		EVENT(cache_hit);
		*out = pg;
	}
	return r;
}

/* Of the last four reads two ends each: who misses the page beside one goes on from it,
 * four times as far. */
int
cache_window(struct vmo *vmo, uint64_t idx)
{
	struct sequences *all = &vmo->v.ahead;
	struct read_ahead *s;
	bool down = false;
	int n = 0;

	spin_lock(&vmo->lock);
	for (s = all->last; n == 0 && s < all->last + SEQUENCES; s++) {
		down = idx + 1 == s->at && s->read > 0;
		if (down || (idx == s->at + s->read && s->read > 0))
			n = MIN(4 * s->read, GANG);
	}
	s = n != 0 ? s - 1 : &all->last[all->reads++ % SEQUENCES];
	if (n == 0)
		n = idx == 0 ? 8 : 1;
	s->at = down ? idx + 1 - MIN(idx + 1, (uint64_t)n) : idx;
	s->read = (uint8_t)n;
	spin_unlock(&vmo->lock);
	return down ? -n : n;
}

/* Pages whose result is 0 are filled, the others leave, in one hold. */
static void
gang_is_read(struct gang *g, bool pin)
{
	pfn_t dead = 0;
	unsigned i;

	spin_lock(&g->vmo->lock);
	spin_lock(&pfn_lock);
	for (i = 0; i < g->n; i++) {
		if (g->r[i] == 0) {
			page_filled_locked(g->page[i]);
			if (pin && i == 0)
				page_pin_locked(g->page[i]);
			continue;
		}
		cache_erase(g->vmo, g->page[i]);
		if (page_unfilled_locked(g->page[i])) {
			g->page[i]->qnext = dead;
			dead = page_pfn(g->page[i]);
		}
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&g->vmo->lock);
	page_free_chain(dead);
}

/* One request; where that fails, one for each page. */
static void
gang_io(struct gang *g, int (*io)(struct vmo *, uint64_t, struct vm_page **,
    unsigned))
{
	int all = io(g->vmo, g->idx, g->page, g->n);
	unsigned i;

	for (i = 0; i < g->n; i++)
		g->r[i] = all != 0 && g->n > 1 ?
		    io(g->vmo, g->idx + i, &g->page[i], 1) : all;
}

int
cache_readahead(struct vmo *vmo, uint64_t idx, unsigned n,
    struct vm_page **first)
{
	struct gang g = { .vmo = vmo, .idx = idx };
	unsigned got;
	int r;

	if (first != NULL)
		*first = NULL;
	r = page_alloc_wait(PHYS_ANY, &g.page[0]);
	if (r != 0)
		return r;
	for (got = 1; got < n && got < GANG; got++) {
		g.page[got] = page_alloc_ahead();
		if (g.page[got] == NULL)
			break;
	}
	g.n = got;
	spin_lock(&vmo->lock);
	gang_enters(&g);
	spin_unlock(&vmo->lock);
	while (got > g.n)
		page_free(g.page[--got]);
	if (g.n == 0)
		return cache_hole_wait(vmo, idx, idx + 1);
	gang_io(&g, cache_in);
	gang_is_read(&g, first != NULL);
	if (g.r[0] == 0 && first != NULL)
		*first = g.page[0];
	return g.r[0];
}

/* ---- dirty, and written back ---- */

void
cache_end_insert(struct vmo *vmo, struct vm_page *pg, int r)
{
	struct gang g = { .vmo = vmo, .n = 1, .page = { pg }, .r = { r } };

	gang_is_read(&g, true);
	if (r == 0)
		page_unpin_dirty(pg);
}

/* [O], [P].  From n on: the dirty ones that may be written, up to CACHE_CLUSTER. */
static unsigned
see_dirty(struct vm_page *pg, uint64_t hi, struct vm_page **out)
{
	uint64_t idx = pg->index;
	unsigned k = 0;

	for (; pg != NULL && k < CACHE_CLUSTER; pg = page_tree_next(pg)) {
		if (pg->index != idx + k || idx + k >= hi ||
		    (pg->flags & PF_DIRTY) == 0 ||
		    (pg->flags & PF_WRITING) != 0)
			break;
		out[k++] = pg;
	}
	return k;
}

int
cache_collect_dirty(struct vmo *vmo, uint64_t *idx, uint64_t hi,
    struct vm_page **out)
{
	struct vm_page *pg;
	unsigned got = 0, i;
	int r = 0;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	pg = cache_next(vmo, *idx);
	while (pg != NULL && pg->index < hi &&
	    (pg->flags & (PF_DIRTY | PF_WRITING)) == 0)
		pg = page_tree_next(pg);
	if (pg != NULL && pg->index < hi) {
		*idx = pg->index;
		got = see_dirty(pg, hi, out);
		for (i = 0; i < got; i++)
			page_writing_locked(out[i]);
		r = (int)got;
		if (got == 0) {
			out[0] = pg;
			r = -EAGAIN;
		}
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	return r;
}

int
cache_writeback(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	struct gang g = { .vmo = vmo, .idx = idx, .n = (unsigned)n };
	pfn_t dead = 0;
	unsigned i;
	int first = 0;

	for (i = 0; i < g.n; i++)
		g.page[i] = pages[i];
	gang_io(&g, cache_out);
	spin_lock(&pfn_lock);
	for (i = 0; i < g.n; i++) {
		if (first == 0)
			first = g.r[i];
		if (page_written_locked(g.page[i], g.r[i] == 0)) {
			g.page[i]->qnext = dead;
			dead = page_pfn(g.page[i]);
		}
	}
	spin_unlock(&pfn_lock);
	page_free_chain(dead);
	return first;
}

/* ---- the end of pages ---- */

void
cache_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct vm_page *wait, *pg, *next;
	pfn_t dead;
	unsigned k;

	do {
		wait = NULL;
		dead = 0;
		spin_lock(&vmo->lock);
		spin_lock(&pfn_lock);
		pg = cache_next(vmo, lo);
		for (k = 0; k < GANG && pg != NULL && wait == NULL; k++) {
			if (pg->index >= hi) {
				pg = NULL;
				break;
			}
			next = page_tree_next(pg);
			if (pg->state == PG_READING ||
			    (pg->flags & PF_WRITING) != 0) {
				wait = pg;
				break;
			}
			if (page_disown_locked(pg)) {
				pg->qnext = dead;
				dead = page_pfn(pg);
			}
			cache_erase(vmo, pg);
			pg = next;
		}
		spin_unlock(&pfn_lock);
		spin_unlock(&vmo->lock);
		page_free_chain(dead);
		if (wait != NULL)
			page_wait_plain(wait);
	} while (pg != NULL);
}
