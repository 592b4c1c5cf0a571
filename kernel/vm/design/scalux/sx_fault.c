/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_fault.c: a fault: the anon of a page, a new anon, who maps it
 *
 * Problem   A read may use a shared amap and a shared anon; a store first needs an
 *           amap of its own (W1), and then an anon of its own (W2).
 *
 * Picture   ../anons/anonsfault.c ─┬ own   W1: a store copies the entries of a shared amap
 *                                  ├ find  an anon of swap; one of the object is none
 *                                  ├ put   W2: in place of one that is named twice
 *                                  └ read ─┬ no object   zeros, common: F1z
 *                                          └ of the object's page: F2, F9
 *
 * Rules     1. Read-only if shared: a page that is reached by an amap of several
 *              processes, or whose anon has several entries, is never writable.
 *           2. A read raises nmapped, not refs.  (In the seed it counts in refs; the
 *              count would never come back to 1.)
 *           3. In the hold of [W] of a store, after W1, the amap is the process's
 *              alone, and loses no entry.  A shared amap may lose entries by a
 *              truncate: it is read with [sx] held.
 */
#include "vm/design/scalux/scalux.h"

static struct sx_anon *
anon_of_word(uint64_t *word)
{
	return CONTAINER_OF(word, struct sx_anon, word);
}

/* The word of va no longer maps a page: shared->left.  Locks: [W]; takes [sx]. */
void
sx_left(struct aspace *as, va_t va, uint64_t old)
{
	struct sx_object *o = sx_object_at(as, va >> PAGE_SHIFT);
	struct sx_entry *e;

	HELD(&as->ws_lock);
	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, va >> PAGE_SHIFT);
	if (e != NULL)
		sx_unmap_locked(e, o->share);
	spin_unlock(&sx_lock);
}

/* ---- shared amaps and anons ---- */

/* W1: before a store make the amap the process's own. */
static struct kmem_cache *
own(struct fctx *f, void *object)
{
	struct sx_object *o = object;
	struct kmem_cache *lacks;
	uint64_t copied;

	if (f->access != ACCESS_WRITE || (o->copy == NULL && !sx_has_others(o)))
		return NULL;
	lacks = sx_unshare(o, &copied);
	if (lacks != NULL)
		pmap_came_to(f, copied);
	return lacks;
}

/* Does no other entry, of any process, name the anon?  Locks: [W], [sx]. */
bool
sx_is_own(void *object, const uint64_t *word)
{
	const struct sx_anon *anon = CONTAINER_OF(word, struct sx_anon, word);
	const struct sx_object *o = object;

	HELD(&o->as->ws_lock);
	HELD(&sx_lock);
	return !sx_is_shared(o->amap) && anon->refs == 1;
}

/* The entry's anon, if it is of swap; [sx] is held then. */
static uint64_t *
find(void *object, uint64_t vpn)
{
	struct sx_object *o = object;
	struct sx_entry *e;

	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, vpn);
	if (e != NULL && e->anon->pager == SX_SWAP)
		return &e->anon->word;
	spin_unlock(&sx_lock);
	return NULL;
}

/* [sx], released. */
static void
found(void *object, uint64_t vpn, uint64_t *word, struct vm_page *mapped)
{
	struct sx_object *o = object;

	if (mapped != NULL)
		sx_map_locked(sx_find_locked(o->amap, vpn), o->share, mapped);
	spin_unlock(&sx_lock);
}

/* ---- making a new anon ---- */

/* An anon, and an entry if there is none.  NULL; the cache that had no object. */
static struct kmem_cache *
make_of(struct sx_object *o, uint64_t vpn, struct anons_making *m,
    enum sx_pager pager)
{
	struct sx_anon *anon = sx_anon_new(pager);

	if (anon == NULL)
		return &sx_anons;
	m->anon = &anon->word;
	if (!sx_has_entries(o->amap, vpn, vpn + 1) &&
	    (m->slot = kmem_cache_zalloc(&sx_entries)) == NULL)
		return &sx_entries;
	return NULL;
}

/* anons_fault_ops.make: for a page of zeros or a copy, which is of swap from then on. */
static struct kmem_cache *
make(void *object, uint64_t vpn, struct anons_making *m)
{
	return make_of(object, vpn, m, SX_SWAP);
}

/* The counterpart, if it was not put. */
static void
unmake(struct anons_making *m)
{
	if (m->anon != NULL)
		sx_anon_free(anon_of_word(m->anon));
	if (m->slot != NULL)
		kmem_cache_free(&sx_entries, m->slot);
}

/* Give the new anon, which is mapped, to the entry, and drop the old one.  W2: the old
 * one is also named by another entry. */
static void
put(struct fctx *f, void *object, struct anons_making *m,
    const struct vm_page *from)
{
	struct sx_anon *anon = anon_of_word(m->anon);
	enum charged when = (f->v.flags & VAD_CHARGED) != 0 ? CHARGED_AHEAD : CHARGED_LATE;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct sx_object *o = object;
	struct sx_entry *e = m->slot;
	bool copied = false;

	spin_lock(&sx_lock);
	if (e != NULL) {
		sx_add_locked(o->amap, e, vpn, anon, when);
	} else {
		e = sx_find_locked(o->amap, vpn);
		copied = e->anon->pager == SX_SWAP;
		sx_replace_locked(e, anon, copied ? CHARGED_AHEAD : when);
	}
	sx_map_locked(e, o->share, m->page);
	spin_unlock(&sx_lock);
	if (copied)
		EVENT(scalux_copy, f->va, page_pfn(from), page_pfn(m->page));
	else if (from != NULL)
		EVENT(scalux_promote, f->va, page_pfn(from), page_pfn(m->page));
}

/* ---- a read of a page without a store ---- */

/* The object's page is mapped: count it in its anon.  False: they do not match. */
static bool
note_mapped(struct fctx *f, struct sx_object *o, struct anons_making *m)
{
	struct vm_page *pg = pte_page(word_get(f->word));
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct sx_entry *e;
	bool fits;

	spin_lock(&sx_lock);
	e = sx_find_locked(o->amap, vpn);
	if (e == NULL && m->slot != NULL) {
		e = m->slot;
		sx_add_locked(o->amap, e, vpn, anon_of_word(m->anon),
		    CHARGED_AHEAD);
		*m = (struct anons_making){ .anon = NULL };
	}
	/* Others may still have the page from before a hole was made. */
	fits = e != NULL && e->anon->pager == SX_OBJECT &&
	    (e->anon->page == NULL || e->anon->page == pg);
	if (fits)
		sx_map_locked(e, o->share, pg);
	spin_unlock(&sx_lock);
	return fits;
}

/* F2, F9: a page without a store, by an anon whose pager is its file. */
static enum fault_outcome
read_object(struct fctx *f, struct sx_object *o)
{
	struct anons_making m = { .anon = NULL };
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct kmem_cache *lacks = NULL;
	enum fault_outcome r;

	if (!sx_has_entries(o->amap, vpn, vpn + 1) &&
	    (lacks = make_of(o, vpn, &m, SX_OBJECT)) == NULL) {
		anon_of_word(m.anon)->w[0] = (uint64_t)f->v.vmo;
		anon_of_word(m.anon)->w[1] = fault_index(f);
	}
	if (lacks != NULL) {
		unmake(&m);
		return pmap_no_memory(f, lacks);
	}
	r = pmap_object_page(f, fault_rights(f));
	if (r == FAULT_DONE && !note_mapped(f, o, &m)) {
		pmap_remove_word(f);
		(void)want_again(&f->want);
		r = FAULT_RESTART;
	}
	unmake(&m);
	return r;
}

static enum fault_outcome
read(struct fctx *f, void *object)
{
	return f->v.vmo == NULL ? pmap_zero_page(f, fault_rights(f)) :
	    read_object(f, object);
}

const struct anons_fault_ops sx_fault_ops = {
	.own = own,
	.find = find,
	.found = found,
	.read = read,
	.make = make,
	.unmake = unmake,
	.put = put,
};
