/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_anon.c: the life of an anon, one page of anonymous memory
 *
 * Problem   A page that several processes share after a fork must be one page for
 *           all of them, also while it is on swap, until one of them writes.
 *
 * Picture   slot of an amap ──┐
 *           slot of an amap ──┴─→ anon { word, refs 2 } ─┬ TRANS ─→ page
 *                                                        └ SWAP  ─→ slot on disk
 *           page ─ home ─→ anon
 *
 * Rules     1. An anon never moves: its address is the home of its page.
 *           2. refs == 1 is stable for the space that has the slot alone: only its
 *              own fork could add one, and map_lock excludes that.
 *           3. An anon gives up only its ownership of a page: if the page is still
 *              mapped or pinned, the last mapping or pin frees it.
 *
 * Read next amap.c
 */
#include "vm/design/uvm/uvm.h"

struct kmem_cache uvm_anons = KMEM_CACHE("vm_anon", struct vm_anon);

static uint64_t
count_bytes(size_t unused)
{
	return ev_read(EV_uvm_anon_live) * sizeof(struct vm_anon);
}

/* Locks: none; once, by uvm_design.init. */
void
uvm_anon_init(void)
{
	pv_init();
	kmem_register(&uvm_anons);
	amap_init();
	/* An anon stands alone: its word has no neighbours. */
	owner_add_home(HOME_ANON, (struct owner_home){ OWNER_DATA, 0,
		EV_swap_in_uvm, EV_swap_out_uvm, 0, NULL });
	ev_set_gauge(EV_uvm_anon_bytes, count_bytes, 0);
}

/* An anon for one slot.
 * Locks: any of rank < LR_MEM.  Returns: refs 1, no page; NULL: no memory.
 * Owns: the caller, until amap_add() or uvm_anon_free(). */
struct vm_anon *
uvm_anon_new(void)
{
	struct vm_anon *anon = kmem_cache_zalloc(&uvm_anons);

	if (anon == NULL)
		return NULL;
	spin_init(&anon->lock, LR_OBJ);
	anon->refs = 1;
	EVENT(uvm_anon_alloc);
	EVENT_ADD(uvm_anon_live, 1);
	return anon;
}

void
uvm_anon_free(struct vm_anon *anon)
{
	ASSERT(anon->word == 0);
	EVENT(uvm_anon_free);
	EVENT_ADD(uvm_anon_live, -1);
	kmem_cache_free(&uvm_anons, anon);
}

/* One more slot names it: an amap is copied. */
void
uvm_anon_ref(struct vm_anon *anon)
{
	spin_lock(&anon->lock);
	ASSERT(anon->refs > 0);
	anon->refs++;
	spin_unlock(&anon->lock);
}

/* No slot names it: its page or its place on swap goes. */
static void
anon_ends(struct vm_anon *anon)
{
	pmap_rec_end(&anon->word);
	uvm_anon_free(anon);
}

/* A slot names it no more, and no word of that space maps its page.
 * Locks: rank <= 5; takes [anon], [P]. */
void
uvm_anon_drop(struct vm_anon *anon)
{
	bool last;

	spin_lock(&anon->lock);
	ASSERT(anon->refs > 0);
	last = --anon->refs == 0;
	spin_unlock(&anon->lock);
	EVENT(uvm_drop, va2pa(anon), last);
	if (last)
		anon_ends(anon);
}

/* All that a page without an anon of its own takes: fault->make.
 * Locks: [W] of its space.  Returns: NULL; the cache that had no object.
 * Owns: the caller, until fault->put, fault->replace or uvm_unmake(). */
struct kmem_cache *
uvm_make(void *entry, uint64_t vpn, struct anons_making *m)
{
	struct uvm_entry *e = entry;
	struct vm_anon *anon = uvm_anon_new();

	if (anon == NULL)
		return &uvm_anons;
	m->anon = &anon->word;
	return amap_reserve(e->amap, vpn) ? NULL : &amap_chunks;
}

void
uvm_unmake(struct anons_making *m)
{
	if (m->anon != NULL)
		uvm_anon_free(anon_of_word(m->anon));
}
