/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadmem.c: the memory of VADs, their links to objects, their check
 *
 * Problem   A VAD with an object has a second half, the maplink, by which the
 *           object finds its mappings; both must come, follow each other and
 *           go together.
 *
 * Picture   vad {start, end, off, link} ──→ vmo
 *                              └─→ maplink {as, start, end, off} on vmo->maps
 *
 * Rules     1. The link lies in non-paged memory: it is read under [X], where
 *              nothing may be waited for; the VAD does not, and is not.
 *           2. Unlisted only when no word of the range is left: a truncate
 *              must find what is mapped.
 *           3. vad_free() may drop the last reference to the object, so it is
 *              called with no lock of rank >= 2.
 *
 * Read next vadpool.c, vm/object/vmo.c.  Book: ch05.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

static struct kmem_cache links = KMEM_CACHE("maplink", struct vm_maplink);

static struct vm_maplink *
link_alloc(void)
{
	struct vm_maplink *link = kmem_cache_zalloc(&links);

	if (link != NULL)
		list_node_init(&link->node);
	return link;
}

/*
 * link is on no list.  NULL is allowed.
 *
 * Locks:    any below LR_MEM.
 */
void
vad_link_free(struct vm_maplink *link)
{
	if (link == NULL)
		return;
	ASSERT(!list_is_linked(&link->node));
	kmem_cache_free(&links, link);
}

/*
 * A VAD for the space, of no range yet; with vmo also a reference to it and a
 * maplink.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps: VADs are paged.
 * Returns:  all fields 0 but vmo and link; NULL: no memory.
 */
struct vad *
vad_alloc(struct aspace *as, struct vmo *vmo)
{
	struct vm_maplink *link = NULL;
	struct vad *v;

	if (vmo != NULL && (link = link_alloc()) == NULL)
		return NULL;
	v = vadpool_take(as);
	if (v == NULL) {
		vad_link_free(link);
		return NULL;
	}
	*v = (struct vad){ .vmo = vmo, .link = link };
	if (vmo != NULL)
		vmo_get(vmo);
	EVENT(vad_alloc);
	return v;
}

/*
 * v is in no tree, its link on no list.  NULL is allowed.
 *
 * Locks:    none of rank >= 2, if the reference to the object may be the last.
 */
void
vad_free(struct vad *v)
{
	struct vmo *vmo;

	if (v == NULL)
		return;
	vmo = v->vmo;
	vad_link_free(v->link);
	if (vadpool_give(v))
		EVENT(vad_free);
	if (vmo != NULL)
		vmo_put(vmo);
}

/* The list that vad_remove_range() made.  Locks: none of rank >= 2. */
void
vad_free_list(struct vad *v)
{
	struct rb_node *next;

	for (; v != NULL; v = next == NULL ? NULL : CONTAINER_OF(next, struct vad, rb)) {
		next = v->rb.left;
		vad_free(v);
	}
}

/* The object learns of the mapping.  Locks: [M] exclusive; takes [X]. */
void
vad_list_link(struct aspace *as, struct vad *v)
{
	if (v->vmo == NULL)
		return;
	v->link->as = as;
	v->link->start = v->start;
	v->link->end = v->end;
	v->link->off = v->off;
	v->link->flags = v->flags;
	v->link->nwr = (v->flags & VAD_SHARED) != 0 &&
	    (v->maxprot & PROT_W) != 0;
	vmo_link(v->vmo, v->link);
}

/* The object forgets the mapping: its words are gone.  Locks: takes [X]. */
void
vad_unlist_link(struct vad *v)
{
	if (v->vmo != NULL && list_is_linked(&v->link->node))
		vmo_unlink(v->vmo, v->link);
}

/*
 * Two VADs with links are kept ready, so that munmap of one hole in the
 * middle of a mapping never fails for memory.
 *
 * Locks:    [M] exclusive.
 */
void
vad_refill_spare(struct aspace *as)
{
	struct vad *v;

	while (as->spare_vad == NULL || as->spare_vad->rb.left == NULL) {
		v = vad_alloc(as, NULL);
		if (v == NULL)
			return;
		v->link = link_alloc();
		if (v->link == NULL) {
			vad_free(v);
			return;
		}
		v->rb.left = as->spare_vad == NULL ? NULL : &as->spare_vad->rb;
		as->spare_vad = v;
	}
}

/* The maplink follows its VAD.  Locks: [M] exclusive; takes [X]. */
void
vad_update_link(struct vad *v)
{
	const struct vad copy = *v; /* [X]: no paged memory */
	struct vm_maplink *l = copy.link;

	if (l == NULL || copy.vmo == NULL)
		return;
	mutex_lock(&copy.vmo->maps_lock);
	/* A truncate under way has not seen what it gets from a neighbour. */
	if (copy.end - copy.start > l->end - l->start)
		l->zap_seq = 0;
	l->start = copy.start;
	l->end = copy.end;
	l->off = copy.off;
	l->flags = copy.flags;
	l->nwr = (copy.flags & VAD_SHARED) != 0 && (copy.maxprot & PROT_W) != 0;
	mutex_unlock(&copy.vmo->maps_lock);
}

/*
 * Give the part of *v that lies in [lo, hi) other flags.
 *
 * Locks:    [M] exclusive; takes [X].
 * Returns:  0; -ENOMEM (nothing changed); *v is the VAD that holds the part.
 */
int
vad_set_flags(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags)
{
	uint32_t old = (*v)->flags;
	struct vad *rest;
	int r = 0;

	if (flags == old)
		return 0;
	if ((*v)->start < lo)
		r = vad_split(as, *v, lo, v);
	if (r == 0 && (*v)->end > hi)
		r = vad_split(as, *v, hi, &rest);
	if (r == 0) {
		if ((old & VAD_LOCKED) != 0)
			as->locked_pages -= (*v)->end - (*v)->start;
		if ((flags & VAD_LOCKED) != 0)
			as->locked_pages += (*v)->end - (*v)->start;
		(*v)->flags = flags;
		vad_update_link(*v);
	}
	*v = vad_merge(as, *v);
	return r;
}

/*
 * Were VADs lost?  Then the tree is given up: to change what is left of it would
 * make circles.  The end of the space finds all VADs without it.
 *
 * Locks:    [M] exclusive.
 */
bool
vad_is_given_up(struct aspace *as)
{
	if (!atomic_load(&as->vads_lost))
		return false;
	as->vads.node = NULL;
	as->hint = NULL;
	return true;
}

/*
 * A VAD for a piece that is cut off: fresh, or one of the spares, which only
 * munmap may use.
 *
 * Locks:    [M] exclusive.
 * Returns:  as vad_alloc().
 */
struct vad *
vad_alloc_piece(struct aspace *as, struct vmo *vmo)
{
	struct vad *v = vad_alloc(as, vmo);

	if (v != NULL || as->spare_vad == NULL)
		return v;
	v = as->spare_vad;
	as->spare_vad = v->rb.left == NULL ? NULL : CONTAINER_OF(v->rb.left, struct vad, rb);
	v->rb.left = NULL;
	v->vmo = vmo;
	if (vmo != NULL)
		vmo_get(vmo);
	return v;
}

/* ---- I8, I9 ---- */

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
vad_check(struct aspace *as, struct vm_report *rep)
{
	uint64_t end = 0, n = 0, pages = 0, commit = 0, locked = 0;
	uint64_t block = UINT64_MAX; /* the last one that is paid for */
	struct rb_node *at;
	struct vad *v;

	if (rb_check(&as->vads) < 0)
		report_bad(rep, "I8", "as %u: not a red-black tree", as->id);
	/* By the tree's own order: vad.c is what is being checked. */
	for (at = rb_first(&as->vads); at != NULL; at = rb_next(at)) {
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
		commit += vad_pays(v, &block);
	}
	if (n != as->nvads || pages != as->total_pages)
		report_bad(rep, "I11", "as %u: %lu vads %lu pages, counted %lu %lu",
		    as->id, as->nvads, as->total_pages, n, pages);
	rep->vads += n;
	if (locked != as->locked_pages)
		report_bad(rep, "I11", "as %u: %lu pages locked, counted %lu",
		    as->id, as->locked_pages, locked);
	if (commit + 4 != as->commit)
		report_bad(rep, "I12", "as %u: commit %lu, vads have %lu + 4",
		    as->id, as->commit, commit);
	return 0;
}
