/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk.c: the paravirtual disk of a host
 *
 * Problem   A virtual machine need not imitate a cable: a ring in shared
 *           memory carries many requests at once, one port access each.
 *
 * Picture   per request (slot s) a chain of rows in the ring's table:
 *             header{type, sector} → page … page → status byte
 *           avail ring: first rows of new chains   ─→ host
 *           used ring:  first rows of ended chains ←─ host, interrupt
 *
 * Rules     1. Legacy interface (virtio 0.9.5): registers in I/O BAR 0, the
 *              ring in adjacent frames, its size chosen by the host.
 *           2. Slot s has the rows s * ROWS …; a row's links never change.
 *           3. All runs in iod but the interrupt handler, which reads each
 *              device's ISR (that ends the interrupt) and wakes iod.
 *
 * Read next dev/blk.c.
 */
#include "dev/blkfn.h"
#include "dev/pci.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MAX_DISKS 16u
#define MAX_SLOTS 14u            /* of a ring of 256 */
#define ROWS (BIO_PAGES + 2)
#define MAJOR_VD 254u
#define VENDOR_VIRTIO 0x1af4
#define DEVICE_LEGACY_BLK 0x1001

enum { REG_HOST_FEATURES = 0, REG_FEATURES = 4, REG_QUEUE_PFN = 8,
	REG_QUEUE_SIZE = 12, REG_QUEUE_SELECT = 14, REG_NOTIFY = 16,
	REG_STATUS = 18, REG_ISR = 19, REG_CAPACITY = 20, REG_SIZE_MAX = 28,
	REG_SEG_MAX = 32 };
enum { STATUS_SEEN = 1, STATUS_DRIVER = 2, STATUS_OK = 4, STATUS_FAILED = 128 };
enum { F_SIZE_MAX = 1 << 1, F_SEG_MAX = 1 << 2, F_RO = 1 << 5,
	F_FLUSH = 1 << 9 };
enum { ROW_NEXT = 1, ROW_WRITE = 2 };
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };

struct vring_row {
	uint64_t pa;
	uint32_t bytes;
	uint16_t flags, next;
};

struct vring_avail {
	uint16_t flags, idx;
	uint16_t ring[];
};

struct vring_used {
	uint16_t flags, idx;
	struct {
		uint32_t row, bytes;
	} ring[];
};

/* What the host reads of a request beside the pages, and what it answers. */
struct slot {
	uint32_t type, priority;
	uint64_t sector;
	uint8_t status;
	struct bio *bio;          /* iod; NULL: free */
};

struct virtio_disk {
	struct bdev dev;          /* [c] */
	struct blk_queue queue;
	uint16_t io;              /* [c] */
	uint32_t features;        /* [c] that both know */
	unsigned size, nslots;    /* [c] rows of the ring */
	struct vm_page *frames;   /* [c] the ring's */
	struct vring_row *row;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t seen;            /* iod: used.idx worked off */
	struct slot *slot;        /* in a page: rows need physical addresses */
};

static struct {
	struct virtio_disk *disk[MAX_DISKS]; /* [A] set before its interrupt */
	_Atomic unsigned n;
	uint32_t routed;          /* [c] bit per interrupt that has our handler */
} virtio;

static void virtio_found(const struct pci_dev *);
static bool set_up(struct virtio_disk *);
static bool make_ring(struct virtio_disk *);
static void go(struct virtio_disk *);
static void virtio_interrupt(void *);
static int virtio_start(struct blk_queue *, struct bio *);
static unsigned fill(struct virtio_disk *, unsigned s, const struct bio *);
static void virtio_poll(struct blk_queue *);
static void end(struct virtio_disk *, struct slot *);
static void virtio_reset(struct blk_queue *);

static const struct blk_ops virtio_ops = { .start = virtio_start,
	.poll = virtio_poll, .reset = virtio_reset };

/* ---- finding disks ---- */

/*
 * Context:  boot, after pci_init() and blk_init().
 */
void
virtio_blk_init(void)
{
	pci_walk(virtio_found);
}

/* A disk of the legacy interface: make it known, if it can be set up. */
static void
virtio_found(const struct pci_dev *p)
{
	unsigned n = atomic_load(&virtio.n);
	struct virtio_disk *d;

	if (p->vendor != VENDOR_VIRTIO || p->device != DEVICE_LEGACY_BLK)
		return;
	d = n < MAX_DISKS ? kmem_zalloc(sizeof(*d)) : NULL;
	if (d == NULL || p->io[0] == 0 || p->irq == 0)
		goto undo_alloc;
	pci_enable(p, PCI_IO | PCI_MASTER);
	d->io = p->io[0];
	if (!set_up(d)) {
		md_out8(d->io + REG_STATUS, STATUS_FAILED);
		goto undo_alloc;
	}
	virtio.disk[n] = d;
	atomic_store(&virtio.n, n + 1);
	if ((virtio.routed & 1u << p->irq) == 0)
		md_irq_route(p->irq, virtio_interrupt, NULL);
	virtio.routed |= 1u << p->irq;
	bdev_add_disk(&d->dev, "vd", MAJOR_VD, n);
	return;

undo_alloc:
	klog("virtio: disk in slot %u cannot be used", p->slot);
	kmem_free(d);
}

/* From features to a ring that works; false: not for us, nothing is kept. */
static bool
set_up(struct virtio_disk *d)
{
	uint32_t host = md_in32(d->io + REG_HOST_FEATURES);

	d->features = host & (F_SIZE_MAX | F_SEG_MAX | F_RO | F_FLUSH);
	d->dev.sectors = md_in32(d->io + REG_CAPACITY) |
	    (uint64_t)md_in32(d->io + REG_CAPACITY + 4) << 32;
	d->dev.readonly = (d->features & F_RO) != 0;
	d->dev.queue = &d->queue;
	d->dev.drv = d;
	if ((d->features & F_SIZE_MAX) != 0 &&
	    md_in32(d->io + REG_SIZE_MAX) < PAGE_SIZE)
		return false;
	if ((d->features & F_SEG_MAX) != 0 &&
	    md_in32(d->io + REG_SEG_MAX) < BIO_PAGES)
		return false;
	if (!make_ring(d))
		return false;
	go(d);
	if (blk_queue_add(&d->queue, &virtio_ops, d, d->nslots))
		return true;
	md_out8(d->io + REG_STATUS, 0);
	phys_free_run(d->frames, 2);
	return false;
}

/*
 * Rows, avail ring; on the next page the used ring; behind it our slots.  A
 * ring of 256, which is QEMU's, takes three pages of the run of four; a larger
 * one is refused.
 */
static bool
make_ring(struct virtio_disk *d)
{
	size_t used_at, slots_at;
	char *base;

	md_out8(d->io + REG_STATUS, 0);
	md_out16(d->io + REG_QUEUE_SELECT, 0);
	d->size = md_in16(d->io + REG_QUEUE_SIZE);
	used_at = PAGE_UP(16ul * d->size + 6 + 2ul * d->size);
	slots_at = PAGE_UP(used_at + 6 + 8ul * d->size);
	d->nslots = MIN(d->size / ROWS, MAX_SLOTS);
	if (d->nslots == 0 || slots_at >= 4 * PAGE_SIZE)
		return false;
	d->frames = phys_alloc_run(2);
	if (d->frames == NULL)
		return false;
	base = pa2va(page_pa(d->frames));
	memset(base, 0, 4 * PAGE_SIZE);
	d->row = (struct vring_row *)base;
	d->avail = (struct vring_avail *)(base + 16ul * d->size);
	d->used = (struct vring_used *)(base + used_at);
	d->slot = (struct slot *)(base + slots_at);
	return true;
}

/* Tell the device all; also after a reset, with a ring that is empty. */
static void
go(struct virtio_disk *d)
{
	d->avail->idx = 0;
	d->used->idx = 0;
	d->seen = 0;
	md_out8(d->io + REG_STATUS, STATUS_SEEN | STATUS_DRIVER);
	md_out32(d->io + REG_FEATURES, d->features);
	md_out16(d->io + REG_QUEUE_SELECT, 0);
	md_out32(d->io + REG_QUEUE_PFN, (uint32_t)page_pfn(d->frames));
	md_out8(d->io + REG_STATUS, STATUS_SEEN | STATUS_DRIVER | STATUS_OK);
}

/* Level, perhaps shared between disks: each that asks is answered. */
static void
virtio_interrupt(void *unused)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < atomic_load(&virtio.n); i++)
		any |= md_in8(virtio.disk[i]->io + REG_ISR) != 0;
	if (any)
		blk_kick();
}

/* ---- a request ---- */

static int
virtio_start(struct blk_queue *q, struct bio *b)
{
	struct virtio_disk *d = q->drv;
	unsigned s = 0, first;
	uint16_t idx = d->avail->idx;

	if (b->dir == BIO_FLUSH && (d->features & F_FLUSH) == 0) {
		blk_finish(b, 0); /* the host has no cache */
		return 0;
	}
	while (d->slot[s].bio != NULL)
		s++;
	ASSERT(s < d->nslots);
	d->slot[s].bio = b;
	first = fill(d, s, b);
	d->avail->ring[idx % d->size] = (uint16_t)first;
	atomic_store(&d->avail->idx, (uint16_t)(idx + 1));
	md_out16(d->io + REG_NOTIFY, 0);
	return 0;
}

static void
set_row(struct vring_row *r, pa_t pa, size_t bytes, unsigned flags)
{
	r->pa = pa;
	r->bytes = (uint32_t)bytes;
	r->flags = (uint16_t)flags;
}

/* The chain of slot s; returns its first row. */
static unsigned
fill(struct virtio_disk *d, unsigned s, const struct bio *b)
{
	static const uint32_t type[] = { [BIO_READ] = TYPE_IN,
		[BIO_WRITE] = TYPE_OUT, [BIO_FLUSH] = TYPE_FLUSH };
	struct slot *slot = &d->slot[s];
	struct vring_row *r = &d->row[s * ROWS];
	unsigned i, to_us = b->dir == BIO_READ ? ROW_WRITE : 0;

	slot->type = type[b->dir];
	slot->priority = 0;
	slot->sector = b->dir == BIO_FLUSH ? 0 : b->lba;
	slot->status = 0xff;
	for (i = 0; i < b->nvecs + 2; i++)
		r[i].next = (uint16_t)(s * ROWS + i + 1);
	set_row(r++, va2pa(&slot->type), 16, ROW_NEXT);
	for (i = 0; i < b->nvecs; i++)
		set_row(r++, page_pa(b->vec[i].page) + b->vec[i].offset,
		    b->vec[i].bytes, ROW_NEXT | to_us);
	set_row(r, va2pa(&slot->status), 1, ROW_WRITE);
	return s * ROWS;
}

/* ---- its end ---- */

static void
virtio_poll(struct blk_queue *q)
{
	struct virtio_disk *d = q->drv;
	unsigned s;

	while (d->seen != atomic_load(&d->used->idx)) {
		s = d->used->ring[d->seen++ % d->size].row / ROWS;
		if (s < d->nslots && d->slot[s].bio != NULL)
			end(d, &d->slot[s]);
		else
			klog("%s: a request ended that is not there",
			    d->dev.name);
	}
}

static void
end(struct virtio_disk *d, struct slot *slot)
{
	struct bio *b = slot->bio;
	uint8_t status = atomic_load(&slot->status);

	slot->bio = NULL;
	if (status != 0)
		klog("%s: status %u", d->dev.name, status);
	blk_finish(b, status == 0 ? 0 : -EIO);
}

/* The device forgets the ring and all in it. */
static void
virtio_reset(struct blk_queue *q)
{
	struct virtio_disk *d = q->drv;
	unsigned s;

	md_out8(d->io + REG_STATUS, 0);
	for (s = 0; s < d->nslots; s++)
		d->slot[s].bio = NULL;
	go(d);
}
