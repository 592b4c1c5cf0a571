/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobctl.c: the terminal's view of sessions and groups
 *
 * Problem   dev/tty.c lies below proc/ and asks: who is the caller, may it
 *           read or write, to whom does ^C go?
 *
 * Rules     A background reader is stopped by SIGTTIN and tries again; when
 *           nothing could continue it, or it does not want the signal, the
 *           call fails with -EIO instead (book: abi 7).
 *           The terminal knows its group by number only.  When all of that have
 *           ended another session may get the number: it is not meant.
 *
 * Read next dev/tty.c, proc/signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"

static void signal_group(int pgid, int session, int signo);
static int check_read(int session, int fg_pgid);
static int check_write(int session, int fg_pgid);
static int current_session(void);
static int current_pgid(void);
static bool is_session_leader(void);
static int session_of_group(int pgid);
static bool has_tty(void);
static void set_no_tty(bool no);
static int user_in(void *dst, uint64_t src, size_t n);
static int user_out(uint64_t dst, const void *src, size_t n);

static const struct tty_ops ops = {
	.signal_group = signal_group,
	.check_read = check_read,
	.check_write = check_write,
	.current_session = current_session,
	.current_pgid = current_pgid,
	.is_session_leader = is_session_leader,
	.session_of_group = session_of_group,
	.has_tty = has_tty,
	.set_no_tty = set_no_tty,
	.is_root = proc_is_root,
	.copyin = user_in,
	.copyout = user_out,
};

/* Locks: none; boot. */
void
jobctl_init(void)
{
	tty_set_ops(&ops);
}

struct signal_walk {
	int pgid, session;
	struct siginfo si;
};

static void
signal_if_meant(void *arg, struct proc *p)
{
	struct signal_walk *w = arg;

	if (p->pgid == w->pgid && p->sid == w->session)
		(void)sig_send_member_locked(p, &w->si);
}

static void
signal_group(int pgid, int session, int signo)
{
	struct signal_walk w = { pgid, session,
		{ .signo = signo, .code = SI_KERNEL } };

	spin_lock(&proc_lock);
	proc_walk_locked(signal_if_meant, &w);
	spin_unlock(&proc_lock);
}

/* Kernel threads use the terminal freely. */
static bool
is_background(int session, int fg_pgid)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL && session != 0 && tk->proc->sid == session &&
	    !tk->proc->no_tty && fg_pgid != 0 && tk->proc->pgid != fg_pgid;
}

/* Would the signal do nothing: ignored or blocked by the current thread? */
static bool
is_deaf(int signo, bool *orphan)
{
	struct task *tk = task_current();
	struct proc *p = tk->proc;
	bool deaf;

	spin_lock(&proc_lock);
	deaf = (tk->blocked & SIGBIT(signo)) != 0 ||
	    sighand_act(p->sighand, signo).handler == SIG_IGN;
	*orphan = group_is_orphan_locked(p->pgid, NULL);
	spin_unlock(&proc_lock);
	return deaf;
}

static int
check_read(int session, int fg_pgid)
{
	bool orphan;

	if (!is_background(session, fg_pgid))
		return 0;
	if (is_deaf(SIGTTIN, &orphan) || orphan)
		return -EIO;
	sig_send_group(current_pgid(), SIGTTIN);
	return -ERESTARTSYS;
}

static int
check_write(int session, int fg_pgid)
{
	bool orphan;

	if (!is_background(session, fg_pgid))
		return 0;
	if (is_deaf(SIGTTOU, &orphan))
		return 0;
	if (orphan)
		return -EIO;
	sig_send_group(current_pgid(), SIGTTOU);
	return -ERESTARTSYS;
}

static int
current_session(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL ? tk->proc->sid : 0;
}

static int
current_pgid(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL ? tk->proc->pgid : 0;
}

static bool
is_session_leader(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL && tk->proc->sid == tk->proc->pid;
}

struct find_group {
	int pgid, session;
	bool found;              /* a member, and not only the bearer of the number */
};

static void
find_member(void *arg, struct proc *p)
{
	struct find_group *f = arg;

	if (p->pgid == f->pgid || (p->pid == f->pgid && !f->found)) {
		f->session = p->sid;
		f->found = p->pgid == f->pgid;
	}
}

/* A process that may yet lead a group counts as one: its parent may be faster. */
static int
session_of_group(int pgid)
{
	struct find_group f = { pgid, 0, false };

	spin_lock(&proc_lock);
	proc_walk_locked(find_member, &f);
	spin_unlock(&proc_lock);
	return f.session;
}

static bool
has_tty(void)
{
	int session = current_session();

	return session != 0 && tty_session() == session &&
	    !task_current()->proc->no_tty;
}

/* Of one process, whatever others of its session do. */
static void
set_no_tty(bool no)
{
	spin_lock(&proc_lock);
	task_current()->proc->no_tty = no;
	spin_unlock(&proc_lock);
}

static int
user_in(void *dst, uint64_t src, size_t n)
{
	return copyin(dst, src, n);
}

static int
user_out(uint64_t dst, const void *src, size_t n)
{
	return copyout(dst, src, n);
}
