/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_file.c: read and write of a file whose pages are all in memory, or are made
 *
 * Problem   The first time over a file is not like the others: Linux moves each page
 *           to its active list then.  So there are both, and what a program does that
 *           copies a file: it writes pages that are not there yet.
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

#define FILE_BYTES (4 * MIB)
#define NEW_BYTES (32 * MIB)

static char buffer[64 << 10] __attribute__((aligned(4096)));

static void
by_blocks(
    size_t block, ssize_t (*call)(int, size_t, off_t), unsigned long per_block)
{
	int fd = file_of(FILE_BYTES);

	touch(buffer, sizeof buffer);
	begin();
	for (size_t at = 0; at < FILE_BYTES; at += block)
		if (call(fd, block, (off_t)at) != (ssize_t)block)
			err(1, "a block of %zu bytes", block);
	end(FILE_BYTES / block * per_block);
	close(fd);
}

static ssize_t
read_block(int fd, size_t n, off_t at)
{
	return pread(fd, buffer, n, at);
}

static ssize_t
write_block(int fd, size_t n, off_t at)
{
	return pwrite(fd, buffer, n, at);
}

static void
read_4k(void)
{
	by_blocks(PAGE, read_block, 1);
}

static void
write_4k(void)
{
	by_blocks(PAGE, write_block, 1);
}

static void
read_64k(void)
{
	by_blocks(sizeof buffer, read_block, 16);
}

static void
write_64k(void)
{
	by_blocks(sizeof buffer, write_block, 16);
}

/* read() and write() of a file that has been gone over before: the offset moves. */
static void
again(size_t block, ssize_t (*call)(int, size_t), unsigned long per_block)
{
	int fd = file_of(FILE_BYTES);

	touch(buffer, sizeof buffer);
	for (int pass = 0; pass < 3; pass++) {
		must(lseek(fd, 0, SEEK_SET), "lseek");
		if (pass == 2)
			begin();
		for (size_t at = 0; at < FILE_BYTES; at += block)
			if (call(fd, block) != (ssize_t)block)
				err(1, "a block of %zu bytes", block);
	}
	end(FILE_BYTES / block * per_block);
	close(fd);
}

static ssize_t
read_next(int fd, size_t n)
{
	return read(fd, buffer, n);
}

static ssize_t
write_next(int fd, size_t n)
{
	return write(fd, buffer, n);
}

static void
read_4k_again(void)
{
	again(PAGE, read_next, 1);
}

static void
write_4k_again(void)
{
	again(PAGE, write_next, 1);
}

static void
read_64k_again(void)
{
	again(sizeof buffer, read_next, 16);
}

static void
write_64k_again(void)
{
	again(sizeof buffer, write_next, 16);
}

/* A new file, by blocks as dd and cp write them. */
static void
write_new(void)
{
	int fd = (int)must(open("/tmp/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600), "/tmp/file");

	touch(buffer, sizeof buffer);
	begin();
	for (size_t at = 0; at < NEW_BYTES; at += sizeof buffer)
		if (write(fd, buffer, sizeof buffer) != sizeof buffer)
			err(1, "a new block");
	end(NEW_BYTES / PAGE);
	close(fd);
}

const struct op file_ops[] = {
	{ "read-4k", "call", read_4k },
	{ "write-4k", "call", write_4k },
	{ "read-64k", "page", read_64k },
	{ "write-64k", "page", write_64k },
	{ "read-4k-again", "call", read_4k_again },
	{ "write-4k-again", "call", write_4k_again },
	{ "read-64k-again", "page", read_64k_again },
	{ "write-64k-again", "page", write_64k_again },
	{ "write-new", "page", write_new },
	{ NULL, NULL, NULL },
};
