/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runq.h: run queues, between sched.c and runq.c
 *
 * Offers    struct runq, one per CPU; queueing, choosing a CPU, stealing.
 * Needs     kern.h.
 * Sleeps?   Never.
 * In interrupts?  Yes; interrupts are off.
 */
#ifndef KERN_RUNQ_H
#define KERN_RUNQ_H

#include "kern/kern.h"

/* Threads of a user who has few ticks; woken with a whole slice; others that were
 * woken or are new; interrupted for one of these; the rest.  Each first in, first out. */
enum rq_place { RQ_AHEAD, RQ_FIRST, RQ_FRONT, RQ_CUT, RQ_BACK };

#define RQ_PLACES (RQ_BACK + 1)

/* Of one CPU, in cache lines of its own. */
struct runq {
	struct spinlock lock;
	struct list of[RQ_PLACES];   /* [lock] those that are TS_RUN and wait, by place */
	unsigned nready;             /* [lock] in all; read by thieves without it */
	bool is_idle;                /* [lock] nothing to run; a hint elsewhere */
	bool urgent;                 /* [lock] a woken or new thread waits */
	bool was_rest;               /* [lock] the last one popped was not woken or new */
	bool was_first;              /* [lock] the last woken one was in RQ_FIRST */
	unsigned herd;               /* [cpu] woken from here since its tick or switch, … */
	uint32_t herd_of;            /* [cpu] … of this user, more than of all others */
	uint32_t ticks_of;           /* [cpu] the user whose threads most ticks find; … */
	bool in_doubt;               /* [cpu] … the last one found another's */
	bool started;                /* [cpu] this CPU switches threads */
	struct thread *idle;         /* [c] */
	struct thread *prev;         /* [cpu] the thread that the last switch left */
	struct thread *stray;        /* [cpu] prev may not run here any more */
	uint64_t switches;           /* [cpu] */
	uint64_t random;             /* [cpu] sched=SEED; 0: off */
} __attribute__((aligned(64)));

extern struct runq runqs[MAXCPU];

bool rq_may_run_on(const struct thread *, unsigned cpu);
/* The CPU where a new thread has the fewest others beside it. */
unsigned rq_shortest(const struct thread *);
/* Is any thread ready that does not run? */
bool rq_someone_waits(void);
/* Locks: the queue's. */
void rq_insert(struct runq *, struct thread *, enum rq_place);
/* A thread that was interrupted with slice left. */
void rq_insert_cut(struct runq *, struct thread *);
/* The tick has found this thread. */
void rq_vote(struct runq *, const struct thread *);
struct thread *rq_pop(struct runq *);
/* Does a woken or new thread wait? */
bool rq_woken_wait(const struct runq *);
/* The run queue that guards t, locked. */
struct runq *rq_lock_of(struct thread *);
/*
 * Put a runnable thread that is on no queue onto one, and tell the CPU.
 * The queue is t's, locked; released.
 */
void rq_place(struct runq *, struct thread *);
/* A thread that waits on another CPU, moved to this one; NULL: none may come. */
struct thread *rq_steal(unsigned cpu);
/* At the tick of a busy CPU: take a thread from one that has two more than this. */
void rq_even_out(unsigned cpu);

#endif
