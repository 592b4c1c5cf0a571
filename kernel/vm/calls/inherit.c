/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inherit.c: what a child has from its parent stays a mapping of its own
 *
 * Problem   Anonymous mappings that touch become one.  As on Linux, what a
 *           child maps beside memory that has pages of its parent's does not:
 *           the two have another origin, and programs look at the lines of
 *           /proc/PID/maps.
 *
 * Picture   parent   [ touched ][ untouched ]
 *           child    [ INHERITED ][ as its own ]   INHERITED + new: two VADs
 *                                                  as its own + new: one
 *
 * Rules     1. The flag is a part of VAD_*: VADs with and without do not merge
 *              (vad.c), pieces of one that was divided do.
 *           2. It stays when the child has copied all of the pages.
 *
 * Read next as.c (as_dup), vm/map/vad.c.  Book: ch10.
 */
#include "vm/calls/calls.h"
#include "vm/map/map.h"
#include "vm/space/space.h"
#include "vm/table/table.h"

/* Has the child got a page of its parent's?  [W]. */
static bool
has_words(struct pt_iter *it)
{
	for (; pt_iter_place(it); it->va = it->stop) {
		if (it->out != NULL) /* on swap: tables without words do not go */
			return true;
		if (pt_iter_word(it) != NULL)
			return true;
	}
	return false;
}

/*
 * A fork has made the child; its words are there.
 *
 * Locks:    [M] exclusive of the child; takes its [W].
 */
void
map_mark_inherited(struct aspace *child)
{
	struct pt_iter it;
	struct vad *v;
	bool has;

	VAD_FOREACH(v, child) {
		if ((v->flags & (VAD_SHARED | VAD_INHERITED)) != 0)
			continue;
		/* VADs are paged: copied before [W] is taken. */
		it = pt_range(child, v->start, v->end);
		mutex_lock(&child->ws_lock);
		has = has_words(&it);
		mutex_unlock(&child->ws_lock);
		if (has)
			v->flags |= VAD_INHERITED;
	}
}
