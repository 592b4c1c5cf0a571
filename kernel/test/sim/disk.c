/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c: a disk whose requests end when the explorer says so
 *
 * Problem   What happens between the begin of an I/O and its end is where
 *           pages are lost.
 *
 * Picture   blk_submit ─→ first half of the bytes ─→ pending
 *           iod: chosen ─→ second half ─→ done()
 *
 * Rules     1. Half of each page is moved when the request comes and half when
 *              it ends: what changes in between is torn, and is seen.
 *           2. Requests end in their order; the delay is the explorer's.
 *           3. sda: swap, with its header; sdb: one file, page by page.
 *           4. The bytes are not part of the world's data, for they are many:
 *              the pages that were written are put back alone.
 *           5. A page of the file is two blocks.  What is cut off belongs to
 *              others at once: a write to it that ends later is a bug.
 *           6. A hole that gets a block shows somebody's old bytes, as on ext2.
 */
#include <string.h>

#include "test/sim/sim.h"

#define SWAP_PAGES 512u
#define FILE_PAGES 64u
#define PAGES (SWAP_PAGES + FILE_PAGES)
#define SECTORS (PAGE_SIZE / SECTOR_SIZE)
#define HALF (PAGE_SIZE / 2)
#define OLD_BYTE 0xee

/* Page 0 … of sda, then those of sdb. */
struct medium {
	uint8_t page[PAGES][PAGE_SIZE], kept[PAGES][PAGE_SIZE];
	bool is_dirty[PAGES];
};

static struct {
	struct medium *m;
	struct bdev sda, sdb;
	struct list pending;
	bool hole[FILE_PAGES]; /* the file has no blocks there */
	struct vmo *file;
	uint64_t blocks;       /* of the file; those behind have other owners */
} disk;

static void
iod_main(void *arg)
{
	for (;;) {
		sim_block(OP_DISK, NULL);
		(void)sim_disk_run();
	}
}

void
sim_disk_init(void)
{
	disk.m = sim_alloc(sizeof(*disk.m));
	strcpy(disk.sda.name, "sda");
	disk.sda.sectors = SWAP_PAGES * SECTORS;
	strcpy(disk.sdb.name, "sdb");
	disk.sdb.sectors = FILE_PAGES * SECTORS;
	list_init(&disk.pending);
	sim_spawn("iod", iod_main, NULL, true);
}

bool
sim_disk_pending(void)
{
	return !list_is_empty(&disk.pending);
}

/* ---- the door of dev/ ---- */

static uint8_t *
page_of(const struct bdev *d, uint64_t i, bool write)
{
	i += d == &disk.sda ? 0 : SWAP_PAGES;
	ASSERT(i < PAGES);
	disk.m->is_dirty[i] |= write;
	return disk.m->page[i];
}

/* Rule 5: the half of page i that is written now is still the file's. */
static void
check_owner(const struct bio *b, uint64_t i, size_t from)
{
	if (b->dir == BIO_WRITE && b->dev == &disk.sdb &&
	    i * 2 + from / HALF >= disk.blocks)
		sim_fail("a write to a block that has been cut off");
}

/* One half of all pages of the request; a page is moved from its begin. */
static void
move(struct bio *b, size_t from)
{
	uint8_t *bytes, *page;
	unsigned i;

	ASSERT(b->sector + b->nvecs * SECTORS <= b->dev->sectors);
	for (i = 0; i < b->nvecs && from < b->vec[i].bytes; i++) {
		ASSERT(b->vec[i].offset == 0 && b->vec[i].bytes % HALF == 0);
		check_owner(b, b->sector / SECTORS + i, from);
		bytes = page_of(b->dev, b->sector / SECTORS + i,
		    b->dir == BIO_WRITE) + from;
		page = (uint8_t *)pa2va(page_pa(b->vec[i].page)) + from;
		if (b->dir == BIO_READ)
			memcpy(page, bytes, HALF);
		else
			memcpy(bytes, page, HALF);
	}
}

uint64_t
sim_disk_word(bool is_swap, uint64_t page)
{
	return *(uint64_t *)disk.m->page[is_swap ? page : SWAP_PAGES + page];
}

void
sim_disk_keep(void)
{
	memcpy(disk.m->kept, disk.m->page, sizeof(disk.m->kept));
	memset(disk.m->is_dirty, 0, sizeof(disk.m->is_dirty));
}

void
sim_disk_restore(void)
{
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		if (!disk.m->is_dirty[i])
			continue;
		memcpy(disk.m->page[i], disk.m->kept[i], PAGE_SIZE);
		disk.m->is_dirty[i] = false;
	}
}

void
blk_submit(struct bio *b)
{
	move(b, 0);
	list_push_back(&disk.pending, &b->node);
}

/* Its disks take their time. */
void
blk_submit_now(struct bio *b)
{
	blk_submit(b);
}

bool
sim_disk_run(void)
{
	struct list_node *n = list_pop_front(&disk.pending);
	struct bio *b;

	if (n == NULL)
		return false;
	b = LIST_ENTRY(n, struct bio, node);
	move(b, HALF);
	b->status = 0;
	if (b->dev == &disk.sda && inject_hit(b->dir == BIO_READ ? FI_SWAPIN :
	    FI_SWAPOUT))
		b->status = -EIO;
	if (b->dev == &disk.sdb && inject_hit(b->dir == BIO_READ ? FI_FILEIN :
	    FI_FILEOUT))
		b->status = -EIO;
	b->done(b);
	return true;
}

static void
set_flag(struct bio *b)
{
	*(bool *)b->arg = true;
}

int
blk_submit_wait(struct bio *b)
{
	bool done = false;

	b->done = set_flag;
	b->arg = &done;
	blk_submit(b);
	if (sim_fiber() != NULL)
		sim_block(OP_FLAG, &done);
	while (!done)
		(void)sim_disk_run();
	return b->status;
}

/* ---- swap ---- */

unsigned
sim_swapon(unsigned slots)
{
	struct swap_source src = { .dev = &disk.sda, .header = page_of(&disk.sda, 0, true),
		.bytes = SWAP_PAGES * PAGE_SIZE, .path = "/dev/sda" };
	uint32_t field[2] = { 1, slots - 1 };
	unsigned no;

	ASSERT(slots <= SWAP_PAGES);
	memcpy(disk.m->page[0] + 1024, field, sizeof(field));
	memcpy(disk.m->page[0] + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	if (swap_on(&src, &no) != 0)
		sim_fail("swapon");
	return no;
}

/* ---- a file ---- */

/* What is written of page idx: as ext2, only the blocks below the size. */
static unsigned
bytes_of(uint64_t idx, enum bio_dir dir)
{
	uint64_t size = vmo_size(disk.file), at = idx * PAGE_SIZE;

	if (dir == BIO_READ || size > at + HALF)
		return PAGE_SIZE;
	return size > at ? HALF : 0;
}

static int
file_io(uint64_t idx, struct vm_page **pages, int n, enum bio_dir dir)
{
	unsigned bytes;
	struct bio b;
	int i;

	bio_init(&b, &disk.sdb, idx * SECTORS, dir);
	for (i = 0; i < n && i < (int)BIO_PAGES; i++) {
		bytes = bytes_of(idx + (uint64_t)i, dir);
		if (bytes != 0)
			bio_add(&b, pages[i], 0, bytes);
	}
	if (i < n)
		return -EIO; /* each is tried again alone */
	return b.nvecs == 0 ? 0 : blk_submit_wait(&b);
}

static int
file_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	return file_io(idx, pages, n, BIO_READ);
}

static int
file_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	return file_io(idx, pages, n, BIO_WRITE);
}

static int
file_free(void *obj, uint64_t idx, int n)
{
	for (; n > 0 && idx < FILE_PAGES; n--, idx++) {
		memset(page_of(&disk.sdb, idx, true), 0, PAGE_SIZE);
		disk.hole[idx] = true;
	}
	return 0;
}

static bool
file_has(void *obj, uint64_t idx)
{
	return idx < FILE_PAGES;
}

static int
file_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	if (idx >= FILE_PAGES)
		return -ENOSPC;
	/* Rule 6. */
	if (disk.hole[idx] && cache_is_page(disk.file, idx, pg)) {
		memset(page_of(&disk.sdb, idx, true), OLD_BYTE, PAGE_SIZE);
		disk.hole[idx] = false;
	}
	return 0;
}

static const struct pager_ops file_pager = { .in = file_in, .out = file_out,
	.free = file_free, .is_allocated = file_has, .extend = file_extend };

struct vmo *
sim_file(uint64_t pages)
{
	struct vmo *vmo = vmo_create_file(&file_pager, &disk,
	    pages * PAGE_SIZE, NULL, NULL);
	uint64_t i, k;

	ASSERT(vmo != NULL && pages <= FILE_PAGES);
	disk.file = vmo;
	disk.blocks = pages * 2;
	for (i = 0; i < pages; i++)
		for (k = 0; k < PAGE_SIZE / 8; k++)
			((uint64_t *)page_of(&disk.sdb, i, true))[k] = 1000 + i;
	return vmo;
}

void
sim_file_blocks(uint64_t bytes)
{
	uint64_t n = (bytes + HALF - 1) / HALF;

	disk.blocks = MAX(disk.blocks, n);
}

void
sim_file_cut(uint64_t bytes)
{
	uint64_t i;

	disk.blocks = (bytes + HALF - 1) / HALF;
	for (i = disk.blocks; i < FILE_PAGES * 2; i++)
		memset(page_of(&disk.sdb, i / 2, true) + i % 2 * HALF, 0, HALF);
}
