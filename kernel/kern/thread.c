/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c: life of a thread
 *
 * Problem   A thread needs a stack, a place in the scheduler, and another thread
 *           to free what it cannot free itself: the stack that it runs on
 *           while it ends.
 *
 * Picture   thread_spawn ─┐
 *    thread_create_user ──┴→ TS_NEW → sched_admit → TS_RUN ⇄ TS_SLEEP
 *                                                     │ thread_exit
 *                         next thread on that CPU     ▼
 *           freed ←─ refs 0 ←─ thread_clear_dead ←─ TS_DEAD
 *
 * Rules     1. A thread holds a reference on itself until it is cleared away;
 *              others hold references while they keep a pointer.
 *           2. The stack is freed by a worker, not by the next thread: that
 *              may flush TLBs, for which interrupts must be on (R6a).
 *           3. fn and arg, or the user frame, are set before sched_admit().
 *           4. thread_create_user() clears dead threads away, too: else a caller
 *              that makes threads all the time is faster than the worker, and
 *              memory runs out.  It gets the stack that it needs that way.
 *
 * Read next kern/sched.c, then proc/fork.c.
 */
#define THREAD_TO_CALL /* a function for code that cannot inline it */
#include "kern/kernfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache thread_cache = KMEM_CACHE("thread", struct thread);

static struct {
	struct spinlock lock;       /* LR_MEM: references drop under LR_LEAF */
	struct list all;            /* [lock] */
	struct spinlock dead_lock;
	struct list dead;           /* [dead_lock] linked through t->rq */
	struct work reap;
} threads = { .lock = SPIN_INIT(LR_MEM), .dead_lock = SPIN_INIT(LR_WAIT) };

static void thread_main(void *arg);
static bool give_stack(struct thread *t);
static void take_parts(struct thread *t);
static void reap(void *arg);

void
thread_init(void)
{
	list_init(&threads.all);
	list_init(&threads.dead);
	work_init(&threads.reap, reap, NULL);
}

/* ---- beginning ---- */

struct thread *
thread_make(const char *name)
{
	struct thread *t = kmem_cache_zalloc(&thread_cache);

	if (t == NULL)
		return NULL;
	str_copy(t->name, name, sizeof(t->name));
	t->refs = 1;
	t->state = TS_NEW;
	t->affinity = UINT64_MAX;
	t->holds = lockstat_holds();
	list_node_init(&t->rq);
	spin_lock(&threads.lock);
	list_push_back(&threads.all, &t->all);
	spin_unlock(&threads.lock);
	return t;
}

static bool
give_stack(struct thread *t)
{
	t->md.stack = kva_stack_alloc();
	if (t->md.stack == NULL)
		return false;
	md_thread_init(&t->md, thread_main, t);
	return true;
}

/*
 * Start kernel thread fn(arg).
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 */
struct thread *
thread_spawn(const char *name, void (*fn)(void *), void *arg)
{
	struct thread *t = thread_make(name);

	if (t == NULL)
		return NULL;
	if (!give_stack(t)) {
		thread_discard(t);
		return NULL;
	}
	t->fn = fn;
	t->arg = arg;
	sched_admit(t);
	return t;
}

/*
 * A user thread, not yet runnable: its user frame is zero.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, until thread_start() or thread_discard().
 */
struct thread *
thread_create_user(const char *name, struct md_space *space)
{
	struct thread *t = thread_make(name);

	if (t == NULL)
		return NULL;
	if (!give_stack(t)) {
		thread_discard(t);
		return NULL;
	}
	md_thread_give_fpu(&t->md);
	t->space = space;
	t->inject_id = thread_current()->inject_id;
	return t;
}

void
thread_start(struct thread *t)
{
	sched_admit(t);
}

struct thread *
thread_make_idle(unsigned cpu)
{
	struct thread *t;
	char name[16];

	snprintf(name, sizeof(name), "idle/%u", cpu);
	t = thread_make(name);
	if (t == NULL || !give_stack(t))
		panic("thread_make_idle: no memory for CPU %u", cpu);
	t->cpu = (uint16_t)cpu;
	return t;
}

/* Where each new thread begins, interrupts on, preemption still off. */
static void
thread_main(void *arg)
{
	struct thread *t = arg;

	sched_arrive();
	if (t->fn == NULL)
		md_enter_user();
	t->fn(t->arg);
	thread_exit();
}

/* ---- end ---- */

/*
 * End the current thread.
 *
 * Locks:    none at all.
 * Context:  thread; its space is the kernel's (thread_set_space(NULL)).
 * Returns:  never.
 */
void
thread_exit(void)
{
	ASSERT(md_preempt_count() == 0);
	sched_leave();
}

/* Locks:    none; preemption off, perhaps interrupts too. */
void
thread_bury(struct thread *t)
{
	uint64_t flags = spin_lock_irq(&threads.dead_lock);

	list_push_back(&threads.dead, &t->rq);
	spin_unlock_irq(&threads.dead_lock, flags);
	work_queue(&threads.reap);
}

static struct thread *
next_dead(void)
{
	struct list_node *n = UNDER_IRQ(&threads.dead_lock,
	    list_pop_front(&threads.dead));

	return n == NULL ? NULL : LIST_ENTRY(n, struct thread, rq);
}

/*
 * Free the stacks of all threads that have ended, and the threads to which
 * nobody else holds a reference.
 *
 * Locks:    none; takes threads.lock and what thread->release() takes.
 * Context:  thread, interrupts on (R6a).
 */
void
thread_clear_dead(void)
{
	struct thread *t;

	while ((t = next_dead()) != NULL) {
		take_parts(t);
		thread_put(t);
	}
}

static void
reap(void *arg)
{
	thread_clear_dead();
}

/* Free the parts that end before the struct. */
static void
take_parts(struct thread *t)
{
	uint8_t *stack = t->md.stack;

	spin_lock(&threads.lock); /* thread_stacks_deepest() looks at it no more */
	t->md.stack = NULL;
	spin_unlock(&threads.lock);
	if (stack != NULL)
		kva_stack_free(stack);
}

/*
 * Throw away a thread that never started.
 *
 * Context:  thread, no spin lock, interrupts on (its stack is freed).
 */
void
thread_discard(struct thread *t)
{
	ASSERT(t->state == TS_NEW);
	take_parts(t);
	t->state = TS_DEAD;
	thread_put(t);
}

void
thread_get(struct thread *t)
{
	atomic_add(&t->refs, 1);
}

/* Locks:    none of rank >= LR_MEM. */
void
thread_put(struct thread *t)
{
	if (atomic_sub(&t->refs, 1) != 0)
		return;
	ASSERT(t->state == TS_DEAD && t->md.stack == NULL);
	spin_lock(&threads.lock);
	list_remove(&t->all);
	spin_unlock(&threads.lock);
	if (t->release != NULL)
		t->release(t);
	kmem_free(t->holds);
	kmem_cache_free(&thread_cache, t);
}

/* ---- in between ---- */

bool
thread_is_killed(void)
{
	return (atomic_load(&thread_current()->pending) & THREAD_KILL) != 0;
}

/*
 * Run the current thread in another space (exec, exit).
 *
 * Locks:    none needed.  The caller keeps both spaces alive.
 */
void
thread_set_space(struct md_space *space)
{
	struct thread *t = thread_current();
	uint64_t flags = md_irq_save();

	t->space = space;
	if (space != NULL)
		md_space_enter(space);
	else
		md_space_lazy();
	ev_runs(t);
	md_irq_restore(flags);
}

/* Context: any, interrupts too.  The caller has a reference on t. */
void
thread_notify(struct thread *t, uint32_t pending_bits)
{
	atomic_or(&t->pending, pending_bits);
	sched_notify(t, pending_bits);
}

/* Locks:    none of rank >= LR_MEM; fn runs with threads.lock held. */
void
thread_walk(void (*fn)(void *arg, struct thread *), void *arg)
{
	struct thread *t;

	spin_lock(&threads.lock);
	LIST_FOREACH(t, &threads.all, all)
		fn(arg, t);
	spin_unlock(&threads.lock);
}

static void
look_at_stack(void *deepest, struct thread *t)
{
	size_t *most = deepest;

	if (t->md.stack != NULL)
		*most = MAX(*most, kva_stack_used(t->md.stack));
}

/*
 * The most bytes that any kernel stack has ever used.
 *
 * Locks:    none of rank >= LR_MEM.
 */
size_t
thread_stacks_deepest(void)
{
	size_t most = kva_stacks_deepest();

	thread_walk(look_at_stack, &most);
	return most;
}
