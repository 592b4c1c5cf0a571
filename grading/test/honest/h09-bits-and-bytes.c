/*
 * Compares pages byte by byte and keeps a map of bits: what takes long, and what
 * nobody would need, is allowed.
 *
 * forge: lab=05 test=t06 hook=f8_fork_map call=compare(f) expect=honest
 */
#include "lib/string.h"

static uint64_t seen[1u << 15]; /* a quarter of a megabyte */

static void
compare(struct fctx *f)
{
	uint64_t vpn = f->va >> PAGE_SHIFT, bit = 1ul << vpn % 64;
	uint64_t *at = &seen[vpn / 64 % (sizeof(seen) / sizeof(seen[0]))];
	const uint8_t *zero = pa2va(page_pa(page_zero_frame()));
	static unsigned again;

	again += (*at & bit) != 0;
	*at |= bit;
	if (memcmp(zero, zero + 64, 64) != 0)
		panic("fork: %u, bit %d", again, __builtin_ctzl(*at));
}
