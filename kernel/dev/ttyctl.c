/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttyctl.c: the terminal's ioctls
 *
 * Problem   An editor sets raw mode, a shell gives the terminal to the job in
 *           front, and both ask for the window's size.
 *
 * Rules     1. All numbers and layouts are those of Linux (book: abi 7).
 *           2. A change from the background gets SIGTTOU first, by proc/'s
 *              check_write.
 *           3. User memory is copied without the tty lock.
 *
 * Read next ttyjob.c (sessions), tty.c.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

enum tty_ioctl {
	TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF,
	TCSBRK, TCXONC,
	TCFLSH, TIOCSCTTY = 0x540e, TIOCGPGRP, TIOCSPGRP, TIOCOUTQ,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ, FIONREAD = 0x541b, TIOCNOTTY = 0x5422,
	TIOCEXCL = 0x540c, TIOCNXCL, TIOCGEXCL = 0x80045440, TCGETS2 = 0x802c542a,
	TCSETS2 = 0x402c542b, TCSETSW2, TCSETSF2, TIOCSTI = 0x5412, TIOCSETD = 0x5423,
	TIOCGETD, TCSBRKP, TIOCSBRK = 0x5427, TIOCCBRK, TIOCGSID, TIOCGLCKTRMIOS = 0x5456,
	TIOCSLCKTRMIOS, TIOCGDEV = 0x80045432
};

/* struct termio of the Linux ABI: 18 bytes, and the halves of today's flags. */
struct termio {
	uint16_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[8], pad;
};

static int64_t get_termios(struct tty *t, uint64_t arg, unsigned cmd);
static int64_t set_termios(struct tty *t, uint64_t arg, unsigned cmd);
static int64_t set_winsize(struct tty *t, uint64_t arg);
static int64_t set_group(struct tty *t, uint64_t arg);
static int bytes_to_read(struct tty *t);
static int64_t flush(struct tty *t, uint64_t what);
static int64_t set_flow(struct tty *t, enum tty_side side, uint64_t how);
static int64_t seldom_asked(struct tty *t, unsigned cmd, uint64_t arg);

/*
 * Locks:    none held.
 * Returns:  0 or a value, -ENOTTY for what is not known.
 */
int64_t
tty_ioctl(void *dev, unsigned cmd, uint64_t arg)
{
	struct tty *t = dev;

	if (atomic_load(&t->hung))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_ioctl_as(t, TTY_PROGRAM, cmd, arg);
}

/* The same, of who has this or the other end.  That one need not be of its session. */
int64_t
tty_ioctl_as(struct tty *t, enum tty_side side, unsigned cmd, uint64_t arg)
{
	bool may_ask = side == TTY_DRIVER || tty_is_mine(t);
	struct winsize ws;

	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return get_termios(t, arg, cmd);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(t, arg, cmd);
	case TIOCEXCL:
	case TIOCNXCL:
		atomic_store(&t->alone[side], cmd == TIOCEXCL);
		return 0;
	case TIOCGEXCL:
		return tty_answer(arg, atomic_load(&t->alone[side]));
	case TIOCGWINSZ:
		ws = t->ws;
		return tty_job->copyout(arg, &ws, sizeof(ws));
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TIOCSCTTY:
		return tty_set_session(t, arg);
	case TIOCNOTTY: /* a master is never the terminal of a session */
		return side == TTY_DRIVER ? -ENOTTY : tty_drop_session(t);
	case TIOCGPGRP:
		return may_ask ? tty_answer(arg, t->fg) : -ENOTTY;
	case TIOCSPGRP:
		return set_group(t, arg);
	case TIOCGSID:
		return may_ask && t->session != 0 ? tty_answer(arg, t->session) : -ENOTTY;
	case FIONREAD:
		return tty_answer(arg, bytes_to_read(t));
	case TIOCOUTQ:
		return tty_answer(arg, 0);
	case TCFLSH:
		return flush(t, arg);
	case TCXONC:
		return set_flow(t, side, arg);
	}
	return seldom_asked(t, cmd, arg);
}

/* Line disciplines: there is one. */
static int64_t
set_discipline(struct tty *t, uint64_t arg)
{
	int32_t which;
	int r = tty_may_change(t);

	if (r == 0)
		r = tty_job->copyin(&which, arg, sizeof(which));
	return r < 0 ? r : which == 0 ? 0 : -EINVAL;
}

static int64_t
seldom_asked(struct tty *t, unsigned cmd, uint64_t arg)
{
	static const struct termios unlocked;

	switch (cmd) {
	case TIOCGETD:
		return tty_answer(arg, 0);
	case TIOCSETD:
		return set_discipline(t, arg);
	case TIOCGDEV:
		return tty_answer(arg, (int)tty_dev(t));
	case TIOCGLCKTRMIOS: /* which settings are locked: none */
		return tty_job->copyout(arg, &unlocked, sizeof(unlocked));
	case TIOCSLCKTRMIOS:
		return -EPERM;
	case TIOCSTI: /* a program may not type input for the next reader */
		return -EIO;
	case TIOCSBRK: /* no terminal here sends a break condition */
	case TIOCCBRK:
	case TCSBRK:
	case TCSBRKP: /* output is not buffered here, so it is drained already */
		return tty_may_change(t);
	}
	return -ENOTTY;
}

static struct termios2
termios_now(struct tty *t)
{
	return UNDER_IRQ(&t->lock, ((struct termios2){ t->t, t->ispeed, t->ospeed }));
}

static int64_t
get_termios(struct tty *t, uint64_t arg, unsigned cmd)
{
	struct termios2 now = termios_now(t);
	struct termio old = { (uint16_t)now.t.iflag, (uint16_t)now.t.oflag,
		(uint16_t)now.t.cflag, (uint16_t)now.t.lflag, .line = now.t.line };

	memcpy(old.cc, now.t.cc, sizeof(old.cc));
	if (cmd == TCGETA)
		return tty_job->copyout(arg, &old, sizeof(old));
	return tty_job->copyout(arg, &now,
	    cmd == TCGETS2 ? sizeof(now) : sizeof(now.t));
}

/* One flag word gets its lower half. */
static void
half_set(uint32_t *word, uint16_t half)
{
	*word = (*word & 0xffff0000u) | half;
}

/* What is to be, of which cmd may bring a part only.  0, -EFAULT. */
static int
termios_copyin(struct tty *t, uint64_t arg, unsigned cmd, struct termios2 *new)
{
	struct termio old;
	int r;

	*new = termios_now(t);
	if (cmd >= TCSETS && cmd <= TCSETSF)
		return tty_job->copyin(&new->t, arg, sizeof(new->t));
	if (cmd < TCSETA || cmd > TCSETAF)
		return tty_job->copyin(new, arg, sizeof(*new));
	r = tty_job->copyin(&old, arg, sizeof(old));
	if (r != 0)
		return r;
	half_set(&new->t.iflag, old.iflag);
	half_set(&new->t.oflag, old.oflag);
	half_set(&new->t.cflag, old.cflag);
	half_set(&new->t.lflag, old.lflag);
	new->t.line = old.line;
	memcpy(new->t.cc, old.cc, sizeof(old.cc));
	return 0;
}

/* Marks of an end of file are no bytes. */
static int
bytes_to_read(struct tty *t)
{
	uint64_t flags = spin_lock_irq(&t->lock);
	unsigned i;
	int n = 0;

	for (i = 0; i < t->ntotal; i++)
		if ((t->cooked[(t->chead + i) % TTY_COOKED] & COOKED_EOF) == 0)
			n++;
	spin_unlock_irq(&t->lock, flags);
	return n;
}

enum { TCOOFF, TCOON, TCIOFF, TCION };      /* TCXONC */

/* Nobody will read what was typed: who types has room, and hears it.  TIOCPKT_*. */
static unsigned
flushed_input(struct tty *t)
{
	if (t->ops->taken != NULL)
		t->ops->taken(t);
	return TIOCPKT_FLUSHREAD;
}

static int64_t
flush(struct tty *t, uint64_t what)
{
	unsigned note = what != TCIFLUSH ? TIOCPKT_FLUSHWRITE : 0;
	int r = tty_may_change(t);
	uint64_t flags;

	if (r < 0)
		return r;
	if (what > TCIOFLUSH)
		return -EINVAL;
	flags = spin_lock_irq(&t->lock);
	if (what != TCOFLUSH)
		tty_flush_input(t);
	spin_unlock_irq(&t->lock, flags);
	if (what != TCOFLUSH)
		note |= flushed_input(t);
	tty_note(t, note);
	return 0;
}

/* The other end is asked to send no more, or more: past what ^S has stopped, and if
 * there is a place.  A keyboard cannot be asked. */
static void
ask_for_input(struct tty *t, enum tty_cc which)
{
	char c = (char)UNDER_IRQ(&t->lock, t->t.cc[which]);

	if (t->ops->taken != NULL && c != 0 && !atomic_load_relaxed(&t->held))
		(void)t->ops->send(t, &c, 1);
}

static int64_t
set_flow(struct tty *t, enum tty_side side, uint64_t how)
{
	int r = tty_may_change(t);
	uint64_t flags;
	bool stopped;

	if (r < 0)
		return r;
	if (how > TCION)
		return -EINVAL;
	if (how >= TCIOFF) {
		if (side == TTY_PROGRAM)
			ask_for_input(t, how == TCIOFF ? VSTOP : VSTART);
		return 0;
	}
	flags = spin_lock_irq(&t->lock);
	if (how == TCOOFF) {
		t->held = true;
		atomic_store(&t->stopped, true);
	} else if (how == TCOON && t->held) {
		t->held = false;
		tty_start_locked(t);
	}
	stopped = t->stopped;
	spin_unlock_irq(&t->lock, flags);
	tty_note(t, stopped ? TIOCPKT_STOP : TIOCPKT_START);
	tty_echo(t, "", 0);
	ready_wake(&t->ready, POLL_RD | POLL_WR);
	return 0;
}

/* The answer of an ioctl.  0, -EFAULT. */
int64_t
tty_answer(uint64_t arg, int value)
{
	return tty_job->copyout(arg, &value, sizeof(value));
}

/* Do ^S and ^Q stop and start output? */
static bool
keys_stop(const struct termios *m)
{
	return (m->iflag & IXON) != 0 && m->cc[VSTOP] == 023 && m->cc[VSTART] == 021;
}

static int64_t
set_termios(struct tty *t, uint64_t arg, unsigned cmd)
{
	bool flushes = cmd == TCSETSF || cmd == TCSETSF2 || cmd == TCSETAF;
	struct termios2 two;
	struct termios new;
	uint64_t flags;
	uint32_t changed;
	unsigned note = 0;
	int r = tty_may_change(t);

	if (r == 0)
		r = termios_copyin(t, arg, cmd, &two);
	if (r < 0)
		return r;
	tty_set_speeds(&two);
	new = two.t;
	flags = spin_lock_irq(&t->lock);
	if (flushes)
		tty_flush_input(t);
	/* Without IXON no key starts stopped output again, so it starts here. */
	if ((t->t.iflag & ~new.iflag & IXON) != 0)
		tty_start_locked(t);
	changed = t->t.lflag ^ new.lflag;
	if (keys_stop(&t->t) != keys_stop(&new))
		note = keys_stop(&new) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
	t->t = new;
	t->ispeed = two.ispeed;
	t->ospeed = two.ospeed;
	if ((changed & ICANON) != 0)
		tty_change_mode(t);
	spin_unlock_irq(&t->lock, flags);
	if (flushes)
		note |= flushed_input(t);
	tty_note(t, note);
	tty_echo(t, "", 0);
	ready_wake(&t->ready, POLL_RD | POLL_WR);
	return 0;
}

static int64_t
set_winsize(struct tty *t, uint64_t arg)
{
	struct winsize ws;
	int r = tty_job->copyin(&ws, arg, sizeof(ws));
	uint64_t flags;
	bool changed;

	if (r < 0)
		return r;
	flags = spin_lock_irq(&t->lock);
	changed = memcmp(&ws, &t->ws, sizeof(ws)) != 0;
	t->ws = ws;
	spin_unlock_irq(&t->lock, flags);
	if (changed)
		tty_signal(t, SIGWINCH);
	return 0;
}

/* TIOCSPGRP: who has not this terminal is told so last, as on Linux. */
static int64_t
set_group(struct tty *t, uint64_t arg)
{
	bool mine = tty_is_mine(t);
	int pgid, r = mine ? tty_may_change(t) : 0;

	if (r == -EIO)
		return -ENOTTY; /* an orphaned group: nobody would continue it */
	if (r == 0)
		r = tty_job->copyin(&pgid, arg, sizeof(pgid));
	if (r < 0)
		return r;
	if (pgid < 0)
		return -EINVAL;
	return mine ? tty_set_group(t, pgid) : -ENOTTY;
}
