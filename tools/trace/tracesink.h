/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracesink.h: the host's end of a trace
 *
 * Typical:  sink_open, sink_memory for the machine; sink_drain now and then
 *           (or sink_bytes, what came from the debug port); sink_close.
 */
#ifndef TOOLS_TRACESINK_H
#define TOOLS_TRACESINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* NULL: errno. */
struct sink *sink_open(const char *file, unsigned cpus, uint64_t memory);
/* A memory file for the machine to share; -1: errno.  The sink's. */
int sink_memory(struct sink *, size_t *bytes);
/* Take what the machine has put there.  Records taken. */
size_t sink_drain(struct sink *);
/* Bytes of the debug port; those outside of frames go to other(). */
typedef void sink_other(void *arg, const uint8_t *, size_t);
void sink_bytes(struct sink *, const uint8_t *, size_t, sink_other *, void *);
/*
 * The rest, the head of the file; frees.  ended: the machine is gone.
 *
 * Returns:  NULL, or a sentence about what the file lacks, malloc'd.
 */
char *sink_close(struct sink *, bool ended);

#endif
