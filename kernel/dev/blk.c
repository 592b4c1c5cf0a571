/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.c: requests to disks, from submission to completion
 *
 * Problem   A request names device, sector and pages; disks answer later, in
 *           another order, with an error or never.
 *
 * Picture   blk_submit ─→ pending ─┐   thread iod, for each queue:
 *                                  ├──→ poll: what has ended   ─→ done()
 *           interrupt ─→ blk_kick ─┘    overdue: reset, retry or -EIO
 *                                       start the next from pending
 *
 * Rules     1. Only iod calls drivers and done(): no driver has a lock, and
 *              an interrupt does nothing but wake iod (book: locks).  Only for a
 *              RAM disk the submitting thread calls the driver (ops->now).
 *           2. Submission cannot fail and allocates nothing: the bio is the
 *              caller's.  Every error is reported in the bio's status.
 *           3. A request is started in order of arrival; devices that take
 *              several may end them in any order.
 *           4. Each request ends: a device that is silent for 5 s (flush: 30 s) is
 *              reset; its requests are tried once more, then end with -EIO.
 *           5. After done() the bio is not touched.
 *
 * Read next dev/bdev.c, dev/ata.c, dev/virtio_blk.c.  Book: ch13.
 */
#include "dev/blkfn.h"

#define MAX_QUEUES 32u
#define LIMIT_NS 5000000000ul    /* rule 4 */
#define FLUSH_LIMIT_NS 30000000000ul /* all of a cache may be in its way */
#define MAX_TRIES 2u
#define HOLD_FAULTS 4u           /* FI_IO_DELAY: as many faults later… */
#define HOLD_NS 1000000000ul     /* …or when there are none, after 1 s */
#define TICK_NS (1000000000ul / MD_HZ)

static struct {
	struct waitq wake;
	_Atomic bool kicked;     /* [A] something is to be looked at */
	struct blk_queue *queue[MAX_QUEUES];
	_Atomic unsigned nqueues; /* [A] grows after the row is filled */
	struct list held;        /* iod: ended, but FI_IO_DELAY keeps them */
	bool no_limit;           /* [c] time runs ahead of the disk */
} blk = {
	.wake = WAITQ_INIT(blk.wake),
	.held = LIST_INIT(blk.held),
};

static int check(const struct bio *);
static void inject(struct bio *);
static void iod(void *arg);
static uint64_t next_look(void);
static void queue_turn(struct blk_queue *);
static void begin(struct blk_queue *, struct bio *);
static bool is_overdue(const struct blk_queue *, uint64_t now);
static void time_out(struct blk_queue *);
static void requeue(struct blk_queue *, struct bio *);
static void complete(struct bio *);
static void release_held(void);

/*
 * Start iod.
 *
 * Context:  boot, after kern_init().
 */
void
blk_init(void)
{
	/* Emulated time that leaps while all sleep says nothing of a disk. */
	blk.no_limit = option_is("sleep", "off");
	if (thread_spawn("iod", iod, NULL) == NULL)
		panic("blk_init: no memory");
}

bool
blk_queue_add(struct blk_queue *q, const struct blk_ops *ops, void *drv,
    unsigned depth)
{
	unsigned n = atomic_load(&blk.nqueues);

	if (n == MAX_QUEUES)
		return false;
	*q = (struct blk_queue){ .ops = ops, .drv = drv, .depth = depth };
	spin_init(&q->lock, LR_DEV);
	list_init(&q->pending);
	list_init(&q->active);
	blk.queue[n] = q;
	atomic_store(&blk.nqueues, n + 1);
	return true;
}

/* ---- what a device has done: blkstat.c shows it ---- */

static void
one_begins(struct blk_stat *s, uint64_t now)
{
	if (s->flying++ == 0)
		s->busy_since = now;
}

static void
one_ends(struct blk_stat *s, const struct bio *b, uint64_t now)
{
	unsigned i;

	ASSERT(s->flying > 0);
	if (--s->flying == 0)
		s->busy_ns += now - s->busy_since;
	s->ios[b->dir]++;
	s->ns[b->dir] += now - b->since;
	for (i = 0; i < b->nvecs; i++)
		s->sectors[b->dir] += b->vec[i].bytes / SECTOR_SIZE;
}

/* A bio is on its way.  queue->lock held. */
static void
stat_begin(struct bio *b)
{
	struct bdev *d = b->dev;

	HELD(&d->queue->lock);
	b->since = md_time_ns();
	one_begins(&d->stat, b->since);
	if (d->disk != d)
		one_begins(&d->disk->stat, b->since);
}

/* It has ended, with an error as well; what goes to a partition goes to its disk. */
static void
stat_end(const struct bio *b)
{
	struct bdev *d = b->dev;
	uint64_t now = md_time_ns();
	uint64_t flags = spin_lock_irq(&d->queue->lock);

	one_ends(&d->stat, b, now);
	if (d->disk != d)
		one_ends(&d->disk->stat, b, now);
	spin_unlock_irq(&d->queue->lock, flags);
}

/* ---- submission ---- */

static void
accept(struct bio *b)
{
	ASSERT(b->done != NULL);
	b->status = check(b);
	b->lba = b->dev->start + b->sector;
	b->tries = 0;
	inject(b);
}

static void
leave_to_iod(struct bio *b)
{
	struct blk_queue *q = b->dev->queue;
	uint64_t flags = spin_lock_irq(&q->lock);

	stat_begin(b);
	list_push_back(&q->pending, &b->node);
	spin_unlock_irq(&q->lock, flags);
	blk_kick();
}

void
blk_submit(struct bio *b)
{
	accept(b);
	leave_to_iod(b);
}

/* What fails or is held ends as it would from iod. */
void
blk_submit_now(struct bio *b)
{
	struct blk_queue *q = b->dev->queue;
	uint64_t flags;

	accept(b);
	if (q->ops->now == NULL || b->status != 0 || b->fail || b->hold != 0) {
		leave_to_iod(b);
		return;
	}
	flags = spin_lock_irq(&q->lock);
	stat_begin(b);
	spin_unlock_irq(&q->lock, flags);
	q->ops->now(q, b);
	complete(b);
}

/* Does it lie on the device, and may the device be written? */
static int
check(const struct bio *b)
{
	const struct bdev *d = b->dev;
	uint64_t n = 0;
	unsigned i;

	ASSERT(b->dir != BIO_FLUSH || b->nvecs == 0);
	if (b->dir != BIO_READ && d->readonly)
		return b->dir == BIO_FLUSH ? 0 : -EROFS;
	if (b->dir == BIO_FLUSH)
		return 0;
	for (i = 0; i < b->nvecs; i++)
		n += b->vec[i].bytes / SECTOR_SIZE;
	if (n == 0 || b->sector > d->sectors || n > d->sectors - b->sector)
		return -EIO;
	return 0;
}

/* Here, not at the device: a point may be for one process only. */
static void
inject(struct bio *b)
{
	enum inject_point read, write;

	read = b->use == BIO_SWAP ? FI_SWAPIN : FI_FILEIN;
	write = b->use == BIO_SWAP ? FI_SWAPOUT : FI_FILEOUT;
	b->fail = inject_hit(b->dir == BIO_READ ? read : write);
	b->hold = 0;
	if (inject_hit(FI_IO_DELAY))
		b->hold = ev_read(EV_fault_total) + HOLD_FAULTS;
}

void
blk_kick(void)
{
	atomic_store(&blk.kicked, true);
	wake_one(&blk.wake);
}

/* ---- the thread ---- */

static void
iod(void *unused)
{
	struct waiter w;
	unsigned i;

	for (;;) {
		for (i = 0; i < atomic_load(&blk.nqueues); i++)
			queue_turn(blk.queue[i]);
		release_held();
		wait_prepare(&blk.wake, &w);
		if (!atomic_xchg(&blk.kicked, false))
			(void)wait_sleep(&w, WAIT_PLAIN, next_look());
		wait_finish(&w);
	}
}

/* When iod must wake up by itself. */
static uint64_t
next_look(void)
{
	uint64_t when = WAIT_FOREVER;
	struct bio *b;
	unsigned i;

	if (!list_is_empty(&blk.held))
		when = md_time_ns() + TICK_NS;
	for (i = 0; i < atomic_load(&blk.nqueues); i++) {
		LIST_FOREACH(b, &blk.queue[i]->active, node)
			when = MIN(when, b->deadline);
	}
	return when;
}

static struct bio *
take(struct blk_queue *q)
{
	struct list_node *n = UNDER_IRQ(&q->lock, list_pop_front(&q->pending));

	return n != NULL ? LIST_ENTRY(n, struct bio, node) : NULL;
}

static void
queue_turn(struct blk_queue *q)
{
	struct bio *b;

	q->ops->poll(q);
	if (is_overdue(q, md_time_ns()))
		time_out(q);
	while (q->nactive < q->depth && (b = take(q)) != NULL)
		begin(q, b);
}

/* The driver may end the bio within start(): it is not touched behind it. */
static void
begin(struct blk_queue *q, struct bio *b)
{
	int r;

	if (b->status == 0 && b->fail)
		b->status = -EIO;
	if (b->status != 0) {
		complete(b);
		return;
	}
	b->deadline = WAIT_FOREVER;
	if (!blk.no_limit)
		b->deadline = md_time_ns() +
		    (b->dir == BIO_FLUSH ? FLUSH_LIMIT_NS : LIMIT_NS);
	list_push_back(&q->active, &b->node);
	q->nactive++;
	r = q->ops->start(q, b);
	if (r != 0)
		blk_finish(b, r);
}

/*
 * Context:  iod, from a driver's poll or start.
 */
void
blk_finish(struct bio *b, int status)
{
	list_remove(&b->node);
	b->dev->queue->nactive--;
	b->status = status;
	complete(b);
}

/* ---- time-outs, in iod ---- */

static bool
is_overdue(const struct blk_queue *q, uint64_t now)
{
	const struct bio *b;

	LIST_FOREACH(b, &q->active, node) {
		if (b->deadline <= now)
			return true;
	}
	return false;
}

/*
 * The reset has ended all in flight; an overdue request has one try less.  From the last
 * to the first, each to the front of a list: so their order stays (rule 3).
 */
static void
time_out(struct blk_queue *q)
{
	uint64_t now = md_time_ns();
	struct list late = LIST_INIT(late);
	struct bio *b;

	b = LIST_ENTRY(list_first(&q->active), struct bio, node);
	klog("%s: no answer in time, reset", b->dev->disk->name);
	q->ops->reset(q);
	while (!list_is_empty(&q->active)) {
		b = LIST_ENTRY(q->active.head.prev, struct bio, node);
		list_remove(&b->node);
		q->nactive--;
		if (b->deadline <= now && ++b->tries == MAX_TRIES)
			list_push_front(&late, &b->node);
		else
			requeue(q, b);
	}
	while (!list_is_empty(&late)) {
		b = LIST_ENTRY(list_pop_front(&late), struct bio, node);
		b->status = -EIO;
		complete(b);
	}
}

static void
requeue(struct blk_queue *q, struct bio *b)
{
	uint64_t flags = spin_lock_irq(&q->lock);

	list_push_front(&q->pending, &b->node);
	spin_unlock_irq(&q->lock, flags);
}

/* ---- the end of a request ---- */

static void
complete(struct bio *b)
{
	static const char *const verb[] = { [BIO_READ] = "read",
		[BIO_WRITE] = "write", [BIO_FLUSH] = "flush" };

	stat_end(b);
	if (b->status != 0) {
		klog("%s: %s at sector %lu: error %d%s", b->dev->name,
		    verb[b->dir], b->sector, -b->status,
		    b->fail ? " (injected)" : "");
		EVENT(io_errors);
	} else if (b->dir == BIO_READ) {
		EVENT(io_reads);
	} else if (b->dir == BIO_WRITE) {
		EVENT(io_writes);
	}
	if (b->hold != 0) {
		b->deadline = md_time_ns() + HOLD_NS;
		list_push_back(&blk.held, &b->node);
		return;
	}
	b->done(b);
}

static void
release_held(void)
{
	struct list still = LIST_INIT(still);
	uint64_t faults, now;
	struct bio *b;

	if (list_is_empty(&blk.held))
		return;
	faults = ev_read(EV_fault_total);
	now = md_time_ns();
	while (!list_is_empty(&blk.held)) {
		b = LIST_ENTRY(list_pop_front(&blk.held), struct bio, node);
		if (faults >= b->hold || now >= b->deadline)
			b->done(b);
		else
			list_push_back(&still, &b->node);
	}
	list_move_front(&blk.held, &still);
}
