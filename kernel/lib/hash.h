/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.h: integers to evenly spread integers, bytes to a check sum
 *
 * Rules     The same input gives the same hash on every run: tests repeat.
 *           Not for secrets, and not against an adversary.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include "lib/types.h"

/* 2^64 divided by the golden ratio: a product with it spreads low bits upwards. */
#define HASH_SPREAD 0x9e3779b97f4a7c15ul

/* All 64 bits of the result depend on all bits of x. */
uint64_t hash_u64(uint64_t x);

/* CRC-32 as zip and Ethernet have it, of more bytes; starts with 0. */
uint32_t crc32(uint32_t crc, const void *data, size_t n);

/* Next of a sequence of 2^64 - 1 numbers; *state is not 0. */
uint64_t hash_next_random(uint64_t *state);

#endif
