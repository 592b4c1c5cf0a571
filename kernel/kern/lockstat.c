/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockstat.c: how often locks are taken, and how long they are held
 *
 * Problem   A lock that is held for long makes others wait, and two paths that
 *           take locks in opposite order deadlock.  To find either, count what
 *           really happens to the locks.
 *
 * Picture   take ─→ hold[rank] = {asked, since, by} of the thread
 *                   edge[rank held][rank taken] + 1
 *           drop ─→ now − since: the longest so far?  by whom?
 *
 *           /proc/vm/locks   class=ws rank=5 taken=… waited=… max_held_ns=… by=…
 *                            edge=map>ws n=…
 *
 * Rules     1. Only with locks=1 (lockrank.c calls); in an interrupt nothing is
 *              counted.  A class is all locks of one rank.
 *           2. A thread holds a class from its first lock of that rank to its
 *              last, also while it sleeps or is preempted.
 *           3. No lock of lib/spin.h guards a maximum: taking it would be
 *              counted, too.
 *
 * Read next lockrank.c.
 */
#include "kern/kernfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define BY 2 /* return addresses kept: the locking function's caller, its caller */

struct lock_hold {
	uint64_t asked;    /* when the last lock of the rank was asked for */
	uint64_t since;    /* when the first one was got */
	uint64_t by[BY];   /* who asked for that */
};

struct lock_class {
	_Atomic uint64_t taken;       /* [A] waited for if need be */
	_Atomic uint64_t tried;       /* [A] had by a trylock */
	_Atomic uint64_t waited;      /* [A] of taken: somebody else had it */
	_Atomic uint64_t max_wait_ns; /* [A] */
	_Atomic uint64_t max_held_ns; /* [A] */
	uint64_t by[BY];              /* [raw lock] who held it for so long */
};

static struct {
	struct lock_class class[LR_COUNT];
	_Atomic uint64_t edge[LR_COUNT][LR_COUNT];  /* [A] taken while holding */
	_Atomic uint64_t tried[LR_COUNT][LR_COUNT]; /* [A] had by a trylock */
	_Atomic bool busy; /* [A] the raw lock */
} lockstat;

/*
 * The record of the locks of a new thread.
 *
 * Locks:    none of rank >= LR_MEM.
 * Owns:     the thread: kmem_free().
 * Returns:  NULL: no memory, or without locks=1; the thread is not timed then.
 */
struct lock_hold *
lockstat_holds(void)
{
	return lockrank_is_on() ?
	    kmem_zalloc(LR_COUNT * sizeof(struct lock_hold)) : NULL;
}

static void
raise(_Atomic uint64_t *max, uint64_t n)
{
	uint64_t old = atomic_load(max);

	while (n > old && !atomic_cas(max, &old, n))
		;
}

/*
 * The callers of the function with this stack frame: the one that locks, and its
 * caller.  Frames lie above each other on one stack.
 */
static void
callers(const uint64_t *frame, uint64_t *by)
{
	const uint64_t *up;
	unsigned i;

	for (i = 0; i < BY; i++) {
		up = (const uint64_t *)frame[0];
		if (up <= frame || up > frame + PAGE_SIZE / sizeof(*frame))
			return;
		by[i] = up[1];
		frame = up;
	}
}

/*
 * The thread gets a lock, or begins to wait for it; not yet in t->held[].
 * frame: of the function that the lock's code has called.
 *
 * Locks:    any.
 */
void
lockstat_take(struct thread *t, enum lock_rank rank, bool tried,
    const void *frame)
{
	struct lock_class *c = &lockstat.class[rank];
	struct lock_hold *h = t->holds;
	unsigned r;

	atomic_add(tried ? &c->tried : &c->taken, 1);
	for (r = 1; r < LR_COUNT; r++)
		if (t->held[r] != 0)
			atomic_add(tried ? &lockstat.tried[r][rank] :
			    &lockstat.edge[r][rank], 1);
	if (h == NULL)
		return;
	h[rank].asked = md_time_ns();
	if (t->held[rank] != 0)
		return;
	h[rank].since = h[rank].asked;
	memset(h[rank].by, 0, sizeof(h[rank].by));
	callers(frame, h[rank].by);
}

/*
 * The thread has waited for the lock that it asked for last, and has it now.
 *
 * Locks:    any.
 */
void
lockstat_waited(struct thread *t, enum lock_rank rank)
{
	struct lock_class *c = &lockstat.class[rank];
	struct lock_hold *h = t->holds;
	uint64_t now = md_time_ns();

	atomic_add(&c->waited, 1);
	if (h == NULL)
		return;
	raise(&c->max_wait_ns, now - h[rank].asked);
	if (t->held[rank] == 1)
		h[rank].since = now;
}

/*
 * The thread holds no lock of the rank any more.
 *
 * Locks:    any.
 */
void
lockstat_drop(const struct thread *t, enum lock_rank rank)
{
	struct lock_class *c = &lockstat.class[rank];
	const struct lock_hold *h = t->holds;
	uint64_t held, flags;

	if (h == NULL)
		return;
	held = md_time_ns() - h[rank].since;
	if (held <= atomic_load_relaxed(&c->max_held_ns))
		return;
	flags = md_irq_save();
	while (atomic_xchg(&lockstat.busy, true))
		md_pause();
	if (held > atomic_load(&c->max_held_ns)) {
		atomic_store(&c->max_held_ns, held);
		memcpy(c->by, h[rank].by, sizeof(c->by));
	}
	atomic_store(&lockstat.busy, false);
	md_irq_restore(flags);
}

/* ---- the report ---- */

/* spin_lock_irq() takes its lock by spin_lock(): neither is a caller of interest. */
static bool
is_lock_function(const char *name)
{
	return strncmp(name, "spin_", 5) == 0 ||
	    strncmp(name, "mutex_", 6) == 0 || strncmp(name, "rw_", 3) == 0;
}

static void
show_caller(struct out *o, const uint64_t *by)
{
	const char *name = "?";
	uint64_t offset = 0;
	unsigned i;

	for (i = 0; i < BY && by[i] != 0; i++)
		if (ksym_find(by[i], &name, &offset) && !is_lock_function(name))
			break;
	out_printf(o, "%s+0x%lx", name, offset);
}

static void
show_edges(struct out *o, unsigned from)
{
	unsigned to;
	uint64_t n;

	for (to = 1; to < LR_COUNT; to++) {
		n = atomic_load(&lockstat.edge[from][to]);
		if (n != 0)
			out_printf(o, "edge=%s>%s n=%lu\n", lockrank_name(from),
			    lockrank_name(to), n);
		n = atomic_load(&lockstat.tried[from][to]);
		if (n != 0)
			out_printf(o, "edge=%s>%s tried=%lu\n",
			    lockrank_name(from), lockrank_name(to), n);
	}
}

/*
 * /proc/vm/locks: a line for each class that was in use, and for each two of
 * which one was taken under the other.
 *
 * Locks:    none.
 */
void
lockstat_show(struct out *o)
{
	struct lock_class *c;
	unsigned r;

	out_printf(o, "lock.order_checks %lu\n", ev_read(EV_lock_order_checks));
	for (r = 1; r < LR_COUNT; r++) {
		c = &lockstat.class[r];
		if (atomic_load(&c->taken) + atomic_load(&c->tried) == 0)
			continue;
		out_printf(o, "class=%s rank=%u taken=%lu tried=%lu waited=%lu "
		    "max_wait_ns=%lu max_held_ns=%lu by=", lockrank_name(r), r,
		    atomic_load(&c->taken), atomic_load(&c->tried),
		    atomic_load(&c->waited), atomic_load(&c->max_wait_ns),
		    atomic_load(&c->max_held_ns));
		show_caller(o, c->by);
		out_printf(o, "\n");
	}
	for (r = 1; r < LR_COUNT; r++)
		show_edges(o, r);
}
