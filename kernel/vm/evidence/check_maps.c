/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_maps.c: the tree of a space's VADs, and what they have paid
 *
 * Problem   A wrong gap or a link that does not follow its VAD harms nobody
 *           until a mapping is placed over another, or a truncate misses one.
 *
 * Picture   tree of VADs ─→ order, gaps, links, sums (I8 I9 I11 I12)
 *
 * Rules     1. The walk goes by the tree's own order: vad.c is what is checked.
 */
#include "vm/evidence/evidence.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"

static uint64_t
maxgap_of(const struct rb_node *n)
{
	return n == NULL ? 0 : CONTAINER_OF(n, struct vad, rb)->maxgap;
}

static void
check_link(struct vad *v, struct aspace *as, struct vm_report *rep)
{
	const struct vm_maplink *l = v->link;

	if (v->vmo == NULL)
		return;
	if (l == NULL || !list_is_linked(&l->node))
		report_bad(rep, "I9", "vad %lx-%lx has no listed link", v->start,
		    v->end);
	else if (l->as != as || l->start != v->start || l->end != v->end ||
	    l->off != v->off)
		report_bad(rep, "I9", "vad %lx-%lx link %lx-%lx", v->start,
		    v->end, l->start, l->end);
}

/*
 * Order, disjointness, balance, gaps, links, sums of one tree.
 *
 * Locks:    [M] shared or exclusive; under the kernel [W], all VADs are here.
 * Returns:  0; findings go to the report.
 */
int
check_vad_tree(struct aspace *as, struct vm_report *rep)
{
	uint64_t end = 0, n = 0, pages = 0, commit = 0, locked = 0;
	uint64_t last = UINT64_MAX; /* page that is paid for */
	struct rb_node *at;
	struct vad *v;

	HELD_SHARED(&as->map_lock);
	if (rb_check(&as->map.vads) < 0)
		report_bad(rep, "I8", "as %lu: not a red-black tree", as->id);
	/* By the tree's own order: vad.c is what is being checked. */
	for (at = rb_first(&as->map.vads); at != NULL; at = rb_next(at)) {
		uint64_t m = MAX(maxgap_of(at->left), maxgap_of(at->right));

		v = CONTAINER_OF(at, struct vad, rb);

		if (v->start < end || v->start >= v->end)
			report_bad(rep, "I8", "vad %lx-%lx after %lx", v->start,
			    v->end, end);
		if (v->gap != v->start - end || v->maxgap != MAX(m, v->gap))
			report_bad(rep, "I8", "vad %lx gap %lx maxgap %lx",
			    v->start, v->gap, v->maxgap);
		check_link(v, as, rep);
		end = v->end;
		n++;
		pages += v->end - v->start;
		if ((v->flags & VAD_LOCKED) != 0)
			locked += v->end - v->start;
		commit += vad_pays(as, v, &last);
	}
	if (n != as->map.nvads || pages != as->map.total_pages)
		report_bad(rep, "I11", "as %lu: %lu vads %lu pages, counted %lu %lu",
		    as->id, as->map.nvads, as->map.total_pages, n, pages);
	rep->vads += n;
	if (locked != as->map.locked_pages)
		report_bad(rep, "I11", "as %lu: %lu pages locked, counted %lu",
		    as->id, as->map.locked_pages, locked);
	if (commit + 4 != as->commit.paid)
		report_bad(rep, "I12", "as %lu: commit %lu, vads have %lu + 4",
		    as->id, as->commit.paid, commit);
	return 0;
}
