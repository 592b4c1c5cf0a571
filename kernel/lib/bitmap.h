/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bitmap.h: sets of small numbers as bits of 64-bit words
 *
 * Offers    single bits, counting, searching a clear or a set bit.
 * Rules     No locking; bits at and beyond nbits are never looked at.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_NONE SIZE_MAX
#define BITMAP_WORDS(nbits) (((nbits) + 63) / 64)

static inline bool
bitmap_test(const uint64_t *map, size_t i)
{
	return (map[i / 64] >> (i % 64) & 1) != 0;
}

static inline void
bitmap_set(uint64_t *map, size_t i)
{
	map[i / 64] |= 1ul << (i % 64);
}

static inline void
bitmap_clear(uint64_t *map, size_t i)
{
	map[i / 64] &= ~(1ul << (i % 64));
}

/* How many of the first nbits bits are set. */
size_t bitmap_count(const uint64_t *map, size_t nbits);

/* First clear or set bit at or above from; BITMAP_NONE: there is none. */
size_t bitmap_next_clear(const uint64_t *map, size_t nbits, size_t from);
size_t bitmap_next_set(const uint64_t *map, size_t nbits, size_t from);

#endif
