/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptimes.c: usage of a process: CPU time, page faults, context switches
 *
 * Problem   They are counted by thread and wanted by process, for threads that
 *           run and for those that have ended; and CPU time is a clock, too, by
 *           which programs sleep and set timers.
 *
 * Read next proc/itimer.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"

/* User and system time of a thread, the running stretch included.  Locks: none. */
void
task_times(struct task *tk, uint64_t *utime, uint64_t *stime)
{
	thread_times(tk->thread, utime, stime);
}

/* The same of a process, ended threads included.  Locks: proc_lock held. */
void
proc_times_locked(struct proc *p, uint64_t *utime, uint64_t *stime)
{
	struct task *tk;
	uint64_t u, s;

	HELD(&proc_lock);
	*utime = p->utime_ns;
	*stime = p->stime_ns;
	LIST_FOREACH(tk, &p->threads, node) {
		task_times(tk, &u, &s);
		*utime += u;
		*stime += s;
	}
}

/*
 * Page faults of a process, with those of ended threads: vm/ counts them by
 * thread, in one instruction for each fault.
 *
 * Locks:    proc_lock held.
 */
uint64_t
proc_faults_locked(struct proc *p)
{
	uint64_t n = p->faults;
	struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &p->threads, node)
		n += atomic_load_relaxed(&tk->thread->faults);
	return n;
}

/* How often its threads left a CPU: to others, to sleep.  Locks: proc_lock held. */
void
proc_switches_locked(struct proc *p, uint32_t n[2])
{
	struct task *tk;

	HELD(&proc_lock);
	for (unsigned i = 0; i < 2; i++) {
		n[i] = p->switches[i];
		LIST_FOREACH(tk, &p->threads, node)
			n[i] += tk->thread->switches[i];
	}
}

/* ---- CPU time as a clock ---- */

/*
 * Whose it is: *p alone, or *tk as well if it is that of a thread.
 *
 * Locks:    proc_lock held.
 * Returns:  false: nobody's, or that of a thread of another process.
 */
bool
cpu_clock_find_locked(const struct cpu_clock *c, struct proc **p, struct task **tk)
{
	HELD(&proc_lock);
	*p = proc_current();
	*tk = c->of_thread ? task_current() : NULL;
	if (c->id == 0)
		return true;
	if (!c->of_thread) {
		*p = proc_find_locked(c->id);
		return *p != NULL;
	}
	*tk = task_find_locked(c->id);
	return *tk != NULL && (*tk)->proc == *p;
}

/* The time of p, or of tk unless it is NULL.  Locks: proc_lock held. */
uint64_t
cpu_clock_of_locked(struct proc *p, struct task *tk, bool user_only)
{
	uint64_t ut, st;

	HELD(&proc_lock);
	if (tk != NULL)
		task_times(tk, &ut, &st);
	else
		proc_times_locked(p, &ut, &st);
	return user_only ? ut : ut + st;
}

/*
 * The time of such a clock; the caller's own process may be named by the thread's
 * number as well.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINVAL: nobody's.
 */
int
cpu_clock_now(const struct cpu_clock *c, uint64_t *ns)
{
	struct cpu_clock of = *c;
	struct task *tk;
	struct proc *p;
	bool found;

	if (!of.of_thread && of.id == task_current()->tid)
		of.id = 0;
	spin_lock(&proc_lock);
	found = cpu_clock_find_locked(&of, &p, &tk);
	if (found)
		*ns = cpu_clock_of_locked(p, tk, of.user_only);
	spin_unlock(&proc_lock);
	return found ? 0 : -EINVAL;
}
