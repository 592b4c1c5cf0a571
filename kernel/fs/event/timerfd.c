/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd.c: a timer that is a file
 *
 * Problem   A program that sleeps in poll for files wants to wait for times, too.
 *
 * Picture   due ──────── now: once, and once for each interval since ─→ read
 *
 * Rules     1. A read computes how often the timer has fired; the timer itself only
 *              tells the watches to look.
 *           2. A periodic timer tells once, and not again until its count is read.
 *           3. The worker tells the watches, not the interrupt: there may be tens of
 *              thousands.
 *
 * Read next kern/timer.c.
 */
#include "fs/event/event.h"
#include "mem/mem.h"

struct timerfd {
	int clock;                   /* [c] the program's number of it */
	unsigned how;                /* lock; flags of the last timerfd_settime(2) */
	struct spinlock lock;        /* rank LR_DEV, irq */
	struct itimer t;             /* lock */
	uint64_t ticks;              /* lock; counted already, not read yet */
	struct timer timer;          /* armed under lock */
	struct ready ready;          /* [c] */
	struct work tell, end;       /* [c] rule 3; to free it behind that */
};

static bool
is_due_locked(const struct timerfd *t)
{
	HELD(&t->lock);
	return t->ticks > 0 || (t->t.due_ns != 0 && t->t.due_ns <= md_time_ns());
}

/* Rule 2.  Context: timer interrupt. */
static void
timerfd_fired(void *arg)
{
	struct timerfd *t = arg;

	if (!UNDER_IRQ(&t->lock, is_due_locked(t)))
		return; /* it was set anew */
	wake_all(&t->ready.sleepers);
	if (!list_is_empty(&t->ready.watches))
		work_queue(&t->tell);
}

/* Rule 3. */
static void
timerfd_tell(void *arg)
{
	struct timerfd *t = arg;

	ready_tell(&t->ready, POLLIN);
}

/* Behind the last timerfd_tell(). */
static void
timerfd_free(void *arg)
{
	kmem_free(arg);
}

/* Add the intervals that are over to ticks, and set the next time. */
static void
count_locked(struct timerfd *t)
{
	uint64_t n = itimer_pass(&t->t, md_time_ns());

	HELD(&t->lock);
	t->ticks += n;
	if (n > 0 && t->t.due_ns != 0)
		timer_arm(&t->timer, t->t.due_ns);
}

static bool
try_ticks(struct timerfd *t, uint64_t *ticks)
{
	uint64_t flags = spin_lock_irq(&t->lock);

	count_locked(t);
	*ticks = t->ticks;
	t->ticks = 0;
	spin_unlock_irq(&t->lock, flags);
	return *ticks != 0;
}

static ssize_t
timerfd_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct timerfd *t = f->priv;
	uint64_t ticks;
	int r;

	if (u->left < sizeof(ticks))
		return -EINVAL;
	r = wait_or_refuse(&t->ready.sleepers, file_refuses(f, u), try_ticks(t, &ticks));
	if (r != 0)
		return r;
	return uio_put(u, &ticks, sizeof(ticks)) < (ssize_t)sizeof(ticks) ? -EFAULT :
	    (ssize_t)sizeof(ticks);
}

static unsigned
timerfd_poll(struct file *f, struct ready **at)
{
	struct timerfd *t = f->priv;

	*at = &t->ready;
	return UNDER_IRQ(&t->lock, is_due_locked(t)) ? POLLIN : 0;
}

/* For fdinfo: intervals that are over and not read count as one, as on Linux. */
static void
timerfd_show(struct file *f, struct out *o)
{
	struct timerfd *t = f->priv;
	uint64_t flags = spin_lock_irq(&t->lock), now = md_time_ns(), left, ticks;
	struct itimer it = t->t;
	unsigned how = t->how;

	left = it.due_ns > now ? it.due_ns - now : 0;
	ticks = t->ticks + (it.due_ns != 0 && left == 0);
	spin_unlock_irq(&t->lock, flags);
	out_printf(o, "clockid: %d\nticks: %lu\nsettime flags: 0%o\n", t->clock, ticks,
	    how);
	out_printf(o, "it_value: (%lu, %lu)\nit_interval: (%lu, %lu)\n",
	    left / NS_PER_S, left % NS_PER_S, it.interval_ns / NS_PER_S,
	    it.interval_ns % NS_PER_S);
}

static void
timerfd_close(struct file *f)
{
	struct timerfd *t = f->priv;

	(void)timer_cancel(&t->timer);
	work_init(&t->end, timerfd_free, t);
	work_queue(&t->end);
}

static const struct file_ops timerfd_ops = {
	.name = "[timerfd]",
	.seek = SEEKS_STAYS,
	.reads_nothing = true,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.show = timerfd_show,
	.close = timerfd_close,
};

/* The clock that the program has chosen; -EINVAL: f is no timerfd. */
int
timerfd_clock(const struct file *f)
{
	const struct timerfd *t = f->priv;

	return f->ops == &timerfd_ops ? t->clock : -EINVAL;
}

/*
 * The timer is set, unless new is NULL: what was counted is forgotten.  how: flags of
 * the call.  left: how long until it fires, 0: it does not, and how often.
 *
 * Locks:    none of rank >= LR_DEV.
 */
void
timerfd_set(struct file *f, const struct itimer *new, unsigned how, struct itimer *left)
{
	struct timerfd *t = f->priv;
	uint64_t flags = spin_lock_irq(&t->lock), now;

	if (t->t.interval_ns != 0)
		count_locked(t);
	now = md_time_ns();
	left->interval_ns = t->t.interval_ns;
	left->due_ns = t->t.due_ns > now ? t->t.due_ns - now : 0;
	if (new != NULL) {
		t->t = *new;
		t->how = how;
		t->ticks = 0;
		if (new->due_ns != 0)
			timer_arm(&t->timer, new->due_ns);
	}
	spin_unlock_irq(&t->lock, flags);
}

/*
 * timerfd_create(2).  Moments are of md_time_ns(), whatever the clock: it is only kept.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
timerfd_create(int clock, unsigned flags, struct file **out)
{
	int r = anon_open(&timerfd_ops, sizeof(struct timerfd), flags, out);
	struct timerfd *t;

	if (r != 0)
		return r;
	t = (*out)->priv;
	t->clock = clock;
	spin_init(&t->lock, LR_DEV);
	timer_init(&t->timer, timerfd_fired, t);
	work_init(&t->tell, timerfd_tell, t);
	ready_init(&t->ready);
	return 0;
}
