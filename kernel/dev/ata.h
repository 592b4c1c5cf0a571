/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ata.h: a cable with up to two disks, shared by ata.c and ata_pio.c
 */
#ifndef DEV_ATA_H
#define DEV_ATA_H

#include "dev/blkfn.h"
#include "mem/page.h"

/* Registers behind the port of a channel. */
enum { ATA_DATA = 0, ATA_ERROR = 1, ATA_COUNT = 2, ATA_LBA0 = 3, ATA_LBA1 = 4,
	ATA_LBA2 = 5, ATA_DRIVE = 6, ATA_STATUS = 7, ATA_COMMAND = 7 };

#define MS 1000000ul              /* ns */

enum { ST_ERR = 0x01, ST_DRQ = 0x08, ST_DF = 0x20, ST_DRDY = 0x40,
	ST_BSY = 0x80 };

enum { CTL_NOIRQ = 2, CTL_RESET = 4 };

#define DRIVE_LBA 0xe0            /* of ATA_DRIVE: sectors are numbers; slave: | 0x10 */

/* How the bytes of the request in flight move. */
enum ata_mode { ATA_NODATA, ATA_DMA, ATA_PIO };

/* A row of the table that a bus master reads. */
struct ata_prd {
	uint32_t pa;
	uint16_t bytes;           /* 0: 64 KiB */
	uint16_t flags;
};

/* [c] after ata_init() */
struct ata_drive {
	struct bdev dev;
	struct ata_channel *chan;
	uint8_t select;           /* bits of ATA_DRIVE */
	bool lba48, dma, cache;   /* of IDENTIFY; cache: knows FLUSH */
};

struct ata_channel {
	uint16_t io, ctl;         /* [c] */
	uint16_t bm;              /* [c] bus master, 0: none */
	unsigned irq;             /* [c] */
	struct ata_prd *prd;      /* [c] below 4 GiB */
	uint32_t prd_pa;          /* [c] */
	struct ata_drive drive[2]; /* [c] master, slave */
	struct blk_queue queue;
	/* the rest is iod's */
	struct bio *bio;          /* in flight, or NULL */
	enum ata_mode mode;
	unsigned vec, at;         /* PIO: where the next sector goes */
	unsigned dma_failures;
};

/* ata.c */
bool ata_wait(struct ata_channel *, uint8_t mask, uint8_t want, uint64_t ns);
void ata_end(struct ata_channel *, int status);
void ata_fail(struct ata_channel *, uint8_t status);

/* ata_pio.c */
void ata_pio_start(struct ata_channel *);
void ata_pio_poll(struct ata_channel *);
bool ata_identify(struct ata_drive *);

#endif
