/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_anon.c: the life of an anon, and the anons of a page
 *
 * Problem   A page that can be read again, from swap or from a file, has one record
 *           for all processes that have it.  Before its frame is used for another
 *           page, every word that maps it must be found, starting from the page.
 *
 * Picture   page ─→ its anons ─→ entries ─→ amap ─→ objects ─→ the map's address
 *             │       nmapped     mapped_in   shares
 *             ├ of anonymous memory: one, the page's home
 *             └ of a file: one for each private view, on the page's queue
 *
 * Rules     1. The anon, not the mapping, says how the page is read in: by its pager
 *              and two words of its own.
 *           2. An anon of a file has a page as long as a word maps it; after that
 *              it names the page by its two words alone.
 *           3. nmapped is the sum of the entries' mapped_in bits (I18).
 *           4. The heads of the queues lie in a table, several frames to a bucket:
 *              struct vm_page of a file's page has no room.
 *
 * Read next sx_amap.c
 */
#include "mem/mem.h"
#include "vm/design/scalux/scalux.h"

struct spinlock sx_lock = SPIN_INIT(LR_OBJ);

struct kmem_cache sx_anons = KMEM_CACHE("sx_anon", struct sx_anon);

static struct {
	struct sx_anon **bucket;       /* [c]; a head: [sx] */
	uint64_t n;                    /* [c] buckets */
} queues;

static uint64_t
count_bytes(size_t unused)
{
	return (ev_read(EV_scalux_anon_live) + ev_read(EV_scalux_file_anons)) *
	    sizeof(struct sx_anon) +
	    ev_read(EV_scalux_entries) * sizeof(struct sx_entry);
}

/* Locks: none; once, by scalux_design.init. */
void
sx_init(void)
{
	queues.bucket = pv_buckets(&queues.n);
	owner_add_home(HOME_SXANON, (struct owner_home){ OWNER_DATA, 0,
		EV_swap_in_scalux, EV_swap_out_scalux, 0, NULL });
	ev_set_gauge(EV_scalux_bytes, count_bytes, 0);
}

static enum ev_id
gauge_of(enum sx_pager pager)
{
	return pager == SX_SWAP ? EV_scalux_anon_live : EV_scalux_file_anons;
}

/* An anon that no entry names yet.
 * Locks: any of rank < LR_MEM.  Returns: NULL: no memory.
 * Owns: the caller, until sx_add_locked() or sx_anon_free(). */
struct sx_anon *
sx_anon_new(enum sx_pager pager)
{
	struct sx_anon *anon = kmem_cache_zalloc(&sx_anons);

	if (anon == NULL)
		return NULL;
	anon->pager = pager;
	list_init(&anon->entries);
	ev_add(gauge_of(pager), 1);
	return anon;
}

/* No entry names it (any more): free its page or slot.
 * Locks: any of rank < 8; takes [P]. */
void
sx_anon_free(struct sx_anon *anon)
{
	ASSERT(anon->refs == 0 && anon->page == NULL);
	if (anon->word != 0)
		pmap_rec_end(&anon->word);
	ev_add(gauge_of(anon->pager), (uint64_t)-1);
	kmem_cache_free(&sx_anons, anon);
}

/* ---- the anons of a file's page ---- */

static struct sx_anon **
bucket_of(const struct vm_page *pg)
{
	return &queues.bucket[page_pfn(pg) % queues.n];
}

/* The next anon on the queue of a page; that after NULL is the first.
 * Locks: [sx].  Returns: NULL: that was the last. */
struct sx_anon *
sx_queue_next(const struct vm_page *pg, struct sx_anon *anon)
{
	HELD(&sx_lock);
	anon = anon == NULL ? *bucket_of(pg) : anon->next;
	while (anon != NULL && anon->page != pg)
		anon = anon->next;
	return anon;
}

static void
queue_add(struct sx_anon *anon, struct vm_page *pg)
{
	struct sx_anon **head = bucket_of(pg);

	anon->page = pg;
	anon->at = head;
	anon->next = *head;
	if (anon->next != NULL)
		anon->next->at = &anon->next;
	*head = anon;
}

static void
queue_remove(struct sx_anon *anon)
{
	*anon->at = anon->next;
	if (anon->next != NULL)
		anon->next->at = anon->at;
	anon->page = NULL;
}

/* ---- actually mapped ---- */

/* A word of the share maps pg, the page of the entry's anon.
 * Locks: [W] of the word, [sx]. */
void
sx_map_locked(struct sx_entry *e, unsigned share, struct vm_page *pg)
{
	struct sx_anon *anon = e->anon;

	HELD(&sx_lock);
	if ((e->mapped_in >> share & 1) != 0)
		return;
	e->mapped_in |= 1ul << share;
	if (anon->nmapped++ == 0 && anon->pager == SX_OBJECT)
		queue_add(anon, pg);
	EVENT_ADD(scalux_nmapped, 1);
}

/* The word no longer maps it, or the entry ends while the word is still there.
 * Locks: [sx]. */
void
sx_unmap_locked(struct sx_entry *e, unsigned share)
{
	struct sx_anon *anon = e->anon;

	HELD(&sx_lock);
	if ((e->mapped_in >> share & 1) == 0)
		return;
	e->mapped_in &= ~(1ul << share);
	if (--anon->nmapped == 0 && anon->pager == SX_OBJECT)
		queue_remove(anon);
	EVENT_ADD(scalux_nmapped, -1);
}
