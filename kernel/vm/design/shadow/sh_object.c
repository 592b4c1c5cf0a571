/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_object.c: one object: its pages, in memory and on swap
 *
 * Problem   A private page is found by its index, moves to another object when two
 *           objects collapse, and must be found there by a thread that writes it to
 *           swap, reads it or maps it at that time.
 *
 * Picture   object { n } ─ tree ─→ { index 3, word } { index 9, word } …
 *                                              │ TRANS ─→ page ─ home ─→ the word
 *                                              ├ SWAP  ─→ slot
 *                                              └ 0: a hole, the parent's page is hidden
 *
 * Rules     1. A record keeps its address: its word is the home of its page.  A collapse
 *              links it into another tree, whatever its word says; nothing is read in.
 *           2. [sh] guards trees, windows and counts of all objects.
 *
 * Read next shadow.c
 */
#include "vm/design/shadow/shadow.h"

struct spinlock sh_lock = SPIN_INIT(LR_OBJ);
struct list sh_due = LIST_INIT(sh_due);
struct kmem_cache sh_pages = KMEM_CACHE("sh_page", struct sh_page);
struct kmem_cache sh_objects = KMEM_CACHE("sh_object", struct sh_object);

#define PAGE_INDEX RB_NUMBER(struct sh_page, rb, index)

static uint64_t
count_bytes(size_t unused)
{
	return ev_read(EV_shadow_records) * sizeof(struct sh_page) +
	    ev_read(EV_shadow_live) * sizeof(struct sh_object);
}

/*
 * Locks:    none; once, by shadow_design.init.
 */
void
sh_init(void)
{
	kmem_register(&sh_pages);
	kmem_register(&sh_objects);
	owner_add_home(HOME_SHADOW, (struct owner_home){ OWNER_DATA, 0,
		EV_swap_in_shadow, EV_swap_out_shadow, 0, NULL });
	ev_set_gauge(EV_shadow_bytes, count_bytes, 0);
}

/*
 * An object without a page, without a parent.
 *
 * Locks:    any of rank < LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until it is an entry's top, or sh_release().
 */
struct sh_object *
sh_object_new(void)
{
	struct sh_object *o = kmem_cache_zalloc(&sh_objects);

	if (o == NULL)
		return NULL;
	list_node_init(&o->due);
	EVENT(shadow_new);
	EVENT_ADD(shadow_live, 1);
	return o;
}

/*
 * It has nothing any more.
 *
 * Locks:    any of rank < LR_MEM.
 */
void
sh_object_free(struct sh_object *o)
{
	ASSERT(o->n == 0 && o->parent == NULL && o->num_children == 0);
	ASSERT(o->children == 0 && !list_is_linked(&o->due));
	EVENT(shadow_end, va2pa(o));
	EVENT_ADD(shadow_live, -1);
	kmem_cache_free(&sh_objects, o);
}

/*
 * A record that is in no object; a hole, until it gets a page.
 *
 * Locks:    any of rank < LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until sh_add_locked() or sh_page_free().
 */
struct sh_page *
sh_page_new(void)
{
	return kmem_cache_zalloc(&sh_pages);
}

/*
 * Frees the record's page or swap slot.  A pinned page is freed by its last unpin.
 *
 * Locks:    any of rank < 8; takes [P].
 */
void
sh_page_free(struct sh_page *page)
{
	sh_page_empty(page);
	kmem_cache_free(&sh_pages, page);
}

/*
 * The same, but the record stays: a hole.
 *
 * Locks:    any of rank < 8; takes [P].
 */
void
sh_page_empty(struct sh_page *page)
{
	if (page->word == 0)
		return;
	pmap_rec_end(&page->word);
	EVENT_ADD(shadow_pages, -1);
}

/* ---- the tree: [sh] ---- */

/*
 * The first record from index on.
 *
 * Locks:    [sh].
 * Returns:  NULL: there is none.
 */
struct sh_page *
sh_from_locked(struct sh_object *o, uint64_t index)
{
	struct rb_node *n = o->last == NULL ? NULL : &o->last->rb;

	HELD(&sh_lock);
	n = rb_from_near(&o->pages, PAGE_INDEX, index, n);
	if (n == NULL)
		return NULL;
	return o->last = CONTAINER_OF(n, struct sh_page, rb);
}

/*
 * The record of a page.
 *
 * Locks:    [sh].
 * Returns:  NULL: there is none.
 */
struct sh_page *
sh_find_locked(struct sh_object *o, uint64_t index)
{
	struct sh_page *page = sh_from_locked(o, index);

	HELD(&sh_lock);
	return page != NULL && page->index == index ? page : NULL;
}

/*
 * The record of a page that has none yet.
 *
 * Locks:    [sh].
 * Owns:     takes the record over.
 */
void
sh_add_locked(struct sh_object *o, struct sh_page *page, uint64_t index)
{
	HELD(&sh_lock);
	page->index = index;
	rb_add(&o->pages, &page->rb, PAGE_INDEX);
	o->last = page;
	o->n++;
	o->nlate += page->late;
	EVENT_ADD(shadow_records, 1);
	EVENT(shadow_page, va2pa(o), o->n);
}

/*
 * Out of the tree.
 *
 * Locks:    [sh].
 * Owns:     the caller, the record.
 */
void
sh_take_locked(struct sh_object *o, struct sh_page *page)
{
	HELD(&sh_lock);
	rb_remove(&o->pages, &page->rb, NULL);
	o->last = NULL;
	o->n--;
	o->nlate -= page->late;
	EVENT_ADD(shadow_records, -1);
	EVENT(shadow_page, va2pa(o), o->n);
}

/*
 * Was the page charged when it was touched?
 *
 * Locks:    [sh].
 */
void
sh_set_late_locked(struct sh_object *o, struct sh_page *page, enum charged when)
{
	bool late = when == CHARGED_LATE;

	HELD(&sh_lock);
	o->nlate += (uint64_t)late - page->late;
	page->late = late;
}
