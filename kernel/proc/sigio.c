/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigio.c: SIGIO, or the signal that a program chose instead
 *
 * Problem   A file that has become ready signals a thread, a process or a group that
 *           may have ended, and whose number may have a new bearer.
 *
 * Picture   fs/async.c ─→ owner: number, and who had it ─→ is it still he? may the
 *                         one who set it signal him? ─→ SIGIO, or SIGn with fd, band
 *
 * Rules     1. A thread is known by its serial, a process by when it started; a group
 *              by its number alone.
 *           2. The rights are those of the process that set the owner, at that time.
 *           3. If the queue is full SIGIO is sent instead: look at all files.
 *
 * Read next fs/async.c, signal.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "fs/fscall.h"
#include "lib/errno.h"

/* The event, as in siginfo. */
#define POLLWRBAND 0x200
#define BAND_IN (POLLIN | POLLRDNORM)
#define BAND_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)
#define BAND_HUP (POLLHUP | POLLERR)

/* [own] One signal under way. */
struct sigio {
	const struct file_owner *to;
	struct siginfo si;
};

static struct task *
thread_of_locked(const struct file_owner *o)
{
	struct task *tk = task_find_locked(o->id);

	HELD(&proc_lock);
	return tk != NULL && tk->serial == o->who ? tk : NULL;
}

static struct proc *
process_of_locked(const struct file_owner *o)
{
	struct proc *p = proc_find_locked(o->id);

	HELD(&proc_lock);
	return p != NULL && p->start_ns == o->who ? p : NULL;
}

static bool
is_there_locked(const struct file_owner *o)
{
	HELD(&proc_lock);
	switch (o->kind) {
	case OWNER_THREAD:
		return thread_of_locked(o) != NULL;
	case OWNER_PROCESS:
		return process_of_locked(o) != NULL;
	case OWNER_GROUP:
		return proc_group_exists_locked(o->id);
	}
	return false;
}

/* Has o->id still the same bearer?  Rule 1.  Locks: takes proc_lock. */
bool
sigio_owner_lives(const struct file_owner *o)
{
	return UNDER(&proc_lock, is_there_locked(o));
}

/*
 * The current process makes o->id an owner: record its present bearer, and our rights.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH: the number has no bearer.
 */
int
sigio_owner_find(struct file_owner *o)
{
	const struct cred *c = &proc_current()->cred;
	struct task *tk;
	struct proc *p;
	bool found;

	spin_lock(&proc_lock);
	tk = task_find_locked(o->id);
	p = proc_find_locked(o->id);
	found = tk != NULL || p != NULL || proc_group_exists_locked(o->id);
	if (o->kind == OWNER_THREAD && tk != NULL)
		o->who = tk->serial;
	else if (o->kind == OWNER_PROCESS && p != NULL)
		o->who = p->start_ns;
	spin_unlock(&proc_lock);
	o->uid = c->uid;
	o->euid = c->euid;
	return found ? 0 : -ESRCH;
}

/* Rule 2.  Locks: proc_lock held. */
static bool
may_signal_locked(const struct file_owner *o, const struct proc *p)
{
	const struct cred *c = &p->cred;

	HELD(&proc_lock);
	return o->euid == 0 || o->euid == c->suid || o->euid == c->uid ||
	    o->uid == c->suid || o->uid == c->uid;
}

/* To one thread, or with NULL to the process; rule 3. */
static void
send_locked(const struct sigio *s, struct proc *p, struct task *tk)
{
	const struct siginfo plain = { .signo = SIGIO, .code = SI_KERNEL };
	int r = -EAGAIN;

	HELD(&proc_lock);
	if (!may_signal_locked(s->to, p))
		return;
	if (s->si.signo != 0)
		r = tk != NULL ? sig_send_task_locked(tk, &s->si) :
		    sig_send_member_locked(p, &s->si);
	if (r == 0)
		return;
	/* One that is pending says as much. */
	if (tk != NULL)
		(void)sig_send_task_locked(tk, &plain);
	else
		(void)sig_send_member_locked(p, &plain);
}

static void
send_member(void *arg, struct proc *p)
{
	send_locked(arg, p, NULL);
}

/* Send o's signal to all whom it names; code and band tell what happened.  A signal that
 * has codes of its own gets SI_SIGIO.  Locks: takes proc_lock. */
static void
send_news(const struct file_owner *o, int code, uint64_t band)
{
	struct sigio s = { .to = o, .si = { .signo = o->signo, .code = code,
		.addr = band, .none = { (uint32_t)o->fd } } };
	struct task *tk;
	struct proc *p;

	switch (o->signo) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
	case SIGCHLD:
	case SIGSYS:
		s.si.code = SI_SIGIO;
	}
	spin_lock(&proc_lock);
	if (o->kind == OWNER_GROUP) {
		group_walk_locked(o->id, send_member, &s);
	} else if (o->kind == OWNER_THREAD) {
		tk = thread_of_locked(o);
		if (tk != NULL)
			send_locked(&s, tk->proc, tk);
	} else {
		p = process_of_locked(o);
		if (p != NULL)
			send_locked(&s, p, NULL);
	}
	spin_unlock(&proc_lock);
}

/* Signal the owner o of a file.  Locks: takes proc_lock. */
static void
sigio_send(const struct file_owner *o, unsigned told)
{
	if ((told & POLLHUP) != 0) {
		send_news(o, POLL_HUP, BAND_HUP);
		return;
	}
	if ((told & BAND_IN) != 0)
		send_news(o, POLL_IN, BAND_IN);
	if ((told & BAND_OUT) != 0)
		send_news(o, POLL_OUT, BAND_OUT);
}

/* Locks: none; boot. */
void
sigio_init(void)
{
	fs_set_async_fn(sigio_send);
}
