/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracee.h: a thread that another one traces, as ptrace(2) has it
 *
 * Offers    struct tracee and its functions for sys/.
 * Needs     proc/procdat.h.
 *
 * A life    tracee_link_locked() → (stopped → goes on)* → let go by its tracer, or
 *           ended: a thread is reaped by its tracer, and the first one of a
 *           process, with the process, is first shown to the tracer → freed.
 */
#ifndef PROC_TRACEE_H
#define PROC_TRACEE_H

#include "proc/procdat.h"

/* What is asked for by PTRACE_SETOPTIONS: numbers of Linux. */
#define TRACE_SYSGOOD 0x01u
#define TRACE_EXITKILL 0x100000u
#define TRACE_OPTIONS 0x1000ffu

/* Events: bit n of the options asks for event n. */
enum trace_event {
	TRACE_FORK = 1, TRACE_VFORK, TRACE_CLONE, TRACE_EXEC, TRACE_VFORK_DONE,
	TRACE_EXIT, TRACE_SECCOMP, TRACE_STOP = 128
};

/* Requests of ptrace(2): numbers of Linux. */
enum {
	PTRACE_TRACEME, PTRACE_PEEKTEXT, PTRACE_PEEKDATA, PTRACE_PEEKUSER,
	PTRACE_POKETEXT, PTRACE_POKEDATA, PTRACE_POKEUSER, PTRACE_CONT,
	PTRACE_KILL, PTRACE_SINGLESTEP, PTRACE_GETREGS = 12, PTRACE_SETREGS,
	PTRACE_GETFPREGS, PTRACE_SETFPREGS, PTRACE_ATTACH, PTRACE_DETACH,
	PTRACE_OLDSETOPTIONS = 21, PTRACE_SYSCALL = 24, PTRACE_ARCH_PRCTL = 30,
	PTRACE_SYSEMU, PTRACE_SYSEMU_SINGLESTEP, PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG,
	PTRACE_GETSIGINFO, PTRACE_SETSIGINFO, PTRACE_GETREGSET,
	PTRACE_SETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_LISTEN,
	PTRACE_GETSIGMASK = 0x420a, PTRACE_SETSIGMASK,
	PTRACE_GET_SYSCALL_INFO = 0x420e
};

/* The message of a stop at a call. */
enum trace_call { TRACE_NO_CALL, TRACE_CALL_ENTRY, TRACE_CALL_EXIT };

/* What a debugger sees of a thread that is stopped.  frame.error: the number of the
 * call that it is in, or -1. */
struct trace_regs {
	struct trapframe frame;
	uint64_t fsbase, gsbase;
	uint8_t fpu[MD_FPU_SIZE];
};

struct tracee {
	struct list_node node;   /* [L] in tracer->proc->tracees */
	struct task *task;       /* [L] NULL: it has ended */
	struct proc *proc;       /* [c] a reference */
	struct task *tracer;     /* [L] NULL: let go in a stop, which it leaves */
	int tid;                 /* [L] also when it has ended */
	int code;                /* [L] stopped: what wait tells, 0: told; else the
	                          * signal with which it goes on */
	int stop;                /* [L] code as it was at first */
	int status;              /* [L] how the thread has ended */
	int call;                /* [L] in_call: its number */
	unsigned options;        /* [L] TRACE_SYSGOOD … */
	uint32_t how;            /* [L] it goes on: CONT, SYSCALL, SYSEMU, … */
	uint64_t message;        /* [L] PTRACE_GETEVENTMSG */
	struct siginfo info;     /* [L] of a stop; signo 0: a group stop has none */
	bool by_root : 1;        /* [L] set-id programs keep their rights */
	bool seized : 1;         /* [L] else attached: stops as of old */
	bool stopped : 1;        /* [L] regs count */
	bool parked : 1;         /* [L] stopped, or the thread has yet to take regs */
	bool listening : 1;      /* [L] of stopped: until there is news */
	bool ending : 1;         /* [L] of stopped: at its end, which no kill is */
	bool in_group : 1;       /* [L] the stop of its process is told, and counted
	                          * in proc->nstopped */
	bool trap : 1;           /* [L] it shall stop soon: PTRACE_INTERRUPT */
	bool news : 1;           /* [L] seized: the process was continued */
	bool may_stop : 1;       /* [L] a signal that stops is out, SIGCONT did not come */
	bool changed : 1;        /* [L] regs have been written */
	bool in_call : 1;        /* [L] between entry and exit of a call */
	bool stepping : 1;       /* [L] TF in its frame is ours */
	struct trace_regs regs;  /* [L] */
};

/* Is the thread traced?  Locks: proc_lock held. */
static inline bool
task_is_traced(const struct task *tk)
{
	return tk->traced != NULL && tk->traced->tracer != NULL;
}

/* Is it in a stop of its tracer?  Locks: proc_lock held. */
static inline bool
task_is_held(const struct task *tk)
{
	return tk->traced != NULL && tk->traced->stopped;
}

/* Has the thread to join the stop of its process?  A traced one that has shown it to
 * its tracer goes on when the tracer says so.  Locks: proc_lock held. */
static inline bool
task_must_stop(const struct task *tk)
{
	return tk->proc->stop_sig != 0 &&
	    !(task_is_traced(tk) && tk->traced->in_group);
}

/* ---- ptrace.c: what a tracer asks; contracts there ---- */

int trace_me(void) MUST_CHECK;
enum trace_start { TRACE_ATTACH, TRACE_SEIZE };
int trace_attach(int tid, enum trace_start, unsigned options) MUST_CHECK;
/* [own] What goes with a request: to it, or from it. */
struct trace_order {
	int signo;               /* CONT, SYSCALL, …, DETACH: with it, or 0 */
	unsigned options;        /* SETOPTIONS */
	unsigned debug;          /* PEEKUSER, POKEUSER: a debug register … */
	uint64_t value;          /* … and what is in it; GETSIGMASK, SETSIGMASK */
	struct trace_regs *regs; /* GETREGS, SETREGS */
	uint64_t message;        /* GETSIGINFO: of the stop, and … */
	struct siginfo info;     /* … signo 0: none; SETSIGINFO */
	struct aspace *as;       /* PEEKDATA: the caller's reference */
};
int trace_order(int tid, uint32_t request, struct trace_order *) MUST_CHECK;
int trace_space_of(int pid, struct aspace **out) MUST_CHECK;

/* ---- shared inside proc/ ---- */

/* tracee.c */
void tracee_init(void (*watch)(bool on));
struct tracee *tracee_link_locked(struct task *, struct task *tracer);
void tracee_free_locked(struct tracee *);
void tracee_let_go_locked(struct tracee *, int signo);

/* tracewake.c */
void tracee_leave_group_locked(struct tracee *);
void tracee_wake_locked(struct tracee *);
void tracee_continued_locked(struct proc *);
void tracee_killed_locked(struct proc *);
bool tracee_is_by_parent_locked(const struct proc *);

/* tracestop.c */
void trace_call(struct trapframe *, void (*call)(struct trapframe *));
int trace_signal_locked(struct task *, struct siginfo *, bool of_task);
bool trace_due_locked(struct task *);
bool trace_ends_step(struct task *, struct trapframe *);
void trace_handler(struct task *);
enum trace_event trace_of_clone_locked(const struct clone_req *);
bool trace_child_locked(struct task *child, struct thread *,
    const struct clone_req *) MUST_CHECK;
void trace_event(enum trace_event, uint64_t message);
void trace_exec(int old_tid);

/* ptrace.c */
void trace_debug_ends(struct thread *);
bool trace_drops_rights_locked(const struct task *);
void trace_tracer_ends_locked(struct task *);
void trace_ended_locked(struct task *);
void trace_renamed_locked(struct task *);
void trace_show_zombie_locked(struct tracee *);

#endif
