/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pv.c: for each page, where it is mapped
 *
 * Problem   The page daemon thinks of pages, not of processes: when one is to go,
 *           it must find each word that maps it, of whatever space.
 *
 * Picture   pv_block[pfn / 128] ─→ head[pfn % 128] ─→ {as, va} ─→ {as, va}
 *
 * Rules     1. Each VALID word of such a space has one pv, and each pv
 *              a word (I18); word and pv change in one hold of [W].
 *           2. A pv is made before the locks are taken under which it is needed:
 *              pv_new() also makes the block of the page, and keeps it.
 *           3. Heads are not in the page's descriptor, for pages of files need
 *              that; a block without a pv goes, so that a kernel which runs other
 *              designs has none.
 */
#include "mem/mem.h"
#include "vm/pmap/pmap.h"

#define PV_BLOCK 128ul

struct pv_block {
	uint32_t n;                    /* [P] pvs of its pages, in a list or to come */
	struct vm_pv *head[PV_BLOCK];  /* [P] */
};

static struct {
	struct pv_block **block;       /* [P] by pfn / PV_BLOCK; NULL: nothing is mapped */
	struct kmem_cache blocks, pvs; /* own lock */
} pv = {
	.blocks = KMEM_CACHE("pv_block", struct pv_block),
	.pvs = KMEM_CACHE("vm_pv", struct vm_pv),
};

/*
 * Locks:    none; once, by vm_init().
 */
void
pv_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	pv.block = kmem_zalloc((ps.max_pfn / PV_BLOCK + 1) * sizeof(*pv.block));
	CHECK(pv.block != NULL);
}

static struct pv_block **
block_of(const struct vm_page *pg)
{
	return &pv.block[page_pfn(pg) / PV_BLOCK];
}

/* The block of the page will have one pv more; false: there is no block.  [P]. */
static bool
count_pv(const struct vm_page *pg)
{
	struct pv_block *b = *block_of(pg);

	if (b != NULL)
		b->n++;
	return b != NULL;
}

/* Its block is made, unless somebody was faster.  False: no memory. */
static bool
make_block(const struct vm_page *pg)
{
	struct pv_block *b = kmem_cache_zalloc(&pv.blocks);

	if (b == NULL)
		return false;
	spin_lock(&pfn_lock);
	if (*block_of(pg) == NULL) {
		*block_of(pg) = b;
		b = NULL;
	}
	(void)count_pv(pg);
	spin_unlock(&pfn_lock);
	if (b != NULL)
		kmem_cache_free(&pv.blocks, b);
	return true;
}

/*
 * A pv for a mapping of pg that is about to be made.
 *
 * Locks:    not [P], which it takes.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until pv_add() or pv_free().
 */
struct vm_pv *
pv_new(const struct vm_page *pg)
{
	struct vm_pv *p = kmem_cache_zalloc(&pv.pvs);
	bool there;

	if (p == NULL)
		return NULL;
	spin_lock(&pfn_lock);
	there = count_pv(pg);
	spin_unlock(&pfn_lock);
	if (there || make_block(pg))
		return p;
	kmem_cache_free(&pv.pvs, p);
	return NULL;
}

/*
 * A pv that was not needed, or whose mapping has gone.
 *
 * Locks:    not [P], which it takes.
 */
void
pv_free(const struct vm_page *pg, struct vm_pv *p)
{
	struct pv_block *b, *empty = NULL;

	spin_lock(&pfn_lock);
	b = *block_of(pg);
	if (--b->n == 0) {
		*block_of(pg) = NULL;
		empty = b;
	}
	spin_unlock(&pfn_lock);
	kmem_cache_free(&pv.pvs, p);
	if (empty != NULL)
		kmem_cache_free(&pv.blocks, empty);
}

/*
 * The word of va in as maps pg from now on.
 *
 * Locks:    [W] of as, [P].
 * Owns:     takes p over.
 */
void
pv_add(const struct vm_page *pg, struct vm_pv *p, struct aspace *as, va_t va)
{
	struct vm_pv **head = &(*block_of(pg))->head[page_pfn(pg) % PV_BLOCK];

	*p = (struct vm_pv){ *head, as, va };
	*head = p;
	EVENT_ADD(page_pv_live, 1);
}

/*
 * The word of va in as maps pg no more.
 *
 * Locks:    [W] of as, [P].
 * Owns:     the caller, what it returns: pv_free().
 */
struct vm_pv *
pv_take(const struct vm_page *pg, struct aspace *as, va_t va)
{
	struct vm_pv **at = &(*block_of(pg))->head[page_pfn(pg) % PV_BLOCK], *p;

	while ((*at)->as != as || (*at)->va != va)
		at = &(*at)->next;
	p = *at;
	*at = p->next;
	EVENT_ADD(page_pv_live, -1);
	return p;
}

/*
 * The list of a page's mappings.
 *
 * Locks:    [P].
 * Returns:  NULL: no such space maps it.
 */
struct vm_pv *
pv_first(const struct vm_page *pg)
{
	const struct pv_block *b = *block_of(pg);

	return b == NULL ? NULL : b->head[page_pfn(pg) % PV_BLOCK];
}
