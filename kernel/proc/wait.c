/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c: waiting for a child's end, stop or continuation
 *
 * Problem   A parent wants the status of children that ended, stopped or
 *           continued: of one, of a group or of any; at once, or by sleeping.
 *
 * Picture   changed ─→ eligible? ─→ ZOMBIE: claim, count times, free
 *                               ├→ stop_news, cont_news: report once
 *                               └→ else any child? sleep in child_wq
 *           tracees ─→ a stop, an end ─→ report, and once more to the parent
 *
 * Rules     1. A zombie is claimed by one thread, under proc_lock; it is in
 *              no table afterwards, and its number is free.
 *           2. A named child is looked up by its number; a wait for any child looks
 *              only at children with news: a thousand running ones cost nothing.
 *           3. A tracer finds the stops and the end of its tracees, whatever flags it
 *              gave; a zombie of another parent is then shown to that parent, and
 *              each zombie only when tracers have seen the ends of its threads.
 *           4. The claiming thread waits until the child's kernel threads are
 *              freed: after wait nothing of the child is left (book: abi 10).
 *
 * Read next proc/exit.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"

#define OPT_WNOTHREAD 0x20000000u
#define OPT_WALL 0x40000000u
#define OPT_WCLONE 0x80000000u
#define OPT_WNOHANG 1u
#define OPT_WSTOPPED 2u
#define OPT_WEXITED 4u
#define OPT_WCONTINUED 8u
#define OPT_WNOWAIT 0x01000000u

static int wait_scan(const struct wait_req *, struct wait_result *,
    struct proc **claimed);
static bool wait_wants(const struct wait_req *, const struct proc *child);
static bool wait_has_child(const struct wait_req *, struct proc *me);
static bool wait_look(const struct wait_req *, struct proc *child,
    struct wait_result *, struct proc **claimed);
static void wait_claim_locked(struct proc *child,
    const struct wait_result *);
static void wait_released(struct proc *);
static int wait_tracees(const struct wait_req *, struct wait_result *, int r);

/*
 * Wait for a child.
 *
 * Locks:    takes proc_lock.
 * Context:  thread, may sleep (not with WNOHANG).
 * Returns:  0 (result filled; pid 0: none ready), -ECHILD, -ERESTARTSYS.
 */
int
proc_wait(const struct wait_req *req, struct wait_result *res)
{
	struct proc *me = proc_current(), *claimed = NULL;
	struct waiter w;
	int r;

	*res = (struct wait_result){ .pid = 0 };
	for (;;) {
		wait_prepare(&me->child_wq, &w);
		r = wait_scan(req, res, &claimed);
		if (r != 0 || (req->options & OPT_WNOHANG) != 0)
			break;
		r = wait_sleep(&w, WAIT_INTR, WAIT_FOREVER);
		wait_finish(&w);
		if (r < 0)
			return -ERESTARTSYS;
	}
	wait_finish(&w);
	if (claimed != NULL)
		wait_released(claimed);
	return r < 0 ? r : 0;
}

/* 1: result filled; 0: children, but none ready; -ECHILD. */
static int
wait_scan(const struct wait_req *req, struct wait_result *res,
    struct proc **claimed)
{
	struct proc *me = proc_current(), *child;
	bool found = false;
	int r;

	spin_lock(&proc_lock);
	if (req->pid > 0) {
		child = proc_find_locked(req->pid);
		r = child == NULL || child->parent != me ||
		    (req->of != NULL && child != req->of) ||
		    !wait_wants(req, child) ? -ECHILD :
		    wait_look(req, child, res, claimed);
		if (r <= 0 && !list_is_empty(&me->tracees))
			r = wait_tracees(req, res, r);
	} else {
		LIST_FOREACH(child, &me->changed, change) {
			found = wait_wants(req, child) &&
			    wait_look(req, child, res, claimed);
			if (found)
				break;
		}
		r = found ? 1 : wait_has_child(req, me) ? 0 : -ECHILD;
		if (!found && !list_is_empty(&me->tracees))
			r = wait_tracees(req, res, r);
	}
	spin_unlock(&proc_lock);
	return r;
}

/* Is the child, by its number or group, or whose it is, one of those that are asked
 * for? */
static bool
wait_wants(const struct wait_req *req, const struct proc *child)
{
	bool is_clone = child->exit_signal != SIGCHLD;
	bool want_clone = (req->options & OPT_WCLONE) != 0;

	if ((req->options & OPT_WALL) == 0 && is_clone != want_clone &&
	    !tracee_is_by_parent_locked(child))
		return false;
	if (child->state == PROC_ZOMBIE && (req->options & OPT_WEXITED) == 0)
		return false;
	if ((req->options & OPT_WNOTHREAD) != 0 &&
	    proc_parent_thread_locked(child) != task_current())
		return false;
	return req->pid != 0 || child->pgid == req->pgid;
}

/* Is there anybody whose news are worth waiting for? */
static bool
wait_has_child(const struct wait_req *req, struct proc *me)
{
	struct proc *child;

	LIST_FOREACH(child, &me->children, sibling)
		if (wait_wants(req, child))
			return true;
	return false;
}

/* The usage of the child, with its own children for which it has waited. */
static void
wait_usage_locked(struct proc *child, struct wait_result *res)
{
	uint64_t major = ev_read_proc(&child->events, EV_fault_major);

	HELD(&proc_lock);
	proc_times_locked(child, &res->utime_ns, &res->stime_ns);
	res->utime_ns += child->cutime_ns;
	res->stime_ns += child->cstime_ns;
	res->minflt = proc_faults_locked(child) - major + child->cminflt;
	res->majflt = major + child->cmajflt;
	res->maxrss = MAX(child->maxrss, child->cmaxrss);
	proc_switches_locked(child, res->switches);
	res->switches[0] += child->cswitches[0];
	res->switches[1] += child->cswitches[1];
}

/* Has the child news of a wanted kind?  Then report them. */
static bool
wait_look(const struct wait_req *req, struct proc *child,
    struct wait_result *res, struct proc **claimed)
{
	bool keep = (req->options & OPT_WNOWAIT) != 0;
	bool end = child->state == PROC_ZOMBIE && child->nended == 0 &&
	    (child->traced == NULL || tracee_is_by_parent_locked(child));
	bool stop = child->stop_news && child->stop_sig != 0 &&
	    (req->options & OPT_WSTOPPED) != 0 &&
	    !tracee_is_by_parent_locked(child);

	if (!end && !stop &&
	    !(child->cont_news && (req->options & OPT_WCONTINUED) != 0))
		return false;
	res->uid = child->cred.uid;
	wait_usage_locked(child, res);
	if (end) {
		res->status = child->wait_status;
		if (!keep) {
			wait_claim_locked(child, res);
			*claimed = child;
		}
	} else if (stop) {
		res->status = W_STOPCODE(child->stop_sig);
		child->stop_news = keep;
	} else {
		res->status = W_CONTINUED;
		child->cont_news = keep;
	}
	res->pid = child->pid;
	return true;
}

/* Take the zombie out of the tree; its times become the parent's. */
static void
wait_claim_locked(struct proc *child, const struct wait_result *res)
{
	struct proc *me = proc_current();

	HELD(&proc_lock);
	me->cutime_ns += res->utime_ns;
	me->cstime_ns += res->stime_ns;
	me->cminflt += res->minflt;
	me->cmajflt += res->majflt;
	me->cmaxrss = MAX(me->cmaxrss, res->maxrss);
	me->cswitches[0] += res->switches[0];
	me->cswitches[1] += res->switches[1];
	child->state = PROC_DEAD;
	proc_unhash_locked(child);
	if (child->traced != NULL)
		tracee_free_locked(child->traced);
}

/* ---- who is traced ---- */

static bool
wait_wants_tracee(const struct wait_req *req, const struct tracee *t)
{
	if ((req->of != NULL && t->proc != req->of) ||
	    ((req->options & OPT_WNOTHREAD) != 0 && t->tracer != task_current()))
		return false;
	return req->pid > 0 ? t->tid == req->pid :
	    req->pid != 0 || t->proc->pgid == req->pgid;
}

/* Has t ended, for its tracer?  If it is a child of that, wait_look() finds it. */
static bool
wait_has_ended(const struct tracee *t)
{
	if (t != t->proc->traced)
		return t->task == NULL;
	return t->proc->state == PROC_ZOMBIE && t->proc->nended == 0 &&
	    !tracee_is_by_parent_locked(t->proc);
}

/* A stop, which is reported once, or an end. */
static bool
wait_look_tracee(const struct wait_req *req, struct tracee *t,
    struct wait_result *res)
{
	bool keep = (req->options & OPT_WNOWAIT) != 0;
	bool end = (req->options & OPT_WEXITED) != 0 && wait_has_ended(t);
	bool stop = t->stopped && !t->listening && t->code != 0;

	if (!end && !stop)
		return false;
	res->pid = t->tid;
	res->uid = t->proc->cred.uid;
	wait_usage_locked(t->proc, res);
	if (stop) {
		res->trapped = true;
		res->status = W_STOPCODE(t->code);
		t->code = keep ? t->code : 0;
		return true;
	}
	res->status = t->proc->group_exit || t == t->proc->traced ?
	    t->proc->wait_status : t->status;
	if (!keep)
		trace_show_zombie_locked(t);
	return true;
}

/* 1: result filled; else r, or 0: there is one to wait for. */
static int
wait_tracees(const struct wait_req *req, struct wait_result *res, int r)
{
	struct tracee *t;

	LIST_FOREACH(t, &proc_current()->tracees, node) {
		if (!wait_wants_tracee(req, t))
			continue;
		if (wait_look_tracee(req, t, res))
			return 1;
		r = 0;
	}
	return r;
}

/*
 * The last threads of the child may still be on their way out of their
 * stacks; that takes no lock and no memory, so it is soon over.  Those that
 * are out of them need not wait for the worker.
 *
 * Owns:     drops the table's reference.
 */
static void
wait_released(struct proc *p)
{
	if (atomic_load(&p->unreleased) > 0) {
		thread_clear_dead();
		(void)wait_until(&p->thread_wq, WAIT_PLAIN, WAIT_FOREVER,
		    atomic_load(&p->unreleased) == 0);
	}
	proc_put(p);
}
