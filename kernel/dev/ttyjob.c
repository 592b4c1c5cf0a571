/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttyjob.c: whose terminal it is: its session, and the job in front
 *
 * Problem   A session has at most one terminal, a terminal at most one session;
 *           ^C is for one job of it, and a hang-up ends all of its jobs.
 *
 * Picture   ttys.all ─→ tty: session, fg (numbers)  ←─ /dev/tty, exit, /proc
 *
 * Rules     1. Both numbers change under one lock for all terminals, so that a
 *              session cannot take two at once.
 *           2. A session that has a terminal has a leader: when the leader ends, the
 *              terminal is free again.  So the session's number is not reused.
 *           3. Questions about processes go to proc/, by tty_job_ops.
 *
 * Read next ttyctl.c, proc/jobctl.c.  Book: abi 7.
 */
#include "dev/ttydat.h"

const struct tty_job_ops *tty_job;

static struct {
	struct spinlock lock;   /* LR_DEV, irq; session and fg of each */
	struct list all;        /* lock */
} ttys = { SPIN_INIT(LR_DEV), LIST_INIT(ttys.all) };

/*
 * Registered by proc/ before the first process.
 */
void
tty_set_job_ops(const struct tty_job_ops *ops)
{
	tty_job = ops;
}

/* A terminal that sessions may have.  Locks:    none of rank >= LR_DEV. */
void
tty_add(struct tty *t)
{
	uint64_t flags = spin_lock_irq(&ttys.lock);

	list_push_back(&ttys.all, &t->all);
	spin_unlock_irq(&ttys.lock, flags);
}

/* Locks:    ttys.lock. */
static struct tty *
find_locked(int session)
{
	struct tty *t;

	HELD(&ttys.lock);
	LIST_FOREACH(t, &ttys.all, all)
		if (session != 0 && t->session == session)
			return t;
	return NULL;
}

/* Major and minor as one number. */
uint32_t
tty_dev(const struct tty *t)
{
	return t->chr->major << 8 | (t->chr->minor & 0xff) |
	    (t->chr->minor & ~0xffu) << 12;
}

/*
 * For /proc/PID/stat: major and minor of a session's terminal as one number, and
 * the job in front of it.
 *
 * Locks:    none of rank >= LR_DEV.
 * Returns:  0: it has none.
 */
uint32_t
tty_number(int session, int *fg)
{
	uint64_t flags = spin_lock_irq(&ttys.lock);
	const struct tty *t = find_locked(session);
	uint32_t number = 0;

	if (t != NULL && !t->hung) {
		*fg = t->fg;
		number = tty_dev(t);
	}
	spin_unlock_irq(&ttys.lock, flags);
	return number;
}

/* The job in front of the terminal d; 0: there is none, as of a master.  -ENOTTY. */
int
tty_front(const struct chr_dev *d)
{
	int n = pty_of_master(d);

	return n == -EIO ? atomic_load_relaxed(&((struct tty *)d->dev)->fg) : MIN(n, 0);
}

static struct tty_asker
asker(void)
{
	struct tty_asker a = { .session = 0 };

	if (tty_job != NULL)
		tty_job->ask(&a);
	return a;
}

/*
 * The terminal that /dev/tty is for the current process.
 *
 * Locks:    none held.
 * Owns:     the caller gets a reference.
 * Returns:  NULL: it has none.
 */
struct tty *
tty_current(void)
{
	struct tty_asker a = asker();
	uint64_t flags = spin_lock_irq(&ttys.lock);
	struct tty *t = a.gave_up ? NULL : find_locked(a.session);

	if (t != NULL && t->hung)
		t = NULL;
	if (t != NULL)
		t->refs++;
	spin_unlock_irq(&ttys.lock, flags);
	return t;
}

/* Drop a reference.  Locks:    none held. */
void
tty_put(struct tty *t)
{
	uint64_t flags = spin_lock_irq(&ttys.lock);
	bool last = --t->refs == 0;

	if (last)
		list_remove(&t->all);
	spin_unlock_irq(&ttys.lock, flags);
	if (last)
		t->ops->free(t);
}

/* Is it the terminal of the current process? */
bool
tty_is_mine(const struct tty *t)
{
	struct tty_asker a = asker();

	return a.session != 0 && t->session == a.session && !a.gave_up && !t->hung;
}

/* To the job in front, if there is one.  Locks:    none of rank >= LR_LEAF. */
void
tty_signal(struct tty *t, int sig)
{
	int fg = atomic_load_relaxed(&t->fg);

	if (fg != 0 && tty_job != NULL)
		tty_job->signal_group(fg, atomic_load_relaxed(&t->session), sig);
}

/*
 * May the current process change it, or write where TOSTOP is set?  From the
 * background it gets SIGTTOU.
 *
 * Locks:    none held.
 * Returns:  0, -EIO, -ERESTARTSYS.
 */
int
tty_may_change(const struct tty *t)
{
	return tty_job == NULL ? 0 : tty_job->check_write(t->session, t->fg);
}

/* Not what somebody has for himself: TIOCEXCL.  Root does. */
bool
tty_may_open(const struct tty *t)
{
	return !atomic_load(&t->alone[TTY_PROGRAM]) || asker().root;
}

/* A session leader without a terminal gets the one it opens, unless O_NOCTTY. */
void
tty_opened(struct tty *t, unsigned flags)
{
	if ((flags & O_NOCTTY) == 0 && t->session == 0 && asker().leads)
		(void)tty_set_session(t, 0);
}

/* May session a, which has old or NULL, have t?  Locks:    ttys.lock. */
static int
may_have(const struct tty *t, const struct tty *old, const struct tty_asker *a,
    uint64_t steal)
{
	HELD(&ttys.lock);
	if (t->hung)
		return -EIO;
	if (!a->leads || (old != NULL && old != t && !old->hung))
		return -EPERM;
	if (t->session == 0 || t->session == a->session)
		return 0;
	return steal == 1 && a->root ? 0 : -EPERM;
}

/*
 * TIOCSCTTY: with 1, root takes the terminal from another session.
 *
 * Locks:    none held.
 * Returns:  0, -EPERM.
 */
int
tty_set_session(struct tty *t, uint64_t steal)
{
	struct tty_asker a = asker();
	uint64_t flags = spin_lock_irq(&ttys.lock);
	struct tty *old = find_locked(a.session);
	int r = may_have(t, old, &a, steal);

	if (r == 0 && t != old) {
		t->refs += t->session == 0;
		t->session = a.session;
		t->fg = a.group;
		if (old != NULL)
			old->session = old->fg = 0;
	}
	spin_unlock_irq(&ttys.lock, flags);
	if (r == 0 && old != NULL && old != t)
		tty_put(old);
	if (r == 0)
		tty_job->give_up(false);
	return r;
}

/*
 * The leader of a session has ended: signal the foreground job, and free its
 * terminal.
 *
 * Locks:    none held.
 */
void
tty_session_ended(int session)
{
	uint64_t flags = spin_lock_irq(&ttys.lock);
	struct tty *t = find_locked(session);
	int fg = 0;

	if (t != NULL) {
		fg = t->fg;
		t->session = t->fg = 0;
	}
	spin_unlock_irq(&ttys.lock, flags);
	if (fg != 0) {
		tty_job->signal_group(fg, session, SIGHUP);
		tty_job->signal_group(fg, session, SIGCONT);
	}
	if (t != NULL)
		tty_put(t);
}

/*
 * The other end of t is gone for good: nobody reads or writes it any more, and the
 * leader of its session hears of it.  When he ends, so does the job in front.
 *
 * Locks:    none held.
 */
void
tty_hangup(struct tty *t)
{
	uint64_t flags = spin_lock_irq(&ttys.lock);
	int session = t->session;

	atomic_store(&t->hung, true);
	spin_unlock_irq(&ttys.lock, flags);
	ready_wake(&t->ready, POLL_RD | POLL_WR | POLLERR | POLLHUP);
	if (session != 0) {
		tty_job->signal_leader(session, SIGHUP);
		tty_job->signal_leader(session, SIGCONT);
	}
}

/*
 * TIOCNOTTY: the session's leader gives the terminal up, anybody else only his
 * own use.
 *
 * Locks:    none held.
 * Returns:  0, -ENOTTY.
 */
int
tty_drop_session(struct tty *t)
{
	struct tty_asker a = asker();

	if (!tty_is_mine(t))
		return -ENOTTY;
	if (a.leads)
		tty_session_ended(a.session);
	else
		tty_job->give_up(true);
	return 0;
}

/*
 * Another job comes to the front, of the terminal that is the caller's.
 *
 * Locks:    none held.
 * Returns:  0, -ESRCH, -EPERM: of another session.
 */
int
tty_set_group(struct tty *t, int pgid)
{
	int session = tty_job->session_of_group(pgid), r = -EPERM;
	uint64_t flags;

	if (session == 0)
		return -ESRCH;
	flags = spin_lock_irq(&ttys.lock);
	if (session == t->session) {
		t->fg = pgid;
		r = 0;
	}
	spin_unlock_irq(&ttys.lock, flags);
	return r;
}
