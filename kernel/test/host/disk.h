/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h: the disk "hda" of host tests
 */
#ifndef TEST_HOST_DISK_H
#define TEST_HOST_DISK_H

#include "dev/dev.h"
#include "test/host/host.h"

void host_disk_load(const char *path);   /* its bytes are those of the file */
void host_disk_save(const char *path);
uint8_t *host_disk_bytes(uint64_t *n);
/* From now on n sectors cannot be read or written; n 0: all can. */
void host_disk_fail(uint64_t sector, uint64_t n);
void host_disk_fail_next(unsigned n);    /* so many requests */
void host_disk_fail_reads(unsigned n);   /* so many that read; the rest is good */
/* So many writes fail that are waited for, those of commits; before them some do not. */
void host_disk_fail_commits(unsigned good, unsigned n);
/* The next FLUSH calls fn, as if on another CPU: it does not cover what that writes. */
void host_disk_at_flush(void (*fn)(void));
/* The oldest bio of blk_submit() is served: iod's part.  False: there is none. */
bool host_disk_run(void);
/*
 * Power cuts: from now on all writes are kept.  The image of a cut has all
 * that was written before FLUSH number epoch, and half of what came after it
 * and before the next.
 */
void host_disk_record(void);
unsigned host_disk_epoch(void);          /* FLUSHes since then */
void host_disk_cut(const char *path, unsigned epoch);

#endif
