/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthold.c: tables held by who works on the words of many
 *
 * Problem   fork, munmap, mremap, truncate must see every word of a range, and
 *           some of the tables are on swap.  They are read with no lock held;
 *           and must still be there when the lock is taken again.
 *
 * Picture   [W] pt_next_leaf_in ─→ leaf: its words ─→ the next one
 *                     └─ NULL, h->away
 *           no lock   pt_bring: read, pin ─→ [W], again from there
 *           the end   pt_release
 *
 * Rules     1. One way of tables at a time: pt_bring() lets those before go.
 *           2. Others wait for memory meanwhile: who brings has a structural
 *              token, taken before his first pin (vm/frame/token.c).
 *           3. A pin keeps an empty table from being freed; who lets it go
 *              frees it.
 *           4. Who does not run on a space opens it first: its end waits for
 *              him, so he waits for nothing but frames and I/O.
 *
 * Read next ptpage.c, vm/object/vmomaps.c, vm/pte/zap.c.  Book: ch14.
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"

#define HOLDER_NS 1000000ul /* how often the last one is looked for */

/* What a table has to wait for on its way in. */
enum hold_need {
	BRING_NOTHING, BRING_AGAIN, BRING_FRAME, BRING_PAGE, BRING_BIO
};

/* Is the table one of those that h holds?  Locks: h is the caller's. */
bool
pt_holds(const struct pt_hold *h, const struct vm_page *table)
{
	unsigned i;

	for (i = 0; i < h->npin; i++)
		if (h->pin[i] == table)
			return true;
	return false;
}

static void
hold_path(struct pt_hold *h, const struct pt_path *p)
{
	unsigned n = h->npin;
	int level;

	h->pinned = h->va;
	spin_lock(&pfn_lock);
	for (level = LEVELS; level >= 1 && p->table[level] != NULL; level--) {
		if (pt_holds(h, p->table[level]))
			continue;
		ASSERT(h->npin < ARRAY_LEN(h->pin));
		page_pin_locked(p->table[level]);
		h->pin[h->npin++] = p->table[level];
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_pin, h->npin - n);
}

/*
 * Hold the tables of va that are in use; h holds none.
 *
 * Locks:    [W].
 */
void
pt_hold_va(struct aspace *as, va_t va, struct pt_hold *h)
{
	struct pt_path p;

	ASSERT(h->npin == 0);
	h->va = va;
	path_walk(as, va, &p);
	hold_path(h, &p);
}

/* One step further.  [W]. */
static enum hold_need
bring_step(struct aspace *as, struct pt_hold *h, struct vm_page **frame,
    struct vm_page **wait)
{
	struct swap_words place;
	struct pt_path p;
	uint64_t word;

	if (as->md.root_pa == 0)
		return BRING_NOTHING;
	path_walk_in(as, h->va, &p);
	hold_path(h, &p);
	if (p.away == 0 || path_is_lost(&p))
		return BRING_NOTHING;
	place = path_place(&p, h->va);
	word = word_get(place.word);
	if (pte_kind(word) == PTE_BUSY) {
		*wait = pte_page(word);
		return BRING_PAGE;
	}
	if (*frame == NULL)
		return BRING_FRAME;
	switch (swap_in(&place, frame, wait)) {
	case SWAPIN_STARTED:
		EVENT(table_in, va2pa(place.word), p.away, pte_table_used(word));
		return BRING_PAGE;
	case SWAPIN_CHANGED:
		return BRING_AGAIN;
	case SWAPIN_NOBIO:
		return BRING_BIO;
	}
	panic("ptpage: swap_in");
}

static int
bring_wait(enum hold_need need, struct vm_page **frame, struct vm_page *wait)
{
	switch (need) {
	case BRING_NOTHING:
	case BRING_AGAIN:
		break;
	case BRING_FRAME:
		return page_alloc_wait(PHYS_ANY, frame);
	case BRING_PAGE:
		return page_wait(wait);
	case BRING_BIO:
		return swap_wait();
	}
	return 0;
}

/*
 * Bring the tables of h->va that exist, and hold them.
 *
 * Locks:    none of rank >= 3; a structural token, if others wait for memory.
 * Context:  thread, sleeps.
 * Owns:     h, the pins, until pt_let_go() or pt_release().
 * Returns:  0, -EINTR (fatal signal).
 */
int
pt_bring(struct aspace *as, struct pt_hold *h)
{
	struct vm_page *frame = NULL, *wait = NULL;
	enum hold_need need;
	int r = 0;

	pt_release(as, h);
	do {
		mutex_lock(&as->ws_lock);
		need = bring_step(as, h, &frame, &wait);
		mutex_unlock(&as->ws_lock);
		r = bring_wait(need, &frame, wait);
	} while (r == 0 && need != BRING_NOTHING);
	if (frame != NULL)
		page_free(frame);
	if (r == 0)
		h->away = false;
	return r;
}

/*
 * The same for what must be finished, dying or not.
 *
 * Locks, Context, Owns: as pt_bring().
 */
void
pt_bring_plain(struct aspace *as, struct pt_hold *h)
{
	while (pt_bring(as, h) != 0)
		sched_yield();
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
pt_release(struct aspace *as, struct pt_hold *h)
{
	if (!pt_let_go(h))
		return;
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0) {
		tlb_batch_init(as->batch, as, BATCH_ZAP);
		pt_prune(as, h->pinned, as->batch);
		tlb_batch_end(as->batch);
	}
	mutex_unlock(&as->ws_lock);
}

/* [W].  False: h->va is to be brought first. */
static bool
forget_some(struct aspace *as, va_t *va, struct pt_hold *h)
{
	struct pt_place at;
	struct pt_path p;

	while (pt_next_place(as, va, MD_USER_END, &at)) {
		path_walk_in(as, *va, &p);
		if (p.away == 0) {
			*va = at.leaf != NULL ? at.end : *va;
			continue;
		}
		if (!path_is_lost(&p)) {
			h->va = *va;
			return false;
		}
		pt_forget_lost(as, path_parent(&p, p.away), p.word[p.away]);
		(void)pt_let_go(h);
		pt_prune(as, *va, as->batch);
	}
	return true;
}

/*
 * Nothing is mapped any more: what is still out could not be read, or stands
 * above such a table.
 *
 * Locks:    none of rank >= 5; takes [W].
 * Context:  thread, sleeps.
 */
void
pt_forget_all_lost(struct aspace *as)
{
	struct pt_hold h = { .away = false };
	bool done = as->n_table_out == 0;
	va_t va = 0;

	while (!done) {
		mutex_lock(&as->ws_lock);
		tlb_batch_init(as->batch, as, BATCH_ZAP);
		done = forget_some(as, &va, &h);
		tlb_batch_end(as->batch);
		mutex_unlock(&as->ws_lock);
		if (!done)
			pt_bring_plain(as, &h);
	}
	pt_release(as, &h);
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

/*
 * The word that names the table of va, as far down as tables are in use.
 *
 * Locks:    [W]; some table on the way to va is not in use.
 */
uint64_t *
pt_away_word(struct aspace *as, va_t va)
{
	struct pt_path p;

	path_walk(as, va, &p);
	return p.word[p.away];
}
