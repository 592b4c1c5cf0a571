/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_file.c: read and write of a file whose pages are all in memory
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "bench.h"

#define FILE_BYTES (4 * MIB)

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

const struct op file_ops[] = {
	{ "read-4k", "call", read_4k },
	{ "write-4k", "call", write_4k },
	{ "read-64k", "page", read_64k },
	{ "write-64k", "page", write_64k },
	{ NULL, NULL, NULL },
};
