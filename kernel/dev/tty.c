/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c: the line discipline of the console terminal
 *
 * Problem   Keys arrive one by one in interrupts; programs want lines with
 *           editing, or bytes at once (raw), and ^C must reach the right group.
 *
 * Picture   uart, kbd ─→ raw ring ─→ work thread: signals, editing, echo
 *                                       │ a whole line (canonical)
 *                                       v
 *                                   cooked ring ─→ read()
 *
 * Rules     1. Interrupts only fill the raw ring; all else, signals too, runs
 *              in the work thread, outside the tty lock.
 *           2. Echo is collected under the lock and written after it: output
 *              is slow.
 *           3. Output: OPOST/ONLCR, then both the serial line and the screen.
 *           4. What one call writes stands together.  Echo and the log do not
 *              wait for it: who types and who panics is never kept waiting.
 *
 * Read next dev/ttyctl.c (ioctl, sessions).  Book: abi 7.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

#define ECHO_MAX 256

/* What one input byte leaves to do once the lock is dropped. */
struct effect {
	char echo[ECHO_MAX];
	size_t necho;
	int signal;         /* for the foreground group, or 0 */
	bool wake;
};

static void input_work(void *arg);

/* Keys may come before tty_init(): from the moment at which the line is up. */
struct tty tty = {
	.lock = SPIN_INIT(LR_DEV),
	.writing = MUTEX_INIT(tty.writing, LR_NONE),
	.readers = WAITQ_INIT(tty.readers),
	.ready = READY_INIT(tty.ready),
	.input = WORK_INIT(tty.input, input_work),
	.t = {
		.iflag = ICRNL | IXON,
		.oflag = OPOST | ONLCR,
		.cflag = 0xbf, /* 38400 baud, 8 bits, receiver on */
		.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
		    IEXTEN,
		.cc = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23,
		    22, 0 },
	},
	.ws = { 24, 80, 0, 0 },
};
const struct tty_ops *tty_job;

static void input_byte(uint8_t c, struct effect *e);
static bool control_byte(uint8_t c, struct effect *e);
static void edit_byte(uint8_t c, struct effect *e);
static void line_done(struct effect *e, uint16_t mark);
static void erase_one(struct effect *e);
static void erase_word(struct effect *e);
static void erase_all(struct effect *e);
static void cooked_put(uint16_t c, struct effect *e);
static void echo_char(struct effect *e, uint8_t c);
static void echo_text(struct effect *e, const char *s, size_t n);
static ssize_t tty_read(void *dev, void *buf, size_t n, bool nonblock);
static ssize_t tty_write(void *dev, const void *buf, size_t n, bool nonblock);
static unsigned tty_poll(void *dev, struct ready **at);
static void tty_output(const char *s, size_t n);

static const struct chr_ops tty_chr_ops = { .read = tty_read,
	.write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl,
	.open = tty_open };
static const struct chr_ops ctty_chr_ops = { .read = tty_read,
	.write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl,
	.open = tty_open_current };
static const struct chr_ops console_chr_ops = { .read = tty_read,
	.write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl };
static struct chr_dev nodes[] = {
	{ .name = "tty", .major = 5, .minor = 0, .mode = 0666,
	  .ops = &ctty_chr_ops },
	{ .name = "console", .major = 5, .minor = 1, .mode = 0600,
	  .ops = &console_chr_ops },
	{ .name = "ttyS0", .major = 4, .minor = 64, .mode = 0660,
	  .ops = &tty_chr_ops },
};

void
tty_init(void)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(nodes); i++)
		chr_register(&nodes[i]);
}

/* ---- input ---- */

/*
 * Bytes from a keyboard or line; what does not fit is dropped.
 *
 * Locks:    takes the tty lock.
 * Context:  interrupt.
 */
void
tty_input(const char *s, size_t n)
{
	uint64_t flags = spin_lock_irq(&tty.lock);

	for (; n > 0 && tty.nraw < TTY_RAW; n--)
		tty.raw[(tty.rhead + tty.nraw++) % TTY_RAW] = *s++;
	spin_unlock_irq(&tty.lock, flags);
	work_queue(&tty.input);
}

/* Take the raw bytes through the discipline, one at a time. */
static void
input_work(void *arg)
{
	struct effect e;
	uint64_t flags;
	int fg, session;

	for (;;) {
		e.necho = 0;
		e.signal = 0;
		e.wake = false;
		flags = spin_lock_irq(&tty.lock);
		if (tty.nraw == 0) {
			spin_unlock_irq(&tty.lock, flags);
			return;
		}
		input_byte((uint8_t)tty.raw[tty.rhead], &e);
		tty.rhead = (tty.rhead + 1) % TTY_RAW;
		tty.nraw--;
		fg = tty.fg;
		session = tty.session;
		spin_unlock_irq(&tty.lock, flags);

		tty_output(e.echo, e.necho);
		if (e.signal != 0 && fg != 0 && tty_job != NULL)
			tty_job->signal_group(fg, session, e.signal);
		if (e.wake)
			tty_tell(POLL_RD | POLL_WR);
	}
}

/* Bytes have come, or may go again.  Locks:    none of rank >= LR_DEV. */
void
tty_tell(unsigned bits)
{
	wake_all(&tty.readers);
	ready_tell(&tty.ready, bits);
}

static void
input_byte(uint8_t c, struct effect *e)
{
	const struct termios *t = &tty.t;

	if (t->iflag & ISTRIP)
		c &= 0x7f;
	if (tty.lnext) {
		tty.lnext = false;
		edit_byte(c, e);
		return;
	}
	if (c == '\r' && (t->iflag & IGNCR))
		return;
	if (c == '\r' && (t->iflag & ICRNL))
		c = '\n';
	else if (c == '\n' && (t->iflag & INLCR))
		c = '\r';
	if (control_byte(c, e))
		return;
	if (t->lflag & ICANON) {
		edit_byte(c, e);
		return;
	}
	echo_char(e, c);
	cooked_put(c, e);
}

/* Signals and flow control; true: the byte is used up. */
static bool
control_byte(uint8_t c, struct effect *e)
{
	const struct termios *t = &tty.t;

	if ((t->iflag & IXON) && c != 0 &&
	    (c == t->cc[VSTOP] || c == t->cc[VSTART])) {
		if (c == t->cc[VSTART])
			tty_start_locked();
		else
			atomic_store(&tty.stopped, true);
		e->wake = true;
		return true;
	}
	if (!(t->lflag & ISIG) || c == 0)
		return false;
	if (c == t->cc[VINTR])
		e->signal = SIGINT;
	else if (c == t->cc[VQUIT])
		e->signal = SIGQUIT;
	else if (c == t->cc[VSUSP])
		e->signal = SIGTSTP;
	else
		return false;
	/* Who is to end must be able to say so: nobody would think of ^Q. */
	if (t->iflag & IXON)
		tty_start_locked();
	e->wake = true;
	echo_char(e, c);
	if (!(t->lflag & NOFLSH))
		tty_flush_input();
	return true;
}

/* Output goes on, unless TCOOFF holds it.  The caller wakes.  Locks: tty.lock. */
void
tty_start_locked(void)
{
	HELD(&tty.lock);
	if (!tty.held)
		atomic_store(&tty.stopped, false);
}

/* Canonical mode: the keys that edit, and those that end a line. */
static void
edit_byte(uint8_t c, struct effect *e)
{
	const struct termios *t = &tty.t;

	if (!(t->lflag & ICANON)) {
		cooked_put(c, e);
	} else if (c == '\n') {
		if (t->lflag & (ECHO | ECHONL))
			echo_text(e, "\n", 1);
		tty.line[tty.nline++] = '\n';
		line_done(e, COOKED_EOL);
	} else if (c != 0 && c == t->cc[VEOF]) {
		line_done(e, COOKED_EOF);
	} else if (c == t->cc[VERASE] || c == '\b') {
		erase_one(e);
	} else if (c != 0 && c == t->cc[VKILL]) {
		erase_all(e);
	} else if (c != 0 && (t->lflag & IEXTEN) && c == t->cc[VWERASE]) {
		erase_word(e);
	} else if (c != 0 && (t->lflag & IEXTEN) && c == t->cc[VLNEXT]) {
		tty.lnext = true;
	} else if (c != 0 && (t->lflag & IEXTEN) && c == t->cc[VREPRINT]) {
		echo_char(e, c);
		echo_text(e, "\n", 1);
		echo_text(e, tty.line, MIN(tty.nline, ECHO_MAX / 2));
	} else if (tty.nline < TTY_LINE - 1) {
		tty.line[tty.nline++] = (char)c;
		echo_char(e, c);
		if (c != 0 && (c == t->cc[VEOL] || c == t->cc[VEOL2]))
			line_done(e, COOKED_EOL);
	}
}

/* The line goes to the readers, its last byte marked (EOF: a mark alone). */
static void
line_done(struct effect *e, uint16_t mark)
{
	unsigned i;

	for (i = 0; i < tty.nline; i++) {
		if (i + 1 == tty.nline && mark == COOKED_EOL)
			cooked_put((uint8_t)tty.line[i] | COOKED_EOL, e);
		else
			cooked_put((uint8_t)tty.line[i], e);
	}
	if (mark == COOKED_EOF)
		cooked_put(COOKED_EOF, e);
	tty.nline = 0;
}

/*
 * Lines instead of bytes from now on, or bytes instead of lines: nobody has to
 * type again what was typed before.  Half a line is as good as bytes, and bytes
 * are a line.
 *
 * Locks:    tty.lock.
 */
void
tty_change_mode(void)
{
	struct effect none = { .necho = 0 };
	uint16_t *last;

	HELD(&tty.lock);
	tty.lnext = false;
	line_done(&none, COOKED_PART);
	if ((tty.t.lflag & ICANON) == 0 || tty.ntotal == 0)
		return;
	last = &tty.cooked[(tty.chead + tty.ntotal - 1) % TTY_COOKED];
	if ((*last & (COOKED_EOL | COOKED_EOF)) == 0) {
		*last |= COOKED_EOL;
		tty.nlines++;
	}
}

static void
cooked_put(uint16_t c, struct effect *e)
{
	if (tty.ntotal == TTY_COOKED) {
		echo_text(e, "\a", 1);
		return;
	}
	tty.cooked[(tty.chead + tty.ntotal++) % TTY_COOKED] = c;
	if (c & (COOKED_EOL | COOKED_EOF))
		tty.nlines++;
	e->wake = true;
}

static void
erase_one(struct effect *e)
{
	uint8_t c;

	if (tty.nline == 0)
		return;
	c = (uint8_t)tty.line[--tty.nline];
	if (!(tty.t.lflag & ECHO))
		return;
	echo_text(e, "\b \b", 3);
	if ((c < ' ' || c == 127) && c != '\t' && (tty.t.lflag & ECHOCTL))
		echo_text(e, "\b \b", 3);
}

static void
erase_word(struct effect *e)
{
	while (tty.nline > 0 && tty.line[tty.nline - 1] == ' ')
		erase_one(e);
	while (tty.nline > 0 && tty.line[tty.nline - 1] != ' ')
		erase_one(e);
}

static void
erase_all(struct effect *e)
{
	bool visible = tty.nline * 6 < ECHO_MAX && (tty.t.lflag & ECHOKE);

	while (visible && tty.nline > 0)
		erase_one(e);
	if (tty.nline > 0 && (tty.t.lflag & ECHOK))
		echo_text(e, "\n", 1);
	tty.nline = 0;
}

/*
 * Forget all input that nobody has read.
 *
 * Locks:    tty lock held.
 */
void
tty_flush_input(void)
{
	tty.nline = tty.ntotal = tty.nlines = 0;
	tty.lnext = false;
}

static void
echo_char(struct effect *e, uint8_t c)
{
	char ctl[2] = { '^', (char)(c ^ 0x40) };
	char plain = (char)c;

	if (!(tty.t.lflag & ECHO))
		return;
	if ((c < ' ' || c == 127) && c != '\n' && c != '\t' &&
	    (tty.t.lflag & ECHOCTL))
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

/* ---- output ---- */

/* OPOST, then the wire and the screen. */
static void
tty_output(const char *s, size_t n)
{
	size_t i, from = 0;
	bool crlf = (tty.t.oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);

	screen_write(s, n);
	for (i = 0; crlf && i < n; i++) {
		if (s[i] != '\n')
			continue;
		uart_write(UART_COM1, s + from, i - from);
		uart_write(UART_COM1, "\r\n", 2);
		from = i + 1;
	}
	uart_write(UART_COM1, s + from, n - from);
}

static int
wait_not_stopped(bool nonblock)
{
	struct waiter w;
	int r = 0;

	while (r == 0 && atomic_load_relaxed(&tty.stopped)) {
		if (nonblock)
			return -EAGAIN;
		wait_prepare(&tty.readers, &w);
		if (atomic_load_relaxed(&tty.stopped))
			r = wait_sleep(&w, WAIT_INTR, WAIT_FOREVER);
		wait_finish(&w);
	}
	return r == 0 ? 0 : -ERESTARTSYS;
}

static ssize_t
tty_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	int r;

	if ((tty.t.lflag & TOSTOP) && tty_job != NULL) {
		r = tty_job->check_write(tty.session, tty.fg);
		if (r < 0)
			return r;
	}
	r = wait_not_stopped(nonblock);
	if (r < 0)
		return r;
	mutex_lock(&tty.writing);
	tty_output(buf, n);
	mutex_unlock(&tty.writing);
	return (ssize_t)n;
}

/* ---- reading ---- */

/* Bytes that may be taken now; a line at most in canonical mode. */
static size_t
take_cooked(uint8_t *buf, size_t n, bool *eof)
{
	bool canon = (tty.t.lflag & ICANON) != 0;
	size_t got = 0;
	uint16_t c;

	*eof = false;
	if (canon && tty.nlines == 0)
		return 0;
	while (got < n && tty.ntotal > 0) {
		c = tty.cooked[tty.chead];
		tty.chead = (tty.chead + 1) % TTY_COOKED;
		tty.ntotal--;
		if (c & (COOKED_EOL | COOKED_EOF))
			tty.nlines--;
		if (!(c & COOKED_EOF))
			buf[got++] = (uint8_t)c;
		else if (canon && got == 0)
			*eof = true;
		if (canon && (c & (COOKED_EOL | COOKED_EOF)))
			return got;
	}
	/* A line that fills the buffer exactly takes its EOF mark along. */
	if (canon && tty.ntotal > 0 && tty.cooked[tty.chead] == COOKED_EOF) {
		tty.chead = (tty.chead + 1) % TTY_COOKED;
		tty.ntotal--;
		tty.nlines--;
	}
	return got;
}

static unsigned
min_bytes(void)
{
	return (tty.t.lflag & ICANON) != 0 ? 1 : tty.t.cc[VMIN];
}

/* Is a read satisfied with so many bytes?  VMIN bytes, or a line. */
static bool
enough(size_t got, size_t n, bool timed)
{
	if (got == n)
		return true;
	return got >= min_bytes() && !(timed && got == 0);
}

/* Does a read wait for so many tenths of a second and no longer? */
static unsigned
tenths(void)
{
	return (tty.t.lflag & ICANON) != 0 ? 0 : tty.t.cc[VTIME];
}

/*
 * Canonical: one line.  Raw: VMIN bytes; VTIME (tenths of a second) starts at
 * once when VMIN is 0, else with the first byte and again with each.
 */
static ssize_t
read_wait(uint8_t *buf, size_t n, bool nonblock)
{
	uint64_t deadline = WAIT_FOREVER, flags;
	struct waiter w;
	size_t got = 0, more;
	bool eof = false;
	int r = 0;

	if (tenths() != 0 && min_bytes() == 0)
		deadline = md_time_ns() + tenths() * 100000000ul;
	for (;;) {
		wait_prepare(&tty.readers, &w);
		flags = spin_lock_irq(&tty.lock);
		more = take_cooked(buf + got, n - got, &eof);
		got += more;
		if (eof || enough(got, n, deadline != WAIT_FOREVER))
			r = 1;
		if (more > 0 && tenths() != 0)
			deadline = md_time_ns() + tenths() * 100000000ul;
		spin_unlock_irq(&tty.lock, flags);
		if (r == 0)
			r = nonblock ? -EAGAIN :
			    wait_sleep(&w, WAIT_INTR, deadline);
		wait_finish(&w);
		if (r != 0)
			break;
	}
	if (got > 0 || r == 1 || r == -ETIMEDOUT)
		return (ssize_t)got;
	return r == -EINTR ? -ERESTARTSYS : r;
}

static ssize_t
tty_read(void *dev, void *buf, size_t n, bool nonblock)
{
	int r;

	if (n == 0)
		return 0;
	if (tty_job != NULL) {
		r = tty_job->check_read(tty.session, tty.fg);
		if (r < 0)
			return r;
	}
	return read_wait(buf, n, nonblock);
}

/* With VTIME one byte is worth a read: the time runs from then on. */
static bool
is_readable(void)
{
	unsigned min = tenths() == 0 ? min_bytes() : 1;

	if ((tty.t.lflag & ICANON) != 0)
		return tty.nlines > 0;
	return tty.ntotal >= MAX(min, 1u);
}

static unsigned
tty_poll(void *dev, struct ready **at)
{
	unsigned ready = tty.stopped ? 0 : POLL_WR;
	uint64_t flags = spin_lock_irq(&tty.lock);

	if (is_readable())
		ready |= POLL_RD;
	spin_unlock_irq(&tty.lock, flags);
	*at = &tty.ready;
	return ready;
}
