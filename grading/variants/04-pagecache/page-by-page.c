/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page-by-page.c: another right solution of lab 04: nothing goes by runs that need not
 *
 * A page enters, is filled, written, cut alone, each in holds of its own; how many
 * may be read is counted before a frame is taken; what is looked for is looked up
 * anew each time.  Only the requests are long, and how long the tree says: twice the
 * row of pages that ends at the missing one.
 */
#include "vm/cache/cache.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/ws/ws.h"

#define LOOKS 100

_Atomic uint64_t cache_pages;

/* ---- the tree ---- */

struct vm_page *
cache_next(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *last = NULL;
	pfn_t at = vmo->v.pages.root;

	/* To a leaf; the page is there, or the one behind it. */
	while (at != 0) {
		last = &pfdb[at];
		if (last->index == idx)
			return last;
		at = idx < last->index ? last->tree.left : last->tree.right;
	}
	return last == NULL || last->index >= idx ? last : page_tree_next(last);
}

void
cache_at_hand(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **pages)
{
	while (n-- > 0) {
		pages[n] = cache_lookup(vmo, idx + n);
		if (pages[n] != NULL && pages[n]->state == PG_READING)
			pages[n] = NULL;
	}
}

/* May page idx enter?  [O]. */
static bool
is_free(struct vmo *vmo, uint64_t idx)
{
	if (idx >= (vmo->size + PAGE_SIZE - 1) / PAGE_SIZE)
		return false;
	if (idx >= vmo->v.hole_lo && idx < vmo->v.hole_hi)
		return false;
	return cache_lookup(vmo, idx) == NULL;
}

/* [O]. */
static void
enter(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	EVENT(cache_insert);
	atomic_add(&cache_pages, 1);
	vmo->n_resident++;
	spin_lock(&pfn_lock);
	page_reading_locked(pg, HOME_VNODE, va2pa(vmo), idx);
	page_tree_insert(&vmo->v.pages, pg);
	spin_unlock(&pfn_lock);
}

bool
cache_begin_insert(struct vmo *vmo, uint64_t idx, struct vm_page *pg)
{
	bool may;

	spin_lock(&vmo->lock);
	may = is_free(vmo, idx);
	if (may)
		enter(vmo, idx, pg);
	spin_unlock(&vmo->lock);
	return may;
}

void
cache_erase(struct vmo *vmo, struct vm_page *pg)
{
	EVENT(cache_remove);
	vmo->n_resident--;
	atomic_sub(&cache_pages, 1);
	page_tree_remove(&vmo->v.pages, pg);
}

/* ---- getting a page ---- */

int
cache_look(struct vmo *vmo, uint64_t idx, enum cache_use use,
    struct vm_page **out)
{
	int r;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	*out = NULL;
	if (idx >= (vmo->size + PAGE_SIZE - 1) / PAGE_SIZE) {
		r = -ENXIO;
	} else if ((*out = cache_lookup(vmo, idx)) == NULL) {
		r = -ENOENT;
	} else if ((*out)->state == PG_READING) {
		r = -EAGAIN;
	} else {
		if (use == CACHE_TOUCH)
			ws_rescue(*out);
		page_pin_locked(*out);
		r = 0;
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	return r;
}

int
cache_get(struct vmo *vmo, uint64_t idx, enum cache_want want,
    struct vm_page **out)
{
	struct vm_page *pg;
	int r;

again:
	switch (r = cache_look(vmo, idx, CACHE_HOLD, &pg)) {
	case 0:
		EVENT(cache_hit);
		*out = pg;
		return 0;
	case -EAGAIN:
		EVENT(cache_wait);
		r = page_wait(pg);
		if (r == 0)
			goto again;
		return r;
	case -ENOENT:
		if (want == CACHE_FIND)
			return r;
		r = cache_read(vmo, idx, cache_window(vmo, idx), &pg);
		if (r == 0 && pg == NULL)
			goto again;
		if (r == 0)
			*out = pg;
		return r;
	default:
		return r;
	}
}

/* So many pages adjoin idx there, each a step from the last; most at most.  [O]. */
static unsigned
row(struct vmo *vmo, uint64_t idx, int step, unsigned most)
{
	unsigned n = 0;

	while (n < most && cache_lookup(vmo, idx + (uint64_t)step) != NULL) {
		idx += (uint64_t)step;
		n++;
	}
	return n;
}

/* Twice as far as who comes here has come: the tree says that. */
int
cache_window(struct vmo *vmo, uint64_t idx)
{
	unsigned before, behind;

	spin_lock(&vmo->lock);
	before = row(vmo, idx, -1, CACHE_WINDOW / 2);
	behind = row(vmo, idx, 1, CACHE_WINDOW / 2);
	spin_unlock(&vmo->lock);
	if (before >= behind)
		return before == 0 ? 1 : 2 * (int)before;
	return -2 * (int)behind;
}

/* How many pages from idx on are free, n at most. */
static unsigned
count_free(struct vmo *vmo, uint64_t idx, unsigned n)
{
	unsigned k = 0;

	spin_lock(&vmo->lock);
	while (k < n && is_free(vmo, idx + k))
		k++;
	spin_unlock(&vmo->lock);
	return k;
}

static void
filled(struct vm_page *pg, bool pin)
{
	spin_lock(&pfn_lock);
	if (pin)
		page_pin_locked(pg);
	page_filled_locked(pg);
	spin_unlock(&pfn_lock);
}

/* It could not be filled. */
static void
give_up(struct vmo *vmo, struct vm_page *pg)
{
	bool mine;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	cache_erase(vmo, pg);
	mine = page_unfilled_locked(pg);
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (mine)
		page_free(pg);
}

int
cache_readahead(struct vmo *vmo, uint64_t idx, unsigned n,
    struct vm_page **first)
{
	struct vm_page *page[CACHE_WINDOW] = { NULL };
	unsigned want, have, in, i;
	int r, all;

	if (first != NULL)
		*first = NULL;
	want = count_free(vmo, idx, n < CACHE_WINDOW ? n : CACHE_WINDOW);
	if (want == 0)
		return cache_hole_wait(vmo, idx, idx + 1);
	r = page_alloc_wait(PHYS_ANY, &page[0]);
	if (r != 0)
		return r;
	for (have = 1; have < want; have++)
		if ((page[have] = page_alloc_ahead()) == NULL)
			break;
	/* Somebody may have been faster. */
	spin_lock(&vmo->lock);
	for (in = 0; in < have && is_free(vmo, idx + in); in++)
		enter(vmo, idx + in, page[in]);
	spin_unlock(&vmo->lock);
	for (i = in; i < have; i++)
		page_free(page[i]);
	if (in == 0)
		return cache_hole_wait(vmo, idx, idx + 1);
	all = cache_in(vmo, idx, page, in);
	for (i = in; i-- > 0;) {
		r = all;
		if (all != 0 && in > 1)
			r = cache_in(vmo, idx + i, &page[i], 1);
		if (r == 0)
			filled(page[i], i == 0 && first != NULL);
		else
			give_up(vmo, page[i]);
	}
	if (r == 0 && first != NULL)
		*first = page[0];
	return r;
}

/* ---- dirty, and written back ---- */

void
cache_end_insert(struct vmo *vmo, struct vm_page *pg, int r)
{
	bool last;

	if (r != 0) {
		give_up(vmo, pg);
		return;
	}
	spin_lock(&pfn_lock);
	page_pin_locked(pg);
	page_filled_locked(pg);
	last = page_unpin_dirty_locked(pg);
	page_unlock_free(pg, last);
}

/* The first page from *idx on that is dirty or being written; *idx moves to it. */
static struct vm_page *
find_unclean(struct vmo *vmo, uint64_t *idx, uint64_t hi)
{
	struct vm_page *pg;
	unsigned looks = 0;

	for (;;) {
		pg = cache_next(vmo, *idx);
		if (pg == NULL || pg->index >= hi)
			return NULL;
		*idx = pg->index;
		if ((pg->flags & (PF_DIRTY | PF_WRITING)) != 0)
			return pg;
		++*idx;
		if (++looks % LOOKS != 0)
			continue;
		/* Others want the locks, too. */
		spin_unlock(&pfn_lock);
		spin_unlock(&vmo->lock);
		spin_lock(&vmo->lock);
		spin_lock(&pfn_lock);
	}
}

int
cache_collect_dirty(struct vmo *vmo, uint64_t *idx, uint64_t hi,
    struct vm_page **out)
{
	struct vm_page *pg;
	int n = 0;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	pg = find_unclean(vmo, idx, hi);
	if (pg != NULL && (pg->flags & PF_WRITING) != 0) {
		out[0] = pg;
		n = -EAGAIN;
		pg = NULL;
	}
	while (pg != NULL && (pg->flags & PF_DIRTY) != 0 &&
	    (pg->flags & PF_WRITING) == 0) {
		page_writing_locked(pg);
		out[n++] = pg;
		if (n == CACHE_CLUSTER || *idx + (unsigned)n >= hi)
			break;
		pg = cache_lookup(vmo, *idx + (unsigned)n);
	}
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	return n;
}

int
cache_writeback(struct vmo *vmo, uint64_t idx, struct vm_page **pages, int n)
{
	int all = cache_out(vmo, idx, pages, (unsigned)n), first = 0, r, i;
	bool last;

	for (i = n; i-- > 0;) {
		r = all;
		if (all != 0 && n > 1)
			r = cache_out(vmo, idx + (unsigned)i, &pages[i], 1);
		if (r != 0)
			first = r;
		spin_lock(&pfn_lock);
		last = page_written_locked(pages[i], r == 0);
		page_unlock_free(pages[i], last);
	}
	return first;
}

/* ---- the end of pages ---- */

void
cache_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct vm_page *pg;
	bool busy, mine;

	for (;;) {
		spin_lock(&vmo->lock);
		pg = cache_next(vmo, lo);
		if (pg == NULL || pg->index >= hi)
			break;
		spin_lock(&pfn_lock);
		busy = pg->state == PG_READING || (pg->flags & PF_WRITING) != 0;
		mine = false;
		if (!busy) {
			mine = page_disown_locked(pg);
			cache_erase(vmo, pg);
		}
		spin_unlock(&pfn_lock);
		spin_unlock(&vmo->lock);
		if (mine)
			page_free(pg);
		if (busy)
			page_wait_plain(pg);
	}
	spin_unlock(&vmo->lock);
}
