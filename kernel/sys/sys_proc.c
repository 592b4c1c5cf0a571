/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_proc.c: processes and threads
 *
 * Problem   fork, exec, wait and their many relatives, decoded for proc/.
 *
 * Rules     1. The four ways to make a child become one struct clone_req.
 *           2. rusage and status are written after the child is reaped: a bad
 *              pointer costs the caller the status, as on Linux.
 *
 * Read next proc/fork.c, proc/wait.c.  Book: ch10.
 */
#include "sys/filecall.h"
#include "channel/channel.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/evidence/stat.h"

#define CSIGNAL 0xfful
#define CLONE_ARGS_MIN 64
#define SET_TID_MAX 32
#define CLONE3_KNOWN (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
	CLONE_PIDFD | CLONE_PTRACE | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | \
	CLONE_NAMESPACES | CLONE_SYSVSEM | CLONE_SETTLS | \
	CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_UNTRACED | \
	CLONE_CHILD_SETTID | CLONE_IO | CLONE_CLEAR_SIGHAND)

/* ---- children ---- */

int64_t
sys_clone(const uint64_t a[6])
{
	struct clone_req req = { .flags = a[0] & UINT32_MAX & ~CSIGNAL,
		.exit_signal = (int)(a[0] & CSIGNAL), .stack = a[1],
		.parent_tid = a[2], .child_tid = a[3], .tls = a[4],
		.pidfd = a[2] };

	/* If the number is not a signal, no signal is sent; clone3() refuses it. */
	if (req.exit_signal > NSIG)
		req.exit_signal = 0;
	return proc_clone(&req);
}

static int
clone3_fetch(va_t at, uint64_t size, struct abi_clone_args *c)
{
	if (size < CLONE_ARGS_MIN)
		return -EINVAL;
	return size > PAGE_SIZE ? -E2BIG : sys_struct_copyin(c, sizeof(*c), at, size);
}

int64_t
sys_clone3(const uint64_t a[6])
{
	struct abi_clone_args c;
	struct clone_req req;
	int32_t tids[SET_TID_MAX];
	int r = clone3_fetch(a[0], a[1], &c);

	if (r < 0)
		return r;
	/* A program cannot choose numbers, but as on Linux -EFAULT comes first. */
	if (c.set_tid != 0 && c.set_tid_size - 1 < SET_TID_MAX &&
	    copyin(tids, c.set_tid, c.set_tid_size * sizeof(tids[0])) < 0)
		return -EFAULT;
	if ((c.flags & ~CLONE3_KNOWN) != 0 || c.exit_signal > NSIG ||
	    c.set_tid_size != 0 || c.set_tid != 0 ||
	    (c.stack == 0) != (c.stack_size == 0) ||
	    c.stack > MD_USER_END || c.stack_size > MD_USER_END - c.stack)
		return -EINVAL;
	if ((c.flags & (CLONE_THREAD | CLONE_PARENT)) != 0 &&
	    c.exit_signal != 0)
		return -EINVAL;
	req = (struct clone_req){ .flags = c.flags,
		.exit_signal = (int)c.exit_signal,
		.stack = c.stack == 0 ? 0 : c.stack + c.stack_size,
		.parent_tid = c.parent_tid, .child_tid = c.child_tid,
		.tls = c.tls, .pidfd = c.pidfd };
	return proc_clone(&req);
}

int64_t
sys_execveat(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[4];

	return (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0 ? -EINVAL :
	    proc_exec((int)a[0], a[1], a[2], a[3], flags);
}

int64_t
sys_exit(const uint64_t a[6])
{
	proc_exit_thread((int)a[0]);
}

int64_t
sys_exit_group(const uint64_t a[6])
{
	proc_exit_group((int)a[0]);
}

/* ---- wait ---- */

static int
put_rusage(va_t at, const struct wait_result *res)
{
	const struct abi_rusage ru = { .utime = sys_timeval(res->utime_ns),
		.stime = sys_timeval(res->stime_ns),
		.maxrss = (int64_t)res->maxrss * 4,
		.minflt = (int64_t)res->minflt,
		.majflt = (int64_t)res->majflt,
		.nvcsw = res->switches[1], .nivcsw = res->switches[0] };

	return at == 0 ? 0 : copyout(at, &ru, sizeof(ru));
}

static int
own_pgid(void)
{
	return UNDER(&proc_lock, proc_current()->pgid);
}

int64_t
sys_wait4(const uint64_t a[6])
{
	struct wait_req req = { .pid = (int)a[0], .options = (unsigned)a[2] };
	struct wait_result res;
	int r;

	if ((req.options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD |
	    WALL | WCLONE)) != 0)
		return -EINVAL;
	if (req.pid == INT32_MIN)
		return -ESRCH;
	if (req.pid == 0 || req.pid < -1) {
		req.pgid = req.pid == 0 ? own_pgid() : -req.pid;
		req.pid = 0;
	}
	req.options |= WEXITED;
	r = proc_wait(&req, &res);
	if (r < 0 || res.pid == 0)
		return r;
	if (a[1] != 0 && copyout(a[1], &res.status, 4) < 0)
		return -EFAULT;
	return put_rusage(a[3], &res) < 0 ? -EFAULT : res.pid;
}

/* As on Linux these fields of a siginfo are written, and no other byte. */
struct abi_waitinfo {
	int32_t signo, err, code, pad;
	int32_t pid;
	uint32_t uid;
	int32_t status;
};
_Static_assert(offsetof(struct abi_waitinfo, status) ==
    offsetof(struct abi_siginfo, chld.status), "a part of it");

static int
put_waitinfo(va_t at, const struct wait_result *res)
{
	struct abi_waitinfo wi = { .pid = res->pid };
	const size_t behind = offsetof(struct abi_waitinfo, pid);
	int st = res->status;

	if (res->pid != 0) {
		wi.signo = SIGCHLD;
		wi.uid = res->uid;
		wi.code = res->trapped ? CLD_TRAPPED :
		    WIFSTOPPED(st) ? CLD_STOPPED : CLD_EXITED;
		wi.status = st >> 8;
		if (st == W_CONTINUED) {
			wi.code = CLD_CONTINUED;
			wi.status = SIGCONT;
		} else if (!WIFSTOPPED(st) && WTERMSIG(st) != 0) {
			wi.code = CLD_KILLED;
			wi.status = WTERMSIG(st);
		}
	}
	if (at == 0)
		return 0;
	return copyout(at, &wi, offsetof(struct abi_waitinfo, pad)) < 0 ? -EFAULT :
	    copyout(at + behind, &wi.pid, sizeof(wi) - behind);
}

/* The answer r, unless even what is written beside it cannot be. */
static int64_t
waitid_failed(va_t at, int r)
{
	const struct wait_result none = { .pid = 0 };

	return put_waitinfo(at, &none) < 0 ? -EFAULT : r;
}

/* Whom waitid(2) waits for.  P_PIDFD: *f keeps him.  0, -EINVAL, -EBADF. */
static int
waitid_whom(int type, int id, struct wait_req *req, struct file **f)
{
	switch (type) {
	case P_ALL:
		req->pid = -1;
		return 0;
	case P_PID:
		req->pid = id;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		req->pgid = id == 0 ? own_pgid() : id;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		req->of = sys_pidfd((uint64_t)id, f);
		/* The pidfd of a clone that failed: its process is a child of nobody. */
		req->pid = req->of == NULL || req->of->pid == 0 ? INT32_MAX :
		    req->of->pid;
		return req->of != NULL ? 0 : -EBADF;
	}
	return -EINVAL;
}

int64_t
sys_waitid(const uint64_t a[6])
{
	struct wait_req req = { .options = (unsigned)a[3] };
	struct file *pidfd = NULL;
	bool nonblock;
	struct wait_result res;
	int r;

	if ((req.options & ~(WNOHANG | WEXITED | WSTOPPED | WCONTINUED |
	    WNOWAIT | WNOTHREAD | WALL | WCLONE)) != 0 ||
	    (req.options & (WEXITED | WSTOPPED | WCONTINUED)) == 0)
		return waitid_failed(a[2], -EINVAL);
	r = waitid_whom((int)a[0], (int)a[1], &req, &pidfd);
	nonblock = req.of != NULL && (file_flags(pidfd) & O_NONBLOCK) != 0;
	if (nonblock)
		req.options |= WNOHANG;
	if (r == 0)
		r = proc_wait(&req, &res);
	if (req.of != NULL)
		file_put(pidfd);
	if (r == 0 && res.pid == 0 && nonblock && ((unsigned)a[3] & WNOHANG) == 0)
		r = -EAGAIN;
	/* As on Linux: on failure the siginfo is written, too, with zeros. */
	if (r < 0)
		return waitid_failed(a[2], r);
	if (put_waitinfo(a[2], &res) < 0 ||
	    (res.pid != 0 && put_rusage(a[4], &res) < 0))
		return -EFAULT;
	return 0;
}

/* ---- names ---- */

int64_t
sys_getpid(const uint64_t a[6])
{
	return proc_current()->pid;
}

int64_t
sys_gettid(const uint64_t a[6])
{
	return task_current()->tid;
}

int64_t
sys_getppid(const uint64_t a[6])
{
	return atomic_load(&proc_current()->ppid);
}

enum which_id { ID_PGID, ID_SID };

static int64_t
id_of(int pid, enum which_id which)
{
	struct proc *p = proc_current();
	struct task *tk;
	int64_t r = -ESRCH;

	spin_lock(&proc_lock);
	if (pid != 0) {
		/* The number may be of any thread, or of a zombie. */
		tk = task_find_locked(pid);
		p = tk != NULL ? tk->proc : proc_find_locked(pid);
	}
	if (p != NULL)
		r = which == ID_PGID ? p->pgid : p->sid;
	spin_unlock(&proc_lock);
	return r;
}

int64_t
sys_getpgid(const uint64_t a[6])
{
	return id_of((int)a[0], ID_PGID);
}

int64_t
sys_getsid(const uint64_t a[6])
{
	return id_of((int)a[0], ID_SID);
}

int64_t
sys_setsid(const uint64_t a[6])
{
	return proc_setsid();
}

int64_t
sys_setpgid(const uint64_t a[6])
{
	return proc_setpgid((int)a[0], (int)a[1]);
}

int64_t
sys_set_tid_address(const uint64_t a[6])
{
	struct task *tk = task_current();

	tk->clear_tid = a[0];
	return tk->tid;
}

/* ---- CPUs ---- */

int64_t
sys_sched_yield(const uint64_t a[6])
{
	sched_yield();
	return 0;
}

int64_t
sys_getcpu(const uint64_t a[6])
{
	uint32_t cpu, node = 0;

	md_preempt_disable();
	cpu = md_cpu();
	md_preempt_enable();
	if ((a[0] != 0 && copyout(a[0], &cpu, 4) < 0) ||
	    (a[1] != 0 && copyout(a[1], &node, 4) < 0))
		return -EFAULT;
	return 0;
}

/* The thread named in an affinity call; proc_lock held. */
static struct task *
affinity_task(int tid)
{
	return tid == 0 ? task_current() : task_find_locked(tid);
}

int64_t
sys_sched_getaffinity(const uint64_t a[6])
{
	struct task *tk;
	uint64_t mask = 0;

	if (a[1] < sizeof(mask) || (a[1] & 7) != 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	tk = affinity_task((int)a[0]);
	if (tk != NULL)
		mask = atomic_load(&tk->thread->affinity) & md_online_mask();
	spin_unlock(&proc_lock);
	if (tk == NULL)
		return -ESRCH;
	return copyout(a[2], &mask, sizeof(mask)) < 0 ? -EFAULT :
	    (int64_t)sizeof(mask);
}

int64_t
sys_sched_setaffinity(const uint64_t a[6])
{
	struct task *tk;
	uint64_t mask = 0;
	bool me = false, may = false;

	if (copyin(&mask, a[2], MIN(a[1], sizeof(mask))) < 0)
		return -EFAULT;
	spin_lock(&proc_lock);
	tk = affinity_task((int)a[0]);
	if (tk != NULL) {
		me = tk == task_current();
		may = proc_may_tune_locked(tk->proc);
		if (may && (mask & md_online_mask()) != 0)
			atomic_store(&tk->thread->affinity, mask);
	}
	spin_unlock(&proc_lock);
	if (tk == NULL || !may)
		return tk == NULL ? -ESRCH : -EPERM;
	if ((mask & md_online_mask()) == 0)
		return -EINVAL;
	if (me)
		sched_yield();
	return 0;
}

/* ---- barriers of memory: who seldom asks spares the others theirs ---- */

#define BARRIER_QUERY 0
#define BARRIER_GLOBAL 1
#define BARRIER_GLOBAL_EXPEDITED 2
#define BARRIER_REGISTER_GLOBAL 4
#define BARRIER_PRIVATE 8
#define BARRIER_REGISTER_PRIVATE 16
#define BARRIERS 31

static void
order_memory(void *arg)
{
	atomic_fence();
}

/* On all CPUs, whoever runs there: a thread that does not has left its CPU in order. */
int64_t
sys_membarrier(const uint64_t a[6])
{
	struct proc *p = proc_current();

	if ((unsigned)a[1] != 0)
		return -EINVAL;
	switch ((int)a[0]) {
	case BARRIER_QUERY:
		return BARRIERS;
	case BARRIER_REGISTER_PRIVATE:
		spin_lock(&proc_lock);
		p->barriers = true;
		spin_unlock(&proc_lock);
		return 0;
	case BARRIER_REGISTER_GLOBAL:
		return 0;
	case BARRIER_PRIVATE:
		if (UNDER(&proc_lock, !p->barriers))
			return -EPERM;
		break;
	case BARRIER_GLOBAL:
	case BARRIER_GLOBAL_EXPEDITED:
		break;
	default:
		return -EINVAL;
	}
	order_memory(NULL);
	md_call_others(order_memory, NULL);
	return 0;
}

/* ---- settings of the machine and of the process ---- */

int64_t
sys_arch_prctl(const uint64_t a[6])
{
	struct md_thread *md = &thread_current()->md;
	uint64_t fs, gs;

	md_get_tls(md, &fs, &gs);
	switch ((uint32_t)a[0]) {
	case ARCH_SET_FS:
		if (a[1] >= MD_USER_END)
			return -EPERM;
		md_set_tls(md, a[1], gs);
		return 0;
	case ARCH_SET_GS:
		if (a[1] >= MD_USER_END)
			return -EPERM;
		md_set_tls(md, fs, a[1]);
		return 0;
	case ARCH_GET_FS:
		return copyout(a[1], &fs, sizeof(fs));
	case ARCH_GET_GS:
		return copyout(a[1], &gs, sizeof(gs));
	case ARCH_GET_CPUID:
		return 1; /* CPUID is allowed; it cannot be made to fault here */
	case ARCH_SET_CPUID:
		return -ENODEV;
	}
	return -EINVAL;
}

static int64_t
prctl_name(bool set, va_t at)
{
	struct task *tk = task_current();
	char name[16] = "";
	ssize_t n;

	if (!set) {
		str_copy(name, tk->thread->name, sizeof(name));
		return copyout(at, name, sizeof(name));
	}
	n = copyin_str(name, at, sizeof(name) - 1);
	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	proc_set_comm(tk->proc, tk, name);
	return 0;
}

static int64_t
prctl_design(uint64_t n)
{
	const struct design *design = n > UINT32_MAX ? NULL :
	    design_find((unsigned)n);

	if (design == NULL)
		return -EINVAL;
	proc_current()->next_design = design;
	return 0;
}

/* Of graded boots; outside, what runs from here to ev_mark() is left out. */
static __attribute__((noinline)) void
mark_check(unsigned id)
{
	graded_check(GRADED_VM, id, vm_check(1));
}

static int64_t
prctl_mark(uint64_t id)
{
	if (id > 255)
		return -EINVAL;
	if (graded_boot())
		mark_check((unsigned)id);
	ev_mark((unsigned)id);
	return 0;
}

/* Boolean settings: 0 or 1, nothing else. */
static int64_t
prctl_bool(bool *what, uint64_t v)
{
	if (v > 1)
		return -EINVAL;
	*what = v != 0;
	return 0;
}

/* Who stops to be root keeps what is permitted. */
static int64_t
prctl_keep_caps(uint64_t v)
{
	if (v > 1)
		return -EINVAL;
	spin_lock(&proc_lock);
	task_current()->keep_caps = v != 0;
	spin_unlock(&proc_lock);
	return 0;
}

/* Of one thread, and of those and of the processes that it makes: for good. */
static int64_t
prctl_no_new_privs(const uint64_t a[6])
{
	if (a[1] != 1 || a[2] != 0 || a[3] != 0 || a[4] != 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	task_current()->no_new_privs = true;
	spin_unlock(&proc_lock);
	return 0;
}

int64_t
sys_prctl(const uint64_t a[6])
{
	struct proc *p = proc_current();
	int v;

	switch ((uint32_t)a[0]) {
	case PR_SET_PDEATHSIG:
		if (a[1] > NSIG)
			return -EINVAL;
		p->pdeath_sig = (int8_t)a[1];
		return 0;
	case PR_GET_PDEATHSIG:
		v = p->pdeath_sig;
		return copyout(a[1], &v, sizeof(v));
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		return prctl_bool(&p->dumpable, a[1]);
	case PR_SET_NAME:
		return prctl_name(true, a[1]);
	case PR_GET_NAME:
		return prctl_name(false, a[1]);
	case PR_CAP_AMBIENT:
		return sys_cap_ambient(a);
	case PR_CAPBSET_READ:
		return a[1] > CAP_LAST ? -EINVAL :
		    (p->cred.caps.bounding & CAP_BIT(a[1])) != 0;
	case PR_SET_CHILD_SUBREAPER:
		p->subreaper = a[1] != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		v = p->subreaper;
		return copyout(a[1], &v, 4);
	case PR_SET_NO_NEW_PRIVS:
		return prctl_no_new_privs(a);
	case PR_GET_NO_NEW_PRIVS:
		return (a[1] | a[2] | a[3] | a[4]) != 0 ? -EINVAL :
		    task_current()->no_new_privs;
	case PR_GET_SECCOMP:
		return 0;
	case PR_GET_SECUREBITS:
		return task_current()->keep_caps ? SECBIT_KEEP_CAPS : 0;
	case PR_SET_KEEPCAPS:
		return prctl_keep_caps(a[1]);
	case PR_GET_KEEPCAPS:
		return task_current()->keep_caps;
	case PR_GET_THP_DISABLE:
		return (a[1] | a[2] | a[3] | a[4]) != 0 ? -EINVAL : 0;
	case PR_GET_TSC:
		v = PR_TSC_ENABLE;
		return copyout(a[1], &v, 4);
	case PR_GET_TID_ADDRESS:
		return copyout(a[1], &task_current()->clear_tid, 8);
	case PR_SET_SECUREBITS:
		if ((a[1] & ~SECBIT_KEEP_CAPS) != 0 || !proc_may(CAP_SETPCAP))
			return -EPERM;
		return prctl_keep_caps(a[1] != 0);
	case PR_CAPBSET_DROP:
		return sys_cap_drop(a[1]);
	case PR_SET_MM:
		/* No field can be set here; the capability is checked first. */
		return proc_may(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	case PR_VMM_DESIGN:
		return prctl_design(a[1]);
	case PR_VMM_MARK:
		return prctl_mark(a[1]);
	}
	return -EINVAL;
}
