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
 * Rules     1. When an interrupted copy goes on, it skips slots that the child has.
 *           2. Where refs have risen, words of the parent lose W; the flush, like all
 *              that does not concern amaps, is in ../anons/anonsfork.c.
 *           3. A pinned page is copied at once.
 *           4. With the boot option uvm=late fork copies no amap of anonymous memory:
 *              the first change by either side does (amap_own()).
 *
 * Read next amap.c, which copies
 */
#include "vm/design/uvm/uvm.h"

/* ---- early ---- */

/* The child gets its own page, now: somebody fills or reads the parent's. */
static bool
copy_page(struct anons_fork *w, struct vm_amap *from, struct vm_amap *to)
{
	struct vm_anon *anon = amap_lookup(from, w->at), *copy;
	bool late = amap_is_late(from, w->at);

	if (!want_frame(&w->c.want))
		return false;
	copy = uvm_anon_new();
	if (copy == NULL)
		return anons_fork_refused(w, &uvm_anons);
	if (!anons_fork_copy(w, &anon->word, &copy->word)) {
		uvm_anon_free(copy);
		return false;
	}
	amap_add(to, w->at, copy, late ? CHARGED_LATE : CHARGED_AHEAD);
	anons_fork_given(w, late);
	return true;
}

/* The page at which amap_copy() has stopped. */
static bool
get_over(struct anons_fork *w, struct vm_amap *from, struct vm_amap *to)
{
	if (!amap_reserve(to, w->at))
		return anons_fork_refused(w, &amap_chunks);
	/* If the page is not pinned any more it is shared. */
	if (!pmap_rec_is_pinned(&amap_lookup(from, w->at)->word))
		return true;
	if (!copy_page(w, from, to))
		return false;
	w->at++;
	return true;
}

static void
copy_slots(struct anons_fork *w, struct uvm_entry *from, struct uvm_entry *to)
{
	uint64_t at, n;

	do {
		at = w->at;
		n = to->amap->nanons;
		w->at = amap_copy(w->c.parent, to, from, at, w->limit);
		n = to->amap->nanons - n;
		if (n != 0)
			anons_fork_given(w, amap_count_late(to->amap, at,
			    w->at));
		w->shared += n;
	} while (w->at < w->limit && get_over(w, from->amap, to->amap));
}

/* ---- late ---- */

/* May the child have the parent's amap?  Not if somebody fills one of its pages. */
static bool
may_share(struct anons_fork *w, const struct vm_amap *amap)
{
	/* Of a file's pages a truncate takes anons, and cannot wait for a copy. */
	return option_is("uvm", "late") && w->c.vad.vmo == NULL &&
	    amap->nanons != 0 &&
	    !anons_fork_is_pinned(w);
}

static void
share_amap(struct anons_fork *w, struct uvm_entry *from, struct uvm_entry *to)
{
	amap_free(to->amap);
	to->amap = amap_share(from->amap);
	anons_fork_given(w, amap_count_late(to->amap, w->start, w->end));
	pmap_change(w->c.parent, w->start, w->end, MD_PTE_W, 0);
	w->at = w->limit;
}

/* ---- one entry ---- */

/* The anons of the parent's entry from w->at on, or all of its amap.
 * Locks: both map_locks exclusive, both ws_locks. */
void
uvm_fork(struct anons_fork *w)
{
	struct uvm_entry *from = w->from;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	if (w->at == w->start)
		EVENT(uvm_fork_entry, w->start, from->amap->nanons);
	if (w->at == w->start && may_share(w, from->amap))
		share_amap(w, from, w->to);
	else
		copy_slots(w, from, w->to);
}
