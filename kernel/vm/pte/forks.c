/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forks.c: what the forks of all designs have in common
 *
 * Problem   A fork works under two ws_locks and may not wait; yet it needs
 *           frames for the child's tables, tables of the parent that are on
 *           swap, and sometimes a page that is being read.
 *
 * Picture   fork_vads: the child's mappings, and what they promise
 *           the design's loop ─ word by word ─→ missing: f->want, stop
 *                 ↑                               │ locks dropped
 *                 └─────────── fork_wait ←────────┘
 *           fork_end: tables, frames and charge that were not used go back
 *
 * Rules     1. Functions called under the ws_locks never sleep; they return NULL
 *              and say in f->want what is missing.
 *           2. fork_end() is the one undo: it accepts a fork that ended
 *              anywhere after its charge was made.
 *           3. At the end each page that a fork has charged is owned (by VADs or
 *              as late pages of the child) or uncharged.
 */
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/pte/forks.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

/* The child's VADs, with its commit summed up; not charged yet.  Their links are
 * listed: a truncate from now on finds the child's words, too.
 * Locks: both map_locks exclusive.
 * Returns: 0, -ENOMEM: as_dup() takes apart what there is. */
int
fork_vads(struct pte_fork *f)
{
	struct aspace *child = f->child;
	struct vad *v, *c;
	uint64_t last = UINT64_MAX; /* page that the child pays for */

	HELD(&f->parent->map_lock);
	HELD(&f->child->map_lock);
	VAD_FOREACH(v, f->parent) {
		if ((v->flags & VAD_DONTFORK) != 0)
			continue;
		c = vad_alloc(child, v->vmo);
		if (c == NULL)
			goto undo;
		c->start = v->start;
		c->end = v->end;
		c->off = v->off;
		c->flags = v->flags & ~VAD_LOCK_FLAGS;
		c->prot = v->prot;
		c->maxprot = v->maxprot;
		child->commit.paid += vad_pays(child, c, &last);
		if (design_prepare(child, c, c->start, c->end) != 0 ||
		    as_has_lost(f->parent, LOST_VADS)) {
			vad_free(c);
			goto undo;
		}
		vad_list_link(child, c);
		CHECK(vad_insert(child, c) == 0);
		design_attach(child, c);
	}
	f->next = vad_first(f->parent);
	f->twin = NULL;
	return 0;
undo:
	child->commit.paid = UPPER_TABLES;
	return -ENOMEM;
}

/* fork_vads(), and the charge for all pages of the child: those of charged mappings, and
 * as many as the parent was charged for at touch (late pages).
 * Locks: both map_locks exclusive.
 * Returns: 0, -ENOMEM: as_dup() takes apart what there is.
 * Owns: f->charge, the part that has no owner yet. */
int
fork_vads_paid(struct pte_fork *f, uint64_t late)
{
	int r = fork_vads(f);

	HELD(&f->parent->map_lock);
	HELD(&f->child->map_lock);
	if (r != 0)
		return r;
	f->charge = f->child->commit.paid - UPPER_TABLES + late;
	r = commit_charge(f->charge);
	if (r != 0) {
		f->child->commit.paid = UPPER_TABLES;
		f->charge = 0;
		return r;
	}
	/* The child's own commit has its owner now. */
	f->charge -= f->child->commit.paid - UPPER_TABLES;
	return 0;
}

/* The next mapping of the parent, in f->vad: a copy, for no VAD is read under the
 * ws_locks.  The child's copy of the one before is marked if it got words of the parent:
 * as on Linux it is then not merged with mappings that the child makes beside it, and
 * programs look at the lines of /proc/PID/maps.
 * Locks: both map_locks exclusive. */
bool
fork_next_vad(struct pte_fork *f)
{
	if (f->given && f->twin != NULL)
		f->twin->flags |= VAD_INHERITED;
	f->given = false;
	if (f->next == NULL)
		return false;
	f->vad = *f->next;
	f->next = vad_next(f->next);
	if ((f->vad.flags & VAD_DONTFORK) == 0)
		f->twin = f->twin == NULL ? vad_first(f->child) :
		    vad_next(f->twin);
	return true;
}

/* The first leaf table of the parent in [va, end).  Words beyond the end of the
 * mapping's object are left out: no truncate would clear them in the child (R7).
 * Locks: takes both ws_locks, until fork_unlock_table().
 * Returns: true with f->at at the table, s for fork_meet(); false: there is none, or it
 * is out, and fork_wait() brings it. */
bool
fork_lock_table(struct pte_fork *f, va_t va, va_t end, struct pte_ref *s)
{
	bool found;

	want_again(&f->want);
	f->cleaf = NULL;
	f->ptables.as = f->parent;
	f->at = (struct pt_iter){ .as = f->parent, .va = va, .hold = &f->ptables,
		.want = &f->want };
	mutex_lock(&f->parent->ws_lock);
	mutex_lock_nested(&f->child->ws_lock);
	f->at.end = MIN(end, MAX(va, pte_limit(&f->vad)));
	found = pt_iter_table(&f->at);
	if (!found && f->at.r == 0)
		f->at.va = end;
	f->va = f->at.va;
	*s = (struct pte_ref){ .as = f->parent, .leaf = f->at.leaf,
		.word = found ? pt_iter_at(&f->at) : NULL };
	return found;
}

/* Locks: both ws_locks, released.
 * Returns: the first address of the range that was not done. */
va_t
fork_unlock_table(struct pte_fork *f)
{
	HELD(&f->parent->ws_lock);
	HELD(&f->child->ws_lock);
	EVENT_ADD(fork_words, (f->at.va - f->va) >> PAGE_SHIFT);
	f->va = f->at.va;
	mutex_unlock(&f->child->ws_lock);
	mutex_unlock(&f->parent->ws_lock);
	return f->va;
}

/* The child's table for va, an address in the parent's present table: it is made for the
 * first word.
 * Locks: both ws_locks.  Returns: the table; NULL: f->want. */
struct vm_page *
fork_child_leaf(struct pte_fork *f, va_t va)
{
	HELD(&f->parent->ws_lock);
	HELD(&f->child->ws_lock);
	f->ctables.late = (f->vad.flags & VAD_CHARGED) == 0;
	f->ctables.as = f->child;
	if (f->cleaf == NULL)
		f->cleaf = pt_make(f->child, va, &f->ctables, &f->want);
	f->given |= f->cleaf != NULL;
	return f->cleaf;
}

/* The child gets a page of its own, a copy of from, for the word at s.
 * Locks: both ws_locks; from is pinned; takes [P].
 * Returns: true; false: f->want (a frame, the child's table). */
bool
fork_copy_page(struct pte_fork *f, const struct pte_ref *s,
    struct vm_page *from)
{
	struct vm_page *leaf = fork_child_leaf(f, s->va), *to;

	HELD(&f->parent->ws_lock);
	HELD(&f->child->ws_lock);
	if (leaf == NULL || !want_frame(&f->want))
		return false;
	to = f->want.frame;
	f->want.frame = NULL;
	page_install_copy(leaf, pt_word(leaf, s->va), HOME_PTE, to, from);
	f->child->words.priv++;
	fork_child_late(f, 1);
	return true;
}

/* A page that could not be read for the parent is an ERROR word in the child, too.
 * Locks: both ws_locks.  Returns: true; false: f->want. */
bool
fork_copy_error(struct pte_fork *f, const struct pte_ref *s)
{
	struct vm_page *leaf = fork_child_leaf(f, s->va);

	HELD(&f->parent->ws_lock);
	HELD(&f->child->ws_lock);
	if (leaf == NULL)
		return false;
	word_set(leaf, pt_word(leaf, s->va), word_get(s->word));
	f->child->words.priv++;
	fork_child_late(f, 1);
	return true;
}

/* ---- with no ws_lock ---- */

/* Get what stopped the loop.
 * Locks: both map_locks, nothing of rank >= 3.
 * Returns: 0, -EINTR (fatal signal), -EIO (a table could not be read: of the parent,
 * its words would be zeros in the child; or of the child). */
int
fork_wait(struct pte_fork *f)
{
	HELD_SHARED(&f->parent->map_lock);
	HELD_SHARED(&f->child->map_lock);
	return f->ptables.lost || f->ctables.lost ? -EIO : want_get(&f->want);
}

/* Give back what was taken and not used.  Also after a fork that was given up: then there
 * may be tables without a word, until as_dup() has taken the child apart.
 * Locks: both map_locks. */
void
fork_end(struct pte_fork *f)
{
	HELD_SHARED(&f->parent->map_lock);
	HELD_SHARED(&f->child->map_lock);
	pt_release(&f->ptables);
	pt_release(&f->ctables);
	want_end(&f->want);
	commit_uncharge(f->charge);
	f->charge = 0;
}
