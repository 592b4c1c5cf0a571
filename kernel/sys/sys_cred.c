/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_cred.c: users and groups
 *
 * Problem   For which user a process acts, and how it may change that.
 *
 * Rules     1. A process with the capability sets what it wants; others choose among
 *              their real, effective and saved numbers.
 *           2. Identity is the process's: libc's call in each thread repeats what
 *              is already done.  An exception is setuid(0) of a process that had
 *              given up root for a time: the second call sets the real number, too.
 *           3. The file system's numbers follow the effective ones, until they are
 *              set for themselves.
 *           4. A process that has changed its effective numbers cannot be read by
 *              others from then on: it may hold data of another user.
 *
 * Read next fs/namei.c.  Book: ch10.
 */
#include "sys/sys.h"

#include "lib/errno.h"
#include "lib/string.h"

#define KEEP UINT32_MAX
#define CAP_FILES 0x10800021ful  /* those that go by fsuid */
#define NGROUPS_LINUX 65536 /* so many it would read */
#define NGROUPS ARRAY_LEN(((struct cred *)NULL)->groups)

/* Three numbers of one kind, user or group. */
struct ids {
	uint32_t real, eff, saved;
};

static struct ids
uids(void)
{
	const struct cred *c = &proc_current()->cred;

	return (struct ids){ c->uid, c->euid, c->suid };
}

static struct ids
gids(void)
{
	const struct cred *c = &proc_current()->cred;

	return (struct ids){ c->gid, c->egid, c->sgid };
}

/* Rule 4.  Locks: proc_lock held. */
static void
note_change_locked(struct proc *p, uint32_t was, uint32_t is)
{
	HELD(&proc_lock);
	if (was == is)
		return;
	p->dumpable = false;
	p->pdeath_sig = 0;
}

static void
set_uids(struct ids i)
{
	struct cred *c = &proc_current()->cred, old;
	struct task *tk;
	bool keep = false;

	spin_lock(&proc_lock);
	old = *c;
	LIST_FOREACH(tk, &proc_current()->threads, node) {
		atomic_store(&tk->thread->user, i.real);
		/* PR_SET_KEEPCAPS may be set in another thread than the one whose
		 * call the C library makes first. */
		keep |= tk->keep_caps;
	}
	note_change_locked(proc_current(), c->euid, i.eff);
	limits_meet_user_locked(proc_current(), i.real);
	c->uid = i.real;
	c->euid = c->fsuid = i.eff;
	c->suid = i.saved;
	caps_follow_users_locked(c, &old, keep);
	spin_unlock(&proc_lock);
}

static void
set_gids(struct ids i)
{
	struct cred *c = &proc_current()->cred;

	spin_lock(&proc_lock);
	note_change_locked(proc_current(), c->egid, i.eff);
	c->gid = i.real;
	c->egid = c->fsgid = i.eff;
	c->sgid = i.saved;
	spin_unlock(&proc_lock);
}

static bool
is_one_of(uint32_t v, struct ids i)
{
	return v == KEEP || v == i.real || v == i.eff || v == i.saved;
}

/* setuid, setgid: who may sets all three. */
static int
set_one(struct ids *i, const uint64_t a[6], bool may)
{
	uint32_t v = (uint32_t)a[0];

	if (v == KEEP)
		return -EINVAL;
	if (may)
		*i = (struct ids){ v, v, v };
	else if (v == i->real || v == i->saved)
		i->eff = v;
	else
		return -EPERM;
	return 0;
}

/* setreuid, setregid: saved follows when real is set or eff is not real. */
static int
set_re(struct ids *i, const uint64_t a[6], bool may)
{
	uint32_t real = (uint32_t)a[0], eff = (uint32_t)a[1];
	struct ids old = *i;

	if (!may && ((real != KEEP && real != i->real &&
	    real != i->eff) || !is_one_of(eff, *i)))
		return -EPERM;
	if (real != KEEP)
		i->real = real;
	if (eff != KEEP)
		i->eff = eff;
	if (real != KEEP || (eff != KEEP && eff != old.real))
		i->saved = i->eff;
	return 0;
}

static int
set_res(struct ids *i, const uint64_t a[6], bool may)
{
	uint32_t v[3] = { (uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2] };

	for (int n = 0; n < 3; n++)
		if (!may && !is_one_of(v[n], *i))
			return -EPERM;
	i->real = v[0] != KEEP ? v[0] : i->real;
	i->eff = v[1] != KEEP ? v[1] : i->eff;
	i->saved = v[2] != KEEP ? v[2] : i->saved;
	return 0;
}

/* What a call makes of the three by its arguments; 0, -errno. */
typedef int ids_rule(struct ids *, const uint64_t a[6], bool may);

static int64_t
change_uids(ids_rule *rule, const uint64_t a[6])
{
	struct ids i = uids();
	int r = rule(&i, a, proc_may(CAP_SETUID));

	if (r == 0)
		set_uids(i);
	return r;
}

static int64_t
change_gids(ids_rule *rule, const uint64_t a[6])
{
	struct ids i = gids();
	int r = rule(&i, a, proc_may(CAP_SETGID));

	if (r == 0)
		set_gids(i);
	return r;
}

static int64_t
put_res(struct ids i, const uint64_t a[6])
{
	if (copyout(a[0], &i.real, 4) < 0 || copyout(a[1], &i.eff, 4) < 0 ||
	    copyout(a[2], &i.saved, 4) < 0)
		return -EFAULT;
	return 0;
}

int64_t
sys_getuid(const uint64_t a[6])
{
	return uids().real;
}

int64_t
sys_geteuid(const uint64_t a[6])
{
	return uids().eff;
}

int64_t
sys_getgid(const uint64_t a[6])
{
	return gids().real;
}

int64_t
sys_getegid(const uint64_t a[6])
{
	return gids().eff;
}

int64_t
sys_setuid(const uint64_t a[6])
{
	return change_uids(set_one, a);
}

int64_t
sys_setgid(const uint64_t a[6])
{
	return change_gids(set_one, a);
}

int64_t
sys_setreuid(const uint64_t a[6])
{
	return change_uids(set_re, a);
}

int64_t
sys_setregid(const uint64_t a[6])
{
	return change_gids(set_re, a);
}

int64_t
sys_setresuid(const uint64_t a[6])
{
	return change_uids(set_res, a);
}

int64_t
sys_setresgid(const uint64_t a[6])
{
	return change_gids(set_res, a);
}

int64_t
sys_getresuid(const uint64_t a[6])
{
	return put_res(uids(), a);
}

int64_t
sys_getresgid(const uint64_t a[6])
{
	return put_res(gids(), a);
}

/* The file system's number becomes v, if that is one of i or now; or who asks may; and
 * with the user the capabilities for files go or come. */
static uint32_t
set_fs(uint32_t *now, uint32_t v, struct ids i, enum cap cap)
{
	struct cred *c = &proc_current()->cred;
	uint32_t was = *now;

	if (v == KEEP || v == was || !(proc_may(cap) || is_one_of(v, i)))
		return was;
	spin_lock(&proc_lock);
	*now = v;
	if (now == &c->fsuid && was == 0)
		c->caps.effective &= ~CAP_FILES;
	else if (now == &c->fsuid && v == 0)
		c->caps.effective |= c->caps.permitted & CAP_FILES;
	note_change_locked(proc_current(), was, v);
	spin_unlock(&proc_lock);
	return was;
}

/* What it was is told, whether it changes or not. */
int64_t
sys_setfsuid(const uint64_t a[6])
{
	return set_fs(&proc_current()->cred.fsuid, (uint32_t)a[0], uids(),
	    CAP_SETUID);
}

int64_t
sys_setfsgid(const uint64_t a[6])
{
	return set_fs(&proc_current()->cred.fsgid, (uint32_t)a[0], gids(),
	    CAP_SETGID);
}

int64_t
sys_getgroups(const uint64_t a[6])
{
	int n = (int)a[0];
	struct cred c;

	spin_lock(&proc_lock);
	c = proc_current()->cred;
	spin_unlock(&proc_lock);
	if (n < 0 || (n > 0 && (uint32_t)n < c.ngroups))
		return -EINVAL;
	if (n > 0 && c.ngroups > 0 &&
	    copyout(a[1], c.groups, c.ngroups * sizeof(c.groups[0])) < 0)
		return -EFAULT;
	return c.ngroups;
}

/* Are the n numbers at `at` there?  A list that is too long for us is read, too. */
static int
groups_check(va_t at, uint64_t n)
{
	uint32_t part[NGROUPS];
	uint64_t k;

	for (; n > 0; n -= k, at += k * sizeof(part[0])) {
		k = MIN(n, NGROUPS);
		if (copyin(part, at, k * sizeof(part[0])) < 0)
			return -EFAULT;
	}
	return 0;
}

/* In the order in which Linux keeps and shows them. */
static void
sort_groups(uint32_t *list, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint32_t id = list[i];
		unsigned k = i;

		for (; k > 0 && list[k - 1] > id; k--)
			list[k] = list[k - 1];
		list[k] = id;
	}
}

int64_t
sys_setgroups(const uint64_t a[6])
{
	struct cred *c = &proc_current()->cred;
	uint32_t list[NGROUPS];
	uint64_t n = (uint32_t)a[0];

	if (!proc_may(CAP_SETGID))
		return -EPERM;
	if (n > NGROUPS)
		return n <= NGROUPS_LINUX && groups_check(a[1], n) < 0 ?
		    -EFAULT : -EINVAL;
	if (n > 0 && copyin(list, a[1], n * sizeof(list[0])) < 0)
		return -EFAULT;
	for (uint64_t i = 0; i < n; i++)
		if (list[i] == UINT32_MAX)
			return -EINVAL;
	sort_groups(list, (unsigned)n);
	spin_lock(&proc_lock);
	memcpy(c->groups, list, n * sizeof(list[0]));
	c->ngroups = (uint16_t)n;
	spin_unlock(&proc_lock);
	return 0;
}
