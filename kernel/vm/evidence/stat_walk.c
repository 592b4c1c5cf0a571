/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_walk.c: the words of a space, one after the other
 *
 * Problem   /proc and vm_check ask what each word of a space says, while all
 *           goes on.
 *
 * Picture   stat_walk: leaf table by leaf table ─→ fn(va, word)
 *
 * Rules     1. ws_lock for one table at a time (vm_check holds it already).
 *           2. A design whose pages are elsewhere walks itself (ops->walk).
 */
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"

/*
 * Call fn for each word of the leaf tables in [lo, hi) vpn, as pte_walk().
 *
 * Locks:    [M]; takes [W] for each table, unless the caller has it.
 * Returns:  0, or what fn returned to end the walk.
 */
int
stat_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn,
    void *arg)
{
	HELD_SHARED(&as->map_lock);
	return as->ops->walk == NULL ? pte_walk(as, lo, hi, fn, arg) :
	    as->ops->walk(as, lo, hi, fn, arg);
}

/* Is the page of a FORK word on swap?  It is, if what names it is out, too. */
static bool
is_shared_swapped(struct aspace *as, va_t va, uint64_t word)
{
	uint64_t named;

	return as->ops->shared->refs(as, va, word, &named) < 0 ||
	    pte_kind(named) == PTE_SWAP;
}

struct count_work {
	struct aspace *as;
	struct vm_as_stat *st;
};

static int
count_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct count_work *c = arg;

	/* Of a table that is out: as many as it has words. */
	if (pte_is_table_out(word)) {
		c->st->swap += MIN(pages, (uint64_t)pte_table_used(word));
		return 0;
	}
	if (pte_kind(word) == PTE_SWAP ||
	    (pte_kind(word) == PTE_FORK && is_shared_swapped(c->as, va, word)))
		c->st->swap += pages;
	if (pte_kind(word) != PTE_VALID || pte_src(word) == SRC_SPEC)
		return 0;
	if (pte_src(word) != SRC_OBJ)
		c->st->rss_anon += pages;
	else if (page_home_kind(pte_page(word)) == HOME_VNODE)
		c->st->rss_file += pages;
	else
		c->st->rss_shmem += pages;
	return 0;
}

/*
 * Whose pages are resident, and how many are in swap.
 *
 * Locks:    [M], [W].
 */
void
stat_resident(struct aspace *as, struct vm_as_stat *st)
{
	struct count_work c = { .as = as, .st = st };

	HELD_SHARED(&as->map_lock);
	HELD(&as->ws_lock);
	stat_walk(as, 0, MD_USER_END >> PAGE_SHIFT, count_word, &c);
}
