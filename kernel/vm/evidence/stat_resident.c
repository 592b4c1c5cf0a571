/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_resident.c: how much of a space is in memory, and how much is in swap
 *
 * Problem   A PTE says whether its page is in memory, and whose it is; the sum of
 *           them says what a process uses.
 *
 * Picture   school->walk ─→ each word: rss_anon, rss_file, rss_shmem, swap
 *
 * Rules     1. A FORK word counts as swap if the entry's page is on swap.
 */
#include "vm/evidence/evidence.h"
#include "vm/frame/word.h"
#include "vm/design/design.h"
#include "vm/space/space.h"

/* Is the page of a FORK word on swap?  It is, if what names it is out, too. */
static bool
is_shared_swapped(struct aspace *as, va_t va, uint64_t word)
{
	uint64_t named;

	return as->design->shared->refs(as, va, word, &named) < 0 ||
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
	as->school->walk(as, 0, MD_USER_END >> PAGE_SHIFT, count_word, &c);
}
