/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.c: the table of processes: names, groups, sessions, who may what
 *
 * Problem   Programs name each other by small numbers, stand in a tree, and
 *           are gathered in groups and sessions; anyone may look at any time
 *           while others begin and end.
 *
 * Picture   proc.all ─→ struct proc ─→ threads: struct task ─→ struct thread
 *           proc.by_pid[hash]              proc.by_tid[hash]
 *           proc.by_group[hash]
 *
 * Rules     1. One lock for all of it, proc_lock; a walk over all processes
 *              under it is short (no copies to users, no memory waits).  What
 *              every program does, fork, exec, exit, wait and jobs, walks over
 *              those that are meant, and not over all.
 *           2. A number is free when no process, thread, group or session
 *              bears it; so a group outlives its leader.
 *           3. PROC_NEW is found by nobody; PROC_DEAD is in no table.
 *           4. The last reference may be dropped by the scheduler, which
 *              frees a thread: proc_put() only gives back plain memory.
 *
 * Read next proc/fork.c, proc/exit.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define HASH 256

struct spinlock proc_lock = SPIN_INIT(LR_LEAF);

static struct {
	struct list all;             /* [L] */
	struct list by_pid[HASH];    /* [L] */
	struct list by_tid[HASH];    /* [L] */
	struct list by_group[HASH];  /* [L] by pgid */
	uint64_t joined;             /* [L] of the last who got a parent */
	struct cred root;            /* [c] of kernel threads */
} procs;

static struct kmem_cache proc_cache = KMEM_CACHE("proc", struct proc);
static struct kmem_cache task_cache = KMEM_CACHE("task", struct task);

static const struct cred *current_cred(void);
static bool acts_for_user(void);
static void task_release(struct thread *);
static void task_kill(struct thread *);

/*
 * Tables, traps and text files, before the first process.
 *
 * Locks:    none; boot.
 */
void
proc_init(void)
{
	list_init(&procs.all);
	for (unsigned i = 0; i < HASH; i++) {
		list_init(&procs.by_pid[i]);
		list_init(&procs.by_tid[i]);
		list_init(&procs.by_group[i]);
	}
	fs_set_cred_fn(current_cred);
	vm_set_user_fn(acts_for_user);
	futex_init();
	usertrap_init();
	jobctl_init();
	procinfo_init();
	sysinfo_init();
	loadavg_init();
}

/* One that is told to end may take what its end takes. */
static bool
acts_for_user(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL && tk->proc->cred.euid != 0 && !thread_is_killed();
}

static const struct cred *
current_cred(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL ? &tk->proc->cred : &procs.root;
}

/* ---- life of the two structs ---- */

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
	waitq_init(&p->thread_wq);
	waitq_init(&p->stop_wq);
	waitq_init(&p->child_wq);
	sigpend_init(&p->pending);
	ptimes_init_proc(p);
	return p;
}

/* Another user of p.  Locks: none needed, the caller has one already. */
void
proc_get(struct proc *p)
{
	atomic_add(&p->refs, 1);
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
	kmem_cache_free(&task_cache, tk);
	atomic_sub(&p->unreleased, 1);
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

/* ---- numbers ---- */

/* Call fn with each number that something bears, some twice: rule 2.
 * Locks: proc_lock held. */
void
proc_numbers_locked(void (*fn)(int))
{
	struct proc *p;
	struct task *tk;

	ASSERT(spin_is_mine(&proc_lock));
	for (unsigned i = 0; i < HASH; i++)
		LIST_FOREACH(tk, &procs.by_tid[i], hash)
			fn(tk->tid);
	LIST_FOREACH(p, &procs.all, all) {
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

	ASSERT(spin_is_mine(&proc_lock));
	LIST_FOREACH(p, &procs.all, all)
		if (p->as == as)
			return p;
	return NULL;
}

/* Enter tk under its tid.  Locks: proc_lock held. */
void
task_hash_locked(struct task *tk)
{
	ASSERT(spin_is_mine(&proc_lock));
	list_push_back(&procs.by_tid[(unsigned)tk->tid % HASH], &tk->hash);
}

static struct list *
group_list(int pgid)
{
	return &procs.by_group[(unsigned)pgid % HASH];
}

/* Each process of a group, zombies included. */
#define GROUP_FOREACH(p, of)                       \
	LIST_FOREACH(p, group_list(of), group)     \
		if (p->pgid == (of))

/* Enter p under its pid and its group, at the end of all.  Locks: proc_lock held. */
void
proc_hash_locked(struct proc *p)
{
	ASSERT(spin_is_mine(&proc_lock));
	list_push_back(&procs.by_pid[(unsigned)p->pid % HASH], &p->hash);
	list_push_back(group_list(p->pgid), &p->group);
	list_push_back(&procs.all, &p->all);
}

static void
group_enter_locked(struct proc *p, int pgid)
{
	ASSERT(spin_is_mine(&proc_lock));
	list_remove(&p->group);
	p->pgid = pgid;
	list_push_back(group_list(pgid), &p->group);
}

/* Nobody finds p any more.  Locks: proc_lock held. */
void
proc_unhash_locked(struct proc *p)
{
	ASSERT(spin_is_mine(&proc_lock));
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

	ASSERT(spin_is_mine(&proc_lock));
	LIST_FOREACH(p, &procs.by_pid[(unsigned)pid % HASH], hash)
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

	ASSERT(spin_is_mine(&proc_lock));
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

	ASSERT(spin_is_mine(&proc_lock));
	LIST_FOREACH(tk, &procs.by_tid[(unsigned)tid % HASH], hash)
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

	ASSERT(spin_is_mine(&proc_lock));
	return n != NULL ? LIST_ENTRY(n, struct task, node) : tk;
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

	ASSERT(spin_is_mine(&proc_lock));
	LIST_FOREACH(p, &procs.all, all)
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
	LIST_FOREACH(p, &procs.all, all) {
		n++;
		*threads += p->nthreads;
	}
	spin_unlock(&proc_lock);
	return n;
}

/* Threads of all processes of a user, and its zombies, for RLIMIT_NPROC. */
unsigned
proc_count_uid_locked(uint32_t uid)
{
	struct proc *p;
	unsigned n = 0;

	ASSERT(spin_is_mine(&proc_lock));
	LIST_FOREACH(p, &procs.all, all)
		if (p->cred.uid == uid)
			n += MAX(p->nthreads, 1);
	return n;
}

/* Process 1.  Locks: proc_lock held. */
struct proc *
proc_init_proc(void)
{
	return proc_find_locked(1);
}

/* Give child another parent.  Locks: proc_lock held. */
void
proc_reparent_locked(struct proc *child, struct proc *to)
{
	bool changed = list_is_linked(&child->change);

	ASSERT(spin_is_mine(&proc_lock));
	list_remove(&child->sibling);
	list_remove(&child->change);
	child->parent = to;
	child->joined = ++procs.joined;
	atomic_store(&child->ppid, to->pid);
	list_push_back(&to->children, &child->sibling);
	if (changed)
		proc_changed_locked(child);
}

/*
 * The child has ended, stopped or goes on: its parent's wait finds it, among others
 * of whom that is true in the order in which they became children.  Init has no
 * parent.
 *
 * Locks:    proc_lock held.
 */
void
proc_changed_locked(struct proc *child)
{
	struct list_node *head, *n;

	ASSERT(spin_is_mine(&proc_lock));
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

/*
 * The current thread gets a table of descriptors that nobody shares.
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

/* ---- facts of the current process ---- */

/* Does it act as root?  Locks: none. */
bool
proc_is_root(void)
{
	return proc_current()->cred.euid == 0;
}

/* For fdtab.c: each thread has its own reference.  Locks: none. */
struct fdtab *
proc_current_fdtab(void)
{
	return task_current()->fdtab;
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

/* ---- groups and sessions ---- */

/*
 * Begin a session and a group, both of the caller's number.
 *
 * Locks:    takes proc_lock.
 * Returns:  pid, -EPERM: some group already bears the number.
 */
int
proc_setsid(void)
{
	struct proc *p = proc_current(), *q;
	int r = p->pid;

	spin_lock(&proc_lock);
	GROUP_FOREACH(q, p->pid)
		r = -EPERM;
	if (r > 0) {
		p->sid = p->pid;
		group_enter_locked(p, p->pid);
		p->no_tty = false;
	}
	spin_unlock(&proc_lock);
	return r;
}

static bool
group_in_session(int pgid, int sid)
{
	struct proc *q;

	GROUP_FOREACH(q, pgid)
		if (q->sid == sid)
			return true;
	return false;
}

static int
setpgid_check(const struct proc *me, const struct proc *p, int pgid)
{
	if (p == NULL)
		return -ESRCH;
	if (p != me && p->parent != me)
		return -ESRCH;
	if (p != me && p->sid != me->sid)
		return -EPERM;
	if (p != me && p->execs != 0)
		return -EACCES;
	if (p->sid == p->pid)
		return -EPERM;
	if (pgid != p->pid && !group_in_session(pgid, me->sid))
		return -EPERM;
	return 0;
}

/* Is anybody in the group?  Locks: proc_lock held. */
bool
proc_group_exists_locked(int pgid)
{
	struct proc *p;

	ASSERT(spin_is_mine(&proc_lock));
	GROUP_FOREACH(p, pgid)
		return true;
	return false;
}

/*
 * Move pid (0: the caller) into a group (0: its own number).
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINVAL, -ESRCH, -EPERM, -EACCES (book: abi 5).
 */
int
proc_setpgid(int pid, int pgid)
{
	struct proc *me = proc_current(), *p;
	int r;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return -EINVAL;
	spin_lock(&proc_lock);
	p = pid == 0 ? me : proc_find_locked(pid);
	if (pgid == 0 && p != NULL)
		pgid = p->pid;
	/* A thread that does not lead has no group of its own. */
	if (p == NULL && task_find_locked(pid) != NULL)
		r = -EINVAL;
	else
		r = setpgid_check(me, p, pgid);
	if (r == 0)
		group_enter_locked(p, pgid);
	spin_unlock(&proc_lock);
	return r;
}

/*
 * Has the group nobody whose parent could continue it: a parent in the same
 * session but in another group?  but is treated as gone.
 *
 * Locks:    proc_lock held.
 */
bool
group_is_orphan_locked(int pgid, const struct proc *but)
{
	struct proc *p;

	ASSERT(spin_is_mine(&proc_lock));
	GROUP_FOREACH(p, pgid) {
		if (p == but || p->state != PROC_LIVE)
			continue;
		if (p->parent != NULL && p->parent != but &&
		    p->parent->pid != 1 && p->parent->sid == p->sid &&
		    p->parent->pgid != pgid)
			return false;
	}
	return true;
}

/* Call fn for every process of the group, zombies included.  Locks: as proc_walk_locked(). */
void
group_walk_locked(int pgid, void (*fn)(void *, struct proc *), void *arg)
{
	struct proc *p;

	ASSERT(spin_is_mine(&proc_lock));
	GROUP_FOREACH(p, pgid)
		fn(arg, p);
}

/* Is a member of the group stopped?  Locks: proc_lock held. */
bool
group_has_stopped_locked(int pgid)
{
	struct proc *p;

	ASSERT(spin_is_mine(&proc_lock));
	GROUP_FOREACH(p, pgid)
		if (p->state == PROC_LIVE && p->stop_sig != 0)
			return true;
	return false;
}
