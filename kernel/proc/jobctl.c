/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobctl.c: the terminal's view of sessions and groups
 *
 * Problem   dev/ttyjob.c lies below proc/ and asks: who is the caller, may it
 *           read or write, which processes get ^C?
 *
 * Rules     A background reader is stopped by SIGTTIN and tries again; when
 *           nothing could continue it, or it does not want the signal, the
 *           call fails with -EIO instead (book: abi 7).
 *           The terminal knows its group by number only.  When all its processes
 *           have ended another session may get the number: that one is not meant.
 *
 * Read next dev/ttyjob.c, proc/signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"

static void signal_group(int pgid, int session, int signo);
static void signal_leader(int session, int signo);
static int check_read(int session, int fg_pgid);
static int check_write(int session, int fg_pgid);
static int session_of_group(int pgid);
static void ask(struct tty_asker *);
static void give_up(bool yes);
static int user_in(void *dst, uint64_t src, size_t n);
static int user_out(uint64_t dst, const void *src, size_t n);

static const struct tty_job_ops ops = {
	.signal_group = signal_group,
	.signal_leader = signal_leader,
	.check_read = check_read,
	.check_write = check_write,
	.session_of_group = session_of_group,
	.ask = ask,
	.give_up = give_up,
	.copyin = user_in,
	.copyout = user_out,
};

/* Locks: none; boot. */
void
jobctl_init(void)
{
	tty_set_job_ops(&ops);
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

static void
signal_leader(int session, int signo)
{
	struct siginfo si = { .signo = signo, .code = SI_KERNEL };
	struct proc *p;

	spin_lock(&proc_lock);
	p = proc_find_locked(session);
	if (p != NULL && p->sid == session)
		(void)sig_send_member_locked(p, &si);
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
	sig_send_group(proc_current()->pgid, SIGTTIN);
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
	sig_send_group(proc_current()->pgid, SIGTTOU);
	return -ERESTARTSYS;
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

static void
ask(struct tty_asker *a)
{
	struct task *tk = thread_current()->proc;
	struct proc *p;

	if (tk == NULL)
		return;
	p = tk->proc;
	a->session = p->sid;
	a->group = p->pgid;
	a->leads = p->sid == p->pid;
	a->gave_up = p->no_tty;
	a->root = proc_may(CAP_SYS_ADMIN);
}

/* Of one process, whatever others of its session do. */
static void
give_up(bool yes)
{
	spin_lock(&proc_lock);
	proc_current()->no_tty = yes;
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
