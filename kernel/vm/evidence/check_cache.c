/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_cache.c: the pages of one file
 *
 * Problem   A page at a wrong index of the tree returns the bytes of another.
 *
 * Picture   tree of pages ─→ order, size, counts (I10), homes (I1)
 *
 * Rules     1. All other threads are stopped (check.c).
 */
#include "vm/evidence/evidence.h"
#include "vm/object/vmo.h"
#include "vm/evidence/report.h"

/*
 * I10 and the home of I1: order, size, counts of one file.
 *
 * Locks:    [O], the machine is stopped (vm_check); takes [P].
 * Returns:  findings, also told to rep.
 */
int
check_cache(struct vmo *vmo, struct vm_report *rep)
{
	uint64_t end = PAGE_UP(vmo->size) >> PAGE_SHIFT, n = 0, dirty = 0;
	uint64_t last = 0;
	unsigned before = rep->findings;
	struct vm_page *pg;

	HELD(&vmo->lock);
	spin_lock(&pfn_lock);
	for (pg = page_tree_first(&vmo->v.pages); pg != NULL;
	     pg = page_tree_next(pg)) {
		dirty += (pg->flags & PF_DIRTY) != 0;
		if (n++ > 0 && pg->index <= last)
			report_bad(rep, "I10", "pfn %u: page %lu after %lu",
			    page_pfn(pg), pg->index, last);
		last = pg->index;
		if (pg->index >= end && vmo->cuts == 0)
			report_bad(rep, "I10", "file of %lu bytes has page %lu",
			    vmo->size, pg->index);
		if (page_home_kind(pg) != HOME_VNODE ||
		    page_home_payload(pg) != va2pa(vmo))
			report_bad(rep, "I1", "page %lu: pfn %u has home %lx",
			    pg->index, page_pfn(pg), pg->home);
	}
	if (n != vmo->n_resident || dirty != vmo->n_dirty)
		report_bad(rep, "I10", "file: %lu pages %lu dirty, counted %lu "
		    "and %lu", vmo->n_resident, vmo->n_dirty, n, dirty);
	if (!page_tree_is_well(&vmo->v.pages))
		report_bad(rep, "I10", "the tree of a file has a node at a wrong "
		    "place");
	spin_unlock(&pfn_lock);
	return (int)(rep->findings - before);
}
