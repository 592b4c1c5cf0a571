/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pty.c: pseudo terminals: a terminal whose other end is a file
 *
 * Problem   script, tmux, expect and terminal windows act as keyboard and screen
 *           of programs, which must see a terminal.
 *
 * Picture   /dev/ptmx ─ open ─→ master ─ write ─→ tty_receive() ─→ slave reads
 *                               master ←─ ring of bytes ─ send ─── slave writes
 *           /dev/pts/N ─ open ─→ slave
 *
 * Rules     1. Each open of /dev/ptmx makes a pair, with the lowest free number;
 *              the pair lives until nobody has either end open, and as long as it
 *              is a session's terminal.
 *           2. Closing the master hangs the slave up.  Closing the last slave is
 *              the end of a read of the master (EIO), until one opens it again.
 *           3. A part of the ring is reserved for echo, so that typed keys are
 *              seen even if a program fills the rest.
 *           4. fs/devpts.c gives out the numbers: one is free when it has forgotten
 *              the pair that had it.
 *
 * Tags      [P] ptys.lock   [T] tty->lock   [c] constant
 *
 * Read next tty.c, fs/devpts.c.
 */
#include "dev/ttydat.h"
#include "lib/string.h"
#include "mem/mem.h"

#define OUT 8192u           /* bytes between slave and master */
#define OUT_ECHO 1024u      /* of these for echo alone */
#define MAJOR_PTS 136u

enum pty_ioctl { TIOCPKT = 0x5420, TIOCSPTLCK = 0x40045431,
	TIOCSIG = 0x40045436, TIOCGPTN = 0x80045430, TIOCGPKT = 0x80045438,
	TIOCGPTLCK = 0x80045439, TCFLSH = 0x540b, FIONREAD = 0x541b };

struct pty {
	struct tty tty;             /* the slave */
	struct chr_dev slave, master; /* [c] */
	unsigned number;            /* [c] */
	unsigned files, slaves;     /* [P] open ones; slaves read without */
	bool was_open;              /* [P] a slave; read without */
	bool locked;                /* [P] no slave is opened */
	bool packet;                /* [T] TIOCPKT: reads begin with a byte of status */
	unsigned status;            /* [T] TIOCPKT_*, not yet read */
	char out[OUT];              /* [T] ring: bytes from the slave */
	unsigned head, n;           /* [T] */
	struct mutex typing;        /* a leaf: whose bytes are going in */
	struct ready ready;         /* of the master: bytes, room, a turn */
};

static struct {
	struct spinlock lock;       /* LR_LEAF */
	struct pty *pty[PTY_MAX];   /* lock; NULL: no file is open */
	const struct pty_ops *ops;  /* [c] */
} ptys = { .lock = SPIN_INIT(LR_LEAF) };

static const struct tty_ops pty_tty_ops;
static const struct chr_ops slave_ops, master_ops;

/* Boot, before the first process. */
void
pty_set_ops(const struct pty_ops *ops)
{
	ptys.ops = ops;
}

/* The number of the pair whose master d is; -EIO: another terminal, -ENOTTY. */
int
pty_of_master(const struct chr_dev *d)
{
	if (d->ops != &master_ops)
		return d->ops->read == tty_read ? -EIO : -ENOTTY;
	return (int)((struct pty *)d->dev)->number;
}

/* ---- a pair comes and goes ---- */

static void
pty_setup(struct pty *p, unsigned number)
{
	p->number = number;
	p->slave = (struct chr_dev){ .major = MAJOR_PTS, .minor = number,
		.ops = &slave_ops, .dev = &p->tty };
	p->master = (struct chr_dev){ .ops = &master_ops, .dev = p };
	p->files = 1;
	p->locked = true;
	mutex_init(&p->typing, LR_NONE);
	ready_init(&p->ready);
	tty_setup(&p->tty, &pty_tty_ops, &p->slave);
}

/* A new pair, and its master in *d.  0, -ENOSPC, -ENOMEM. */
static int
ptmx_open(struct chr_dev **d, uint32_t minor, unsigned flags)
{
	struct pty *p = room_alloc(sizeof(*p));
	int n = p != NULL ? ptys.ops->made() : -ENOMEM;

	if (n < 0) {
		EVENT(pty_refused);
		room_free(p, sizeof(*p));
		return n;
	}
	pty_setup(p, (unsigned)n);
	spin_lock(&ptys.lock);
	ptys.pty[n] = p;
	spin_unlock(&ptys.lock);
	EVENT(pty_made);
	*d = &p->master;
	return 0;
}

/* The slave of this number: a node's, or the one that *d is already. */
static int
slave_open(struct chr_dev **d, uint32_t minor, unsigned flags)
{
	struct pty *p = NULL;
	int r = -EIO;

	spin_lock(&ptys.lock);
	if (minor < PTY_MAX)
		p = ptys.pty[minor];
	if (p != NULL && (p->locked || atomic_load(&p->tty.hung) ||
	    ((*d)->dev != NULL && (*d)->dev != &p->tty)))
		p = NULL;
	if (p != NULL && p->slaves > 0 && !tty_may_open(&p->tty)) {
		r = -EBUSY;
		p = NULL;
	}
	if (p != NULL) {
		if (p->slaves == 0)
			p->tty.alone[TTY_PROGRAM] = false;
		p->files++;
		atomic_add(&p->slaves, 1);
		p->was_open = true;
	}
	spin_unlock(&ptys.lock);
	if (p == NULL)
		return r;
	tty_opened(&p->tty, flags);
	*d = &p->slave;
	return 0;
}

/* One of p's files is closed; with the last its number is free. */
static void
pty_leave(struct pty *p)
{
	unsigned n = p->number;
	bool last;

	spin_lock(&ptys.lock);
	last = --p->files == 0;
	if (last)
		ptys.pty[n] = NULL;
	spin_unlock(&ptys.lock);
	if (!last)
		return;
	ptys.ops->freed(n);
	tty_put(&p->tty);
}

/* The last reference is gone.  Locks:    none held. */
static void
pty_free(struct tty *t)
{
	EVENT(pty_freed);
	room_free(CONTAINER_OF(t, struct pty, tty), sizeof(struct pty));
}

static void
slave_close(void *dev)
{
	struct tty *t = dev;
	struct pty *p = CONTAINER_OF(t, struct pty, tty);

	if (atomic_sub(&p->slaves, 1) == 0)
		ready_wake(&p->ready, POLL_RD | POLLHUP);
	pty_leave(p);
}

static void
master_close(void *dev)
{
	struct pty *p = dev;

	EVENT(pty_hangup, p->number, p->tty.session);
	tty_hangup(&p->tty);
	ptys.ops->hung(p->number);
	pty_leave(p);
}

/* ---- below the line discipline ---- */

/* All of it has a place, or nothing goes out. */
static size_t
pty_send(struct tty *t, const char *s, size_t n)
{
	struct pty *p = CONTAINER_OF(t, struct pty, tty);
	uint64_t flags = spin_lock_irq(&t->lock);
	size_t i;

	if (n > OUT - p->n)
		n = 0;
	for (i = 0; i < n; i++)
		p->out[(p->head + p->n++) % OUT] = s[i];
	spin_unlock_irq(&t->lock, flags);
	if (n > 0)
		ready_wake(&p->ready, POLL_RD);
	return n;
}

static size_t
pty_room(struct tty *t)
{
	struct pty *p = CONTAINER_OF(t, struct pty, tty);
	unsigned n = atomic_load_relaxed(&p->n);

	return n < OUT - OUT_ECHO ? OUT - OUT_ECHO - n : 0;
}

static void
pty_taken(struct tty *t)
{
	ready_wake(&CONTAINER_OF(t, struct pty, tty)->ready, POLL_WR);
}

/* Of two that contradict each other the later one counts. */
static void
pty_note(struct tty *t, unsigned bits)
{
	struct pty *p = CONTAINER_OF(t, struct pty, tty);
	uint64_t flags = spin_lock_irq(&t->lock);
	bool packet = p->packet;

	if ((bits & (TIOCPKT_STOP | TIOCPKT_START)) != 0)
		p->status &= ~(TIOCPKT_STOP | TIOCPKT_START);
	if ((bits & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP)) != 0)
		p->status &= ~(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
	if (packet)
		p->status |= bits;
	spin_unlock_irq(&t->lock, flags);
	if (packet)
		ready_wake(&p->ready, POLL_RD | POLLPRI);
}

/* ---- the master ---- */

/* Has the last slave been closed? */
static bool
is_left(const struct pty *p)
{
	return p->was_open && atomic_load(&p->slaves) == 0;
}

/* What there is to read, at most n bytes: their number; 0: nothing. */
static size_t
take_out(struct pty *p, char *buf, size_t n)
{
	uint64_t flags = spin_lock_irq(&p->tty.lock);
	size_t got = 0;

	if (p->packet && (p->status != 0 || p->n > 0)) {
		buf[got++] = (char)p->status;
		n = p->status != 0 ? 1 : n;
		p->status = 0;
	}
	for (; got < n && p->n > 0; p->n--) {
		buf[got++] = p->out[p->head];
		p->head = (p->head + 1) % OUT;
	}
	spin_unlock_irq(&p->tty.lock, flags);
	return got;
}

/* tty_wait(): is there something to read?  Asked first is whether it is the end: the last
 * bytes came before. */
static int
may_read(void *arg)
{
	struct pty *p = arg;
	bool left = is_left(p);

	if (atomic_load(&p->n) > 0 || (p->packet && p->status != 0))
		return 1;
	return left ? -EIO : 0;
}

static ssize_t
master_read(void *dev, void *buf, size_t n, bool nonblock)
{
	struct pty *p = dev;
	size_t got = 0;
	int r = 0;

	while (n > 0 && got == 0 && r == 0) {
		r = tty_wait(&p->ready.sleepers, may_read, p, nonblock);
		if (r == 0)
			got = take_out(p, buf, n);
	}
	if (got > 0)
		ready_wake(&p->tty.ready, POLL_WR);
	return r < 0 ? r : (ssize_t)got;
}

/* tty_wait(): may a byte be typed? */
static int
may_type(void *arg)
{
	struct pty *p = arg;

	return tty_room(&p->tty) > 0;
}

static ssize_t
master_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	struct pty *p = dev;
	const char *s = buf;
	size_t done = 0, some;
	int r = tty_take_turn(&p->typing, &p->ready.sleepers, nonblock);

	if (r < 0)
		return r;
	while (done < n && r == 0) {
		r = tty_wait(&p->ready.sleepers, may_type, p, nonblock);
		some = tty_room(&p->tty);
		if (r == 0)
			done += tty_receive(&p->tty, s + done, MIN(some, n - done));
	}
	tty_end_turn(&p->typing, &p->ready.sleepers);
	return done > 0 ? (ssize_t)done : r;
}

static unsigned
master_poll(void *dev, struct ready **at)
{
	struct pty *p = dev;
	unsigned bits = is_left(p) ? POLLHUP : 0;

	*at = &p->ready;
	if (may_type(p))
		bits |= POLL_WR;
	if (may_read(p) > 0)
		bits |= POLL_RD;
	if (p->packet && p->status != 0)
		bits |= POLLPRI;
	return bits;
}

/* TIOCSPTLCK, TIOCPKT. */
static int64_t
turn_on(struct pty *p, unsigned cmd, uint64_t arg)
{
	int on, r = tty_job->copyin(&on, arg, sizeof(on));
	uint64_t flags;

	if (r != 0)
		return r;
	if (cmd == TIOCSPTLCK) {
		(void)UNDER(&ptys.lock, p->locked = on != 0);
		return 0;
	}
	flags = spin_lock_irq(&p->tty.lock);
	if (on != 0 && !p->packet)
		p->status = 0;
	p->packet = on != 0;
	spin_unlock_irq(&p->tty.lock, flags);
	return 0;
}

/* TCFLSH of the master: its input is what the slave sent. */
static int64_t
flush_out(struct pty *p, uint64_t what)
{
	uint64_t flags;

	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what == TCOFLUSH)
		return 0;
	flags = spin_lock_irq(&p->tty.lock);
	p->n = 0;
	spin_unlock_irq(&p->tty.lock, flags);
	ready_wake(&p->tty.ready, POLL_WR);
	return 0;
}

static int64_t
signal_front(struct pty *p, uint64_t sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal(&p->tty, (int)sig);
	return 0;
}

static int64_t
master_ioctl(void *dev, unsigned cmd, uint64_t arg)
{
	struct pty *p = dev;

	switch (cmd) {
	case TIOCGPTN:
		return tty_answer(arg, (int)p->number);
	case TIOCSPTLCK:
	case TIOCPKT:
		return turn_on(p, cmd, arg);
	case TIOCGPTLCK:
		return tty_answer(arg, p->locked);
	case TIOCGPKT:
		return tty_answer(arg, p->packet);
	case TIOCSIG:
		return signal_front(p, arg);
	case FIONREAD:
		return tty_answer(arg, (int)p->n);
	case TCFLSH:
		return flush_out(p, arg);
	}
	return tty_ioctl_as(&p->tty, TTY_DRIVER, cmd, arg);
}

/* ---- their ops ---- */

static const struct tty_ops pty_tty_ops = { .send = pty_send, .room = pty_room,
	.taken = pty_taken, .note = pty_note, .free = pty_free };
static const struct chr_ops ptmx_ops = { .open = ptmx_open };
static const struct chr_ops slave_ops = { .open = slave_open,
	.close = slave_close, .read = tty_read, .write = tty_write,
	.poll = tty_poll, .ioctl = tty_ioctl };
static const struct chr_ops master_ops = { .close = master_close,
	.read = master_read, .write = master_write, .poll = master_poll,
	.ioctl = master_ioctl };

void
pty_init(void)
{
	static struct chr_dev nodes[] = {
		{ .name = "ptmx", .major = 5, .minor = 2, .mode = 0666,
		  .ops = &ptmx_ops },
		{ .major = MAJOR_PTS, .any_minor = true, .ops = &slave_ops },
	};

	chr_register(&nodes[0]);
	chr_register(&nodes[1]);
}
