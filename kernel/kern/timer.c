/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c: deadlines
 *
 * Problem   A function is to be called at a given time, or not at all if it is
 *           cancelled before.
 *
 * Picture   pending: 1.20 s → 1.25 s → 3.00 s      a tree, the first is due first
 *           each tick of any CPU: take off the timers that are due, call them
 *
 * Rules     1. A deadline is met at the first tick that is not before it: up
 *              to 10 ms late, never early.
 *           2. The function runs in interrupt without the lock; running[cpu]
 *              says so, and timer_cancel() waits for it.
 *           3. The function may arm its own timer again.
 *
 * Read next kern/wait.c.
 */
#include "kern/kernfn.h"

static struct {
	struct spinlock lock;
	struct rb_root pending;          /* [lock] by deadline, then by arrival */
	struct timer *running[MAXCPU];   /* [lock] */
	_Atomic uint64_t first;          /* [A] earliest deadline */
} timers = {
	.lock = SPIN_INIT(LR_TIMER),
	.first = UINT64_MAX,
};

/* Locks:    none; the timer is not armed. */
void
timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
	t->deadline_ns = 0;
	t->fn = fn;
	t->arg = arg;
	t->armed = false;
}

static struct timer *
timer_of(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct timer, node);
}

/* Locks:    timers.lock. */
static void
update_first(void)
{
	const struct timer *t = timer_of(rb_first(&timers.pending));

	HELD(&timers.lock);
	atomic_store(&timers.first, t == NULL ? UINT64_MAX : t->deadline_ns);
}

/* Locks:    timers.lock. */
static void
insert(struct timer *t)
{
	struct rb_node **link = &timers.pending.node, *parent = NULL;

	HELD(&timers.lock);
	while (*link != NULL) {
		parent = *link;
		link = timer_of(parent)->deadline_ns > t->deadline_ns ?
		    &parent->left : &parent->right;
	}
	rb_insert(&timers.pending, &t->node, parent, link, NULL);
	t->armed = true;
}

/* Locks:    timers.lock. */
static void
take_off(struct timer *t)
{
	HELD(&timers.lock);
	rb_remove(&timers.pending, &t->node, NULL);
	t->armed = false;
}

/*
 * Locks:    any of rank < LR_TIMER.
 * Context:  any.
 */
void
timer_arm(struct timer *t, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock_irq(&timers.lock);

	if (t->armed)
		take_off(t);
	t->deadline_ns = deadline_ns;
	insert(t);
	update_first();
	spin_unlock_irq(&timers.lock, flags);
}

/* Locks:    timers.lock.  Does t's function run on another CPU? */
static bool
runs_elsewhere(const struct timer *t)
{
	unsigned i;

	HELD(&timers.lock);
	for (i = 0; i < MAXCPU; i++) {
		if (timers.running[i] == t && i != md_cpu())
			return true;
	}
	return false;
}

/*
 * Disarm, and wait until the function does not run on another CPU.
 *
 * Locks:    none that the function takes.
 * Returns:  true: was armed, so the function did not run.
 */
bool
timer_cancel(struct timer *t)
{
	uint64_t flags = spin_lock_irq(&timers.lock);
	bool was_armed = t->armed;

	if (was_armed) {
		take_off(t);
		update_first();
	}
	while (runs_elsewhere(t)) {
		spin_unlock_irq(&timers.lock, flags);
		md_pause();
		flags = spin_lock_irq(&timers.lock);
	}
	spin_unlock_irq(&timers.lock, flags);
	return was_armed;
}

/* Locks:    timers.lock.  The first timer if it is due, taken off. */
static struct timer *
next_due(uint64_t now)
{
	struct timer *t = timer_of(rb_first(&timers.pending));

	HELD(&timers.lock);
	if (t == NULL || t->deadline_ns > now)
		return NULL;
	take_off(t);
	update_first();
	return t;
}

void
timer_tick(void)
{
	uint64_t flags, now = md_time_ns();
	unsigned cpu = md_cpu();
	struct timer *t;

	if (atomic_load(&timers.first) > now)
		return;
	flags = spin_lock_irq(&timers.lock);
	while ((t = next_due(now)) != NULL) {
		void (*fn)(void *) = t->fn;
		void *arg = t->arg;

		timers.running[cpu] = t;
		spin_unlock_irq(&timers.lock, flags);
		fn(arg);
		flags = spin_lock_irq(&timers.lock);
		timers.running[cpu] = NULL;
	}
	spin_unlock_irq(&timers.lock, flags);
}

/* ---- intervals ---- */

/* See kern.h.  Locks: the caller's, for t. */
uint64_t
itimer_pass(struct itimer *it, uint64_t now)
{
	uint64_t n = 1;

	if (it->due_ns == 0 || it->due_ns > now)
		return 0;
	if (it->interval_ns != 0)
		n += (now - it->due_ns) / it->interval_ns;
	it->due_ns = it->interval_ns != 0 ? it->due_ns + n * it->interval_ns : 0;
	return n;
}
