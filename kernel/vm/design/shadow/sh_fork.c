/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_fork.c: fork copies nothing: two new tops, in front of the old one
 *
 * Problem   The child gets all that the parent has written, and neither may see what the
 *           other writes from then on.
 *
 * Picture   before   parent's entry ─→ object
 *           after    parent's entry ─→ new top ─┐
 *                                               ├─→ object, not stored to any more
 *                    child's  entry ─→ top ─────┘
 *
 *           an object without a page is not stacked: the child's top gets its parent
 *
 * Rules     1. A pinned page is copied for the child now, and moves to the parent's new
 *              top: the I/O that pins it may go on filling it, for the parent.
 *           2. The child sees nothing behind the end of the file: no truncate would take
 *              it away (R7).
 *           3. The flush, like all that does not concern objects, is in anonsfork.c.
 */
#include "vm/design/shadow/shadow.h"

/* The child's own copy of a page.  False: w->c.want, and this page again. */
static bool
copy_page(struct anons_fork *w, struct sh_page *page)
{
	struct sh_entry *to = w->to;
	struct sh_page *copy;

	if (!want_frame(&w->c.want))
		return false;
	copy = sh_page_new();
	if (copy == NULL)
		return anons_fork_refused(w, &sh_pages);
	if (!anons_fork_copy(w, &page->word, &copy->word)) {
		sh_page_free(copy);
		return false;
	}
	copy->late = page->late;
	spin_lock(&sh_lock);
	sh_add_locked(to->top, copy, page->index);
	spin_unlock(&sh_lock);
	EVENT_ADD(shadow_pages, 1);
	anons_fork_given(w, copy->late);
	return true;
}

/* The next page of [w->at, w->limit) in the top that is pinned, and that the child has
 * not; NULL.  A top's pages are freed under [W] only. */
static struct sh_page *
next_pinned(struct anons_fork *w)
{
	struct sh_entry *from = w->from, *to = w->to;
	struct sh_page *page;

	spin_lock(&sh_lock);
	for (; (page = sh_from_locked(from->top, w->at)) != NULL &&
	    page->index < w->limit; w->at = page->index + 1)
		if (pmap_rec_is_pinned(&page->word) &&
		    sh_find_locked(to->top, page->index) == NULL)
			break;
	spin_unlock(&sh_lock);
	return page != NULL && page->index < w->limit ? page : NULL;
}

/* Has the object a page that nobody pins, or a hole? */
static bool
has_others(struct sh_object *o)
{
	struct sh_page *page;
	uint64_t i = 0;

	spin_lock(&sh_lock);
	for (; (page = sh_from_locked(o, i)) != NULL; i = page->index + 1)
		if (!pmap_rec_is_pinned(&page->word))
			break;
	spin_unlock(&sh_lock);
	return page != NULL;
}

/* The child's top sees what the parent's sees. */
static void
share(struct anons_fork *w, struct sh_object *front)
{
	struct sh_entry *from = w->from, *to = w->to;
	uint64_t before = sh_count_late(to->top, w->start, w->limit);

	spin_lock(&sh_lock);
	sh_share_locked(from, front, to->top, w->start, w->limit);
	spin_unlock(&sh_lock);
	anons_fork_given(w, sh_count_late(to->top, w->start, w->limit) - before);
}

/*
 * What the entry sees, its child sees, too.
 *
 * Locks:    both map_locks exclusive, both ws_locks.
 */
void
sh_fork(struct anons_fork *w)
{
	struct sh_entry *from = w->from;
	struct sh_object *front = NULL;
	struct sh_page *page;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	spin_lock(&sh_lock);
	sh_bypass_locked(from->top);
	spin_unlock(&sh_lock);
	for (; (page = next_pinned(w)) != NULL; w->at++)
		if (!copy_page(w, page))
			return;
	if (has_others(from->top) && (front = sh_object_new()) == NULL) {
		w->at = w->limit - 1;
		(void)anons_fork_refused(w, &sh_objects);
		return;
	}
	share(w, front);
	w->at = w->limit;
	w->shared += front != NULL;
	pmap_change(w->c.parent, w->start, w->end, MD_PTE_W, 0);
}
