/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procdat.h: data dictionary of proc/ (also read by sys/)
 *
 * Two structs carry a program: struct proc is what its threads share (memory,
 * signals, identity, limits); struct task is proc/'s half of one thread.
 *
 * Tags      [L] proc_lock   [A] atomic   [c] constant after construction
 *           [own] only the thread itself   [timer] its timer's callback too
 *           [R] proc_lock and limits_lock to set, either to read
 *           [U] ipc_lock, of ipc/
 *
 * Locks     proc_lock (spin, rank LR_LEAF) guards the tree of processes,
 *           groups, sessions, signal state, limits and credentials of all.
 *           Under it nothing sleeps; of vm/ and fs/ only functions are called
 *           that take a reference (as_get(), file_get(), fdtab_look(),
 *           fsctx_get()) or set a number (as_set_rss(), map_set_limit());
 *           waking (LR_WAIT and up) and slabs are allowed.  futex.c has a
 *           lock of the same rank; the two are never held together.
 *           limits_lock is taken alone, or within.
 *
 * A life    proc_alloc → PROC_NEW (half-built, nobody finds it) →
 *           clone_enter_tree → PROC_LIVE → last thread exits → PROC_ZOMBIE →
 *           a parent reaps → PROC_DEAD → last reference → freed.
 */
#ifndef PROC_PROCDAT_H
#define PROC_PROCDAT_H

#include "lib/tree.h"
#include "proc/proc.h"
#include "proc/sigabi.h"

#define PID_MAX 32768

/* ---- limits ---- */

enum rlimit_id {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE,
	RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS,
	RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE,
	RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_COUNT
};

#define RLIM_INFINITY UINT64_MAX

struct rlimit {
	uint64_t cur;            /* [R] enforced */
	uint64_t max;            /* [R] what cur may be raised to */
};

/* Shared by forked processes until one changes them. */
struct limits {
	_Atomic uint32_t refs;           /* [A] processes */
	struct rlimit of[RLIMIT_COUNT];  /* [R] */
};

/* ---- signals ---- */

/*
 * What is told about one signal: the beginning of abi_siginfo, whose rest is
 * zero.  What a program sends itself comes back as it was: no field is left
 * out, and the kernel has no need to know which of them count.
 */
struct siginfo {
	int32_t signo, err, code, pad; /* [L] */
	union {
		struct {
			union {
				int32_t pid;   /* [L] sender or child */
				int32_t timer; /* [L] its number */
			};
			union {
				uint32_t uid;     /* [L] */
				int32_t overruns; /* [L] of a timer */
			};
			union {
				uint64_t value; /* [L] sigval */
				struct {
					/* of a child */
					int32_t status, status_pad; /* [L] */
				};
			};
			int64_t utime, stime; /* [L] of a child, 1/100 s */
		};
		struct {
			uint64_t addr;    /* [L] of a fault */
			uint64_t none[3]; /* [L] so that it is all set */
		};
	};
};

#define SIGINFO_AT(mine, theirs) \
	_Static_assert(offsetof(struct siginfo, mine) == \
	    offsetof(struct abi_siginfo, theirs), "sig_to_abi()")
SIGINFO_AT(code, code);
SIGINFO_AT(uid, rt.uid);
SIGINFO_AT(value, rt.value);
SIGINFO_AT(status, chld.status);
SIGINFO_AT(stime, chld.stime);
SIGINFO_AT(addr, addr);

/* A queued signal. */
struct sigq {
	struct list_node node;   /* [L] in a sigpend */
	struct siginfo info;     /* [L] */
	struct proc *charged;    /* [c] whose RLIMIT_SIGPENDING counts it */
	/* Of a timer, which keeps it: called when the signal is taken. */
	void (*taken)(void *keeper, struct siginfo *); /* [L] NULL: nobody keeps it */
	void *keeper;            /* [L] */
};

struct sigpend {
	uint64_t set;            /* [L] SIGBIT of each pending signal */
	struct list queue;       /* [L] sigq; a bit may be set without one */
};

/* A fork under way. */
struct forking {
	struct list_node node;   /* [L] in proc->forks */
	uint64_t missed;         /* [L] SIGBITs sent to the group meanwhile */
};

/* What is done at each signal; shared by forked processes until one changes it. */
struct sigacts {
	uint32_t refs;                      /* [L] sighands */
	struct abi_sigaction act[NSIG];     /* [L] act[n - 1] is of signal n */
};

/* The same of one process; shared by threads, and by CLONE_SIGHAND. */
struct sighand {
	uint32_t refs;           /* [L] processes */
	uint64_t reset;          /* [L] SIGBITs: SIG_DFL again, whatever acts says */
	struct sigacts *acts;    /* [L] a reference */
};

/* ---- threads ---- */

struct tracee;     /* proc/tracee.h */
struct ptimers;    /* proc/ptimer.c */
struct cpu_queues;

/* What a call needs to go on when it is restarted. */
#define RESTART_ARGS 4

/* Of words with an owner, futex_pi.c: how far a thread is with handing on its own. */
enum pi_part {
	PI_LIVES,
	PI_ENDS,                 /* it does that: who comes waits until it has */
	PI_ENDED                 /* it has: words that name it name nobody */
};

struct task {
	struct thread *thread;   /* [c] */
	struct proc *proc;       /* [c] holds a reference */
	struct list_node node;   /* [L] proc->threads */
	struct list_node hash;   /* [L] by tid */
	uint64_t serial;         /* [c] of all that there have been; tids come again */
	struct cpu_queues *timed; /* [L] timers of its CPU time; NULL: never one */
	int tid;                 /* [L] exec gives the caller the leader's */
	bool exiting : 1;        /* [L] takes no more signals */
	bool in_stop : 1;        /* [L] counted in proc->nstopped */
	bool vfork : 1;          /* [L] a parent waits in vfork_wq */
	bool reset_on_fork : 1;  /* [L] SCHED_RESET_ON_FORK */
	bool no_random : 1;      /* [L] ADDR_NO_RANDOMIZE: for its next exec */
	bool keep_caps : 1;      /* [L] PR_SET_KEEPCAPS */
	bool no_new_privs : 1;   /* [L] PR_SET_NO_NEW_PRIVS: programs give it no rights */
	enum pi_part pi_part : 2; /* [L] */
	bool mask_saved;         /* [own] saved_mask counts; a byte of its own */
	uint8_t ioprio;          /* [L] class and level: sys_ioprio.c; 0: none */
	struct fdtab *fdtab;     /* [L] a reference; replaced by own thread */

	uint64_t blocked;        /* [L] written by own thread */
	uint64_t saved_mask;     /* [own] blocked, to be put back on return */
	struct sigpend pending;  /* [L] sent to this thread */
	struct siginfo forced;   /* [own] synchronous; signo 0: none */
	uint16_t trap_no;        /* [own] for the frame, … */
	uint16_t looked;         /* [own] at CPU timers, in which half of a tick */
	uint32_t trap_error;     /* [own] … */
	uint64_t trap_cr2;       /* [own] */
	struct abi_stack altstack; /* [own] */
	/* sigtimedwait: what is waited for although blocked */
	uint64_t wanted;         /* [L] */

	struct tracee *traced;   /* [L] its tracer's part; NULL: nobody traces it */
	va_t clear_tid;          /* [own] CHILD_CLEARTID */
	va_t robust;             /* [own] robust list head */
	int64_t (*restart_fn)(const uint64_t a[6]); /* [own] */
	uint64_t restart_arg[RESTART_ARGS]; /* [own] */

	struct waitq vfork_wq;   /* exec or exit wakes it */
	struct waitq sig_wq;     /* pause and friends sleep here; stops of a tracer */
};

/* ---- processes ---- */

enum proc_state { PROC_NEW, PROC_LIVE, PROC_ZOMBIE, PROC_DEAD };

/* Where things lie in the image, for /proc/PID/stat. */
struct proc_image {
	va_t code_lo, code_hi, data_lo, data_hi; /* [L] */
	va_t stack, args, env, env_end, auxv; /* [L] args end where env begins */
};

struct proc {
	_Atomic uint32_t refs;   /* [A] table, tasks, waiters */
	enum proc_state state;   /* [L] */
	int pid;                 /* [c] */
	int pgid, sid;           /* [L] */
	int ppid;                /* [A] of its parent, 0: init */
	struct list_node all;    /* [L] every process, by age */
	struct list_node hash;   /* [L] by pid */
	struct list_node group;  /* [L] by pgid */
	struct proc *parent;     /* [L] NULL: init */
	struct list children;    /* [L] */
	struct list_node sibling; /* [L] */
	uint64_t joined;         /* [L] grows along the parent's children */
	struct list changed;     /* [L] those children that wait may find, in order */
	struct list_node change; /* [L] in parent->changed */

	struct list threads;     /* [L] tasks, leader first */
	uint16_t nthreads;       /* [L] tasks that have not ended */
	uint16_t nended;         /* [L] that have, and whose tracer has not seen it: not the
	                          * first one */
	_Atomic uint32_t unreleased; /* [A] kernel threads not yet freed */
	struct waitq thread_wq;  /* exec: the others end; wait: unreleased is 0 */
	struct task *execing;    /* [L] the one thread that shall survive */
	struct list tracees;     /* [L] struct tracee: whom its threads trace */
	struct tracee *traced;   /* [L] the tracee of its first thread, or NULL */

	struct aspace *as;       /* [L] a reference and a user; NULL: ended */
	const struct design *next_design; /* [L] PR_VMM_DESIGN; NULL: default */
	struct file *exe;        /* [L] a reference, write denied */
	struct proc_image image; /* [L] */
	char comm[16];           /* [L] */

	struct cred cred;        /* [L] read without by its own threads */
	unsigned nsigq;          /* [L] queue entries charged */
	struct limits *limits;   /* [R] a reference */
	struct spinlock limits_lock; /* of one process: [R] */
	uint32_t execs;          /* [L] from 1 on, the parent's setpgid is too late */
	uint32_t parent_execs;   /* [L] its execs when this was made; exit.c */
	bool subreaper;          /* [L] */
	bool dumpable;           /* [L] */
	int8_t pdeath_sig;       /* [L] sent when the parent, a thread, ends */
	bool cpu_watch;          /* [L] a CPU limit or timer is armed */
	int16_t oom_adj;         /* [L] kept, not used: nobody is killed */
	int16_t oom_min;         /* [L] only root sets a lower one: root's last */

	struct sighand *sighand; /* [L] */
	struct sigpend pending;  /* [L] sent to the process */
	struct list forks;       /* [L] struct forking: under way in its threads */
	int8_t exit_signal;      /* [L] agreed with the parent; 0: none */
	bool group_exit;         /* [L] all threads are told to end */
	uint16_t wait_status;    /* [L] as wait4 reports it */
	int maker;               /* [L] tid of the parent's thread that made this, while
	                          * that lives; then 0: the first one's */
	uint16_t nstopped;       /* [L] threads that wait in the stop */
	bool stop_told : 1;      /* [L] the parent knows that all have stopped */
	bool stop_news : 1, cont_news : 1; /* [L] not yet fetched by wait */
	bool barriers : 1;       /* [L] it may have its threads' memory ordered */
	bool no_tty : 1;         /* [L] has given up its session's terminal */
	bool too_many : 1;       /* [L] when it became its user's: limits_meet_user_locked() */
	bool real_rests : 1;     /* [L] it[ITIMER_REAL] has fired; its SIGALRM is not taken */
	bool no_new_privs : 1;   /* [L] … of the first thread, when it has ended */
	int8_t stop_sig;         /* [L] 0: running */
	int8_t cont_due;         /* [L] CLD_ of SIGCHLD when it goes on; 0: none */
	int8_t nice;             /* [L] of the first thread, when it has ended, … */
	uint8_t policy;          /* [L] … */
	_Atomic bool alarm_due;  /* [A] alarm_work holds a reference */
	struct waitq stop_wq;    /* stopped threads */
	struct waitq child_wq;   /* wait4: a child changed */

	void *undo;              /* [U] what its end gives back to semaphores */
	uint64_t start_ns;       /* [c] */
	uint64_t utime_ns, stime_ns;   /* [L] of ended threads */
	uint64_t faults;               /* [L] of ended threads */
	uint64_t cutime_ns, cstime_ns; /* [L] of reaped children */
	uint64_t cminflt, cmajflt;     /* [L] */
	uint32_t maxrss, cmaxrss;      /* [L] pages */
	uint32_t switches[2], cswitches[2]; /* [L] as a thread's: of ended threads, of
	                          * reaped children */
	struct itimer it[3];     /* [L] ITIMER_REAL: of time; VIRTUAL, PROF: CPU time */
	struct ptimers *ptimers; /* [L] POSIX timers, its own or of its CPU time; or NULL */
	struct timer alarm;      /* for it[ITIMER_REAL] and ptimers: the first of them */
	struct work alarm_work;  /* sends their signals */
	struct evset events;     /* [A] its own counters */
};

extern struct spinlock proc_lock;

static inline struct task *
task_current(void)
{
	return thread_current()->proc;
}

static inline struct proc *
proc_current(void)
{
	return task_current()->proc;
}

/* ---- what sys/ asks of proc/; contracts at the definitions ---- */

/* proc.c */
void proc_put(struct proc *);
void proc_set_comm(struct proc *, struct task *, const char *name);

/* proctab.c */
void proc_get(struct proc *);
struct proc *proc_find_locked(int pid);       /* live or zombie, or NULL */
struct proc *proc_of_id_locked(int id);       /* the same, or a thread's */
struct proc *proc_lookup(int id);             /* that with a reference */
struct task *task_find_locked(int tid);
struct task *task_of_id_locked(int id);       /* that, or one of a process */
unsigned proc_threads_shown_locked(const struct proc *);
bool proc_may(enum cap);                      /* the current one's rights */
void proc_walk_locked(void (*fn)(void *, struct proc *), void *arg);
unsigned proc_count(unsigned *threads);
struct proc *proc_of_space_locked(const struct aspace *);

/* group.c */
int proc_setsid(void) MUST_CHECK;
int proc_setpgid(int pid, int pgid) MUST_CHECK;
bool proc_group_exists_locked(int pgid);

/* limits.c */
uint64_t proc_limit(enum rlimit_id);          /* soft limit of the current */
void proc_map_limits(struct map_limits *);    /* those of memory */
int limits_set_locked(struct proc *, enum rlimit_id, const struct rlimit *);
void limits_to_space_locked(struct proc *);
void limits_left_locked(struct aspace *);
void limits_meet_user_locked(struct proc *, uint32_t uid);

/* rights.c: of the current process over another */
void caps_follow_users_locked(struct cred *, const struct cred *old, bool keep);
enum look_by { LOOK_BY_FS, LOOK_BY_REAL }; /* which of its ids count */
bool proc_may_look_locked(const struct proc *, enum look_by);
bool proc_may_limit_locked(const struct proc *);
bool proc_may_tune_locked(const struct proc *);

/* ptimes.c */
void proc_times_locked(struct proc *, uint64_t *utime, uint64_t *stime);
uint64_t proc_faults_locked(struct proc *);
void proc_switches_locked(struct proc *, uint32_t n[2]);
void task_times(struct task *, uint64_t *utime, uint64_t *stime);
/* [own] a clock that shows what a process or thread has used */
struct cpu_clock {
	int id;                  /* 0: the caller's */
	bool of_thread, user_only;
};
int cpu_clock_now(const struct cpu_clock *, uint64_t *ns) MUST_CHECK;

/* ptimer.c */
/* [own] a timer that is to be made */
struct ptimer_req {
	bool is_cpu;             /* else a time of md_time_ns() */
	struct cpu_clock cpu;
	uint64_t zero_ns;        /* what its clock showed when md_time_ns() was 0 */
	int clock;               /* as the program calls it */
	bool is_wrong;           /* its sigevent or clock is none: -EINVAL */
	bool is_silent;          /* SIGEV_NONE */
	int to;                  /* a thread of the process; 0: the process */
	int signo;
	bool has_value;          /* else its number */
	uint64_t value;
	int notify;              /* as the program said it */
};
int ptimer_create(const struct ptimer_req *, int *id, int *bound) MUST_CHECK;
enum ptimer_ask {
	PTIMER_DELETE, PTIMER_OVERRUNS, PTIMER_GET,
	PTIMER_FROM_NOW, PTIMER_ABSOLUTE /* to be set */
};
int ptimer_ask(int id, enum ptimer_ask, const struct itimer *new, struct itimer *old);

/* itimer.c */
void itimer_set(int which, const struct itimer *new, struct itimer *old);
void proc_watch_cpu_locked(struct proc *);       /* RLIMIT_CPU changed */

/* fork.c */
#define CLONE_VM 0x00000100ul
#define CLONE_FS 0x00000200ul
#define CLONE_FILES 0x00000400ul
#define CLONE_SIGHAND 0x00000800ul
#define CLONE_PIDFD 0x00001000ul
#define CLONE_PTRACE 0x00002000ul
#define CLONE_VFORK 0x00004000ul
#define CLONE_PARENT 0x00008000ul
#define CLONE_THREAD 0x00010000ul
#define CLONE_NEWNS 0x00020000ul
#define CLONE_SYSVSEM 0x00040000ul
#define CLONE_SETTLS 0x00080000ul
#define CLONE_PARENT_SETTID 0x00100000ul
#define CLONE_CHILD_CLEARTID 0x00200000ul
#define CLONE_DETACHED 0x00400000ul
#define CLONE_UNTRACED 0x00800000ul
#define CLONE_CHILD_SETTID 0x01000000ul
#define CLONE_NAMESPACES 0x7e020080ul /* NEWNS … NEWNET; NEWTIME, not of clone */
#define CLONE_NEWUSER 0x10000000ul
#define CLONE_NEWPID 0x20000000ul
#define CLONE_IO 0x80000000ul
#define CLONE_CLEAR_SIGHAND 0x100000000ul

/* [own] one request */
struct clone_req {
	uint64_t flags;          /* CLONE_*, without the exit signal */
	int exit_signal;
	va_t stack;              /* rsp of the child; 0: the parent's */
	va_t parent_tid, child_tid, tls;
	va_t pidfd;              /* CLONE_PIDFD: where the number is written */
	struct aspace *as;       /* its memory: it begins at address 0; NULL: the parent's,
	                          * or a copy */
};
int proc_clone(const struct clone_req *) MUST_CHECK; /* tid or -errno */

/* exec.c */
int proc_exec(int fd, va_t path, va_t argv, va_t envp, unsigned flags) MUST_CHECK;

/* exit.c */
void proc_set_end_fn(void (*fn)(struct proc *)); /* its last thread ends */
void proc_unshare_undo(void);
void proc_exit_group(int code) NORETURN;
void proc_exit_thread(int code) NORETURN;

/* pidfd.c; contracts there */
int pidfd_open(int pid, unsigned flags, struct file **out) MUST_CHECK;
struct proc *pidfd_of(const struct file *);
int pidfd_kill(struct proc *, const struct siginfo *) MUST_CHECK;
int pidfd_file(struct proc *, int fd, struct file **out) MUST_CHECK;

/* sigfile.c; contracts there */
int signalfd_create(uint64_t set, unsigned flags, struct file **out) MUST_CHECK;
int signalfd_change(struct file *, uint64_t set) MUST_CHECK;

/* wait.c */
/* [own] one request, and its answer */
struct wait_req {
	int pid;                 /* > 0, -1: any, 0: those in group pgid */
	int pgid;                /* its own field: -1 could not say group 1 */
	const struct proc *of;   /* of pid, only if it is this one's; NULL: whoever's */
	unsigned options;        /* WEXITED, WUNTRACED, WCONTINUED, WNOHANG, WNOWAIT,
	                          * WNOTHREAD: children of the current thread */
};
/* A status, as wait4(2) tells it and <sys/wait.h> takes it apart. */
#define W_EXITCODE(code) (((code) & 0xff) << 8)
#define W_STOPCODE(signo) ((signo) << 8 | 0x7f)
#define W_CONTINUED 0xffff
#define WEXITSTATUS(status) ((status) >> 8 & 0xff)
#define WTERMSIG(status) ((status) & 0x7f) /* 0: it has ended by itself */
#define WIFSTOPPED(status) (((status) & 0xff) == 0x7f)
/* [own] */
struct wait_result {
	int pid, status;         /* pid 0: WNOHANG and none ready */
	bool trapped;            /* a stop of a thread that the caller traces */
	uint32_t uid;
	uint64_t utime_ns, stime_ns, minflt, majflt;
	uint32_t maxrss, switches[2];
};
int proc_wait(const struct wait_req *, struct wait_result *) MUST_CHECK;

/* signal.c */
int sig_send_proc(struct proc *, const struct siginfo *);
int sig_send_task_locked(struct task *, const struct siginfo *);
int sig_send_proc_locked(struct proc *, const struct siginfo *);
void sig_send_group(int pgid, int signo);      /* by the kernel */
int sig_kill(int pid, const struct siginfo *) MUST_CHECK; /* kill(2)'s pids */
int sig_kill_locked(struct proc *, const struct siginfo *) MUST_CHECK;
bool sig_is_valid(int signo);
bool sig_may_send(struct proc *, int signo);   /* permission (book: abi 4) */
void sig_fill_user(struct siginfo *, int signo, int code);

/* sigio.c */
struct file_owner;
bool sigio_owner_lives(const struct file_owner *);
int sigio_owner_find(struct file_owner *) MUST_CHECK;

/* sigdeliver.c, sigmask.c */
void sig_force(int signo, int code, va_t addr); /* current, synchronous */
void sig_set_blocked(uint64_t mask);
int sig_action(int signo, const struct abi_sigaction *new,
    struct abi_sigaction *old) MUST_CHECK;
uint64_t sig_pending(void);
/* Take a signal of set, waiting until the deadline; signo or -errno. */
int sig_wait(uint64_t set, uint64_t deadline, struct siginfo *) MUST_CHECK;
void sig_suspend_mask(uint64_t mask);          /* until return to user mode */
int sig_pause(void) MUST_CHECK;                /* -ERESTARTNOHAND */

/* sigframe.c */
void sig_to_abi(const struct siginfo *, struct abi_siginfo *);
int64_t sig_return(struct trapframe *);
bool sig_on_altstack(const struct task *, va_t sp);

/* futex.c */
/* [own] one request */
struct futex_req {
	va_t addr, addr2;
	int op;                  /* FUTEX_*, without the flags */
	uint32_t val, val2, val3;
	enum word_scope scope;
	bool has_deadline;
	uint64_t deadline;       /* of md_time_ns() */
};
int64_t futex_op(const struct futex_req *) MUST_CHECK;
void futex_clear_at(va_t addr);               /* set_tid_address(2); exit */
void futex_robust_exit(struct task *);

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI 12
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256

/* loadavg.c */
#define LOAD_SHIFT 11
void proc_loads(uint64_t out[3]);

/* sysinfo.c */
const char *sys_hostname(void);
int sys_set_hostname(const char *name, size_t n) MUST_CHECK;

#define SYS_RELEASE "6.1.0-vadose"
#define SYS_VERSION "#1 SMP PREEMPT_DYNAMIC Vadose"

#endif
