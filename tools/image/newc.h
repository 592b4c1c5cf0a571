/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newc.h: cpio archives in the format "newc", in memory
 *
 * Offers    what the kernel unpacks into its first root file system.
 * Rules     Everything belongs to root and is dated 0, so the same input
 *           makes the same bytes.  Out of memory ends the program.
 */
#ifndef TOOLS_NEWC_H
#define TOOLS_NEWC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct newc {
	uint8_t *buf;
	size_t len, cap;
	uint32_t ino; /* last number given out */
};

/* Any entry: mode with its S_IF type, data of a file or target of a link. */
void newc_entry(struct newc *, const char *path, uint32_t mode,
    const void *data, size_t len);
/* The folders above path. */
void newc_parents(struct newc *, const char *path);
/* A file, link or folder of the host with all below it.  False: errno. */
bool newc_host(struct newc *, const char *host, const char *path);
/* The whole of a host file in fresh memory.  NULL: errno. */
void *newc_read_file(const char *host, size_t *len);
/* The trailer; another archive may follow in the same file. */
void newc_end(struct newc *);
void newc_free(struct newc *);

#endif
