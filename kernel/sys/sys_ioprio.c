/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_ioprio.c: the I/O priority of a thread
 *
 * Problem   ionice(1) starts programs that should give way to others at the disk; it
 *           does not start them if the call fails.
 *
 * Picture   class (none, real time, best effort, idle) << 13 | hints << 3 | level 0 … 7
 *
 * Rules     1. The priority is stored, inherited and reported.  Disks serve in their own
 *              order, as on Linux without an I/O scheduler.  Hints are not stored.
 *           2. A thread without one has one by its niceness when a whole group is asked.
 *
 * Read next sys_misc.c (niceness), dev/blk.c.
 */
#include "sys/sys.h"

#include "lib/errno.h"

#define CLASS_SHIFT 13
#define BELOW_CLASS 0x1fff
#define LEVELS 8
#define OF_PROCESS 1             /* PRIO_PROCESS + 1; so are the others */

enum { CLASS_NONE, CLASS_REAL_TIME, CLASS_BEST_EFFORT, CLASS_IDLE };

/* Of class and level; a task keeps both in a byte. */
static int
told(unsigned class, unsigned level)
{
	return (int)(class << CLASS_SHIFT | level);
}

/* Rule 2. */
static void
ioprio_get_locked(struct sys_threads *w, struct proc *p, struct task *tk)
{
	unsigned kept = tk == NULL ? 0 : tk->ioprio;
	int nice = tk == NULL ? p->nice : tk->thread->nice;
	int policy = tk == NULL ? p->policy : tk->thread->policy;
	int prio = told(kept / LEVELS, kept % LEVELS);

	HELD(&proc_lock);
	if (kept == 0 && w->which != PRIO_PROCESS)
		prio = told(policy == SCHED_IDLE ? CLASS_IDLE : CLASS_BEST_EFFORT,
		    (unsigned)(nice + 20) / 5);
	w->result = w->result < 0 ? prio : MIN(w->result, prio);
}

static void
ioprio_set_locked(struct sys_threads *w, struct proc *p, struct task *tk)
{
	const struct cred *me = &proc_current()->cred;
	uint32_t uid = p->cred.uid;

	HELD(&proc_lock);
	if (w->result == -EPERM)
		return;
	w->result = uid == me->uid || uid == me->euid || cred_may(me, CAP_SYS_NICE) ?
	    0 : -EPERM;
	if (w->result == 0 && tk != NULL)
		tk->ioprio = (uint8_t)((w->value >> CLASS_SHIFT) * LEVELS +
		    w->value % LEVELS);
}

/* 0, -EINVAL, -EPERM. */
static int
ioprio_check(int prio)
{
	int class = prio >> CLASS_SHIFT & 7;

	if (class == CLASS_REAL_TIME && !proc_may(CAP_SYS_NICE) &&
	    !proc_may(CAP_SYS_ADMIN))
		return -EPERM;
	return class > CLASS_IDLE || (class == CLASS_NONE && (prio & BELOW_CLASS) != 0) ?
	    -EINVAL : 0;
}

int64_t
sys_ioprio_set(const uint64_t a[6])
{
	/* As on Linux: here the number 0 means root, not the caller's own user. */
	struct sys_threads w = { .which = (unsigned)a[0] - OF_PROCESS,
		.who = (uint32_t)a[1], .value = (int)(a[2] & UINT16_MAX),
		.fn_locked = ioprio_set_locked };
	int r = ioprio_check((int)a[2]);

	return r < 0 ? r : sys_each_thread(&w);
}

int64_t
sys_ioprio_get(const uint64_t a[6])
{
	struct sys_threads w = { .which = (unsigned)a[0] - OF_PROCESS,
		.who = (uint32_t)a[1], .own = proc_current()->cred.uid,
		.fn_locked = ioprio_get_locked };

	return sys_each_thread(&w);
}
