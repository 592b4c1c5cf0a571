/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c: what a process may have
 *
 * Problem   16 limits take 256 bytes, and in few processes they differ from
 *           the parent's.
 *
 * Picture   proc ─→ limits: 16 of {cur, max}
 *                     ▲
 *           proc ─────┘  forked
 *
 * Rules     1. Shared limits are constant: before a limit is set they are
 *              copied.  That takes memory, and may fail.
 *           2. Others may set a process's limits: so even its own threads read
 *              them with a lock held, or they might read freed memory.  The lock
 *              is the process's own: each write and mmap on all CPUs takes it.
 *              A change holds proc_lock, too, so either lock is enough to read.
 *
 * Read next proc/sighand.c, which shares actions alike.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/vm.h"

#define STACK_DEFAULT (8ul << 20)

static struct kmem_cache limits_cache = KMEM_CACHE("limits", struct limits);

/*
 * Limits that limit nothing.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, one reference.
 */
struct limits *
limits_create(void)
{
	struct limits *l = kmem_cache_alloc(&limits_cache);

	if (l == NULL)
		return NULL;
	l->refs = 1;
	for (unsigned i = 0; i < RLIMIT_COUNT; i++)
		l->of[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	return l;
}

/* One process fewer has them.  NULL is allowed.  Locks: any of rank < LR_MEM. */
void
limits_put(struct limits *l)
{
	if (l != NULL && atomic_sub(&l->refs, 1) == 0)
		kmem_cache_free(&limits_cache, l);
}

/*
 * Set a limit of p (rule 1).
 *
 * Locks:    proc_lock held; takes p's limits_lock.
 * Returns:  0, -ENOMEM.
 */
int
limits_set_locked(struct proc *p, enum rlimit_id id, const struct rlimit *new)
{
	struct limits *old = p->limits, *own = old;

	HELD(&proc_lock);
	if (atomic_load(&old->refs) > 1) {
		own = limits_create();
		if (own == NULL)
			return -ENOMEM;
		memcpy(own->of, old->of, sizeof(own->of));
	}
	spin_lock_nested(&p->limits_lock);
	own->of[id] = *new;
	p->limits = own;
	spin_unlock(&p->limits_lock);
	if (own != old)
		limits_put(old);
	return 0;
}

/*
 * The space of p enforces the limits of memory: give it the new ones when a limit
 * changes, and when p gets the space.
 *
 * Locks:    proc_lock held.
 */
void
limits_to_space_locked(struct proc *p)
{
	const struct rlimit *of = p->limits->of;

	HELD(&proc_lock);
	if (p->as == NULL)
		return;
	as_set_rss(p->as, of[RLIMIT_RSS].cur);
	map_set_limit(p->as, LIMIT_STACK, of[RLIMIT_STACK].cur);
	/* 0 means the hard limit, as on Linux; the break alone obeys it. */
	map_set_limit(p->as, LIMIT_DATA, of[RLIMIT_DATA].cur != 0 ?
	    of[RLIMIT_DATA].cur : of[RLIMIT_DATA].max);
	map_set_limit(p->as, LIMIT_SIZE, of[RLIMIT_AS].cur);
}

/*
 * A process has left the space, which had its limits: if another one is still there,
 * as after vfork, it has those of that one.
 *
 * Locks:    proc_lock held.
 */
void
limits_left_locked(struct aspace *as)
{
	struct proc *p = as_users(as) > 1 ? proc_of_space_locked(as) : NULL;

	HELD(&proc_lock);
	if (p != NULL)
		limits_to_space_locked(p);
}

/* ---- RLIMIT_NPROC where none is made ---- */

/* Has the user more processes than p may have?  Not counted if the limit is out of
 * reach. */
static bool
has_too_many_locked(const struct proc *p, uint32_t uid)
{
	uint64_t most = p->limits->of[RLIMIT_NPROC].cur;

	HELD(&proc_lock);
	return uid != 0 && pid_taken_locked() > most && proc_count_uid_locked(uid) > most;
}

/*
 * p is about to be a process of user uid.  Programs that put root aside do not look
 * whether they could: so they can, and are refused when they start another program.
 *
 * Locks:    proc_lock held.
 */
void
limits_meet_user_locked(struct proc *p, uint32_t uid)
{
	HELD(&proc_lock);
	if (uid != p->cred.uid)
		p->too_many = has_too_many_locked(p, uid);
}

/*
 * May p start another program, as for the number of its user's processes?
 *
 * Locks:    takes proc_lock.
 * Returns:  0; -EAGAIN: there were too many when p changed to the user, and still are.
 */
int
limits_check_exec(struct proc *p)
{
	int r = 0;

	spin_lock(&proc_lock);
	p->too_many = p->too_many && has_too_many_locked(p, p->cred.uid);
	if (p->too_many)
		r = -EAGAIN;
	spin_unlock(&proc_lock);
	return r;
}

/* ---- of the current process; kernel threads have none ---- */

/* A soft limit.  Locks: takes limits_lock. */
uint64_t
proc_limit(enum rlimit_id id)
{
	struct task *tk = task_current();

	return tk == NULL ? RLIM_INFINITY :
	    UNDER(&tk->proc->limits_lock, tk->proc->limits->of[id].cur);
}

/* Those of memory.  Locks: takes limits_lock. */
void
proc_map_limits(struct map_limits *out)
{
	struct task *tk = task_current();
	const struct rlimit *of;

	*out = (struct map_limits){ RLIM_INFINITY, RLIM_INFINITY, STACK_DEFAULT,
		RLIM_INFINITY };
	if (tk == NULL)
		return;
	spin_lock(&tk->proc->limits_lock);
	of = tk->proc->limits->of;
	out->as = of[RLIMIT_AS].cur;
	out->data = of[RLIMIT_DATA].cur;
	out->stack = of[RLIMIT_STACK].cur;
	out->memlock = of[RLIMIT_MEMLOCK].cur;
	spin_unlock(&tk->proc->limits_lock);
}

/* For fdtab.c.  Locks: takes limits_lock. */
uint64_t
proc_rlimit_nofile(void)
{
	return proc_limit(RLIMIT_NOFILE);
}
