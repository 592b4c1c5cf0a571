/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c: a disk in the memory of the host
 *
 * Problem   File systems are tested without a machine: what they write must be
 *           seen by e2fsck, and a power cut must be possible at any write.
 *
 * Picture   blk_submit_wait → bytes of an image file, in memory, zeros behind
 *           host_disk_record: each write is kept, with the number of the
 *           FLUSH before it; host_disk_cut makes the image of a power cut.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/host/disk.h"

#define DISK_BYTES (64ul << 20) /* of the device, whatever the image has */

struct write {
	struct write *next;
	uint64_t sector;
	unsigned bytes, epoch;
	uint8_t data[];
};

static struct {
	struct bdev dev;
	size_t n;                 /* bytes of the image */
	size_t written;           /* end of what was written since it was loaded */
	uint8_t *bytes, *start;   /* now, and when recording began */
	struct write *first, **last;
	unsigned epoch;           /* FLUSHes so far */
	bool recording;
	uint64_t fail_sector, fail_n; /* errors in [sector, sector + n) */
	unsigned fail_next;           /* requests */
	unsigned fail_reads;          /* the same, of those that read */
	unsigned good_commits, fail_commits;
	void (*at_flush)(void);       /* once */
	struct list pending;      /* bios submitted, not done */
} disk = {
	.dev = { .name = "hda", .major = 3, .sectors = DISK_BYTES / SECTOR_SIZE,
		.disk = &disk.dev },
	.pending = LIST_INIT(disk.pending),
};

void
host_disk_load(const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) <= 0 ||
	    (size_t)n > DISK_BYTES)
		abort();
	rewind(f);
	if (disk.bytes == NULL)
		disk.bytes = calloc(1, DISK_BYTES);
	memset(disk.bytes, 0, MAX(disk.n, disk.written));
	disk.written = 0;
	if (fread(disk.bytes, 1, (size_t)n, f) != (size_t)n)
		abort();
	fclose(f);
	disk.n = (size_t)n;
	disk.fail_n = 0;
}

static void
save(const char *path, const uint8_t *bytes)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(bytes, 1, disk.n, f) != disk.n)
		abort();
	fclose(f);
}

void
host_disk_save(const char *path)
{
	save(path, disk.bytes);
}

uint8_t *
host_disk_bytes(uint64_t *n)
{
	*n = disk.n;
	return disk.bytes;
}

void
host_disk_fail(uint64_t sector, uint64_t n)
{
	disk.fail_sector = sector;
	disk.fail_n = n;
}

void
host_disk_fail_next(unsigned n)
{
	disk.fail_next = n;
}

void
host_disk_fail_reads(unsigned n)
{
	disk.fail_reads = n;
}

void
host_disk_fail_commits(unsigned good, unsigned n)
{
	disk.good_commits = good;
	disk.fail_commits = n;
}

void
host_disk_at_flush(void (*fn)(void))
{
	disk.at_flush = fn;
}

/* ---- power cuts ---- */

static void
record_drop(void)
{
	struct write *w;

	while ((w = disk.first) != NULL) {
		disk.first = w->next;
		free(w);
	}
	disk.last = &disk.first;
}

void
host_disk_record(void)
{
	record_drop();
	free(disk.start);
	disk.start = calloc(1, DISK_BYTES);
	memcpy(disk.start, disk.bytes, disk.n);
	disk.recording = true;
	disk.epoch = 0;
}

unsigned
host_disk_epoch(void)
{
	return disk.epoch;
}

void
host_disk_cut(const char *path, unsigned epoch)
{
	uint8_t *bytes = calloc(1, DISK_BYTES);
	struct write *w;

	memcpy(bytes, disk.start, disk.n);
	for (w = disk.first; w != NULL && w->epoch <= epoch; w = w->next)
		if (w->epoch < epoch || host_random(2) == 0)
			memcpy(bytes + w->sector * SECTOR_SIZE, w->data, w->bytes);
	save(path, bytes);
	free(bytes);
}

static void
record(uint64_t sector, const void *data, unsigned bytes)
{
	struct write *w;

	if (!disk.recording)
		return;
	w = malloc(sizeof(*w) + bytes);
	*w = (struct write){ .sector = sector, .bytes = bytes,
		.epoch = disk.epoch };
	memcpy(w->data, data, bytes);
	*disk.last = w;
	disk.last = &w->next;
}

/* ---- dev/blk.c's door ---- */

struct bdev *
blk_find(const char *name)
{
	return strcmp(name, disk.dev.name) == 0 ? &disk.dev : NULL;
}

struct bdev *
blk_find_number(uint32_t major, uint32_t minor)
{
	return major == disk.dev.major && minor == disk.dev.minor ? &disk.dev :
	    NULL;
}

static void
piece(struct bio *b, uint64_t sector, void *data, unsigned bytes)
{
	uint8_t *at = disk.bytes + sector * SECTOR_SIZE;

	if (b->dir == BIO_READ) {
		memcpy(data, at, bytes);
		return;
	}
	record(sector, data, bytes);
	memcpy(at, data, bytes);
	disk.written = MAX(disk.written, sector * SECTOR_SIZE + bytes);
}

static int
transfer(struct bio *b)
{
	uint64_t sector = b->sector, n = 0;
	unsigned i;

	for (i = 0; i < b->nvecs; i++)
		n += b->vec[i].bytes / SECTOR_SIZE;
	if (n == 0 || sector + n > disk.dev.sectors)
		abort(); /* outside of the device */
	if (disk.fail_next > 0) {
		disk.fail_next--;
		return -EIO;
	}
	if (disk.fail_reads > 0 && b->dir == BIO_READ) {
		disk.fail_reads--;
		return -EIO;
	}
	if (disk.fail_n != 0 && sector < disk.fail_sector + disk.fail_n &&
	    disk.fail_sector < sector + n)
		return -EIO;
	for (i = 0; i < b->nvecs; i++) {
		piece(b, sector, (char *)pa2va(page_pa(b->vec[i].page)) +
		    b->vec[i].offset, b->vec[i].bytes);
		sector += b->vec[i].bytes / SECTOR_SIZE;
	}
	return 0;
}

/* Is it the turn of a write that is to fail? */
static bool
commit_fails(void)
{
	if (disk.fail_commits == 0)
		return false;
	if (disk.good_commits > 0) {
		disk.good_commits--;
		return false;
	}
	disk.fail_commits--;
	return true;
}

int
blk_submit_wait(struct bio *b)
{
	if (b->dir != BIO_READ && commit_fails())
		return -EIO;
	return b->dir == BIO_FLUSH ? blk_flush(b->dev) : transfer(b);
}

void
blk_submit(struct bio *b)
{
	list_push_back(&disk.pending, &b->node);
}

/* Its disks take their time. */
void
blk_submit_now(struct bio *b)
{
	blk_submit(b);
}

bool
host_disk_run(void)
{
	struct list_node *n = list_pop_front(&disk.pending);
	struct bio *b;

	if (n == NULL)
		return false;
	b = LIST_ENTRY(n, struct bio, node);
	b->status = transfer(b);
	b->done(b);
	return true;
}

int
blk_flush(struct bdev *d)
{
	void (*fn)(void) = disk.at_flush;

	disk.epoch++;
	disk.at_flush = NULL;
	if (fn != NULL)
		fn();
	return 0;
}

void
blk_walk(void (*fn)(void *arg, struct bdev *), void *arg)
{
	fn(arg, &disk.dev);
}

void
diskstats_show(struct out *out)
{
}

ssize_t
blk_rw_bytes(struct bdev *d, uint64_t off, void *buf, size_t n,
    enum bio_dir dir)
{
	if (dir != BIO_READ || off + n > d->sectors * SECTOR_SIZE)
		return 0;
	memcpy(buf, disk.bytes + off, n);
	return (ssize_t)n;
}
