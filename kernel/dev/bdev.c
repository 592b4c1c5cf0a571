/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bdev.c: disks and partitions by name, and the simple ways to use them
 *
 * Problem   A file system asks for "sda1", a path in /dev has a number, and
 *           many callers want to read some bytes and wait for them.
 *
 * Picture   bdev sda ── start 0,  all sectors      ─┐
 *           bdev sda1 ─ start 63, its sectors ──────┴→ one blk_queue
 *
 * Rules     1. Devices are added at boot and never go away, so the list may be
 *              walked without its lock.
 *           2. A partition lies within its disk: a request within the
 *              partition (blk.c checks) is within the disk.
 *           3. Waiters for a bio share some wait queues that are never freed:
 *              the bio may be gone when its waker looks for waiters.
 *
 * Read next dev/blk.c, dev/part.c.
 */
#include "dev/blkfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define NWAITQS 16u

static struct {
	struct spinlock lock;    /* additions to devs */
	struct list devs;
	struct waitq waits[NWAITQS];  /* rule 3: by address of the bio */
} bdevs = {
	.lock = SPIN_INIT(LR_DEV),
	.devs = LIST_INIT(bdevs.devs),
};

static void add(struct bdev *);
static struct waitq *waitq_of(const struct bio *);
static void wake_submitter(struct bio *);
static ssize_t rw_piece(struct bio *, uint64_t off, void *buf, size_t n);

/* ---- the list ---- */

/*
 * Locks:    none held.
 * Context:  boot.
 */
void
bdev_add_disk(struct bdev *d, const char *prefix, uint32_t major,
    unsigned index)
{
	snprintf(d->name, sizeof(d->name), "%s%c", prefix, 'a' + (int)index);
	d->major = major;
	d->minor = index * BLK_MINORS;
	d->disk = d;
	d->start = 0;
	add(d);
	klog("%s: %lu MiB%s", d->name, d->sectors / 2048,
	    d->readonly ? ", read-only" : "");
}

bool
bdev_add_part(struct bdev *disk, unsigned nr, uint64_t start,
    uint64_t sectors)
{
	struct bdev *d;

	if (nr == 0 || nr >= BLK_MINORS || sectors == 0 ||
	    start >= disk->sectors || sectors > disk->sectors - start)
		return false;
	d = kmem_zalloc(sizeof(*d));
	if (d == NULL)
		return false;
	snprintf(d->name, sizeof(d->name), "%s%u", disk->name, nr);
	d->major = disk->major;
	d->minor = disk->minor + nr;
	d->sectors = sectors;
	d->start = start;
	d->disk = disk;
	d->queue = disk->queue;
	d->drv = disk->drv;
	d->readonly = disk->readonly;
	add(d);
	klog("%s: %lu MiB at sector %lu", d->name, sectors / 2048, start);
	return true;
}

static void
add(struct bdev *d)
{
	uint64_t flags = spin_lock_irq(&bdevs.lock);

	list_push_back(&bdevs.devs, &d->all);
	spin_unlock_irq(&bdevs.lock, flags);
}

struct bdev *
blk_find(const char *name)
{
	struct bdev *d;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	LIST_FOREACH(d, &bdevs.devs, all) {
		if (strcmp(d->name, name) == 0)
			return d;
	}
	return NULL;
}

struct bdev *
blk_find_number(uint32_t major, uint32_t minor)
{
	struct bdev *d;

	LIST_FOREACH(d, &bdevs.devs, all) {
		if (d->major == major && d->minor == minor)
			return d;
	}
	return NULL;
}

void
blk_walk(void (*fn)(void *arg, struct bdev *), void *arg)
{
	struct bdev *d;

	LIST_FOREACH(d, &bdevs.devs, all)
		fn(arg, d);
}

/* ---- waiting for it ---- */

static struct waitq *
waitq_of(const struct bio *b)
{
	return &bdevs.waits[((uintptr_t)b >> 6) % NWAITQS];
}

/*
 * Context:  thread, sleeps; no lock of rank >= 3 (R1).
 */
int
blk_submit_wait(struct bio *b)
{
	_Atomic bool over = false;
	struct waiter w;

	b->done = wake_submitter;
	b->arg = (void *)&over;
	blk_submit(b);
	while (!atomic_load(&over)) { /* no wait_until(), which queues once more to look */
		wait_prepare(waitq_of(b), &w);
		if (!atomic_load(&over))
			(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
	return b->status;
}

/* In iod.  Once over is set, bio and flag may be gone: rule 3. */
static void
wake_submitter(struct bio *b)
{
	struct waitq *q = waitq_of(b);
	_Atomic bool *over = b->arg;

	atomic_store(over, true);
	wake_all(q);
}

int
blk_flush(struct bdev *d)
{
	struct bio b;

	bio_init(&b, d, 0, BIO_FLUSH);
	return blk_submit_wait(&b);
}

/* ---- bytes ---- */

ssize_t
blk_rw_bytes(struct bdev *d, uint64_t off, void *buf, size_t n,
    enum bio_dir dir)
{
	uint64_t end = d->sectors * SECTOR_SIZE;
	struct vm_page *page;
	struct bio b;
	size_t did = 0;
	ssize_t r = 0;

	if (off >= end)
		return 0;
	n = MIN(n, end - off);
	page = phys_alloc(PHYS_KERNEL, PHYS_ANY);
	if (page == NULL)
		return -ENOMEM;
	bio_init(&b, d, 0, dir);
	b.vec[0].page = page;
	while (did < n && r >= 0) {
		r = rw_piece(&b, off + did, (char *)buf + did, n - did);
		did += r > 0 ? (size_t)r : 0;
	}
	phys_free(page);
	return did > 0 || n == 0 ? (ssize_t)did : r;
}

/* As much as a page holds, from the sector in which off lies. */
static ssize_t
rw_piece(struct bio *b, uint64_t off, void *buf, size_t n)
{
	unsigned skip = off % SECTOR_SIZE;
	char *at = (char *)pa2va(page_pa(b->vec[0].page)) + skip;
	int r;

	n = MIN(n, PAGE_SIZE - skip);
	b->sector = off / SECTOR_SIZE;
	b->nvecs = 0;
	bio_add(b, b->vec[0].page, 0,
	    (unsigned)(skip + n + SECTOR_SIZE - 1) & ~(SECTOR_SIZE - 1));
	if (b->dir == BIO_WRITE) {
		ASSERT(skip == 0 && n % SECTOR_SIZE == 0);
		memcpy(at, buf, n);
	}
	r = blk_submit_wait(b);
	if (r == 0 && b->dir == BIO_READ)
		memcpy(buf, at, n);
	return r != 0 ? r : (ssize_t)n;
}

/*
 * The wait queues, before the first bio.
 *
 * Context:  boot.
 */
void
bdev_init(void)
{
	unsigned i;

	for (i = 0; i < NWAITQS; i++)
		waitq_init(&bdevs.waits[i]);
}
