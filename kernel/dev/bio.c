/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bio.c: a request as its caller fills it in
 *
 * Alone in its file: the programs of the host have it, too, above disks of
 * their own (test/host, test/sim).
 *
 * Read next dev/blk.c.
 */
#include "dev/blkfn.h"

void
bio_init(struct bio *b, struct bdev *d, uint64_t sector, enum bio_dir dir)
{
	b->dev = d;
	b->sector = sector;
	b->dir = dir;
	b->use = BIO_FILE;
	b->nvecs = 0;
	b->done = NULL;
	b->arg = NULL;
	b->status = 0;
}

void
bio_add(struct bio *b, struct vm_page *page, unsigned offset, unsigned bytes)
{
	ASSERT(b->nvecs < BIO_PAGES);
	ASSERT((offset | bytes) % SECTOR_SIZE == 0);
	ASSERT(bytes != 0 && offset + bytes <= PAGE_SIZE);
	b->vec[b->nvecs++] = (struct bio_vec){ page, (uint16_t)offset,
	    (uint16_t)bytes };
}
