/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replaylog.c: a disk as a power cut leaves it, from the record of its writes
 *
 * Problem   An emulator that is killed loses no write that it has accepted.  A
 *           real disk keeps writes in its cache and loses any of them, whole
 *           or in part, that no FLUSH has made durable.
 *
 * Picture   LOG (QEMU's blklogwrites, the format of Linux's dm-log-writes):
 *             superblock | entry, data | entry, data | …    in whole sectors
 *           writes … FLUSH … FLUSH | some of these | none of the rest
 *                            ^ random    up to the next FLUSH
 *
 * Rules     1. IMAGE is the disk before the first write; changed in place.
 *           2. The same LOG and SEED make the same disk.
 *           3. A write with FUA is durable when it has ended.
 *
 * Read next kernel/test/cases/disk/power_cuts.sh, kernel/fs/ext2/commit.c.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAGIC 0x6a736677736872ull
#define LOG_VERSION 1u
#define DATA_MAX (64u << 20) /* of one entry */

enum { FLAG_FLUSH = 1, FLAG_FUA = 2, FLAG_DISCARD = 4, FLAG_MARK = 8 };

/* On the disk all numbers are little-endian, as on the host. */
struct log_super {
	uint64_t magic, version, nr_entries;
	uint32_t sector_size;
} __attribute__((packed));

struct log_entry {
	uint64_t sector, nr_sectors, flags, data_len;
};

/* An entry as we keep it; data is in the mapped log. */
struct change {
	uint64_t sector, nr_sectors, flags;
	const uint8_t *data; /* NULL: nothing to write */
};

static struct {
	const uint8_t *log;
	uint64_t bytes; /* of it */
	uint32_t sector_size;
	struct change *change;
	size_t nchanges;
	size_t nflushes;
	int image;
	uint64_t image_bytes;
	uint64_t seed;
} replay;

static const char help_text[] =
    "replaylog [--all] LOG IMAGE [SEED]   rebuild a disk after a power cut\n"
    "replaylog --until N LOG IMAGE        what was durable when LOG had N entries\n"
    "replaylog --stamp LOG                while LOG grows: copy lines, with its length\n"
    "\n"
    "  LOG    written by QEMU's driver=blklogwrites\n"
    "  IMAGE  the disk as it was before; changed in place\n"
    "  SEED   a number: where the cut is, and what it loses (1)\n"
    "  --all  no cut: every write of the log\n"
    "  --until N  the writes before the last FLUSH of the first N entries\n"
    "  --stamp  standard input to output; before each line how many entries LOG\n"
    "         has then: what the line says was so before a cut at a later entry\n"
    "\n"
    "Up to a random FLUSH every write is made, of those between it and the next a\n"
    "random part, torn between sectors.  One line on standard output says where.\n"
    "Exit status: 0, 1 the log or the image is not good, 2 wrong options.\n";

static uint64_t
below(uint64_t n)
{
	replay.seed += 0x9e3779b97f4a7c15ull;
	uint64_t z = replay.seed;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) % n;
}

/* ---- the log ---- */

static void
open_log(const char *path)
{
	struct log_super super;
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		err(1, "%s", path);
	if ((size_t)st.st_size < sizeof super)
		errx(1, "%s: shorter than a superblock", path);
	replay.bytes = st.st_size;
	replay.log = mmap(NULL, replay.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (replay.log == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	memcpy(&super, replay.log, sizeof super);
	if (super.magic != LOG_MAGIC || super.version != LOG_VERSION)
		errx(1, "%s: not a log of version %u", path, LOG_VERSION);
	if (super.sector_size < 512 || super.sector_size > 65536 ||
	    (super.sector_size & (super.sector_size - 1)) != 0)
		errx(1, "%s: sectors of %u bytes", path, super.sector_size);
	replay.sector_size = super.sector_size;
	if (super.nr_entries > replay.bytes / super.sector_size)
		errx(1, "%s: more entries than sectors", path);
	replay.nchanges = super.nr_entries;
	replay.change = calloc(replay.nchanges + 1, sizeof *replay.change);
	if (replay.change == NULL)
		err(1, "%s", path);
}

/* One entry at *at; its data, if it has any, follows its sector. */
static void
read_entry(const char *path, struct change *c, uint64_t *at)
{
	uint64_t size = replay.sector_size;
	struct log_entry e;

	if (replay.bytes - *at < size)
		errx(1, "%s: ends before its last entry", path);
	memcpy(&e, replay.log + *at, sizeof e);
	*at += size;
	*c = (struct change){ e.sector, e.nr_sectors, e.flags, NULL };
	replay.nflushes += (e.flags & FLAG_FLUSH) != 0;
	if ((e.flags & (FLAG_MARK | FLAG_DISCARD)) != 0 || e.nr_sectors == 0)
		return;
	if (e.nr_sectors > DATA_MAX / size ||
	    e.nr_sectors * size > replay.bytes - *at)
		errx(1, "%s: entry of %" PRIu64 " sectors", path, e.nr_sectors);
	c->data = replay.log + *at;
	*at += e.nr_sectors * size;
}

static void
read_log(const char *path)
{
	uint64_t at;
	size_t i;

	open_log(path);
	at = replay.sector_size;
	for (i = 0; i < replay.nchanges; i++)
		read_entry(path, &replay.change[i], &at);
}

/* ---- the disk ---- */

static void
open_image(const char *path)
{
	struct stat st;

	replay.image = open(path, O_RDWR);
	if (replay.image < 0 || fstat(replay.image, &st) != 0)
		err(1, "%s", path);
	replay.image_bytes = st.st_size;
}

/* Sectors from..to of a write. */
static void
write_part(const struct change *c, uint64_t from, uint64_t to)
{
	uint64_t size = replay.sector_size, n = (to - from) * size;
	uint64_t at = (c->sector + from) * size;

	if (c->data == NULL || n == 0)
		return;
	if (at > replay.image_bytes || n > replay.image_bytes - at)
		errx(1, "a write behind the end of the disk");
	if (pwrite(replay.image, c->data + from * size, n, at) != (ssize_t)n)
		err(1, "image");
}

/* Any of its sectors. */
static void
write_torn(const struct change *c)
{
	uint64_t i;

	for (i = 0; i < c->nr_sectors; i++)
		if (below(2) == 0)
			write_part(c, i, i + 1);
}

static size_t
write_all(size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++)
		write_part(&replay.change[i], 0, replay.change[i].nr_sectors);
	return to;
}

/* ---- the cut ---- */

/* The entry behind flush nr; the end when there are not so many. */
static size_t
behind_flush(size_t nr)
{
	size_t i;

	for (i = 0; i < replay.nchanges && nr > 0; i++)
		nr -= (replay.change[i].flags & FLAG_FLUSH) != 0;
	return i;
}

/*
 * A write that carries FLUSH flushes what was before it, so it is itself among
 * those that can be lost: the cut begins with it.
 */
static size_t
first_losable(size_t nr)
{
	size_t i = behind_flush(nr);

	return i > 0 && replay.change[i - 1].data != NULL && nr > 0 ? i - 1 : i;
}

/* The flushes before a random entry: where much is written, cuts are likely. */
static size_t
some_flush(void)
{
	size_t at = below(replay.nchanges + 1), i, n = 0;

	for (i = 0; i < at; i++)
		n += (replay.change[i].flags & FLAG_FLUSH) != 0;
	return n;
}

/* Half of the cuts come just before the next flush has ended. */
static void
cut(void)
{
	size_t flush = some_flush();
	size_t first = first_losable(flush);
	size_t end = flush == replay.nflushes ? replay.nchanges
	                                      : behind_flush(flush + 1) - 1;
	size_t last = below(2) == 0 ? end : first + below(end - first + 1);
	uint64_t keep = below(5); /* of 4 */
	size_t i, kept = 0, torn = 0;

	write_all(0, first);
	for (i = first; i < last; i++) {
		const struct change *c = &replay.change[i];

		if ((c->flags & FLAG_FUA) != 0 || below(4) < keep) {
			write_part(c, 0, c->nr_sectors);
			kept++;
		} else if (below(3) == 0) {
			write_torn(c);
			torn++;
		}
	}
	printf("flush %zu of %zu, entry %zu of %zu; of the last %zu: "
	       "%zu kept, %zu torn\n",
	    flush, replay.nflushes, last, replay.nchanges, last - first, kept,
	    torn);
}

/* Nothing is made that could have been lost. */
static void
until(size_t n)
{
	size_t i, nr = 0;

	if (n > replay.nchanges)
		errx(1, "there are %zu entries", replay.nchanges);
	for (i = 0; i < n; i++)
		nr += (replay.change[i].flags & FLAG_FLUSH) != 0;
	printf("%zu entries\n", write_all(0, first_losable(nr)));
}

/* ---- when something was said ---- */

/* QEMU writes the superblock with each flush, before the guest hears of it. */
static int
stamp(const char *path)
{
	struct log_super super;
	char line[4096];
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "%s", path);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (pread(fd, &super, sizeof super, 0) != sizeof super)
			errx(1, "%s: no superblock", path);
		printf("%" PRIu64 " %s", super.nr_entries, line);
	}
	return fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "until", required_argument, NULL, 'u' },
		{ "stamp", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *entries = NULL;
	bool all = false;
	char *end = "";
	int opt;

	while ((opt = getopt_long(argc, argv, "as:u:h", opts, NULL)) != -1) {
		if (opt == 'h')
			return fputs(help_text, stdout) == EOF;
		if (opt == 's')
			return stamp(optarg);
		if (opt == 'u')
			entries = optarg;
		else if (opt == 'a')
			all = true;
		else
			errx(2, "see replaylog --help");
	}
	if (argc - optind < 2 || argc - optind > 3)
		errx(2, "see replaylog --help");
	replay.seed =
	    argc - optind == 3 ? strtoull(argv[optind + 2], &end, 0) : 1;
	if (*end != '\0')
		errx(2, "%s: not a number", argv[optind + 2]);
	read_log(argv[optind]);
	open_image(argv[optind + 1]);
	if (entries != NULL)
		until(strtoull(entries, &end, 0));
	else if (all)
		printf("%zu entries\n", write_all(0, replay.nchanges));
	else
		cut();
	return close(replay.image) != 0;
}
