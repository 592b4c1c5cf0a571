/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * around.c: a fault on an object maps its neighbours, too
 *
 * Problem   Who touches one page of a file or of shared memory often touches the
 *           next.  That page is in memory already, and all that is missing is a
 *           word; a fault for that word alone costs ten times the word.
 *
 * Picture   mapping  ├──── block of `around` pages ────┤
 *           words     VALID  0  0  va  0  VALID  0  0      0, and the page in
 *           object      #    #  -  #   #    #    #  -      memory: mapped
 *
 * Rules     1. Without I/O and without new frames: only pages that are in memory,
 *              inside the mapping and the object.
 *           2. A neighbour has not been used: neither A nor D.
 *           3. The working set does not become too large by it.
 *           4. Not for a touch that stands alone: a word mapped in vain is made,
 *              aged and taken away again.
 *
 * Read next vmo_at_hand() in vm/cache/cache.h
 */
#include "vm/cache/cache.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

#define AROUND_MAX 16

/* What a fault maps beside its own page. */
struct block {
	uint64_t vpn, idx;               /* first page: of the space, of the object */
	unsigned n;                      /* pages, in one leaf table */
	struct vm_page *page[AROUND_MAX]; /* in memory, or NULL */
};

/* The aligned block of f's page, as far as it lies in the mapping. */
static void
block_of(const struct fctx *f, struct block *b)
{
	uint64_t around = MIN(MAX(fault_around(), 1ul), (uint64_t)AROUND_MAX);
	uint64_t vpn = f->va >> PAGE_SHIFT, first = vpn - vpn % around;

	b->vpn = MAX(first, f->v.start);
	b->n = (unsigned)(MIN(first + around, f->v.end) - b->vpn);
	b->idx = f->v.off + b->vpn - f->v.start;
}

/*
 * Is the touch one of a sequence, or of code, which jumps about within few pages?
 * Elsewhere neighbours are mapped in vain more often than not.
 */
static bool
is_local(const struct fctx *f)
{
	return (f->v.prot & PROT_X) != 0 || f->va >> PAGE_SHIFT == f->v.start ||
	    md_pt_index(f->va, 1) == 0 || word_get(f->word - 1) != 0;
}

/* Map those of the block whose word is ABSENT, at most room.  [W], [P]. */
static unsigned
map_block(struct fctx *f, const struct block *b, uint64_t bits, uint64_t room)
{
	uint64_t *word = &pt_words(f->leaf)[md_pt_index(b->vpn << PAGE_SHIFT, 1)];
	struct vm_page *pg;
	unsigned i, n = 0;

	for (i = 0; i < b->n && n < room; i++, word++) {
		pg = b->page[i];
		if (pg == NULL || word_get(word) != 0)
			continue;
		if (pg->state != PG_ACTIVE)
			ws_rescue(pg);
		page_map_locked(pg);
		word_enter(word, pte_make_valid(pg, SRC_OBJ, bits));
		n++;
	}
	word_entered(f->leaf, n, (bits & PTE_LOCK) != 0);
	return n;
}

/*
 * Map what lies around f's page, which is mapped, with its bits.
 *
 * Locks:    [W]; takes [O], [P].
 */
void
fault_map_around(struct fctx *f, uint64_t bits)
{
	struct aspace *as = f->as;
	struct vmo *vmo = f->v.vmo;
	struct block b;
	unsigned n;

	if (!is_local(f))
		return;
	block_of(f, &b);
	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	vmo_at_hand(vmo, b.idx, b.n, b.page);
	n = map_block(f, &b, bits & ~(MD_PTE_A | MD_PTE_D),
	    as->ws_max - MIN(as->ws_max, as->ws_pages));
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	ws_insert_some(as, f->leaf, n);
	EVENT_ADD(fault_around_pages, n);
}
