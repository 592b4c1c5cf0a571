/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.c: how a process and a thread live: their structs, from alloc to put
 *
 * Problem   A process is looked at while it begins and ends; a thread's half goes
 *           with the last reference of the thread, wherever that is dropped.
 *
 * Picture   proc_alloc ─→ PROC_NEW ─(proctab.c)→ live, zombie, dead ─→ proc_put
 *           task_alloc ─→ task_bind ─→ the thread's release
 *
 * Rules     The last reference may be dropped by the scheduler, which frees a
 *           thread: proc_put() only gives back plain memory.
 *
 * Read next proc/proctab.c, proc/fork.c, proc/exit.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache proc_cache = KMEM_CACHE("proc", struct proc);
static struct kmem_cache task_cache = KMEM_CACHE("task", struct task);
static _Atomic uint64_t tasks_made;      /* [A] the last serial */

static void task_release(struct thread *);
static void task_kill(struct thread *);

/*
 * A process without threads, memory or number.
 *
 * Locks:    none.
 * Returns:  PROC_NEW with one reference, or NULL: no memory.
 */
struct proc *
proc_alloc(void)
{
	struct proc *p = kmem_cache_zalloc(&proc_cache);

	if (p == NULL)
		return NULL;
	p->refs = 1;
	p->state = PROC_NEW;
	p->dumpable = true;
	p->start_ns = md_time_ns();
	spin_init(&p->limits_lock, LR_LEAF);
	list_node_init(&p->all);
	list_node_init(&p->hash);
	list_node_init(&p->group);
	list_node_init(&p->sibling);
	list_node_init(&p->change);
	list_init(&p->children);
	list_init(&p->changed);
	list_init(&p->threads);
	list_init(&p->forks);
	list_init(&p->tracees);
	waitq_init(&p->thread_wq);
	waitq_init(&p->stop_wq);
	waitq_init(&p->child_wq);
	sigpend_init(&p->pending);
	itimers_init(p);
	return p;
}

/*
 * The last reference frees the struct; all that it held is gone already.
 *
 * Locks:    any but those of mem/; also from the scheduler.
 */
void
proc_put(struct proc *p)
{
	uint32_t left = atomic_sub(&p->refs, 1);

	ASSERT(left != UINT32_MAX);
	if (left > 0)
		return;
	ASSERT(list_is_empty(&p->threads) && p->as == NULL);
	limits_put(p->limits);
	kmem_free(p->ptimers);
	kmem_cache_free(&proc_cache, p);
}

/*
 * A thread's half for p, without a thread yet.
 *
 * Locks:    none.
 * Owns:     a reference of p until task_free() or the thread's release.
 * Returns:  NULL: no memory.
 */
struct task *
task_alloc(struct proc *p)
{
	struct task *tk = kmem_cache_zalloc(&task_cache);

	if (tk == NULL)
		return NULL;
	proc_get(p);
	tk->proc = p;
	tk->serial = atomic_add(&tasks_made, 1);
	tk->altstack.flags = SS_DISABLE;
	list_node_init(&tk->node);
	list_node_init(&tk->hash);
	sigpend_init(&tk->pending);
	waitq_init(&tk->vfork_wq);
	waitq_init(&tk->sig_wq);
	return tk;
}

/* Undo of task_alloc() for a thread that never ran.  Locks: none. */
void
task_free(struct task *tk)
{
	struct proc *p = tk->proc;

	kmem_free(tk->timed);
	kmem_cache_free(&task_cache, tk);
	proc_put(p);
}

/*
 * Join the halves of a thread that has not started.  From now on the thread
 * owns the task: its last reference frees both.
 */
void
task_bind(struct task *tk, struct thread *t)
{
	tk->thread = t;
	t->proc = tk;
	t->evset = &tk->proc->events;
	t->release = task_release;
	t->kill = task_kill;
	atomic_add(&tk->proc->unreleased, 1);
}

/*
 * The last reference of a thread is gone, its stack is unused.
 *
 * Context:  scheduler, does not sleep.
 */
static void
task_release(struct thread *t)
{
	struct task *tk = t->proc;
	struct proc *p = tk->proc;

	t->proc = NULL;
	t->evset = NULL;
	kmem_free(tk->timed);
	kmem_cache_free(&task_cache, tk);
	if (atomic_sub(&p->unreleased, 1) == 0)
		wake_all(&p->thread_wq);
	proc_put(p);
}

/*
 * FI_SIGNAL: somebody kills the process, just as this thread begins to wait.
 *
 * Locks:    no spin lock; takes proc_lock.
 */
static void
task_kill(struct thread *t)
{
	const struct siginfo si = { .signo = SIGKILL, .code = SI_KERNEL };
	struct task *tk = t->proc;

	(void)sig_send_proc(tk->proc, &si);
}

/* ---- what it has of its own ---- */

/*
 * Give the current thread a descriptor table that is not shared.
 *
 * Locks:    takes proc_lock.
 * Returns:  0; -ENOMEM: nothing has changed.
 */
int
proc_unshare_files(void)
{
	struct task *tk = task_current();
	struct fdtab *old = tk->fdtab, *own;

	if (!fdtab_is_shared(old))
		return 0;
	own = fdtab_copy(old);
	if (own == NULL)
		return -ENOMEM;
	spin_lock(&proc_lock);
	tk->fdtab = own;
	spin_unlock(&proc_lock);
	fdtab_put(old);
	return 0;
}

/*
 * The current thread stands where it stands by itself: CLONE_FS shares no more.
 *
 * Locks:    takes proc_lock.
 * Returns:  0; -ENOMEM: nothing has changed.
 */
int
proc_unshare_place(void)
{
	struct thread *t = thread_current();
	struct fsctx *old = t->fsctx, *own = fsctx_copy(old);

	if (own == NULL)
		return -ENOMEM;
	spin_lock(&proc_lock);
	t->fsctx = own;
	spin_unlock(&proc_lock);
	fsctx_put(old);
	return 0;
}

/* Does only the current thread use the signal handlers and the memory that it has?
 * Locks: takes proc_lock. */
bool
proc_shares_nothing(void)
{
	struct proc *p = proc_current();

	return UNDER(&proc_lock,
	    p->nthreads == 1 && p->sighand->refs == 1 && as_users(p->as) == 1);
}

/*
 * A new name for a thread; the leader's is the process's.
 *
 * Locks:    takes proc_lock.
 */
void
proc_set_comm(struct proc *p, struct task *tk, const char *name)
{
	spin_lock(&proc_lock);
	str_copy(tk->thread->name, name, sizeof(tk->thread->name));
	if (tk->tid == p->pid)
		str_copy(p->comm, name, sizeof(p->comm));
	spin_unlock(&proc_lock);
}
