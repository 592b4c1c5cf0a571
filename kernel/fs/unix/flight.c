/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flight.c: descriptors in messages, and those that never arrive
 *
 * Problem   A socket may be sent in a message that waits in its own queue, or two
 *           sockets wait in each other's queues: both have references, and nobody
 *           can reach them any more.
 *
 * Picture   candidates: sockets that messages alone refer to
 *             references from queues of candidates      = all of them?
 *                ├→ no: somebody reaches it, and what waits there → marked
 *                └→ not marked: its messages with descriptors are lost
 *
 * Rules     1. All is counted under sock_lock: messages enter and leave a queue under
 *              it, and a MSG_PEEK takes its references under it.  So a socket whose
 *              references are all from messages gets no other.
 *           2. The search runs after each end of a socket while any is in a message.
 *           3. Freeing a message may end sockets, which frees messages, and so on: they
 *              are put on a list, so that there is no recursion.
 *
 * Read next message.c.
 */
#include "fs/unix/unix.h"

/* A thread that frees messages; those that come up meanwhile. */
struct freer {
	struct list_node node;       /* [S] */
	struct thread *who;          /* [c] */
	struct list left;            /* [own] */
};

static struct {
	struct list flying;          /* [S] sockets under way */
	struct list freers;          /* [S] */
} air = { LIST_INIT(air.flying), LIST_INIT(air.freers) };

/* What an fn is to do with a socket that waits in a queue. */
typedef void visit_fn(struct sock *, struct list *);

/* The next socket among the descriptors of m, from *i on; NULL: no more. */
static struct sock *
socket_in(const struct sock_msg *m, unsigned *i)
{
	while (*i < m->nfiles && !file_is_socket(m->files[*i]))
		++*i;
	return *i < m->nfiles ? sock_of(m->files[(*i)++]) : NULL;
}

/* m has come into a queue, by 1; it or its descriptors have left it, by -1.  Locks:
 * sock_lock held. */
void
flight_count_locked(const struct sock_msg *m, int by)
{
	struct sock *s;
	unsigned i = 0;

	HELD(&sock_lock);
	while ((s = socket_in(m, &i)) != NULL) {
		if (s->flights == 0)
			list_push_back(&air.flying, &s->flying);
		s->flights += (unsigned)by;
		if (s->flights == 0)
			list_remove(&s->flying);
	}
}

/* fn for all candidates in the queue of s.  Locks: sock_lock held. */
static void
visit_queue_locked(const struct sock *s, visit_fn *fn, struct list *l)
{
	struct sock_msg *m;
	struct sock *c;
	unsigned i;

	HELD(&sock_lock);
	LIST_FOREACH(m, &s->queue, node)
		for (i = 0; (c = socket_in(m, &i)) != NULL;)
			if (c->mark == CANDIDATE)
				fn(c, l);
}

/* … and in those of connections that s has not accepted. */
static void
visit_locked(const struct sock *s, visit_fn *fn, struct list *l)
{
	struct sock *a;

	HELD(&sock_lock);
	visit_queue_locked(s, fn, l);
	LIST_FOREACH(a, &s->arrivals, arrival)
		visit_queue_locked(a, fn, l);
}

static void
count_inner(struct sock *c, struct list *l)
{
	c->inner++;
}

/* To the others whose queues are looked at later: it is no candidate any more. */
static void
move_to(struct sock *c, struct list *l)
{
	c->mark = MARKED;
	list_remove(&c->flying);
	list_push_back(l, &c->flying);
}

/* Which candidates can be reached.  Locks: sock_lock held. */
static void
mark_locked(struct list *reached)
{
	struct list_node *next;
	struct sock *s;

	HELD(&sock_lock);
	LIST_FOREACH(s, &air.flying, flying) {
		s->inner = 0;
		s->mark = s->file != NULL &&
		    atomic_load(&s->file->refs) == s->flights ? CANDIDATE : REACHED;
	}
	LIST_FOREACH(s, &air.flying, flying)
		if (s->mark == CANDIDATE)
			visit_locked(s, count_inner, NULL);
	LIST_FOREACH_SAFE(s, next, &air.flying, flying)
		if (s->mark == CANDIDATE && s->inner < s->flights)
			move_to(s, reached);
	/* move_to() adds sockets to the end of this list while the loop walks it. */
	LIST_FOREACH(s, reached, flying)
		visit_locked(s, move_to, reached);
}

/* What can be reached by nobody.  Locks: sock_lock held. */
static void
sweep_locked(struct list *lost)
{
	struct list_node *n, *next;
	struct list nobodys;
	struct sock *s, *a;

	HELD(&sock_lock);
	list_init(&nobodys);
	LIST_FOREACH_SAFE(s, next, &air.flying, flying)
		if (s->mark == CANDIDATE)
			move_to(s, &nobodys);
	/* When a message leaves a queue, sockets in it may have no flight any more: these
	 * leave the list nobodys, too. */
	while ((n = list_pop_front(&nobodys)) != NULL) {
		s = LIST_ENTRY(n, struct sock, flying);
		sock_msgs_unlink_locked(s, lost, MSGS_WITH_FILES);
		LIST_FOREACH(a, &s->arrivals, arrival)
			sock_msgs_unlink_locked(a, lost, MSGS_WITH_FILES);
	}
}

/* The row of the current thread; NULL: it frees none.  Locks: sock_lock held. */
static struct freer *
freer_of_locked(struct thread *who)
{
	struct freer *f;

	HELD(&sock_lock);
	LIST_FOREACH(f, &air.freers, node)
		if (f->who == who)
			return f;
	return NULL;
}

/*
 * Rule 2.
 *
 * Locks:    none held.
 */
void
flight_collect(void)
{
	struct list lost, reached;

	list_init(&lost);
	list_init(&reached);
	spin_lock(&sock_lock);
	if (!list_is_empty(&air.flying) && freer_of_locked(thread_current()) == NULL) {
		mark_locked(&reached);
		sweep_locked(&lost);
		list_move_front(&air.flying, &reached);
	}
	spin_unlock(&sock_lock);
	sock_msgs_free(&lost);
}

/*
 * Messages that are in no queue are freed (rule 3).
 *
 * Locks:    none held.
 */
void
sock_msgs_free(struct list *l)
{
	struct freer me = { .who = thread_current() }, *mine;
	struct list_node *n;

	if (list_is_empty(l))
		return;
	spin_lock(&sock_lock);
	mine = freer_of_locked(me.who);
	list_init(&me.left);
	list_move_front(mine != NULL ? &mine->left : &me.left, l);
	if (mine == NULL)
		list_push_back(&air.freers, &me.node);
	spin_unlock(&sock_lock);
	if (mine != NULL)
		return;
	while ((n = list_pop_front(&me.left)) != NULL)
		sock_msg_free(LIST_ENTRY(n, struct sock_msg, node));
	spin_lock(&sock_lock);
	list_remove(&me.node);
	spin_unlock(&sock_lock);
}
