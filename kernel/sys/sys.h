/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.h: shared by the files of sys/
 *
 * Offers    the handlers' prototypes (syscalls.h is generated from
 *           syscalls.tab), copies of typed values, restarts.
 * Needs     proc/, fs/, vm/.
 * Sleeps?   Handlers may.
 * In interrupts?  Never.
 *
 * A handler has three phases: decode (copy in, check, no effect), reserve
 * (may fail, one undo), perform.  Its result is a value or -errno; -ERESTART*
 * of lib/errno.h when a signal interrupted a wait (book: abi 4).
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include "proc/procdat.h"
#include "sys/abi.h"
#include "syscalls.h" /* generated: struct syscall_row, sys_NAME() */

void sys_init(void);              /* registers the dispatch with proc/ */

/*
 * A wait was interrupted: when no handler runs (SIGSTOP, SIGCONT), call
 * fn(arg), of RESTART_ARGS, instead of starting the call anew, so that time already spent
 * counts; when one runs, the call ends with -EINTR.
 *
 * Returns:  -ERESTART_BLOCK, for the handler to return.
 */
int64_t sys_restart_later(int64_t (*fn)(const uint64_t a[6]), const uint64_t *arg);

/* What failed for want of memory may be begun anew, for the kernel had no frame and has one
 * now (syscall.c, rule 4); it may wait for it.  *tries, 0 at first, is how often it was. */
bool sys_is_made_again(unsigned *tries);

/*
 * The mask that ppoll, pselect6 and rt_sigsuspend put in place until they
 * return.  set is a user address, 0: leave the mask alone; size must be 8.
 * When the call ends without a handler, or fails, sys_mask_end(); when it
 * returns -EINTR or -ERESTARTNOHAND, nothing: the mask comes back after the
 * handler's frame is built.
 *
 * Returns:  0, -EINVAL, -EFAULT.
 */
int sys_mask_begin(va_t set, uint64_t size) MUST_CHECK;
void sys_mask_end(void);

/*
 * A struct of the program's of `size` bytes, of which we know `mine`: of a shorter one
 * the rest is 0, and of a longer one it has to be.
 *
 * Returns:  0, -EFAULT, -E2BIG.
 */
int sys_struct_copyin(void *out, size_t mine, va_t, uint64_t size) MUST_CHECK;

/* A timespec in user memory → ns; -EINVAL: negative or nsec >= 10^9. */
int sys_get_timespec(va_t, uint64_t *ns) MUST_CHECK;
int sys_put_timespec(va_t, uint64_t ns) MUST_CHECK;
/* Two of them: the interval, and when it is due.  As above; -EFAULT, 0. */
int sys_get_itimerspec(va_t, struct itimer *) MUST_CHECK;
int sys_put_itimerspec(va_t, const struct itimer *) MUST_CHECK;
/* The moment ns from now, for wait_sleep(). */
uint64_t sys_deadline(uint64_t ns);
/* That of a timespec: 0 for 0, do not wait; address 0: never.  0, -EFAULT, -EINVAL. */
int sys_timespec_deadline(va_t, uint64_t *deadline) MUST_CHECK;
/* CLOCK_REALTIME now, and an absolute realtime as md_time_ns() sees it. */
uint64_t sys_realtime_ns(void);
uint64_t sys_realtime_to_mono(uint64_t real_ns);

/* A number of a clock of CPU time: 1, and it is told; 0: another; -EINVAL: none. */
int sys_cpu_clock(int clock, struct cpu_clock *);
bool sys_is_clock_fd(int clock); /* FD_TO_CLOCKID: nobody sleeps by it */

static inline struct abi_timeval
sys_timeval(uint64_t ns)
{
	return (struct abi_timeval){ (int64_t)(ns / 1000000000),
		(int64_t)(ns / 1000 % 1000000) };
}

/* Descriptor → file with a reference, or NULL. */
static inline struct file *
sys_file(uint64_t fd)
{
	return fdtab_file(proc_current_fdtab(), (int)fd);
}

/* r, once the reference of f is dropped. */
int64_t sys_put_after(struct file *f, int64_t r);

/* The process of a descriptor, which *f keeps: file_put().  NULL: it is none. */
struct proc *sys_pidfd(uint64_t fd, struct file **f);

/* prctl(PR_CAP_AMBIENT, PR_CAPBSET_DROP). */
int64_t sys_cap_ambient(const uint64_t a[6]);
int64_t sys_cap_drop(uint64_t cap);

/* Threads that PRIO_PROCESS, PRIO_PGRP or PRIO_USER and a number name; 0: one's own. */
struct sys_threads {
	unsigned which;
	uint32_t who, own;       /* own: the user that 0 means */
	/* For each, with proc_lock.  tk NULL: p's first thread, which has ended. */
	void (*fn_locked)(struct sys_threads *, struct proc *p, struct task *tk);
	int value;               /* fn's */
	int result;              /* -ESRCH until fn has one */
};
int sys_each_thread(struct sys_threads *); /* the result; -EINVAL */

/* May a program send this to thread `to`? */
bool sys_may_tell(const struct siginfo *, int to);

/* RLIMIT_FSIZE of the current process, registered with fs/. */
uint64_t sys_fsize_limit(void);

/* SIGPIPE for the current thread, registered with fs/. */
void sys_no_reader(void);

#endif
