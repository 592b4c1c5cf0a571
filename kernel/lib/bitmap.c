/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bitmap.c: runs of bits
 *
 * Problem   Swap slots and disk blocks are handed out in runs, so that one
 *           transfer moves several of them.
 *
 * Rules     A whole word at a time where it helps; the last word may hang over
 *           nbits, so every result is compared with it.
 *
 * Read next lib/hash.c.
 */
#include "lib/bitmap.h"

void
bitmap_set_run(uint64_t *map, size_t first, size_t n)
{
	for (; n > 0; n--, first++)
		bitmap_set(map, first);
}

void
bitmap_clear_run(uint64_t *map, size_t first, size_t n)
{
	for (; n > 0; n--, first++)
		bitmap_clear(map, first);
}

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

size_t
bitmap_find_run(const uint64_t *map, size_t nbits, size_t from, size_t want,
    size_t *len)
{
	size_t start, end, best = BITMAP_NONE;

	*len = 0;
	for (start = from;; start = end) {
		start = bitmap_next_clear(map, nbits, start);
		if (start == BITMAP_NONE)
			return best;
		end = bitmap_next_set(map, nbits, start);
		if (end == BITMAP_NONE)
			end = nbits;
		if (end - start > *len) {
			best = start;
			*len = MIN(end - start, want);
		}
		if (*len == want)
			return best;
	}
}
