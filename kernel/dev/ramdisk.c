/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramdisk.c: disks that are memory (boot words ramdisk=, rootdisk=)
 *
 * Problem   An emulated disk ends a request at a time that depends on the host, so
 *           every later count differs from run to run.  A graded test that swaps
 *           or reads files needs disks whose requests take no time at all.
 *
 * Picture   ramdisk=SIZE ─→ boot_take() ─→ "rama": an empty swap area
 *           rootdisk=SIZE rootdisk_at=ADDRESS ─→ "ramb": what the emulator has
 *             loaded there, for root=ramb
 *           a request ─→ ram_start ─→ swap_rd_op … root_wr_op: copies, and has
 *           finished
 *           rootdisk_ns=TIME: start ─→ timer ─→ blk_kick ─→ slow_poll: the same,
 *           and other threads that want the page wait meanwhile
 *
 * Rules     1. The memory is cut off before the frames are counted: for 64 MiB of
 *              memory and 32 MiB of swap the machine needs 96.
 *           2. Each request is one call of one of four functions, by disk and
 *              direction, and each page of swap is copied by ram_copy(): the
 *              observer outside counts their executions.
 *           3. With rootdisk_ns= the time is the machine's, and requests go one at
 *              a time: if time is counted in instructions, all runs are the same.
 *
 * Read next dev/blk.c, vm/swap/swaparea.c.
 */
#include "dev/blkfn.h"

#include "boot/boot.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "mem/page.h"

#define MAJOR_RAM 1u
#define SIGNATURE "SWAPSPACE2"
#define SIGNATURE_AT (PAGE_SIZE - 10)
#define OBSERVED __attribute__((noinline))

struct swap_signature {
	uint8_t boot[1024];
	uint32_t version, last_page, bad_pages;
};

struct ram_disk {
	size_t bytes;            /* [c] 0: none */
	uint8_t *base;           /* [c] */
	struct bdev dev;
	struct blk_queue queue;
	void (*read)(const struct bio *), (*write)(const struct bio *); /* [c] */
	uint64_t takes_ns;       /* [c] a request; 0: no time */
	uint64_t ends_ns;        /* iod: the one in flight */
	struct timer end;
};

static void swap_rd_op(const struct bio *);
static void swap_wr_op(const struct bio *);
static void root_rd_op(const struct bio *);
static void root_wr_op(const struct bio *);
static int ram_start(struct blk_queue *, struct bio *);
static void ram_now(struct blk_queue *, const struct bio *);
static void ram_poll(struct blk_queue *);
static int slow_start(struct blk_queue *, struct bio *);
static void slow_poll(struct blk_queue *);
static void slow_ends(void *);

static struct ram_disk swap = { .read = swap_rd_op, .write = swap_wr_op };
static struct ram_disk root = { .read = root_rd_op, .write = root_wr_op };
static const struct blk_ops ram_ops = { .start = ram_start, .now = ram_now,
	.poll = ram_poll, .reset = ram_poll };
static const struct blk_ops slow_ops = { .start = slow_start, .poll = slow_poll,
	.reset = ram_poll };

/*
 * Cut the memory off.
 *
 * Locks:    none; before phys_init().
 */
void
ramdisk_take(void)
{
	root.bytes = PAGE_UP(option_u64("rootdisk"));
	if (root.bytes != 0)
		root.base = pa2va(boot_take_at(option_u64("rootdisk_at"),
		    root.bytes));
	swap.bytes = PAGE_UP(option_u64("ramdisk"));
	if (swap.bytes != 0)
		swap.base = pa2va(boot_take(swap.bytes));
}

static void
format(void)
{
	struct swap_signature *h = (void *)swap.base;

	memset(swap.base, 0, PAGE_SIZE);
	h->version = 1;
	h->last_page = (uint32_t)(swap.bytes / PAGE_SIZE - 1);
	memcpy(swap.base + SIGNATURE_AT, SIGNATURE, sizeof(SIGNATURE) - 1);
}

static void
disk_add(struct ram_disk *d, unsigned index)
{
	d->dev.sectors = d->bytes / SECTOR_SIZE;
	d->dev.queue = &d->queue;
	timer_init(&d->end, slow_ends, NULL);
	if (!blk_queue_add(&d->queue, d->takes_ns != 0 ? &slow_ops : &ram_ops, d, 1))
		panic("ramdisk: too many disks");
	bdev_add_disk(&d->dev, "ram", MAJOR_RAM, index);
}

/*
 * Make the disks known.
 *
 * Context:  boot, after blk_init().
 */
void
ramdisk_init(void)
{
	if (swap.bytes != 0) {
		format();
		disk_add(&swap, 0);
	}
	root.takes_ns = option_u64("rootdisk_ns");
	if (root.bytes != 0)
		disk_add(&root, 1);
}

/*
 * What stands on the swap disk, for the tests that compare it with memory.
 *
 * Locks:    none.
 * Returns:  its first byte; NULL: there is no such disk.
 */
const uint8_t *
ramdisk_swap(void)
{
	return swap.base;
}

/* ---- requests ---- */

static OBSERVED void
ram_copy(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
}

static void
file_copy(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
}

/* All pages of a request, from the disk or to it. */
static void
ram_move(const struct ram_disk *d, const struct bio *b,
    void (*copy)(void *, const void *, size_t))
{
	uint8_t *at = d->base + b->lba * SECTOR_SIZE, *mem;
	unsigned i;

	for (i = 0; i < b->nvecs; i++) {
		mem = (uint8_t *)pa2va(page_pa(b->vec[i].page)) +
		    b->vec[i].offset;
		if (b->dir == BIO_READ)
			copy(mem, at, b->vec[i].bytes);
		else
			copy(at, mem, b->vec[i].bytes);
		at += b->vec[i].bytes;
	}
}

/* The same work under four names (rule 2): no two of one body, or they were one. */
static OBSERVED void
swap_rd_op(const struct bio *b)
{
	ASSERT(b->dir == BIO_READ);
	ram_move(&swap, b, ram_copy);
}

static OBSERVED void
swap_wr_op(const struct bio *b)
{
	ASSERT(b->dir == BIO_WRITE);
	ram_move(&swap, b, ram_copy);
}

static OBSERVED void
root_rd_op(const struct bio *b)
{
	ASSERT(b->dir == BIO_READ);
	ram_move(&root, b, file_copy);
}

static OBSERVED void
root_wr_op(const struct bio *b)
{
	ASSERT(b->dir == BIO_WRITE);
	ram_move(&root, b, file_copy);
}

static void
ram_now(struct blk_queue *q, const struct bio *b)
{
	const struct ram_disk *d = q->drv;

	if (b->dir == BIO_READ)
		d->read(b);
	else if (b->dir == BIO_WRITE)
		d->write(b);
}

static int
ram_start(struct blk_queue *q, struct bio *b)
{
	ram_now(q, b);
	blk_finish(b, 0);
	return 0;
}

/* Nothing is ever in flight. */
static void
ram_poll(struct blk_queue *q)
{
}

/* ---- … that take time: rule 3 ---- */

/* Context:  timer interrupt. */
static void
slow_ends(void *unused)
{
	blk_kick();
}

static int
slow_start(struct blk_queue *q, struct bio *b)
{
	struct ram_disk *d = q->drv;

	d->ends_ns = md_time_ns() + d->takes_ns;
	timer_arm(&d->end, d->ends_ns);
	return 0;
}

static void
slow_poll(struct blk_queue *q)
{
	const struct ram_disk *d = q->drv;
	struct bio *b;

	if (list_is_empty(&q->active) || md_time_ns() < d->ends_ns)
		return;
	b = LIST_ENTRY(list_first(&q->active), struct bio, node);
	ram_now(q, b);
	blk_finish(b, 0);
}
