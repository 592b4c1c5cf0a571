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
#define OF_PROCESS 1
#define OF_GROUP 2
#define OF_USER 3

enum { CLASS_NONE, CLASS_REAL_TIME, CLASS_BEST_EFFORT, CLASS_IDLE };

/* [own] a call */
struct ioprio_walk {
	int which;
	uint32_t who;
	int set;                 /* -1: it is asked for */
	int result;              /* -ESRCH until one is found */
};

/* Of class and level; a task keeps both in a byte. */
static int
told(unsigned class, unsigned level)
{
	return (int)(class << CLASS_SHIFT | level);
}

/* Rule 2. */
static int
prio_of(const struct ioprio_walk *w, const struct task *tk)
{
	unsigned kept = tk->ioprio, nice = (unsigned)(tk->thread->nice + 20);

	if (kept != 0 || w->which == OF_PROCESS)
		return told(kept / LEVELS, kept % LEVELS);
	return told(tk->thread->policy == SCHED_IDLE ? CLASS_IDLE : CLASS_BEST_EFFORT,
	    nice / 5);
}

/* Locks: proc_lock held. */
static void
visit_locked(struct ioprio_walk *w, struct task *tk)
{
	const struct cred *me = &proc_current()->cred;
	uint32_t uid = tk->proc->cred.uid;
	int prio = prio_of(w, tk);

	HELD(&proc_lock);
	if (w->set < 0) {
		w->result = w->result < 0 ? prio : MIN(w->result, prio);
		return;
	}
	if (w->result == -EPERM)
		return;
	w->result = uid == me->uid || uid == me->euid || cred_may(me, CAP_SYS_NICE) ? 0 : -EPERM;
	if (w->result == 0)
		tk->ioprio = (uint8_t)((w->set >> CLASS_SHIFT) * LEVELS + w->set % LEVELS);
}

static void
visit_proc(void *arg, struct proc *p)
{
	const struct proc *me = proc_current();
	struct ioprio_walk *w = arg;
	struct task *tk;
	uint32_t own = w->which == OF_GROUP ? (uint32_t)me->pgid :
	    w->set < 0 ? me->cred.uid : 0;

	if ((w->which == OF_GROUP ? (uint32_t)p->pgid : p->cred.uid) ==
	    (w->who == 0 ? own : w->who))
		LIST_FOREACH(tk, &p->threads, node)
			visit_locked(w, tk);
}

static int
ioprio_call(struct ioprio_walk *w)
{
	struct task *tk;

	w->result = -ESRCH;
	if (w->which < OF_PROCESS || w->which > OF_USER)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (w->which == OF_PROCESS) {
		tk = w->who == 0 ? task_current() : task_of_id_locked((int)w->who);
		if (tk != NULL)
			visit_locked(w, tk);
		else if (proc_find_locked((int)w->who) != NULL)
			w->result = 0;   /* it has ended */
	} else {
		proc_walk_locked(visit_proc, w);
	}
	spin_unlock(&proc_lock);
	return w->result;
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
	struct ioprio_walk w = { .which = (int)a[0], .who = (uint32_t)a[1],
		.set = (int)(a[2] & UINT16_MAX) };
	int r = ioprio_check((int)a[2]);

	return r < 0 ? r : ioprio_call(&w);
}

int64_t
sys_ioprio_get(const uint64_t a[6])
{
	struct ioprio_walk w = { .which = (int)a[0], .who = (uint32_t)a[1], .set = -1 };

	return ioprio_call(&w);
}
