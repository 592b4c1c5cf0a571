/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace.c: the requests of a tracer
 *
 * Problem   A debugger attaches to threads, reads and changes their registers and
 *           memory, lets them go on, and may itself end at any time.
 *
 * Picture   trace_attach, trace_me ─→ a struct tracee ─→ it stops (tracestop.c)
 *           ─→ trace_order: look, change ─→ go on │ let go
 *           its end ─→ wait.c shows it to the tracer ─→ reaped;
 *           the first thread's process is then its parent's zombie
 *
 * Rules     1. Only the thread that attached may make requests, and only while the
 *              tracee is stopped; else there is no such tracee: -ESRCH.
 *           2. The tracee is touched under proc_lock only, except its memory: that
 *              is a space with a reference.
 *           3. A set-id program gets no rights under a tracer that was not root when
 *              it attached; a tracer that attached during the exec is detached.
 *           4. The end of a tracer detaches all its tracees.
 *           5. A thread that can be root cannot be traced by a parent that cannot.
 *
 * Read next proc/tracestop.c, proc/wait.c, sys/sys_ptrace.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "mem/mem.h"

/* ---- to begin ---- */

/*
 * The parent, the thread that made the process, traces the current thread from now on.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, also if the parent is on its way out; -EPERM: somebody does already,
 *           or rule 5; -ENOMEM.
 */
int
trace_me(void)
{
	struct task *tk = task_current(), *to;
	const struct proc *parent;
	struct tracee *t;
	int r = 0;

	spin_lock(&proc_lock);
	to = proc_parent_thread_locked(tk->proc);
	parent = tk->proc->parent;
	if (task_is_traced(tk) || (parent != NULL && !cred_may(&parent->cred, CAP_SYS_PTRACE) &&
	    (tk->proc->cred.caps.permitted & ~parent->cred.caps.permitted) != 0)) {
		r = -EPERM;
	} else if (to != NULL) {
		t = tracee_link_locked(tk, to);
		if (t == NULL)
			r = -ENOMEM;
		else
			t->by_root = proc_may(CAP_SYS_PTRACE);
	}
	spin_unlock(&proc_lock);
	return r;
}

static int
attach_check_locked(const struct task *tk, bool is_zombie)
{
	HELD(&proc_lock);
	if (tk == NULL)
		return is_zombie ? -EPERM : -ESRCH;
	if (tk->proc == proc_current() ||
	    !proc_may_look_locked(tk->proc, LOOK_BY_REAL) ||
	    tk->proc->state != PROC_LIVE || task_is_traced(tk))
		return -EPERM;
	return 0;
}

/* It waits in the stop of its process, on the way to that of its tracer. */
static bool
is_on_the_way(int tid)
{
	struct task *tk;
	bool is;

	spin_lock(&proc_lock);
	tk = task_find_locked(tid);
	is = tk != NULL && task_is_traced(tk) && tk->in_stop &&
	    tk->traced->tracer == task_current();
	spin_unlock(&proc_lock);
	return is;
}

/*
 * The current thread traces another one from now on.  TRACE_SEIZE: it is not stopped.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH, -EPERM: no right, a thread of the same process, a zombie, or
 *           somebody traces it already; -ENOMEM.
 */
int
trace_attach(int tid, enum trace_start how, unsigned options)
{
	const struct siginfo stop = { .signo = SIGSTOP, .code = SI_KERNEL };
	struct task *tk;
	struct tracee *t;
	bool was_in_stop = false;
	int r;

	spin_lock(&proc_lock);
	tk = task_find_locked(tid);
	r = attach_check_locked(tk, proc_find_locked(tid) != NULL);
	if (r == 0) {
		t = tracee_link_locked(tk, task_current());
		r = t == NULL ? -ENOMEM : 0;
	}
	if (r == 0) {
		t->seized = how == TRACE_SEIZE;
		t->options = options;
		t->by_root = proc_may(CAP_SYS_PTRACE);
		was_in_stop = tk->in_stop;
		wake_all(&tk->proc->stop_wq);
		if (how == TRACE_ATTACH)
			(void)sig_send_task_locked(tk, &stop);
		else
			sig_recalc_locked(tk);
	}
	spin_unlock(&proc_lock);
	/* So that a wait for the tracee finds it at once. */
	if (r == 0 && was_in_stop)
		(void)wait_until(&proc_current()->child_wq, WAIT_KILLABLE, WAIT_FOREVER,
		    !is_on_the_way(tid));
	return r;
}

/* ---- to ask ---- */

/* The tracee of the current thread of that number, in whatever it is; NULL. */
static struct tracee *
mine_locked(int tid)
{
	struct task *tk = task_find_locked(tid);

	HELD(&proc_lock);
	return tk != NULL && task_is_traced(tk) &&
	    tk->traced->tracer == task_current() ? tk->traced : NULL;
}

/* It goes on with a signal, or 0; DETACH: without a tracer.  0, -EIO: no such signal. */
static int
go_on_locked(struct tracee *t, uint32_t how, int signo)
{
	HELD(&proc_lock);
	if (!sig_is_valid(signo))
		return -EIO;
	if (how == PTRACE_DETACH) {
		tracee_let_go_locked(t, signo);
		return 0;
	}
	t->how = how;
	t->code = signo;
	tracee_wake_locked(t);
	return 0;
}

/* One that was seized stops soon, whatever it does.  0, -EIO: it was not. */
static int
interrupt_locked(struct tracee *t)
{
	HELD(&proc_lock);
	if (!t->seized)
		return -EIO;
	t->trap = true;
	thread_notify(t->task->thread, THREAD_SIGNAL);
	if (t->listening)
		tracee_wake_locked(t);
	return 0;
}

/* One that shows a stop of its process stays in it until there is news.  0, -EIO: it was
 * not seized, or is in another stop. */
static int
listen_locked(struct tracee *t)
{
	HELD(&proc_lock);
	if (!t->seized || t->stop >> 8 != TRACE_STOP)
		return -EIO;
	if (t->news || t->trap)
		tracee_wake_locked(t);
	else
		t->listening = true;
	return 0;
}

/* A debug register; it counts from when the thread goes on, also without a tracer.  The
 * thread owns what is allocated: trace_debug_ends().  -ENOMEM; as md_debug_set(). */
static int
set_debug_locked(struct tracee *t, unsigned n, uint64_t v)
{
	struct md_debug **debug = &t->task->thread->md.debug;

	HELD(&proc_lock);
	if (*debug == NULL)
		*debug = kmem_zalloc(sizeof(**debug));
	return *debug == NULL ? -ENOMEM : md_debug_set(*debug, n, v);
}

/* The mask to which it returns, or another one. */
static void
mask_locked(struct task *tk, uint32_t what, uint64_t *mask)
{
	HELD(&proc_lock);
	if (what == PTRACE_GETSIGMASK) {
		*mask = tk->mask_saved ? tk->saved_mask : tk->blocked;
		return;
	}
	tk->blocked = *mask & ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	tk->mask_saved = false;
}

static int
obey_locked(struct tracee *t, uint32_t what, struct trace_order *o)
{
	const struct siginfo kill = { .signo = SIGKILL, .code = SI_KERNEL };

	HELD(&proc_lock);
	switch (what) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
	case PTRACE_DETACH:
		return go_on_locked(t, what, o->signo);
	case PTRACE_KILL:
		(void)sig_send_proc_locked(t->proc, &kill);
		return 0;
	case PTRACE_INTERRUPT:
		return interrupt_locked(t);
	case PTRACE_LISTEN:
		return listen_locked(t);
	case PTRACE_SETOPTIONS:
		t->options = o->options;
		return 0;
	case PTRACE_GETSIGINFO:
		o->message = t->message;
		o->info = t->info;
		return 0;
	case PTRACE_SETSIGINFO:
		if (t->info.signo == 0)
			return -EINVAL; /* a stop that has none */
		t->info = o->info;
		return 0;
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		mask_locked(t->task, what, &o->value);
		return 0;
	case PTRACE_GETREGS:
		*o->regs = t->regs;
		return 0;
	case PTRACE_SETREGS:
		t->regs = *o->regs;
		t->changed = true;
		return 0;
	case PTRACE_PEEKUSER:
		o->value = md_debug_get(t->task->thread->md.debug, o->debug);
		return 0;
	case PTRACE_POKEUSER:
		return set_debug_locked(t, o->debug, o->value);
	case PTRACE_PEEKDATA:
		if (t->proc->as == NULL)
			return -ESRCH;
		if (!t->proc->dumpable && !t->by_root)
			return -EIO;
		as_get(o->as = t->proc->as);
		return 0;
	default:
		return -EIO;
	}
}

/*
 * A request, as far as it concerns the tracee itself; rule 1.  KILL and INTERRUPT are
 * for one that runs, too.  Registers that are set are such as a program may have.
 *
 * Locks:    takes proc_lock.
 * Owns:     PEEKDATA: the caller, a reference of o->as.
 * Returns:  0, -ESRCH; -EIO: no such request or signal, not in that state, memory that
 *           may not be looked at; -EINVAL, -ENOMEM.
 */
int
trace_order(int tid, uint32_t what, struct trace_order *o)
{
	bool runs = what == PTRACE_KILL || what == PTRACE_INTERRUPT;
	struct tracee *t;
	int r = -ESRCH;

	spin_lock(&proc_lock);
	t = mine_locked(tid);
	if (t != NULL && (runs || (t->stopped && !t->listening)))
		r = obey_locked(t, what, o);
	spin_unlock(&proc_lock);
	return r;
}

/* The current thread ends, or runs another program.  Locks: none. */
void
trace_debug_ends(struct thread *t)
{
	struct md_debug *d = t->md.debug;

	if (d == NULL)
		return;
	t->md.debug = NULL;
	md_debug_load(&t->md);
	kmem_free(d);
}

/*
 * The memory of a process that the current one might trace: process_vm_readv(2).
 *
 * Locks:    takes proc_lock.
 * Owns:     the caller, a reference of *out.
 * Returns:  0, -ESRCH, -EPERM.
 */
int
trace_space_of(int pid, struct aspace **out)
{
	struct proc *p;
	int r = -ESRCH;

	spin_lock(&proc_lock);
	p = proc_of_id_locked(pid);
	if (p != NULL && p->as != NULL)
		r = proc_may_look_locked(p, LOOK_BY_REAL) ? 0 : -EPERM;
	if (r == 0)
		as_get(*out = p->as);
	spin_unlock(&proc_lock);
	return r;
}

/* Rule 3: does a set-id program that the thread starts get no rights?
 * Locks: proc_lock held. */
bool
trace_drops_rights_locked(const struct task *tk)
{
	HELD(&proc_lock);
	return task_is_traced(tk) && !tk->traced->by_root;
}

/* ---- ends ---- */

/*
 * A traced thread has ended.  Notify its tracer, which finds it by wait; for the first
 * thread of a process when the process has ended.
 *
 * Locks:    proc_lock held.
 */
void
trace_ended_locked(struct task *tk)
{
	struct tracee *t = tk->traced;
	struct siginfo si = { .signo = SIGCHLD, .pid = tk->tid,
		.uid = tk->proc->cred.uid };

	HELD(&proc_lock);
	if (t == NULL)
		return;
	tracee_leave_group_locked(t);
	t->task = NULL;
	tk->traced = NULL;
	if (t->tracer == NULL) {
		tracee_free_locked(t);
	} else if (t != t->proc->traced) {
		t->proc->nended++;
		si.code = (t->status & 0x7f) != 0 ? CLD_KILLED : CLD_EXITED;
		si.status = (t->status & 0x7f) != 0 ? t->status & 0x7f :
		    t->status >> 8;
		sig_tell_locked(t->tracer->proc, NULL, &si);
	}
}

/*
 * The tracer has seen the end of t, or does not want to.  Of the first thread of a
 * zombie, or the last other one: now the parent may see that.
 *
 * Locks:    proc_lock held.
 */
void
trace_show_zombie_locked(struct tracee *t)
{
	struct proc *p = t->proc;
	bool first = t == p->traced;

	HELD(&proc_lock);
	proc_get(p);
	tracee_free_locked(t);
	if (p->state == PROC_ZOMBIE && (first || p->nended == 0)) {
		zombie_shown_locked(p);
		pidfd_tell(p);
	}
	proc_put(p);
}

/* The tracer lets go of t, whatever has become of it. */
static void
drop_locked(struct tracee *t)
{
	const struct siginfo kill = { .signo = SIGKILL, .code = SI_KERNEL };
	/* Of a signal that the tracer has not seen yet. */
	int signo = t->stopped && t->info.signo == t->stop &&
	    t->info.code != t->stop ? t->code : 0;

	HELD(&proc_lock);
	if ((t->options & TRACE_EXITKILL) != 0)
		(void)sig_send_proc_locked(t->proc, &kill);
	if (t->task != NULL)
		tracee_let_go_locked(t, signo);
	else
		trace_show_zombie_locked(t);
}

/*
 * A thread that may trace others ends.
 *
 * Locks:    proc_lock held.
 */
void
trace_tracer_ends_locked(struct task *tk)
{
	struct list *all = &tk->proc->tracees;
	struct list_node *next;
	struct tracee *t;

	HELD(&proc_lock);
	LIST_FOREACH_SAFE(t, next, all, node)
		if (t->tracer == tk)
			drop_locked(t);
}

/*
 * The thread has the number of the first one of its process, which has ended: of that
 * the tracer hears no more.
 *
 * Locks:    proc_lock held.
 */
void
trace_renamed_locked(struct task *tk)
{
	struct proc *p = tk->proc;

	HELD(&proc_lock);
	if (p->traced != NULL)
		tracee_free_locked(p->traced);
	if (!task_is_traced(tk))
		return;
	tk->traced->tid = tk->tid;
	p->traced = tk->traced;
}
