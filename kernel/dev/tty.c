/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c: the line discipline of a terminal: from keys to lines
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
 *           2. Echo is collected under the lock, as OPOST has it go out, and written
 *              after it: output may be slow.
 *           3. If the echo of a key is longer than the buffer (a key that erases a long
 *              line), the key is handled again when the buffer has been written.
 *
 * Read next ttyio.c (reading, writing), ttyctl.c (ioctl).  Book: abi 7.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

#define ECHO_KEY 256    /* the longest echo of one key */
#define ECHO_MUCH 256   /* behind so much echo a batch of bytes ends */
#define ECHO_MAX (ECHO_MUCH + ECHO_KEY)
#define BATCH 256u      /* bytes taken in one hold of the lock */

/* Work that input leaves for after the lock is dropped. */
struct effect {
	char echo[ECHO_MAX];
	size_t necho;
	uint64_t signals;   /* BIT(signal): for the foreground group */
	unsigned note;      /* TIOCPKT_* */
	bool wake;
};

static bool input_byte(struct tty *t, uint8_t c, struct effect *e);
static bool control_byte(struct tty *t, uint8_t c, struct effect *e);
static bool edit_byte(struct tty *t, uint8_t c, struct effect *e);
static void line_done(struct tty *t, struct effect *e, uint16_t mark);
static void plain_byte(struct tty *t, uint8_t c, struct effect *e);
static void show_again(struct tty *t, struct effect *e);
static void erase_one(struct tty *t, struct effect *e);
static bool erase_word(struct tty *t, struct effect *e);
static bool erase_all(struct tty *t, struct effect *e);
static void cooked_put(struct tty *t, uint16_t c, struct effect *e);
static void echo_char(struct tty *t, struct effect *e, uint8_t c);
static void echo_text(struct tty *t, struct effect *e, const char *s, size_t n);

/* t, which is all 0, becomes a terminal: 38400 baud, 8 bits, receiver on; with one
 * reference. */
void
tty_setup(struct tty *t, const struct tty_ops *ops, struct chr_dev *chr)
{
	t->ops = ops;
	t->chr = chr;
	t->refs = 1;
	spin_init(&t->lock, LR_DEV);
	t->t = (struct termios){
		.iflag = ICRNL | IXON,
		.oflag = OPOST | ONLCR,
		.cflag = 0xbf,
		.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.cc = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0 },
	};
	t->ispeed = t->ospeed = 38400;
	mutex_init(&t->writing, LR_NONE);
	ready_init(&t->ready);
	tty_add(t);
}

/* Bytes of n, and what they leave to do.  How many were taken: those of one hold of the
 * lock, 0: the first goes on (rule 3). */
static size_t
receive_some(struct tty *t, const char *s, size_t n)
{
	struct effect e;
	uint64_t flags;
	size_t i;

	e.necho = 0;
	e.signals = 0;
	e.note = 0;
	e.wake = false;
	flags = spin_lock_irq(&t->lock);
	for (i = 0; i < MIN(n, BATCH) && e.necho < ECHO_MUCH; i++)
		if (!input_byte(t, (uint8_t)s[i], &e))
			break;
	spin_unlock_irq(&t->lock, flags);
	tty_echo(t, e.echo, e.necho);
	for (; e.signals != 0; e.signals &= e.signals - 1)
		tty_signal(t, __builtin_ctzl(e.signals));
	tty_note(t, e.note);
	if (e.wake)
		ready_wake(&t->ready, POLL_RD | POLL_WR);
	return i;
}

/*
 * Bytes from the driver, one at least.  Those for which the ring has no place are
 * dropped, with a bell.
 *
 * Locks:    none; takes the tty lock, and tells.
 * Context:  thread; the driver lets one at a time do it.
 * Returns:  how many were taken: at least one.
 */
size_t
tty_receive(struct tty *t, const char *s, size_t n)
{
	size_t some;

	do
		some = receive_some(t, s, n);
	while (some == 0);
	return some;
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
	size_t used = UNDER_IRQ(&t->lock, t->ntotal + t->nline + 2);
	size_t left = used < TTY_COOKED ? TTY_COOKED - used : 0;

	return (t->t.iflag & PARMRK) != 0 ? left / 2 : left;
}

/* A large letter as a small one, of Latin 1, too. */
static uint8_t
small(uint8_t c)
{
	bool large = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);

	return large ? (uint8_t)(c + 0x20) : c;
}

/* One key.  False: it goes on (rule 3). */
static bool
input_byte(struct tty *t, uint8_t c, struct effect *e)
{
	const struct termios *m = &t->t;
	uint8_t typed;

	if (m->iflag & ISTRIP)
		c &= 0x7f;
	if ((m->iflag & IUCLC) && (m->lflag & IEXTEN))
		c = small(c);
	if (t->lnext) {
		t->lnext = false;
		plain_byte(t, c, e);
		return true;
	}
	typed = c;
	if (c == '\r' && (m->iflag & IGNCR))
		return true;
	if (c == '\r' && (m->iflag & ICRNL))
		c = '\n';
	else if (c == '\n' && (m->iflag & INLCR))
		c = '\r';
	if (control_byte(t, c, e))
		return true;
	if (m->lflag & ICANON)
		return edit_byte(t, c, e);
	if (c == '\n' && typed == '\r') {
		if (m->lflag & ECHO)
			echo_text(t, e, "\n", 1);
		cooked_put(t, c, e);
	} else {
		plain_byte(t, c, e);
	}
	return true;
}

/* A byte that stands for itself.  One of all ones begins a mark, with PARMRK: then it is
 * there twice. */
static void
plain_byte(struct tty *t, uint8_t c, struct effect *e)
{
	unsigned i, n = c == 0xff && (t->t.iflag & PARMRK) != 0 ? 2 : 1;

	if (!(t->t.lflag & ICANON)) {
		echo_char(t, e, c);
		for (i = 0; i < n; i++)
			cooked_put(t, c, e);
	} else if (t->nline + n < TTY_LINE) {
		if (t->nline == 0)
			t->begin = t->column;
		for (i = 0; i < n; i++)
			t->line[t->nline++] = (char)c;
		echo_char(t, e, c);
	}
}

/* The signal that a key sends is noted; false: it sends none. */
static bool
note_signal(const struct termios *m, uint8_t c, struct effect *e)
{
	int sig = c == m->cc[VINTR] ? SIGINT : c == m->cc[VQUIT] ? SIGQUIT :
	    c == m->cc[VSUSP] ? SIGTSTP : 0;

	if (!(m->lflag & ISIG) || c == 0 || sig == 0)
		return false;
	e->signals |= BIT(sig);
	return true;
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
	if (!note_signal(m, c, e)) {
		if (t->stopped && (m->iflag & IXON) && (m->iflag & IXANY)) {
			tty_start_locked(t);
			e->note |= TIOCPKT_START;
			e->wake = true;
		}
		return false;
	}
	/* The program that gets the signal may print something as it ends: stopped
	 * output goes on, for the user would not think of typing ^Q. */
	if (m->iflag & IXON)
		tty_start_locked(t);
	e->wake = true;
	if (!(m->lflag & NOFLSH)) {
		tty_flush_input(t);
		e->necho = t->nkept = 0; /* echo that was not written yet is dropped */
		e->note |= TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE;
	}
	echo_char(t, e, c);
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

/* Canonical mode: the keys that edit, and those that end a line.  False: rule 3. */
static bool
edit_byte(struct tty *t, uint8_t c, struct effect *e)
{
	const struct termios *m = &t->t;
	bool extended = (m->lflag & IEXTEN) != 0;

	if (c == '\n') {
		if (m->lflag & (ECHO | ECHONL))
			echo_text(t, e, "\n", 1);
		t->line[t->nline++] = '\n';
		line_done(t, e, COOKED_EOL);
	} else if (c == 0) {
		plain_byte(t, c, e);
	} else if (c == m->cc[VEOF]) {
		line_done(t, e, COOKED_EOF);
	} else if (c == m->cc[VERASE]) {
		erase_one(t, e);
	} else if (c == m->cc[VKILL]) {
		return erase_all(t, e);
	} else if (extended && c == m->cc[VWERASE]) {
		return erase_word(t, e);
	} else if (extended && c == m->cc[VLNEXT]) {
		t->lnext = true;
		if ((m->lflag & (ECHO | ECHOCTL)) == (ECHO | ECHOCTL))
			echo_text(t, e, "^\b", 2);
	} else if (extended && (m->lflag & ECHO) && c == m->cc[VREPRINT]) {
		show_again(t, e);
	} else {
		plain_byte(t, c, e);
		if (c == m->cc[VEOL] || (extended && c == m->cc[VEOL2]))
			line_done(t, e, COOKED_EOL);
	}
	return true;
}

/* The line as it is, below what stands there. */
static void
show_again(struct tty *t, struct effect *e)
{
	unsigned i;

	echo_char(t, e, t->t.cc[VREPRINT]);
	echo_text(t, e, "\n", 1);
	for (i = 0; i < MIN(t->nline, ECHO_KEY / 2); i++)
		echo_char(t, e, (uint8_t)t->line[i]);
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
		echo_text(t, e, "\a", 1);
		return;
	}
	t->cooked[(t->chead + t->ntotal++) % TTY_COOKED] = c;
	if (c & (COOKED_EOL | COOKED_EOF))
		t->nlines++;
	e->wake = true;
}

/*
 * The last character of the line is taken away, all bytes of it.
 *
 * Returns:  its first byte, -1: there is none.
 */
static int
cut_char(struct tty *t)
{
	unsigned n = t->nline;
	uint8_t c;

	do {
		if (n == 0)
			return -1;
		c = (uint8_t)t->line[--n];
	} while (tty_is_within_char(t, c));
	t->nline = n;
	return c;
}

/* Columns of the tab that was cut off the line: from the last one, or its begin. */
static unsigned
tab_width(const struct tty *t)
{
	unsigned i = t->nline, at = 0;
	uint8_t c;

	while (i > 0) {
		c = (uint8_t)t->line[--i];
		if (c == '\t')
			return TTY_TAB - at % TTY_TAB;
		if (c < ' ' || c == 127)
			at += (t->t.lflag & ECHOCTL) != 0 ? 2 : 0;
		else
			at += !tty_is_within_char(t, c);
	}
	return TTY_TAB - (t->begin + at) % TTY_TAB;
}

/* c is on the screen no more. */
static void
unshow_char(struct tty *t, struct effect *e, int c)
{
	static const char back[] = "\b\b\b\b\b\b\b\b";
	bool control = c < ' ' || c == 127;

	_Static_assert(sizeof(back) > TTY_TAB, "a tab is not wider");
	if (c < 0 || !(t->t.lflag & ECHO))
		return;
	if (c == '\t') {
		echo_text(t, e, back, tab_width(t));
		return;
	}
	if (control && (t->t.lflag & ECHOCTL))
		echo_text(t, e, "\b \b", 3);
	if (!control || (t->t.lflag & ECHOCTL))
		echo_text(t, e, "\b \b", 3);
}

/* Is there no place for what one more character may show, or not show any more? */
static bool
is_full(const struct effect *e)
{
	return e->necho + 2 * TTY_TAB > ECHO_MAX;
}

static void
erase_one(struct tty *t, struct effect *e)
{
	int c = cut_char(t);

	if (c >= 0 && !(t->t.lflag & ECHOE))
		echo_char(t, e, t->t.cc[VERASE]);
	else
		unshow_char(t, e, c);
}

/* A letter, a digit or _; of Latin 1, too, whose letters begin UTF-8's longer ones. */
static bool
is_of_word(int c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    c == '_' || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* What follows the last word, and the word.  False: rule 3. */
static bool
erase_word(struct tty *t, struct effect *e)
{
	bool in_word = false;
	unsigned n;
	int c;

	while (n = t->nline, (c = cut_char(t)) >= 0) {
		if ((in_word && !is_of_word(c)) || is_full(e)) {
			t->nline = n;
			return in_word && !is_of_word(c);
		}
		in_word |= is_of_word(c);
		unshow_char(t, e, c);
	}
	return true;
}

/* The line is taken away: from the screen, too, or it is said.  False: rule 3. */
static bool
erase_all(struct tty *t, struct effect *e)
{
	const uint32_t all = ECHOK | ECHOKE | ECHOE;
	bool visible = (t->t.lflag & all) == all;
	int c;

	if (t->nline == 0)
		return true;
	while (visible && !is_full(e) && (c = cut_char(t)) >= 0)
		unshow_char(t, e, c);
	if (visible && is_full(e) && t->nline > 0)
		return false;
	t->nline = 0;
	if (visible || !(t->t.lflag & ECHO))
		return true;
	echo_char(t, e, t->t.cc[VKILL]);
	if (t->t.lflag & ECHOK)
		echo_text(t, e, "\n", 1);
	return true;
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
	if ((c < ' ' || c == 127) && c != '\t' && (t->t.lflag & ECHOCTL))
		echo_text(t, e, ctl, 2);
	else
		echo_text(t, e, &plain, 1);
}

static void
echo_text(struct tty *t, struct effect *e, const char *s, size_t n)
{
	for (; n > 0 && e->necho + TTY_TAB <= ECHO_MAX; n--)
		e->necho += tty_post(t, *s++, e->echo + e->necho);
}
