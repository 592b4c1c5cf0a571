/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runq.c: run queues
 *
 * Problem   Each CPU has a queue of its own, or all would wait for one lock; but
 *           no queue may be long while another CPU has nothing to do.
 *
 * Picture   woken: rq_place ─→ its last CPU idle? there
 *                              another one idle?  there, and call it
 *                              else the last one
 *           new:   rq_shortest ─→ where the fewest run and wait
 *           idle CPU: rq_steal ←─ the first that waits on another CPU
 *           tick:  rq_even_out ←─ the same, if that CPU has two more than this
 *
 * Rules     1. A thread that is TS_RUN, on no queue and on no CPU belongs to
 *              whoever moves it; all others leave it alone.
 *           2. A thread with on_cpu goes to the queue of that CPU only, and is
 *              not stolen (rule 2 of sched.c).
 *           3. A woken or new thread goes before the rest: it will not run long.
 *              Those with a whole slice (RQ_FIRST) and the others take turns.
 *              Two that wake each other for ever would keep the rest waiting: so
 *              one of the rest that has waited for RQ_PATIENCE_NS has a turn, but
 *              only one, and only for a tick while woken threads wait.
 *           4. A thread that is interrupted for a woken one goes right behind the
 *              woken ones, not among them (RQ_CUT): else a thread that the first
 *              of them wakes (a reader, by the disk's thread) would wait for a
 *              whole slice.  Interrupted threads keep their order.
 *           5. Of the threads that a CPU wakes between two switches or ticks, the
 *              first RQ_HERD go first; the rest of this herd goes to the back.
 *              Else five hundred waiters for one word would keep all others from
 *              the CPU until the last of them has run.  A herd belongs to one
 *              user; another user's thread woken among them is not part of it.
 *           6. A woken or interrupted thread goes before all these if most ticks
 *              are another user's: a crowd keeps only its own user waiting.
 *           A majority vote in two words finds the user of a herd, and of most
 *           ticks (Boyer and Moore, MJRTY, 1981).
 *
 * Read next kern/sched.c.
 */
#include "kern/runq.h"

#define STEAL_LOOKS 64u

#define RQ_HERD 4u
#define RQ_PATIENCE_NS 20000000ul

struct runq runqs[MAXCPU];

/* Ticks that a thread of its niceness and policy runs in one go: 2 … 5. */
uint8_t
sched_slice(const struct thread *t)
{
	if (t->policy == SCHED_IDLE)
		return 2;
	if (t->nice < 0)
		return t->nice <= -10 ? 5 : 4;
	return t->nice < 10 ? 3 : 2;
}

bool
rq_may_run_on(const struct thread *t, unsigned cpu)
{
	return (t->affinity & BIT(cpu)) != 0;
}

/* Threads that run on a CPU or wait there.  Locks: none, so a hint. */
static unsigned
load_of(unsigned cpu)
{
	const struct runq *rq = &runqs[cpu];

	return atomic_load_relaxed(&rq->nready) +
	    !atomic_load_relaxed(&rq->is_idle);
}

/* The least loaded CPU of those where t may run; if several, this one. */
unsigned
rq_shortest(const struct thread *t)
{
	uint64_t left = md_online_mask() & t->affinity;
	unsigned best = md_cpu(), i;

	for (; left != 0; left &= left - 1) {
		i = (unsigned)__builtin_ctzl(left);
		if (load_of(i) < load_of(best))
			best = i;
	}
	return best;
}

bool
rq_someone_waits(void)
{
	unsigned i, n = 0;

	for (i = 0; i < MAXCPU; i++)
		n += atomic_load_relaxed(&runqs[i].nready);
	return n != 0;
}

/* t becomes the last of its place.  Locks: rq->lock. */
void
rq_insert(struct runq *rq, struct thread *t, enum rq_place end)
{
	HELD(&rq->lock);
	ASSERT(t->state == TS_RUN && !list_is_linked(&t->rq));
	list_push_back(&rq->of[end], &t->rq);
	if (end >= RQ_CUT)
		atomic_store_release(&t->since_ns, md_time_ns());
	rq->nready++;
}

/* Locks:    rq->lock. */
static void
dequeue(struct runq *rq, struct thread *t)
{
	HELD(&rq->lock);
	list_remove(&t->rq);
	rq->nready--;
}

/* The first in this place; NULL. */
static inline struct thread *
first_in(const struct runq *rq, enum rq_place at)
{
	struct list_node *n = list_first(&rq->of[at]);

	return n == NULL ? NULL : LIST_ENTRY(n, struct thread, rq);
}

/* The woken thread whose turn it is: one of rule 6, else RQ_FIRST and RQ_FRONT by turns.
 * NULL: none.  Locks: rq->lock. */
static inline struct thread *
first_woken(const struct runq *rq)
{
	struct thread *t = first_in(rq, RQ_AHEAD), *front;

	HELD(&rq->lock);
	if (t != NULL)
		return t;
	t = first_in(rq, RQ_FIRST);
	front = first_in(rq, RQ_FRONT);
	return t == NULL || (front != NULL && rq->was_first) ? front : t;
}

/* Does a woken thread wait here?  Locks: rq->lock. */
bool
rq_woken_wait(const struct runq *rq)
{
	HELD(&rq->lock);
	return rq->nready != 0 && first_woken(rq) != NULL;
}

/* The longest waiting of the threads that were not woken, if it has waited long; NULL.
 * Locks: rq->lock. */
static struct thread *
first_overdue(const struct runq *rq)
{
	struct thread *cut = first_in(rq, RQ_CUT), *t = first_in(rq, RQ_BACK);

	HELD(&rq->lock);
	if (t == NULL || (cut != NULL && cut->since_ns < t->since_ns))
		t = cut;
	return t != NULL && md_time_ns() - t->since_ns > RQ_PATIENCE_NS ? t : NULL;
}

/* Take the next thread to run off the queue; NULL: none is ready.  Locks: rq->lock. */
struct thread *
rq_pop(struct runq *rq)
{
	struct thread *woken, *t;

	HELD(&rq->lock);
	if (rq->nready == 0)
		return NULL;
	woken = first_woken(rq);
	t = woken == NULL ? first_in(rq, RQ_CUT) :
	    rq->was_rest || rq->nready == 1 ? woken : first_overdue(rq);
	if (t == NULL)
		t = woken != NULL ? woken : first_in(rq, RQ_BACK);
	if (t == woken)
		rq->was_first = t == first_in(rq, RQ_FIRST);
	dequeue(rq, t);
	rq->was_rest = t != woken;
	return t;
}

/* t has moved: return its new queue, locked, instead of rq. */
static __attribute__((noinline)) struct runq *
rq_follow(struct runq *rq, struct thread *t)
{
	do {
		spin_unlock(&rq->lock);
		rq = &runqs[atomic_load_relaxed(&t->cpu)];
		spin_lock(&rq->lock);
	} while (rq != &runqs[t->cpu]);
	return rq;
}

/* Interrupts off.  The run queue that guards t, locked. */
struct runq *
rq_lock_of(struct thread *t)
{
	struct runq *rq = &runqs[atomic_load_relaxed(&t->cpu)];

	spin_lock(&rq->lock);
	return rq == &runqs[t->cpu] ? rq : rq_follow(rq, t);
}

/* Its last CPU if idle, else an idle one, else the last or any allowed. */
static unsigned
choose_cpu(const struct thread *t)
{
	uint64_t may = md_online_mask() & t->affinity, left;
	bool stays = (may & BIT(t->cpu)) != 0 || may == 0;
	unsigned i;

	if (stays && runqs[t->cpu].is_idle)
		return t->cpu;
	for (left = may; left != 0; left &= left - 1) {
		i = (unsigned)__builtin_ctzl(left);
		if (atomic_load_relaxed(&runqs[i].is_idle))
			return i;
	}
	return stays ? t->cpu : (unsigned)__builtin_ctzl(may);
}

/* Rule 6: the user of two ticks in a row becomes that of most ticks.  Context: timer
 * interrupt of this CPU, which runs t. */
void
rq_vote(struct runq *rq, const struct thread *t)
{
	uint32_t user = atomic_load_relaxed(&t->user);

	if (user != rq->ticks_of && rq->in_doubt)
		rq->ticks_of = user;
	rq->in_doubt = user != rq->ticks_of;
}

/* Rule 6: most ticks were another user's.  Interrupts off. */
static bool
is_of_few(const struct runq *rq, const struct thread *t)
{
	return atomic_load_relaxed(&t->user) != rq->ticks_of;
}

/* Rules 3, 5 and 6.  Interrupts off: herd and votes are this CPU's. */
static enum rq_place
place_of(const struct thread *t)
{
	struct runq *rq = &runqs[md_cpu()];
	uint32_t user = atomic_load_relaxed(&t->user);

	if (t->ticks_left == 0)
		return RQ_BACK;
	if (rq->herd == 0)
		rq->herd_of = user;
	if (user != rq->herd_of) {
		rq->herd--;
		return RQ_AHEAD;
	}
	if (rq->herd >= RQ_HERD) {
		EVENT(sched_herd);
		return RQ_BACK;
	}
	rq->herd++;
	if (is_of_few(rq, t))
		return RQ_AHEAD;
	return t->ticks_left >= sched_slice(t) ? RQ_FIRST : RQ_FRONT;
}

/* Rules 4 and 6: t, of this CPU, was interrupted.  Locks: rq->lock. */
void
rq_insert_cut(struct runq *rq, struct thread *t)
{
	HELD(&rq->lock);
	rq_insert(rq, t, is_of_few(rq, t) ? RQ_AHEAD : RQ_CUT);
}

/*
 * Put a runnable thread that is on no queue onto one, and tell the CPU.
 *
 * Locks:    *rq is the locked queue of t, interrupts off; released.
 */
void
rq_place(struct runq *rq, struct thread *t)
{
	unsigned cpu = atomic_load(&t->on_cpu) ? t->cpu : choose_cpu(t);
	enum rq_place where = place_of(t);
	bool was_idle;

	if (cpu != t->cpu) {
		/* TS_RUN but nowhere: nobody else moves it meanwhile. */
		atomic_store(&t->cpu, (uint16_t)cpu);
		spin_unlock(&rq->lock);
		rq = &runqs[cpu];
		spin_lock(&rq->lock);
	}
	if (where != RQ_BACK)
		rq->urgent = true;
	else if (t->ticks_left == 0)
		t->ticks_left = sched_slice(t);
	rq_insert(rq, t, where);
	was_idle = rq->is_idle;
	rq->is_idle = false;
	spin_unlock(&rq->lock);
	/* A thread that wakes another goes on; an interrupt gives way. */
	if (!was_idle && (where == RQ_BACK || !md_in_irq()))
		return;
	if (cpu == md_cpu())
		md_set_need_resched();
	else
		md_send_resched(cpu);
}

/* The first that may leave its CPU for this one; NULL.  Only STEAL_LOOKS are looked at,
 * for a user may bind many threads to one CPU; later ones come forward in time. */
static struct thread *
may_come(const struct list *l, unsigned cpu)
{
	unsigned left = STEAL_LOOKS;
	struct thread *t;

	LIST_FOREACH(t, l, rq) {
		if (left-- == 0)
			return NULL;
		if (!atomic_load(&t->on_cpu) && rq_may_run_on(t, cpu))
			return t;
	}
	return NULL;
}

/* A thread that waits on another CPU, taken over; NULL: none may come. */
static struct thread *
steal_from(struct runq *victim, unsigned cpu)
{
	struct thread *found = NULL;
	unsigned i;

	spin_lock(&victim->lock);
	for (i = RQ_PLACES; i-- > 0 && found == NULL;)
		found = may_come(&victim->of[i], cpu);
	if (found != NULL) {
		dequeue(victim, found);
		atomic_store(&found->cpu, (uint16_t)cpu);
	}
	spin_unlock(&victim->lock);
	return found;
}

struct thread *
rq_steal(unsigned cpu)
{
	struct thread *t = NULL;
	unsigned i;

	for (i = 1; i < MAXCPU && t == NULL; i++) {
		struct runq *victim = &runqs[(cpu + i) % MAXCPU];

		if (atomic_load_relaxed(&victim->nready) > 0)
			t = steal_from(victim, cpu);
	}
	return t;
}

/*
 * Take a thread from a CPU that has two more than this: if threads never sleep no CPU is
 * ever idle, and each would stay where it was made.
 *
 * Context:  timer interrupt of this CPU, which is not idle.
 */
void
rq_even_out(unsigned cpu)
{
	struct runq *rq = &runqs[cpu];
	unsigned busiest = cpu, i;
	struct thread *t;

	for (i = 0; i < md_ncpus(); i++) {
		if (load_of(i) > load_of(busiest))
			busiest = i;
	}
	if (load_of(busiest) < load_of(cpu) + 2)
		return;
	t = steal_from(&runqs[busiest], cpu);
	if (t == NULL)
		return;
	spin_lock(&rq->lock);
	rq_insert(rq, t, RQ_BACK);
	spin_unlock(&rq->lock);
}
