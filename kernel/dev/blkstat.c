/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkstat.c: counters of each disk and partition: /proc/diskstats
 *
 * Problem   iostat, vmstat -d and top want to know how many requests a disk has
 *           had, how much they moved, how long they took, and for how long
 *           the disk was not idle.
 *
 * Picture   blk.c counts: ios, sectors, time ─→ struct blk_stat ─→ a line each
 *
 * Rules     1. The lock of the queue guards all counters: blk.c holds it anyway.
 *           2. Nothing is merged after submission: those columns are 0.
 *
 * Read next blk.c.
 */
#include "dev/blkfn.h"

#define NS_PER_MS 1000000ul

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
