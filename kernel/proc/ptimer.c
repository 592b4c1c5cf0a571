/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptimer.c: POSIX timers
 *
 * Problem   A process has any number of timers, of time or of what a process or a
 *           thread has used of the CPU; each sends a signal of the program's choice,
 *           and one that fires faster than its signals are taken counts how often.
 *
 * Picture   proc ─ ptimers ─ numbered: by number
 *                        ├─ due: of time, the first is the alarm's ─(itimer.c)→ fired
 *           task ─────── └─ timed: of its CPU time ─(way back to user mode)→ fired
 *
 *           waits ──fire──→ signal pending ──taken──→ waits (an interval)
 *                                └──────────────────→ off   (once)
 *
 * Rules     1. A timer has one entry for its signal, charged while the timer is there;
 *              so firing needs no memory and cannot fail.
 *           2. The next interval begins when the signal is taken; intervals that were
 *              over by then are its overruns.  An ignored signal is taken at once.
 *           3. A loop that fires or ends many timers drops proc_lock now and then.
 *           4. A thread is known by its serial, and its clock ends with it: a timer of
 *              a clock that has ended is off; a signal to an ended thread is lost.
 *           5. A timer of CPU time is looked at a tick from now at the earliest, like
 *              those of itimer.c.
 *
 * Source    POSIX.1-2017 timer_create() …; answers where it leaves a choice: Linux 6.1.
 *
 * Read next proc/itimer.c, proc/signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "mem/mem.h"

#define BATCH 32u
#define TICK_NS (1000000000ul / MD_HZ)

/* Timers of CPU time that wait: of user and system time, of user time alone. */
struct cpu_queues {
	struct rb_root of[2];        /* [L] struct ptimer, by user_only */
};

/* Of a process that has had a timer, or whose CPU time one has waited for. */
struct ptimers {
	struct rb_root numbered;     /* [L] its timers, by order */
	struct rb_root due;          /* [L] those of them that wait for a time */
	struct cpu_queues timed;     /* [L] anybody's that wait for its CPU time */
	unsigned ntimed;             /* [L] so many, those of its threads' included */
	int next;                    /* [L] the number of the next */
};

struct ptimer {
	struct rb_node numbered;     /* [L] of its owner's */
	struct rb_node waits;        /* [L] in *queue, by at_ns */
	struct rb_root *queue;       /* [L] NULL: it does not wait */
	struct proc *owner;          /* [c] */
	struct ptimer_req req;       /* [c] */
	int id;                      /* [c] its number */
	uint64_t order;              /* [c] the highest number is first */
	uint64_t to_serial;          /* [c] of the thread req.to */
	struct proc *timed;          /* [c] whose CPU time, a reference; NULL: time */
	int timed_tid;               /* [c] 0: of all its threads */
	uint64_t timed_serial;       /* [c] of that one */
	struct sigq *q;              /* [L] kept */
	struct itimer it;            /* [L] of its clock */
	uint64_t at_ns;              /* [L] when it is looked at: not before it is due */
	bool sent;                   /* [L] goes on when its signal is taken */
	int64_t passed;              /* [L] intervals since then, less the one told */
	int64_t overruns;            /* [L] of the last signal that was taken */
};

#define ORDER RB_NUMBER(struct ptimer, numbered, order)
#define ORDER_OF(id) ((uint64_t)INT32_MAX - (uint64_t)(id))

static struct kmem_cache ptimer_cache = KMEM_CACHE("ptimer", struct ptimer);

static struct ptimer *
by_number(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct ptimer, numbered);
}

static struct ptimer *
first_of(const struct rb_root *queue)
{
	struct rb_node *n = rb_first(queue);

	return n == NULL ? NULL : CONTAINER_OF(n, struct ptimer, waits);
}

/* ---- its clock ---- */

/* The thread whose clock it is; NULL: a process's, or it has ended. */
static struct task *
timed_task_locked(const struct ptimer *t)
{
	struct task *tk = t->timed_tid == 0 ? NULL : task_find_locked(t->timed_tid);

	HELD(&proc_lock);
	return tk != NULL && tk->serial == t->timed_serial && !tk->exiting ? tk : NULL;
}

/* The time of its clock; false: the clock has ended. */
static bool
clock_locked(const struct ptimer *t, uint64_t *now)
{
	struct task *tk = timed_task_locked(t);

	HELD(&proc_lock);
	if (t->timed == NULL) {
		*now = md_time_ns();
		return true;
	}
	if (t->timed->nthreads == 0 || (t->timed_tid != 0 && tk == NULL))
		return false;
	*now = cpu_clock_of_locked(t->timed, tk, t->req.cpu.user_only);
	return true;
}

/* The tree where it waits, by time: its owner's; or of the thread or process that uses
 * CPU. */
static struct rb_root *
queue_of_locked(const struct ptimer *t)
{
	struct task *tk = timed_task_locked(t);
	unsigned clock = t->req.cpu.user_only;

	HELD(&proc_lock);
	if (t->timed == NULL)
		return &t->owner->ptimers->due;
	return tk != NULL ? &tk->timed->of[clock] : &t->timed->ptimers->timed.of[clock];
}

/* ---- waiting ---- */

/* t fires at `at` of its clock: into its tree, and who looks at that learns of it. */
static void
wait_locked(struct ptimer *t, uint64_t at)
{
	struct rb_root *queue = queue_of_locked(t);
	struct rb_node **link = &queue->node, *parent = NULL;

	HELD(&proc_lock);
	t->at_ns = at;
	while (*link != NULL) {
		parent = *link;
		link = at < CONTAINER_OF(parent, struct ptimer, waits)->at_ns ?
		    &parent->left : &parent->right;
	}
	rb_insert(queue, &t->waits, parent, link, NULL);
	t->queue = queue;
	if (t->timed != NULL) {
		t->timed->ptimers->ntimed++;
		proc_watch_cpu_locked(t->timed);
	} else if (first_of(queue) == t) {
		alarm_set_locked(t->owner);
	}
}

/* The counterpart; it may have fired. */
static void
unwait_locked(struct ptimer *t)
{
	HELD(&proc_lock);
	if (t->queue == NULL)
		return;
	rb_remove(t->queue, &t->waits, NULL);
	t->queue = NULL;
	if (t->timed != NULL)
		t->timed->ptimers->ntimed--;
}

/* The next interval. */
static void
next_locked(struct ptimer *t, uint64_t now)
{
	HELD(&proc_lock);
	t->sent = false;
	t->passed += (int64_t)itimer_pass(&t->it, now);
	wait_locked(t, t->timed != NULL ? MAX(t->it.due_ns, now + TICK_NS) : t->it.due_ns);
}

/* ---- firing ---- */

/* Its signal is taken.  Rule 2. */
static void
taken_locked(void *arg, struct siginfo *si)
{
	struct ptimer *t = arg;
	uint64_t now;

	HELD(&proc_lock);
	if (!t->sent)
		return;
	if (clock_locked(t, &now)) {
		next_locked(t, now);
	} else {
		t->sent = false;
		t->it.due_ns = 0;
	}
	t->overruns = t->passed;
	t->passed = -1;
	si->overruns = (int32_t)MIN(t->overruns + si->overruns, (int64_t)INT32_MAX);
}

static void
fire_locked(struct ptimer *t, uint64_t now)
{
	struct siginfo si = { .signo = t->req.signo, .code = SI_TIMER, .timer = t->id,
		.value = t->req.value };
	struct task *to = NULL;
	bool heard = true;

	HELD(&proc_lock);
	EVENT(timer_posix_fired);
	unwait_locked(t);
	if (t->req.to != 0)
		to = task_find_locked(t->req.to);
	if (t->req.to == 0 || (to != NULL && to->serial == t->to_serial &&
	    !to->exiting))
		heard = sigq_send_locked(t->q, to, &si);
	t->sent = t->it.interval_ns != 0;
	if (!t->sent)
		t->it.due_ns = 0;
	else if (!heard)
		next_locked(t, now);
}

/* Those of a queue that are due, BATCH less n at most; how many, with those n. */
static unsigned
fire_queue_locked(struct rb_root *queue, uint64_t now, unsigned n)
{
	struct ptimer *t;

	HELD(&proc_lock);
	for (; n < BATCH; n++) {
		t = first_of(queue);
		if (t == NULL || t->at_ns > now)
			break;
		fire_locked(t, now);
	}
	return n;
}

/* When p's first is due; 0: none waits for a time.  Locks: proc_lock held. */
uint64_t
ptimers_first_locked(const struct proc *p)
{
	const struct ptimer *t = p->ptimers == NULL ? NULL : first_of(&p->ptimers->due);

	HELD(&proc_lock);
	return t == NULL ? 0 : t->at_ns;
}

/* Does one wait for p's CPU time?  Locks: proc_lock held. */
bool
ptimers_watch_cpu_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->ptimers != NULL && p->ptimers->ntimed > 0;
}

/*
 * Those of p that are due by now.
 *
 * Locks:    proc_lock held.
 * Returns:  there may be more.  Rule 3.
 */
bool
ptimers_fire_locked(struct proc *p, uint64_t now)
{
	HELD(&proc_lock);
	return p->ptimers != NULL &&
	    fire_queue_locked(&p->ptimers->due, now, 0) == BATCH;
}

/*
 * The timers on CPU time of the current thread and its process.
 *
 * Locks:    takes proc_lock.
 */
void
ptimers_check(struct task *tk)
{
	struct proc *p = tk->proc;
	unsigned n = BATCH;
	bool user;

	while (n == BATCH) {
		spin_lock(&proc_lock);
		n = 0;
		for (user = false; ptimers_watch_cpu_locked(p); user = true) {
			n = fire_queue_locked(&p->ptimers->timed.of[user],
			    cpu_clock_of_locked(p, NULL, user), n);
			if (tk->timed != NULL)
				n = fire_queue_locked(&tk->timed->of[user],
				    cpu_clock_of_locked(p, tk, user), n);
			if (user)
				break;
		}
		proc_watch_cpu_locked(p);
		spin_unlock(&proc_lock);
	}
}

/* ---- making and ending ---- */

/* The last of p's whose number is at most that of this order, or NULL. */
static struct ptimer *
from_locked(const struct proc *p, uint64_t order)
{
	HELD(&proc_lock);
	return p->ptimers == NULL ? NULL :
	    by_number(rb_from(&p->ptimers->numbered, ORDER, order));
}

static struct ptimer *
find_locked(int id)
{
	struct ptimer *t = id < 0 ? NULL : from_locked(proc_current(), ORDER_OF(id));

	HELD(&proc_lock);
	return t != NULL && t->id == id ? t : NULL;
}

/* p has its queues, from now on.  false: no memory. */
static bool
has_queues_locked(struct proc *p)
{
	HELD(&proc_lock);
	if (p->ptimers == NULL)
		p->ptimers = kmem_zalloc(sizeof(*p->ptimers));
	return p->ptimers != NULL;
}

/* The number after the last one's that is free. */
static void
number_locked(struct ptimers *all, struct ptimer *t)
{
	HELD(&proc_lock);
	do {
		t->id = all->next;
		all->next = t->id == INT32_MAX ? 0 : t->id + 1;
	} while (find_locked(t->id) != NULL);
	t->order = ORDER_OF(t->id);
	rb_add(&all->numbered, &t->numbered, ORDER);
}

/* Find the receiver of the signal.  0, -EINVAL: a thread of another process. */
static int
target_locked(struct ptimer *t)
{
	struct task *to;

	HELD(&proc_lock);
	if (t->req.to == 0)
		return 0;
	to = task_find_locked(t->req.to);
	if (to == NULL || to->proc != t->owner)
		return -EINVAL;
	t->to_serial = to->serial;
	return 0;
}

/* Remember whose CPU time it is.  0, -EINVAL: nobody's; -EAGAIN: no memory. */
static int
bind_clock_locked(struct ptimer *t)
{
	struct task *tk;
	struct proc *p;

	HELD(&proc_lock);
	if (!t->req.is_cpu)
		return 0;
	if (!cpu_clock_find_locked(&t->req.cpu, &p, &tk))
		return -EINVAL;
	if (tk != NULL && tk->timed == NULL)
		tk->timed = kmem_zalloc(sizeof(*tk->timed));
	if (!has_queues_locked(p) || (tk != NULL && tk->timed == NULL))
		return -EAGAIN;
	proc_get(p);
	t->timed = p;
	if (tk != NULL) {
		t->timed_tid = tk->tid;
		t->timed_serial = tk->serial;
	}
	return 0;
}

/* Out of all lists; the caller frees it. */
static void
end_locked(struct ptimer *t)
{
	HELD(&proc_lock);
	unwait_locked(t);
	rb_remove(&t->owner->ptimers->numbered, &t->numbered, NULL);
	sigq_leave_locked(t->q);
	if (t->timed != NULL)
		proc_put(t->timed);
	kmem_cache_free(&ptimer_cache, t);
}

/*
 * timer_create(2).  As on Linux the timer has its number before its clock is looked for:
 * *bound says 0, -EINVAL: there is no such clock; -EAGAIN: no memory.  Then it has ended.
 *
 * Locks:    takes proc_lock.
 * Returns:  0 with its number; -EAGAIN: RLIMIT_SIGPENDING, no memory; -EINVAL: it is
 *           to send to a thread of another process.
 */
int
ptimer_create(const struct ptimer_req *req, int *id, int *bound)
{
	struct ptimer *t = kmem_cache_zalloc(&ptimer_cache);
	struct proc *p = proc_current();
	int r = -EAGAIN;

	if (t == NULL)
		return -EAGAIN;
	t->owner = p;
	t->req = *req;
	t->passed = -1;
	spin_lock(&proc_lock);
	if (has_queues_locked(p))
		t->q = sigq_keep_locked(p, taken_locked, t);
	if (t->q == NULL) {
		kmem_cache_free(&ptimer_cache, t);
	} else {
		/* A wrong target has used a number up, too: as on Linux. */
		number_locked(p->ptimers, t);
		if (!req->has_value)
			t->req.value = (uint64_t)t->id;
		*id = t->id;
		r = req->is_wrong ? -EINVAL : target_locked(t);
		*bound = r == 0 ? bind_clock_locked(t) : r;
		if (*bound != 0)
			end_locked(t);
	}
	spin_unlock(&proc_lock);
	return r;
}

/* All of p: an exec, or its end.  Locks: takes proc_lock. */
void
ptimers_end(struct proc *p)
{
	struct ptimer *t;
	unsigned n;

	do {
		spin_lock(&proc_lock);
		for (n = 0; n < BATCH; n++) {
			t = p->ptimers == NULL ? NULL :
			    by_number(p->ptimers->numbered.node);
			if (t == NULL)
				break;
			end_locked(t);
		}
		spin_unlock(&proc_lock);
	} while (n == BATCH);
}

/*
 * The clock of p ends, or (tk) that of a thread, whoever waits for it.
 *
 * Locks:    takes proc_lock; none is added any more.
 */
void
ptimers_end_clock(struct proc *p, struct task *tk)
{
	struct cpu_queues *of;
	struct ptimer *t;
	unsigned n;

	do {
		spin_lock(&proc_lock);
		of = tk != NULL ? tk->timed : p->ptimers == NULL ? NULL :
		    &p->ptimers->timed;
		for (n = 0; of != NULL && n < BATCH; n++) {
			t = first_of(&of->of[of->of[0].node == NULL]);
			if (t == NULL)
				break;
			unwait_locked(t);
			t->it.due_ns = 0;
		}
		spin_unlock(&proc_lock);
	} while (n == BATCH);
}

/* ---- setting and asking ---- */

static void
left_locked(struct ptimer *t, struct itimer *out)
{
	bool known;
	uint64_t now;

	HELD(&proc_lock);
	known = clock_locked(t, &now);
	*out = (struct itimer){ .interval_ns = t->it.interval_ns };
	if (!known || t->it.due_ns == 0)
		return;
	if (t->it.interval_ns != 0 && (t->sent || t->req.is_silent))
		t->passed += (int64_t)itimer_pass(&t->it, now);
	out->due_ns = t->it.due_ns > now ? t->it.due_ns - now : !t->req.is_silent;
}

static int
set_locked(struct ptimer *t, const struct itimer *new, enum ptimer_ask from,
    struct itimer *old)
{
	uint64_t now;

	HELD(&proc_lock);
	if (!clock_locked(t, &now))
		return -ESRCH;
	left_locked(t, old);
	unwait_locked(t);
	t->sent = false;
	t->overruns = 0;
	/* As on Linux: what is switched off has no interval, but of CPU time. */
	t->it.interval_ns = new->due_ns != 0 || t->timed != NULL ? new->interval_ns : 0;
	t->it.due_ns = new->due_ns == 0 ? 0 : from == PTIMER_FROM_NOW ?
	    now + new->due_ns : new->due_ns > t->req.zero_ns ?
	    new->due_ns - t->req.zero_ns : 1;
	if (t->it.due_ns == 0 || t->req.is_silent)
		return 0;
	if (t->it.due_ns <= now)
		fire_locked(t, now);
	else
		wait_locked(t, t->it.due_ns);
	return 0;
}

static int
ask_locked(struct ptimer *t, enum ptimer_ask what, const struct itimer *new,
    struct itimer *old)
{
	HELD(&proc_lock);
	switch (what) {
	case PTIMER_DELETE:
		end_locked(t);
		return 0;
	case PTIMER_OVERRUNS:
		return (int)MIN(t->overruns, (int64_t)INT32_MAX);
	case PTIMER_GET:
		left_locked(t, old);
		return 0;
	case PTIMER_FROM_NOW:
	case PTIMER_ABSOLUTE:
		break;
	}
	return set_locked(t, new, what, old);
}

/*
 * timer_delete(2), timer_getoverrun(2), timer_gettime(2), timer_settime(2).  new: to be
 * set, due_ns 0 stops it; old: as it was, due_ns the time left.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, how many overruns; -EINVAL: no such timer; -ESRCH: its clock has ended.
 */
int
ptimer_ask(int id, enum ptimer_ask what, const struct itimer *new, struct itimer *old)
{
	struct ptimer *t;
	int r = -EINVAL;

	spin_lock(&proc_lock);
	t = find_locked(id);
	if (t != NULL)
		r = ask_locked(t, what, new, old);
	spin_unlock(&proc_lock);
	return r;
}

/* ---- /proc/PID/timers ---- */

static void
show_timer(const struct ptimer_req *req, int id, int pid, struct out *o)
{
	static const char *const how[] = { "signal", "none", "thread" };
	unsigned notify = (unsigned)req->notify & 3;

	out_printf(o, "ID: %d\nsignal: %d/%016lx\nnotify: %s/%s.%d\nClockID: %d\n",
	    id, req->signo, req->has_value ? req->value : (uint64_t)id,
	    how[MIN(notify, 2u)], req->to != 0 ? "tid" : "pid",
	    req->to != 0 ? req->to : pid, req->clock);
}

/* The newest first, as on Linux; *at: the order of the next.  1; 0: that was the last;
 * -ESRCH. */
int
ptimer_next_text(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	struct ptimer_req req;
	struct ptimer *t = NULL;
	struct proc *p;
	int number = 0, pid = 0;

	spin_lock(&proc_lock);
	p = proc_of_id_locked(id);
	if (p != NULL)
		t = from_locked(p, *at);
	if (t != NULL) {
		*at = t->order + 1;
		req = t->req;
		number = t->id;
		pid = p->pid;
	}
	spin_unlock(&proc_lock);
	if (t == NULL)
		return p == NULL ? -ESRCH : 0;
	show_timer(&req, number, pid, o);
	return 1;
}
