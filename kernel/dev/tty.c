/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c: the line discipline of a terminal: what becomes of the keys
 *
 * Problem   Keys arrive one by one; programs want lines with editing, or bytes
 *           at once (raw), and ^C must reach the right group.
 *
 * Picture   driver ─→ tty_receive: signals, editing, echo
 *                          │ a whole line (canonical)
 *                          v
 *                      cooked ring ─→ read()
 *
 * Rules     1. All of it runs in a thread, never in an interrupt; signals are
 *              sent outside the tty lock.
 *           2. Echo is collected under the lock and written after it: output
 *              may be slow.
 *
 * Read next ttyio.c (reading, writing), ttyctl.c (ioctl).  Book: abi 7.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

#define ECHO_MAX 256
#define ECHO_MUCH 8     /* behind so much echo a batch of bytes ends */
#define BATCH 256u      /* bytes taken in one hold of the lock */

/* What input leaves to do once the lock is dropped. */
struct effect {
	char echo[ECHO_MAX];
	size_t necho;
	int signal;         /* for the foreground group, or 0 */
	unsigned note;      /* TIOCPKT_* */
	bool wake;
};

static void input_byte(struct tty *t, uint8_t c, struct effect *e);
static bool control_byte(struct tty *t, uint8_t c, struct effect *e);
static void edit_byte(struct tty *t, uint8_t c, struct effect *e);
static void line_done(struct tty *t, struct effect *e, uint16_t mark);
static void erase_one(struct tty *t, struct effect *e);
static void erase_word(struct tty *t, struct effect *e);
static void erase_all(struct tty *t, struct effect *e);
static void cooked_put(struct tty *t, uint16_t c, struct effect *e);
static void echo_char(struct tty *t, struct effect *e, uint8_t c);
static void echo_text(struct effect *e, const char *s, size_t n);

/*
 * Bytes from the driver.  Those for which the ring has no place are dropped, with
 * a bell.
 *
 * Locks:    none; takes the tty lock, and tells.
 * Context:  thread; the driver lets one at a time do it.
 * Returns:  how many were taken: at least one, for one hold of the lock.
 */
size_t
tty_receive(struct tty *t, const char *s, size_t n)
{
	struct effect e;
	uint64_t flags;
	size_t i;

	e.necho = 0;
	e.signal = 0;
	e.note = 0;
	e.wake = false;
	flags = spin_lock_irq(&t->lock);
	for (i = 0; i < MIN(n, BATCH) && e.signal == 0 && e.necho < ECHO_MUCH; i++)
		input_byte(t, (uint8_t)s[i], &e);
	spin_unlock_irq(&t->lock, flags);
	tty_echo(t, e.echo, e.necho);
	if (e.signal != 0)
		tty_signal(t, e.signal);
	tty_note(t, e.note);
	if (e.wake)
		tty_tell(t, POLL_RD | POLL_WR);
	return i;
}

/*
 * How many bytes tty_receive() has a place for.  Nobody reads in the middle of a
 * line: without a whole one in the ring there is room, as the rest of it is dropped.
 *
 * Locks:    takes the tty lock.
 */
size_t
tty_room(struct tty *t)
{
	uint64_t flags = spin_lock_irq(&t->lock);
	size_t used = t->ntotal + t->nline + 2;

	spin_unlock_irq(&t->lock, flags);
	return used < TTY_COOKED ? TTY_COOKED - used : 0;
}

static void
input_byte(struct tty *t, uint8_t c, struct effect *e)
{
	const struct termios *m = &t->t;

	if (m->iflag & ISTRIP)
		c &= 0x7f;
	if (t->lnext) {
		t->lnext = false;
		edit_byte(t, c, e);
		return;
	}
	if (c == '\r' && (m->iflag & IGNCR))
		return;
	if (c == '\r' && (m->iflag & ICRNL))
		c = '\n';
	else if (c == '\n' && (m->iflag & INLCR))
		c = '\r';
	if (control_byte(t, c, e))
		return;
	if (m->lflag & ICANON) {
		edit_byte(t, c, e);
		return;
	}
	echo_char(t, e, c);
	cooked_put(t, c, e);
}

/* Signals and flow control; true: the byte is used up. */
static bool
control_byte(struct tty *t, uint8_t c, struct effect *e)
{
	const struct termios *m = &t->t;

	if ((m->iflag & IXON) && c != 0 &&
	    (c == m->cc[VSTOP] || c == m->cc[VSTART])) {
		if (c == m->cc[VSTART])
			tty_start_locked(t);
		else
			atomic_store(&t->stopped, true);
		e->note |= t->stopped ? TIOCPKT_STOP : TIOCPKT_START;
		e->wake = true;
		return true;
	}
	if (!(m->lflag & ISIG) || c == 0)
		return false;
	if (c == m->cc[VINTR])
		e->signal = SIGINT;
	else if (c == m->cc[VQUIT])
		e->signal = SIGQUIT;
	else if (c == m->cc[VSUSP])
		e->signal = SIGTSTP;
	else
		return false;
	/* Who is to end must be able to say so: nobody would think of ^Q. */
	if (m->iflag & IXON)
		tty_start_locked(t);
	e->wake = true;
	echo_char(t, e, c);
	if (!(m->lflag & NOFLSH)) {
		tty_flush_input(t);
		e->note |= TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE;
	}
	return true;
}

/* Output goes on, unless TCOOFF holds it.  The caller wakes.  Locks: tty->lock. */
void
tty_start_locked(struct tty *t)
{
	HELD(&t->lock);
	if (!t->held)
		atomic_store(&t->stopped, false);
}

/* Canonical mode: the keys that edit, and those that end a line. */
static void
edit_byte(struct tty *t, uint8_t c, struct effect *e)
{
	const struct termios *m = &t->t;

	if (!(m->lflag & ICANON)) {
		cooked_put(t, c, e);
	} else if (c == '\n') {
		if (m->lflag & (ECHO | ECHONL))
			echo_text(e, "\n", 1);
		t->line[t->nline++] = '\n';
		line_done(t, e, COOKED_EOL);
	} else if (c != 0 && c == m->cc[VEOF]) {
		line_done(t, e, COOKED_EOF);
	} else if (c != 0 && c == m->cc[VERASE]) {
		erase_one(t, e);
	} else if (c != 0 && c == m->cc[VKILL]) {
		erase_all(t, e);
	} else if (c != 0 && (m->lflag & IEXTEN) && c == m->cc[VWERASE]) {
		erase_word(t, e);
	} else if (c != 0 && (m->lflag & IEXTEN) && c == m->cc[VLNEXT]) {
		t->lnext = true;
		if ((m->lflag & (ECHO | ECHOCTL)) == (ECHO | ECHOCTL))
			echo_text(e, "^\b", 2);
	} else if (c != 0 && (m->lflag & IEXTEN) && c == m->cc[VREPRINT]) {
		echo_char(t, e, c);
		echo_text(e, "\n", 1);
		echo_text(e, t->line, MIN(t->nline, ECHO_MAX / 2));
	} else if (t->nline < TTY_LINE - 1) {
		t->line[t->nline++] = (char)c;
		echo_char(t, e, c);
		if (c != 0 && (c == m->cc[VEOL] || c == m->cc[VEOL2]))
			line_done(t, e, COOKED_EOL);
	}
}

/* The line goes to the readers, its last byte marked (EOF: a mark alone). */
static void
line_done(struct tty *t, struct effect *e, uint16_t mark)
{
	unsigned i;

	for (i = 0; i < t->nline; i++) {
		if (i + 1 == t->nline && mark == COOKED_EOL)
			cooked_put(t, (uint8_t)t->line[i] | COOKED_EOL, e);
		else
			cooked_put(t, (uint8_t)t->line[i], e);
	}
	if (mark == COOKED_EOF)
		cooked_put(t, COOKED_EOF, e);
	t->nline = 0;
}

/*
 * Lines instead of bytes from now on, or bytes instead of lines: nobody has to
 * type again what was typed before.  It is bytes, of which an end of file is a 0, and half
 * a line as good as any; and all of them are one line, which ends with the last.
 *
 * Locks:    tty->lock.
 */
void
tty_change_mode(struct tty *t)
{
	struct effect none = { .necho = 0 };
	uint16_t *c = NULL;
	unsigned i;

	HELD(&t->lock);
	t->lnext = false;
	line_done(t, &none, COOKED_PART);
	for (i = 0; i < t->ntotal; i++) {
		c = &t->cooked[(t->chead + i) % TTY_COOKED];
		*c &= COOKED_BYTE;
	}
	t->nlines = 0;
	if ((t->t.lflag & ICANON) == 0 || c == NULL)
		return;
	*c |= *c == 0 ? COOKED_EOF : COOKED_EOL;
	t->nlines = 1;
}

static void
cooked_put(struct tty *t, uint16_t c, struct effect *e)
{
	if (t->ntotal == TTY_COOKED) {
		echo_text(e, "\a", 1);
		return;
	}
	t->cooked[(t->chead + t->ntotal++) % TTY_COOKED] = c;
	if (c & (COOKED_EOL | COOKED_EOF))
		t->nlines++;
	e->wake = true;
}

static void
erase_one(struct tty *t, struct effect *e)
{
	uint8_t c;

	if (t->nline == 0)
		return;
	c = (uint8_t)t->line[--t->nline];
	/* The rest of a character of several bytes. */
	while ((t->t.iflag & IUTF8) != 0 && (c & 0xc0) == 0x80 && t->nline > 0)
		c = (uint8_t)t->line[--t->nline];
	if (!(t->t.lflag & ECHO))
		return;
	echo_text(e, "\b \b", 3);
	if ((c < ' ' || c == 127) && c != '\t' && (t->t.lflag & ECHOCTL))
		echo_text(e, "\b \b", 3);
}

static void
erase_word(struct tty *t, struct effect *e)
{
	while (t->nline > 0 && t->line[t->nline - 1] == ' ')
		erase_one(t, e);
	while (t->nline > 0 && t->line[t->nline - 1] != ' ')
		erase_one(t, e);
}

static void
erase_all(struct tty *t, struct effect *e)
{
	bool visible = t->nline * 6 < ECHO_MAX && (t->t.lflag & ECHOKE);

	while (visible && t->nline > 0)
		erase_one(t, e);
	if (t->nline > 0 && (t->t.lflag & ECHOK))
		echo_text(e, "\n", 1);
	t->nline = 0;
}

/*
 * Forget all input that nobody has read.
 *
 * Locks:    tty->lock.
 */
void
tty_flush_input(struct tty *t)
{
	HELD(&t->lock);
	t->nline = t->ntotal = t->nlines = 0;
	t->lnext = false;
}

static void
echo_char(struct tty *t, struct effect *e, uint8_t c)
{
	char ctl[2] = { '^', (char)(c ^ 0x40) };
	char plain = (char)c;

	if (!(t->t.lflag & ECHO))
		return;
	if ((c < ' ' || c == 127) && c != '\n' && c != '\t' &&
	    (t->t.lflag & ECHOCTL))
		echo_text(e, ctl, 2);
	else
		echo_text(e, &plain, 1);
}

static void
echo_text(struct effect *e, const char *s, size_t n)
{
	n = MIN(n, ECHO_MAX - e->necho);
	memcpy(e->echo + e->necho, s, n);
	e->necho += n;
}
