/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filehost.h: a file of pages on a disk in memory, for the tests of the cache
 *
 * Offers    an object whose pager reads and writes filedisk.page[]; a block that
 *           is new holds somebody's old bytes.
 */
#ifndef TEST_FILEHOST_H
#define TEST_FILEHOST_H

#include "test/host/host.h"

#define PAGES 40ul /* of a mapping */
#define BYTES (PAGES * PAGE_SIZE)
#define DISK_PAGES 6000ul
#define SHARED 0x10000000ul
#define PRIVATE 0x20000000ul

extern struct filedisk {
	uint8_t *page[DISK_PAGES];   /* NULL: a hole */
	unsigned blocks, limit;      /* in use; how many there are */
	uint64_t bad_in, bad_out;    /* this page cannot be read, written */
	unsigned reads, writes;      /* calls */
	uint64_t pages_in, pages_out;
	struct vmo *vmo;
} filedisk;

/* The only file, without blocks; file_end(): nobody has it, nothing is left. */
struct vmo *file_new(uint64_t bytes);
void file_end(struct vmo *);

/* Contents of the first n pages; no two have the same: word k of page i. */
void filedisk_fill(uint64_t n);
void filedisk_free(uint64_t idx, uint64_t n);

/* A space of this design with the file at SHARED and at PRIVATE. */
extern const char *file_design;
struct aspace *file_map(struct vmo *);
void file_unmap(struct aspace *);

#endif
