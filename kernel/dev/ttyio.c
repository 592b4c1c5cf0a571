/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttyio.c: reading and writing a terminal
 *
 * Problem   A read wants a line, or a number of bytes, or bytes until a timeout;
 *           output needs a CR before each LF, and stops at ^S.
 *
 * Rules     1. The bytes of one write stay together.  Echo and the log do not wait
 *              for a write: neither a key nor a panic is delayed.
 *           2. A writer that waits for its turn, for room or for ^Q can be interrupted.
 *
 * Read next tty.c (lines), console.c, pty.c.  Book: abi 7.
 */
#include "dev/ttydat.h"
#include "lib/string.h"

#define PIECE 256u       /* bytes that are made ready for the driver at once */

/* Tell the driver of an event.  Locks:    none of rank >= LR_DEV. */
void
tty_note(struct tty *t, unsigned bits)
{
	if (bits != 0 && t->ops->note != NULL)
		t->ops->note(t, bits);
}

/*
 * Sleep at wq until state(arg) is not 0.
 *
 * Locks:    none held.
 * Returns:  0: it is positive; what it is, when negative; -EAGAIN (nonblock),
 *           -ERESTARTSYS.
 */
int
tty_wait(struct waitq *wq, int (*state)(void *), void *arg, bool nonblock)
{
	int r, slept = wait_or_refuse(wq, nonblock, (r = state(arg)) != 0);

	return slept != 0 ? slept : MIN(r, 0);
}

/* ---- output ---- */

/* Is c a byte of a character, and not its first? */
bool
tty_is_within_char(const struct tty *t, uint8_t c)
{
	return (t->t.iflag & IUTF8) != 0 && (c & 0xc0) == 0x80;
}

/* A small letter as a large one, of Latin 1, too. */
static char
large(char c)
{
	uint8_t u = (uint8_t)c;
	bool small = (u >= 'a' && u <= 'z') || (u >= 0xdf && u != 0xf7);

	return small ? (char)(u - 0x20) : c;
}

/* A line ends. */
static size_t
post_newline(struct tty *t, uint32_t how, char *to)
{
	HELD(&t->lock);
	if ((how & (ONLCR | ONLRET)) != 0)
		t->column = 0;
	t->begin = t->column;
	if ((how & ONLCR) == 0)
		return 1;
	to[0] = '\r';
	to[1] = '\n';
	return 2;
}

static size_t
post_return(struct tty *t, uint32_t how, char *to)
{
	HELD(&t->lock);
	if ((how & ONOCR) != 0 && t->column == 0)
		return 0;
	if ((how & OCRNL) != 0)
		*to = '\n';
	if ((how & (OCRNL | ONLRET)) != OCRNL)
		t->begin = t->column = 0;
	return 1;
}

static size_t
post_tab(struct tty *t, uint32_t how, char *to)
{
	unsigned n = TTY_TAB - t->column % TTY_TAB;

	HELD(&t->lock);
	t->column += n;
	if ((how & XTABS) != XTABS)
		return 1;
	memset(to, ' ', n);
	return n;
}

/*
 * The byte c as it goes out, with OPOST none to TTY_TAB bytes of it; and in which
 * column the next one will be.
 *
 * Locks:    tty->lock.
 * Returns:  how many there are at to.
 */
size_t
tty_post(struct tty *t, char c, char *to)
{
	uint32_t how = t->t.oflag;

	HELD(&t->lock);
	*to = c;
	if ((how & OPOST) == 0)
		return 1;
	switch (c) {
	case '\n':
		return post_newline(t, how, to);
	case '\r':
		return post_return(t, how, to);
	case '\t':
		return post_tab(t, how, to);
	case '\b':
		t->column -= t->column > 0;
		return 1;
	}
	if ((uint8_t)c < ' ' || c == 127)
		return 1;
	if ((how & OLCUC) != 0)
		*to = large(c);
	t->column += !tty_is_within_char(t, (uint8_t)c);
	return 1;
}

/* As many bytes may one become. */
static size_t
grows_to(const struct tty *t)
{
	return (t->t.oflag & (OPOST | XTABS)) == (OPOST | XTABS) ? TTY_TAB : 2;
}

static void
echo_send(struct tty *t, const char *s, size_t n)
{
	size_t some;

	for (; n > 0; n -= some, s += some) {
		some = MIN(n, 2 * PIECE);
		(void)t->ops->send(t, s, some);
	}
}

/*
 * What is typed shows, as tty_post() has it; where the driver has no room it does not.
 * While output is stopped it is kept, as far as there is a place; who starts output
 * again calls with n = 0.
 *
 * Locks:    takes the tty lock.
 */
void
tty_echo(struct tty *t, const char *s, size_t n)
{
	char kept[ECHO_KEPT];
	uint64_t flags = spin_lock_irq(&t->lock);
	bool stopped = t->stopped;
	size_t some = stopped ? MIN(n, ECHO_KEPT - t->nkept) : t->nkept;

	if (stopped) {
		memcpy(t->kept + t->nkept, s, some);
		t->nkept += (unsigned)some;
	} else {
		memcpy(kept, t->kept, some);
		t->nkept = 0;
	}
	spin_unlock_irq(&t->lock, flags);
	if (stopped)
		return;
	echo_send(t, kept, some);
	echo_send(t, s, n);
}

static int
try_turn(void *turn)
{
	return mutex_trylock(turn);
}

/*
 * Wait until nobody else has the turn, which is ours then.
 *
 * Locks:    none held; a turn may be kept while its owner sleeps.
 * Returns:  0, -EAGAIN (nonblock), -ERESTARTSYS.
 */
int
tty_take_turn(struct mutex *turn, struct waitq *wq, bool nonblock)
{
	return tty_wait(wq, try_turn, turn, nonblock);
}

void
tty_end_turn(struct mutex *turn, struct waitq *wq)
{
	mutex_unlock(turn);
	wake_all(wq);
}

static size_t
room(struct tty *t)
{
	return t->ops->room != NULL ? t->ops->room(t) : 2 * PIECE;
}

/* tty_wait(): may a byte go out, with what OPOST adds? */
static int
may_send(void *arg)
{
	struct tty *t = arg;

	if (atomic_load(&t->hung))
		return -EIO;
	return !atomic_load_relaxed(&t->stopped) && room(t) >= grows_to(t);
}

/* The next of n bytes of s.  How many went out. */
static size_t
send_some(struct tty *t, const char *s, size_t n)
{
	char piece[2 * PIECE];
	/* The room may have grown since the caller looked; each value is read once, so
	 * that `some` and `len` agree. */
	size_t space = MIN(room(t), sizeof(piece)), some, len = 0, i;
	uint64_t flags = spin_lock_irq(&t->lock);
	unsigned column = t->column, begin = t->begin;

	some = MIN(n, space / grows_to(t));
	for (i = 0; i < some; i++)
		len += tty_post(t, s[i], piece + len);
	spin_unlock_irq(&t->lock, flags);
	if (t->ops->send(t, piece, len) == len)
		return some;
	/* Echo has taken the room meanwhile, and nothing was sent: the column is again
	 * what it was. */
	flags = spin_lock_irq(&t->lock);
	t->column = column;
	t->begin = begin;
	spin_unlock_irq(&t->lock, flags);
	return 0;
}

/* Bytes that went out, -errno before the first. */
static ssize_t
send_all(struct tty *t, const char *s, size_t n, bool nonblock)
{
	size_t done = 0;
	int r;

	while (done < n) {
		r = tty_wait(&t->ready.sleepers, may_send, t, nonblock);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		done += send_some(t, s + done, n - done);
	}
	return (ssize_t)done;
}

ssize_t
tty_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	struct tty *t = dev;
	ssize_t r = atomic_load(&t->hung) ? -EIO : 0;

	if (r == 0 && (t->t.lflag & TOSTOP) != 0)
		r = tty_may_change(t);
	if (r == 0)
		r = tty_take_turn(&t->writing, &t->ready.sleepers, nonblock);
	if (r < 0)
		return r;
	r = send_all(t, buf, n, nonblock);
	tty_end_turn(&t->writing, &t->ready.sleepers);
	return r;
}

/* ---- reading ---- */

/* Bytes that may be taken now; a line at most in canonical mode, which alone has marks. */
static size_t
take_cooked(struct tty *t, uint8_t *buf, size_t n, bool *eof)
{
	size_t got = 0;
	uint16_t c;

	*eof = false;
	if ((t->t.lflag & ICANON) != 0 && t->nlines == 0)
		return 0;
	while (got < n && t->ntotal > 0) {
		c = t->cooked[t->chead];
		t->chead = (t->chead + 1) % TTY_COOKED;
		t->ntotal--;
		if (c & (COOKED_EOL | COOKED_EOF))
			t->nlines--;
		if (!(c & COOKED_EOF))
			buf[got++] = (uint8_t)c;
		else if (got == 0)
			*eof = true;
		if (c & (COOKED_EOL | COOKED_EOF))
			return got;
	}
	/* When a line fills the buffer exactly, its EOF mark is removed with it: the next
	 * read must not see it as an end of file. */
	if (t->ntotal > 0 && t->cooked[t->chead] == COOKED_EOF) {
		t->chead = (t->chead + 1) % TTY_COOKED;
		t->ntotal--;
		t->nlines--;
	}
	return got;
}

static unsigned
min_bytes(const struct tty *t)
{
	return (t->t.lflag & ICANON) != 0 ? 1 : t->t.cc[VMIN];
}

/* Is a read satisfied with so many bytes?  VMIN bytes, or a line. */
static bool
enough(const struct tty *t, size_t got, size_t n, bool timed)
{
	if (got == n)
		return true;
	return got >= min_bytes(t) && !(timed && got == 0);
}

/* Does a read wait for so many tenths of a second and no longer? */
static unsigned
tenths(const struct tty *t)
{
	return (t->t.lflag & ICANON) != 0 ? 0 : t->t.cc[VTIME];
}

/*
 * Canonical: one line.  Raw: VMIN bytes; VTIME (tenths of a second) starts at
 * once when VMIN is 0, else with the first byte and again with each.
 */
static ssize_t
read_wait(struct tty *t, uint8_t *buf, size_t n, bool nonblock)
{
	uint64_t deadline = WAIT_FOREVER, flags;
	struct waiter w;
	size_t got = 0, more;
	bool eof = false;
	int r = 0;

	if (tenths(t) != 0 && min_bytes(t) == 0)
		deadline = md_time_ns() + tenths(t) * 100000000ul;
	for (;;) {
		wait_prepare(&t->ready.sleepers, &w);
		flags = spin_lock_irq(&t->lock);
		more = take_cooked(t, buf + got, n - got, &eof);
		got += more;
		if (eof || enough(t, got, n, deadline != WAIT_FOREVER))
			r = 1;
		if (more > 0 && tenths(t) != 0)
			deadline = md_time_ns() + tenths(t) * 100000000ul;
		spin_unlock_irq(&t->lock, flags);
		if (more > 0 && t->ops->taken != NULL)
			t->ops->taken(t);
		if (r == 0 && atomic_load(&t->hung))
			r = -EIO;
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

ssize_t
tty_read(void *dev, void *buf, size_t n, bool nonblock)
{
	struct tty *t = dev;
	int r = 0;

	/* A read of a hung-up terminal returns the end of file. */
	if (n == 0 || atomic_load(&t->hung))
		return 0;
	if (tty_job != NULL)
		r = tty_job->check_read(t->session, t->fg);
	return r < 0 ? r : read_wait(t, buf, n, nonblock);
}

/* With VTIME one byte is worth a read: the time runs from then on. */
static bool
is_readable(const struct tty *t)
{
	unsigned min = tenths(t) == 0 ? min_bytes(t) : 1;

	if ((t->t.lflag & ICANON) != 0)
		return t->nlines > 0;
	return t->ntotal >= MAX(min, 1u);
}

unsigned
tty_poll(void *dev, struct ready **at)
{
	struct tty *t = dev;
	unsigned bits = may_send(t) > 0 ? POLL_WR : 0;
	uint64_t flags;

	*at = &t->ready;
	if (atomic_load(&t->hung))
		return POLL_RD | POLL_WR | POLLERR | POLLHUP;
	flags = spin_lock_irq(&t->lock);
	if (is_readable(t))
		bits |= POLL_RD;
	spin_unlock_irq(&t->lock, flags);
	return bits;
}
