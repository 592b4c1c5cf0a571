/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracestop.c: where a traced thread stops, and how it goes on
 *
 * Problem   A thread stops at signals, calls, clones, its exec and its end, tells
 *           its tracer, and goes on as that says: with other registers, another
 *           signal, another call.
 *
 * Picture   sigdeliver.c: a signal, a stop of the process, a trap ─┐
 *           trace_call: entry and exit of a call ──────────────────┼→ stop_locked
 *           fork.c, exec.c, exit.c: trace_event ───────────────────┘      │
 *              registers out ─→ tell the tracer ─→ sleep ─→ registers in ←┘
 *
 * Rules     1. The tracer never touches the stack of the thread: registers lie in
 *              struct tracee during a stop, so the thread may be killed then.
 *           2. SIGKILL ends each stop.  A thread at its exit stop was killed already,
 *              and stops all the same until the next SIGKILL, or until its process
 *              is told to end or execs.
 *           3. A frame in which sysret restores the registers is left by iret when
 *              they were changed: RF in its flags says so, and nobody sees it.
 *           4. TF is in the frame only while one instruction is to be stepped.
 *
 * Read next proc/ptrace.c, proc/sigdeliver.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "lib/string.h"

#define RFLAGS_TF 0x100ul
#define RFLAGS_RF 0x10000ul
#define CODE_SYSGOOD 0x80

/* One stop. */
struct stop {
	int code;                /* as wait tells it: a signal, an event << 8 */
	int why;                 /* CLD_TRAPPED, CLD_STOPPED, for SIGCHLD */
	uint64_t message;
	struct siginfo *info;    /* as the tracer leaves it; NULL: none */
	bool ending;
};

static int stop_locked(struct task *, const struct stop *);

/* Does it go on by one instruction? */
static bool
by_step(const struct tracee *t)
{
	return t->how == PTRACE_SINGLESTEP || t->how == PTRACE_SYSEMU_SINGLESTEP;
}

/* Are its calls the tracer's to answer? */
static bool
is_emulated(const struct tracee *t)
{
	return t->how == PTRACE_SYSEMU || t->how == PTRACE_SYSEMU_SINGLESTEP;
}

/* ---- registers ---- */

/* Out of the thread, which is the current one. */
static void
regs_out_locked(struct tracee *t)
{
	struct md_thread *md = &t->task->thread->md;
	struct trapframe *tf = &t->regs.frame;

	HELD(&proc_lock);
	*tf = *md_user_frame(md);
	t->changed = t->stepping;
	if (t->stepping)
		tf->rflags &= ~RFLAGS_TF;
	t->stepping = false;
	if (tf->vector == MD_VEC_SYSCALL)
		tf->rflags &= ~RFLAGS_RF; /* rule 3 */
	if (tf->vector != MD_VEC_SYSCALL)
		tf->error = t->in_call ? (uint64_t)t->call : UINT64_MAX;
	else if (t->in_call)
		tf->rax = (uint64_t)-ENOSYS; /* until there is an answer */
	md_fpu_save(md);
	memcpy(t->regs.fpu, md->fpu, sizeof(t->regs.fpu));
	md_get_tls(md, &t->regs.fsbase, &t->regs.gsbase);
}

/*
 * Back into it.  The frame of a call says with which number it was made: one that
 * the tracer makes less than 0 does not begin again.
 */
static void
regs_in_locked(struct tracee *t)
{
	struct md_thread *md = &t->task->thread->md;
	struct trapframe *tf = md_user_frame(md);
	uint64_t vector = tf->vector;

	HELD(&proc_lock);
	if (md->debug != NULL)
		md_debug_load(md);
	if (!t->changed && !by_step(t))
		return;
	t->changed = false;
	*tf = t->regs.frame;
	if (!t->in_call)
		vector = (int64_t)tf->error < 0 ? 0 : MD_VEC_SYSCALL;
	tf->vector = vector;
	t->stepping = by_step(t) && (tf->rflags & RFLAGS_TF) == 0;
	if (t->stepping)
		tf->rflags |= RFLAGS_TF;
	else if (tf->vector == MD_VEC_SYSCALL)
		tf->rflags |= RFLAGS_RF;
	(void)md_fpu_load(md, t->regs.fpu);
	md_set_tls(md, t->regs.fsbase, t->regs.gsbase);
}

/* ---- one stop ---- */

/* News for the tracer.  Locks: proc_lock held. */
static void
tell_locked(struct tracee *t, int why)
{
	struct siginfo si = { .signo = SIGCHLD, .code = why, .pid = t->tid,
		.uid = t->proc->cred.uid };
	uint64_t ut, st;

	HELD(&proc_lock);
	si.status = why == CLD_STOPPED ? t->proc->stop_sig : t->code & 0x7f;
	task_times(t->task, &ut, &st);
	si.utime = (int64_t)(ut / 10000000);
	si.stime = (int64_t)(st / 10000000);
	sig_tell_locked(t->tracer->proc, NULL, &si);
}

/*
 * Stop the current thread, which is traced, until its tracer says how it goes on.
 *
 * Locks:    proc_lock held; released meanwhile.
 * Context:  thread, sleeps.
 * Returns:  a signal to go on with, or 0; the code, unchanged, if it is killed.
 */
static int
stop_locked(struct task *tk, const struct stop *s)
{
	enum wait_how how = s->ending ? WAIT_PLAIN : WAIT_KILLABLE;
	struct tracee *t = tk->traced;
	int code;

	HELD(&proc_lock);
	if (!s->ending && thread_is_killed())
		return s->code;
	regs_out_locked(t);
	t->stopped = t->parked = true;
	t->ending = s->ending;
	t->code = t->stop = s->code;
	t->message = s->message;
	t->info = s->info != NULL ? *s->info : (struct siginfo){ .signo = 0 };
	t->trap = false;
	if (s->code >> 8 == TRACE_STOP)
		t->news = false;
	EVENT(ptrace_stop, (uint64_t)t->tid, (uint64_t)s->code);
	tell_locked(t, s->why);
	spin_unlock(&proc_lock);

	(void)wait_until(&tk->sig_wq, how, WAIT_FOREVER,
	    UNDER(&proc_lock, !task_is_held(tk)));

	spin_lock(&proc_lock);
	t = tk->traced;
	/* Killed, it takes no orders. */
	code = t->stopped ? s->code : t->code;
	if (s->info != NULL)
		*s->info = t->info;
	t->stopped = t->parked = t->listening = t->ending = false;
	t->code = 0;
	t->info.signo = 0;
	regs_in_locked(t);
	if (t->tracer == NULL)
		tracee_free_locked(t);
	sig_recalc_locked(tk);
	return code;
}

/* A stop made by the kernel: its siginfo has the code of the stop. */
static int
notify_locked(struct task *tk, int code, int why, uint64_t message)
{
	struct siginfo si = { .signo = code & 0x7f, .code = code,
		.pid = tk->tid, .uid = tk->proc->cred.uid };
	struct stop s = { .code = code, .why = why, .message = message,
		.info = &si };

	HELD(&proc_lock);
	if (code >> 8 != TRACE_STOP)
		si.signo = SIGTRAP;
	s.ending = code >> 8 == TRACE_EXIT;
	return stop_locked(tk, &s);
}

/* ---- signals, stops of the process, traps ---- */

/*
 * A signal of the current thread, which is traced, is shown to its tracer first.
 *
 * Locks:    proc_lock held; released meanwhile.
 * Returns:  the signal to act on, which si tells of; 0: none.
 */
int
trace_signal_locked(struct task *tk, struct siginfo *si, bool of_task)
{
	struct stop s = { .code = si->signo, .why = CLD_TRAPPED, .info = si };
	struct task *tracer;
	int signo;

	HELD(&proc_lock);
	tk->traced->may_stop = true;
	signo = stop_locked(tk, &s);
	if (signo == 0)
		return 0;
	if (signo != si->signo) {
		tracer = tk->traced != NULL ? tk->traced->tracer : NULL;
		*si = (struct siginfo){ .signo = signo, .code = SI_USER };
		if (tracer != NULL) {
			si->pid = tracer->tid;
			si->uid = tracer->proc->cred.uid;
		}
	}
	if ((tk->blocked & SIGBIT(signo)) != 0) {
		(void)(of_task ? sig_send_task_locked(tk, si) :
		    sig_send_proc_locked(tk->proc, si));
		return 0;
	}
	return signo;
}

/*
 * Has the current thread to stop for its tracer before it looks at signals: with its
 * process, because it was asked to, or to tell of a SIGCONT?  Then it does.
 *
 * Locks:    proc_lock held; released meanwhile.
 * Returns:  did it stop?
 */
bool
trace_due_locked(struct task *tk)
{
	struct proc *p = tk->proc;
	struct tracee *t = tk->traced;
	struct stop s = { .why = CLD_STOPPED };
	bool group;

	HELD(&proc_lock);
	group = task_is_traced(tk) && task_must_stop(tk);
	if (!task_is_traced(tk) || (!group && !t->trap && !t->news))
		return false;
	if (group) {
		t->in_group = true;
		p->nstopped++;
		sig_stop_check_locked(p);
	}
	s.code = p->stop_sig;
	if (!t->seized && group)
		(void)stop_locked(tk, &s);
	else
		(void)notify_locked(tk, (p->stop_sig != 0 ? p->stop_sig :
		    SIGTRAP) | TRACE_STOP << 8, CLD_STOPPED, 0);
	return true;
}

/* A handler's frame is about to be made of tf.  Is it the step that was asked for?
 * Locks: takes proc_lock. */
bool
trace_ends_step(struct task *tk, struct trapframe *tf)
{
	bool stepping;

	spin_lock(&proc_lock);
	stepping = tk->traced != NULL && tk->traced->stepping;
	if (stepping) {
		tk->traced->stepping = false;
		tf->rflags &= ~RFLAGS_TF;
	}
	spin_unlock(&proc_lock);
	return stepping;
}

/* That frame is there: the step has led to the handler.  Locks: takes proc_lock. */
void
trace_handler(struct task *tk)
{
	spin_lock(&proc_lock);
	if (task_is_traced(tk))
		(void)notify_locked(tk, SIGTRAP, CLD_TRAPPED, 0);
	spin_unlock(&proc_lock);
}

/* ---- calls ---- */

/* Entry or exit of a call; the tracer's signal is sent to the thread. */
static void
stop_at_call_locked(struct task *tk, enum trace_call at)
{
	struct siginfo si = { .code = SI_KERNEL };
	unsigned good = tk->traced->options & TRACE_SYSGOOD;
	int code = good != 0 ? SIGTRAP | CODE_SYSGOOD : SIGTRAP;

	HELD(&proc_lock);
	si.signo = notify_locked(tk, code, CLD_TRAPPED, at);
	if (si.signo > 0 && si.signo <= NSIG && !thread_is_killed())
		(void)sig_send_task_locked(tk, &si);
}

/* Before the call.  Returns: is it to be made? */
static bool
call_begins(struct task *tk, struct trapframe *tf)
{
	struct tracee *t;
	bool make = true, emulated;

	spin_lock(&proc_lock);
	t = tk->traced;
	if (task_is_traced(tk)) {
		t->in_call = true;
		t->call = (int)tf->error;
		emulated = is_emulated(t);
		if (t->how == PTRACE_SYSCALL || emulated) {
			tf->rax = (uint64_t)-ENOSYS;
			stop_at_call_locked(tk, TRACE_CALL_ENTRY);
			make = !emulated && (int)tf->error != -1 && !thread_is_killed();
			if (make)
				tf->rax = tf->error;
		}
	}
	spin_unlock(&proc_lock);
	return make;
}

/* After it: the tracer looks, or a step is over. */
static void
call_ends(struct task *tk, struct trapframe *tf)
{
	struct tracee *t;
	bool stepped = false;

	spin_lock(&proc_lock);
	t = tk->traced;
	if (task_is_traced(tk)) {
		t->in_call &= tf->vector != MD_VEC_SYSCALL;
		stepped = t->stepping && !is_emulated(t);
		if (t->how == PTRACE_SYSCALL)
			stop_at_call_locked(tk, TRACE_CALL_EXIT);
	}
	if (tk->traced != NULL)
		tk->traced->in_call = false;
	spin_unlock(&proc_lock);
	if (stepped)
		sig_force(SIGTRAP, TRAP_BRKPT, tf->rip);
}

/*
 * The dispatch of calls while anybody is traced; call() is that of sys/.
 *
 * Locks:    none.
 */
void
trace_call(struct trapframe *tf, void (*call)(struct trapframe *))
{
	struct task *tk = task_current();

	/* Only the thread itself frees the struct; a change is seen at the next call. */
	if (tk->traced == NULL) {
		call(tf);
	} else {
		if (call_begins(tk, tf))
			call(tf);
	}
	if (tk->traced != NULL)
		call_ends(tk, tf);
}

/* ---- events ---- */

static bool
is_wanted_locked(const struct task *tk, enum trace_event event)
{
	HELD(&proc_lock);
	return task_is_traced(tk) &&
	    (tk->traced->options & BIT(event)) != 0;
}

/*
 * An event of the current thread; the tracer has asked to see it, or there is no stop.
 *
 * Locks:    takes proc_lock.
 * Context:  thread, sleeps.
 */
void
trace_event(enum trace_event event, uint64_t message)
{
	struct task *tk = task_current();

	spin_lock(&proc_lock);
	if (is_wanted_locked(tk, event))
		(void)notify_locked(tk, SIGTRAP | (int)event << 8, CLD_TRAPPED,
		    message);
	spin_unlock(&proc_lock);
}

/* The event by which a clone of the current thread is reported to its tracer; 0: none.
 * Locks: proc_lock held. */
enum trace_event
trace_of_clone_locked(const struct clone_req *req)
{
	enum trace_event event = (req->flags & CLONE_VFORK) != 0 ? TRACE_VFORK :
	    req->exit_signal != SIGCHLD ? TRACE_CLONE : TRACE_FORK;

	HELD(&proc_lock);
	if ((req->flags & CLONE_UNTRACED) != 0 ||
	    !is_wanted_locked(task_current(), event))
		return 0;
	return event;
}

/*
 * A child of the current thread is traced as that is, if the tracer wants to see
 * clones, or the program asks for it; it stops before its first instruction.
 *
 * Locks:    proc_lock held.
 * Returns:  false: no memory.
 */
bool
trace_child_locked(struct task *child, struct thread *thread,
    const struct clone_req *req)
{
	struct task *me = task_current();
	struct tracee *mine = me->traced, *t;
	bool wanted = trace_of_clone_locked(req) != 0 ||
	    (req->flags & CLONE_PTRACE) != 0;

	HELD(&proc_lock);
	if (mine != NULL && mine->stepping)
		md_user_frame(&thread->md)->rflags &= ~RFLAGS_TF;
	if (!task_is_traced(me) || !wanted)
		return true;
	t = tracee_link_locked(child, mine->tracer);
	if (t == NULL)
		return false;
	t->options = mine->options;
	t->by_root = mine->by_root;
	t->seized = t->trap = mine->seized;
	if (!t->seized)
		child->pending.set |= SIGBIT(SIGSTOP);
	return true;
}

/* The current thread runs a new program.  Who did not ask for the event and attached
 * as of old gets a signal.  Locks: takes proc_lock. */
void
trace_exec(int old_tid)
{
	struct task *tk = task_current();
	struct siginfo si;

	trace_event(TRACE_EXEC, (uint64_t)old_tid);
	sig_fill_user(&si, SIGTRAP, SI_USER);
	spin_lock(&proc_lock);
	if (task_is_traced(tk) && !tk->traced->seized &&
	    !is_wanted_locked(tk, TRACE_EXEC))
		(void)sig_send_task_locked(tk, &si);
	spin_unlock(&proc_lock);
}
