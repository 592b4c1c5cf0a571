/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * part.c: self-tests of partition tables
 *
 * Problem   Tables come from strangers: the good ones must be read as on
 *           Linux, the others must not lead anywhere.
 *
 * Rules     The table is written to a scratch disk and read by part_read(),
 *           which makes no device; the sectors are cleared afterwards.
 *
 * Read next dev/part.c.
 */
#include "test/boot/selftest.h"
#include "dev/blkfn.h"
#include "lib/string.h"
#include "test/boot/machine/scratch.h"

#define MAX_PARTS 16

static struct {
	struct bdev *disk;
	struct part part[MAX_PARTS];
	unsigned n;
	uint8_t sector[SECTOR_SIZE];
} tab;

static void
note(struct bdev *d, const struct part *p)
{
	if (tab.n < MAX_PARTS)
		tab.part[tab.n] = *p;
	tab.n++;
}

/* Read the table; is it n partitions? */
static bool
reads_parts(unsigned n)
{
	tab.n = 0;
	return part_read(tab.disk, note) == (int)n && tab.n == n;
}

static bool
has(unsigned i, unsigned nr, uint64_t start, uint64_t sectors)
{
	const struct part *p = &tab.part[i];

	return p->nr == nr && p->start == start && p->sectors == sectors;
}

static void
put(uint64_t sector)
{
	EXPECT_IS(blk_rw_bytes(tab.disk, sector * SECTOR_SIZE, tab.sector, SECTOR_SIZE, BIO_WRITE),
	    ==, SECTOR_SIZE);
}

static void
clear(void)
{
	memset(tab.sector, 0, SECTOR_SIZE);
}

static void
set32(unsigned at, uint32_t v)
{
	memcpy(tab.sector + at, &v, 4);
}

static void
set64(unsigned at, uint64_t v)
{
	memcpy(tab.sector + at, &v, 8);
}

/* Row i of an MBR; the signature with it. */
static void
row(unsigned i, uint8_t type, uint32_t start, uint32_t sectors)
{
	tab.sector[446 + 16 * i + 4] = type;
	set32(446 + 16 * i + 8, start);
	set32(446 + 16 * i + 12, sectors);
	tab.sector[510] = 0x55;
	tab.sector[511] = 0xaa;
}

static void
begin_disk(struct bdev *d)
{
	tab.disk = d;
	clear();
	memcpy(tab.sector, SCRATCH, sizeof(SCRATCH) - 1);
}

/* No table, as it was. */
static void
end_disk(void)
{
	clear();
	put(1);
	put(tab.disk->sectors - 1);
	begin_disk(tab.disk);
	put(0);
	EXPECT(reads_parts(0));
}

/* ---- MBR ---- */

static void
mbr_on(struct bdev *d)
{
	begin_disk(d);
	row(0, 0x83, 63, 1000);
	row(1, 5, 4096, 8192);
	row(2, 0x83, (uint32_t)d->sectors - 10, 11);
	row(3, 0x82, (uint32_t)d->sectors - 10, 10);
	put(0);
	clear();
	row(0, 0x83, 16, 100);
	row(1, 5, 2048, 1000);
	put(4096);
	clear();
	row(0, 0x83, 32, 9000); /* past the extended partition */
	row(1, 5, 0, 0);
	put(4096 + 2048);
	EXPECT(reads_parts(3));
	EXPECT(has(0, 1, 63, 1000));
	EXPECT(has(1, 4, d->sectors - 10, 10));
	EXPECT(has(2, 5, 4096 + 16, 100));
	clear();
	row(0, 0x83, 16, 100);
	row(1, 5, 2048, 1000);
	put(4096 + 2048); /* it is its own successor */
	EXPECT(reads_parts(2 + 32));
	end_disk();
}

static void
mbr(void)
{
	scratch_walk(mbr_on);
}

/* ---- GPT ---- */

static uint32_t
crc(uint32_t c, const uint8_t *p, size_t n)
{
	static uint32_t table[256];
	unsigned i, bit;

	for (i = 0; i < 256 && table[1] == 0; i++) {
		uint32_t v = 255 - i;

		for (bit = 0; bit < 8; bit++)
			v = (v & 1) != 0 ? v >> 1 ^ 0xedb88320u : v >> 1;
		table[255 - i] = v;
	}
	for (c = ~c; n > 0; n--)
		c = c >> 8 ^ table[(c ^ *p++) & 255];
	return ~c;
}

/* Two rows of 128 bytes at sector at; returns their CRC. */
static uint32_t
put_rows(uint64_t at, uint64_t last)
{
	clear();
	tab.sector[0] = 1;
	set64(32, 100);
	set64(40, 199);
	tab.sector[256] = 1;
	set64(256 + 32, 300);
	set64(256 + 40, last);
	put(at);
	return crc(0, tab.sector, SECTOR_SIZE);
}

static void
put_header(uint64_t at, uint64_t rows_at, uint32_t rows_crc)
{
	clear();
	memcpy(tab.sector, "EFI PART", 8);
	set32(8, 0x10000);
	set32(12, 92);
	set64(24, at);
	set64(40, 50);
	set64(48, tab.disk->sectors - 34);
	set64(72, rows_at);
	set32(80, 4);
	set32(84, 128);
	set32(88, rows_crc);
	set32(16, crc(0, tab.sector, 92));
	put(at);
}

static void
gpt_on(struct bdev *d)
{
	uint64_t end = d->sectors - 1;

	begin_disk(d);
	row(0, 0xee, 1, (uint32_t)end);
	put(0);
	put_header(1, 2, put_rows(2, 399));
	put_header(end, end - 1, put_rows(end - 1, 349));
	EXPECT(reads_parts(2));
	EXPECT(has(0, 1, 100, 100) && has(1, 3, 300, 100));
	put_rows(2, 400); /* its CRC is wrong now: the copy counts */
	EXPECT(reads_parts(2));
	EXPECT(has(0, 1, 100, 100) && has(1, 3, 300, 50));
	put_header(1, 2, put_rows(2, UINT64_MAX));
	EXPECT(reads_parts(1));
	put_header(1, UINT64_MAX, 0); /* rows outside of the disk */
	EXPECT(reads_parts(2));
	clear();
	put(end);
	EXPECT(reads_parts(0));
	end_disk();
}

static void
gpt(void)
{
	scratch_walk(gpt_on);
}

const struct selftest selftests_part[] = {
	{ "part_mbr", mbr, "MBR and chains are read, and cut at the edges" },
	{ "part_gpt", gpt, "GPT counts with right CRCs, else its copy" },
	{ NULL, NULL, NULL },
};
