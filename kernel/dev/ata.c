/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ata.c: disks on an IDE cable (PIIX3, PIIX4 and their like)
 *
 * Problem   Two cables with two disks each; a cable carries one request at a
 *           time.  The controller can move the data by itself.
 *
 * Picture   start: registers ← sector, count      disk ─ INTRQ ─→ irq 14, 15
 *                  prd[] ← pages of the bio        │
 *                  command, go            ─────────┘ bus master: disk ⇄ pages
 *           poll:  bus master done? status? ─→ blk_finish
 *
 * Rules     1. All runs in iod but the interrupt handler, which reads the
 *              status (that ends the interrupt) and wakes iod.
 *           2. No bus master, no DMA in the disk, a page above 4 GiB, or a
 *              DMA that timed out: the processor moves the words (ata_pio.c).
 *           3. An error that the disk reports is -EIO.  The request is not tried
 *              again: the disk has done that.
 *
 * Read next dev/ata_pio.c, dev/blk.c.
 */
#include "dev/ata.h"
#include "dev/pci.h"

#define MAX_CHANNELS 4u
#define MAX_DMA_FAILURES 3u
#define MAJOR_SD 8u
#define LBA28_END (1ul << 28)
#define NO_PORT 0xff              /* status of a channel that is not there */
#define RESET_NS (10 * MS)        /* for so long the reset is held */
#define RESET_LIMIT_NS (2000 * MS) /* then a disk may turn up, or not */

enum { PCI_STORAGE = 1, PCI_IDE = 1 }; /* class and subclass */
enum { IDE_BUS_MASTER = 0x80, IDE_NATIVE = 1 }; /* prog_if; NATIVE << 2: of channel 1 */
enum { IO_1 = 0x1f0, CTL_1 = 0x3f6, IRQ_1 = 14, IO_2 = 0x170, CTL_2 = 0x376, IRQ_2 = 15 };

enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_BYTES = 8 }; /* of a channel */
enum { BM_GO = 1, BM_TO_MEMORY = 8 };
enum { BMST_ERROR = 2, BMST_IRQ = 4 };
#define PRD_LAST 0x8000u

enum { CMD_READ = 0x20, CMD_READ_EXT = 0x24, CMD_WRITE = 0x30,
	CMD_WRITE_EXT = 0x34, CMD_READ_DMA = 0xc8, CMD_READ_DMA_EXT = 0x25,
	CMD_WRITE_DMA = 0xca, CMD_WRITE_DMA_EXT = 0x35, CMD_FLUSH = 0xe7,
	CMD_FLUSH_EXT = 0xea };

static struct {
	struct ata_channel chan[MAX_CHANNELS]; /* [c] but what ata.h says */
	unsigned nchans, ndisks;
} ata;

/* In the image, hence below 4 GiB; aligned, so no row crosses 64 KiB. */
static struct ata_prd prds[MAX_CHANNELS][BIO_PAGES]
    __attribute__((aligned(128)));

static void ata_found(const struct pci_dev *);
static void add_channel(uint16_t io, uint16_t ctl, uint16_t bm, unsigned irq);
static void ata_interrupt(void *);
static int ata_start(struct blk_queue *, struct bio *);
static bool select_drive(struct ata_channel *, const struct ata_drive *);
static bool can_dma(const struct ata_channel *, const struct ata_drive *,
    const struct bio *);
static uint8_t command(const struct bio *, enum ata_mode, bool is_wide);
static void send(struct ata_channel *, const struct ata_drive *);
static void dma_prepare(struct ata_channel *);
static void ata_poll(struct blk_queue *);
static void dma_poll(struct ata_channel *);
static void ata_reset(struct blk_queue *);

static const struct blk_ops ata_ops = { .start = ata_start,
	.poll = ata_poll, .reset = ata_reset };

/* ---- finding disks ---- */

/*
 * Find controllers, cables and disks.
 *
 * Context:  boot, after pci_init() and blk_init().
 */
void
ata_init(void)
{
	pci_walk(ata_found);
	if (ata.nchans > 0)
		return;
	add_channel(IO_1, CTL_1, 0, IRQ_1);
	add_channel(IO_2, CTL_2, 0, IRQ_2);
}

/* An IDE controller; each channel has its old ports or BARs. */
static void
ata_found(const struct pci_dev *d)
{
	static const uint16_t io[2] = { IO_1, IO_2 }, ctl[2] = { CTL_1, CTL_2 };
	unsigned i;
	uint16_t bm;

	if (d->class != PCI_STORAGE || d->subclass != PCI_IDE)
		return;
	pci_enable(d, PCI_IO | PCI_MASTER);
	for (i = 0; i < 2; i++) {
		bm = (d->prog_if & IDE_BUS_MASTER) != 0 && d->io[4] != 0 ?
		    (uint16_t)(d->io[4] + BM_BYTES * i) : 0;
		if ((d->prog_if & IDE_NATIVE << 2 * i) == 0)
			add_channel(io[i], ctl[i], bm, IRQ_1 + i);
		else if (d->io[2 * i] != 0 && d->irq != 0)
			add_channel(d->io[2 * i], d->io[2 * i + 1] + 2, bm,
			    d->irq);
	}
}

static void
add_channel(uint16_t io, uint16_t ctl, uint16_t bm, unsigned irq)
{
	struct ata_channel *c = &ata.chan[ata.nchans];
	bool pio = option_is("ata", "pio");
	unsigned i, n = 0;

	if (ata.nchans == MAX_CHANNELS || md_in8(io + ATA_STATUS) == NO_PORT)
		return;
	c->io = io;
	c->ctl = ctl;
	c->bm = pio ? 0 : bm;
	c->irq = irq;
	c->prd = prds[ata.nchans];
	c->prd_pa = (uint32_t)((uint64_t)c->prd - MD_IMAGE_BASE);
	md_out8(ctl, CTL_NOIRQ);
	for (i = 0; i < 2; i++) {
		c->drive[i].chan = c;
		c->drive[i].select = (uint8_t)(DRIVE_LBA | i << 4);
		if (!ata_identify(&c->drive[i]))
			c->drive[i].dev.sectors = 0;
		else
			n++;
	}
	if (n == 0 || !blk_queue_add(&c->queue, &ata_ops, c, 1))
		return;
	ata.nchans++;
	md_irq_route(irq, ata_interrupt, c);
	md_out8(ctl, 0);
	for (i = 0; i < 2; i++) {
		struct bdev *d = &c->drive[i].dev;

		if (d->sectors == 0)
			continue;
		d->queue = &c->queue;
		d->drv = &c->drive[i];
		bdev_add_disk(d, "sd", MAJOR_SD, ata.ndisks++);
		klog("%s: %s, interrupt %u", d->name,
		    c->bm != 0 && c->drive[i].dma ? "DMA" : "PIO", irq);
	}
}

static void
ata_interrupt(void *arg)
{
	const struct ata_channel *c = arg;

	(void)md_in8(c->io + ATA_STATUS);
	blk_kick();
}

/* ---- a request ---- */

static int
ata_start(struct blk_queue *q, struct bio *b)
{
	struct ata_channel *c = q->drv;
	const struct ata_drive *d = b->dev->drv;

	if (!select_drive(c, d))
		return -EIO;
	c->bio = b;
	c->mode = b->dir == BIO_FLUSH ? ATA_NODATA :
	    can_dma(c, d, b) ? ATA_DMA : ATA_PIO;
	switch (c->mode) {
	case ATA_NODATA:
		if (!d->cache)
			ata_end(c, 0);
		else
			send(c, d);
		return 0;
	case ATA_DMA:
		dma_prepare(c);
		send(c, d);
		md_out8(c->bm + BM_COMMAND,
		    BM_GO | (b->dir == BIO_READ ? BM_TO_MEMORY : 0));
		return 0;
	case ATA_PIO:
		send(c, d);
		ata_pio_start(c);
		return 0;
	}
	panic("ata_start: mode %d", c->mode);
}

/* The status of this drive is seen 400 ns after it was selected. */
static bool
select_drive(struct ata_channel *c, const struct ata_drive *d)
{
	md_out8(c->io + ATA_DRIVE, d->select);
	return ata_wait(c, ST_BSY | ST_DRQ, 0, 100 * MS);
}

/* Rule 2. */
static bool
can_dma(const struct ata_channel *c, const struct ata_drive *d,
    const struct bio *b)
{
	unsigned i;

	if (c->bm == 0 || !d->dma || b->tries > 0 ||
	    c->dma_failures >= MAX_DMA_FAILURES)
		return false;
	for (i = 0; i < b->nvecs; i++) {
		if (page_pa(b->vec[i].page) >= 1ul << 32)
			return false;
	}
	return true;
}

static uint8_t
command(const struct bio *b, enum ata_mode mode, bool is_wide)
{
	static const uint8_t pio[2][2] = { { CMD_READ, CMD_READ_EXT },
		{ CMD_WRITE, CMD_WRITE_EXT } };
	static const uint8_t dma[2][2] = { { CMD_READ_DMA, CMD_READ_DMA_EXT },
		{ CMD_WRITE_DMA, CMD_WRITE_DMA_EXT } };

	if (b->dir == BIO_FLUSH)
		return is_wide ? CMD_FLUSH_EXT : CMD_FLUSH;
	return (mode == ATA_DMA ? dma : pio)[b->dir == BIO_WRITE][is_wide];
}

/* Where and how much, then the command.  Wide: each register takes two. */
static void
send(struct ata_channel *c, const struct ata_drive *d)
{
	const struct bio *b = c->bio;
	unsigned n = 0, i;
	uint64_t lba = b->lba;
	bool is_wide;

	for (i = 0; i < b->nvecs; i++)
		n += b->vec[i].bytes / SECTOR_SIZE;
	is_wide = d->lba48 && (lba + n > LBA28_END || b->dir == BIO_FLUSH);
	if (is_wide) {
		md_out8(c->io + ATA_COUNT, (uint8_t)(n >> 8));
		md_out8(c->io + ATA_LBA0, (uint8_t)(lba >> 24));
		md_out8(c->io + ATA_LBA1, (uint8_t)(lba >> 32));
		md_out8(c->io + ATA_LBA2, (uint8_t)(lba >> 40));
	}
	md_out8(c->io + ATA_COUNT, (uint8_t)n);
	md_out8(c->io + ATA_LBA0, (uint8_t)lba);
	md_out8(c->io + ATA_LBA1, (uint8_t)(lba >> 8));
	md_out8(c->io + ATA_LBA2, (uint8_t)(lba >> 16));
	md_out8(c->io + ATA_DRIVE,
	    (uint8_t)(d->select | (is_wide ? 0 : lba >> 24 & 15)));
	md_out8(c->io + ATA_COMMAND, command(b, c->mode, is_wide));
	(void)ata_wait(c, 0, 0, 0);
}

/* The table of pages; a row cannot cross 64 KiB, since no page does. */
static void
dma_prepare(struct ata_channel *c)
{
	const struct bio *b = c->bio;
	unsigned i;

	for (i = 0; i < b->nvecs; i++) {
		const struct bio_vec *v = &b->vec[i];

		c->prd[i] = (struct ata_prd){
			.pa = (uint32_t)page_pa(v->page) + v->offset,
			.bytes = v->bytes,
			.flags = i + 1 == b->nvecs ? PRD_LAST : 0 };
	}
	md_out8(c->bm + BM_COMMAND, b->dir == BIO_READ ? BM_TO_MEMORY : 0);
	md_out32(c->bm + BM_TABLE, c->prd_pa);
	md_out8(c->bm + BM_STATUS,
	    md_in8(c->bm + BM_STATUS) | BMST_ERROR | BMST_IRQ);
}

/* ---- its end ---- */

static void
ata_poll(struct blk_queue *q)
{
	struct ata_channel *c = q->drv;
	uint8_t st;

	if (c->bio == NULL)
		return;
	switch (c->mode) {
	case ATA_NODATA:
		st = md_in8(c->io + ATA_STATUS);
		if ((st & ST_BSY) != 0)
			return;
		if ((st & (ST_ERR | ST_DF)) != 0)
			ata_fail(c, st);
		else
			ata_end(c, 0);
		return;
	case ATA_DMA:
		dma_poll(c);
		return;
	case ATA_PIO:
		ata_pio_poll(c);
		return;
	}
}

static void
dma_poll(struct ata_channel *c)
{
	uint8_t bm = md_in8(c->bm + BM_STATUS), st;

	if ((bm & BMST_IRQ) == 0)
		return;
	st = md_in8(c->io + ATA_STATUS);
	if ((st & ST_BSY) != 0)
		return;
	md_out8(c->bm + BM_COMMAND, 0);
	md_out8(c->bm + BM_STATUS, bm | BMST_ERROR | BMST_IRQ);
	if ((st & (ST_ERR | ST_DF | ST_DRQ)) != 0) {
		ata_fail(c, st);
	} else if ((bm & BMST_ERROR) != 0) {
		/* Not the disk: the way between it and memory. */
		c->dma_failures++;
		ata_fail(c, st);
	} else {
		ata_end(c, 0);
	}
}

/* The request in flight has ended with 0 or -EIO.  Context: iod. */
void
ata_end(struct ata_channel *c, int status)
{
	struct bio *b = c->bio;

	c->bio = NULL;
	blk_finish(b, status);
}

/* It has failed; the disk's own words go to the log.  Context: iod. */
void
ata_fail(struct ata_channel *c, uint8_t status)
{
	klog("%s: status %02x error %02x", c->bio->dev->disk->name, status,
	    md_in8(c->io + ATA_ERROR));
	ata_end(c, -EIO);
}

/* Both drives of the cable forget what they were doing: blk_ops.reset.  Context: iod. */
static void
ata_reset(struct blk_queue *q)
{
	struct ata_channel *c = q->drv;
	uint64_t end;

	if (c->bio != NULL && c->mode == ATA_DMA &&
	    ++c->dma_failures == MAX_DMA_FAILURES)
		klog("ata: no more DMA on channel %x", c->io);
	c->bio = NULL;
	if (c->bm != 0)
		md_out8(c->bm + BM_COMMAND, 0);
	md_out8(c->ctl, CTL_RESET);
	(void)sleep_until(md_time_ns() + RESET_NS, WAIT_PLAIN);
	md_out8(c->ctl, 0);
	end = md_time_ns() + RESET_LIMIT_NS;
	do {
		(void)sleep_until(md_time_ns() + RESET_NS, WAIT_PLAIN);
		if (ata_wait(c, ST_BSY, 0, 0))
			return;
	} while (md_time_ns() < end);
	klog("ata: channel %x stays busy after a reset", c->io);
}

/*
 * Wait without sleeping until the status has the bits of mask as wanted.  The
 * first look is 400 ns away: four reads of a slow bus.
 *
 * Returns:  has it?
 */
bool
ata_wait(struct ata_channel *c, uint8_t mask, uint8_t want, uint64_t ns)
{
	uint64_t end = md_time_ns() + ns;
	unsigned i;
	uint8_t st = 0;

	for (i = 0; i < 4; i++)
		st = md_in8(c->ctl);
	while ((st & mask) != want && md_time_ns() < end) {
		md_pause();
		st = md_in8(c->ctl);
	}
	return (st & mask) == want;
}
