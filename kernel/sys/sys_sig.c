/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_sig.c: signals and futexes
 *
 * Problem   Decode the calls about signals and futex words.
 *
 * Rules     1. A set of signals is 8 bytes, and its size argument says so.
 *           2. A timed futex wait that a signal interrupts goes on with the
 *              same deadline (sys_restart_later).
 *
 * Read next proc/signal.c, proc/futex.c.  Book: ch03, ch07.
 */
#include "sys/sys.h"

#include "lib/errno.h"

#define SET_BYTES 8

/* ---- actions and masks ---- */

int64_t
sys_rt_sigaction(const uint64_t a[6])
{
	struct abi_sigaction new, old;
	int r;

	if (a[3] != SET_BYTES)
		return -EINVAL;
	if (a[1] != 0 && copyin(&new, a[1], sizeof(new)) < 0)
		return -EFAULT;
	r = sig_action((int)a[0], a[1] != 0 ? &new : NULL, &old);
	if (r == 0 && a[2] != 0 && copyout(a[2], &old, sizeof(old)) < 0)
		r = -EFAULT;
	return r;
}

int64_t
sys_rt_sigprocmask(const uint64_t a[6])
{
	uint64_t old = task_current()->blocked, set;

	if (a[3] != SET_BYTES)
		return -EINVAL;
	if (a[1] != 0) {
		if (copyin(&set, a[1], SET_BYTES) < 0)
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		sig_set_blocked(set);
	}
	if (a[2] != 0 && copyout(a[2], &old, SET_BYTES) < 0)
		return -EFAULT;
	return 0;
}

int64_t
sys_rt_sigreturn(const uint64_t a[6])
{
	return sig_return(md_user_frame(&thread_current()->md));
}

int64_t
sys_rt_sigpending(const uint64_t a[6])
{
	uint64_t set = sig_pending();

	if (a[1] > SET_BYTES)
		return -EINVAL;
	return copyout(a[0], &set, a[1]);
}

int64_t
sys_pause(const uint64_t a[6])
{
	return sig_pause();
}

int64_t
sys_rt_sigsuspend(const uint64_t a[6])
{
	uint64_t set;

	if (a[1] != SET_BYTES)
		return -EINVAL;
	if (copyin(&set, a[0], SET_BYTES) < 0)
		return -EFAULT;
	sig_suspend_mask(set);
	return sig_pause();
}

int64_t
sys_sigaltstack(const uint64_t a[6])
{
	struct task *tk = task_current();
	va_t sp = md_user_frame(&tk->thread->md)->rsp;
	struct abi_stack old = tk->altstack, new;
	bool on = sig_on_altstack(tk, sp);

	/* SS_ONSTACK says that the stack is in use, whatever the program has set. */
	old.flags = (old.flags & ~(uint32_t)SS_ONSTACK) | (on ? SS_ONSTACK : 0);
	if (a[0] != 0) {
		if (copyin(&new, a[0], sizeof(new)) < 0)
			return -EFAULT;
		if (on)
			return -EPERM;
		if ((new.flags & ~(SS_ONSTACK | SS_DISABLE |
		    SS_AUTODISARM)) != 0 ||
		    (new.flags & 3) == (SS_ONSTACK | SS_DISABLE))
			return -EINVAL;
		if ((new.flags & SS_DISABLE) == 0 && new.size < MINSIGSTKSZ)
			return -ENOMEM;
		if ((new.flags & SS_DISABLE) != 0)
			new.sp = new.size = 0;
		new.pad = 0;
		tk->altstack = new;
	}
	if (a[1] != 0 && copyout(a[1], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

/* ---- sending ---- */

int64_t
sys_kill(const uint64_t a[6])
{
	struct siginfo si;

	sig_fill_user(&si, (int)a[1], SI_USER);
	return sig_kill((int)a[0], &si);
}

/* To one thread; tgid 0: of any process.  The first one of a process is there until
 * that is waited for: when it has ended nothing comes of a signal. */
static int64_t
thread_kill(int tgid, int tid, const struct siginfo *si)
{
	struct task *tk;
	struct proc *p;
	int64_t r = -ESRCH;

	if (tid <= 0 || tgid < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	tk = task_find_locked(tid);
	p = tk != NULL ? tk->proc : proc_find_locked(tid);
	if (p != NULL && (tgid == 0 || p->pid == tgid)) {
		if (!sig_is_valid(si->signo))
			r = -EINVAL;
		else if (!sig_may_send(p, si->signo))
			r = -EPERM;
		else
			r = si->signo == 0 || tk == NULL ? 0 :
			    sig_send_task_locked(tk, si);
	}
	spin_unlock(&proc_lock);
	return r;
}

int64_t
sys_tkill(const uint64_t a[6])
{
	struct siginfo si;

	sig_fill_user(&si, (int)a[1], SI_TKILL);
	return thread_kill(0, (int)a[0], &si);
}

int64_t
sys_tgkill(const uint64_t a[6])
{
	struct siginfo si;

	if ((int)a[0] <= 0)
		return -EINVAL;
	sig_fill_user(&si, (int)a[2], SI_TKILL);
	return thread_kill((int)a[0], (int)a[1], &si);
}

/* May a program send si to thread `to`?  To others it may not look as if the kernel
 * had sent it. */
bool
sys_may_tell(const struct siginfo *si, int to)
{
	return (si->code < 0 && si->code != SI_TKILL) || to == task_current()->tid;
}

/* The sender's siginfo for thread `to`.  No layout that a program may send is longer. */
static int
fetch_info(va_t at, int signo, int to, struct siginfo *si)
{
	if (copyin(si, at, sizeof(*si)) < 0)
		return -EFAULT;
	si->signo = signo;
	return sys_may_tell(si, to) ? 0 : -EPERM;
}

int64_t
sys_rt_sigqueueinfo(const uint64_t a[6])
{
	struct siginfo si;
	int pid = (int)a[0], signo = (int)a[1];
	int r = fetch_info(a[2], signo, pid, &si);

	if (r < 0)
		return r;
	return pid <= 0 ? -ESRCH : sig_kill(pid, &si);
}

int64_t
sys_rt_tgsigqueueinfo(const uint64_t a[6])
{
	struct siginfo si;
	int r = fetch_info(a[3], (int)a[2], (int)a[1], &si);

	if (r == -EFAULT)
		return r;
	if ((int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	return r < 0 ? r : thread_kill((int)a[0], (int)a[1], &si);
}

/* ---- waiting for one ---- */

int64_t
sys_rt_sigtimedwait(const uint64_t a[6])
{
	uint64_t set, deadline;
	struct abi_siginfo out;
	struct siginfo si;
	int r;

	if (a[3] != SET_BYTES)
		return -EINVAL;
	if (copyin(&set, a[0], SET_BYTES) < 0)
		return -EFAULT;
	r = sys_timespec_deadline(a[2], &deadline);
	if (r == 0)
		r = sig_wait(set, deadline, &si);
	if (r < 0 || a[1] == 0)
		return r;
	sig_to_abi(&si, &out);
	return copyout(a[1], &out, sizeof(out)) < 0 ? -EFAULT : r;
}

/* ---- futexes ---- */

static int64_t
futex_again(const uint64_t a[6])
{
	const struct futex_req q = { .addr = a[0], .op = (int)(uint32_t)a[1],
		.scope = (enum word_scope)(a[1] >> 32), .val = (uint32_t)a[2],
		.val3 = (uint32_t)(a[2] >> 32), .has_deadline = true, .deadline = a[3] };
	int64_t r = futex_op(&q);

	return r == -ERESTART_BLOCK ? sys_restart_later(futex_again, a) : r;
}

/* Of two clocks the caller may choose; LOCK_PI has the one that all others had not. */
static bool
futex_has_clock(int op)
{
	return op == FUTEX_WAIT_BITSET || op == FUTEX_WAIT_REQUEUE_PI ||
	    op == FUTEX_LOCK_PI2;
}

static bool
futex_has_deadline(int op)
{
	return futex_has_clock(op) || op == FUTEX_WAIT || op == FUTEX_LOCK_PI;
}

/* WAIT counts from now, all others name a moment. */
static int
futex_deadline(struct futex_req *q, va_t ts, bool realtime)
{
	uint64_t ns;
	int r = sys_get_timespec(ts, &ns);

	if (r < 0)
		return r;
	q->has_deadline = true;
	q->deadline = q->op == FUTEX_WAIT ? sys_deadline(ns) :
	    realtime ? sys_realtime_to_mono(ns) : ns;
	return 0;
}

int64_t
sys_futex(const uint64_t a[6])
{
	unsigned op = (unsigned)a[1];
	bool realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
	struct futex_req q = { .addr = a[0], .addr2 = a[4],
		.val = (uint32_t)a[2], .val2 = (uint32_t)a[3],
		.val3 = (uint32_t)a[5],
		.scope = (op & FUTEX_PRIVATE_FLAG) != 0 ? WORD_PRIVATE : WORD_SHARED };
	int64_t r;

	q.op = (int)(op & ~(unsigned)(FUTEX_PRIVATE_FLAG |
	    FUTEX_CLOCK_REALTIME));
	if (futex_has_deadline(q.op) && a[3] != 0) {
		r = futex_deadline(&q, a[3], realtime || q.op == FUTEX_LOCK_PI);
		if (r < 0)
			return r;
	}
	if (realtime && !futex_has_clock(q.op))
		return -ENOSYS;
	r = futex_op(&q);
	if (r == -ERESTART_BLOCK) {
		const uint64_t arg[RESTART_ARGS] = { q.addr,
			(uint32_t)q.op | (uint64_t)q.scope << 32,
			q.val | (uint64_t)q.val3 << 32, q.deadline };

		return sys_restart_later(futex_again, arg);
	}
	return r;
}

/* Asked for by every libc at start; each goes on without. */
int64_t
sys_rseq(const uint64_t a[6])
{
	return -ENOSYS;
}

int64_t
sys_set_robust_list(const uint64_t a[6])
{
	if (a[1] != 24)
		return -EINVAL;
	task_current()->robust = a[0];
	return 0;
}

int64_t
sys_get_robust_list(const uint64_t a[6])
{
	struct task *tk = task_current();
	uint64_t head = 0, len = 24;
	int64_t r = 0;

	spin_lock(&proc_lock);
	if ((int)a[0] != 0)
		tk = task_find_locked((int)a[0]);
	if (tk == NULL)
		r = -ESRCH;
	else if (!proc_may_look_locked(tk->proc, LOOK_BY_REAL))
		r = -EPERM;
	else
		head = tk->robust;
	spin_unlock(&proc_lock);
	if (r == 0 && (copyout(a[2], &len, sizeof(len)) < 0 ||
	    copyout(a[1], &head, sizeof(head)) < 0))
		r = -EFAULT;
	return r;
}
