/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/dup.c: fork copies amaps, or shares them, and no page
 *
 * Problem   The child gets all that the parent has written, and neither may see
 *           what the other writes from then on.
 *
 * Picture   before   parent ─ amap ─→ anon { refs 1 } ─→ page, mapped writable
 *           after    parent ─ amap ─→ anon { refs 2 } ─→ page, mapped read-only
 *                    child  ─ amap ─────┘
 *           uvm=late parent ─ amap { refs 2 } ─→ anon { refs 1 } ─→ page, read-only
 *                    child  ───┘
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
 *           6. The boot option uvm=late copies no amap of anonymous memory: the first
 *              who is about to change it does (amap_unshare()).
 *
 * Read next amap.c, which copies
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

/* ---- early ---- */

/*
 * The kernel may not grow: a frame that the child's mapping pays for is given.  False:
 * w->c.want, and this page again.
 */
static bool
no_record(struct uvm_fork *w, struct kmem_cache *of)
{
	if (!want_zeros(&w->c.want))
		return false;
	w->refused++;
	if ((w->c.vad.flags & VAD_CHARGED) != 0 && pmap_may_feed()) {
		kmem_cache_feed(of, w->c.want.frame);
		w->c.want.frame = NULL;
	}
	(void)want_again(&w->c.want);
	return false;
}

/*
 * The child has n slots more; the part of the charge that stands for the parent's
 * late pages pays for those that are late.
 */
static void
given(struct uvm_fork *w, uint64_t n, uint64_t late)
{
	if (n == 0)
		return;
	w->c.charge -= late;
	atomic_add(&w->c.child->late, late);
	w->c.given = true;
	w->refused = 0;
}

/* The child gets its own page, now: somebody fills or reads the parent's. */
static bool
copy_page(struct uvm_fork *w, struct vm_anon *anon)
{
	bool late = amap_is_late(w->from->amap, w->at);
	struct vm_page *from, *to;
	struct vm_anon *copy;

	if (!want_frame(&w->c.want))
		return false;
	copy = uvm_anon_new();
	if (copy == NULL)
		return no_record(w, &uvm_anons);
	from = pmap_rec_pin(&anon->word);
	if (from == NULL) {
		uvm_anon_free(copy);
		(void)want_again(&w->c.want);
		return false;
	}
	to = w->c.want.frame;
	w->c.want.frame = NULL;
	amap_add(w->to->amap, w->at, copy, late);
	given(w, 1, late);
	pmap_rec_copy(&copy->word, HOME_ANON, to, from);
	page_unpin(from);
	w->copies++;
	EVENT(fork_pinned_copies);
	return true;
}

/* The page at which amap_copy() has stopped. */
static bool
get_over(struct uvm_fork *w)
{
	struct vm_anon *anon = amap_lookup(w->from->amap, w->at);

	if (!amap_reserve(w->to->amap, w->at))
		return no_record(w, &amap_chunks);
	/* Whoever had pinned it is done, perhaps: it is shared then. */
	if (!pmap_rec_is_pinned(&anon->word))
		return true;
	if (!copy_page(w, anon))
		return false;
	w->at++;
	return true;
}

/* What the entry has up to end.  Both [W]. */
static void
copy_slots_to(struct uvm_fork *w, uint64_t end)
{
	struct vm_amap *to = w->to->amap;
	uint64_t at, n;

	do {
		at = w->at;
		n = to->nanons;
		w->at = amap_copy(w->c.parent, w->to, w->from, at, end);
		n = to->nanons - n;
		given(w, n, amap_count_late(to, at, w->at));
		w->refs += n;
	} while (w->at < end && get_over(w));
}

/* ---- late ---- */

/* May the child have the parent's amap?  Not if somebody fills one of its pages. */
static bool
may_share(struct uvm_fork *w)
{
	struct vm_amap *amap = w->from->amap;
	struct vm_anon *anon;
	uint64_t vpn = 0;

	/* Of a file's pages a truncate takes anons, and cannot wait for a copy. */
	if (!option_is("uvm", "late") || w->c.vad.vmo != NULL ||
	    amap->nanons == 0)
		return false;
	AMAP_FOREACH(anon, amap, vpn, UINT64_MAX)
		if (pmap_rec_is_pinned(&anon->word))
			return false;
	return true;
}

/* Both [W]. */
static void
share_amap(struct uvm_fork *w)
{
	amap_free(w->to->amap);
	w->to->amap = amap_share(w->from->amap);
	given(w, w->to->amap->nanons,
	    amap_count_late(w->to->amap, 0, UINT64_MAX));
	pmap_change(w->c.parent, w->from->start, w->from->end, MD_PTE_W, 0);
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
	uint64_t end;

	mutex_lock(&w->c.parent->ws_lock);
	mutex_lock_nested(&w->c.child->ws_lock);
	end = MIN(w->from->end, pte_limit(&w->c.vad) >> PAGE_SHIFT);
	if (w->at == w->from->start && may_share(w)) {
		share_amap(w);
		w->at = end;
	} else if (w->at < end) {
		copy_slots_to(w, end);
	}
	if (w->at >= end)
		w->at = w->from->end;
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
	EVENT(uvm_fork_entry, v->start, w->from->amap->nanons);
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
	uint64_t tables;
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
	if (r == 0) {
		/* For the parent's tables: the child will make its own of them. */
		tables = MIN(w.c.charge, parent->n_table + parent->pruned);
		atomic_add(&child->prepaid, tables);
		w.c.charge -= tables;
	}
	commit_uncharge(w.c.charge);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.refs, 0, w.copies);
	}
	return r;
}
