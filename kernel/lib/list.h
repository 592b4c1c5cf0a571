/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * list.h: doubly linked ring, the node lies in the element
 *
 * Problem   Queues of threads, pages' owners, mappings: insertion and removal
 *           in constant time without allocation.
 * Rules     A node is on at most one list.  list_remove() leaves the node
 *           self-linked, so a second removal is harmless and
 *           list_is_linked() works.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list_node {
	struct list_node *next, *prev;
};

struct list {
	struct list_node head;
};

#define LIST_INIT(name) { { &(name).head, &(name).head } }
#define LIST_ENTRY(n, type, field) CONTAINER_OF(n, type, field)

/* Walk all elements; the current one may not be removed. */
#define LIST_FOREACH(var, l, field)                                        \
	for (var = LIST_ENTRY((l)->head.next, __typeof__(*var), field);    \
	    &var->field != &(l)->head;                                     \
	    var = LIST_ENTRY(var->field.next, __typeof__(*var), field))

/* The same; the current one may be removed, the next one may not. */
#define LIST_FOREACH_SAFE(var, following, l, field)                        \
	for (var = LIST_ENTRY((l)->head.next, __typeof__(*var), field);    \
	    following = var->field.next, &var->field != &(l)->head;        \
	    var = LIST_ENTRY(following, __typeof__(*var), field))

static inline void
list_init(struct list *l)
{
	l->head.next = l->head.prev = &l->head;
}

static inline void
list_node_init(struct list_node *n)
{
	n->next = n->prev = n;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->head.next == &l->head;
}

static inline bool
list_is_linked(const struct list_node *n)
{
	return n->next != n && n->next != NULL;
}

static inline void
list_insert_between(struct list_node *n, struct list_node *p, struct list_node *q)
{
	n->prev = p;
	n->next = q;
	p->next = n;
	q->prev = n;
}

static inline void
list_push_back(struct list *l, struct list_node *n)
{
	list_insert_between(n, l->head.prev, &l->head);
}

static inline void
list_push_front(struct list *l, struct list_node *n)
{
	list_insert_between(n, &l->head, l->head.next);
}

static inline void
list_remove(struct list_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_node_init(n);
}

/* First node without removing it, or NULL. */
static inline struct list_node *
list_first(const struct list *l)
{
	return list_is_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *
list_pop_front(struct list *l)
{
	struct list_node *n = list_first(l);

	if (n != NULL)
		list_remove(n);
	return n;
}

/* All of from, in their order, in front of what is in to; from is empty then. */
static inline void
list_move_front(struct list *to, struct list *from)
{
	struct list_node *first = from->head.next, *last = from->head.prev;

	if (list_is_empty(from))
		return;
	last->next = to->head.next;
	last->next->prev = last;
	to->head.next = first;
	first->prev = &to->head;
	list_init(from);
}

#endif
