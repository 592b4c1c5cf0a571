/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/forkwait.c: what a fork needs, waits for and gives back
 *
 * Problem   fork_range() works under two ws_locks and may not wait; yet it
 *           needs frames for the child's tables, entry pages of old and new
 *           objects, and sometimes a page that is being read.
 *
 * Picture   fork_range ─ word by word ─→ something missing: w->need, stop
 *                 ↑                                  │ locks dropped
 *                 └────────── fork_satisfy ←─────────┘
 *
 * Rules     1. The helpers that fork_range() calls never sleep; they return
 *              NULL and leave a note in w->need.
 *           2. fork_finish() is the one undo: it accepts a fork that ended
 *              anywhere after its charge was made.
 *           3. What fork charged is either owned by someone at the end (VADs,
 *              entry pages, late pages of the child) or uncharged.
 *
 * Read next fork.c.  Book: ch10.
 */
#include "vm/design/fmo/fmo.h"

static bool is_next(const struct fork_work *w, va_t kva);
static void let_ref_go(struct aspace *as, struct fmo_ref *);
static void let_refs_go(struct aspace *child);
static void entries_done(struct fork_work *w);

/*
 * The child's VADs, with its commit summed up; not charged yet.
 *
 * Locks:    both map_locks exclusive.
 * Returns:  0, -ENOMEM: as_put(child) takes what there is.
 */
int
fork_vads(struct fork_work *w)
{
	struct aspace *child = w->child;
	struct vad *v, *c;
	uint64_t block = UINT64_MAX; /* the last one that the child pays for */

	VAD_FOREACH(v, w->parent) {
		if ((v->flags & VAD_DONTFORK) != 0)
			continue;
		c = vad_alloc(child, v->vmo);
		if (c == NULL) {
			child->commit = 4;
			return -ENOMEM;
		}
		c->start = v->start;
		c->end = v->end;
		c->off = v->off;
		c->flags = v->flags & ~VAD_LOCK_FLAGS;
		c->prot = v->prot;
		c->maxprot = v->maxprot;
		child->commit += vad_pays(c, &block);
		if (atomic_load(&w->parent->vads_lost)) {
			vad_free(c);
			child->commit = 4;
			return -ENOMEM;
		}
		CHECK(vad_insert(child, c) == 0);
	}
	return 0;
}

/*
 * A reference that stays as long as the fork is under way, whatever a truncate
 * takes from its words meanwhile: it has a word too many.
 *
 * Locks:    as fmo_add_ref().
 * Owns:     the fork, until fork_finish().
 * Returns:  NULL: no memory.
 */
struct fmo_ref *
fork_add_ref(struct aspace *as, struct fmo *fmo)
{
	struct fmo_ref *ref = fmo_add_ref(as, fmo);

	if (ref != NULL)
		ref->nptes = 1;
	return ref;
}

/* ---- under the ws_locks ---- */

static va_t
next_kva(const struct fork_work *w)
{
	return MD_KPAGED_BASE +
	    (w->fmo->base + w->next) * sizeof(struct fmo_entry);
}

/*
 * The entry that the next private word gets.
 *
 * Locks:    both ws_locks.
 * Returns:  the entry, its page pinned; NULL: w->need.
 */
struct fmo_entry *
fork_next_entry(struct fork_work *w)
{
	va_t kva = next_kva(w);

	if (w->page != NULL &&
	    w->page->index != (kva - MD_KPAGED_BASE) >> PAGE_SHIFT) {
		kpaged_unpin(w->page);
		w->page = NULL;
	}
	if (w->page != NULL)
		return kpaged_ptr(w->page, kva);
	w->need = NEED_KPAGED;
	w->need_kva = kva;
	return NULL;
}

/*
 * The entry that a FORK or VALID/FORK word of the parent names.
 *
 * Locks:    both ws_locks.
 * Returns:  the entry, its page pinned; NULL: w->need.
 */
struct fmo_entry *
fork_old_entry(struct fork_work *w, uint64_t word)
{
	va_t kva = fork_entry(word);

	if (fmo_hold(&w->old, kva))
		return kpaged_ptr(w->old, kva);
	w->need = NEED_KPAGED;
	w->need_kva = kva;
	return NULL;
}

/*
 * The child's word at va, its tables made.
 *
 * Locks:    both ws_locks.
 * Returns:  the word and its table; NULL: w->need.
 */
uint64_t *
fork_child_word(struct fork_work *w, va_t va, struct vm_page **leaf)
{
	uint64_t *word;

	w->ctables.late = (w->vad->flags & VAD_CHARGED) == 0;
	word = pt_make(w->child, va, leaf, &w->ctables);
	if (word == NULL)
		w->need = NEED_TABLE;
	return word;
}

/*
 * A frame for an eager copy, in w->copy.
 *
 * Returns:  the frame; NULL: w->need.
 */
struct vm_page *
fork_spare_frame(struct fork_work *w)
{
	if (w->copy == NULL)
		w->copy = page_alloc(PHYS_ANY);
	if (w->copy == NULL)
		w->need = NEED_FRAME;
	return w->copy;
}

/*
 * The child got a page for which its mapping has not paid ahead: the part of
 * the charge that stands for the parent's late pages pays for it.
 *
 * Locks:    both ws_locks.
 */
void
fork_child_late(struct fork_work *w)
{
	if ((w->vad->flags & VAD_CHARGED) != 0)
		return;
	ASSERT(w->charge > 0);
	w->charge--;
	atomic_add(&w->child->late, 1);
}

/* ---- with no ws_lock ---- */

static bool
is_next(const struct fork_work *w, va_t kva)
{
	return w->fmo != NULL && w->page == NULL && kva == next_kva(w);
}

/*
 * The first leaf table of the parent in [*va, end) is brought and held, until
 * the next one is: fork_range() finds it.
 *
 * Locks:    both map_locks; takes the parent's ws_lock.
 * Context:  thread, sleeps; with a structural token.
 * Returns:  0 with *va moved up to it, or to end; -EINTR (fatal signal); -EIO (a
 *           table could not be read: its words would be zeros in the child).
 */
int
fork_table_in(struct fork_work *w, va_t *va, va_t end)
{
	struct vm_page *leaf;
	int r = 0;

	/* VADs are paged: what is read under the ws_locks is a copy. */
	if (w->vad != &w->vad_copy) {
		w->vad_copy = *w->vad;
		w->vad = &w->vad_copy;
	}
	pt_release(w->parent, &w->ptables);
	w->ptables.pinned = MD_USER_END;
	do {
		if (w->ptables.away)
			r = pt_bring(w->parent, &w->ptables);
		mutex_lock(&w->parent->ws_lock);
		leaf = pt_next_leaf_in(w->parent, va, end, &w->ptables);
		if (leaf != NULL && w->ptables.pinned != *va) {
			(void)pt_let_go(&w->ptables);
			pt_hold_va(w->parent, *va, &w->ptables);
		}
		mutex_unlock(&w->parent->ws_lock);
	} while (r == 0 && w->ptables.away);
	if (leaf == NULL)
		*va = end;
	return r == 0 && w->ptables.lost ? -EIO : r;
}

static int
wait_entry_page(struct fork_work *w)
{
	bool next = is_next(w, w->need_kva);
	struct vm_page *pg;
	int r = next ? kpaged_pin(w->need_kva, &pg) :
	    kpaged_bring(w->need_kva, &pg);

	/* A truncate may have taken the word that named it. */
	if (r != 0 || pg == NULL)
		return r;
	if (next) {
		container_attach(pg, KIND_FMO, MD_PT_WORDS);
		w->page = pg;
	} else {
		ASSERT(w->old == NULL);
		w->old = pg;
	}
	return 0;
}

static int
wait_copy_frame(struct fork_work *w)
{
	int r;

	while (w->copy == NULL) {
		r = phys_wait(PHYS_USER);
		if (r != 0)
			return r;
		w->copy = page_alloc(PHYS_ANY);
	}
	return 0;
}

/*
 * Get what stopped fork_range().
 *
 * Locks:    both map_locks, nothing of rank >= 3.
 * Returns:  0, -EINTR (fatal signal), -EIO (a table of the child is lost).
 */
int
fork_satisfy(struct fork_work *w)
{
	struct vm_page *busy = w->wait;

	w->wait = NULL;
	if (thread_is_killed())
		return -EINTR;
	if (w->ctables.lost)
		return -EIO;
	if (busy != NULL)
		return page_wait(busy);
	switch (w->need) {
	case NEED_NONE:
	case NEED_PATH: /* of faults only */
	case NEED_READ:
	case NEED_EXTEND:
	case NEED_BIO:
		break;
	case NEED_TABLE:
		return w->ctables.away ? pt_bring(w->child, &w->ctables) :
		    pt_reserve(&w->ctables, MD_PT_LEVELS - 1);
	case NEED_FRAME:
		return wait_copy_frame(w);
	case NEED_KPAGED:
		return wait_entry_page(w);
	}
	return 0;
}

/* ---- the end ---- */

/* What fork_add_ref() gave is held no more; it goes if it is of no use. */
static void
let_ref_go(struct aspace *as, struct fmo_ref *ref)
{
	if (--ref->nptes == 0)
		fmo_drop_ref(as, ref);
}

/* All that the child has come from the fork. */
static void
let_refs_go(struct aspace *child)
{
	struct rb_node *n = rb_first(&child->fmo_refs), *next;

	for (; n != NULL; n = next) {
		next = rb_next(n);
		let_ref_go(child, CONTAINER_OF(n, struct fmo_ref, rb));
	}
}

/* The object is complete: from now on its pages may be given back early. */
static void
entries_done(struct fork_work *w)
{
	uint64_t used = (w->next + FMO_PER_PAGE - 1) / FMO_PER_PAGE;

	if (w->page != NULL)
		kpaged_unpin(w->page);
	if (w->old != NULL)
		kpaged_unpin(w->old);
	if (w->fmo == NULL)
		return;
	spin_lock(&w->fmo->lock);
	w->fmo->n = (uint32_t)w->next;
	w->fmo->charged = (uint32_t)used;
	spin_unlock(&w->fmo->lock);
	EVENT_ADD(fmo_pages_live, used);
	ASSERT(w->charge >= used);
	w->charge -= used;
}

/*
 * The flush of the parent; and what was taken and not used goes back.  Also
 * after a failed phase A and an abandoned phase B.
 *
 * Locks:    both map_locks; takes both ws_locks.
 */
void
fork_finish(struct fork_work *w)
{
	struct aspace *child = w->child;

	mutex_lock(&w->parent->ws_lock);
	if (w->lo < w->hi)
		tlb_flush_range(w->parent, w->lo >> PAGE_SHIFT,
		    w->hi >> PAGE_SHIFT);
	entries_done(w);
	if (w->pref != NULL)
		let_ref_go(w->parent, w->pref);
	mutex_lock_nested(&child->ws_lock);
	let_refs_go(child);
	/* Half a way of tables may stand where the fork was given up. */
	tlb_batch_init(child->batch, child, BATCH_ZAP);
	pt_prune(child, w->va, child->batch);
	tlb_batch_end(child->batch);
	mutex_unlock(&child->ws_lock);
	mutex_unlock(&w->parent->ws_lock);
	if (w->copy != NULL)
		page_free(w->copy);
	pt_release(w->parent, &w->ptables);
	pt_release(child, &w->ctables);
	pt_unreserve(&w->ctables);
	commit_uncharge(w->charge);
	w->charge = 0;
}
