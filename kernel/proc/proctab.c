/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proctab.c: the table and the tree of processes
 *
 * Problem   Programs name each other by small numbers and form a tree; any
 *           thread may look at it while processes begin and end.
 *
 * Picture   table.all ─→ struct proc ─→ threads: struct task ─→ struct thread
 *           table.by_pid[hash]              table.by_tid[hash]
 *
 * Rules     1. One lock for all of it, proc_lock; a walk over all processes
 *              under it is short (no copies to users, no memory waits).  Common
 *              operations, fork, exec, exit, wait and jobs, walk only over the
 *              processes concerned, not over all.
 *           2. A number is free when no process, thread, group or session
 *              bears it; so a group outlives its leader.  An ended thread
 *              bears its number until its tracer has seen its end.
 *           3. PROC_NEW is found by nobody; PROC_DEAD is in no table.
 *           4. This file calls nothing of this room.
 *
 * Read next proc/proc.c, proc/group.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#define HASH 256

struct spinlock proc_lock = SPIN_INIT(LR_LEAF);

static struct {
	struct list all;             /* [L] */
	struct list by_pid[HASH];    /* [L] */
	struct list by_tid[HASH];    /* [L] */
	uint64_t joined;             /* [L] of the last child that got a parent */
} table;

/* Nobody exists yet.  Locks: none; boot. */
void
proctab_init(void)
{
	list_init(&table.all);
	for (unsigned i = 0; i < HASH; i++) {
		list_init(&table.by_pid[i]);
		list_init(&table.by_tid[i]);
	}
}

/* Another user of p.  Locks: none needed, the caller has one already. */
void
proc_get(struct proc *p)
{
	atomic_add(&p->refs, 1);
}

/* Call fn with each number that something bears, some twice: rule 2.
 * Locks: proc_lock held. */
void
proc_numbers_locked(void (*fn)(int))
{
	struct tracee *t;
	struct proc *p;
	struct task *tk;

	HELD(&proc_lock);
	for (unsigned i = 0; i < HASH; i++)
		LIST_FOREACH(tk, &table.by_tid[i], hash)
			fn(tk->tid);
	LIST_FOREACH(p, &table.all, all) {
		LIST_FOREACH(t, &p->tracees, node)
			fn(t->tid);
		fn(p->pid);
		fn(p->pgid);
		fn(p->sid);
	}
}

/* A process that runs on the space; NULL: none does.  Locks: proc_lock held. */
struct proc *
proc_of_space_locked(const struct aspace *as)
{
	struct proc *p;

	HELD(&proc_lock);
	LIST_FOREACH(p, &table.all, all)
		if (p->as == as)
			return p;
	return NULL;
}

/* Enter tk under its tid.  Locks: proc_lock held. */
void
task_hash_locked(struct task *tk)
{
	HELD(&proc_lock);
	list_push_back(&table.by_tid[(unsigned)tk->tid % HASH], &tk->hash);
}

/* Enter p under its pid, at the end of all.  Locks: proc_lock held. */
void
proc_hash_locked(struct proc *p)
{
	HELD(&proc_lock);
	list_push_back(&table.by_pid[(unsigned)p->pid % HASH], &p->hash);
	list_push_back(&table.all, &p->all);
}

/* Nobody finds p any more.  Locks: proc_lock held. */
void
proc_unhash_locked(struct proc *p)
{
	HELD(&proc_lock);
	list_remove(&p->hash);
	list_remove(&p->group);
	list_remove(&p->all);
	list_remove(&p->sibling);
	list_remove(&p->change);
}

/*
 * The process of that number, zombies included.
 *
 * Locks:    proc_lock held.
 * Returns:  no reference; NULL: none.
 */
struct proc *
proc_find_locked(int pid)
{
	struct proc *p;

	HELD(&proc_lock);
	LIST_FOREACH(p, &table.by_pid[(unsigned)pid % HASH], hash)
		if (p->pid == pid && p->state != PROC_NEW)
			return p;
	return NULL;
}

/* The process that id names, or a thread of it; NULL.  Locks: proc_lock held. */
struct proc *
proc_of_id_locked(int id)
{
	struct proc *p = proc_find_locked(id);
	struct task *tk = p == NULL ? task_find_locked(id) : NULL;

	HELD(&proc_lock);
	return tk != NULL ? tk->proc : p;
}

/* The same with a reference.  Locks: takes proc_lock. */
struct proc *
proc_lookup(int id)
{
	struct proc *p;

	spin_lock(&proc_lock);
	p = proc_of_id_locked(id);
	if (p != NULL)
		proc_get(p);
	spin_unlock(&proc_lock);
	return p;
}

/* The living thread of that number, or NULL.  Locks: proc_lock held. */
struct task *
task_find_locked(int tid)
{
	struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &table.by_tid[(unsigned)tid % HASH], hash)
		if (tk->tid == tid && !tk->exiting)
			return tk;
	return NULL;
}

/*
 * The thread that id names.  A process whose leader has ended is named by another
 * of its threads; NULL: it has none.
 *
 * Locks:    proc_lock held.
 */
struct task *
task_of_id_locked(int id)
{
	struct task *tk = task_find_locked(id);
	struct proc *p = tk == NULL ? proc_find_locked(id) : NULL;
	struct list_node *n = p != NULL ? list_first(&p->threads) : NULL;

	HELD(&proc_lock);
	return n != NULL ? LIST_ENTRY(n, struct task, node) : tk;
}

/* The first one is shown until its process is waited for, though it has ended; while it
 * ends it is one of nthreads.  Locks: proc_lock held. */
unsigned
proc_threads_shown_locked(const struct proc *p)
{
	const struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &table.by_tid[(unsigned)p->pid % HASH], hash)
		if (tk->tid == p->pid)
			return p->nthreads;
	return p->nthreads + 1;
}

/*
 * The thread whose child p is: it that made p; if that has ended, the first one of
 * p's parent.  NULL: all have.
 *
 * Locks:    proc_lock held.
 */
struct task *
proc_parent_thread_locked(const struct proc *p)
{
	struct task *tk = task_find_locked(p->maker);
	struct proc *to = p->parent;

	HELD(&proc_lock);
	if (tk != NULL && tk->proc == to)
		return tk;
	if (to != NULL)
		LIST_FOREACH(tk, &to->threads, node)
			if (!tk->exiting)
				return tk;
	return NULL;
}

/*
 * Call fn for every process that is not half-built.
 *
 * Locks:    proc_lock held; fn does not sleep and removes nothing.
 */
void
proc_walk_locked(void (*fn)(void *, struct proc *), void *arg)
{
	struct proc *p;

	HELD(&proc_lock);
	LIST_FOREACH(p, &table.all, all)
		if (p->state != PROC_NEW)
			fn(arg, p);
}

/* How many processes and threads there are.  Locks: takes proc_lock. */
unsigned
proc_count(unsigned *threads)
{
	struct proc *p;
	unsigned n = 0;

	*threads = 0;
	spin_lock(&proc_lock);
	LIST_FOREACH(p, &table.all, all) {
		n++;
		*threads += p->nthreads;
	}
	spin_unlock(&proc_lock);
	return n;
}

/* Threads of all processes of a user, and its zombies, for RLIMIT_NPROC.
 * Locks: proc_lock held. */
unsigned
proc_count_uid_locked(uint32_t uid)
{
	struct proc *p;
	unsigned n = 0;

	HELD(&proc_lock);
	LIST_FOREACH(p, &table.all, all)
		if (p->cred.uid == uid)
			n += MAX(p->nthreads, 1);
	return n;
}

/* Process 1.  Locks: proc_lock held. */
struct proc *
proc_init_proc(void)
{
	HELD(&proc_lock);
	return proc_find_locked(1);
}

/* Give child another parent.  Locks: proc_lock held. */
void
proc_reparent_locked(struct proc *child, struct proc *to)
{
	bool changed = list_is_linked(&child->change);

	HELD(&proc_lock);
	list_remove(&child->sibling);
	list_remove(&child->change);
	child->parent = to;
	child->joined = ++table.joined;
	atomic_store(&child->ppid, to->pid);
	list_push_back(&to->children, &child->sibling);
	if (changed)
		proc_changed_locked(child);
}

/*
 * The child has ended, stopped or continued: list it for its parent's wait, among other
 * such children in the order in which they became children.  Init has no
 * parent.
 *
 * Locks:    proc_lock held.
 */
void
proc_changed_locked(struct proc *child)
{
	struct list_node *head, *n;

	HELD(&proc_lock);
	list_remove(&child->change);
	if (child->parent == NULL)
		return;
	head = &child->parent->changed.head;
	n = head->prev;
	while (n != head &&
	    LIST_ENTRY(n, struct proc, change)->joined > child->joined)
		n = n->prev;
	list_insert_between(&child->change, n, n->next);
}

/* Does it act as root?  Locks: none. */
bool
proc_may(enum cap cap)
{
	return cred_may(&proc_current()->cred, cap);
}

/* For fdtab.c: each thread has its own reference.  Locks: none. */
struct fdtab *
proc_current_fdtab(void)
{
	return task_current()->fdtab;
}
