/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * work.c: deferred work
 *
 * Problem   An interrupt, or code under a spin lock, has work to do that may
 *           sleep.
 *
 * Picture   work_queue ─→ queue ─→ thread kworker: fn(arg), one after another
 *
 * Rules     1. Work that is queued again before it runs, runs once; queued
 *              while it runs, it runs again.
 *           2. A struct work may be freed by its own function: it is not
 *              touched after the call has begun.
 *           3. One thread does all work: no work may wait for another.
 *
 * Read next kern/thread.c, whose dead are cleared away here.
 */
#include "kern/kernfn.h"

static struct {
	struct spinlock lock;
	struct list queue;      /* [lock] */
	struct waitq more;
} works = {
	.lock = SPIN_INIT(LR_WAIT),
	.queue = LIST_INIT(works.queue),
	.more = WAITQ_INIT(works.more),
};

static void worker(void *arg);

void
work_start(void)
{
	if (thread_spawn("kworker", worker, NULL) == NULL)
		panic("work_start: no memory");
}

void
work_init(struct work *w, void (*fn)(void *), void *arg)
{
	list_node_init(&w->node);
	w->fn = fn;
	w->arg = arg;
	w->queued = false;
}

/*
 * Locks:    any of rank < LR_WAIT.
 * Context:  any, interrupts too.
 */
void
work_queue(struct work *w)
{
	uint64_t flags = spin_lock_irq(&works.lock);
	bool is_new = !w->queued;

	if (is_new) {
		w->queued = true;
		list_push_back(&works.queue, &w->node);
	}
	spin_unlock_irq(&works.lock, flags);
	if (is_new)
		wake_one(&works.more);
}

/* Run the first work; false: there is none. */
static bool
run_one(void)
{
	uint64_t flags = spin_lock_irq(&works.lock);
	struct list_node *n = list_pop_front(&works.queue);
	struct work *w = NULL;
	void (*fn)(void *) = NULL;
	void *arg = NULL;

	if (n != NULL) {
		w = LIST_ENTRY(n, struct work, node);
		w->queued = false;
		fn = w->fn;
		arg = w->arg;
	}
	spin_unlock_irq(&works.lock, flags);
	if (n == NULL)
		return false;
	fn(arg);
	return true;
}

static void
worker(void *unused)
{
	struct waiter w;

	for (;;) {
		while (run_one())
			;
		wait_prepare(&works.more, &w);
		if (!run_one())
			wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
}
