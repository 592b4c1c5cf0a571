/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ata_pio.c: moving a disk's words by the processor
 *
 * Problem   IDENTIFY data are read this way from every disk, and all data if
 *           there is no bus master, or if DMA failed.
 *
 * Picture   read:   command → [DRQ, interrupt → 256 words in] per sector
 *           write:  command → DRQ → 256 words out → [DRQ, interrupt → 256
 *                   words out] …, and an interrupt when all is written
 *
 * Rules     1. The status decides, not the number of interrupts: each poll moves
 *              sectors as long as the disk is ready.
 *           2. The next sector goes to byte at of page vec of the bio.
 *
 * Read next dev/ata.c.
 */
#include "dev/ata.h"
#include "lib/string.h"

#define WORDS (SECTOR_SIZE / 2)
#define CMD_IDENTIFY 0xec

/* Words of IDENTIFY, and bits in them (ATA/ATAPI-6, 8.15). */
enum { ID_CAPABLE = 49, ID_SECTORS28 = 60, ID_COMMANDS = 83, ID_SECTORS48 = 100 };
#define CAPABLE_DMA BIT(8)
#define CAPABLE_LBA BIT(9)
#define COMMANDS_LBA48 BIT(10)
#define COMMANDS_FLUSH BIT(12)

static void move_sector(struct ata_channel *);
static void take_identity(struct ata_drive *, const uint16_t *words);

/*
 * The command is out.  The first sector of a write is asked for without an
 * interrupt.  May end the bio.
 *
 * Context:  iod.
 */
void
ata_pio_start(struct ata_channel *c)
{
	c->vec = c->at = 0;
	if (c->bio->dir == BIO_WRITE && ata_wait(c, ST_BSY, 0, 100 * MS))
		ata_pio_poll(c); /* DRQ: the first sector; or an error */
}

/* Context:  iod, after an interrupt or for nothing. */
void
ata_pio_poll(struct ata_channel *c)
{
	bool is_read = c->bio->dir == BIO_READ;
	uint8_t st;

	for (;;) {
		st = md_in8(c->io + ATA_STATUS);
		if ((st & ST_BSY) != 0)
			return; /* its interrupt will come */
		if ((st & (ST_ERR | ST_DF)) != 0) {
			ata_fail(c, st);
			return;
		}
		if (c->vec == c->bio->nvecs) {
			ata_end(c, 0);
			return;
		}
		if ((st & ST_DRQ) == 0)
			return;
		move_sector(c);
		if (is_read && c->vec == c->bio->nvecs) {
			ata_end(c, 0);
			return;
		}
		(void)ata_wait(c, 0, 0, 0);
	}
}

/* Rule 2. */
static void
move_sector(struct ata_channel *c)
{
	const struct bio_vec *v = &c->bio->vec[c->vec];
	char *p = (char *)pa2va(page_pa(v->page)) + v->offset + c->at;

	if (c->bio->dir == BIO_READ)
		md_ins16(c->io + ATA_DATA, p, WORDS);
	else
		md_outs16(c->io + ATA_DATA, p, WORDS);
	c->at += SECTOR_SIZE;
	if (c->at == v->bytes) {
		c->at = 0;
		c->vec++;
	}
}

/*
 * IDENTIFY a drive; interrupts of the channel are off.
 *
 * Context:  boot.
 * Returns:  is it a disk that we can use?
 */
bool
ata_identify(struct ata_drive *d)
{
	struct ata_channel *c = d->chan;
	uint16_t words[WORDS];
	unsigned reg;

	md_out8(c->io + ATA_DRIVE, d->select);
	if (!ata_wait(c, ST_BSY, 0, 1000 * MS))
		return false;
	for (reg = ATA_COUNT; reg <= ATA_LBA2; reg++)
		md_out8((uint16_t)(c->io + reg), 0);
	md_out8(c->io + ATA_COMMAND, CMD_IDENTIFY);
	if (ata_wait(c, 0xff, 0, 0) || !ata_wait(c, ST_BSY, 0, 1000 * MS))
		return false;
	/* A CD drive refuses and shows its signature. */
	if (md_in8(c->io + ATA_LBA1) != 0 || md_in8(c->io + ATA_LBA2) != 0)
		return false;
	if (!ata_wait(c, ST_DRQ | ST_ERR, ST_DRQ, 100 * MS))
		return false;
	md_ins16(c->io + ATA_DATA, words, WORDS);
	(void)md_in8(c->io + ATA_STATUS);
	take_identity(d, words);
	return d->dev.sectors > 0;
}

/* Disks so old that they know only cylinders and heads have no sectors here. */
static void
take_identity(struct ata_drive *d, const uint16_t *words)
{
	uint64_t sectors = 0;

	d->dma = (words[ID_CAPABLE] & CAPABLE_DMA) != 0;
	d->lba48 = (words[ID_COMMANDS] & COMMANDS_LBA48) != 0;
	d->cache = (words[ID_COMMANDS] & COMMANDS_FLUSH) != 0;
	if (d->lba48)
		memcpy(&sectors, &words[ID_SECTORS48], 4 * sizeof(*words));
	else if ((words[ID_CAPABLE] & CAPABLE_LBA) != 0)
		memcpy(&sectors, &words[ID_SECTORS28], 2 * sizeof(*words));
	d->dev.sectors = sectors;
}
