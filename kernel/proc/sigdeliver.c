/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigdeliver.c: acting on signals, on the way back to user mode
 *
 * Problem   Before a thread returns to its program: end, stop, or run
 *           handlers; and decide whether an interrupted call starts again.
 *
 * Picture   sig_deliver ─→ sig_step ─┬→ told to end: gone
 *                 ↑           │      ├→ stop: wait for SIGCONT, or for a tracer
 *                 └───────────┘      ├→ default action
 *                 nothing left       └→ handler: sigframe_push
 *                 ↓
 *           restart_call ─→ put the mask back ─→ user mode
 *
 * Rules     1. Forced signals (faults) come first, then the thread's own, then
 *              the process's; in each as sig_first_of() says.
 *           2. A call that ended in -ERESTART* is rewound once: the frame's
 *              vector is cleared after that, and when a handler is entered.
 *           3. The mask of sigsuspend lasts until here: a handler's frame
 *              saves the mask from before.
 *           4. A default action is taken in the hold of proc_lock that takes
 *              the signal: else it would for a moment be neither pending nor
 *              done, and a SIGCONT could not cancel a stop.
 *
 * Read next proc/sigframe.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"

#define NR_RESTART_SYSCALL 219
#define SYSCALL_BYTES 2

/* Whose signal it is. */
enum sig_from { FROM_FAULT, FROM_TASK, FROM_PROC };

static void tell_continued(struct proc *);
static bool has_work(struct task *);
static void sig_step(struct task *, struct trapframe *);
static bool next_signal_locked(struct task *, struct siginfo *, enum sig_from *);
static bool stop_if_due_locked(struct task *);
static void act_default_locked(struct task *, int signo, bool forced);
static void act_handler(struct task *, struct trapframe *,
    const struct siginfo *, const struct abi_sigaction *);
static void restart_call(struct task *, struct trapframe *);
static bool mask_put_back(struct task *);

/*
 * Something waits for the current thread on its way back to user mode.
 *
 * Locks:    none.
 * Context:  user thread, interrupts on, may sleep or not return.
 */
void
sig_deliver(struct task *tk, struct trapframe *tf)
{
	do {
		tell_continued(tk->proc);
		while (has_work(tk))
			sig_step(tk, tf);
		restart_call(tk, tf);
	} while (mask_put_back(tk));
}

/* SIGCONT came while no thread stood in the stop: one that its tracer had let go on. */
static void
tell_continued(struct proc *p)
{
	if (p->cont_due == 0)
		return;
	spin_lock(&proc_lock);
	sig_cont_check_locked(p);
	spin_unlock(&proc_lock);
}

static bool
has_work(struct task *tk)
{
	if (UNLIKELY(tk->proc->cpu_watch))
		itimers_check(tk);
	return tk->forced.signo != 0 || atomic_load(&tk->thread->pending) != 0;
}

/* One thing that stands between tk and its program: the end, a stop, the tracer's word,
 * or one signal, which is acted on.  Locks: takes proc_lock.  Returns: not, if the
 * process ends. */
static void
sig_step(struct task *tk, struct trapframe *tf)
{
	struct proc *p = tk->proc;
	struct abi_sigaction sa;
	struct siginfo si;
	enum sig_from from;

	spin_lock(&proc_lock);
	if (thread_is_killed() || p->group_exit) {
		/* Nobody said why: a kill injected at a wait. */
		if (!p->group_exit && p->execing == NULL)
			sig_group_exit_locked(p, SIGKILL);
		spin_unlock(&proc_lock);
		proc_exit_group(0);
	}
	if (stop_if_due_locked(tk)) {
		spin_unlock(&proc_lock);
		return;
	}
	if (!next_signal_locked(tk, &si, &from) ||
	    (task_is_traced(tk) && si.signo != SIGKILL &&
	    trace_signal_locked(tk, &si, from != FROM_PROC) == 0)) {
		sig_recalc_locked(tk);
		spin_unlock(&proc_lock);
		return;
	}
	sa = sighand_act(p->sighand, si.signo);
	if (sa.handler > SIG_IGN && (sa.flags & SA_RESETHAND) != 0)
		p->sighand->reset |= SIGBIT(si.signo);
	if (sa.handler == SIG_DFL) {
		act_default_locked(tk, si.signo, from == FROM_FAULT);
		(void)stop_if_due_locked(tk);
	}
	spin_unlock(&proc_lock);

	if (sa.handler > SIG_IGN)
		act_handler(tk, tf, &si, &sa);
}

static bool
next_signal_locked(struct task *tk, struct siginfo *si, enum sig_from *from)
{
	uint64_t open = ~tk->blocked;
	int n;

	HELD(&proc_lock);
	if (tk->forced.signo != 0) {
		*from = FROM_FAULT;
		*si = tk->forced;
		tk->forced.signo = 0;
		return true;
	}
	n = sig_first_of(tk->pending.set & open);
	if (n != 0) {
		*from = FROM_TASK;
		sigpend_take_locked(&tk->pending, n, si);
		return true;
	}
	*from = FROM_PROC;
	n = sig_first_of(tk->proc->pending.set & open);
	if (n != 0)
		sigpend_take_of_proc_locked(tk->proc, n, si);
	return n != 0;
}

/* ---- stopping ---- */

/* One that is traced from now on shows it to its tracer instead. */
static bool
is_stopped(struct task *tk)
{
	return UNDER(&proc_lock, tk->proc->stop_sig != 0 && !task_is_traced(tk));
}

/* Wait in the stop of the process; proc_lock is held, and released meanwhile. */
static void
stop_here_locked(struct task *tk)
{
	struct proc *p = tk->proc;

	HELD(&proc_lock);
	tk->in_stop = true;
	p->nstopped++;
	sig_stop_check_locked(p);
	spin_unlock(&proc_lock);

	(void)wait_until(&p->stop_wq, WAIT_KILLABLE, WAIT_FOREVER, !is_stopped(tk));

	spin_lock(&proc_lock);
	tk->in_stop = false;
	p->nstopped--;
	if (task_is_traced(tk)) /* by one that waits for what it does now */
		wake_all(&tk->traced->tracer->proc->child_wq);
	sig_recalc_locked(tk);
}

/*
 * Stop for the tracer or with the process, if that is due; proc_lock is held, and
 * dropped meanwhile.  The first thread that goes on after a SIGCONT reports it.
 *
 * Returns:  did it stop?
 */
static bool
stop_if_due_locked(struct task *tk)
{
	HELD(&proc_lock);
	if (tk->traced == NULL || !trace_due_locked(tk)) {
		if (!task_must_stop(tk) || tk->forced.signo != 0)
			return false;
		stop_here_locked(tk);
	}
	sig_cont_check_locked(tk->proc);
	return true;
}

static void
stop_process_locked(struct proc *p, int signo)
{
	struct task *tk;

	HELD(&proc_lock);
	if (p->group_exit ||
	    (signo != SIGSTOP && group_is_orphan_locked(p->pgid, NULL)))
		return;
	p->stop_sig = signo;
	p->stop_told = false;
	LIST_FOREACH(tk, &p->threads, node) {
		if (tk->traced != NULL)
			tracee_leave_group_locked(tk->traced);
		sig_recalc_locked(tk);
	}
}

/* ---- the three actions ---- */

static void
act_default_locked(struct task *tk, int signo, bool forced)
{
	struct proc *p = tk->proc;

	HELD(&proc_lock);
	if (p->pid == 1 && !forced)
		return;
	switch (sig_default(signo)) {
	case SD_IGNORE:
		return;
	case SD_STOP:
		/* The tracer held it, and SIGCONT came meanwhile. */
		if (!task_is_traced(tk) || tk->traced->may_stop)
			stop_process_locked(p, signo);
		return;
	case SD_KILL:
		sig_group_exit_locked(p, signo);
		return;
	}
}

/* The result that a call shows when a handler runs after it. */
static void
finish_call(struct trapframe *tf, bool sa_restart)
{
	int64_t r = (int64_t)tf->rax;

	if (tf->vector != MD_VEC_SYSCALL)
		return;
	if (r == -ERESTARTNOINTR || (r == -ERESTARTSYS && sa_restart)) {
		tf->rax = tf->error;
		tf->rip -= SYSCALL_BYTES;
	} else if (r == -ERESTARTSYS || r == -ERESTARTNOHAND ||
	    r == -ERESTART_BLOCK) {
		tf->rax = (uint64_t)-EINTR;
	}
}

/* Send tk into a handler: the mask is the handler's from now on, the old one is in the
 * frame. */
static void
act_handler(struct task *tk, struct trapframe *tf, const struct siginfo *si,
    const struct abi_sigaction *sa)
{
	uint64_t old = tk->mask_saved ? tk->saved_mask : tk->blocked;
	uint64_t mask = tk->blocked | sa->mask;
	bool stepping = tk->traced != NULL && trace_ends_step(tk, tf);

	finish_call(tf, (sa->flags & SA_RESTART) != 0);
	tf->vector = 0;
	/* Without a frame the mask is still to be put back, by the next one. */
	if (sigframe_push(tk, tf, si, sa, old) < 0) {
		if (si->signo == SIGSEGV) {
			spin_lock(&proc_lock);
			sig_group_exit_locked(tk->proc, SIGSEGV);
			spin_unlock(&proc_lock);
		} else {
			sig_force(SIGSEGV, SI_KERNEL, 0);
		}
		return;
	}
	tk->mask_saved = false;
	if ((sa->flags & SA_NODEFER) == 0)
		mask |= SIGBIT(si->signo);
	sig_set_blocked(mask);
	if (stepping)
		trace_handler(tk);
}

/* No handler ran: an interrupted call starts again. */
static void
restart_call(struct task *tk, struct trapframe *tf)
{
	int64_t r = (int64_t)tf->rax;

	if (tf->vector != MD_VEC_SYSCALL)
		return;
	if (r == -ERESTARTSYS || r == -ERESTARTNOINTR || r == -ERESTARTNOHAND)
		tf->rax = tf->error;
	else if (r == -ERESTART_BLOCK)
		tf->rax = NR_RESTART_SYSCALL;
	else
		return;
	tf->rip -= SYSCALL_BYTES;
	tf->vector = 0;
}

/* True: there may be new work under the old mask. */
static bool
mask_put_back(struct task *tk)
{
	if (!tk->mask_saved)
		return false;
	tk->mask_saved = false;
	sig_set_blocked(tk->saved_mask);
	return true;
}

/*
 * A fault of the current thread: the signal cannot be blocked or ignored.
 *
 * Locks:    takes proc_lock.
 */
void
sig_force(int signo, int code, va_t addr)
{
	struct task *tk = task_current();
	struct sighand *sh;

	spin_lock(&proc_lock);
	sh = tk->proc->sighand;
	if (sighand_act(sh, signo).handler == SIG_IGN ||
	    (tk->blocked & SIGBIT(signo)) != 0) {
		sh->reset |= SIGBIT(signo);
		tk->blocked &= ~SIGBIT(signo);
		sig_recalc_locked(tk);
	}
	spin_unlock(&proc_lock);
	tk->forced = (struct siginfo){ .signo = signo, .code = code,
		.addr = addr };
}
