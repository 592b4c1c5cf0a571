/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_sched.c: how a thread is scheduled
 *
 * Problem   Linux has six policies.  Here threads take turns, and niceness says how
 *           long a turn is.
 *
 * Picture   OTHER, BATCH ─→ a turn by niceness     IDLE ─→ the shortest turn
 *           FIFO, RR, DEADLINE ─→ -EPERM, for root too
 *
 * Rules     1. A policy that this scheduler does not have is refused: a program that
 *              asks for real time goes on without, as on Linux without the right.
 *           2. Arguments are checked first, in Linux's order.
 *
 * Read next kern/runq.c, sys_misc.c (niceness).
 */
#include "sys/sys.h"

#include "lib/errno.h"
#include "lib/string.h"

#define RESET_ON_FORK 0x40000000
#define PRIORITY_MAX 99u
#define NICE_BEST (-20)
#define NICE_WORST 19
#define ATTR_BYTES_FIRST 48u   /* of the first Linux that had it */
#define ATTR_RESET_ON_FORK 1u
#define ATTR_KEEP_POLICY 8u
#define ATTR_KEEP_PARAMS 16u
#define ATTR_CLAMP 0x60u       /* how busy it looks */
#define ATTR_KNOWN 0x7fu
#define POLICY_AS_IT_IS (-1)

/* struct sched_attr. */
struct abi_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* What is asked of a thread. */
struct sched_req {
	int policy;              /* POLICY_AS_IT_IS */
	bool reset_on_fork, keep_reset;
	bool keep_params, set_nice;
	bool has_times;          /* of SCHED_DEADLINE */
	uint32_t priority;
	int nice;
};

static bool
is_real_time(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
}

static bool
is_policy(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH ||
	    policy == SCHED_IDLE || is_real_time(policy);
}

/* The priorities of a policy: 0, or limit; -EINVAL. */
static int64_t
limit_of(int policy, unsigned limit)
{
	if (!is_policy(policy))
		return -EINVAL;
	return is_real_time(policy) && policy != SCHED_DEADLINE ? (int64_t)limit : 0;
}

int64_t
sys_sched_get_priority_max(const uint64_t a[6])
{
	return limit_of((int)a[0], PRIORITY_MAX);
}

int64_t
sys_sched_get_priority_min(const uint64_t a[6])
{
	return limit_of((int)a[0], 1);
}

/* The thread of an argument, pid 0: the current.  Locks: proc_lock held. */
static struct task *
task_of_locked(int tid)
{
	HELD(&proc_lock);
	return tid == 0 ? task_current() : task_find_locked(tid);
}

/* May its niceness become nice?  Locks: proc_lock held. */
static bool
may_be_nice_locked(const struct proc *p, int nice)
{
	HELD(&proc_lock);
	return 20 - nice <= (int64_t)MIN(p->limits->of[RLIMIT_NICE].cur, 40);
}

/* Is it one that needs no right of root?  Locks: proc_lock held. */
static bool
may_set_locked(struct task *tk, const struct sched_req *q)
{
	const struct thread *t = tk->thread;

	HELD(&proc_lock);
	if (q->set_nice && q->nice < t->nice && !may_be_nice_locked(tk->proc, q->nice))
		return false;
	if (t->policy == SCHED_IDLE && q->policy != SCHED_IDLE &&
	    q->policy != POLICY_AS_IT_IS && !may_be_nice_locked(tk->proc, t->nice))
		return false;
	if (tk->reset_on_fork && !q->reset_on_fork && !q->keep_reset)
		return false;
	return proc_may_tune_locked(tk->proc);
}

/* 0, -EINVAL, -EPERM.  Locks: proc_lock held. */
static int
set_locked(struct task *tk, const struct sched_req *q)
{
	struct thread *t = tk->thread;
	int policy = q->policy == POLICY_AS_IT_IS ? t->policy : q->policy;
	uint32_t priority = q->keep_params ? 0 : q->priority;

	HELD(&proc_lock);
	if (!is_policy(policy) || priority > PRIORITY_MAX ||
	    (policy == SCHED_DEADLINE && !q->has_times) ||
	    (policy != SCHED_DEADLINE && is_real_time(policy) != (priority != 0)))
		return -EINVAL;
	if (is_real_time(policy) || (!proc_may(CAP_SYS_NICE) && !may_set_locked(tk, q)))
		return -EPERM;
	atomic_store(&t->policy, (uint8_t)policy);
	if (!q->keep_reset)
		tk->reset_on_fork = q->reset_on_fork;
	if (q->set_nice && policy != SCHED_IDLE)
		atomic_store(&t->nice, (int8_t)q->nice);
	return 0;
}

/* 0, -ESRCH and what set_locked() says. */
static int
set_thread(int tid, const struct sched_req *q)
{
	struct task *tk;
	int r = -ESRCH;

	spin_lock(&proc_lock);
	tk = task_of_locked(tid);
	if (tk != NULL)
		r = set_locked(tk, q);
	spin_unlock(&proc_lock);
	return r;
}

/* What param points to is a priority. */
static int
set_policy(int tid, int policy, va_t param)
{
	struct sched_req q = { .policy = policy, .keep_reset = policy < 0 };
	int32_t priority;

	if (param == 0 || tid < 0)
		return -EINVAL;
	if (copyin(&priority, param, sizeof(priority)) != 0)
		return -EFAULT;
	q.priority = (uint32_t)priority;
	if (policy > 0 && (policy & RESET_ON_FORK) != 0) {
		q.policy &= ~RESET_ON_FORK;
		q.reset_on_fork = true;
	}
	return set_thread(tid, &q);
}

int64_t
sys_sched_setscheduler(const uint64_t a[6])
{
	return (int)a[1] < 0 ? -EINVAL : set_policy((int)a[0], (int)a[1], a[2]);
}

int64_t
sys_sched_setparam(const uint64_t a[6])
{
	return set_policy((int)a[0], POLICY_AS_IT_IS, a[1]);
}

/* How the thread is scheduled, or was, if it is the first of a process that has not
 * been waited for.  0, -EINVAL, -ESRCH. */
static int
get_thread(int tid, struct abi_sched_attr *out)
{
	struct task *tk;
	struct proc *p;

	if (tid < 0)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	spin_lock(&proc_lock);
	tk = task_of_locked(tid);
	p = tk != NULL ? tk->proc : proc_find_locked(tid);
	if (tk != NULL) {
		out->policy = tk->thread->policy;
		out->nice = tk->thread->nice;
		out->flags = tk->reset_on_fork ? ATTR_RESET_ON_FORK : 0;
	} else if (p != NULL) {
		out->policy = p->policy;
		out->nice = p->nice;
	}
	spin_unlock(&proc_lock);
	return p != NULL ? 0 : -ESRCH;
}

int64_t
sys_sched_getscheduler(const uint64_t a[6])
{
	struct abi_sched_attr at;
	int r = get_thread((int)a[0], &at);

	return r != 0 ? r : (int64_t)at.policy |
	    ((at.flags & ATTR_RESET_ON_FORK) != 0 ? RESET_ON_FORK : 0);
}

int64_t
sys_sched_getparam(const uint64_t a[6])
{
	struct abi_sched_attr at;
	int32_t priority = 0;
	int r = a[1] == 0 ? -EINVAL : get_thread((int)a[0], &at);

	if (r == 0 && copyout(a[1], &priority, sizeof(priority)) != 0)
		r = -EFAULT;
	return r;
}

/* How long its turn is. */
int64_t
sys_sched_rr_get_interval(const uint64_t a[6])
{
	struct task *tk;
	uint64_t ns = 0;

	if ((int)a[0] < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	tk = task_of_locked((int)a[0]);
	if (tk != NULL)
		ns = sched_slice(tk->thread) * (NS_PER_S / MD_HZ);
	spin_unlock(&proc_lock);
	if (tk == NULL)
		return -ESRCH;
	return sys_put_timespec(a[1], ns) != 0 ? -EFAULT : 0;
}

/* The program's attributes.  0, -EFAULT, -E2BIG (their size is told), -EINVAL. */
static int
attr_copyin(va_t at, struct abi_sched_attr *out)
{
	uint32_t size, mine = sizeof(*out);
	int r;

	if (copyin(&size, at, sizeof(size)) != 0)
		return -EFAULT;
	if (size == 0)
		size = ATTR_BYTES_FIRST;
	r = size < ATTR_BYTES_FIRST || size > PAGE_SIZE ? -E2BIG :
	    sys_struct_copyin(out, mine, at, size);
	if (r == -E2BIG && copyout(at, &mine, sizeof(mine)) != 0)
		r = -EFAULT;
	if (r != 0)
		return r;
	return (out->flags & ATTR_CLAMP) != 0 && size < mine ? -EINVAL : 0;
}

int64_t
sys_sched_setattr(const uint64_t a[6])
{
	struct abi_sched_attr at;
	struct sched_req q;
	int r;

	if (a[1] == 0 || (int)a[0] < 0 || (uint32_t)a[2] != 0)
		return -EINVAL;
	r = attr_copyin(a[1], &at);
	if (r != 0)
		return r;
	if ((int)at.policy < 0 || (at.flags & ~(uint64_t)ATTR_KNOWN) != 0)
		return -EINVAL;
	if ((at.flags & ATTR_CLAMP) != 0)
		return -EOPNOTSUPP;
	q = (struct sched_req){ .policy = (at.flags & ATTR_KEEP_POLICY) != 0 ?
		POLICY_AS_IT_IS : (int)at.policy, .priority = at.priority,
		.reset_on_fork = (at.flags & ATTR_RESET_ON_FORK) != 0,
		.keep_reset = (at.flags & ATTR_KEEP_POLICY) != 0,
		.has_times = at.runtime != 0, .keep_params = (at.flags & ATTR_KEEP_PARAMS) != 0,
		.set_nice = (at.flags & ATTR_KEEP_PARAMS) == 0,
		.nice = MAX(NICE_BEST, MIN(NICE_WORST, at.nice)) };
	return set_thread((int)a[0], &q);
}

int64_t
sys_sched_getattr(const uint64_t a[6])
{
	struct abi_sched_attr at;
	uint32_t size = (uint32_t)a[2];
	int r;

	if (a[1] == 0 || size > PAGE_SIZE || size < ATTR_BYTES_FIRST ||
	    (uint32_t)a[3] != 0)
		return -EINVAL;
	r = get_thread((int)a[0], &at);
	if (r != 0)
		return r;
	at.size = MIN(size, (uint32_t)sizeof(at));
	return copyout(a[1], &at, at.size) != 0 ? -EFAULT : 0;
}
