/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthold.c: tables held for an operation on the words of many
 *
 * Problem   fork, munmap, mremap, truncate must see every word of a range, and
 *           some of the tables are on swap.  They are read with no lock held;
 *           and must still be there when the lock is taken again.
 *
 * Picture   [W] pt_iter_table, pt_make ─→ leaf: its words ─→ the next one
 *                     └─ -EAGAIN: those above held, it is being read
 *           no lock   want_get ─→ [W], again from there
 *           the end   pt_release
 *
 * Rules     1. One way of tables at a time: who goes to another one lets those
 *              before go.
 *           2. Others wait for memory meanwhile: who holds has a structural
 *              token, taken before his first pin (vm/frame/token.c), and says
 *              for which space, h->as.
 *           3. A pin keeps an empty table from being freed; who lets it go
 *              frees it.
 *           4. Who does not run on a space opens it first: its end waits for
 *              him, so he waits for nothing but frames and I/O.
 */
#include "vm/design/design.h"
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

#define HOLDER_NS 1000000ul /* how often the last one is looked for */

/* Is the table one of those that h holds?  Locks: h is the caller's. */
bool
pt_holds(const struct pt_hold *h, const struct vm_page *table)
{
	return pt_is_among(h->pin, h->npin, table);
}

/*
 * Have the tables of va that exist in use, and hold them.
 *
 * Locks:    [W], no batch of as under construction.
 * Owns:     h, the pins, until pt_let_go() or pt_release().
 * Returns:  0, -EAGAIN.
 */
int
pt_hold_va(struct aspace *as, va_t va, struct pt_hold *h, struct want *w)
{
	struct pt_path p;

	if (as->ops->pass != NULL) /* it has tables of its own */
		return 0;
	path_walk_in(as, va, &p);
	if (p.away != 0 && !path_is_lost(&p))
		return pt_bring(as, va, &p, h, w);
	hold_path(as, va, &p, h);
	return 0;
}

/*
 * Let the tables of h go, and free those that have become empty.
 *
 * Locks:    none of rank >= 5; takes [W] if there is such a table.
 */
void
pt_release(struct pt_hold *h)
{
	struct aspace *as = h->as;

	if (!pt_let_go(h))
		return;
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		pt_prune_now(as, h->pinned);
	mutex_unlock(&as->ws_lock);
}

/* [W].  0: all that were lost are forgotten; -EAGAIN. */
static int
forget_some(struct pt_iter *it, struct pt_hold *h, struct want *w)
{
	struct aspace *as = it->as;
	struct pt_path p;

	while (pt_iter_place(it)) {
		if (it->leaf != NULL) {
			it->va = it->stop;
		} else if (pte_kind(word_get(it->out)) == PTE_ERROR) {
			pt_forget_lost(as, it->out, it->level);
			(void)pt_let_go(h);
			pt_prune_now(as, it->va);
		} else if (!pt_rescue(as, it->out, it->level)) {
			path_walk(as, it->va, &p);
			return pt_bring(as, it->va, &p, h, w);
		}
	}
	return 0;
}

/*
 * Nothing is mapped any more: what is still out could not be read, or stands
 * above such a table.
 *
 * Locks:    none of rank >= 5; takes [W].
 * Context:  thread, sleeps; with a structural token.
 */
void
pt_forget_all_lost(struct aspace *as)
{
	struct pt_iter it = pt_range(as, 0, MD_USER_END >> PAGE_SHIFT);
	struct want w = { .what = WANT_AGAIN };
	struct pt_hold h = { .as = as };
	int r = as->n_table_out == 0 ? 0 : -EAGAIN;

	while (r != 0) {
		mutex_lock(&as->ws_lock);
		r = forget_some(&it, &h, &w);
		mutex_unlock(&as->ws_lock);
		if (r != 0)
			want_finish(&w);
	}
	pt_release(&h);
	want_end(&w);
}

/*
 * Somebody who does not run on the space is going to hold tables of it.
 *
 * Locks:    none; the caller has a reference.
 * Owns:     the caller, until pt_close_space().
 * Returns:  false: it is being torn down.
 */
bool
pt_open_space(struct aspace *as)
{
	uint32_t n = atomic_load(&as->holders);

	do {
		if ((n & AS_CLOSING) != 0)
			return false;
	} while (!atomic_cas(&as->holders, &n, n + 1));
	return true;
}

/*
 * Locks:    none.
 */
void
pt_close_space(struct aspace *as)
{
	atomic_sub(&as->holders, 1);
}

/*
 * The space is to be torn down: wait until nobody holds a table of it.  Who
 * does waits for nothing but frames and I/O.
 *
 * Locks:    none of rank >= 2, no token.
 * Context:  thread, sleeps.
 */
void
pt_end_space(struct aspace *as)
{
	uint32_t n = atomic_load(&as->holders);

	while (!atomic_cas(&as->holders, &n, n | AS_CLOSING))
		;
	while (atomic_load(&as->holders) != AS_CLOSING)
		(void)sleep_until(md_time_ns() + HOLDER_NS, WAIT_PLAIN);
}
