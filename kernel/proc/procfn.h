/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfn.h: functions shared inside proc/, one block per file
 */
#ifndef PROC_PROCFN_H
#define PROC_PROCFN_H

#include "proc/procdat.h"

/* proc.c */
struct proc *proc_alloc(void);                 /* refs 1, PROC_NEW; NULL */
struct task *task_alloc(struct proc *);        /* takes a reference; NULL */
void task_free(struct task *);                 /* never started */
void task_bind(struct task *, struct thread *);

/* proctab.c */
void proctab_init(void);
void proc_numbers_locked(void (*fn)(int));
void task_hash_locked(struct task *);
void proc_hash_locked(struct proc *);
void proc_unhash_locked(struct proc *);
void proc_reparent_locked(struct proc *child, struct proc *to);
void proc_changed_locked(struct proc *child);
unsigned proc_count_uid_locked(uint32_t uid);
struct task *proc_parent_thread_locked(const struct proc *);
struct proc *proc_init_proc(void);             /* pid 1 */

/* group.c */
void group_init(void);
void group_enter_locked(struct proc *, int pgid);
bool group_is_orphan_locked(int pgid, const struct proc *but);
bool group_has_stopped_locked(int pgid);
void group_walk_locked(int pgid, void (*fn)(void *, struct proc *), void *arg);

/* pids.c */
int pid_alloc_locked(const struct cred *) MUST_CHECK; /* > 0 or -EAGAIN */
unsigned pid_taken_locked(void);
uint64_t pid_max(void);
int pid_set_max(uint64_t max) MUST_CHECK;

/* limits.c */
struct limits *limits_create(void);            /* all infinite; NULL */
void limits_put(struct limits *);
int limits_check_exec(struct proc *) MUST_CHECK;

/* exec.c */
struct exec_new;
int exec_prepare_kernel(const char *path, const char *const *argv,
    const char *const *envp, struct exec_new **out) MUST_CHECK;
void exec_first(struct exec_new *, struct proc *, struct task *,
    struct trapframe *);
struct md_space *exec_space(struct exec_new *);

/* elf.c */
struct elf_image {
	struct file *file;
	uint64_t file_size;
	bool is_dyn, is_interp, exec_stack;
	bool privileged;         /* may lie below mmap_min_addr */
	bool random;             /* its place is chance's */
	uint16_t phnum;
	uint64_t entry;          /* as in the file */
	uint64_t phoff;
	uint64_t lo, hi;         /* of all loads, as in the file */
	uint64_t phdr_va;        /* of the headers, as in the file; 0: not mapped */
	uint64_t base;           /* added to every address */
	struct elf_phdr *ph;     /* kmem; phnum of them */
	char *interp;            /* kmem; NULL: none */
	struct proc_image where; /* code and data ranges, with base */
};
int elf_open(struct file *, struct elf_image *) MUST_CHECK;
int elf_map(struct elf_image *, struct aspace *, const struct map_limits *,
    va_t stack_lo) MUST_CHECK;
void elf_close(struct elf_image *);

/* execargs.c */
struct arg_src {
	struct aspace *as;       /* NULL: kernel pointers below */
	va_t argv, envp;
	const char *const *kargv, *const *kenvp;
	const char *const *prefix; /* strings that replace argv[0], the last first */
	unsigned nprefix;
	const char *path;        /* AT_EXECFN */
	uint8_t *buf;            /* a page */
	unsigned argc, envc;     /* as args_check() found them */
};
#define AUXV_PAIRS 20
struct auxv_in {
	const struct elf_image *prog;
	va_t interp_base;
	const struct cred *cred;
	bool secure;
};
int args_check(struct arg_src *, uint64_t limit) MUST_CHECK;
int args_push(struct aspace *, va_t top, uint64_t limit,
    const struct arg_src *, const struct auxv_in *, struct proc_image *,
    va_t *sp) MUST_CHECK;

/* exit.c */
void zombie_shown_locked(struct proc *);
void vfork_release(struct task *);
void task_leave_memory(struct task *);         /* robust list, clear_tid */
void proc_keep_peak(struct proc *);

/* signal.c */
enum sig_default { SD_IGNORE, SD_STOP, SD_KILL };
void sigpend_init(struct sigpend *);
void sigpend_flush_locked(struct sigpend *, uint64_t set);
void sigpend_flush_timers_locked(struct sigpend *);
void sigpend_take_locked(struct sigpend *, int signo, struct siginfo *);
void sigpend_take_of_proc_locked(struct proc *, int signo, struct siginfo *);
void sig_set_alarm_fn(void (*taken_locked)(struct proc *));
struct sigq *sigq_keep_locked(struct proc *, void (*taken)(void *, struct siginfo *),
    void *keeper);
bool sigq_send_locked(struct sigq *, struct task *to, const struct siginfo *);
void sigq_leave_locked(struct sigq *);
int sig_first_of(uint64_t set);
enum sig_default sig_default(int signo);
int sig_send_first_locked(struct task *first, const struct siginfo *);
int sig_send_member_locked(struct proc *, const struct siginfo *);
uint64_t sig_queued_locked(const struct proc *);
void kill_others_locked(struct proc *, struct task *but);
void sig_group_exit_locked(struct proc *, int wait_status);
void sig_tell_locked(struct proc *to, struct task *first,
    const struct siginfo *);
void sig_notify_parent_locked(struct proc *, int signo, int code, int status);
void sig_stop_check_locked(struct proc *);
void sig_cont_check_locked(struct proc *);
void sig_recalc_locked(struct task *);
void sig_retarget_locked(struct proc *, uint64_t set);

/* sighand.c */
enum sigacts_of { SIGACTS_SHARED, SIGACTS_OWN };
struct sighand *sighand_create(enum sigacts_of);
void sighand_put_locked(struct sighand *);
void sighand_discard(struct sighand *);
void sighand_share_locked(struct sighand *, const struct sighand *from);
void sighand_clear_locked(struct sighand *, const struct sighand *from);
int sighand_set_locked(struct sighand *, int signo,
    const struct abi_sigaction *) MUST_CHECK;
/* The action of a signal.  Locks: proc_lock held. */
static inline struct abi_sigaction
sighand_act(const struct sighand *sh, int signo)
{
	struct abi_sigaction sa = sh->acts->act[signo - 1];

	if ((sh->reset & SIGBIT(signo)) != 0)
		sa.handler = SIG_DFL;
	return sa;
}

/* sigdeliver.c */
void sig_deliver(struct task *, struct trapframe *);

/* sigframe.c */
int sigframe_push(struct task *, struct trapframe *, const struct siginfo *,
    const struct abi_sigaction *, uint64_t old_mask) MUST_CHECK;

/* futex.c */
void futex_init(void);
void futex_pi_owner_is(struct task *, enum pi_part);
void futex_pi_owner_ends(uint64_t serial);

/* usertrap.c */
void usertrap_init(void);

/* itimer.c */
void itimer_init(void);
void itimers_init(struct proc *);
void itimers_exit(struct proc *);
void itimers_check(struct task *);
void alarm_set_locked(struct proc *);

/* ptimes.c */
bool cpu_clock_find_locked(const struct cpu_clock *, struct proc **, struct task **);
uint64_t cpu_clock_of_locked(struct proc *, struct task *, bool user_only);

/* ptimer.c */
int ptimer_next_text(int id, struct aspace *, uint64_t *at, struct out *);
uint64_t ptimers_first_locked(const struct proc *); /* 0: none waits */
bool ptimers_fire_locked(struct proc *, uint64_t now);
bool ptimers_watch_cpu_locked(const struct proc *);
void ptimers_check(struct task *);
void ptimers_end(struct proc *);
void ptimers_end_clock(struct proc *, struct task *);

/* loadavg.c */
void loadavg_init(void);

/* sigfile.c */
void sigfile_init(void);
void sigfile_tell_locked(const struct proc *);

/* ---- sigio.c ---- */
void sigio_init(void);

/* pidfd.c */
void pidfd_init(void);
void pidfd_tell(const struct proc *);
int pidfd_create(struct proc *, unsigned flags, struct file **out) MUST_CHECK;

/* jobctl.c */
void jobctl_init(void);

/* procinfo.c, sysinfo.c */
void procinfo_init(void);
void sysinfo_init(void);

#endif
