/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit.c: the end of a thread, and of a process with its last one
 *
 * Problem   A thread that ends runs on a stack, in an address space and with
 *           files that it must give back itself, while parents, waiters for
 *           groups and exec look at the process.
 *
 * Picture   task_end: robust list, CHILD_CLEARTID ─→ leave the address space
 *           ─→ files ─→ out of the tables ─→ (last: process_end) ─→ gone
 *           process_end: memory, executable ─→ children ─→ PROC_ZOMBIE ─→
 *           tell the parent
 *
 * Rules     1. A thread leaves the address space before it is counted out, so
 *              the last one finds nobody else on it (book: exit).
 *           2. A zombie holds no memory, file or slab but its own struct; the
 *              kernel stack goes a moment later; wait(2) waits for that.
 *           3. Nothing here fails, and nothing waits for a signal.
 *
 * Read next proc/wait.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "channel/channel.h"
#include "fs/fscall.h"
#include "lib/errno.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

static void (*end_fn)(struct proc *);    /* [c] ipc/ */

static void task_end(int status) NORETURN;
static bool task_count_out(struct task *);
static void process_end(struct proc *);
static void process_drop_memory(struct proc *);
static void process_become_zombie(struct proc *);
static void thread_leaves_children_locked(struct task *);
static void children_to_reaper(struct proc *);
static void jobs_left_locked(const struct proc *p, const struct proc *parent,
    const struct proc *but);
static bool parent_is_told_locked(struct proc *);
static bool zombie_is_told_locked(struct proc *);
static void init_ended(struct proc *) NORETURN;
static void init_judged(struct proc *) NORETURN;

/*
 * exit(2): this thread only.  The last one's code is the process's.
 *
 * Locks:    none.
 */
void
proc_exit_thread(int code)
{
	struct proc *p = proc_current();
	int status;

	spin_lock(&proc_lock);
	if (!p->group_exit)
		p->wait_status = W_EXITCODE(code);
	status = p->wait_status;
	spin_unlock(&proc_lock);
	task_end(status);
}

/*
 * exit_group(2), and the end by a signal once the status is set.  A thread
 * that execs meanwhile survives: this one only ends, as if it had exited with 0.
 *
 * Locks:    none.
 */
void
proc_exit_group(int code)
{
	struct task *tk = task_current();
	struct proc *p = tk->proc;
	int status;

	spin_lock(&proc_lock);
	if (!p->group_exit && (p->execing == NULL || p->execing == tk))
		sig_group_exit_locked(p, W_EXITCODE(code));
	status = p->group_exit ? p->wait_status : 0;
	spin_unlock(&proc_lock);
	task_end(status);
}

/* ---- a thread ---- */

/* status: as wait tells it, to a tracer. */
static void
task_end(int status)
{
	struct task *tk = task_current();
	struct thread *t = tk->thread;
	struct proc *p = tk->proc;
	struct fsctx *fsctx = t->fsctx;
	struct fdtab *fdtab;

	if (UNLIKELY(tk->traced != NULL))
		trace_event(TRACE_EXIT, (uint64_t)status);
	trace_debug_ends(t);
	futex_pi_owner_is(tk, PI_ENDS);
	task_leave_memory(tk);
	futex_pi_owner_is(tk, PI_ENDED);
	thread_set_space(NULL);
	as_bind_thread(t, NULL);
	vfork_release(tk);

	spin_lock(&proc_lock);
	fdtab = tk->fdtab;
	tk->fdtab = NULL;
	t->fsctx = NULL;
	thread_leaves_children_locked(tk);
	tk->exiting = true;
	if (!list_is_empty(&p->tracees))
		trace_tracer_ends_locked(tk);
	if (tk->traced != NULL)
		tk->traced->status = status;
	spin_unlock(&proc_lock);
	ptimers_end_clock(p, tk);
	fdtab_put(fdtab);
	fsctx_put(fsctx);

	if (task_count_out(tk))
		process_end(p);
	thread_exit();
}

/*
 * The child has left its parent's memory, by exec or by exit.
 *
 * Locks:    takes proc_lock.
 */
void
vfork_release(struct task *tk)
{
	bool waiting;

	spin_lock(&proc_lock);
	waiting = tk->vfork;
	tk->vfork = false;
	spin_unlock(&proc_lock);
	if (waiting)
		wake_all(&tk->vfork_wq);
}

/* Do others run in the memory of p: threads or processes?  Locks: none. */
static bool
memory_has_others(const struct proc *p)
{
	return UNDER(&proc_lock, p->nthreads > 1) || as_users(p->as) > 1;
}

/*
 * The last stores to the program's memory: locks of the robust list are released,
 * the word of CHILD_CLEARTID is cleared and its waiter woken, if other threads
 * still use the memory, as on Linux.  Also if it was killed: the pages may have to
 * be read.
 *
 * Locks:    none; errors of faults are ignored.
 */
void
task_leave_memory(struct task *tk)
{
	vm_finish_begin();
	futex_robust_exit(tk);
	tk->robust = 0;
	futex_pi_owner_ends(tk->serial);
	if (tk->clear_tid != 0 && memory_has_others(tk->proc))
		futex_clear_at(tk->clear_tid);
	tk->clear_tid = 0;
	vm_finish_end();
}

/*
 * Take the thread out of its process and of the tables.
 *
 * Locks:    takes proc_lock.
 * Returns:  was it the last?
 */
static bool
task_count_out(struct task *tk)
{
	struct proc *p = tk->proc;
	struct task *other;
	uint64_t ut, st;
	bool last;

	spin_lock(&proc_lock);
	sigpend_flush_locked(&tk->pending, ~0ul);
	task_times(tk, &ut, &st);
	p->utime_ns += ut;
	p->stime_ns += st;
	p->faults += tk->thread->faults;
	p->switches[0] += tk->thread->switches[0];
	p->switches[1] += tk->thread->switches[1];
	if ((int)tk->thread->id == p->pid) {
		p->nice = tk->thread->nice;
		p->policy = tk->thread->policy;
		p->no_new_privs = tk->no_new_privs;
	}
	trace_ended_locked(tk);
	list_remove(&tk->node);
	list_remove(&tk->hash);
	last = --p->nthreads == 0;
	/* A signal for which this thread was woken goes to the others, unless they end,
	 * too. */
	if (p->pending.set != 0 && !p->group_exit && p->execing == NULL)
		LIST_FOREACH(other, &p->threads, node)
			sig_recalc_locked(other);
	if (!last)
		sig_stop_check_locked(p);
	spin_unlock(&proc_lock);
	wake_all(&p->thread_wq);
	return last;
}

/* ---- a process ---- */

/* Registered by ipc/; boot. */
void
proc_set_end_fn(void (*fn)(struct proc *))
{
	end_fn = fn;
}

/* unshare(CLONE_SYSVSEM): the last thread's semaphores are given back, as at its end. */
void
proc_unshare_undo(void)
{
	struct proc *p = proc_current();

	if (UNDER(&proc_lock, p->nthreads) == 1)
		end_fn(p);
}

static void
process_end(struct proc *p)
{
	if (p->pid == 1)
		init_ended(p);
	itimers_exit(p);
	end_fn(p);
	if (p->sid == p->pid)
		tty_session_ended(p->sid);
	process_drop_memory(p);
	process_become_zombie(p);
}

static void
init_ended(struct proc *p)
{
	int sig = WTERMSIG(p->wait_status);

	if (sig == 0)
		klog("init: exited with status %d", WEXITSTATUS(p->wait_status));
	else
		klog_always("init: killed by signal %d", sig);
	if (graded_boot())
		init_judged(p);
	fs_shutdown();
	power_end(sig == 0 ? POWER_OFF : POWER_KILLED);
}

/* The last records for the grader: the leaks, and how p ended. */
static void
init_judged(struct proc *p)
{
	int sig = WTERMSIG(p->wait_status);

	process_drop_memory(p);
	graded_check(GRADED_VM, GRADED_LAST_MARK, vm_check(2));
	graded_check(GRADED_LEAK, GRADED_LAST_MARK, vm_leak_end());
	ev_mark(GRADED_LAST_MARK);
	record_exit(sig != 0, sig != 0 ? (uint8_t)sig :
	    (uint8_t)WEXITSTATUS(p->wait_status));
}

/*
 * The peak memory of p in the space that it is about to leave: ru_maxrss.
 *
 * Locks:    takes proc_lock; p->as does not change.
 */
void
proc_keep_peak(struct proc *p)
{
	uint64_t peak = vm_as_gauge(p->as, EV_ws_peak);

	spin_lock(&proc_lock);
	p->maxrss = MAX(p->maxrss, (uint32_t)peak);
	spin_unlock(&proc_lock);
}

/* Memory and the executable, while p is still found but has no thread. */
static void
process_drop_memory(struct proc *p)
{
	struct aspace *as;
	struct file *exe;

	proc_keep_peak(p);
	spin_lock(&proc_lock);
	as = p->as;
	p->as = NULL;
	limits_left_locked(as);
	exe = p->exe;
	p->exe = NULL;
	spin_unlock(&proc_lock);
	as_detach_user(as);
	as_put(as);
	if (exe != NULL) {
		file_allow_write(exe);
		file_put(exe);
	}
}

/*
 * From here on only wait finds p.
 *
 * Locks:    takes proc_lock.
 * Owns:     drops the table's reference when nobody will wait.
 */
static void
process_become_zombie(struct proc *p)
{
	struct proc *parent;
	bool kept;

	spin_lock(&proc_lock);
	sigpend_flush_locked(&p->pending, ~0ul);
	sighand_put_locked(p->sighand);
	p->sighand = NULL;
	p->state = PROC_ZOMBIE;
	proc_changed_locked(p);
	children_to_reaper(p);
	jobs_left_locked(p, p->parent, p);
	kept = zombie_is_told_locked(p);
	parent = p->parent;
	if (!kept) {
		p->state = PROC_DEAD;
		proc_unhash_locked(p);
	}
	/* Under the lock: the parent may end as soon as we let go. */
	wake_all(&parent->child_wq);
	spin_unlock(&proc_lock);
	pidfd_tell(p);
	if (!kept)
		proc_put(p);
}

/* The nearest ancestor that asked for orphans and lives, else init. */
static struct proc *
find_reaper_locked(struct proc *p)
{
	HELD(&proc_lock);
	for (struct proc *q = p->parent; q != NULL; q = q->parent)
		if (q->subreaper && q->state == PROC_LIVE && q->nthreads > 0)
			return q;
	return proc_init_proc();
}

/*
 * A zombie got a new parent, or its parent may see it now: notify the parent, or free
 * the zombie at once.
 *
 * Locks:    proc_lock held.
 * Owns:     drops the table's reference when nobody will wait.
 */
void
zombie_shown_locked(struct proc *p)
{
	bool kept = zombie_is_told_locked(p);

	HELD(&proc_lock);
	wake_all(&p->parent->child_wq);
	if (kept)
		return;
	p->state = PROC_DEAD;
	proc_unhash_locked(p);
	proc_put(p);
}

/* If the child has asked for a signal at the end of its parent, the current one. */
static void
parent_ends_locked(struct proc *child)
{
	struct siginfo si;

	HELD(&proc_lock);
	sig_fill_user(&si, child->pdeath_sig, SI_USER);
	if (si.signo != 0 && sig_may_send(child, si.signo))
		(void)sig_send_proc_locked(child, &si);
}

/*
 * The end of the thread whose children they are is to them their parent's, though
 * others of the process stay: of these they are the first one's then.  Of those who
 * end with their process the last one tells them.
 *
 * Locks:    proc_lock held.
 */
static void
thread_leaves_children_locked(struct task *tk)
{
	struct proc *p = tk->proc, *child;
	struct task *other;
	bool stay = false;

	HELD(&proc_lock);
	if (p->group_exit || list_is_empty(&p->children))
		return;
	LIST_FOREACH(other, &p->threads, node) {
		stay = other != tk && !other->exiting;
		if (stay)
			break;
	}
	LIST_FOREACH(child, &p->children, sibling) {
		if (!stay || (child->maker != tk->tid && child->pdeath_sig == 0) ||
		    proc_parent_thread_locked(child) != tk)
			continue;
		child->maker = 0; /* which may be the number of another one's */
		parent_ends_locked(child);
	}
}

static void
children_to_reaper(struct proc *p)
{
	struct proc *to = find_reaper_locked(p), *child;
	struct list_node *n;

	while ((n = list_first(&p->children)) != NULL) {
		child = LIST_ENTRY(n, struct proc, sibling);
		proc_reparent_locked(child, to);
		child->exit_signal = SIGCHLD; /* a reaper waits for all */
		child->maker = 0;
		if (child->state == PROC_ZOMBIE) {
			if (child->traced == NULL)
				zombie_shown_locked(child);
			continue;
		}
		jobs_left_locked(child, p, NULL);
		parent_ends_locked(child);
	}
}

static void
signal_member(void *arg, struct proc *p)
{
	const struct siginfo *si = arg;

	if (p->state == PROC_LIVE)
		(void)sig_send_member_locked(p, si);
}

/*
 * p and its parent are parted: one of them ends.  If the parent was the last
 * who could continue the stopped jobs of p's group, the group is hung up.
 */
static void
jobs_left_locked(const struct proc *p, const struct proc *parent,
    const struct proc *but)
{
	struct siginfo si = { .signo = SIGHUP, .code = SI_KERNEL };

	HELD(&proc_lock);
	if (parent->pgid == p->pgid || parent->sid != p->sid ||
	    !group_is_orphan_locked(p->pgid, but) ||
	    !group_has_stopped_locked(p->pgid))
		return;
	group_walk_locked(p->pgid, signal_member, &si);
	si.signo = SIGCONT;
	group_walk_locked(p->pgid, signal_member, &si);
}

/*
 * The exit signal is an agreement with the program that made p.  If the parent
 * runs another one by now, with other rights perhaps, it gets SIGCHLD.
 */
static int
end_signal_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->parent_execs == p->parent->execs ? p->exit_signal : SIGCHLD;
}

/*
 * Send the exit signal.
 *
 * Locks:    proc_lock held.
 * Returns:  does the parent want a zombie?
 */
static bool
parent_is_told_locked(struct proc *p)
{
	int signo = end_signal_locked(p), killed = WTERMSIG(p->wait_status);
	struct abi_sigaction sa;

	HELD(&proc_lock);
	if (p->parent->sighand == NULL)
		return true;
	sa = sighand_act(p->parent->sighand, SIGCHLD);
	if (signo == SIGCHLD && sa.handler == SIG_IGN)
		return false;
	if (signo != 0)
		sig_notify_parent_locked(p, signo,
		    killed != 0 ? CLD_KILLED : CLD_EXITED,
		    killed != 0 ? killed : WEXITSTATUS(p->wait_status));
	return signo != SIGCHLD || (sa.flags & SA_NOCLDWAIT) == 0;
}

/* A tracer that is not the parent sees the zombie first, and tracers see the ends of its
 * threads; the parent does when they are done with it. */
static bool
zombie_is_told_locked(struct proc *p)
{
	struct siginfo si = { .signo = SIGCHLD, .pid = p->pid,
		.uid = p->cred.uid };
	int killed = WTERMSIG(p->wait_status);

	HELD(&proc_lock);
	if (p->traced == NULL && p->nended > 0)
		return true;
	if (p->traced == NULL || tracee_is_by_parent_locked(p))
		return parent_is_told_locked(p) || p->traced != NULL;
	si.code = killed != 0 ? CLD_KILLED : CLD_EXITED;
	si.status = killed != 0 ? killed : WEXITSTATUS(p->wait_status);
	sig_tell_locked(p->traced->tracer->proc, NULL, &si);
	return true;
}
