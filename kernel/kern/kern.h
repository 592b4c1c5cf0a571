/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.h: threads, time, sleeping, evidence
 *
 * Offers    threads and the scheduler, wait queues, sleeping locks, timers,
 *           deferred work, the log, boot options, injection, counters.
 * Needs     md.h, mem/.
 * Sleeps?   Functions that say so.
 * In interrupts?  wake_*, timer callbacks, counters, klog.
 */
#ifndef KERN_KERN_H
#define KERN_KERN_H

#include "events.h" /* generated from events.tab: EV_*, EVENT() */
#include "lib/floor.h"
#include "lib/fmt.h"
#include "lib/list.h"
#include "lib/spin.h"
#include "lib/tree.h"
#include "md.h"

/* ---- thread.c, sched.c ---- */

/* Policies, as Linux numbers them; no thread has a real time one. */
#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5
#define SCHED_DEADLINE 6

/* KEPT: not preempted, others wait for it.  LATE: it should leave.  OVER: for a tick. */
enum thread_turn { TURN_OPEN, TURN_KEPT, TURN_LATE, TURN_OVER };
enum thread_state { TS_NEW, TS_RUN, TS_SLEEP, TS_DEAD };

struct thread {
	struct md_thread md;
	struct md_space *space;   /* [c] user address space, NULL: kernel thread */
	char name[16];            /* [A] for ps and panics */
	uint32_t id;              /* [c] tid for user threads, else 0 */
	uint32_t refs;            /* [A] */
	enum thread_state state;  /* run-queue lock */
	uint16_t cpu;             /* run-queue lock: where it runs or waits */
	uint16_t on_cpu;          /* [A] 1 while its stack is in use */
	uint64_t affinity;        /* [A] bit per allowed CPU */
	uint32_t user;            /* [A] whose it is, for rule 6 of runq.c; 0: root's, too */
	struct list_node rq;      /* run-queue lock */
	int8_t nice;              /* [A] */
	uint8_t policy;           /* [A] SCHED_OTHER, BATCH, IDLE: the numbers of Linux */
	uint8_t ticks_left;       /* [cpu] of its slice */
	uint8_t turn;             /* [cpu] enum thread_turn */
	uint32_t rest_ns;         /* run-queue lock: of its sleeps, not yet given back */
	uint32_t switches[2];     /* [cpu] to others: it could have gone on, it sleeps */
	uint64_t since_ns;        /* [A] it waits in ready, or sleeps; 0: not yet */
	bool killable_wake;       /* run-queue lock: sleeps killable */
	bool intr_wake;           /* run-queue lock: sleeps interruptible */
	_Atomic uint32_t pending; /* [A] THREAD_SIGNAL | THREAD_KILL */
	uint32_t time_seq;        /* [A] odd while charge() changes the next three */
	uint32_t refusals;        /* [own] phys_refusals(), as vm_frames_come() saw it */
	uint64_t utime_ns, stime_ns; /* [cpu] */
	uint64_t stamp;           /* [cpu] counted up to then; 0: not on a CPU */
	struct evset *evset;      /* [c] the process's own counters, or NULL */
	uint16_t held[LR_COUNT];  /* [own] locks held by rank (locks=1) */
	struct lock_hold *holds;  /* [own] and since when, or NULL */
	struct {
		uint64_t until;       /* a sleep's deadline, WAIT_FOREVER */
		uint32_t owner;       /* thread that had the lock then */
		uint8_t rank;         /* of the lock; 0: none */
	} waits;                  /* [A] for channel/watch.c */
	void *proc;               /* proc/: its half of the thread */
	void *fsctx;              /* fs/: root, cwd, credentials, umask */
	void *vmctx;              /* vm/: e.g. VM_RESERVED flags, tokens */
	void *vmfault;            /* vm/: the fault under way, or NULL */
	uint64_t faults;          /* [own] so many it has had: fault.total of its process */
	void (*release)(struct thread *); /* last reference dropped, or NULL */
	void (*kill)(struct thread *); /* [c] FI_SIGNAL: end its process; or NULL */
	void (*fn)(void *);       /* [c] kernel thread: what it runs; NULL: user */
	void *arg;                /* [c] */
	uint32_t inject_id;       /* [c] when started: FI_…:PID of this counts it */
	struct list_node all;     /* all threads, for /proc and panic */
};

#define THREAD_SIGNAL 1u  /* an unblocked signal waits: interruptible sleeps end */
#define THREAD_KILL 2u    /* a fatal one: killable sleeps end too */

/*
 * Start kernel thread fn(arg); runs at once.  NULL: no memory.  The thread
 * holds the only reference: a caller that uses it after its end
 * needs one of its own.
 */
struct thread *thread_spawn(const char *name, void (*fn)(void *), void *arg);
/*
 * A user thread, not yet runnable: kernel stack and FPU image made, user
 * frame zero.  thread_start() makes it runnable.  NULL: no memory.
 */
struct thread *thread_create_user(const char *name, struct md_space *);
void thread_start(struct thread *);
/* An unstarted thread is thrown away. */
void thread_discard(struct thread *);
SYSTEM_ONLY void thread_clear_dead(void);           /* all that have ended */
void thread_get(struct thread *);
void thread_put(struct thread *);
/* End the current thread; thread_clear_dead() frees its stack. */
void thread_exit(void) NORETURN;
/* Change the space of the current thread (exec); NULL: kernel root. */
SYSTEM_ONLY void thread_set_space(struct md_space *);
/* Set pending bits and end sleeps that they end.  Any context. */
void thread_notify(struct thread *, uint32_t pending_bits);
/* Walk all threads under a lock; fn may not sleep. */
SYSTEM_ONLY void thread_walk(void (*fn)(void *arg, struct thread *), void *arg);
SYSTEM_ONLY size_t thread_stacks_deepest(void); /* bytes ever used of one */
/* An inline function, or a call of the one that thread.c compiles from the same text. */
#if IN_LINE && !defined(THREAD_TO_CALL)
#define THREAD_FN static inline
#else
#define THREAD_FN
#endif
/* Before sched_start() there is none, and its use traps. */
THREAD_FN struct thread *thread_current(void);

#if IN_LINE || defined(THREAD_TO_CALL)
THREAD_FN struct thread *
thread_current(void)
{
	return md_current();
}
#endif
bool thread_is_killed(void);          /* current has THREAD_KILL pending */

void sched_start(void) NORETURN;      /* this CPU becomes its idle thread */
void sched_yield(void);
uint8_t sched_slice(const struct thread *); /* ticks of its turn */
/* From here on the current thread is not preempted until it ends its turn, or at the
 * latest at the next tick: a short section for which others may wait.  It may sleep. */
static inline void
sched_keep_turn(struct thread *me)
{
	me->turn = TURN_KEPT;
}

static inline void
sched_end_turn(struct thread *me)
{
	bool asked = me->turn != TURN_KEPT;

	me->turn = TURN_OPEN;
	if (UNLIKELY(asked)) {
		md_preempt_disable();
		md_preempt_enable();
	}
}
/*
 * With sched=SEED: preempt here, if the seed says so.  Paths that must be short
 * ask evidence_is_asked() first.
 */
void sched_point(void);
/* CPU time of t, which cannot go away; the sum never goes back. */
void thread_times(const struct thread *t, uint64_t *utime, uint64_t *stime);
SYSTEM_ONLY uint64_t sched_idle_ns(unsigned cpu);
SYSTEM_ONLY uint64_t sched_switches(void);
unsigned sched_running(void);         /* runnable threads, all CPUs */

/* ---- wait.c ---- */

struct waitq {
	struct spinlock lock;
	struct list waiters;
};

#define WAITQ_INIT(name) { SPIN_INIT(LR_WAIT), LIST_INIT((name).waiters) }

struct waiter {
	struct list_node node;
	struct thread *thread;
	struct waitq *wq;
	bool woken;
};

enum wait_how { WAIT_PLAIN, WAIT_KILLABLE, WAIT_INTR };
#define WAIT_FOREVER UINT64_MAX

void waitq_init(struct waitq *);
/*
 * Typical use; the condition is tested between prepare and sleep, so a wake
 * that comes before the sleep is not lost:
 *
 *     wait_prepare(&q, &w);
 *     r = condition ? 0 : wait_sleep(&w, WAIT_INTR, WAIT_FOREVER);
 *     wait_finish(&w);
 */
void wait_prepare(struct waitq *, struct waiter *);
/*
 * Sleep until woken, a signal (per how) or the deadline (md_time_ns).
 *
 * Locks:    no spin lock.
 * Returns:  0 woken, -EINTR, -ETIMEDOUT.
 */
int wait_sleep(struct waiter *, enum wait_how, uint64_t deadline_ns);
void wait_finish(struct waiter *);
/*
 * The same in a loop until cond is true, or the sleep has ended otherwise.  cond is
 * tested without a lock of the queue.
 *
 * Returns:  0: cond; -EINTR, -ETIMEDOUT.
 */
#define wait_until(q, how, deadline_ns, cond)                             \
	({                                                                \
		struct waiter w_;                                         \
		bool over_;                                               \
		int r_ = 0;                                               \
		do {                                                      \
			wait_prepare(q, &w_);                             \
			over_ = (cond);                                   \
			if (!over_)                                       \
				r_ = wait_sleep(&w_, how, deadline_ns);   \
			wait_finish(&w_);                                 \
		} while (!over_ && r_ == 0);                              \
		r_;                                                       \
	})
/*
 * The same for a call that is made for files: it may be refused instead.
 *
 * Returns:  0: cond; -EAGAIN: refused; -ERESTARTSYS.
 */
#define wait_or_refuse(q, refused, cond)                                  \
	((cond) ? 0 : (refused) ? -EAGAIN :                               \
	    wait_until(q, WAIT_INTR, WAIT_FOREVER, cond) == 0 ? 0 : -ERESTARTSYS)

/*
 * Sleep with several waiters prepared (poll); any wake ends it.  The waiters
 * are finished by the caller.
 */
int wait_sleep_many(enum wait_how, uint64_t deadline_ns, struct waiter *ws,
    unsigned n);
bool wake_one(struct waitq *);         /* false: nobody waits */
void wake_all(struct waitq *);
/* Wake up to n waiters for whom match(arg, waiter) holds; returns how many. */
unsigned wake_matching(struct waitq *, unsigned n,
    bool (*match)(void *, struct waiter *), void *arg);
/* Only time: 0 or -EINTR. */
int sleep_until(uint64_t deadline_ns, enum wait_how);

/* ---- mutex.c, rwlock.c: sleeping locks with a rank ---- */

struct mutex {
	struct spinlock lock;   /* LR_WAIT */
	struct thread *owner;   /* [A] or NULL, and MUTEX_BITS */
	struct list waiters;    /* [lock] */
	uint8_t rank;
};

#define MUTEX_WAITED 1ul /* of owner: somebody waits */
#define MUTEX_CALLED 2ul /* of owner: and was woken to look */
#define MUTEX_BITS (MUTEX_WAITED | MUTEX_CALLED)
#define MUTEX_INIT(name, r) { SPIN_INIT(LR_WAIT), NULL, LIST_INIT((name).waiters), (r) }

void mutex_init(struct mutex *, enum lock_rank);
void mutex_lock(struct mutex *);
bool mutex_trylock(struct mutex *);
/* Would a caller wait now?  True only for a moment. */
static inline bool
mutex_is_taken(const struct mutex *m)
{
	return ((uint64_t)atomic_load_relaxed(&m->owner) & ~MUTEX_BITS) != 0;
}
/* Second lock of the same rank, order kept by hand (fork: parent, child). */
void mutex_lock_nested(struct mutex *);
void mutex_unlock(struct mutex *);
/* Of the current thread?  Each second assert asks it: in line, as thread_current(). */
THREAD_FN bool mutex_is_mine(const struct mutex *);

#if IN_LINE || defined(THREAD_TO_CALL)
THREAD_FN bool
mutex_is_mine(const struct mutex *m)
{
	uint64_t word = (uint64_t)atomic_load_relaxed(&m->owner);
	uint64_t me = (uint64_t)md_current();

	return !UNLIKELY(word != me) || (word & ~MUTEX_BITS) == me;
}
#endif

struct rwlock {
	struct spinlock lock;   /* LR_WAIT */
	struct thread *writer;  /* [A] for asserts and messages */
	uint32_t readers, rsv;  /* [A] how many; highest bits: rwlock.c */
	struct list waiters;    /* [lock] in order of arrival: a writer is not starved */
	uint8_t rank;
};

void rw_init(struct rwlock *, enum lock_rank);
void rw_lock_read(struct rwlock *);
void rw_lock_write(struct rwlock *);
void rw_lock_write_nested(struct rwlock *);
void rw_unlock_read(struct rwlock *);
void rw_unlock_write(struct rwlock *);
void rw_downgrade(struct rwlock *);         /* write → read */
THREAD_FN bool rw_is_writer(const struct rwlock *); /* current thread */
#define RW_WAITED 0x80000000u /* in readers: threads wait */
THREAD_FN bool rw_is_locked(const struct rwlock *); /* by anyone; for asserts */

#if IN_LINE || defined(THREAD_TO_CALL)
THREAD_FN bool
rw_is_locked(const struct rwlock *l)
{
	return (atomic_load_relaxed(&l->readers) & ~RW_WAITED) != 0;
}

THREAD_FN bool
rw_is_writer(const struct rwlock *l)
{
	return atomic_load_relaxed(&l->writer) == md_current();
}
#endif

#undef LOCK_KINDS
#define LOCK_KINDS                                                       \
	struct spinlock *: spin_is_mine, const struct spinlock *: spin_is_mine, \
	struct mutex *: mutex_is_mine, const struct mutex *: mutex_is_mine, \
	struct rwlock *: rw_is_writer, const struct rwlock *: rw_is_writer
/* Held for writing, or for reading by this or another thread. */
#define HELD_SHARED(l) ASSERT_SAYS(rw_is_locked(l), ASSERT_TEXT(l) " is held by somebody")

/* ---- timer.c, work.c ---- */

struct timer {
	struct rb_node node;    /* [timer lock] */
	uint64_t deadline_ns;
	void (*fn)(void *);     /* in interrupt */
	void *arg;
	bool armed;
};

void timer_init(struct timer *, void (*fn)(void *), void *arg);
void timer_arm(struct timer *, uint64_t deadline_ns);   /* re-arms if armed */
/* Disarm and wait until fn does not run on another CPU. True: was armed. */
bool timer_cancel(struct timer *);

/* [own] When a timer is due, and its interval. */
struct itimer {
	uint64_t due_ns;        /* 0: never */
	uint64_t interval_ns;   /* 0: once */
};
/* If it is due, move it on by its interval until it lies after now, or turn it off.
 * Returns how many times were over. */
uint64_t itimer_pass(struct itimer *, uint64_t now);

struct work {
	struct list_node node;
	void (*fn)(void *);
	void *arg;
	bool queued;
};

/* For work that an interrupt may queue before any code has initialised it. */
#define WORK_INIT(name, f) { .node = { &(name).node, &(name).node }, .fn = (f) }
void work_init(struct work *, void (*fn)(void *), void *arg);
/* fn runs soon in a kernel thread; queued twice runs once.  In interrupts too. */
void work_queue(struct work *);

/* ---- log.c, panic.c ---- */

/* Further sinks of log text (screen, COM1); called with the log lock held. */
void klog_add_sink(void (*write)(const char *, size_t));
void klog_always(const char *fmt, ...) PRINTF_LIKE(1, 2); /* with quiet, too */
/* A panic writes: a sink takes no lock. */
bool klog_is_emergency(void);
/* Text so far, oldest first; fn may not log. */
void klog_read(struct out *);
/* A program's line of at most KLOG_LINE_BYTES, without its end. */
void klog_text(unsigned prio, const char *text, size_t n);
#define KLOG_LINE_BYTES 992 /* as Linux 6.1: 1024, less 32 for a prefix */
struct klog_line {
	uint64_t ns;            /* when it was written */
	unsigned prio;          /* how urgent, and 8 times whose: syslog's numbers */
	size_t n;
	char text[KLOG_LINE_BYTES];
};
uint64_t klog_first(void);
uint64_t klog_lines(void);
int klog_line(uint64_t nr, struct klog_line *) MUST_CHECK;
/* Called at the end of panic; the emulator is ended by it (dev/power.c). */
void panic_set_end(void (*fn)(void));
/* "name+0x12" of a kernel address; false: none.  Table: symtab.S, generated. */
SYSTEM_ONLY bool ksym_find(uint64_t pc, const char **name, uint64_t *offset);

/* ---- options.c: boot arguments, one row each ---- */

void options_init(const char *cmdline);
void options_show(struct out *);

/* ---- inject.c (book: injection) ---- */

/* "POINT:FIRST[:EVERY[:COUNT[:PID]]]" or "POINT:probe" or "off". 0, -EINVAL. */
int inject_set(const char *spec);
bool inject_is_for(enum inject_point, const struct thread *);
void inject_show(struct out *);

/* ---- lab.c: what a student has not written yet ---- */

/* The stub of a lab's function was called: say so, once.  -ENOSYS. */
int lab_todo(const char *what);

/* ---- events: counters and trace records (kern/trace.c) ---- */

/*
 * EVENT(name, args…) and EVENT_ADD(name, n) are in the generated events.h, with
 * ev_trace(), ev_record() and ev_add() behind them.
 */
struct evset {
	_Atomic uint64_t v[EV_NPROC]; /* [A] rows marked p, by ev_rows[].proc */
};

const char *lockrank_name(unsigned rank);     /* for messages */
void lockstat_show(struct out *);             /* /proc/vm/locks */
unsigned lockrank_highest(void);              /* held by the current thread; 0: none */
SYSTEM_ONLY uint64_t ev_read(enum ev_id);                 /* summed over CPUs */
SYSTEM_ONLY uint64_t ev_read_proc(const struct evset *, enum ev_id);
/* ev_set_gauge(), a gauge computed when read: lib/floor.h. */
/* /proc/vm/events: the next rows; at: EV_SHOW_PLACE words, at[0] 0 before the first. */
#define EV_SHOW_PLACE (1 + EV_COUNT)
int ev_show_next(uint64_t *at, struct out *);
void ev_show_proc(struct out *, const struct evset *); /* rows marked p alone, not gauges */
SYSTEM_ONLY void ev_runs(const struct thread *); /* this CPU runs it: whose records */
/* PR_VMM_MARK: copy all counters under id 0…255.  No allocation. */
void ev_mark(unsigned id);
/* Called at each mark with its EV_COUNT values; may sleep. */
void ev_set_mark_hook(void (*fn)(unsigned id, uint64_t time_ns,
    const uint64_t *value));
void ev_show_marks(struct out *);             /* mark=ID time=NS, then name value lines */
/* A place in the trace rings: entries up to a moment are read by it. */
struct ev_cursor {
	uint64_t pos[MAXCPU]; /* next entry of each ring */
	uint64_t end[MAXCPU]; /* those from here on are not wanted */
	uint64_t until;       /* md_cycles() */
	uint64_t number;      /* of the last record; entries before it count */
	uint64_t entries;     /* between pos and the heads, when it was made */
	uint64_t lost;        /* entries that a ring has overtaken */
	uint64_t whole_from;  /* tsc: what happened before is not all there */
};

void ev_trace_begin(struct ev_cursor *, uint64_t most);
/* Binary records from the cursor on: up to cap bytes, returns bytes. */
size_t ev_trace_read(struct ev_cursor *, void *buf, size_t cap);
/* Where a reader of /proc/vm/trace, a file for tools/vtr, is. */
struct ev_trace_place {
	uint64_t at;          /* 0: it is to begin */
	struct ev_cursor cursor;
};

int ev_trace_next(uint64_t *at, struct out *);
void ev_trace_show_last(struct out *, unsigned n); /* text, for panic */
#define EV_TRACE_BYTES 40 /* of a record, struct trace_rec */
/* Boot: each record goes to put() too.  Interrupts off, any lock held. */
void ev_trace_to(void (*put)(const void *rec));

/*
 * Boot order: options_init(), phys_init(), kva_init(), kern_init() (from here
 * on threads may be spawned), sched_start(); kern_start_cpus() in a thread.
 */
void kern_init(void);        /* rings, marks, lock checking, scheduler */
void kern_start_cpus(void);  /* other CPUs join the scheduler */

#endif
