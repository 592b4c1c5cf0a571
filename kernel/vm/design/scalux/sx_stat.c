/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_stat.c: what /proc asks of a space
 *
 * Problem   A page that is in memory or on swap and not mapped has no word in a page
 *           table: only its anon knows of it.
 *
 * Picture   each page:  word of the table, if it maps one
 *                       else FORK(anon) ─→ sx_refs() ─→ TRANS, SWAP, …
 *
 * Rules     1. [W] is held for the whole walk: nothing in it waits.
 *           2. A FORK word is in no table: it is made for who asks, for whom it
 *              means what it means under other designs, a page that is elsewhere.
 *           3. How many have a page is asked of the amaps of its anon: of each, who
 *              shares it.
 */
#include "lib/fmt.h"
#include "vm/design/scalux/scalux.h"
#include "vm/object/vmo.h"

#define SHOWN 64       /* entries of one object, in /proc/PID/fmo */

/* The word of the table at vpn, or 0.  [W]. */
static uint64_t
mapped_word(struct aspace *as, uint64_t vpn)
{
	struct vm_page *leaf;
	uint64_t *word = pmap_find(as, vpn << PAGE_SHIFT, &leaf);

	return word == NULL ? 0 : word_get(word);
}

/* What there is at va: its mapping, or its anon.  [W]. */
static uint64_t
word_at(struct aspace *as, struct sx_object *o, uint64_t vpn)
{
	uint64_t word = mapped_word(as, vpn);
	struct sx_entry *e;

	if (word != 0)
		return word;
	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, vpn);
	if (e != NULL && e->anon->pager == SX_SWAP)
		word = pte_make_soft(PTE_FORK, va2pa(e->anon) / 8);
	spin_unlock(&sx_lock);
	return word;
}

/*
 * The word of the page at va, mapped or not: ops->named.
 *
 * Locks:    [M], [W].
 * Returns:  VALID, FORK (for shared->refs); 0: nothing here.
 */
uint64_t
sx_named(struct aspace *as, va_t va)
{
	struct sx_object *o = sx_object_at(as, va >> PAGE_SHIFT);

	return o == NULL ? 0 : word_at(as, o, va >> PAGE_SHIFT);
}

/* The first page from vpn on that may have anything, or end.  [W]. */
static uint64_t
next_page(struct sx_object *o, uint64_t vpn, uint64_t end)
{
	struct pmap_iter it = pmap_range(o->as, vpn, end);
	struct sx_entry *e;

	spin_lock(&sx_lock);
	e = sx_from_locked(o->amap, vpn);
	if (e != NULL)
		end = MIN(end, e->vpn);
	spin_unlock(&sx_lock);
	return MIN(end, pmap_next_leaf(&it) ? it.va >> PAGE_SHIFT : end);
}

/* The pages of one object.  [W]. */
static int
walk_object(struct sx_object *o, uint64_t lo, uint64_t hi, vm_walk_fn *fn,
    void *arg)
{
	uint64_t word, vpn;
	int r = 0;

	for (vpn = next_page(o, lo, hi); vpn < hi && r == 0;
	    vpn = next_page(o, vpn + 1, hi)) {
		word = word_at(o->as, o, vpn);
		if (word != 0)
			r = fn(arg, vpn << PAGE_SHIFT, word, 1);
	}
	return r;
}

/*
 * Call fn for each page of [lo, hi) vpn that is mapped, or has an anon of swap:
 * ops->walk.
 *
 * Locks:    [M]; takes [W], unless the caller has it.
 * Returns:  0, or what fn returned to end the walk.
 */
int
sx_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	bool held = mutex_is_mine(&as->ws_lock);
	struct sx_object *o;
	int r = 0;

	if (!held)
		mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL) {
		SX_OBJECTS(o, as, lo) {
			if (o->start >= hi || r != 0)
				break;
			r = walk_object(o, MAX(lo, o->start), MIN(hi, o->end),
			    fn, arg);
		}
	}
	if (!held)
		mutex_unlock(&as->ws_lock);
	return r;
}

/* The anon that such a word names, or whose page a VALID/FORK word maps; NULL.  [W]. */
static struct sx_anon *
named_anon(uint64_t word)
{
	if (pte_kind(word) == PTE_VALID)
		return sx_anon_of(word);
	return pa2va(pte_payload(PTE_FORK, word) * 8);
}

static int
count_page(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct vm_as_stat *st = arg;

	if (pte_kind(word) == PTE_FORK)
		st->swap += pte_kind(word_get(&named_anon(word)->word)) ==
		    PTE_SWAP;
	else if (pte_src(word) == SRC_FORK)
		st->rss_anon++;
	else if (pte_src(word) == SRC_OBJ &&
	    page_home_kind(pte_page(word)) == HOME_VNODE)
		st->rss_file++;
	else if (pte_src(word) == SRC_OBJ)
		st->rss_shmem++;
	return 0;
}

/*
 * Whose pages are resident, and how many are on swap: ops->stat.
 *
 * Locks:    [M], [W].
 */
void
sx_stat(struct aspace *as, struct vm_as_stat *st)
{
	(void)sx_walk(as, 0, MD_USER_END >> PAGE_SHIFT, count_page, st);
}

/*
 * How many processes have the page of a FORK or VALID/FORK word: shared->refs.
 *
 * Locks:    [W]; takes [sx].
 * Returns:  so many, with the anon's word in *named.
 */
int64_t
sx_refs(struct aspace *as, uint64_t word, uint64_t *named)
{
	struct sx_anon *anon = named_anon(word);
	struct sx_entry *e;
	int64_t n = 0;

	*named = word;
	if (anon == NULL)
		return 1; /* a truncate has just taken it */
	spin_lock(&sx_lock);
	*named = word_get(&anon->word);
	LIST_FOREACH(e, &anon->entries, anon_q)
		n += sx_bits(e->amap->shares);
	spin_unlock(&sx_lock);
	return n;
}

static const char *
pager_name(const struct sx_anon *anon)
{
	const struct vmo *vmo = (const struct vmo *)anon->w[0];

	return anon->pager == SX_SWAP ? "swap" :
	    vmo->type == VMO_VNODE ? "vnode" : "aobj";
}

/* One line for an entry: its anon, and what its pager knows it by.  [sx]. */
static void
put_entry(struct out *o, const struct sx_entry *e)
{
	const struct sx_anon *anon = e->anon;
	uint64_t word = word_get(&anon->word), w0 = anon->w[0];
	const struct sx_anon *a = NULL;
	unsigned on_page = 1;

	if (anon->pager == SX_SWAP)
		w0 = pte_kind(word) == PTE_SWAP ? swap_slot(word) :
		    pte_names_frame(word) ? pte_page(word)->slot : 0;
	if (anon->page != NULL)
		for (on_page = 0; (a = sx_queue_next(anon->page,
		    (struct sx_anon *)a)) != NULL; on_page++)
			;
	out_printf(o, " %lx pager=%s w0=0x%lx w1=0x%lx refs=%u nmapped=%u "
	    "resident=%d queue=%u\n", e->vpn << PAGE_SHIFT,
	    pager_name(anon), w0, anon->w[1],
	    anon->refs, anon->nmapped,
	    anon->pager == SX_SWAP ? pte_kind(word) == PTE_TRANS :
	    anon->page != NULL, on_page);
}

static void
put_object(struct out *o, struct sx_object *obj)
{
	uint64_t vpn = obj->start;
	struct sx_entry *e;
	unsigned n = 0;

	spin_lock(&sx_lock);
	out_printf(o, "%lx-%lx amap=%lx refs=%u entries=%lu share=%u\n",
	    obj->start << PAGE_SHIFT, obj->end << PAGE_SHIFT,
	    va2pa(obj->amap), sx_bits(obj->amap->shares),
	    obj->amap->n, obj->share);
	for (; n < SHOWN && (e = sx_from_locked(obj->amap, vpn)) != NULL &&
	    e->vpn < obj->end; n++, vpn = e->vpn + 1)
		put_entry(o, e);
	spin_unlock(&sx_lock);
}

/*
 * The objects of a space that have entries, and the first of these; of all spaces
 * nothing: the counters say what there is.  ops->show.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
void
sx_show(struct aspace *as, struct out *o)
{
	struct sx_object *obj;

	if (as == NULL)
		return;
	mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL)
		SX_OBJECTS(obj, as, 0)
			if (obj->amap->n != 0)
				put_object(o, obj);
	mutex_unlock(&as->ws_lock);
}
