/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_cap.c: capabilities
 *
 * Problem   Programs ask which of root's rights they have, and some give up those
 *           that they do not need.
 *
 * Rules     1. They belong to the process, like its users: libc's call in each thread
 *              repeats what is already done.
 *           2. The three layouts differ in the number of words; the second word has
 *              the capabilities from 32 on.
 *           3. Files have none: exec derives the new ones from the users.
 *
 * Read next sys_cred.c, proc/rights.c, proc/exec.c.
 */
#include "sys/sys.h"

#include "lib/errno.h"
#include "lib/string.h"

#define CAP_V1 0x19980330u
#define CAP_V2 0x20071026u
#define CAP_V3 0x20080522u

/* As programs lay it out. */
struct cap_head {
	uint32_t version;
	int32_t pid;
};
struct cap_words {
	uint32_t effective, permitted, inheritable;
};

/* How many words the version at `at` has; -EINVAL: unknown, ours is told there. */
static int
words_of(va_t at)
{
	uint32_t version, ours = CAP_V3;

	if (copyin(&version, at, sizeof(version)) < 0)
		return -EFAULT;
	if (version == CAP_V1)
		return 1;
	if (version == CAP_V2 || version == CAP_V3)
		return 2;
	return copyout(at, &ours, sizeof(ours)) < 0 ? -EFAULT : -EINVAL;
}

static int
pid_of(va_t at, int *pid)
{
	return copyin(pid, at + offsetof(struct cap_head, pid), sizeof(*pid));
}

/* Those of a thread, or of a zombie; 0: the caller.  0, -ESRCH. */
static int
caps_look(int tid, struct caps *c)
{
	struct proc *p = proc_current();

	spin_lock(&proc_lock);
	if (tid != 0)
		p = proc_of_id_locked(tid);
	if (p != NULL)
		*c = p->cred.caps;
	spin_unlock(&proc_lock);
	return p != NULL ? 0 : -ESRCH;
}

int64_t
sys_capget(const uint64_t a[6])
{
	struct cap_words w[2];
	struct caps c;
	int pid, r, n = words_of(a[0]);

	if (a[1] == 0 && (n > 0 || n == -EINVAL))
		return 0; /* the program has only asked for the version */
	if (n < 0)
		return n;
	if (pid_of(a[0], &pid) < 0)
		return -EFAULT;
	if (pid < 0)
		return -EINVAL;
	r = caps_look(pid, &c);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++)
		w[i] = (struct cap_words){ (uint32_t)(c.effective >> 32 * i),
			(uint32_t)(c.permitted >> 32 * i),
			(uint32_t)(c.inheritable >> 32 * i) };
	return copyout(a[1], w, (unsigned)n * sizeof(w[0]));
}

/* new's three sets become the process's.  0, -EPERM. */
static int
caps_set(const struct caps *new)
{
	struct caps *c = &proc_current()->cred.caps;
	uint64_t may;
	int r = -EPERM;

	spin_lock(&proc_lock);
	may = proc_may(CAP_SETPCAP) ? CAP_ALL : c->permitted;
	if ((new->inheritable & ~(c->inheritable | (c->bounding & may))) == 0 &&
	    (new->permitted & ~c->permitted) == 0 &&
	    (new->effective & ~new->permitted) == 0) {
		c->effective = new->effective;
		c->permitted = new->permitted;
		c->inheritable = new->inheritable;
		c->ambient &= new->permitted & new->inheritable;
		r = 0;
	}
	spin_unlock(&proc_lock);
	return r;
}

int64_t
sys_capset(const uint64_t a[6])
{
	struct cap_words w[2];
	struct caps new;
	int pid, n = words_of(a[0]);

	if (n < 0)
		return n;
	if (pid_of(a[0], &pid) < 0)
		return -EFAULT;
	if (pid != 0 && pid != task_current()->tid)
		return -EPERM;
	memset(w, 0, sizeof(w));
	if (copyin(w, a[1], (unsigned)n * sizeof(w[0])) < 0)
		return -EFAULT;
	new = (struct caps){
		.effective = (w[0].effective | (uint64_t)w[1].effective << 32) & CAP_ALL,
		.permitted = (w[0].permitted | (uint64_t)w[1].permitted << 32) & CAP_ALL,
		.inheritable =
		    (w[0].inheritable | (uint64_t)w[1].inheritable << 32) & CAP_ALL };
	return caps_set(&new);
}

/* prctl(PR_CAPBSET_DROP): no exec gives it again. */
int64_t
sys_cap_drop(uint64_t cap)
{
	if (!proc_may(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	spin_lock(&proc_lock);
	proc_current()->cred.caps.bounding &= ~CAP_BIT(cap);
	spin_unlock(&proc_lock);
	return 0;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

/* prctl(PR_CAP_AMBIENT): what programs of no root keep; of what is permitted and
 * inheritable. */
int64_t
sys_cap_ambient(const uint64_t a[6])
{
	struct caps *c = &proc_current()->cred.caps;
	uint64_t bit = CAP_BIT(a[2] & 63), off = a[1] == AMBIENT_CLEAR_ALL ? CAP_ALL : bit;
	int r = 0;

	if (a[3] != 0 || a[4] != 0 || (a[1] == AMBIENT_CLEAR_ALL ? a[2] != 0 :
	    a[2] > CAP_LAST || a[1] - AMBIENT_IS_SET > AMBIENT_LOWER - AMBIENT_IS_SET))
		return -EINVAL;
	spin_lock(&proc_lock);
	if (a[1] == AMBIENT_IS_SET)
		r = (c->ambient & bit) != 0;
	else if (a[1] != AMBIENT_RAISE)
		c->ambient &= ~off;
	else if ((c->permitted & c->inheritable & bit) != 0)
		c->ambient |= bit;
	else
		r = -EPERM;
	spin_unlock(&proc_lock);
	return r;
}
