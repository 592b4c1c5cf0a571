/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_stat.c: what /proc asks of a space
 *
 * Problem   A page that is in memory or on swap and not mapped has no word in a page
 *           table: only its anon knows of it.
 *
 * Picture   each page:  word of the table, if it maps one
 *                       else FORK(anon) ─→ uvm_refs() ─→ TRANS, SWAP, …
 *
 * Rules     1. [W] is held for the whole walk: nothing in it waits.
 *           2. A FORK word is in no table: it is made for who asks, for whom it
 *              means what it means under other designs, a page that is elsewhere.
 */
#include "vm/design/uvm/uvm.h"

/* What there is at va: its mapping, or its anon.  [W]. */
static uint64_t
word_at(struct aspace *as, struct uvm_entry *e, uint64_t vpn)
{
	struct vm_page *leaf;
	uint64_t *word = pmap_find(as, vpn << PAGE_SHIFT, &leaf);
	struct vm_anon *anon;

	if (word != NULL && word_get(word) != 0)
		return word_get(word);
	anon = amap_lookup(e->amap, vpn);
	return anon == NULL ? 0 : pte_make_soft(PTE_FORK, va2pa(anon) / 8);
}

/* The anon that such a word names, or whose page a VALID/FORK word maps.  [W]. */
static struct vm_anon *
named_anon(uint64_t word)
{
	if (pte_kind(word) == PTE_VALID)
		return uvm_anon_of(word);
	return pa2va(pte_payload(PTE_FORK, word) * 8);
}

/*
 * The word of the page at va, mapped or not: ops->named.
 *
 * Locks:    [M], [W].
 * Returns:  VALID, FORK (for shared->refs); 0: nothing here.
 */
uint64_t
uvm_named(struct aspace *as, va_t va)
{
	struct uvm_entry *e = splay_find(uvm_space(as), va >> PAGE_SHIFT);

	return e == NULL ? 0 : word_at(as, e, va >> PAGE_SHIFT);
}

/* The first page from vpn on that may have anything, or end.  [W]. */
static uint64_t
next_page(struct aspace *as, struct uvm_entry *e, uint64_t vpn, uint64_t end)
{
	struct pmap_iter it = pmap_range(as, vpn, end);
	uint64_t anon = vpn;

	if (amap_next(e->amap, &anon) == NULL)
		anon = end;
	return MIN(MIN(anon, end), pmap_next_leaf(&it) ? it.va >> PAGE_SHIFT :
	    end);
}

/* The pages of one entry.  [W]. */
static int
walk_entry(struct aspace *as, struct uvm_entry *e, uint64_t lo, uint64_t hi,
    vm_walk_fn *fn, void *arg)
{
	uint64_t word, vpn;
	int r = 0;

	for (vpn = next_page(as, e, lo, hi); vpn < hi && r == 0;
	    vpn = next_page(as, e, vpn + 1, hi)) {
		word = word_at(as, e, vpn);
		if (word != 0)
			r = fn(arg, vpn << PAGE_SHIFT, word, 1);
	}
	return r;
}

/*
 * Call fn for each page of [lo, hi) vpn that is mapped, or has an anon: ops->walk.
 *
 * Locks:    [M]; takes [W], unless the caller has it.
 * Returns:  0, or what fn returned to end the walk.
 */
int
uvm_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	bool held = mutex_is_mine(&as->ws_lock);
	struct uvm_entry *e;
	int r = 0;

	if (!held)
		mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL) {
		UVM_ENTRIES(e, uvm_space(as), lo) {
			if (e->start >= hi || r != 0)
				break;
			r = walk_entry(as, e, MAX(lo, e->start),
			    MIN(hi, e->end), fn, arg);
		}
	}
	if (!held)
		mutex_unlock(&as->ws_lock);
	return r;
}

static int
count_page(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct vm_as_stat *st = arg;

	if (pte_kind(word) == PTE_FORK) {
		st->swap += pte_kind(word_get(&named_anon(word)->word)) ==
		    PTE_SWAP;
		return 0;
	}
	if (pte_src(word) == SRC_FORK)
		st->rss_anon++;
	else if (page_home_kind(pte_page(word)) == HOME_VNODE)
		st->rss_file++;
	else
		st->rss_shmem++;
	return 0;
}

/*
 * Whose pages are resident, and how many are on swap: ops->stat.
 *
 * Locks:    [M], [W].
 */
void
uvm_stat(struct aspace *as, struct vm_as_stat *st)
{
	(void)uvm_walk(as, 0, MD_USER_END >> PAGE_SHIFT, count_page, st);
}

/*
 * References of the anon that a FORK or VALID/FORK word names: shared->refs.
 *
 * Locks:    [W].
 * Returns:  refs, with the anon's word in *named.
 */
int64_t
uvm_refs(struct aspace *as, uint64_t word, uint64_t *named)
{
	struct vm_anon *anon = named_anon(word);

	*named = word_get(&anon->word);
	return anon->refs;
}

static void
put_entry(struct uvm_entry *e, struct out *o)
{
	struct vm_anon *anon;
	uint64_t vpn = e->start, shared = 0, out = 0;

	AMAP_FOREACH(anon, e->amap, vpn, e->end) {
		shared += amap_is_shared(e->amap) || uvm_anon_is_shared(anon);
		out += pte_kind(word_get(&anon->word)) == PTE_SWAP;
	}
	out_printf(o, "%lx-%lx anons=%lu shared=%lu out=%lu\n",
	    e->start << PAGE_SHIFT, e->end << PAGE_SHIFT, e->amap->nanons, shared,
	    out);
}

/*
 * The entries of a space that have anons; of all spaces nothing: the counters say
 * what there is.  ops->show.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
void
uvm_show(struct aspace *as, struct out *o)
{
	struct uvm_entry *e;

	if (as == NULL)
		return;
	mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL)
		UVM_ENTRIES(e, uvm_space(as), 0)
			if (e->amap->nanons != 0)
				put_entry(e, o);
	mutex_unlock(&as->ws_lock);
}
