/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.c: what one process may learn of another, or change in it
 *
 * Problem   A process that has become somebody else by a set-id program shares
 *           a number with one of the caller's, and nothing more.
 *
 * Picture            asks for            caller's            target's
 *           look     memory, files       fsuid, fsgid        all six ids
 *                    robust list         uid, gid            all six ids
 *           limit    prlimit             uid, gid            all six ids
 *           tune     niceness            euid                uid or euid
 *           signal   kill (signal.c)     uid or euid         uid or suid
 *
 * Rules     1. Root may all, and a process all with itself.
 *           2. Looking wants one thing more: the target is dumpable.  A set-id
 *              program is not, nor who has changed its effective ids, for it
 *              may hold what it has read as the other; nor a program that its
 *              user may run and not read, for its memory is the file.
 *
 * Read next proc/procinfo.c, sys/sys_cred.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

/* Are all six ids of c this user and this group? */
static bool
has_only(const struct cred *c, uint32_t uid, uint32_t gid)
{
	return c->uid == uid && c->euid == uid && c->suid == uid &&
	       c->gid == gid && c->egid == gid && c->sgid == gid;
}

/* Has it root's rights, or may it take them?  Locks: proc_lock, or it is one's own. */
bool
cred_can_be_root(const struct cred *c)
{
	return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

/* Root's rights that it has, one by one; those to files go by another number than all
 * others.  Locks: proc_lock, or it is one's own. */
uint64_t
cred_caps(const struct cred *c)
{
	return (c->euid == 0 ? CAP_ALL & ~CAP_FILES : 0) | (c->fsuid == 0 ? CAP_FILES : 0);
}

static bool
is_own_or_root(const struct proc *p)
{
	const struct proc *me = proc_current();

	return p == me || me->cred.euid == 0;
}

/*
 * May the current process see p's memory, places and files?
 *
 * Locks:    proc_lock held.
 */
bool
proc_may_look_locked(const struct proc *p, enum look_by by)
{
	const struct cred *me = &proc_current()->cred;

	HELD(&proc_lock);
	if (is_own_or_root(p))
		return true;
	return p->dumpable &&
	       (by == LOOK_BY_FS ? has_only(&p->cred, me->fsuid, me->fsgid)
				 : has_only(&p->cred, me->uid, me->gid));
}

/* May it read and set p's resource limits?  Locks: proc_lock held. */
bool
proc_may_limit_locked(const struct proc *p)
{
	const struct cred *me = &proc_current()->cred;

	HELD(&proc_lock);
	return is_own_or_root(p) || has_only(&p->cred, me->uid, me->gid);
}

/* May it set p's niceness and CPUs?  Locks: proc_lock held. */
bool
proc_may_tune_locked(const struct proc *p)
{
	const struct cred *me = &proc_current()->cred;

	HELD(&proc_lock);
	return is_own_or_root(p) || me->euid == p->cred.uid ||
	       me->euid == p->cred.euid;
}
