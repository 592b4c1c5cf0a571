/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracewake.c: which signals wake a stopped tracee
 *
 * Problem   A thread that waits for its tracer is still woken by some signals:
 *           SIGKILL, and SIGCONT if it was told to listen (PTRACE_LISTEN).
 *
 * Rules     This file calls nothing of this room: signal.c calls it.
 *
 * Read next proc/tracee.c, proc/signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/tracee.h"

/* The thread leaves its stop.  Locks: proc_lock held. */
void
tracee_wake_locked(struct tracee *t)
{
	HELD(&proc_lock);
	t->stopped = t->listening = false;
	wake_all(&t->task->sig_wq);
}

/* It counts among those who have stopped with their process no longer.  The process
 * may have to stop it now.  Locks: proc_lock held. */
void
tracee_leave_group_locked(struct tracee *t)
{
	HELD(&proc_lock);
	if (!t->in_group)
		return;
	t->in_group = false;
	t->proc->nstopped--;
}

/*
 * SIGCONT for p: no stop is reported any more, and seized threads stop to report
 * that.
 *
 * Locks:    proc_lock held.
 */
void
tracee_continued_locked(struct proc *p)
{
	struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &p->threads, node) {
		if (!task_is_traced(tk))
			continue;
		tracee_leave_group_locked(tk->traced);
		tk->traced->may_stop = false;
		if (!tk->traced->seized)
			continue;
		tk->traced->news = true;
		thread_notify(tk->thread, THREAD_SIGNAL);
		if (tk->traced->listening)
			tracee_wake_locked(tk->traced);
	}
}

/*
 * SIGKILL for p, or the end of all its threads, which may be on their way out already:
 * those that show their end to a tracer wait for it no longer.
 *
 * Locks:    proc_lock held.
 */
void
tracee_killed_locked(struct proc *p)
{
	struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &p->threads, node)
		if (task_is_held(tk) && tk->traced->ending)
			tracee_wake_locked(tk->traced);
}

/* Does p's parent trace it, and is told of stops as its tracer?
 * Locks: proc_lock held. */
bool
tracee_is_by_parent_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->traced != NULL && p->traced->tracer->proc == p->parent;
}
