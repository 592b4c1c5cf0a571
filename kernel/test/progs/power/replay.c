/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c: a disk as a power cut may have left it
 *
 * Problem   A write that no flush has followed may be on the disk or not.
 *
 * Picture   log of QEMU's blklogwrites:  super │ entry data │ entry data │ …
 *             up to the last flush: all are done again
 *             after it: each is done or not, as the seed says
 *
 * Rules     1. A host program of cases/ext2_power_log.sh; not run in the guest.
 *           2. Every number of the log is little-endian, as here.
 *
 * Read next kernel/test/cases/ext2_power_log.sh
 *
 * Usage: replay LOG DISK SEED; DISK is as it was before the first entry.
 */
#include "lib/test.h"

#define LOG_MAGIC 0x6a736677736872UL
#define LOG_FLUSH 1UL
#define SECTOR 512UL

struct log_super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct log_entry {
	uint64_t sector, sectors, flags, data_len;
};

static int log_fd, disk_fd;
static long done, lost;

/* The entry at *at, which moves on to the next; false at the end. */
static bool
next_entry(off_t *at, struct log_entry *e, off_t *data)
{
	if (pread(log_fd, e, sizeof(*e), *at) != (ssize_t)sizeof(*e))
		return false;
	if (e->sectors == 0 && e->flags == 0)
		return false;
	*data = *at + (off_t)SECTOR;
	*at = *data + (off_t)(e->sectors * SECTOR);
	return true;
}

static void
apply(const struct log_entry *e, off_t data)
{
	size_t n = e->sectors * SECTOR;
	char *buf = malloc(n + 1);

	CHECK(buf != NULL);
	EQ(pread(log_fd, buf, n, data), n);
	EQ(pwrite(disk_fd, buf, n, (off_t)(e->sector * SECTOR)), n);
	free(buf);
	done++;
}

/* Where the entry after the last flush starts. */
static off_t
after_last_flush(void)
{
	off_t at = SECTOR, after = SECTOR, data;
	struct log_entry e;

	while (next_entry(&at, &e, &data))
		if (e.flags & LOG_FLUSH)
			after = at;
	return after;
}

int
main(int argc, char **argv)
{
	struct log_super super;
	struct log_entry e;
	off_t at = SECTOR, safe, data;
	uint64_t seed;

	if (argc != 4) {
		printf("usage: replay LOG DISK SEED\n");
		return 2;
	}
	log_fd = OK(open(argv[1], O_RDONLY));
	disk_fd = OK(open(argv[2], O_RDWR));
	seed = strtoul(argv[3], NULL, 0) * 2654435761UL + 1;
	EQ(pread(log_fd, &super, sizeof(super), 0), sizeof(super));
	EQ(super.magic, LOG_MAGIC);
	EQ(super.sector_size, SECTOR);
	safe = after_last_flush();
	for (int i = 0; i < 8; i++)
		rnd(&seed);
	while (next_entry(&at, &e, &data)) {
		if (e.sectors == 0)
			continue;
		if (at <= safe || (rnd(&seed) >> 20) % 2 == 0)
			apply(&e, data);
		else
			lost++;
	}
	printf("%ld writes done, %ld lost\n", done, lost);
	return 0;
}
