/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.c: a second process, or a second thread
 *
 * Problem   fork, vfork, clone and clone3 differ in what the child shares
 *           with the parent.  Make the child or leave no trace.
 *
 * Picture   check flags ─→ reserve: proc, task, number, files, memory, stack
 *                              │ any failure: clone_undo(), nothing is seen
 *                              ↓
 *           perform: registers, tree, tables ─→ start ─→ (vfork: wait)
 *
 * Rules     1. Until clone_publish() the child is PROC_NEW and bears only a
 *              reserved number.
 *           2. A process that was told to end makes no child: the test and
 *              the insertion are in one hold of proc_lock.
 *           3. fork shares the executable: writing to it stays denied.
 *           4. The parent acts on a signal either before clone_begin() or
 *              after the call: a timer may be faster than a long copy.  A signal
 *              sent to its group in between is sent to the child as well.
 *
 * Read next vm/calls/as.c (as_dup), vm/design/fmo/fork.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

/* All that a clone takes; clone_undo() accepts any half-filled state. */
struct clone_state {
	const struct clone_req *req;
	struct proc *parent;     /* of the call, not of the new process */
	struct proc *proc;       /* new, or the parent for CLONE_THREAD */
	struct task *task;
	struct thread *thread;
	struct fdtab *fdtab;
	struct fsctx *fsctx;
	struct sighand *sighand; /* fork: its own, not yet in proc */
	struct aspace *as;       /* new process: attached as a user */
	struct file *exe;
	struct file *pidfd;      /* in the parent's table as fd */
	int fd;
	bool numbered;           /* task->tid is in a table */
	struct forking forking;  /* new process: in parent->forks */
};

static int clone_check(const struct clone_req *);
static int clone_reserve(struct clone_state *);
static int clone_process(struct clone_state *);
static int clone_memory(struct clone_state *);
static int clone_number(struct clone_state *);
static int clone_begin(struct clone_state *);
static int clone_pidfd(struct clone_state *);
static void clone_registers(struct clone_state *);
static void clone_inherit(struct clone_state *);
static int clone_publish(struct clone_state *, enum trace_event *);
static void clone_undo(struct clone_state *);
static void vfork_wait(struct thread *, struct task *, int tid);

/*
 * fork, vfork, clone: a child as the request says.
 *
 * Locks:    none; takes proc_lock and what as_dup() takes.
 * Context:  user thread, may sleep; vfork until the child execs or ends.
 * Returns:  tid of the child, -EINVAL, -EPERM, -EAGAIN (limits, no frames for
 *           another process), -ENOMEM, -EINTR (dying),
 *           -ERESTARTNOINTR (a signal comes first); of CLONE_PIDFD also -EFAULT,
 *           -EMFILE, -ENFILE.
 */
int
proc_clone(const struct clone_req *req)
{
	struct clone_state s = { .req = req, .parent = proc_current() };
	enum trace_event event;
	int tid, r = clone_check(req);

	if (r < 0)
		return r;

	/* reserve */
	thread_clear_dead();
	r = clone_reserve(&s);
	if (r == 0 && (req->flags & CLONE_PIDFD) != 0)
		r = clone_pidfd(&s);
	if (r < 0)
		goto undo;
	clone_registers(&s);
	tid = s.task->tid;
	if ((req->flags & CLONE_CHILD_SETTID) != 0)
		(void)as_write(s.as != NULL ? s.as : s.proc->as,
		    req->child_tid, &tid, sizeof(tid));
	if ((req->flags & CLONE_VFORK) != 0)
		thread_get(s.thread);
	r = clone_publish(&s, &event);
	if (r < 0)
		goto undo_get;

	/* perform */
	if ((req->flags & CLONE_PARENT_SETTID) != 0)
		(void)as_write(s.parent->as, req->parent_tid, &tid,
		    sizeof(tid));
	thread_start(s.thread);
	file_put_any(s.pidfd);
	if (UNLIKELY(event != 0))
		trace_event(event, (uint64_t)tid);
	if ((req->flags & CLONE_VFORK) != 0)
		vfork_wait(s.thread, s.task, tid);
	return tid;

undo_get:
	if ((req->flags & CLONE_VFORK) != 0)
		thread_put(s.thread);
undo:
	clone_undo(&s);
	return r;
}

static int
clone_check(const struct clone_req *req)
{
	uint64_t f = req->flags;

	if ((f & CLONE_FS) != 0 && (f & (CLONE_NEWNS | CLONE_NEWUSER)) != 0)
		return -EINVAL;
	if ((f & CLONE_THREAD) != 0 && (f & (CLONE_NEWUSER | CLONE_NEWPID)) != 0)
		return -EINVAL;
	if ((f & CLONE_THREAD) != 0 && (f & CLONE_SIGHAND) == 0)
		return -EINVAL;
	if ((f & CLONE_SIGHAND) != 0 && (f & CLONE_VM) == 0)
		return -EINVAL;
	if ((f & CLONE_CLEAR_SIGHAND) != 0 && (f & CLONE_SIGHAND) != 0)
		return -EINVAL;
	if ((f & CLONE_PIDFD) != 0 && (f & (CLONE_DETACHED | CLONE_THREAD)) != 0)
		return -EINVAL;
	if ((f & CLONE_PIDFD) != 0 && (f & CLONE_PARENT_SETTID) != 0 &&
	    req->pidfd == req->parent_tid)
		return -EINVAL;
	if (req->exit_signal < 0 || req->exit_signal > NSIG)
		return -EINVAL;
	if ((f & CLONE_NAMESPACES) != 0)
		return -EPERM;
	if ((f & CLONE_SETTLS) != 0 && req->tls >= MD_USER_END)
		return -EPERM;
	return 0;
}

/* ---- reserve ---- */

/* All that can fail, but for registers and numbers that are told.  On an error
 * clone_undo() takes what there is.  0, -EAGAIN, -ENOMEM, -EINTR, -ERESTARTNOINTR. */
static int
clone_reserve(struct clone_state *s)
{
	uint64_t f = s->req->flags;
	struct task *me = task_current();
	int r;

	r = clone_begin(s);
	if (r == 0)
		r = clone_process(s);
	if (r < 0)
		return r;
	s->task = task_alloc(s->proc);
	if (s->task == NULL)
		return -ENOMEM;
	r = clone_number(s);
	if (r < 0)
		return r;
	if ((f & CLONE_FILES) != 0)
		fdtab_get(s->fdtab = me->fdtab);
	else
		s->fdtab = fdtab_copy(me->fdtab);
	if ((f & CLONE_FS) != 0)
		fsctx_get(s->fsctx = me->thread->fsctx);
	else
		s->fsctx = fsctx_copy(me->thread->fsctx);
	if (s->fdtab == NULL || s->fsctx == NULL)
		return -ENOMEM;
	r = clone_memory(s);
	if (r < 0)
		return r;
	s->thread = thread_create_user(me->thread->name,
	    as_space(s->as != NULL ? s->as : s->proc->as));
	return s->thread != NULL ? 0 : -ENOMEM;
}

/* RLIMIT_NPROC; root is exempt.  Processes are not counted if the limit is too high to
 * reach. */
static bool
too_many_locked(const struct proc *p)
{
	uint64_t most = p->limits->of[RLIMIT_NPROC].cur;

	HELD(&proc_lock);
	return p->cred.uid != 0 && !cred_may(&p->cred, CAP_SYS_RESOURCE) &&
	    !cred_may(&p->cred, CAP_SYS_ADMIN) &&
	    pid_taken_locked() >= most &&
	    proc_count_uid_locked(p->cred.uid) >= most;
}

/* The signal may have woken another thread: make this one look, too. */
static int
restart_locked(void)
{
	HELD(&proc_lock);
	sig_recalc_locked(task_current());
	return -ERESTARTNOINTR;
}

/* Has the current thread to act on a signal? */
static bool
signal_waits_locked(void)
{
	struct task *me = task_current();
	struct proc *p = me->proc;

	HELD(&proc_lock);
	return task_must_stop(me) ||
	    ((me->pending.set | p->pending.set) & ~me->blocked) != 0;
}

/*
 * Asked before anything is made: so a fork bomb is cheap, and no memory is
 * copied for a call that has to start again.
 */
static int
clone_begin(struct clone_state *s)
{
	int r = 0;

	spin_lock(&proc_lock);
	if (signal_waits_locked())
		r = restart_locked();
	else if (too_many_locked(s->parent))
		r = -EAGAIN;
	else if ((s->req->flags & CLONE_THREAD) == 0)
		list_push_back(&s->parent->forks, &s->forking.node);
	spin_unlock(&proc_lock);
	return r == 0 && vm_is_short() ? -EAGAIN : r;
}

/* The struct proc and its handlers; a thread uses the parent's. */
static int
clone_process(struct clone_state *s)
{
	if ((s->req->flags & CLONE_THREAD) != 0) {
		s->proc = s->parent;
		return 0;
	}
	s->proc = proc_alloc();
	if (s->proc == NULL)
		return -ENOMEM;
	if ((s->req->flags & CLONE_SIGHAND) != 0)
		return 0;
	s->sighand = sighand_create((s->req->flags & CLONE_CLEAR_SIGHAND) != 0 ?
	    SIGACTS_OWN : SIGACTS_SHARED);
	return s->sighand == NULL ? -ENOMEM : 0;
}

static int
clone_number(struct clone_state *s)
{
	int n;

	spin_lock(&proc_lock);
	n = pid_alloc_locked(&s->parent->cred);
	if (n > 0) {
		s->task->tid = n;
		task_hash_locked(s->task);
		s->task->exiting = true; /* takes no signals yet */
		s->numbered = true;
	}
	spin_unlock(&proc_lock);
	return n > 0 ? 0 : n;
}

/* A new process: the address space, copied or shared, and the executable. */
static int
clone_memory(struct clone_state *s)
{
	int r;

	if (s->proc == s->parent)
		return 0;
	if (s->req->as != NULL) {
		as_get(s->as = s->req->as);
	} else if ((s->req->flags & CLONE_VM) != 0) {
		as_get(s->as = s->parent->as);
	} else {
		r = as_dup(s->parent->as, &s->as);
		if (r < 0)
			return r;
	}
	as_attach_user(s->as);
	spin_lock(&proc_lock);
	if (s->parent->exe != NULL) {
		file_get(s->exe = s->parent->exe);
		file_deny_again(s->exe);
	}
	spin_unlock(&proc_lock);
	return 0;
}

/*
 * CLONE_PIDFD: the parent's descriptor, before anybody sees the child; the child
 * has no copy of it.  0, -EFAULT, -EMFILE, -ENFILE, -ENOMEM.
 */
static int
clone_pidfd(struct clone_state *s)
{
	struct file *f;
	int r = pidfd_create(s->proc, 0, &f);

	if (r < 0)
		return r;
	s->fd = fdtab_install(fdtab_current(), f, 0, FD_CLOSES);
	if (s->fd < 0) {
		file_put(f);
		return s->fd;
	}
	file_get(s->pidfd = f);
	return as_write(s->parent->as, s->req->pidfd, &s->fd, sizeof(s->fd)) ==
	    (ssize_t)sizeof(s->fd) ? 0 : -EFAULT;
}

/* ---- perform ---- */

/* The child continues where the parent stands, with result 0. */
static void
clone_registers(struct clone_state *s)
{
	struct thread *me = thread_current(), *t = s->thread;
	struct trapframe *tf = md_user_frame(&t->md);

	if (s->req->as != NULL)
		md_frame_init(tf, 0, 0);
	else
		*tf = *md_user_frame(&me->md);
	tf->rax = 0;
	if (s->req->stack != 0)
		tf->rsp = s->req->stack;
	md_fpu_save(&me->md);
	memcpy(t->md.fpu, me->md.fpu, MD_FPU_SIZE);
	md_get_tls(&me->md, &t->md.fsbase, &t->md.gsbase);
	if ((s->req->flags & CLONE_SETTLS) != 0)
		t->md.fsbase = s->req->tls;
	t->nice = me->nice;
	t->policy = me->policy;
	if (task_current()->reset_on_fork)
		t->nice = MAX(t->nice, 0);
	t->affinity = me->affinity;
	t->fsctx = s->fsctx;
	t->id = (uint32_t)s->task->tid;
	as_bind_thread(t, s->as != NULL ? s->as : s->proc->as);
}

/* The fields that a new process inherits.  Locks: proc_lock held. */
static void
clone_inherit(struct clone_state *s)
{
	struct proc *p = s->proc, *parent = s->parent;

	HELD(&proc_lock);
	p->pid = s->task->tid;
	p->pgid = parent->pgid;
	p->sid = parent->sid;
	p->no_tty = parent->no_tty;
	p->as = s->as;
	p->exe = s->exe;
	p->image = parent->image;
	p->cred = parent->cred;
	p->next_design = parent->next_design;
	p->barriers = parent->barriers;
	p->dumpable = parent->dumpable;
	p->oom_adj = parent->oom_adj;
	p->oom_min = parent->oom_min;
	p->exit_signal = s->req->exit_signal;
	p->parent_execs = parent->execs;
	p->maker = task_current()->tid;
	str_copy(p->comm, thread_current()->name, sizeof(p->comm));
	p->limits = parent->limits;
	atomic_add(&p->limits->refs, 1);
	limits_to_space_locked(p);
	proc_watch_cpu_locked(p);
	if (s->sighand == NULL) {
		p->sighand = parent->sighand;
		p->sighand->refs++;
		return;
	}
	p->sighand = s->sighand;
	if ((s->req->flags & CLONE_CLEAR_SIGHAND) != 0)
		sighand_clear_locked(p->sighand, parent->sighand);
	else
		sighand_share_locked(p->sighand, parent->sighand);
}

static void
clone_enter_tree(struct clone_state *s)
{
	struct proc *p = s->proc, *to = s->parent;

	clone_inherit(s);
	p->state = PROC_LIVE;
	proc_hash_locked(p);
	group_enter_locked(p, p->pgid);
	if ((s->req->flags & CLONE_PARENT) != 0 && to->parent != NULL) {
		to = to->parent;
		p->exit_signal = s->parent->exit_signal;
		p->parent_execs = s->parent->parent_execs;
		p->maker = s->parent->maker;
	}
	proc_reparent_locked(p, to);
}

/* Rule 4; the sender is not recorded.  Locks: proc_lock held. */
static void
clone_send_missed(struct clone_state *s)
{
	struct siginfo si = { .code = SI_USER };
	uint64_t set = s->forking.missed;

	HELD(&proc_lock);
	list_remove(&s->forking.node);
	for (; set != 0; set &= set - 1) {
		si.signo = __builtin_ctzl(set) + 1;
		(void)sig_send_proc_locked(s->proc, &si);
	}
}

/*
 * Enter the child into the tree and the tables: from here on it is found.  event: the
 * event for the caller's tracer, or 0.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINTR: the process was told to end; -EAGAIN: others were
 *           faster and the limit is reached.
 */
static int
clone_publish(struct clone_state *s, enum trace_event *event)
{
	struct task *me = task_current(), *tk = s->task;
	uint64_t f = s->req->flags;
	int r = 0;

	spin_lock(&proc_lock);
	if (s->parent->group_exit || s->parent->execing != NULL)
		r = -EINTR;
	else if (too_many_locked(s->parent) || (UNLIKELY(me->traced != NULL) &&
	    !trace_child_locked(tk, s->thread, s->req)))
		r = -EAGAIN;
	if (r < 0) {
		spin_unlock(&proc_lock);
		return r;
	}
	*event = UNLIKELY(me->traced != NULL) ? trace_of_clone_locked(s->req) : 0;
	tk->fdtab = s->fdtab;
	tk->blocked = me->blocked;
	tk->ioprio = me->ioprio;
	tk->no_random = me->no_random;
	tk->keep_caps = me->keep_caps;
	tk->no_new_privs = me->no_new_privs;
	tk->exiting = false;
	if ((f & CLONE_CHILD_CLEARTID) != 0)
		tk->clear_tid = s->req->child_tid;
	if ((f & CLONE_VM) == 0 || (f & CLONE_VFORK) != 0)
		tk->altstack = me->altstack;
	tk->vfork = (f & CLONE_VFORK) != 0;
	task_bind(tk, s->thread);
	if (s->proc != s->parent)
		clone_enter_tree(s);
	s->thread->user = s->proc->cred.uid;
	list_push_back(&s->proc->threads, &tk->node);
	s->proc->nthreads++;
	sig_recalc_locked(tk); /* a group stop may be under way */
	if (s->proc != s->parent)
		clone_send_missed(s);
	spin_unlock(&proc_lock);
	return 0;
}

/* Give back what clone_reserve() took, also if it stopped halfway. */
static void
clone_undo(struct clone_state *s)
{
	if (s->thread != NULL) {
		s->thread->fsctx = NULL;
		as_bind_thread(s->thread, NULL);
		thread_discard(s->thread);
	}
	if (s->pidfd != NULL) {
		fdtab_take_back(fdtab_current(), s->fd, s->pidfd);
		file_put(s->pidfd);
	}
	if (s->exe != NULL) {
		file_allow_write(s->exe);
		file_put(s->exe);
	}
	if (s->as != NULL) {
		as_detach_user(s->as);
		as_put(s->as);
	}
	if (s->fsctx != NULL)
		fsctx_put(s->fsctx);
	if (s->fdtab != NULL)
		fdtab_put(s->fdtab);
	spin_lock(&proc_lock);
	if (s->numbered)
		list_remove(&s->task->hash);
	if (list_is_linked(&s->forking.node))
		list_remove(&s->forking.node);
	spin_unlock(&proc_lock);
	if (s->task != NULL)
		task_free(s->task);
	if (s->sighand != NULL)
		sighand_discard(s->sighand);
	if (s->proc != NULL && s->proc != s->parent)
		proc_put(s->proc);
}

/* ---- vfork ---- */

/*
 * Wait until the child has left our memory; SIGKILL ends the wait.
 *
 * Owns:     gives back the reference on the child's thread.
 */
static void
vfork_wait(struct thread *t, struct task *tk, int tid)
{
	int r = wait_until(&tk->vfork_wq, WAIT_KILLABLE, WAIT_FOREVER,
	    UNDER(&proc_lock, !tk->vfork));

	thread_put(t);
	if (r == 0 && UNLIKELY(task_current()->traced != NULL))
		trace_event(TRACE_VFORK_DONE, (uint64_t)tid);
}
