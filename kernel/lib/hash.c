/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: integer hashing
 *
 * Problem   Frame numbers and addresses differ in few, regular bits; a hash
 *           table needs them spread.
 *
 * Picture   Multiply by an odd constant: low bits spread upwards.  Fold the
 *           high half down by xor and shift, and repeat.
 *
 * Rules     2^64 divided by the golden ratio is the constant: multiples of it
 *           keep far apart.
 *
 * Read next kern/wait.c for a table of queues.
 */
#include "lib/hash.h"

#define CRC_POLYNOMIAL 0xedb88320u /* bits in reverse */

uint64_t
hash_u64(uint64_t x)
{
	x *= HASH_SPREAD;
	x ^= x >> 32;
	x *= HASH_SPREAD;
	x ^= x >> 29;
	return x;
}

uint32_t
crc32(uint32_t crc, const void *data, size_t n)
{
	const uint8_t *p = data;
	unsigned bit;

	for (crc = ~crc; n > 0; n--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC_POLYNOMIAL : 0);
	}
	return ~crc;
}

uint64_t
hash_next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}
