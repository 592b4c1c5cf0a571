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
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

#define HOLDER_NS 1000000ul /* how often the last one is looked for */

static bool
is_among(struct vm_page *const *pin, unsigned n, const struct vm_page *table)
{
	while (n > 0)
		if (pin[--n] == table)
			return true;
	return false;
}

/* Is the table one of those that h holds?  Locks: h is the caller's. */
bool
pt_holds(const struct pt_hold *h, const struct vm_page *table)
{
	return is_among(h->pin, h->npin, table);
}

/*
 * Pin the tables of the way that are not among the n that are pinned.
 *
 * Locks:    [W].
 * Owns:     pin, room for max.
 * Returns:  how many it has now.
 */
uint8_t
path_pin(const struct pt_path *p, struct vm_page **pin, uint8_t n, unsigned max)
{
	uint8_t had = n;
	int level;

	spin_lock(&pfn_lock);
	for (level = LEVELS; level >= 1 && p->table[level] != NULL; level--) {
		if (is_among(pin, had, p->table[level]))
			continue;
		ASSERT(n < max);
		page_pin_locked(p->table[level]);
		pin[n++] = p->table[level];
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_pin, n - had);
	return n;
}

/*
 * Hold the tables on the way to va that are in use, and no others.
 *
 * Locks:    [W], no batch of as under construction.
 * Owns:     h, the pins, until pt_let_go() or pt_release().
 */
void
hold_path(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h)
{
	struct pt_hold old = *h;

	ASSERT(h->as == as && vm_may_hold());
	h->pinned = va;
	h->npin = path_pin(p, h->pin, 0, LEVELS);
	if (pt_let_go(&old))
		pt_prune_now(as, old.pinned);
}

/*
 * The next table on the way to va is out: begin to read it, and hold those above.
 *
 * Locks:    [W], no batch of as under construction.
 * Returns:  -EAGAIN.
 */
int
pt_bring(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	const struct swap_words place = path_place(p);
	uint64_t word = word_get(place.word);

	if (h->as != as) /* rule 2: the token first */
		return want_again(w);
	hold_path(as, va, p, h);
	if (pte_kind(word) == PTE_BUSY)
		return want_page(w, pte_page(word));
	if (want_swap_in(w, &place))
		EVENT(table_in, va2pa(place.word), p->away, pte_table_used(word));
	return -EAGAIN;
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

	path_walk_in(as, va, &p);
	if (p.away != 0 && !path_is_lost(&p))
		return pt_bring(as, va, &p, h, w);
	hold_path(as, va, &p, h);
	return 0;
}

/*
 * Let the tables of h go.
 *
 * Locks:    not [P].
 * Returns:  one of them has no word: pt_prune(h->pinned), with [W].
 */
bool
pt_let_go(struct pt_hold *h)
{
	bool empty = false;
	unsigned i;

	if (h->npin == 0)
		return false;
	spin_lock(&pfn_lock);
	for (i = 0; i < h->npin; i++) {
		empty |= h->pin[i]->nused == 0;
		CHECK(!page_unpin_locked(h->pin[i]));
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_unpin, h->npin);
	h->npin = 0;
	return empty;
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
