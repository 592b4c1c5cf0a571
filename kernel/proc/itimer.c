/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * itimer.c: the alarm of a process, and its interval timers
 *
 * Problem   Three interval timers, any number of POSIX timers and RLIMIT_CPU send
 *           signals when time is over.
 *
 * Picture   ITIMER_REAL, ptimer.c's of time: the first of them is the alarm's
 *             struct timer ─(interrupt)→ work ─(thread)→ their signals
 *           VIRTUAL, PROF, RLIMIT_CPU, ptimer.c's of CPU time: cpu_watch ─→
 *             looked at on the way back to user mode, which each tick passes
 *
 * Rules     1. The callback of a timer runs in an interrupt: it takes no lock
 *              of proc/, it only queues work.
 *           2. Queued work holds a reference of its process.
 *           3. CPU time is known to the nanosecond and a timer of it is due a
 *              tick from now at the earliest: else the way back from its
 *              handler would send the next signal, and nothing else would run.
 *              Nor does each call look: it would add up the time of all threads.
 *           4. Timers are armed under proc_lock and only while the process
 *              has threads; itimers_exit() runs after the last.
 *           5. ITIMER_REAL goes on when a SIGALRM of the process is taken: while
 *              that is blocked or ignored the timer stands still, as on Linux.
 *           6. The thread that uses the CPU gets the signal if it does not block it:
 *              so a profiler sees the right thread.
 *
 * Read next proc/ptimer.c, proc/sigdeliver.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#define TICK_NS (NS_PER_S / MD_HZ)
#define LOOK_NS (TICK_NS / 2) /* so each tick looks */

enum { REAL, VIRTUAL, PROF };

static void on_alarm(void *);
static void alarm_work(void *);
static void alarm_taken_locked(struct proc *);

/* Locks: none; boot. */
void
itimer_init(void)
{
	sig_set_alarm_fn(alarm_taken_locked);
}

/* No timers.  Locks: none, p is new. */
void
itimers_init(struct proc *p)
{
	timer_init(&p->alarm, on_alarm, p);
	work_init(&p->alarm_work, alarm_work, p);
}

/* ---- the real-time timer ---- */

static void
on_alarm(void *arg)
{
	struct proc *p = arg;

	if (atomic_xchg(&p->alarm_due, 1) != 0)
		return;
	proc_get(p);
	work_queue(&p->alarm_work);
}

/* When ITIMER_REAL is due; 0: it stands still. */
static uint64_t
real_due_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->real_rests ? 0 : p->it[REAL].due_ns;
}

/* ITIMER_REAL, if it is due. */
static void
fire_real_locked(struct proc *p, uint64_t now)
{
	struct siginfo si = { .signo = SIGALRM, .code = SI_KERNEL };
	struct itimer *it = &p->it[REAL];

	HELD(&proc_lock);
	if (real_due_locked(p) == 0 || it->due_ns > now)
		return;
	p->real_rests = true;
	(void)sig_send_proc_locked(p, &si);
}

/*
 * A SIGALRM of the process is taken, from any sender: an ITIMER_REAL that has fired
 * goes on (rule 5).  Missed intervals are not made up for.
 *
 * Locks:    proc_lock held; p has threads.
 */
static void
alarm_taken_locked(struct proc *p)
{
	HELD(&proc_lock);
	if (!p->real_rests)
		return;
	p->real_rests = false;
	(void)itimer_pass(&p->it[REAL], md_time_ns());
	alarm_set_locked(p);
}

static void
alarm_work(void *arg)
{
	struct proc *p = arg;
	uint64_t now;
	bool more = false;

	/* Only then the time: who fires before the store queues nothing, and
	 * what is due for him must be so here. */
	atomic_store(&p->alarm_due, 0);
	spin_lock(&proc_lock);
	if (p->nthreads > 0) {
		now = md_time_ns();
		fire_real_locked(p, now);
		more = ptimers_fire_locked(p, now);
		if (!more)
			alarm_set_locked(p);
	}
	spin_unlock(&proc_lock);
	if (more)
		on_alarm(p);
	proc_put(p);
}

/*
 * The timers of p have changed: set the alarm to the first of them.
 *
 * Locks:    proc_lock held.
 */
void
alarm_set_locked(struct proc *p)
{
	uint64_t real = real_due_locked(p), first = ptimers_first_locked(p);

	HELD(&proc_lock);
	if (first == 0 || (real != 0 && real < first))
		first = real;
	if (first != 0)
		timer_arm(&p->alarm, first);
	else
		(void)timer_cancel(&p->alarm);
}

/* The last thread has ended.  Locks: none. */
void
itimers_exit(struct proc *p)
{
	ptimers_end(p);
	ptimers_end_clock(p, NULL);
	spin_lock(&proc_lock);
	p->it[REAL].due_ns = 0;
	p->real_rests = false;
	spin_unlock(&proc_lock);
	(void)timer_cancel(&p->alarm);
}

/* ---- all three ---- */

static uint64_t
itimer_now_locked(struct proc *p, int which)
{
	uint64_t ut, st;

	HELD(&proc_lock);
	if (which == REAL)
		return md_time_ns();
	proc_times_locked(p, &ut, &st);
	return which == VIRTUAL ? ut : ut + st;
}

/* Rule 3. */
static uint64_t
due_after(int which, uint64_t now, uint64_t ns)
{
	return now + (which == REAL ? ns : MAX(ns, TICK_NS));
}

static void
itimer_read_locked(struct proc *p, int which, struct itimer *out)
{
	struct itimer *it = &p->it[which];
	uint64_t now = itimer_now_locked(p, which);
	uint64_t due = which == REAL ? real_due_locked(p) : it->due_ns;

	HELD(&proc_lock);
	out->interval_ns = it->interval_ns;
	out->due_ns = due == 0 ? 0 : due > now ? due - now : 1000;
}

/*
 * A timer of the current process is set, unless new is NULL: due_ns is counted from
 * now, 0 stops it; old: as it was, due_ns the time left.
 *
 * Locks:    takes proc_lock.
 */
void
itimer_set(int which, const struct itimer *new, struct itimer *old)
{
	struct proc *p = proc_current();
	struct itimer *it = &p->it[which];

	spin_lock(&proc_lock);
	itimer_read_locked(p, which, old);
	if (new != NULL) {
		/* As on Linux: of time, what is switched off has no interval. */
		it->interval_ns = which == REAL && new->due_ns == 0 ? 0 :
		    new->interval_ns;
		it->due_ns = new->due_ns == 0 ? 0 :
		    due_after(which, itimer_now_locked(p, which), new->due_ns);
		if (which == REAL) {
			p->real_rests = false;
			alarm_set_locked(p);
		}
		proc_watch_cpu_locked(p);
	}
	spin_unlock(&proc_lock);
}

/* ---- CPU time ---- */

/* Shall itimers_check() look at p?  Locks: proc_lock held. */
void
proc_watch_cpu_locked(struct proc *p)
{
	HELD(&proc_lock);
	p->cpu_watch = p->it[VIRTUAL].due_ns != 0 || p->it[PROF].due_ns != 0 ||
	    ptimers_watch_cpu_locked(p) || p->limits->of[RLIMIT_CPU].cur != RLIM_INFINITY;
}

static void
check_itimer(struct task *tk, int which, uint64_t now, int signo)
{
	struct siginfo si = { .signo = signo, .code = SI_KERNEL };
	struct itimer *it = &tk->proc->it[which];

	if (it->due_ns == 0 || now < it->due_ns)
		return;
	it->due_ns = it->interval_ns == 0 ? 0 :
	    due_after(which, now, it->interval_ns);
	(void)sig_send_first_locked(tk, &si);
}

/*
 * SIGXCPU each second above the soft limit, SIGKILL at the hard one.  Without
 * memory for a limit of its own the process hears it at a later tick.
 */
static void
check_limit(struct task *tk, uint64_t now)
{
	struct siginfo si = { .signo = SIGXCPU, .code = SI_KERNEL };
	struct proc *p = tk->proc;
	struct rlimit lim = p->limits->of[RLIMIT_CPU];

	if (lim.max != RLIM_INFINITY && now / NS_PER_S >= lim.max) {
		si.signo = SIGKILL;
	} else if (lim.cur != RLIM_INFINITY && now / NS_PER_S >= lim.cur) {
		lim.cur++;
		if (limits_set_locked(p, RLIMIT_CPU, &lim) < 0)
			return;
	} else {
		return;
	}
	(void)sig_send_first_locked(tk, &si);
}

/*
 * Are CPU timers or the CPU limit of the current process over?  Asked by each of its
 * threads, once in a tick (rule 3).
 *
 * Locks:    takes proc_lock.
 */
void
itimers_check(struct task *tk)
{
	struct proc *p = tk->proc;
	uint16_t half = (uint16_t)(md_time_ns() / LOOK_NS);
	uint64_t ut, st;

	if (tk->looked == half)
		return;
	tk->looked = half;
	spin_lock(&proc_lock);
	proc_times_locked(p, &ut, &st);
	check_itimer(tk, VIRTUAL, ut, SIGVTALRM);
	check_itimer(tk, PROF, ut + st, SIGPROF);
	if (!p->group_exit)
		check_limit(tk, ut + st);
	proc_watch_cpu_locked(p);
	spin_unlock(&proc_lock);
	ptimers_check(tk);
}
