/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigfile.c: signals that are read from a file
 *
 * Problem   A program that sleeps in poll for files wants to get signals there,
 *           and not in a handler that runs at any time.  A watch of its signalfd may
 *           outlive the process whose signals it waits for.
 *
 * Picture   read ─→ signals of the reading process, not of the one that made it
 *           post_locked ─→ tell: the watches of all processes in the bucket, which
 *                          look again
 *
 * Rules     1. A read takes pending signals of the set; the program must block
 *              them, or a handler may be faster.
 *           2. A reader sleeps as in poll: a change of the set by another thread wakes
 *              it, too.
 *
 * Read next fs/event/README.md, proc/sigmask.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "fs/event/event.h"
#include "fs/fscall.h"
#include "lib/errno.h"

#define LISTS 64u

static struct ready lists[LISTS];    /* [c] by number of the process */

/* struct signalfd_siginfo. */
struct sigtext {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trap;
	int32_t status, value_int;
	uint64_t value, utime, stime, addr;
	uint8_t none[48];
};
_Static_assert(sizeof(struct sigtext) == 128, "as on Linux");

struct signalfd {
	_Atomic uint64_t set;        /* [A] bit n - 1: signal n */
};

/* A signal of p is pending.  Locks: proc_lock held. */
void
sigfile_tell_locked(const struct proc *p)
{
	HELD(&proc_lock);
	ready_tell(&lists[(unsigned)p->pid % LISTS], POLLIN);
}

static struct ready *
current_list(void)
{
	return &lists[(unsigned)proc_current()->pid % LISTS];
}

static uint64_t
set_of(const struct file *f)
{
	struct signalfd *s = f->priv;

	return atomic_load_relaxed(&s->set);
}

static unsigned
signalfd_poll(struct file *f, struct ready **at)
{
	struct task *tk = task_current();

	*at = current_list();
	return UNDER(&proc_lock, (tk->pending.set | tk->proc->pending.set) & set_of(f)) != 0 ?
	    POLLIN : 0;
}

static bool
is_of_fault(const struct siginfo *si)
{
	return si->signo == SIGILL || si->signo == SIGFPE || si->signo == SIGSEGV ||
	    si->signo == SIGBUS || si->signo == SIGTRAP;
}

/* A file is ready: sigio.c. */
static bool
is_of_file(const struct siginfo *si)
{
	return si->code == SI_SIGIO || (si->code >= POLL_IN && si->code <= POLL_HUP &&
	    si->signo != SIGCHLD && si->signo != SIGSYS);
}

/* The sender's kind decides which fields are valid. */
static void
write_text(const struct siginfo *si, struct sigtext *t)
{
	bool by_kernel = si->code > SI_USER && si->code < SI_KERNEL;

	*t = (struct sigtext){ .signo = (uint32_t)si->signo, .err = si->err,
		.code = si->code };
	if (by_kernel && is_of_fault(si)) {
		t->addr = si->addr;
		return;
	}
	if (is_of_file(si)) {
		t->band = (uint32_t)si->addr;
		t->fd = (int32_t)si->none[0];
		return;
	}
	if (si->code == SI_TIMER) {
		t->tid = (uint32_t)si->timer;
		t->overrun = (uint32_t)si->overruns;
		t->value = si->value;
		t->value_int = (int32_t)si->value;
		return;
	}
	t->pid = (uint32_t)si->pid;
	t->uid = si->uid;
	if (by_kernel && si->signo == SIGCHLD) {
		t->status = si->status;
		t->utime = (uint64_t)si->utime;
		t->stime = (uint64_t)si->stime;
	} else if (si->code < 0) {
		t->value = si->value;
		t->value_int = (int32_t)si->value;
	}
}

/* The next signal; it waits for that.  0, -EAGAIN, -EINTR.  Rule 2. */
static int
next_signal(struct file *f, bool nowait, struct siginfo *si)
{
	struct poll_req it = { .file = f, .events = POLLIN };
	int r;

	while ((r = sig_wait(set_of(f), 0, si)) == -EAGAIN && !nowait) {
		r = fs_poll(&it, 1, WAIT_FOREVER);
		if (r < 0)
			break;
	}
	return MIN(r, 0);
}

/* As many as are there and fit; it waits for the first. */
static ssize_t
signalfd_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct siginfo si;
	struct sigtext t;
	ssize_t done = 0;
	int r = u->left < sizeof(t) ? -EINVAL : 0;

	while (r == 0 && u->left >= sizeof(t)) {
		r = next_signal(f, done > 0 || (f->flags & O_NONBLOCK) != 0, &si);
		if (r != 0)
			break;
		write_text(&si, &t);
		if (uio_put(u, &t, sizeof(t)) < (ssize_t)sizeof(t))
			r = -EFAULT;
		else
			done += (ssize_t)sizeof(t);
	}
	return done > 0 ? done : r == -EINTR ? -ERESTARTSYS : r;
}

/* For fdinfo. */
static void
signalfd_show(struct file *f, struct out *o)
{
	out_printf(o, "sigmask:\t%016lx\n", set_of(f));
}

static const struct file_ops signalfd_ops = {
	.name = "[signalfd]",
	.seek = SEEKS_STAYS,
	.reads_nothing = true,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.show = signalfd_show,
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

/* Set another set, and wake the watches.  0, -EINVAL: f is no signalfd. */
int
signalfd_change(struct file *f, uint64_t set)
{
	struct signalfd *s = f->priv;

	if (f->ops != &signalfd_ops)
		return -EINVAL;
	atomic_store(&s->set, set);
	ready_tell_all(current_list(), POLLIN);
	return 0;
}

/* Locks: none; boot. */
void
sigfile_init(void)
{
	for (unsigned i = 0; i < LISTS; i++)
		ready_init(&lists[i]);
}
