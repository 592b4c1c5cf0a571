/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bitmap.c: counting bits, and the next one
 *
 * Problem   A free swap slot or disk block must be found among very many, most
 *           of them used.
 *
 * Rules     A whole word at a time where it helps; the last word may hang over
 *           nbits, so every result is compared with it.
 *
 * Read next lib/hash.c.
 */
#include "lib/bitmap.h"

static size_t
count_word(uint64_t w)
{
	size_t n = 0;

	for (; w != 0; w &= w - 1)
		n++;
	return n;
}

size_t
bitmap_count(const uint64_t *map, size_t nbits)
{
	size_t i, n = 0;

	for (i = 0; i < nbits / 64; i++)
		n += count_word(map[i]);
	if (nbits % 64 != 0)
		n += count_word(map[i] & ((1ul << nbits % 64) - 1));
	return n;
}

/* First bit that differs from flip's bits (0: first set, ~0: first clear). */
static size_t
next_bit(const uint64_t *map, size_t nbits, size_t from, uint64_t flip)
{
	uint64_t w;
	size_t i;

	while (from < nbits) {
		w = (map[from / 64] ^ flip) >> (from % 64);
		if (w != 0) {
			i = from + (size_t)__builtin_ctzl(w);
			return i < nbits ? i : BITMAP_NONE;
		}
		from = (from / 64 + 1) * 64;
	}
	return BITMAP_NONE;
}

size_t
bitmap_next_clear(const uint64_t *map, size_t nbits, size_t from)
{
	return next_bit(map, nbits, from, ~0ul);
}

size_t
bitmap_next_set(const uint64_t *map, size_t nbits, size_t from)
{
	return next_bit(map, nbits, from, 0);
}
