/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkstat.c: what each disk and partition has done: /proc/diskstats
 *
 * Problem   iostat, vmstat -d and top want to know how many requests a disk has
 *           had, how much they moved, how long they took, and for how long
 *           the disk was not idle.
 *
 * Picture   blk_submit ─→ begin: flying++          ┐ struct blk_stat of the
 *           complete   ─→ end: flying--, ios, time ┘ bdev, and of its disk
 *
 * Rules     1. All under the lock of the queue, which both places take anyway.
 *           2. A request counts when it has ended, with an error as well; one
 *              to a partition counts for its disk, too.
 *           3. Nothing is merged after submission: those columns are 0.
 *
 * Read next blk.c.
 */
#include "dev/blkfn.h"

#define NS_PER_MS 1000000ul

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

/*
 * A bio is on its way.
 *
 * Locks:    queue->lock held.
 */
void
blkstat_begin(struct bio *b)
{
	struct bdev *d = b->dev;

	ASSERT(spin_is_mine(&d->queue->lock));
	b->since = md_time_ns();
	one_begins(&d->stat, b->since);
	if (d->disk != d)
		one_begins(&d->disk->stat, b->since);
}

/*
 * It has ended.
 *
 * Locks:    takes queue->lock.
 */
void
blkstat_end(const struct bio *b)
{
	struct bdev *d = b->dev;
	uint64_t now = md_time_ns();
	uint64_t flags = spin_lock_irq(&d->queue->lock);

	one_ends(&d->stat, b, now);
	if (d->disk != d)
		one_ends(&d->disk->stat, b, now);
	spin_unlock_irq(&d->queue->lock, flags);
}

static void
line_show(struct out *out, const struct bdev *d, const struct blk_stat *s)
{
	const uint64_t *ns = s->ns;
	unsigned dir;

	out_printf(out, "%4u %7u %s", d->major, d->minor, d->name);
	for (dir = BIO_READ; dir <= BIO_WRITE; dir++)
		out_printf(out, " %lu 0 %lu %lu", s->ios[dir], s->sectors[dir],
		    ns[dir] / NS_PER_MS);
	out_printf(out, " %u %lu %lu", s->flying, s->busy_ns / NS_PER_MS,
	    (ns[BIO_READ] + ns[BIO_WRITE] + ns[BIO_FLUSH]) / NS_PER_MS);
	/* No discards; flushes. */
	out_printf(out, " 0 0 0 0 %lu %lu\n", s->ios[BIO_FLUSH],
	    ns[BIO_FLUSH] / NS_PER_MS);
}

static void
one_show(void *arg, struct bdev *d)
{
	uint64_t flags = spin_lock_irq(&d->queue->lock);
	struct blk_stat s = d->stat;

	if (s.flying != 0)
		s.busy_ns += md_time_ns() - s.busy_since;
	spin_unlock_irq(&d->queue->lock, flags);
	line_show(arg, d, &s);
}

/*
 * Text of /proc/diskstats, in Linux's 20 columns.
 *
 * Locks:    none held.
 */
void
diskstats_show(struct out *out)
{
	blk_walk(one_show, out);
}
