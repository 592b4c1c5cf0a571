/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_cap.c: capabilities, as far as there are any
 *
 * Problem   Programs ask which of root's rights they have, and some give up those
 *           that they do not need.
 *
 * Picture   effective: all, if the effective user is root; else none
 *           permitted: all, if one of the three users is root; else none
 *           inheritable, ambient: none        bounding set: all
 *
 * Rules     1. Rights follow from the three users and are not kept beside them: who
 *              wants to have fewer changes those.  So capset() takes what is so, and
 *              -EPERM says that nothing else can be: who goes on then knows that he
 *              still has all.
 *           2. The three layouts differ in the number of words, of which the second
 *              has what came after 32.
 *
 * Read next sys_cred.c, proc/rights.c.
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

struct caps {
	uint64_t effective, permitted, inheritable;
};

static struct caps
caps_of(const struct cred *c)
{
	return (struct caps){ .effective = cred_caps(c),
		.permitted = cred_can_be_root(c) ? CAP_ALL : 0 };
}

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
		*c = caps_of(&p->cred);
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
		return 0; /* which version there is was all that was asked */
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
			(uint32_t)(c.permitted >> 32 * i), 0 };
	return copyout(a[1], w, (unsigned)n * sizeof(w[0]));
}

int64_t
sys_capset(const uint64_t a[6])
{
	struct cap_words w[2];
	struct caps new, now;
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
		(w[0].effective | (uint64_t)w[1].effective << 32) & CAP_ALL,
		(w[0].permitted | (uint64_t)w[1].permitted << 32) & CAP_ALL,
		(w[0].inheritable | (uint64_t)w[1].inheritable << 32) & CAP_ALL };
	if (caps_look(0, &now) < 0)
		return -ESRCH;
	return memcmp(&new, &now, sizeof(new)) == 0 ? 0 : -EPERM;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

/* prctl(PR_CAP_AMBIENT): there are none, and none can be. */
int64_t
sys_cap_ambient(const uint64_t a[6])
{
	if (a[3] != 0 || a[4] != 0)
		return -EINVAL;
	if (a[1] == AMBIENT_CLEAR_ALL)
		return a[2] != 0 ? -EINVAL : 0;
	if (a[2] > CAP_LAST)
		return -EINVAL;
	switch (a[1]) {
	case AMBIENT_IS_SET:
	case AMBIENT_LOWER:
		return 0;
	case AMBIENT_RAISE:
		return -EPERM;
	}
	return -EINVAL;
}
