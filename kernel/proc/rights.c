/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.c: what one process may read or change in another
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
 * Rules     1. A process with the capability for it may, and each process with itself.
 *           2. Looking needs two things more.  The target is dumpable: a set-id
 *              program is not, nor a process that has changed its effective ids,
 *              for it may hold what it has read as another user; nor a program
 *              that its user may run but not read, for its memory is the file.
 *              And the target has no capability that the caller lacks.
 *           3. Capabilities follow the users (capabilities(7)): they go with the
 *              last user that is root; a process that becomes root effectively has
 *              its permitted ones again.
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

static bool
can_be_root(const struct cred *c)
{
	return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

/*
 * Rule 3: c's users have changed from those of old.  keep: PR_SET_KEEPCAPS.
 *
 * Locks:    proc_lock held.
 */
void
caps_follow_users_locked(struct cred *c, const struct cred *old, bool keep)
{
	HELD(&proc_lock);
	if (can_be_root(old) && !can_be_root(c)) {
		c->caps.ambient = 0;
		if (!keep)
			c->caps.permitted = c->caps.effective = 0;
	}
	if (old->euid == 0 && c->euid != 0)
		c->caps.effective = 0;
	if (old->euid != 0 && c->euid == 0)
		c->caps.effective = c->caps.permitted;
}

static bool
is_own_or_may(const struct proc *p, enum cap cap)
{
	return p == proc_current() || proc_may(cap);
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
	uint64_t has = by == LOOK_BY_FS ? me->caps.effective : me->caps.permitted;

	HELD(&proc_lock);
	if (is_own_or_may(p, CAP_SYS_PTRACE))
		return true;
	return p->dumpable && (p->cred.caps.permitted & ~has) == 0 &&
	       (by == LOOK_BY_FS ? has_only(&p->cred, me->fsuid, me->fsgid)
				 : has_only(&p->cred, me->uid, me->gid));
}

/* May it read and set p's resource limits?  Locks: proc_lock held. */
bool
proc_may_limit_locked(const struct proc *p)
{
	const struct cred *me = &proc_current()->cred;

	HELD(&proc_lock);
	return is_own_or_may(p, CAP_SYS_RESOURCE) || has_only(&p->cred, me->uid, me->gid);
}

/* May it set p's niceness and CPUs?  Locks: proc_lock held. */
bool
proc_may_tune_locked(const struct proc *p)
{
	const struct cred *me = &proc_current()->cred;

	HELD(&proc_lock);
	return is_own_or_may(p, CAP_SYS_NICE) || me->euid == p->cred.uid ||
	       me->euid == p->cred.euid;
}
