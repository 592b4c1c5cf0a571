/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c: groups and sessions
 *
 * Problem   A job is many processes under one number, a session many jobs; the
 *           terminal, kill and wait name them so.
 *
 * Picture   groups.by_number[hash] ─→ struct proc, zombies included
 *
 * Rules     1. A group is only its members, so it may outlive its leader; a
 *              zombie is still one.
 *           2. A group that nobody can continue is an orphan: when it becomes
 *              one, its stopped jobs are hung up (exit.c).
 *
 * Read next proc/jobctl.c, proc/exit.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"

#define HASH 256

static struct {
	struct list by_number[HASH]; /* [L] by pgid */
} groups;

/* No groups yet.  Locks: none; boot. */
void
group_init(void)
{
	for (unsigned i = 0; i < HASH; i++)
		list_init(&groups.by_number[i]);
}

static struct list *
group_list(int pgid)
{
	return &groups.by_number[(unsigned)pgid % HASH];
}

/* Each process of a group, zombies included. */
#define GROUP_FOREACH(p, of)                       \
	LIST_FOREACH(p, group_list(of), group)     \
		if (p->pgid == (of))

/*
 * Move p into a group, or a new process into its first one.
 *
 * Locks:    proc_lock held.
 */
void
group_enter_locked(struct proc *p, int pgid)
{
	HELD(&proc_lock);
	list_remove(&p->group);
	p->pgid = pgid;
	list_push_back(group_list(pgid), &p->group);
}

/*
 * Begin a session and a group, both of the caller's number.
 *
 * Locks:    takes proc_lock.
 * Returns:  pid, -EPERM: some group already bears the number.
 */
int
proc_setsid(void)
{
	struct proc *p = proc_current(), *q;
	int r = p->pid;

	spin_lock(&proc_lock);
	GROUP_FOREACH(q, p->pid)
		r = -EPERM;
	if (r > 0) {
		p->sid = p->pid;
		group_enter_locked(p, p->pid);
		p->no_tty = false;
	}
	spin_unlock(&proc_lock);
	return r;
}

static bool
group_in_session(int pgid, int sid)
{
	struct proc *q;

	GROUP_FOREACH(q, pgid)
		if (q->sid == sid)
			return true;
	return false;
}

/* May me move p into the group: setpgid(2), in Linux's order. */
static int
setpgid_check(const struct proc *me, const struct proc *p, int pgid)
{
	if (p == NULL)
		return -ESRCH;
	if (p != me && p->parent != me)
		return -ESRCH;
	if (p != me && p->sid != me->sid)
		return -EPERM;
	if (p != me && p->execs != 0)
		return -EACCES;
	if (p->sid == p->pid)
		return -EPERM;
	if (pgid != p->pid && !group_in_session(pgid, me->sid))
		return -EPERM;
	return 0;
}

/* Is anybody in the group?  Locks: proc_lock held. */
bool
proc_group_exists_locked(int pgid)
{
	struct proc *p;

	HELD(&proc_lock);
	GROUP_FOREACH(p, pgid)
		return true;
	return false;
}

/*
 * Move pid (0: the caller) into a group (0: its own number).
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINVAL, -ESRCH, -EPERM, -EACCES (book: abi 5).
 */
int
proc_setpgid(int pid, int pgid)
{
	struct proc *me = proc_current(), *p;
	int r;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return -EINVAL;
	spin_lock(&proc_lock);
	p = pid == 0 ? me : proc_find_locked(pid);
	if (pgid == 0 && p != NULL)
		pgid = p->pid;
	/* A thread that does not lead has no group of its own. */
	if (p == NULL && task_find_locked(pid) != NULL)
		r = -EINVAL;
	else
		r = setpgid_check(me, p, pgid);
	if (r == 0)
		group_enter_locked(p, pgid);
	spin_unlock(&proc_lock);
	return r;
}

/*
 * Has the group nobody whose parent could continue it: a parent in the same
 * session but in another group?  but is treated as gone.
 *
 * Locks:    proc_lock held.
 */
bool
group_is_orphan_locked(int pgid, const struct proc *but)
{
	struct proc *p;

	HELD(&proc_lock);
	GROUP_FOREACH(p, pgid) {
		if (p == but || p->state != PROC_LIVE)
			continue;
		if (p->parent != NULL && p->parent != but &&
		    p->parent->pid != 1 && p->parent->sid == p->sid &&
		    p->parent->pgid != pgid)
			return false;
	}
	return true;
}

/* Call fn for every process of the group, zombies included.  Locks: as proc_walk_locked(). */
void
group_walk_locked(int pgid, void (*fn)(void *, struct proc *), void *arg)
{
	struct proc *p;

	HELD(&proc_lock);
	GROUP_FOREACH(p, pgid)
		fn(arg, p);
}

/* Is a member of the group stopped?  Locks: proc_lock held. */
bool
group_has_stopped_locked(int pgid)
{
	struct proc *p;

	HELD(&proc_lock);
	GROUP_FOREACH(p, pgid)
		if (p->state == PROC_LIVE && p->stop_sig != 0)
			return true;
	return false;
}
