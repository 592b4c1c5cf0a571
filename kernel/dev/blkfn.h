/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfn.h: between the block layer, the drivers of disks and the bus
 *
 * Typical:  blk_submit → pending → iod: ops->start → active → interrupt:
 *           blk_kick → iod: ops->poll → blk_finish → done()
 */
#ifndef DEV_BLKFN_H
#define DEV_BLKFN_H

#include "dev/devfn.h"

/*
 * A driver, called by thread iod only (except now()): it needs no lock of its own.  It
 * may sleep for some ticks in reset, not elsewhere.
 */
struct blk_ops {
	/*
	 * Begin the bio; 0, or why it cannot be begun.  At lba; the bounds
	 * are checked, the pages are in the direct map.
	 */
	int (*start)(struct blk_queue *, struct bio *);
	/* NULL, or: all of the bio is moved at once, by any thread, beside others. */
	void (*now)(struct blk_queue *, const struct bio *);
	/* Look at the device and blk_finish() the bios that have ended. */
	void (*poll)(struct blk_queue *);
	/* No answer in time: forget all in flight, make the device usable. */
	void (*reset)(struct blk_queue *);
};

/* The requests of one driver, in order: for a disk, or for two on one cable. */
struct blk_queue {
	const struct blk_ops *ops; /* [c] */
	void *drv;                 /* [c] the driver's */
	unsigned depth;            /* [c] most in flight */
	struct spinlock lock;
	struct list pending;       /* [lock] */
	struct list active;        /* iod: in flight, oldest first */
	unsigned nactive;          /* iod */
};

/* blk.c */
void blk_init(void);
/* Make a queue that iod looks after; false: there are too many. */
bool blk_queue_add(struct blk_queue *, const struct blk_ops *, void *drv,
    unsigned depth);
/* A device wants attention.  In interrupts too. */
void blk_kick(void);
/* By a driver: the bio has ended with 0 or -EIO. */
void blk_finish(struct bio *, int status);

/* bdev.c */
void bdev_init(void);
#define BLK_MINORS 16u /* numbers of one disk: itself and 15 partitions */

/* Fill in name ("sda"), numbers and links of a disk; make it known. */
void bdev_add_disk(struct bdev *, const char *prefix, uint32_t major,
    unsigned index);
/* Partition nr of disk; false: outside of the disk, empty or no memory. */
bool bdev_add_part(struct bdev *disk, unsigned nr, uint64_t start,
    uint64_t sectors);

/* part.c */
struct part {
	unsigned nr;
	uint64_t start, sectors;
};
/*
 * Read the partition table of a disk (GPT or MBR) and call found for each
 * that lies on it.
 *
 * Returns:  how many, or -errno of a read.
 */
int part_read(struct bdev *disk, void (*found)(struct bdev *, const struct part *));
void part_init(void); /* all disks' partitions become devices */

/* drivers */
void ata_init(void);
void virtio_blk_init(void);
void ramdisk_init(void);

#endif
