/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigmask.c: masks and actions of signals, and waiting for signals
 *
 * Problem   Masks and actions change while signals are pending, and a thread
 *           may sleep for a signal that it blocks.
 *
 * Rules     1. After each change of a mask sig_recalc_locked() runs, so a
 *              signal that became deliverable is seen before user mode.
 *           2. SIGKILL and SIGSTOP are never blocked, caught or ignored.
 *           3. Ignoring a signal discards the pending ones.
 *           4. A signal that is waited for (task->wanted) counts as not blocked
 *              for the choice of a thread, but is not delivered.
 *           5. If a thread blocks a signal of the process for which it was
 *              chosen, another thread is chosen.
 *
 * Read next proc/signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"

#define SIGS_NEVER (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

static bool take_wanted(struct task *, uint64_t set, struct siginfo *);
static void set_wanted(struct task *, uint64_t set);
static bool end_wanted(struct task *, struct siginfo *);

/*
 * The mask of the current thread.
 *
 * Locks:    takes proc_lock.
 */
void
sig_set_blocked(uint64_t mask)
{
	struct task *tk = task_current();
	uint64_t before;

	spin_lock(&proc_lock);
	before = tk->blocked;
	tk->blocked = mask & ~SIGS_NEVER;
	sig_recalc_locked(tk);
	sig_retarget_locked(tk->proc, tk->blocked & ~before);
	spin_unlock(&proc_lock);
}

/*
 * Read and set the action of a signal.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINVAL: no such signal, or one that cannot be caught; -ENOMEM:
 *           it shared its actions, and there is no memory for its own.
 */
int
sig_action(int signo, const struct abi_sigaction *new,
    struct abi_sigaction *old)
{
	struct proc *p = proc_current();
	struct abi_sigaction sa;
	struct task *tk;
	int r = 0;

	if (signo < 1 || signo > NSIG)
		return -EINVAL;
	if (new != NULL && (SIGS_NEVER & SIGBIT(signo)) != 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (old != NULL)
		*old = sighand_act(p->sighand, signo);
	if (new != NULL) {
		sa = *new;
		sa.flags &= SA_KNOWN;
		sa.mask &= ~SIGS_NEVER;
		r = sighand_set_locked(p->sighand, signo, &sa);
		if (r == 0 && (sa.handler == SIG_IGN || (sa.handler == SIG_DFL &&
		    sig_default(signo) == SD_IGNORE))) {
			sigpend_flush_locked(&p->pending, SIGBIT(signo));
			LIST_FOREACH(tk, &p->threads, node)
				sigpend_flush_locked(&tk->pending,
				    SIGBIT(signo));
		}
	}
	spin_unlock(&proc_lock);
	return r;
}

/* Pending and blocked signals of the current thread.  Takes proc_lock. */
uint64_t
sig_pending(void)
{
	struct task *tk = task_current();

	return UNDER(&proc_lock, (tk->pending.set | tk->proc->pending.set) & tk->blocked);
}

/*
 * Another mask until the current call returns to user mode.
 *
 * Locks:    takes proc_lock.
 */
void
sig_suspend_mask(uint64_t mask)
{
	struct task *tk = task_current();

	if (!tk->mask_saved)
		tk->saved_mask = tk->blocked;
	tk->mask_saved = true;
	sig_set_blocked(mask);
}

/*
 * Sleep until a signal has to be acted on.
 *
 * Context:  thread, sleeps.
 * Returns:  -ERESTARTNOHAND.
 */
int
sig_pause(void)
{
	(void)wait_until(&task_current()->sig_wq, WAIT_INTR, WAIT_FOREVER, false);
	return -ERESTARTNOHAND;
}

/*
 * Take one pending signal of a set, waiting for it.
 *
 * Locks:    takes proc_lock.
 * Context:  thread, may sleep until the deadline (0: not at all).
 * Returns:  its number, -EAGAIN at the deadline, -EINTR: another signal.
 */
int
sig_wait(uint64_t set, uint64_t deadline, struct siginfo *si)
{
	struct task *tk = task_current();
	struct waiter w;
	int r;

	set &= ~SIGS_NEVER;
	if (take_wanted(tk, set, si))
		return si->signo;
	if (deadline == 0)
		return -EAGAIN;
	set_wanted(tk, set);
	wait_prepare(&tk->sig_wq, &w);
	r = wait_sleep(&w, WAIT_INTR, deadline);
	wait_finish(&w);
	if (end_wanted(tk, si))
		return si->signo;
	return r == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static void
set_wanted(struct task *tk, uint64_t set)
{
	spin_lock(&proc_lock);
	tk->wanted = set;
	sig_recalc_locked(tk);
	spin_unlock(&proc_lock);
}

static bool
take_locked(struct task *tk, uint64_t set, struct siginfo *si)
{
	uint64_t mine = tk->pending.set & set, all = tk->proc->pending.set & set;

	HELD(&proc_lock);
	if (mine != 0)
		sigpend_take_locked(&tk->pending, sig_first_of(mine), si);
	else if (all != 0)
		sigpend_take_of_proc_locked(tk->proc, sig_first_of(all), si);
	return (mine | all) != 0;
}

static bool
take_wanted(struct task *tk, uint64_t set, struct siginfo *si)
{
	bool found;

	spin_lock(&proc_lock);
	found = take_locked(tk, set, si);
	if (found)
		sig_recalc_locked(tk);
	spin_unlock(&proc_lock);
	return found;
}

/*
 * The wait is over: take one of the wanted signals, if there is one.  The
 * others may be for threads that still wait, so this is one step: in between
 * one of them would be woken for the signal that we take.
 */
static bool
end_wanted(struct task *tk, struct siginfo *si)
{
	uint64_t set = tk->wanted;
	bool found;

	spin_lock(&proc_lock);
	found = take_locked(tk, set, si);
	tk->wanted = 0;
	sig_recalc_locked(tk);
	sig_retarget_locked(tk->proc, set & tk->blocked);
	spin_unlock(&proc_lock);
	return found;
}
