/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.h: what every rank may call, wherever it is implemented
 *
 * Offers    log lines, boot options, fault injection, counters (events.h).
 * Needs     nothing; kern/ implements it.
 * Sleeps?   Never.
 * In interrupts?  Yes.
 */
#ifndef LIB_FLOOR_H
#define LIB_FLOOR_H

#include "events.h" /* generated: EV_*, EVENT(), EVENT_ADD() */
#include "lib/assert.h"
#include "lib/evidence.h"
#include "lib/types.h"

/* A gauge that is computed when read, not counted: fn(arg), or the word itself. */
void ev_set_gauge(enum ev_id, uint64_t (*fn)(size_t arg), size_t arg);
void ev_set_gauge_word(enum ev_id, const volatile void *word);

/* A line for the console and /dev/kmsg; cut at 256 bytes. */
void klog(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Boot arguments; the rows with defaults are in kern/options.c. */
const char *option_str(const char *name);  /* NULL: not given, no default */
uint64_t option_u64(const char *name);     /* K, M, G suffixes; 0: none */
bool option_is(const char *name, const char *value);
bool option_has(const char *name, const char *word); /* of a,b,c */
void option_hide(const char *name);         /* at boot: a value nobody may see */

/* Fault injection (book: injection).  X(point) for each. */
#define INJECT_POINTS(X) \
	X(FI_FRAME) X(FI_WAIT) X(FI_SLAB) X(FI_KPAGED) X(FI_COMMIT) X(FI_SLOT) \
	X(FI_SWAPIN) X(FI_SWAPOUT) X(FI_FILEIN) X(FI_FILEOUT) X(FI_IO_DELAY) \
	X(FI_TRYPIN) X(FI_TRYLOCK) X(FI_RESTART) X(FI_IPI_DELAY) X(FI_RECLAIM) \
	X(FI_TRIM) X(FI_TABLE) X(FI_EVICT_ENTRY) X(FI_SIGNAL) X(FI_PREEMPT)

#define INJECT_POINT(point) point,
enum inject_point { INJECT_POINTS(INJECT_POINT) FI_COUNT };
#undef INJECT_POINT

/* Count a hit at the point; true: fail now.  One test where none is armed. */
#if IN_LINE
bool inject_try(enum inject_point);

static inline bool
inject_hit(enum inject_point which)
{
	return evidence_is_asked() && inject_try(which);
}
#else
bool inject_hit(enum inject_point);
#endif

#endif
