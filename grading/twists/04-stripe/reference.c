/*@ insert_run */
#define STRIPE @stripe@u

/* Where the stripe of a page ends. */
static uint64_t
stripe_end(uint64_t idx)
{
	return (idx / STRIPE + 1) * STRIPE;
}

/* Frames become pages from idx on, up to the first that exists, the end, a hole that is
 * being made, or the end of the stripe.  [O].  How many. */
static unsigned
insert_run(struct vmo *vmo, uint64_t idx, struct vm_page **page, unsigned n)
{
	struct vm_page *next = cache_next(vmo, idx);
	uint64_t end = MIN(cache_pages_of(vmo->size), idx + n);
	unsigned in;

	end = MIN(end, stripe_end(idx));
	if (next != NULL)
		end = MIN(end, next->index);
	if (idx < vmo->v.hole_hi)
		end = MIN(end, vmo->v.hole_lo);
	spin_lock(&pfn_lock);
	for (in = 0; idx + in < end; in++) {
		page[in]->index = idx + in;
		cache_insert(vmo, page[in]);
	}
	spin_unlock(&pfn_lock);
	return in;
}
/*@ cache_window */
/* How far to read where idx is missing, within its stripe.
 * Locks: takes [O].
 * Returns: so many pages, itself included; < 0: so many, downwards. */
int
cache_window(struct vmo *vmo, uint64_t idx)
{
	int n;

	spin_lock(&vmo->lock);
	n = swap_look_ahead_file(&vmo->v.ahead, idx,
	    (cache_lookup(vmo, idx - 1) != NULL ? HAS_BEFORE : 0) |
	    (cache_lookup(vmo, idx + 1) != NULL ? HAS_BEHIND : 0));
	spin_unlock(&vmo->lock);
	return n < 0 ? MAX(n, -(int)(idx % STRIPE) - 1) : n;
}
/*@ collect_some */
/* -ESRCH: many clean pages so far, go on at *idx.  [O], [P]. */
static int
collect_some(struct vmo *vmo, uint64_t *idx, uint64_t hi, struct vm_page **out)
{
	struct vm_page *pg = cache_next(vmo, *idx);
	unsigned looked = 0;
	int n = 0;

	while (pg != NULL && pg->index < hi && !is_unclean(pg)) {
		pg = page_tree_next(pg);
		if (++looked < SCAN_MAX || pg == NULL)
			continue;
		*idx = pg->index;
		return -ESRCH;
	}
	if (pg == NULL || pg->index >= hi)
		return 0;
	*idx = pg->index;
	if ((pg->flags & PF_WRITING) != 0) {
		out[0] = pg;
		return -EAGAIN;
	}
	hi = MIN(hi, stripe_end(*idx));
	while (pg != NULL && pg->index < hi && n < CACHE_CLUSTER &&
	    pg->index == *idx + (uint64_t)n &&
	    (pg->flags & (PF_DIRTY | PF_WRITING)) == PF_DIRTY) {
		page_writing_locked(pg);
		out[n++] = pg;
		pg = page_tree_next(pg);
	}
	return n;
}
