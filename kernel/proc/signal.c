/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signal.c: sending a signal
 *
 * Problem   Anyone may send to a process or a thread at any time, while it
 *           runs on another CPU, sleeps, is stopped, or ends.  The signal is
 *           noted; the target acts on it when it next leaves the kernel.
 *
 * Picture   kill, fault, timer, tty ─→ post_locked ─→ prepare (stop/cont)
 *             ─→ ignored? ─→ queue ─→ choose a thread ─→ thread_notify
 *           user_return ─→ sigdeliver.c
 *
 * Rules     1. All under proc_lock; standard signals never fail, real-time
 *              ones queue with their value up to RLIMIT_SIGPENDING.
 *           2. A signal that will kill ends killable sleeps at once: its
 *              effect (group_exit) is decided here, not at delivery.
 *           3. THREAD_SIGNAL of a thread says that sigdeliver.c has work;
 *              sig_recalc_locked() is the only place that clears it.
 *           4. Process 1 gets only what it catches.
 *           5. One thread of a process is tried first: whether it would ignore
 *              the signal, and whether it takes it.  It is the leader; for news of
 *              a child the thread that made the child; when CPU time is over, the
 *              one that uses it; for kill(2) the thread with that number.
 *           6. A timer keeps its entry and is told when the signal is taken.
 *
 * Read next proc/sigdeliver.c, proc/sigframe.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "mem/mem.h"

static struct kmem_cache sigq_cache = KMEM_CACHE("sigq", struct sigq);
static uint64_t all_queued;     /* [proc_lock] of these, of all users */

static int post_locked(struct proc *, struct task *to, struct task *first,
    const struct siginfo *);
static bool begins_locked(struct proc *, struct task *to, struct task **first,
    int signo);
static void is_pending_locked(struct proc *, struct task *to, struct task *first,
    int signo);
static void prepare_locked(struct proc *, int signo);
static struct sigq *sigq_alloc_locked(struct proc *, uint64_t limit);
static int queue_locked(struct proc *, struct sigpend *,
    const struct siginfo *);
static struct task *choose_locked(struct proc *, struct task *first,
    int signo);
static void wake_for_locked(struct proc *, struct task *, int signo);

/* ---- sets ---- */

/* Nothing pending. */
void
sigpend_init(struct sigpend *sp)
{
	sp->set = 0;
	list_init(&sp->queue);
}

/* Nobody keeps it any more.  Locks: proc_lock held. */
static void
sigq_free_locked(struct sigq *q)
{
	HELD(&proc_lock);
	q->charged->nsigq--;
	all_queued--;
	kmem_cache_free(&sigq_cache, q);
}

/* It is pending no longer.  Rule 6.  Locks: proc_lock held. */
static void
sigq_unlink_locked(struct sigq *q)
{
	HELD(&proc_lock);
	list_remove(&q->node);
	if (q->taken == NULL)
		sigq_free_locked(q);
}

/*
 * Forget the pending signals of a set.
 *
 * Locks:    proc_lock held.
 */
void
sigpend_flush_locked(struct sigpend *sp, uint64_t set)
{
	struct list_node *next;
	struct sigq *q;

	HELD(&proc_lock);
	LIST_FOREACH_SAFE(q, next, &sp->queue, node)
		if ((SIGBIT(q->info.signo) & set) != 0)
			sigq_unlink_locked(q);
	sp->set &= ~set;
}

/*
 * Discard signals of timers.
 *
 * Locks:    proc_lock held.
 */
void
sigpend_flush_timers_locked(struct sigpend *sp)
{
	uint64_t gone = 0, stay = 0;
	struct list_node *next;
	struct sigq *q;

	HELD(&proc_lock);
	LIST_FOREACH_SAFE(q, next, &sp->queue, node) {
		if (q->info.code == SI_TIMER) {
			gone |= SIGBIT(q->info.signo);
			sigq_unlink_locked(q);
		} else {
			stay |= SIGBIT(q->info.signo);
		}
	}
	sp->set &= ~(gone & ~stay);
}

/*
 * Take the oldest entry of signo; the signal stays pending if there are more.
 *
 * Locks:    proc_lock held.
 */
void
sigpend_take_locked(struct sigpend *sp, int signo, struct siginfo *si)
{
	struct sigq *q, *first = NULL;
	bool more = false;

	HELD(&proc_lock);
	LIST_FOREACH(q, &sp->queue, node) {
		if (q->info.signo != signo)
			continue;
		more = first != NULL;
		if (more)
			break;
		first = q;
	}
	if (!more)
		sp->set &= ~SIGBIT(signo);
	*si = (struct siginfo){ .signo = signo, .code = SI_USER };
	if (first == NULL)
		return;
	*si = first->info;
	if (first->taken != NULL)
		first->taken(first->keeper, si);
	sigq_unlink_locked(first);
}

static void (*alarm_taken)(struct proc *); /* [c] a SIGALRM of the process is taken */

/* Locks: none; boot.  taken_locked runs under proc_lock. */
void
sig_set_alarm_fn(void (*taken_locked)(struct proc *))
{
	alarm_taken = taken_locked;
}

/* The same of those that were sent to the process.  Locks: proc_lock held. */
void
sigpend_take_of_proc_locked(struct proc *p, int signo, struct siginfo *si)
{
	HELD(&proc_lock);
	sigpend_take_locked(&p->pending, signo, si);
	if (signo == SIGALRM)
		alarm_taken(p);
}

#define SIGS_IGNORE (SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | \
	SIGBIT(SIGWINCH))
#define SIGS_STOP (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | \
	SIGBIT(SIGTTOU))

#define SIGS_SYNC (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | \
	SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) | SIGBIT(SIGSYS))

/* Which is taken first: those that faults send, then the lowest; 0: the set is empty. */
int
sig_first_of(uint64_t set)
{
	if ((set & SIGS_SYNC) != 0)
		set &= SIGS_SYNC;
	return set == 0 ? 0 : __builtin_ctzl(set) + 1;
}

/* The default action of a signal. */
enum sig_default
sig_default(int signo)
{
	if ((SIGS_IGNORE & SIGBIT(signo)) != 0)
		return SD_IGNORE;
	return (SIGS_STOP & SIGBIT(signo)) != 0 ? SD_STOP : SD_KILL;
}

/*
 * Would the signal have no effect on that thread?  A blocked one may be
 * unblocked after a handler was set, so it is kept; and a tracer sees all.
 *
 * Locks:    proc_lock held.
 */
static bool
is_ignored_locked(struct task *tk, int signo)
{
	struct proc *p = tk->proc;
	uint64_t handler = sighand_act(p->sighand, signo).handler;

	HELD(&proc_lock);
	if ((tk->blocked & SIGBIT(signo)) != 0 ||
	    (task_is_traced(tk) && signo != SIGKILL))
		return false;
	if (handler == SIG_IGN)
		return true;
	if (handler != SIG_DFL)
		return false;
	return p->pid == 1 || sig_default(signo) == SD_IGNORE;
}

/*
 * Does tk have something to do before it returns to user mode?  Sets or
 * clears THREAD_SIGNAL accordingly.
 *
 * Locks:    proc_lock held.
 */
void
sig_recalc_locked(struct task *tk)
{
	struct proc *p = tk->proc;
	const struct tracee *t = tk->traced;
	uint64_t set = tk->pending.set | p->pending.set;
	bool dying = p->group_exit || (p->execing != NULL && p->execing != tk);

	HELD(&proc_lock);
	set &= ~(tk->blocked & ~tk->wanted);
	if (dying)
		thread_notify(tk->thread, THREAD_KILL | THREAD_SIGNAL);
	else if (set != 0 || task_must_stop(tk) ||
	    (t != NULL && (t->trap || t->news)))
		thread_notify(tk->thread, THREAD_SIGNAL);
	else
		(void)atomic_and(&tk->thread->pending, ~THREAD_SIGNAL);
}

/* ---- sending ---- */

/*
 * Send to one thread.
 *
 * Locks:    proc_lock held.
 * Returns:  0 (also when ignored), -EAGAIN (queue full).
 */
int
sig_send_task_locked(struct task *tk, const struct siginfo *si)
{
	HELD(&proc_lock);
	return post_locked(tk->proc, tk, tk, si);
}

/* Send to a process: any thread that does not block it.  As above.
 * Locks: proc_lock held. */
int
sig_send_proc_locked(struct proc *p, const struct siginfo *si)
{
	HELD(&proc_lock);
	return post_locked(p, NULL, NULL, si);
}

/* The same; the thread `first` is tried first: rule 5.  Locks: proc_lock held. */
int
sig_send_first_locked(struct task *first, const struct siginfo *si)
{
	HELD(&proc_lock);
	return post_locked(first->proc, NULL, first, si);
}

/*
 * Send to p as to one of many: a child that is half made has it as well.
 *
 * Locks:    proc_lock held.
 * Returns:  0 (also when ignored), -EAGAIN (queue full).
 */
int
sig_send_member_locked(struct proc *p, const struct siginfo *si)
{
	struct forking *f;

	HELD(&proc_lock);
	LIST_FOREACH(f, &p->forks, node) {
		if ((SIGS_STOP & SIGBIT(si->signo)) != 0)
			f->missed &= ~SIGBIT(SIGCONT);
		else if (si->signo == SIGCONT)
			f->missed &= ~SIGS_STOP;
		f->missed |= SIGBIT(si->signo);
	}
	return post_locked(p, NULL, NULL, si);
}

/* sig_send_proc_locked() for callers without the lock. */
int
sig_send_proc(struct proc *p, const struct siginfo *si)
{
	return UNDER(&proc_lock, post_locked(p, NULL, NULL, si));
}

/* To one thread, or NULL: to the process.  Rule 5; first NULL: the leader. */
static int
post_locked(struct proc *p, struct task *to, struct task *first,
    const struct siginfo *si)
{
	struct sigpend *sp = to != NULL ? &to->pending : &p->pending;
	int r;

	HELD(&proc_lock);
	if (!begins_locked(p, to, &first, si->signo))
		return 0;
	if (si->signo < SIGRTMIN && (sp->set & SIGBIT(si->signo)) != 0)
		return 0;
	r = queue_locked(p, sp, si);
	if (r == 0)
		is_pending_locked(p, to, first, si->signo);
	return r;
}

/* Is there somebody who does not ignore it?  The stops it ends, it ends all the same. */
static bool
begins_locked(struct proc *p, struct task *to, struct task **first, int signo)
{
	HELD(&proc_lock);
	if (p->state != PROC_LIVE || p->nthreads == 0 ||
	    (to != NULL && to->exiting))
		return false;
	prepare_locked(p, signo);
	if (*first == NULL)
		*first = LIST_ENTRY(list_first(&p->threads), struct task, node);
	return !is_ignored_locked(*first, signo);
}

/* It is queued: choose a thread and wake it. */
static void
is_pending_locked(struct proc *p, struct task *to, struct task *first, int signo)
{
	struct sigpend *sp = to != NULL ? &to->pending : &p->pending;

	HELD(&proc_lock);
	sp->set |= SIGBIT(signo);
	sigfile_tell_locked(p);
	if (to == NULL)
		to = choose_locked(p, first, signo);
	wake_for_locked(p, to, signo);
}

/* ---- entries that are sent again and again ---- */

/*
 * An entry that p's timer sends each time, charged from now on.
 *
 * Locks:    proc_lock held.
 * Returns:  NULL: p's user has as many as RLIMIT_SIGPENDING allows, or no memory.
 * Owns:     the caller, until sigq_leave_locked().
 */
struct sigq *
sigq_keep_locked(struct proc *p, void (*taken)(void *, struct siginfo *), void *keeper)
{
	struct sigq *q;

	HELD(&proc_lock);
	q = sigq_alloc_locked(p, p->limits->of[RLIMIT_SIGPENDING].cur);
	if (q != NULL) {
		q->taken = taken;
		q->keeper = keeper;
	}
	return q;
}

/*
 * Send it, to one thread or (NULL) to the process.  While it is pending it only
 * counts: its overruns.
 *
 * Locks:    proc_lock held.
 * Returns:  is it pending; false: it is ignored.
 */
bool
sigq_send_locked(struct sigq *q, struct task *to, const struct siginfo *si)
{
	struct proc *p = q->charged;
	struct task *first = to;

	HELD(&proc_lock);
	if (!begins_locked(p, to, &first, si->signo))
		return false;
	if (list_is_linked(&q->node)) {
		q->info.overruns++;
		return true;
	}
	q->info = *si;
	list_push_back(to != NULL ? &to->pending.queue : &p->pending.queue, &q->node);
	is_pending_locked(p, to, first, si->signo);
	return true;
}

/* Signals that are pending stay so.  Locks: proc_lock held. */
void
sigq_leave_locked(struct sigq *q)
{
	HELD(&proc_lock);
	q->taken = NULL;
	if (!list_is_linked(&q->node))
		sigq_free_locked(q);
}

/* ---- stops, limits, the choice of a thread ---- */

static void
flush_everywhere_locked(struct proc *p, uint64_t set)
{
	struct task *tk;

	HELD(&proc_lock);
	sigpend_flush_locked(&p->pending, set);
	LIST_FOREACH(tk, &p->threads, node)
		sigpend_flush_locked(&tk->pending, set);
}

/*
 * SIGCONT continues even when it is blocked or ignored.  A wait finds it from now on; the
 * first thread that goes on notifies the parent.  If not all threads had stopped, both
 * the stop and the continuation are reported.
 */
static void
continue_locked(struct proc *p)
{
	struct task *tk;

	HELD(&proc_lock);
	if (p->stop_sig == 0)
		return;
	p->cont_due = p->stop_told ? CLD_CONTINUED : CLD_STOPPED;
	p->stop_sig = 0;
	p->stop_told = p->stop_news = false;
	LIST_FOREACH(tk, &p->threads, node)
		sig_recalc_locked(tk);
	wake_all(&p->stop_wq);
	p->cont_news = true;
	proc_changed_locked(p);
}

/* Stop and continue signals cancel each other. */
static void
prepare_locked(struct proc *p, int signo)
{
	HELD(&proc_lock);
	if ((SIGS_STOP & SIGBIT(signo)) != 0) {
		flush_everywhere_locked(p, SIGBIT(SIGCONT));
	} else if (signo == SIGCONT) {
		flush_everywhere_locked(p, SIGS_STOP);
		tracee_continued_locked(p);
		continue_locked(p);
	} else if (signo == SIGKILL) {
		tracee_killed_locked(p);
	}
}

/* Sum of the entries of one user. */
struct queue_walk {
	uint32_t uid;
	uint64_t n;
};

static void
queue_count(void *arg, struct proc *p)
{
	struct queue_walk *w = arg;

	if (p->cred.uid == w->uid)
		w->n += p->nsigq;
}

/*
 * The entries of all processes of p's user, which RLIMIT_SIGPENDING limits.
 *
 * Locks:    proc_lock held.
 */
uint64_t
sig_queued_locked(const struct proc *p)
{
	struct queue_walk w = { .uid = p->cred.uid };

	HELD(&proc_lock);
	if (all_queued > 0)
		proc_walk_locked(queue_count, &w);
	return w.n;
}

/* An entry of p's, if its user has fewer than limit; NULL: no, or no memory.  Whose limit
 * is above those of all users is not counted. */
static struct sigq *
sigq_alloc_locked(struct proc *p, uint64_t limit)
{
	struct sigq *q = NULL;

	HELD(&proc_lock);
	if (all_queued < limit || sig_queued_locked(p) < limit)
		q = kmem_cache_alloc(&sigq_cache);
	if (q == NULL)
		return NULL;
	*q = (struct sigq){ .charged = p };
	list_node_init(&q->node);
	p->nsigq++;
	all_queued++;
	return q;
}

/*
 * Standard signals from kill(2) or the kernel are not limited; queued ones of
 * programs are.  A signal without an entry is delivered with plain information; but
 * a real-time one whose sender wants to know fails.
 */
static int
queue_locked(struct proc *p, struct sigpend *sp, const struct siginfo *si)
{
	bool free = si->signo < SIGRTMIN && si->code >= 0;
	bool must = si->signo >= SIGRTMIN && si->code != SI_USER;
	struct sigq *q;

	HELD(&proc_lock);
	q = sigq_alloc_locked(p, free ? RLIM_INFINITY :
	    p->limits->of[RLIMIT_SIGPENDING].cur);
	if (q == NULL)
		return must ? -EAGAIN : 0;
	q->info = *si;
	list_push_back(&sp->queue, &q->node);
	return 0;
}

/* A stopped thread takes nothing but its end; the rest waits for SIGCONT. */
static bool
takes(const struct task *tk, int signo)
{
	if (tk->exiting ||
	    ((tk->in_stop || task_is_held(tk)) && signo != SIGKILL))
		return false;
	return (tk->blocked & ~tk->wanted & SIGBIT(signo)) == 0;
}

/* The thread for the signal: `first`, if it takes it; NULL: none yet. */
static struct task *
choose_locked(struct proc *p, struct task *first, int signo)
{
	struct task *tk;

	HELD(&proc_lock);
	if (first != NULL && takes(first, signo))
		return first;
	LIST_FOREACH(tk, &p->threads, node)
		if (takes(tk, signo))
			return tk;
	return NULL;
}

static void
wake_for_locked(struct proc *p, struct task *tk, int signo)
{
	HELD(&proc_lock);
	if (tk == NULL || !takes(tk, signo))
		return;
	if (sig_default(signo) == SD_KILL &&
	    (signo == SIGKILL || !task_is_traced(tk)) &&
	    (tk->blocked & SIGBIT(signo)) == 0 &&
	    sighand_act(p->sighand, signo).handler == SIG_DFL)
		sig_group_exit_locked(p, signo);
	else
		thread_notify(tk->thread, THREAD_SIGNAL);
}

/*
 * A thread of p no longer takes the signals of set.  Choose another thread for pending
 * ones of the process, for which this thread may have been chosen.
 *
 * Locks:    proc_lock held.
 */
void
sig_retarget_locked(struct proc *p, uint64_t set)
{
	int signo;

	HELD(&proc_lock);
	for (set &= p->pending.set; set != 0; set &= set - 1) {
		signo = __builtin_ctzl(set) + 1;
		wake_for_locked(p, choose_locked(p, NULL, signo), signo);
	}
}

/*
 * Make all threads of p but one end at their next return to user mode, or at once if
 * they are at their exit stop already.
 *
 * Locks:    proc_lock held.
 */
void
kill_others_locked(struct proc *p, struct task *but)
{
	struct task *tk;

	HELD(&proc_lock);
	LIST_FOREACH(tk, &p->threads, node)
		if (tk != but)
			thread_notify(tk->thread, THREAD_KILL | THREAD_SIGNAL);
	tracee_killed_locked(p);
	wake_all(&p->stop_wq);
}

/*
 * Make all threads of p end; the first caller's status counts.
 *
 * Locks:    proc_lock held.
 */
void
sig_group_exit_locked(struct proc *p, int wait_status)
{
	HELD(&proc_lock);
	if (p->group_exit)
		return;
	p->group_exit = true;
	p->wait_status = wait_status;
	p->stop_sig = 0;
	kill_others_locked(p, NULL);
}

/* The thread that made p; NULL: it is gone, or p has another parent by now. */
static struct task *
maker_locked(const struct proc *p)
{
	struct task *tk = task_find_locked(p->maker);

	HELD(&proc_lock);
	return tk != NULL && tk->proc == p->parent ? tk : NULL;
}

/* Is the parent notified of stops?  Not if it ignores SIGCHLD, even while that is
 * blocked. */
static bool
wants_news(const struct proc *parent)
{
	struct abi_sigaction sa = sighand_act(parent->sighand, SIGCHLD);

	return sa.handler != SIG_IGN && (sa.flags & SA_NOCLDSTOP) == 0;
}

/*
 * News of a child, or of a thread that it traces, for a process whose wait finds them.
 * first: the thread that is tried first, or NULL: the leader.
 *
 * Locks:    proc_lock held.
 */
void
sig_tell_locked(struct proc *to, struct task *first, const struct siginfo *si)
{
	bool is_end = si->code == CLD_EXITED || si->code == CLD_KILLED;

	HELD(&proc_lock);
	wake_all(&to->child_wq);
	if (to->sighand == NULL || (!is_end && !wants_news(to)))
		return;
	(void)post_locked(to, NULL, first, si);
}

/* p ended, stopped or went on: the siginfo for its parent. */
static struct siginfo
news_of_locked(struct proc *p, int signo, int code, int status)
{
	struct siginfo si = { .signo = signo, .code = code, .pid = p->pid,
		.uid = p->cred.uid, .status = status };
	uint64_t ut, st;

	HELD(&proc_lock);
	proc_times_locked(p, &ut, &st);
	si.utime = (int64_t)(ut / 10000000);
	si.stime = (int64_t)(st / 10000000);
	return si;
}

/*
 * Tell the parent with signo that p ended, stopped or continued, and wake its
 * wait.
 *
 * Locks:    proc_lock held.
 */
void
sig_notify_parent_locked(struct proc *p, int signo, int code, int status)
{
	struct siginfo si;

	HELD(&proc_lock);
	if (p->parent == NULL)
		return;
	si = news_of_locked(p, signo, code, status);
	sig_tell_locked(p->parent, maker_locked(p), &si);
}

/*
 * When the last thread has stopped, notify the parent, once; a tracer is notified of each
 * thread.
 *
 * Locks:    proc_lock held.
 */
void
sig_stop_check_locked(struct proc *p)
{
	HELD(&proc_lock);
	if (p->stop_sig == 0 || p->stop_told || p->nstopped < p->nthreads)
		return;
	p->stop_told = p->stop_news = true;
	p->cont_news = false;
	p->cont_due = 0;
	proc_changed_locked(p);
	if (!tracee_is_by_parent_locked(p))
		sig_notify_parent_locked(p, SIGCHLD, CLD_STOPPED, p->stop_sig);
}

/*
 * The current thread goes on.  If it is the first after a SIGCONT, notify the parent, and
 * the tracer of the leader.
 *
 * Locks:    proc_lock held.
 */
void
sig_cont_check_locked(struct proc *p)
{
	int code = p->cont_due;
	struct siginfo si;

	HELD(&proc_lock);
	if (code == 0 || p->group_exit)
		return;
	p->cont_due = 0;
	si = news_of_locked(p, SIGCHLD, code, code == CLD_CONTINUED ? SIGCONT : 0);
	if (p->parent != NULL)
		sig_tell_locked(p->parent, maker_locked(p), &si);
	if (p->traced != NULL && !tracee_is_by_parent_locked(p))
		sig_tell_locked(p->traced->tracer->proc, NULL, &si);
}

/* ---- who may send, to whom ---- */

/* Information about a signal that the current process sends. */
void
sig_fill_user(struct siginfo *si, int signo, int code)
{
	struct proc *p = proc_current();

	*si = (struct siginfo){ .signo = signo, .code = code, .pid = p->pid,
		.uid = p->cred.uid };
}

/* May the current process signal p?  Locks: proc_lock held. */
bool
sig_may_send(struct proc *p, int signo)
{
	const struct proc *me = proc_current();
	const struct cred *a = &me->cred, *b = &p->cred;

	HELD(&proc_lock);
	if (cred_may(a, CAP_KILL) || a->euid == b->uid || a->euid == b->suid ||
	    a->uid == b->uid || a->uid == b->suid)
		return true;
	return signo == SIGCONT && me->sid == p->sid;
}

/* Is it a number that kill(2) takes?  0 asks only. */
bool
sig_is_valid(int signo)
{
	return signo >= 0 && signo <= NSIG;
}

struct kill_walk {
	int pgid;                /* 0: all but init and the caller */
	const struct siginfo *si;
	bool by_kernel;
	int result;              /* -ESRCH, -EPERM, 0 */
};

static void
kill_member(void *arg, struct proc *p)
{
	struct kill_walk *k = arg;
	int r = 0;

	if (k->pgid != 0 ? p->pgid != k->pgid :
	    p->pid == 1 || p == proc_current())
		return;
	if (!sig_is_valid(k->si->signo)) {
		k->result = -EINVAL;
		return;
	}
	if (!k->by_kernel && !sig_may_send(p, k->si->signo)) {
		/* Of all there are, some are always others'. */
		if (k->result == -ESRCH)
			k->result = k->pgid == 0 ? 0 : -EPERM;
		return;
	}
	if (k->si->signo != 0)
		r = sig_send_member_locked(p, k->si);
	if (k->result != 0)
		k->result = r;
}

/*
 * A signal of the kernel (terminal) to a group.
 *
 * Locks:    takes proc_lock.
 * Context:  thread.
 */
void
sig_send_group(int pgid, int signo)
{
	struct siginfo si = { .signo = signo, .code = SI_KERNEL };
	struct kill_walk k = { pgid, &si, true, -ESRCH };

	if (pgid <= 0)
		return;
	spin_lock(&proc_lock);
	group_walk_locked(pgid, kill_member, &k);
	spin_unlock(&proc_lock);
}

/* May it be sent?  0, -EINVAL, -EPERM. */
static int
kill_check_locked(struct proc *p, int signo)
{
	HELD(&proc_lock);
	if (!sig_is_valid(signo))
		return -EINVAL;
	return sig_may_send(p, signo) ? 0 : -EPERM;
}

/*
 * kill(2) of one process, live or zombie.
 *
 * Locks:    proc_lock held.
 * Returns:  0, -EINVAL, -EPERM, -EAGAIN.
 */
int
sig_kill_locked(struct proc *p, const struct siginfo *si)
{
	int r = kill_check_locked(p, si->signo);

	HELD(&proc_lock);
	return r < 0 || si->signo == 0 ? r : sig_send_proc_locked(p, si);
}

/* The same by a number; if it is a thread's, that thread is tried first. */
static int
kill_id_locked(int id, const struct siginfo *si)
{
	struct task *tk = task_find_locked(id);
	struct proc *p = proc_of_id_locked(id);
	int r;

	HELD(&proc_lock);
	if (p == NULL)
		return -ESRCH;
	if (tk == NULL || tk->tid == p->pid)
		return sig_kill_locked(p, si);
	r = kill_check_locked(p, si->signo);
	return r < 0 || si->signo == 0 ? r : sig_send_first_locked(tk, si);
}

/*
 * kill(2): pid > 0 a process, by the number of any of its threads; 0 the own
 * group, -1 all, < -1 a group.  signo 0 only probes.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH, -EINVAL (signo; asked when somebody is found), -EPERM,
 *           -EAGAIN.
 */
int
sig_kill(int pid, const struct siginfo *si)
{
	struct kill_walk k = { 0, si, false, -ESRCH };

	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock(&proc_lock);
	if (pid > 0) {
		k.result = kill_id_locked(pid, si);
	} else if (pid == -1) {
		proc_walk_locked(kill_member, &k);
	} else {
		k.pgid = pid == 0 ? proc_current()->pgid : -pid;
		group_walk_locked(k.pgid, kill_member, &k);
	}
	spin_unlock(&proc_lock);
	return k.result;
}
