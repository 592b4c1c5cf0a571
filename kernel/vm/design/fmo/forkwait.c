/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/forkwait.c: what a fork needs, waits for and gives back
 *
 * Problem   fork_range() works under two ws_locks and may not wait; yet it
 *           needs entry pages of old and new objects, beside what every fork
 *           needs (vm/pte/forks.c).
 *
 * Picture   fork_range ─ word by word ─→ missing: w->c.want, stop
 *                 ↑                             │ locks dropped
 *                 └────────── fork_wait ←───────┘
 *
 * Rules     1. The helpers that fork_range() calls never sleep; they return
 *              NULL and say in w->c.want what is missing.
 *           2. fork_finish() is the one undo: it accepts a fork that ended
 *              anywhere after its charge was made.
 *           3. At the end the charge for entry pages belongs to the entry pages
 *              that exist; the rest is uncharged.
 */
#include "vm/design/fmo/fmo.h"

/* ---- under the ws_locks ---- */

/* want.get: make the next entry page. */
static int
get_next_page(struct want *want)
{
	struct fork_work *w = CONTAINER_OF(want, struct fork_work, c.want);
	int r = kpaged_pin(want->kva, &w->page);

	if (r == 0)
		container_attach(w->page, KIND_FMO, w->next % FMO_PER_PAGE * 2);
	return r;
}

/* The entry that the next private word gets.
 * Locks: both ws_locks.  Returns: the entry, its page pinned; NULL: w->c.want. */
struct fmo_entry *
fork_next_entry(struct fork_work *w)
{
	va_t kva = MD_KPAGED_BASE +
	    (w->fmo->base + w->next) * sizeof(struct fmo_entry);

	if (w->page != NULL &&
	    w->page->index != (kva - MD_KPAGED_BASE) >> PAGE_SHIFT) {
		kpaged_unpin(w->page);
		w->page = NULL;
	}
	if (w->page != NULL)
		return kpaged_ptr(w->page, kva);
	(void)want_other(&w->c.want, get_next_page, kva);
	return NULL;
}

/* ---- the end ---- */

/* Release the reference of fmo_add_ref(); free it if it has no word. */
static void
let_ref_go(struct aspace *as, struct fmo_ref *ref)
{
	if (--ref->nptes == 0)
		fmo_drop_ref(as, ref);
}

/* The object is complete: from now on its entry pages may be freed early. */
static void
entries_done(struct fork_work *w)
{
	uint64_t used = (w->next + FMO_PER_PAGE - 1) / FMO_PER_PAGE;

	if (w->fmo == NULL)
		return;
	spin_lock(&w->fmo->lock);
	w->fmo->n = (uint32_t)w->next;
	w->fmo->charged = (uint32_t)used;
	spin_unlock(&w->fmo->lock);
	EVENT_ADD(fmo_pages_live, used);
	ASSERT(w->c.charge >= used);
	w->c.charge -= used;
}

/* Flush the parent, and give back what was taken and not used.  Also after a
 * failed phase A and an abandoned phase B.
 * Locks: both map_locks; takes both ws_locks. */
void
fork_finish(struct fork_work *w)
{
	struct aspace *child = w->c.child;
	struct rb_node *n, *next;

	HELD_SHARED(&w->c.parent->map_lock);
	HELD_SHARED(&w->c.child->map_lock);
	mutex_lock(&w->c.parent->ws_lock);
	/* holds: both M, W of the parent */
	if (w->lo < w->hi)
		tlb_flush_range(w->c.parent, w->lo >> PAGE_SHIFT,
		    w->hi >> PAGE_SHIFT);
	entries_done(w);
	if (w->pref != NULL)
		let_ref_go(w->c.parent, w->pref);
	/* The child's reference keeps the object. */
	if (w->page != NULL)
		kpaged_unpin(w->page);
	mutex_lock_nested(&child->ws_lock);
	/* holds: both M, both W */
	/* All references of the child come from this fork. */
	for (n = rb_first(&child->shared.refs); n != NULL; n = next) {
		next = rb_next(n);
		let_ref_go(child, CONTAINER_OF(n, struct fmo_ref, rb));
	}
	mutex_unlock(&child->ws_lock);
	mutex_unlock(&w->c.parent->ws_lock);
	/* holds: both M; not W */
	fork_end(&w->c);
}
