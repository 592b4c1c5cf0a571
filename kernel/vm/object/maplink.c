/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maplink.c: who maps an object, and how a truncate takes its PTEs away
 *
 * Problem   Files, memfds and shared memory are mapped by many spaces and cut
 *           while these use them: then no space may map a page behind the new
 *           end.  To clear a PTE may need a page table or an entry page that
 *           is on swap; but while the list of mappings is locked, nobody may wait.
 *
 * Picture   shrink:  size, resize_seq ─→ zap each link ─→ free pages ─→ tail
 *                       [O]               [X] [W]            [O]
 *           zap:     link ─→ link ─→ link      zap_seq: done, done, …
 *                             └─ school->zap: -EAGAIN, job.want says what is out
 *                     [X] dropped ─→ want_finish ─→ [X], the list again
 *
 * Rules     1. The size is cut before the first word is taken away.  A fault
 *              installs in the hold of [W] in which it read the size, so its
 *              PTE is either seen by the zap or never made (R7).
 *           2. A link whose zap_seq is resize_seq is done and is skipped: no
 *              fault can refill it, for it sees the new size.
 *           3. Until its link is done the space is held by a reference, and the
 *              tables that were brought by pins; the token for these pins is
 *              taken before the first of them.  A space that is being torn down is
 *              not held: the zap waits for its end.
 */
#include "vm/design/design.h"
#include "vm/object/object.h"
#include "vm/table/table.h"

/* How many mappings it has, all or of one kind (objects.h); parts of one that was cut
 * count separately.  A mapping keeps its open file, even if the descriptor is closed.
 * fork and exec ask for the writers of a program's file, which a thousand processes may
 * map: so the links are walked only if one of them ever was such a mapping.
 * Locks: none of rank >= 4; takes [X]. */
uint64_t
vmo_mappings(struct vmo *vmo, enum vmo_maps which)
{
	struct vm_maplink *link;
	uint64_t n = 0;

	mutex_lock(&vmo->maps_lock);
	if (which != MAPS_OF_WRITERS || vmo->had_writer)
		LIST_FOREACH(link, &vmo->maps, node)
			n += which == MAPS_ALL || (which == MAPS_WRITABLE ?
			    link->nwr != 0 : (link->flags & VAD_WRITER) != 0);
	if (which == MAPS_OF_WRITERS)
		vmo->had_writer = n != 0;
	mutex_unlock(&vmo->maps_lock);
	return n;
}

/* ---- zapping ---- */

/* A zap under way. */
struct object_zap {
	struct zap_job job;    /* tables.as: opened, with a reference */
	struct aspace *next;   /* the space that stopped the walk; a reference */
};

/* Clear a mapping's words for the object's pages [lo, hi), or make them clean: job->how.
 * Locks: [X] of the link's object.  Returns: 0, -EAGAIN: job->want, then again. */
int
vmo_zap_link(struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	lo = MAX(lo, link->off);
	hi = MIN(hi, link->off + link->end - link->start);
	if (lo >= hi)
		return 0;
	return link->as->school->zap(link->as, link, link->start + lo - link->off,
	    link->start + hi - link->off, job);
}

/* One walk over the links.  True: all have been done. */
static bool
zap_some(struct vmo *vmo, const struct zap_range *z, struct object_zap *w)
{
	struct vm_maplink *link;
	bool done = true;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node) {
		if (link->zap_seq == z->seq)
			continue;
		done = vmo_zap_link(link, z->lo, z->hi, &w->job) == 0;
		if (!done) {
			w->next = link->as;
			as_get(w->next);
			break;
		}
		link->zap_seq = z->seq;
	}
	mutex_unlock(&vmo->maps_lock);
	return done;
}

/* Drop pins and reference of the last space, and the token. */
static void
zap_let_go(struct object_zap *w)
{
	struct aspace *as = w->job.tables.as;

	want_end(&w->job.want);
	if (as == NULL)
		return;
	pt_release(&w->job.tables);
	w->job.tables.as = NULL;
	pt_close_space(as);
	structural_end();
	as_put(as);
}

/* Bring what is missing in w->next.  A space that is being torn down clears its words
 * itself: wait until its root has gone. */
static void
zap_wait(struct object_zap *w)
{
	struct aspace *as = w->next;

	w->next = NULL;
	if (as != w->job.tables.as) {
		zap_let_go(w);
		if (!pt_open_space(as)) {
			pt_wait_ended(as);
			as_put(as);
			return;
		}
		structural_begin();
		w->job.tables.as = as;
	} else {
		as_put(as);
	}
	want_finish(&w->job.want);
}

/* Clear the words of a range in every space.
 * Locks: none of rank >= 3.
 * Context: thread, sleeps while tables and entry pages come from swap. */
void
vmo_zap_links(struct vmo *vmo, const struct zap_range *z)
{
	struct object_zap w = { .job.how = z->how };

	while (!zap_some(vmo, z, &w))
		zap_wait(&w);
	zap_let_go(&w);
}
