/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd.c: what a descriptor of a process is good for
 *
 * Problem   Between the look at a number and the signal to it the process may end
 *           and another get the number.
 *
 * Picture   pidfd ─→ struct proc, referenced: LIVE, ZOMBIE, at last DEAD
 *
 * Rules     1. It can be read from when the last thread has ended, whoever has
 *              waited for the process or has not.
 *           2. clone makes one before the process is seen: such a one is no process
 *              yet (PROC_NEW), and stays none if the clone fails.
 *
 * Read next fs/event/pidfd.c, sys/sys_pidfd.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "fs/fscall.h"
#include "lib/errno.h"

static bool
is_process_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->state == PROC_LIVE || p->state == PROC_ZOMBIE;
}

static bool
has_ended(void *of)
{
	const struct proc *p = of;

	return UNDER(&proc_lock, p->state == PROC_ZOMBIE || p->state == PROC_DEAD);
}

/* Both lines, as where there are namespaces. */
static void
show(void *of, struct out *o)
{
	const struct proc *p = of;
	int pid;

	pid = UNDER(&proc_lock, is_process_locked(p) ? p->pid : -1);
	out_printf(o, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void
put_process(void *of)
{
	proc_put(of);
}

/* Locks: none; boot. */
void
proc_pidfd_init(void)
{
	static const struct pidfd_ops ops = { .has_ended = has_ended, .show = show,
		.put = put_process };

	pidfd_set_ops(&ops);
}

/*
 * A file of p; flags: O_NONBLOCK.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the file has a reference of p, the caller that of the file.
 */
int
proc_pidfd_of(struct proc *p, unsigned flags, struct file **out)
{
	int r;

	proc_get(p);
	r = pidfd_create(p, flags, out);
	if (r != 0)
		proc_put(p);
	return r;
}

/*
 * A file of the process with that number.
 *
 * Locks:    takes proc_lock.
 * Returns:  as proc_pidfd_of(); -ESRCH; -EINVAL: it is the number of a thread.
 */
int
proc_pidfd_open(int pid, unsigned flags, struct file **out)
{
	struct proc *p;
	int r;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	if (p != NULL)
		proc_get(p);
	r = p == NULL && task_find_locked(pid) == NULL ? -ESRCH : -EINVAL;
	spin_unlock(&proc_lock);
	if (p == NULL)
		return r;
	r = proc_pidfd_of(p, flags, out);
	proc_put(p);
	return r;
}

/*
 * kill(2) for the process, whoever has its number now.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH, -EINVAL, -EPERM, -EAGAIN.
 */
int
proc_pidfd_kill(struct proc *p, const struct siginfo *si)
{
	return UNDER(&proc_lock, is_process_locked(p) ? sig_kill_locked(p, si) : -ESRCH);
}

/*
 * The file open as fd in p's first thread.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH: that thread has ended; -EPERM: p is not for the caller to
 *           look at; -EBADF.
 * Owns:     the caller gets the reference.
 */
int
proc_pidfd_file(struct proc *p, int fd, struct file **out)
{
	struct fdtab *t = NULL;
	struct task *tk;
	int r = 0;

	spin_lock(&proc_lock);
	if (!is_process_locked(p)) {
		r = -ESRCH;
	} else if (!proc_may_look_locked(p, LOOK_BY_REAL)) {
		r = -EPERM;
	} else {
		tk = task_find_locked(p->pid);
		if (tk != NULL && tk->proc == p && tk->fdtab != NULL)
			t = fdtab_look(tk->fdtab);
	}
	spin_unlock(&proc_lock);
	if (t == NULL)
		return r != 0 ? r : -ESRCH;
	*out = fdtab_file(t, fd);
	fdtab_look_end(t);
	return *out != NULL ? 0 : -EBADF;
}
