/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonsfork.c: fork, all but the copy or the sharing of an entry
 *
 * Problem   The child gets all that the parent has written, and neither may see
 *           what the other writes from then on.  Each design decides whether anons
 *           or whole amaps are shared; the waits and the charge are the same for all.
 *
 * Picture   mappings and charge ─→ each private mapping: design->anons->fork ─→ one flush
 *                                       ↑ both [W]          │ w->c.want
 *                                       └──── want_get() ←──┘ no lock of rank >= 3
 *
 * Rules     1. Mappings and charge, which may fail, come first; a copy waits for
 *              memory, and the fork is given up when the kernel may not grow.
 *           2. Nobody waits with a ws_lock held.
 *           3. Words of the parent lose W; one flush, before the child is published,
 *              and also when the fork is given up.
 *           4. A pinned page is copied at once: the I/O that pins it may go on
 *              filling it, for the parent.
 *           5. Pages on swap, or being read, are shared as they are: nothing is read.
 */
#include "vm/design/anons/anons.h"

#define REFUSALS 32    /* in a row, until the fork is given up */

/* No record of this kind could be had: the kernel may not grow.  If the mapping pays, ask
 * for a frame for new records.
 * Locks: [W] at most.  Returns: 0: want_get(), without locks, and again; -ENOMEM. */
int
anons_refused(struct want *w, struct kmem_cache *of, bool paid, unsigned *times)
{
	if (!want_zeros(w))
		return 0;
	if (paid && pmap_may_feed()) {
		kmem_cache_feed(of, w->frame);
		w->frame = NULL;
	}
	(void)want_again(w);
	return ++*times > REFUSALS ? -ENOMEM : 0;
}

/* The same for the child's mapping: w->c.want, and this page again.
 * Locks: both ws_locks.  Returns: false, for callers that return that. */
bool
anons_fork_refused(struct anons_fork *w, struct kmem_cache *of)
{
	bool paid = (w->c.vad.flags & VAD_CHARGED) != 0;

	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	w->failed = anons_refused(&w->c.want, of, paid, &w->refused) != 0;
	return false;
}

/* The child has got pages: late ones among them take their charge from the part that was
 * charged for the parent's late pages.
 * Locks: both ws_locks. */
void
anons_fork_given(struct anons_fork *w, uint64_t late)
{
	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	w->c.charge -= late;
	atomic_add(&w->c.child->commit.late, late);
	w->c.given = true;
	w->refused = 0;
}

static int
is_pinned(void *unused, uint64_t vpn, uint64_t *word)
{
	return pmap_rec_is_pinned(word);
}

/* Is any page of the parent's entry pinned?  Locks: both ws_locks. */
bool
anons_fork_is_pinned(const struct anons_fork *w)
{
	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	return anons_each(w->c.parent, w->start, w->end, is_pinned, NULL) != 0;
}

/* Copy the page of an anon now, for a new anon of the child; w->c.want has a frame.
 * Locks: both ws_locks; takes [P].  Returns: false: the page is being reclaimed;
 * again. */
bool
anons_fork_copy(struct anons_fork *w, uint64_t *word, uint64_t *copy)
{
	enum page_home home = w->c.child->design->shared->home;
	struct vm_page *from = pmap_rec_pin(word), *to = w->c.want.frame;

	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	if (from == NULL) {
		(void)want_again(&w->c.want);
		return false;
	}
	w->c.want.frame = NULL;
	page_install_copy(NULL, copy, home, to, from);
	page_unpin(from);
	w->copies++;
	EVENT(fork_pinned_copies);
	return true;
}

/* The pages of the entry from w->at up to the end of its object: no truncate would take
 * later ones from the child (R7).
 * Locks: both map_locks exclusive; takes both ws_locks. */
static void
fork_once(struct anons_fork *w)
{
	struct aspace *parent = w->c.parent, *child = w->c.child;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	(void)want_again(&w->c.want);
	mutex_lock(&parent->ws_lock);
	mutex_lock_nested(&child->ws_lock);
	w->limit = MIN(w->end, pte_limit(&w->c.vad) >> PAGE_SHIFT);
	if (w->at < w->limit)
		parent->design->anons->fork(w);
	if (w->at >= w->limit)
		w->at = w->end;
	mutex_unlock(&child->ws_lock);
	mutex_unlock(&parent->ws_lock);
	w->lo = MIN(w->lo, w->start);
	w->hi = MAX(w->hi, w->end);
}

/* All pages of the entry of w's VAD, waiting between the passes for what one lacked;
 * nothing where the child has none of them.
 * Locks: both map_locks exclusive.  Returns: 0, -ENOMEM, -EINTR. */
static int
fork_entry_of(struct anons_fork *w)
{
	const struct vad *v = &w->c.vad;
	struct anons_range from, to;
	int r = 0;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	if ((v->flags & (VAD_SHARED | VAD_WIPEONFORK | VAD_DONTFORK)) != 0)
		return 0;
	if (!anons_at(w->c.parent, v->start, &from) ||
	    !anons_at(w->c.child, v->start, &to))
		return -ENOMEM; /* VADs were lost */
	w->from = from.entry;
	w->to = to.entry;
	w->at = w->start = from.start;
	w->end = from.end;
	while (r == 0 && w->at < w->end) {
		fork_once(w);
		if (w->at < w->end)
			r = w->failed ? -ENOMEM : want_get(&w->c.want);
	}
	return r;
}

/* Fork the memory of parent into child, which is empty: design->dup.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Context: thread, sleeps; with a structural token.
 * Returns: 0, -ENOMEM, -EINTR (fatal signal): the child may be half made, as_dup()
 * takes it apart; the parent is unchanged. */
int
anons_dup(struct aspace *parent, struct aspace *child)
{
	struct anons_fork w = { .c = { .parent = parent, .child = child },
		.lo = UINT64_MAX };
	uint64_t tables;
	int r;

	HELD(&parent->map_lock);
	HELD(&child->map_lock);
	EVENT(fork_begin, parent->id, child->id);
	r = fork_vads_paid(&w.c, atomic_load(&parent->commit.late));
	while (r == 0 && fork_next_vad(&w.c))
		r = fork_entry_of(&w);
	if (w.lo < w.hi) {
		mutex_lock(&parent->ws_lock);
		tlb_flush_range(parent, w.lo, w.hi);
		mutex_unlock(&parent->ws_lock);
	}
	want_end(&w.c.want);
	if (r == 0) {
		/* A charge for the child's copies of the parent's tables. */
		tables = MIN(w.c.charge, parent->table.n + parent->commit.pruned);
		atomic_add(&child->commit.prepaid, tables);
		w.c.charge -= tables;
	}
	commit_uncharge(w.c.charge);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.shared, 0, w.copies);
	}
	return r;
}
