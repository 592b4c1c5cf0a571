/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_stat.c: what /proc shows of amaps and anons
 *
 * Problem   A reader of /proc/PID/fmo wants to see by which entries and amaps two
 *           processes have a page, and which pager would read it in.
 *
 * Picture   anon ─→ entries ─→ amap of each ─→ shares: so many processes
 *           object ─→ amap ─→ the first entries of its window, a line each
 *
 * Rules     1. The number of processes that have a page is the sum of the shares of
 *              the amaps that have its anon.
 */
#include "lib/bitmap.h"
#include "lib/fmt.h"
#include "vm/design/scalux/scalux.h"
#include "vm/object/vmo.h"

#define SHOWN 64       /* entries of one object, in /proc/PID/fmo */

/* How many processes have the page of a FORK or VALID/FORK word of va: shared->refs.
 * The anon is looked up again: a truncate that comes by another process has perhaps
 * freed the one that the word named.
 * Locks: [W]; takes [sx].
 * Returns: how many, with the anon's word in *named; 1 and 0: it has gone. */
int64_t
sx_refs(struct aspace *as, va_t va, uint64_t word, uint64_t *named)
{
	struct sx_object *o = sx_object_at(as, va >> PAGE_SHIFT);
	struct sx_entry *e = NULL, *each;
	int64_t n = 0;

	HELD(&as->ws_lock);
	*named = 0;
	spin_lock(&sx_lock);
	if (o != NULL)
		e = sx_find_locked(o->amap, va >> PAGE_SHIFT);
	if (e != NULL) {
		*named = word_get(&e->anon->word);
		LIST_FOREACH(each, &e->anon->entries, anon_q)
			n += bitmap_count(&each->amap->shares, SX_SHARES);
	}
	spin_unlock(&sx_lock);
	return MAX(n, 1);
}

static const char *
pager_name(const struct sx_anon *anon)
{
	const struct vmo *vmo = (const struct vmo *)anon->w[0];

	return anon->pager == SX_SWAP ? "swap" :
	    vmo->type == VMO_VNODE ? "vnode" : "aobj";
}

/* How many anons have the page of this one.  [sx]. */
static unsigned
queue_length(const struct sx_anon *anon)
{
	struct sx_anon *a = NULL;
	unsigned n = 0;

	if (anon->page == NULL)
		return 1;
	while ((a = sx_queue_next(anon->page, a)) != NULL)
		n++;
	return n;
}

/* One line for an entry: its anon, and the anon's two words.  [sx]. */
static void
put_entry(struct out *o, const struct sx_entry *e)
{
	const struct sx_anon *anon = e->anon;
	uint64_t word = word_get(&anon->word), w0 = anon->w[0];
	bool resident = anon->page != NULL;

	if (anon->pager == SX_SWAP) {
		resident = pte_kind(word) == PTE_TRANS;
		w0 = pte_kind(word) == PTE_SWAP ? swap_slot(word) :
		    pte_names_frame(word) ? pte_page(word)->slot : 0;
	}
	out_printf(o, " %lx pager=%s w0=0x%lx w1=0x%lx refs=%u nmapped=%u "
	    "resident=%d queue=%u\n", e->vpn << PAGE_SHIFT, pager_name(anon), w0,
	    anon->w[1], anon->refs, anon->nmapped, resident, queue_length(anon));
}

/* One line for an object that has entries, and the first of these.
 * Locks: [W]; takes [sx]. */
void
sx_show(void *object, struct out *o)
{
	struct sx_object *obj = object;
	uint64_t vpn = obj->start;
	struct sx_entry *e;
	unsigned n = 0;

	HELD(&obj->as->ws_lock);
	if (obj->amap->n == 0)
		return;
	spin_lock(&sx_lock);
	out_printf(o, "%lx-%lx amap=%lx refs=%lu entries=%lu share=%u\n",
	    obj->start << PAGE_SHIFT, obj->end << PAGE_SHIFT, va2pa(obj->amap),
	    bitmap_count(&obj->amap->shares, SX_SHARES), obj->amap->n,
	    obj->share);
	for (; n < SHOWN && (e = sx_from_locked(obj->amap, vpn)) != NULL &&
	    e->vpn < obj->end; n++, vpn = e->vpn + 1)
		put_entry(o, e);
	spin_unlock(&sx_lock);
}
