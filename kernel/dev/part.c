/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * part.c: partition tables, MBR and GPT
 *
 * Problem   A disk is divided by a table that may be old, new, damaged or
 *           hostile; a range outside the disk must not become a device.
 *
 * Picture   sector 0 (MBR): 4 rows {type, start, sectors} ─ row of type 5:
 *             a chain of tables: {one partition, link to the next table}
 *           row of type EE: GPT.  sector 1: header ─→ rows; last sector: copy
 *
 * Rules     1. A GPT counts only if the CRCs of header and rows are right; else
 *              its copy at the end of the disk is tried.
 *           2. Each number is compared with the disk's size before it is used;
 *              a chain that does not end is cut after MAX_CHAIN tables.
 *           3. As on Linux: rows of the MBR are 1…4, those in the chain 5…
 *
 * Read next dev/bdev.c.
 */
#include "dev/blkfn.h"
#include "lib/hash.h"
#include "lib/string.h"

#define MBR_SIGN_AT 510u
#define MBR_ROWS_AT 446u
#define MAX_CHAIN 32u
#define GPT_SIGN "EFI PART"
#define GPT_MAX_ROWS 1024u

enum { TYPE_EMPTY = 0, TYPE_EXTENDED = 5, TYPE_EXTENDED_LBA = 0xf,
	TYPE_EXTENDED_LINUX = 0x85, TYPE_GPT = 0xee };

struct mbr_row {
	uint8_t active, chs_start[3], type, chs_end[3];
	uint32_t start, sectors;
} __attribute__((packed));

struct gpt_header {
	char sign[8];
	uint32_t revision, bytes, crc, rsv;
	uint64_t self, other, first, last;
	uint8_t guid[16];
	uint64_t rows_at;
	uint32_t nrows, row_bytes, rows_crc;
} __attribute__((packed));

struct gpt_row {
	uint8_t type[16], guid[16];
	uint64_t first, last, flags;
	uint8_t name[72];
} __attribute__((packed));

/* One reading of a table. */
struct reader {
	struct bdev *disk;
	void (*found)(struct bdev *, const struct part *);
	int n;                   /* found, or -errno */
	uint8_t sector[SECTOR_SIZE];
};

static int read_sector(struct reader *, uint64_t sector);
static bool is_mbr(const uint8_t *sector);
static void read_mbr(struct reader *);
static void read_chain(struct reader *, uint64_t first, uint64_t sectors);
static bool read_gpt(struct reader *, uint64_t at);
static bool header_is_good(struct reader *, struct gpt_header *, uint64_t at);
static bool rows_are_good(struct reader *, const struct gpt_header *);
static void report_rows(struct reader *, const struct gpt_header *);
static void report(struct reader *, unsigned nr, uint64_t start,
    uint64_t sectors);

/*
 * Context:  thread, sleeps; one at a time.
 */
int
part_read(struct bdev *disk, void (*found)(struct bdev *, const struct part *))
{
	struct reader r = { .disk = disk, .found = found };
	const struct mbr_row *row;

	r.n = read_sector(&r, 0);
	if (r.n < 0 || !is_mbr(r.sector))
		return r.n;
	row = (const struct mbr_row *)(r.sector + MBR_ROWS_AT);
	if (row->type != TYPE_GPT) {
		read_mbr(&r);
		return r.n;
	}
	if (!read_gpt(&r, 1) && !read_gpt(&r, disk->sectors - 1))
		klog("%s: both partition tables are damaged", disk->name);
	return r.n;
}

/* 0 or -errno; a sector outside of the disk is an error too. */
static int
read_sector(struct reader *r, uint64_t sector)
{
	ssize_t n = -EIO;

	if (sector < r->disk->sectors)
		n = blk_rw_bytes(r->disk, sector * SECTOR_SIZE, r->sector,
		    SECTOR_SIZE, BIO_READ);
	return n == SECTOR_SIZE ? 0 : n < 0 ? (int)n : -EIO;
}

static void
report(struct reader *r, unsigned nr, uint64_t start, uint64_t sectors)
{
	struct part p = { nr, start, sectors };

	if (sectors == 0 || start >= r->disk->sectors ||
	    sectors > r->disk->sectors - start) {
		klog("%s: partition %u is not on the disk", r->disk->name, nr);
		return;
	}
	r->n++;
	r->found(r->disk, &p);
}

/* ---- MBR ---- */

/* A boot sector of a file system has the signature too, but no such rows. */
static bool
is_mbr(const uint8_t *sector)
{
	const struct mbr_row *row;
	unsigned i;

	row = (const struct mbr_row *)(sector + MBR_ROWS_AT);
	for (i = 0; i < 4; i++) {
		if ((row[i].active & 0x7f) != 0)
			return false;
	}
	return sector[MBR_SIGN_AT] == 0x55 && sector[MBR_SIGN_AT + 1] == 0xaa;
}

static bool
is_extended(const struct mbr_row *row)
{
	return row->type == TYPE_EXTENDED || row->type == TYPE_EXTENDED_LBA ||
	    row->type == TYPE_EXTENDED_LINUX;
}

static void
read_mbr(struct reader *r)
{
	struct mbr_row row[4];
	unsigned i;

	memcpy(row, r->sector + MBR_ROWS_AT, sizeof(row));
	for (i = 0; i < 4; i++) {
		if (row[i].type != TYPE_EMPTY && !is_extended(&row[i]))
			report(r, i + 1, row[i].start, row[i].sectors);
	}
	for (i = 0; i < 4; i++) {
		if (is_extended(&row[i]) && row[i].start != 0) {
			read_chain(r, row[i].start, row[i].sectors);
			return;
		}
	}
}

/*
 * Each table: row 0 is a partition (relative to the table), row 1 the next
 * table (relative to the first).  All must lie in the extended partition.
 */
static void
read_chain(struct reader *r, uint64_t first, uint64_t sectors)
{
	uint64_t at = first;
	struct mbr_row row[2];
	unsigned i, nr = 5;

	for (i = 0; i < MAX_CHAIN; i++) {
		if (read_sector(r, at) < 0 || !is_mbr(r->sector))
			return;
		memcpy(row, r->sector + MBR_ROWS_AT, sizeof(row));
		if (row[0].type != TYPE_EMPTY &&
		    at - first + row[0].start + row[0].sectors <= sectors)
			report(r, nr++, at + row[0].start, row[0].sectors);
		if (!is_extended(&row[1]) || row[1].start == 0 ||
		    row[1].start >= sectors)
			return;
		at = first + row[1].start;
	}
	klog("%s: chain of partitions does not end", r->disk->name);
}

/* ---- GPT ---- */

/* The table whose header is in sector at; false: it is damaged. */
static bool
read_gpt(struct reader *r, uint64_t at)
{
	struct gpt_header h;

	if (!header_is_good(r, &h, at) || !rows_are_good(r, &h))
		return false;
	report_rows(r, &h);
	return true;
}

static bool
header_is_good(struct reader *r, struct gpt_header *h, uint64_t at)
{
	struct gpt_header *in = (struct gpt_header *)r->sector;
	uint64_t rows_sectors;

	if (read_sector(r, at) < 0)
		return false;
	*h = *in;
	if (memcmp(h->sign, GPT_SIGN, 8) != 0 || h->bytes < sizeof(*h) ||
	    h->bytes > SECTOR_SIZE || h->self != at)
		return false;
	in->crc = 0;
	if (crc32(0, r->sector, h->bytes) != h->crc)
		return false;
	/* Powers of two up to a sector, so that no row is cut in two. */
	if (h->row_bytes < sizeof(struct gpt_row) ||
	    h->row_bytes > SECTOR_SIZE || SECTOR_SIZE % h->row_bytes != 0 ||
	    h->nrows > GPT_MAX_ROWS)
		return false;
	rows_sectors = h->nrows * h->row_bytes / SECTOR_SIZE + 1;
	return h->rows_at < r->disk->sectors &&
	    rows_sectors <= r->disk->sectors - h->rows_at;
}

static bool
rows_are_good(struct reader *r, const struct gpt_header *h)
{
	size_t left = (size_t)h->nrows * h->row_bytes, n;
	uint64_t sector = h->rows_at;
	uint32_t crc = 0;

	for (; left > 0; left -= n, sector++) {
		if (read_sector(r, sector) < 0)
			return false;
		n = MIN(left, SECTOR_SIZE);
		crc = crc32(crc, r->sector, n);
	}
	return crc == h->rows_crc;
}

static void
report_rows(struct reader *r, const struct gpt_header *h)
{
	static const uint8_t unused[16];
	unsigned i, per = SECTOR_SIZE / h->row_bytes;
	struct gpt_row row;

	for (i = 0; i < h->nrows; i++) {
		if (i % per == 0 && read_sector(r, h->rows_at + i / per) < 0)
			return;
		memcpy(&row, r->sector + i % per * h->row_bytes, sizeof(row));
		if (memcmp(row.type, unused, 16) == 0)
			continue;
		if (row.first < h->first || row.last > h->last ||
		    row.first > row.last)
			klog("%s: partition %u is not on the disk",
			    r->disk->name, i + 1);
		else
			report(r, i + 1, row.first, row.last - row.first + 1);
	}
}

/* ---- devices ---- */

static void
make_device(struct bdev *disk, const struct part *p)
{
	if (!bdev_add_part(disk, p->nr, p->start, p->sectors))
		klog("%s: no device for partition %u", disk->name, p->nr);
}

static void
one_disk(void *unused, struct bdev *d)
{
	int r;

	if (d->disk != d)
		return;
	r = part_read(d, make_device);
	if (r < 0)
		klog("%s: partition table: error %d", d->name, -r);
}

void
part_init(void)
{
	blk_walk(one_disk, NULL);
}
