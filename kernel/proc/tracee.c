/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracee.c: the bond between a thread and its tracer
 *
 * Problem   Tracer and tracee may end, be killed or detach at any time, while
 *           the struct that links them is in use.
 *
 * Picture   struct proc ─ tracees ─→ struct tracee ─ task ─→ struct task
 *           (of the tracer)             │  ↑─────── traced ────────┘
 *                                       └ proc ─→ struct proc: traced, if the
 *                                                 tracee is its first thread
 *
 * Rules     1. Nobody holds more than proc_lock while it uses a tracee; it may
 *              be gone after each sleep.
 *           2. A tracee that leaves a stop has registers that its tracer may have
 *              changed: a detach then leaves the rest to the thread, which takes
 *              the registers and frees the struct.
 *           3. While nobody is traced, calls and faults do not test for it:
 *              another dispatch of calls is used while somebody is.
 *
 * Read next proc/tracewake.c, proc/tracestop.c, proc/ptrace.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/tracee.h"

#include "mem/mem.h"

static struct kmem_cache tracee_cache = KMEM_CACHE("tracee", struct tracee);

static struct {
	void (*watch)(bool on);  /* [c] calls are to be looked at */
	unsigned bonds;          /* [L] how many there are */
} tracing;

/* Set the function that is called when tracing begins or ends; under proc_lock.  Locks:
 * none; boot. */
void
tracee_init(void (*watch)(bool on))
{
	tracing.watch = watch;
}

static void
count_locked(int n)
{
	HELD(&proc_lock);
	tracing.bonds += (unsigned)n;
	if (tracing.bonds == (n > 0 ? 1 : 0))
		tracing.watch(n > 0);
}

/*
 * Let tracer trace tk, which nobody traces.
 *
 * Locks:    proc_lock held.
 * Returns:  the new tracee, attached and not seized; NULL: no memory.
 */
struct tracee *
tracee_link_locked(struct task *tk, struct task *tracer)
{
	struct tracee *t = tk->traced;

	HELD(&proc_lock);
	ASSERT(!task_is_traced(tk));
	if (t == NULL) {
		t = kmem_cache_zalloc(&tracee_cache);
		if (t == NULL)
			return NULL;
		list_node_init(&t->node);
		t->task = tk;
		proc_get(t->proc = tk->proc);
		tk->traced = t;
	}
	/* One that has just been let go keeps its registers for the thread. */
	t->tracer = tracer;
	t->tid = tk->tid;
	t->options = 0;
	t->how = PTRACE_CONT;
	t->seized = t->trap = t->news = t->may_stop = false;
	if (tk->proc->state == PROC_NEW || tk->tid == tk->proc->pid)
		tk->proc->traced = t;
	list_push_front(&tracer->proc->tracees, &t->node);
	count_locked(1);
	EVENT(ptrace_attach, (uint64_t)t->tid, (uint64_t)tracer->tid);
	return t;
}

/* The tracer's half ends; who waits for t there looks whether that is so still.
 * Locks: proc_lock held. */
static void
unbind_locked(struct tracee *t)
{
	HELD(&proc_lock);
	if (t->tracer == NULL)
		return;
	EVENT(ptrace_detach, (uint64_t)t->tid, (uint64_t)t->tracer->tid);
	list_remove(&t->node);
	wake_all(&t->tracer->proc->child_wq);
	t->tracer = NULL;
	if (t->proc->traced == t)
		t->proc->traced = NULL;
	else if (t->task == NULL)
		t->proc->nended--;
	tracee_leave_group_locked(t);
	count_locked(-1);
}

/*
 * Nobody needs t any more: not its thread, which runs on or has ended.
 *
 * Locks:    proc_lock held.
 * Owns:     drops its reference of the process.
 */
void
tracee_free_locked(struct tracee *t)
{
	struct proc *p = t->proc;

	HELD(&proc_lock);
	unbind_locked(t);
	if (t->task != NULL)
		t->task->traced = NULL;
	kmem_cache_free(&tracee_cache, t);
	proc_put(p);
}

/*
 * A tracee whose thread lives runs on without a tracer, with a signal or 0.
 *
 * Locks:    proc_lock held.
 */
void
tracee_let_go_locked(struct tracee *t, int signo)
{
	struct task *tk = t->task;

	HELD(&proc_lock);
	if (!t->parked) {
		tracee_free_locked(t);
	} else {
		if (t->stopped)
			t->code = signo;
		t->how = PTRACE_CONT;
		unbind_locked(t);
		tracee_wake_locked(t);
	}
	/* There may be a stop of its process to join. */
	thread_notify(tk->thread, THREAD_SIGNAL);
}
