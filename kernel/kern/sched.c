/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c: who runs where
 *
 * Problem   Many threads, few CPUs.  Each runnable thread gets a slice in
 *           turn; a sleeper uses no CPU; no CPU is idle while a thread waits;
 *           and no wake-up is lost.
 *
 * Picture   per CPU:   current     woken, new    cut: t4    back: t1 → t9    idle thread
 *                         │         (runq.h: 3)    ▲           ▲  │
 *                         ├─ one of these comes ───┘           │  │ idle CPUs steal, and
 *                         └─ slice over ───────────────────────┘  └ ticks where two less are
 *
 * Rules     1. state and queue of a thread are guarded by the lock of the run
 *              queue of its CPU (t->cpu).  Never two such locks at once.
 *           2. on_cpu is 1 while the thread's stack is in use.  A thread with
 *              on_cpu waits only in the queue of that CPU, and is not stolen:
 *              so the CPU that picks it is the one that has left its stack.
 *           3. The sleeper tests for its wake-up with the lock held; the waker
 *              first makes it true, then takes the lock.  One of them sees
 *              the other.
 *           4. A switch happens with preemption count 1 and interrupts off;
 *              the thread that comes finishes it (arrive) before it enables
 *              preemption, whatever interrupts come in between.
 *           5. A sleep gives a quarter of its time back to the slice.  A thread that
 *              wakes with some of its slice left goes to the front: one that uses
 *              less than a fifth of a CPU always does.  Any other goes to the back,
 *              and so does most of a herd (rule 5 of runq.c).
 *           6. A thread that keeps its turn (a fault with locks that siblings need, the
 *              writer of an rwlock) is preempted only at its end, or at the next tick.
 *
 * Read next kern/runq.c, kern/wait.c, amd64/switch.S.
 */
#include "kern/kernfn.h"
#include "kern/runq.h"
#include "lib/hash.h"
#include "mem/mem.h"

#define REST_NS 40000000ul /* of sleep for a tick of the slice */

enum resched_why { WHY_PREEMPT, WHY_YIELD };

static void tick(bool user);
static void preempt(void);
static void reschedule(struct runq *rq, enum resched_why why);
static struct thread *pick(struct runq *rq, struct thread *prev,
    enum resched_why why);
static void arrive(void);
static void idle_loop(void) NORETURN;

/* This CPU runs t from now on.  Interrupts are off. */
static void
runs(struct thread *t)
{
	md_set_current(t);
	ev_runs(t);
}

/*
 * Threads can be spawned afterwards; they run from sched_start() on.  The
 * caller's stack is the idle thread of CPU 0.
 *
 * Locks:    none; CPU 0 alone.
 */
void
sched_init(void)
{
	uint64_t seed = option_u64("sched");
	unsigned i, k;

	thread_init();
	if (seed != 0)
		atomic_or(&evidence_asked, (uint32_t)EVIDENCE_SCHED);
	for (i = 0; i < MAXCPU; i++) {
		struct runq *rq = &runqs[i];

		spin_init(&rq->lock, LR_SCHED);
		for (k = 0; k < RQ_PLACES; k++)
			list_init(&rq->of[k]);
		rq->random = seed == 0 ? 0 : hash_u64(seed + i) | 1;
	}
	runqs[0].idle = thread_make("idle/0");
	if (runqs[0].idle == NULL)
		panic("sched_init: no memory");
	runqs[0].idle->state = TS_RUN;
	runqs[0].idle->on_cpu = 1;
	runs(runqs[0].idle);
	md_trap_set_sched(tick, preempt);
	work_start();
}

/* ---- accounting and slices ---- */

/*
 * Time since the last stamp was spent in this mode.
 *
 * The clock is read after the count became odd: a reader that combines a later clock
 * with the old stamp finds the count changed, and reads all again.
 *
 * Context:  interrupts off, or the timer interrupt; t is the current thread.
 * Returns:  the time.
 */
static uint64_t
charge(struct thread *t, bool user, bool goes_on)
{
	uint64_t now, spent;
	uint32_t seq = atomic_add(&t->time_seq, 1);

	now = md_time_ns();
	spent = t->stamp == 0 ? 0 : now - t->stamp;
	if (user)
		atomic_store_release(&t->utime_ns, t->utime_ns + spent);
	else
		atomic_store_release(&t->stime_ns, t->stime_ns + spent);
	atomic_store_release(&t->stamp, goes_on ? now : 0);
	atomic_store_release(&t->time_seq, seq + 1);
	return now;
}

/* The thread's time runs from now on.  Context: as charge(), it comes next. */
static void
charge_from(struct thread *t, uint64_t now)
{
	uint32_t seq = atomic_add(&t->time_seq, 1);

	atomic_store_release(&t->stamp, now);
	atomic_store_release(&t->time_seq, seq + 1);
}

/*
 * User and system time of a thread; the time since the last tick counts as system
 * time until the next tick decides.  For one reader the sum never goes back.
 *
 * Locks:    none, any thread that cannot go away meanwhile.
 */
void
thread_times(const struct thread *t, uint64_t *utime, uint64_t *stime)
{
	uint64_t now, stamp;
	uint32_t seq;

	do {
		while (((seq = atomic_load(&t->time_seq)) & 1) != 0)
			md_pause();
		*utime = atomic_load(&t->utime_ns);
		*stime = atomic_load(&t->stime_ns);
		stamp = atomic_load(&t->stamp);
		now = md_time_ns();
	} while (atomic_load(&t->time_seq) != seq);
	if (stamp != 0 && now > stamp)
		*stime += now - stamp;
}

/* Context: timer interrupt, each CPU. */
static void
tick(bool user)
{
	struct thread *t = md_current();
	struct runq *rq = &runqs[md_cpu()];

	rq->herd = 0;
	timer_tick();
	if (t == NULL)
		return;
	charge(t, user, true);
	if (t == rq->idle) {
		if (rq_someone_waits())
			md_set_need_resched();
		return;
	}
	rq_vote(rq, t);
	rq_even_out(md_cpu());
	if (t->ticks_left > 0)
		t->ticks_left--;
	if (t->turn == TURN_LATE)
		t->turn = TURN_OVER;
	if (t->ticks_left == 0 || rq->urgent || !rq_may_run_on(t, md_cpu()))
		md_set_need_resched();
}

/* ---- starting, waking ---- */

void
sched_admit(struct thread *t)
{
	uint64_t flags = md_irq_save();
	struct runq *rq;

	ASSERT(t->state == TS_NEW);
	t->cpu = (uint16_t)rq_shortest(t);
	rq = rq_lock_of(t);
	t->state = TS_RUN;
	/* Only the first of several new threads goes first: it often ends or sleeps
	 * soon. */
	t->ticks_left = rq_woken_wait(rq) ? 0 : 1;
	rq_place(rq, t);
	md_irq_restore(flags);
}

/* Give a part of its sleep back to its slice.  Locks: rq->lock. */
static void
end_sleep(struct runq *rq, struct thread *t)
{
	uint64_t rest, since;

	HELD(&rq->lock);
	t->state = TS_RUN;
	since = atomic_load_relaxed(&t->since_ns);
	if (t->ticks_left >= sched_slice(t) || since == 0)
		return;
	rest = t->rest_ns + md_time_ns() - since;
	t->ticks_left = (uint8_t)MIN(t->ticks_left + rest / REST_NS, sched_slice(t));
	t->rest_ns = (uint32_t)(rest % REST_NS);
}

void
sched_wake(struct thread *t)
{
	uint64_t flags = md_irq_save();
	struct runq *rq = rq_lock_of(t);

	if (t->state == TS_SLEEP) {
		end_sleep(rq, t);
		rq_place(rq, t);
	} else {
		spin_unlock(&rq->lock);
	}
	md_irq_restore(flags);
}

/* Does a sleep end by these bits?  Locks: t's queue. */
static bool
ends_sleep(const struct thread *t, uint32_t bits)
{
	return (t->killable_wake && (bits & THREAD_KILL) != 0) ||
	    (t->intr_wake && bits != 0);
}

void
sched_notify(struct thread *t, uint32_t bits)
{
	uint64_t flags = md_irq_save();
	struct runq *rq = rq_lock_of(t);

	if (t->state == TS_SLEEP && ends_sleep(t, bits)) {
		end_sleep(rq, t);
		rq_place(rq, t);
	} else {
		/* In user mode elsewhere?  An interrupt makes it look. */
		if (atomic_load(&t->on_cpu) && t->cpu != md_cpu())
			md_send_resched(t->cpu);
		spin_unlock(&rq->lock);
	}
	md_irq_restore(flags);
}

/* ---- giving the CPU away ---- */

/*
 * Sleep, unless done(arg) is true or pending bits end the sleep before it begins.
 *
 * Locks:    no spin lock.
 * Context:  thread, not idle.
 */
void
sched_block(enum wait_how how, bool (*done)(void *), void *arg)
{
	struct thread *t = thread_current();
	struct runq *rq;
	uint64_t flags;

	ASSERT(md_may_sleep());
	md_preempt_disable();
	flags = md_irq_save();
	rq = &runqs[md_cpu()];
	if (t == rq->idle)
		panic("sched_block: the idle thread of CPU %u", md_cpu());
	spin_lock(&rq->lock);
	t->killable_wake = how != WAIT_PLAIN;
	t->intr_wake = how == WAIT_INTR;
	if (!done(arg) && !ends_sleep(t, atomic_load(&t->pending))) {
		atomic_store_release(&t->since_ns, 0);
		t->state = TS_SLEEP;
		reschedule(rq, WHY_PREEMPT);
	} else {
		spin_unlock(&rq->lock);
	}
	md_irq_restore(flags);
	md_preempt_enable();
}

void
sched_leave(void)
{
	struct thread *t = thread_current();
	struct runq *rq;

	md_preempt_disable();
	md_irq_disable();
	rq = &runqs[md_cpu()];
	ASSERT(t != rq->idle);
	spin_lock(&rq->lock);
	t->state = TS_DEAD;
	reschedule(rq, WHY_PREEMPT);
	panic("sched_leave: dead thread %s runs", t->name);
}

/* The current thread can go on, but another may have the CPU now. */
static void
give_way(enum resched_why why)
{
	uint64_t flags;
	struct runq *rq;

	md_preempt_disable();
	flags = md_irq_save();
	rq = &runqs[md_cpu()];
	if (why == WHY_PREEMPT)
		md_take_need_resched();
	if (rq->started) {
		spin_lock(&rq->lock);
		reschedule(rq, why);
	}
	md_irq_restore(flags);
	md_preempt_enable();
}

/*
 * FI_PREEMPT: this thread may lose the CPU here; if the point says so, it does.
 *
 * Returns:  true: it is to lose it anyway.
 */
static bool
try_preempt(void)
{
	uint64_t flags = md_irq_save();
	bool due = md_take_need_resched();

	md_irq_restore(flags);
	if (inject_try(FI_PREEMPT))
		sched_yield();
	if (inject_is_for(FI_PREEMPT, md_current()))
		md_try_resched();
	if (due)
		md_set_need_resched();
	return due;
}

/* md's resched: preemption is allowed here, interrupts may be off. */
static void
preempt(void)
{
	struct thread *t = md_current();

	if (evidence_is_asked() && !try_preempt())
		return;
	if (t->turn == TURN_KEPT) {
		EVENT(sched_turns_kept);
		t->turn = TURN_LATE;
	}
	if (t->turn != TURN_LATE)
		give_way(WHY_PREEMPT);
}

void
sched_yield(void)
{
	give_way(WHY_YIELD);
}

/* Preempt here or not, as the seed says.  Nothing where it is forbidden. */
void
sched_point(void)
{
	struct runq *rq;
	bool hit;

	if (md_preempt_count() != 0 || !md_irq_is_enabled())
		return;
	if (inject_is_for(FI_PREEMPT, md_current()))
		md_try_resched();
	md_preempt_disable();
	rq = &runqs[md_cpu()];
	hit = rq->random != 0 && hash_next_random(&rq->random) % 8 == 0 &&
	    md_current() != rq->idle;
	md_preempt_enable();
	if (hit)
		sched_yield();
}

/*
 * Choose the next thread and switch to it.
 *
 * Locks:    rq->lock, of this CPU's queue; released.
 * Context:  interrupts off, preemption count 1 without the lock (rule 4); the
 *           state of the current thread says whether it goes on.
 */
static void
reschedule(struct runq *rq, enum resched_why why)
{
	struct thread *prev = md_current(), *next;
	bool sleeps = prev->state != TS_RUN; /* a waker may change it soon */
	uint64_t now;

	HELD(&rq->lock);
	ASSERT(md_preempt_count() == 2);
	next = pick(rq, prev, why);
	if (next == prev)
		return;
	ASSERT(!atomic_load(&next->on_cpu));
	now = charge(prev, false, false);
	atomic_store_release(&prev->since_ns, now); /* it may be woken, elsewhere */
	charge_from(next, now);
	rq->switches++;
	prev->switches[sleeps]++;
	rq->herd = 0;
	rq->prev = prev;
	atomic_store(&next->on_cpu, 1);
	if (next->space != NULL)
		md_space_enter(next->space);
	else
		md_space_lazy();
	runs(next);
	md_switch(&prev->md, &next->md, prev);
	/* Back again, perhaps on another CPU. */
	arrive();
}

/* Locks:    rq->lock.  prev goes on later, or elsewhere. */
static void
put_prev(struct runq *rq, struct thread *prev, enum resched_why why)
{
	HELD(&rq->lock);
	if (!rq_may_run_on(prev, md_cpu())) {
		rq->stray = prev;
	} else if (why == WHY_YIELD || prev->ticks_left == 0) {
		prev->ticks_left = sched_slice(prev);
		rq_insert(rq, prev, RQ_BACK);
	} else {
		rq_insert_cut(rq, prev);
	}
}

/* The first of the queue; or prev, if it may go on and nobody waits; unlocks. */
static struct thread *
pick_here(struct runq *rq, struct thread *prev, enum resched_why why)
{
	bool goes_on = prev->state == TS_RUN && prev != rq->idle;
	struct thread *next = rq_pop(rq);

	rq->urgent = rq_woken_wait(rq);
	if (goes_on && next == NULL && rq_may_run_on(prev, md_cpu())) {
		if (prev->ticks_left == 0)
			prev->ticks_left = sched_slice(prev);
		next = prev;
	} else if (goes_on) {
		put_prev(rq, prev, why);
	}
	rq->is_idle = false;
	spin_unlock(&rq->lock);
	return next;
}

static struct thread *
pick(struct runq *rq, struct thread *prev, enum resched_why why)
{
	struct thread *next = pick_here(rq, prev, why);

	if (next == NULL)
		next = rq_steal(md_cpu());
	if (next != NULL)
		return next;
	/* A CPU that queues a thread here after this sees is_idle and calls us. */
	spin_lock(&rq->lock);
	next = rq_pop(rq);
	if (next == NULL) {
		next = rq->idle;
		rq->is_idle = true;
	}
	spin_unlock(&rq->lock);
	return next;
}

/* The end of a switch, on the stack of the thread that came. */
static void
arrive(void)
{
	struct runq *rq = &runqs[md_cpu()];
	struct thread *prev = rq->prev, *stray = rq->stray;
	bool is_dead = atomic_load_relaxed(&prev->state) == TS_DEAD;
	uint64_t flags = md_irq_save();

	rq->prev = rq->stray = NULL;
	atomic_store_release(&prev->on_cpu, 0);
	/* From here on prev may run elsewhere, and end, unless it is ours. */
	if (is_dead)
		thread_bury(prev);
	else if (stray != NULL)
		rq_place(rq_lock_of(stray), stray);
	md_irq_restore(flags);
}

void
sched_arrive(void)
{
	arrive();
	md_preempt_enable();
}

/* ---- idle ---- */

static void
idle_loop(void)
{
	for (;;) {
		while (phys_zero_idle())
			;
		md_preempt_disable();
		md_irq_disable();
		if (md_take_need_resched()) {
			spin_lock(&runqs[md_cpu()].lock);
			reschedule(&runqs[md_cpu()], WHY_PREEMPT);
			md_irq_enable();
			md_preempt_enable();
			continue;
		}
		md_preempt_enable();
		/* An interrupt since then is pending and ends the halt at once. */
		md_idle();
	}
}

/* Context:  CPU 0's boot stack.  Returns: never. */
void
sched_start(void)
{
	md_preempt_disable();
	runqs[0].started = true;
	md_set_need_resched();
	md_preempt_enable();
	md_irq_enable();
	idle_loop();
}

static struct thread *
make_idle(unsigned cpu)
{
	trace_add_cpu(cpu);
	runqs[cpu].idle = thread_make_idle(cpu);
	return runqs[cpu].idle;
}

/* Another CPU, on the stack of its idle thread. */
static void
cpu_main(unsigned cpu)
{
	struct runq *rq = &runqs[cpu];

	md_irq_disable();
	runs(rq->idle);
	rq->idle->state = TS_RUN;
	rq->idle->on_cpu = 1;
	rq->started = true;
	md_set_need_resched();
	md_irq_enable();
	idle_loop();
}

/*
 * The other CPUs join.
 *
 * Context:  thread, while only CPU 0 runs; it stays there meanwhile.
 */
void
kern_start_cpus(void)
{
	struct thread *t = thread_current();
	uint64_t affinity = t->affinity;

	atomic_store(&t->affinity, BIT(0));
	md_start_cpus(make_idle, cpu_main);
	atomic_store(&t->affinity, affinity);
	phys_set_marks();
	klog("sched: %u CPUs", md_ncpus());
}

/* ---- figures ---- */

uint64_t
sched_idle_ns(unsigned cpu)
{
	const struct thread *t = cpu < MAXCPU ? runqs[cpu].idle : NULL;

	return t == NULL ? 0 : t->stime_ns + t->utime_ns;
}

uint64_t
sched_switches(void)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < MAXCPU; i++)
		n += atomic_load_relaxed(&runqs[i].switches);
	return n;
}

unsigned
sched_running(void)
{
	unsigned i, n = 0;

	for (i = 0; i < MAXCPU; i++) {
		const struct runq *rq = &runqs[i];

		n += atomic_load_relaxed(&rq->nready);
		n += rq->started && !atomic_load_relaxed(&rq->is_idle);
	}
	return n;
}
