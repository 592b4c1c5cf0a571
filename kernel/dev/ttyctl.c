/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttyctl.c: the terminal's ioctls, its session and foreground group
 *
 * Problem   A shell gives the terminal to the job in front, an editor sets raw
 *           mode, and both ask for the window's size.
 *
 * Rules     1. All numbers and layouts are those of Linux (book: abi 7).
 *           2. A change from the background gets SIGTTOU first, by proc/'s
 *              check_write.
 *           3. User memory is copied without the tty lock.
 *
 * Read next dev/tty.c.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

enum tty_ioctl {
	TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCSBRK = 0x5409, TCXONC,
	TCFLSH, TIOCSCTTY = 0x540e, TIOCGPGRP, TIOCSPGRP, TIOCOUTQ,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ, FIONREAD = 0x541b, TIOCNOTTY = 0x5422,
	TCSBRKP = 0x5425, TIOCGSID = 0x5429
};

static int64_t set_termios(uint64_t arg, unsigned cmd);
static int64_t set_winsize(uint64_t arg);
static int64_t set_session(uint64_t steal);
static int64_t drop_session(void);
static int64_t set_group(uint64_t arg);
static int bytes_to_read(void);
static int64_t flush(uint64_t what);
static int64_t set_flow(uint64_t how);
static int64_t put_int(uint64_t arg, int value);

/*
 * Registered by proc/ before the first process.
 */
void
tty_set_ops(const struct tty_ops *ops)
{
	tty_job = ops;
}

int
tty_session(void)
{
	return atomic_load_relaxed(&tty.session);
}

int
tty_fg_pgid(void)
{
	return atomic_load_relaxed(&tty.fg);
}

/*
 * The session leader is gone: the job in front hears of it, the terminal is
 * free.
 *
 * Locks:    none held.
 */
void
tty_session_ended(int session)
{
	uint64_t flags = spin_lock_irq(&tty.lock);
	int fg = tty.fg;

	if (tty.session != session) {
		spin_unlock_irq(&tty.lock, flags);
		return;
	}
	tty.session = tty.fg = 0;
	spin_unlock_irq(&tty.lock, flags);
	if (fg != 0) {
		tty_job->signal_group(fg, session, SIGHUP);
		tty_job->signal_group(fg, session, SIGCONT);
	}
}

/* A session leader without a terminal gets this one, unless O_NOCTTY. */
int
tty_open(void *dev, unsigned flags)
{
	const unsigned o_noctty = 0400;

	if (!(flags & o_noctty) && tty_job != NULL && tty.session == 0 &&
	    tty_job->is_session_leader())
		(void)set_session(0);
	return 0;
}

/* /dev/tty is the terminal of the caller's session, if it has one. */
int
tty_open_current(void *dev, unsigned flags)
{
	if (tty_job == NULL || !tty_job->has_tty())
		return -ENXIO;
	return 0;
}

/*
 * Locks:    none held.
 * Returns:  0 or a value, -ENOTTY for what is not known.
 */
int64_t
tty_ioctl(void *dev, unsigned cmd, uint64_t arg)
{
	struct termios t;
	struct winsize ws;
	uint64_t flags;

	switch (cmd) {
	case TCGETS:
		flags = spin_lock_irq(&tty.lock);
		t = tty.t;
		spin_unlock_irq(&tty.lock, flags);
		return tty_job->copyout(arg, &t, sizeof(t));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(arg, cmd);
	case TIOCGWINSZ:
		ws = tty.ws;
		return tty_job->copyout(arg, &ws, sizeof(ws));
	case TIOCSWINSZ:
		return set_winsize(arg);
	case TIOCSCTTY:
		return set_session(arg);
	case TIOCNOTTY:
		return drop_session();
	case TIOCGPGRP:
		if (!tty_job->has_tty())
			return -ENOTTY;
		return put_int(arg, tty.fg);
	case TIOCSPGRP:
		return set_group(arg);
	case TIOCGSID:
		if (!tty_job->has_tty())
			return -ENOTTY;
		return put_int(arg, tty.session);
	case FIONREAD:
		return put_int(arg, bytes_to_read());
	case TIOCOUTQ:
		return put_int(arg, 0);
	case TCFLSH:
		return flush(arg);
	case TCXONC:
		return set_flow(arg);
	case TCSBRK:
	case TCSBRKP: /* output is written through: drained already */
		return tty_job->check_write(tty.session, tty.fg);
	}
	return -ENOTTY;
}

/* Marks of an end of file are no bytes. */
static int
bytes_to_read(void)
{
	uint64_t flags = spin_lock_irq(&tty.lock);
	unsigned i;
	int n = 0;

	for (i = 0; i < tty.ntotal; i++)
		if ((tty.cooked[(tty.chead + i) % TTY_COOKED] & COOKED_EOF) == 0)
			n++;
	spin_unlock_irq(&tty.lock, flags);
	return n;
}

enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };      /* TCFLSH */
enum { TCOOFF, TCOON, TCIOFF, TCION };      /* TCXONC */

static int64_t
flush(uint64_t what)
{
	int r = tty_job->check_write(tty.session, tty.fg);
	uint64_t flags;

	if (r < 0)
		return r;
	if (what > TCIOFLUSH)
		return -EINVAL;
	flags = spin_lock_irq(&tty.lock);
	if (what != TCOFLUSH)
		tty_flush_input();
	spin_unlock_irq(&tty.lock, flags);
	return 0;
}

/* Nobody is asked to send no more: TCIOFF and TCION have nothing to do. */
static int64_t
set_flow(uint64_t how)
{
	int r = tty_job->check_write(tty.session, tty.fg);
	uint64_t flags;

	if (r < 0)
		return r;
	if (how > TCION)
		return -EINVAL;
	flags = spin_lock_irq(&tty.lock);
	if (how == TCOOFF) {
		tty.held = true;
		atomic_store(&tty.stopped, true);
	} else if (how == TCOON && tty.held) {
		tty.held = false;
		tty_start_locked();
	}
	spin_unlock_irq(&tty.lock, flags);
	tty_tell(POLL_RD | POLL_WR);
	return 0;
}

static int64_t
put_int(uint64_t arg, int value)
{
	return tty_job->copyout(arg, &value, sizeof(value));
}

static int64_t
set_termios(uint64_t arg, unsigned cmd)
{
	struct termios t;
	uint64_t flags;
	uint32_t changed;
	int r = tty_job->check_write(tty.session, tty.fg);

	if (r == 0)
		r = tty_job->copyin(&t, arg, sizeof(t));
	if (r < 0)
		return r;
	flags = spin_lock_irq(&tty.lock);
	if (cmd == TCSETSF)
		tty_flush_input();
	/* Without IXON no key would start it again. */
	if ((tty.t.iflag & ~t.iflag & IXON) != 0)
		tty_start_locked();
	changed = tty.t.lflag ^ t.lflag;
	tty.t = t;
	if ((changed & ICANON) != 0)
		tty_change_mode();
	spin_unlock_irq(&tty.lock, flags);
	tty_tell(POLL_RD | POLL_WR);
	return 0;
}

static int64_t
set_winsize(uint64_t arg)
{
	struct winsize ws;
	int r = tty_job->copyin(&ws, arg, sizeof(ws)), fg, session;
	uint64_t flags;
	bool changed;

	if (r < 0)
		return r;
	flags = spin_lock_irq(&tty.lock);
	changed = memcmp(&ws, &tty.ws, sizeof(ws)) != 0;
	tty.ws = ws;
	fg = tty.fg;
	session = tty.session;
	spin_unlock_irq(&tty.lock, flags);
	if (changed && fg != 0)
		tty_job->signal_group(fg, session, SIGWINCH);
	return 0;
}

/* TIOCSCTTY: with 1, root takes the terminal from another session. */
static int64_t
set_session(uint64_t steal)
{
	int session = tty_job->current_session();
	bool may_steal = steal == 1 && tty_job->is_root();
	uint64_t flags;
	int64_t r = -EPERM;

	if (!tty_job->is_session_leader())
		return -EPERM;
	flags = spin_lock_irq(&tty.lock);
	if (tty.session == 0 || tty.session == session || may_steal) {
		if (tty.session != session) {
			tty.session = session;
			tty.fg = tty_job->current_pgid();
		}
		r = 0;
	}
	spin_unlock_irq(&tty.lock, flags);
	if (r == 0)
		tty_job->set_no_tty(false);
	return r;
}

/* The session's leader gives the terminal up, anybody else only his own use. */
static int64_t
drop_session(void)
{
	if (!tty_job->has_tty())
		return -ENOTTY;
	if (tty_job->is_session_leader())
		tty_session_ended(tty_job->current_session());
	else
		tty_job->set_no_tty(true);
	return 0;
}

static int64_t
set_group(uint64_t arg)
{
	bool mine = tty_job->has_tty();
	int pgid, session, r = 0;

	if (mine)
		r = tty_job->check_write(tty.session, tty.fg);
	if (r == -EIO)
		return -ENOTTY; /* nobody would continue the group */
	if (r == 0)
		r = tty_job->copyin(&pgid, arg, sizeof(pgid));
	if (r < 0)
		return r;
	if (pgid < 0)
		return -EINVAL;
	if (!mine)
		return -ENOTTY;
	session = tty_job->session_of_group(pgid);
	if (session == 0)
		return -ESRCH;
	if (session != tty.session)
		return -EPERM;
	tty.fg = pgid;
	return 0;
}
