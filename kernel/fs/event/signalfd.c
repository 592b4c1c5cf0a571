/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd.c: signals that are read from a file
 *
 * Problem   A program that sleeps in poll for files wants to hear of signals there,
 *           and not in a handler that runs at any time.
 *
 * Picture   read ─→ signals of whoever reads, not of whoever made it: proc/
 *
 * Rules     What is read is what is pending and in the set; the program blocks it,
 *           or a handler may be faster.
 *
 * Read next proc/sigfile.c.
 */
#include "fs/event/event.h"

struct signalfd {
	_Atomic uint64_t set;        /* [A] bit n - 1: signal n */
};

static const struct signalfd_ops *signals; /* [c] NULL until proc/ registers */

/* proc/ tells how to take signals. */
void
signalfd_set_ops(const struct signalfd_ops *ops)
{
	signals = ops;
}

static uint64_t
set_of(const struct file *f)
{
	struct signalfd *s = f->priv;

	return atomic_load_relaxed(&s->set);
}

/* As many as are there and fit; it waits for the first. */
static ssize_t
signalfd_read(struct file *f, uint64_t *off, struct uio *u)
{
	uint8_t text[SIGNALFD_BYTES];
	ssize_t done = 0;
	int r = u->left < sizeof(text) ? -EINVAL : 0;

	while (r == 0 && u->left >= sizeof(text)) {
		r = signals->take(set_of(f),
		    done > 0 || (f->flags & O_NONBLOCK) != 0, text);
		if (r == 0 && uio_put(u, text, sizeof(text)) < (ssize_t)sizeof(text))
			r = -EFAULT;
		if (r == 0)
			done += (ssize_t)sizeof(text);
	}
	return done > 0 ? done : r;
}

static unsigned
signalfd_poll(struct file *f, struct ready **at)
{
	*at = signals->at();
	return signals->has(set_of(f)) ? POLLIN : 0;
}

static const struct file_ops signalfd_ops = {
	.name = "[signalfd]",
	.seek = SEEKS_STAYS,
	.reads_nothing = true,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.close = anon_close,
};

/*
 * signalfd4(2), a new one.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
signalfd_create(uint64_t set, unsigned flags, struct file **out)
{
	int r = anon_open(&signalfd_ops, sizeof(struct signalfd), flags, out);

	if (r == 0)
		((struct signalfd *)(*out)->priv)->set = set;
	return r;
}

/* Another set: who watches looks anew.  0, -EINVAL: f is no signalfd. */
int
signalfd_change(struct file *f, uint64_t set)
{
	struct signalfd *s = f->priv;

	if (f->ops != &signalfd_ops)
		return -EINVAL;
	atomic_store(&s->set, set);
	ready_tell_all(signals->at(), POLLIN);
	return 0;
}
