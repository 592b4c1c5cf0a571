/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/dup.c: fork copies amaps, and no page
 *
 * Problem   The child gets all that the parent has written, and neither may see
 *           what the other writes from then on.
 *
 * Picture   before   parent ─ amap ─→ anon { refs 1 } ─→ page, mapped writable
 *           after    parent ─ amap ─→ anon { refs 2 } ─→ page, mapped read-only
 *                    child  ─ amap ─────┘
 *
 * Rules     1. Mappings and charge, which may fail, come first; the copy of an
 *              amap waits for memory, and is given up when the kernel may not grow.
 *           2. Nothing is waited for with a ws_lock.  A slot that the child has is
 *              passed by when the copy goes on.
 *           3. Where refs have risen, words of the parent lose W; one flush, before
 *              the child is published, and also when the fork is given up.
 *           4. A page that somebody pins is copied at once: he may go on filling
 *              it, for the parent.
 *           5. Pages on swap, or under way, are shared as they are: nothing is read.
 *
 * Read next uvm_fault.c, which copies at the first write
 */
#include "vm/design/uvm/uvm.h"

#define REFUSALS 32    /* in a row, until the fork is given up */

/* One fork under way; on the stack of uvm_dup(). */
struct uvm_fork {
	struct pte_fork c;             /* what forks of all designs have */
	struct uvm_entry *from, *to;   /* [M] of parent and child */
	uint64_t at;                   /* vpn: those below are done */
	uint64_t lo, hi;               /* parent words that lost W: to be flushed */
	uint64_t refs, copies;         /* anons shared, pages copied so far */
	unsigned refused;              /* times that there was no record for this anon */
};

/* The child's mappings, and the charge of all that it will have. */
static int
reserve(struct pte_fork *f)
{
	int r = fork_vads(f);

	if (r != 0)
		return r;
	f->charge = f->child->commit - UPPER_TABLES +
	    atomic_load(&f->parent->late);
	r = commit_charge(f->charge);
	if (r != 0) {
		f->child->commit = UPPER_TABLES;
		f->charge = 0;
		return r;
	}
	/* The child's own commit has its owner now. */
	f->charge -= f->child->commit - UPPER_TABLES;
	return 0;
}

/* ---- one anon, under both ws_locks.  False: w->c.want, and this one again ---- */

static bool
no_record(struct uvm_fork *w)
{
	/* Where a frame could be had it is the kernel that may not grow. */
	if (w->c.want.frame != NULL || want_frame(&w->c.want)) {
		(void)want_again(&w->c.want);
		w->refused++;
	}
	return false;
}

/*
 * The child's slot; the part of the charge that stands for the parent's late pages
 * pays for it, if that was one.
 */
static void
add(struct uvm_fork *w, struct vm_anon *anon)
{
	bool late = amap_is_late(&w->from->amap, w->at);

	amap_add(&w->to->amap, w->at, anon, late);
	w->c.charge -= late;
	atomic_add(&w->c.child->late, late);
	w->c.given = true;
	w->refused = 0;
}

/* The child gets its own page, now: somebody fills or reads the parent's. */
static bool
copy_page(struct uvm_fork *w, struct vm_anon *anon)
{
	struct vm_page *from, *to;
	struct vm_anon *copy;

	if (!want_frame(&w->c.want))
		return false;
	copy = uvm_anon_new();
	if (copy == NULL)
		return no_record(w);
	from = pmap_rec_pin(&anon->word);
	if (from == NULL) {
		uvm_anon_free(copy);
		(void)want_again(&w->c.want);
		return false;
	}
	to = w->c.want.frame;
	w->c.want.frame = NULL;
	add(w, copy);
	pmap_rec_copy(&copy->word, HOME_ANON, to, from);
	page_unpin(from);
	w->copies++;
	EVENT(fork_pinned_copies);
	return true;
}

static bool
share(struct uvm_fork *w, struct vm_anon *anon)
{
	if (!amap_reserve(&w->to->amap, w->at))
		return no_record(w);
	if (pmap_rec_is_pinned(&anon->word))
		return copy_page(w, anon);
	uvm_anon_ref(anon);
	add(w, anon);
	w->refs++;
	EVENT(uvm_anon_refs_fork);
	return true;
}

/* ---- one entry ---- */

/*
 * The anons of the entry from w->at on, as far as its object goes: nobody would
 * take from the child what lies behind (R7).
 *
 * Locks:    both map_locks exclusive; takes both ws_locks.
 */
static void
copy_amap(struct uvm_fork *w)
{
	struct vm_anon *anon;
	uint64_t end;

	mutex_lock(&w->c.parent->ws_lock);
	mutex_lock_nested(&w->c.child->ws_lock);
	end = MIN(w->from->end, pte_limit(&w->c.vad) >> PAGE_SHIFT);
	AMAP_FOREACH(anon, &w->from->amap, w->at, end)
		if (!share(w, anon))
			break;
	if (anon == NULL || w->at >= end)
		w->at = w->from->end;
	pmap_change(w->c.parent, w->from->start, w->from->end, MD_PTE_W, 0);
	mutex_unlock(&w->c.child->ws_lock);
	mutex_unlock(&w->c.parent->ws_lock);
	w->lo = MIN(w->lo, w->from->start);
	w->hi = MAX(w->hi, w->from->end);
}

static int
copy_entry(struct uvm_fork *w)
{
	const struct vad *v = &w->c.vad;
	int r = 0;

	if ((v->flags & (VAD_SHARED | VAD_WIPEONFORK | VAD_DONTFORK)) != 0)
		return 0;
	w->from = splay_find(uvm_space(w->c.parent), v->start);
	w->to = splay_find(uvm_space(w->c.child), v->start);
	if (w->from == NULL || w->to == NULL)
		return -ENOMEM; /* VADs were lost */
	w->at = w->from->start;
	EVENT(uvm_fork_entry, v->start, w->from->amap.nanons);
	while (r == 0 && w->at < w->from->end) {
		want_again(&w->c.want);
		copy_amap(w);
		if (w->at < w->from->end)
			r = w->refused > REFUSALS ? -ENOMEM :
			    want_get(&w->c.want);
	}
	return r;
}

/*
 * Fork the memory of parent into child, which is empty: ops->dup.
 *
 * Locks:    both map_locks exclusive; takes and releases both ws_locks.
 * Context:  thread, sleeps; with a structural token.
 * Returns:  0, -ENOMEM, -EINTR (fatal signal): the child may be half made, as_put()
 *           takes it apart; the parent has what it had.
 */
int
uvm_dup(struct aspace *parent, struct aspace *child)
{
	struct uvm_fork w = { .c = { .parent = parent, .child = child },
		.lo = UINT64_MAX };
	int r;

	EVENT(fork_begin, parent->id, child->id);
	r = reserve(&w.c);
	while (r == 0 && fork_next_vad(&w.c))
		r = copy_entry(&w);
	if (w.lo < w.hi) {
		mutex_lock(&parent->ws_lock);
		tlb_flush_range(parent, w.lo, w.hi);
		mutex_unlock(&parent->ws_lock);
	}
	want_end(&w.c.want);
	commit_uncharge(w.c.charge);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.refs, 0, w.copies);
	}
	return r;
}
