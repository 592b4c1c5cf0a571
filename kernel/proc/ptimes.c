/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptimes.c: what a process has used: CPU time, page faults
 *
 * Problem   Both are counted by thread and wanted by process, of threads that
 *           run and of those that have ended.
 *
 * Read next proc/itimer.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

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
 * Page faults of a process, those of ended threads included: what vm/ counts by
 * thread, in one instruction a fault.
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
