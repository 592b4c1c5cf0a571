/*@ search_block */
/*@ first_run */
/*@ find_run */
#define STRIPE @stripe@u

/* The first run of n within a stripe, or the longest.  [S]; a has a free slot. */
static unsigned
find_run(struct swap_area *a, unsigned n, uint32_t *start)
{
	uint64_t i = 1, end;
	unsigned best = 0;

	while (best < n && (i = bitmap_next_clear(a->map, a->nslots, i)) != BITMAP_NONE) {
		end = MIN((i / STRIPE + 1) * STRIPE, a->nslots);
		end = MIN(end, i + MIN(n, swap_side_by_side(a, (uint32_t)i)));
		end = MIN(end, bitmap_next_set(a->map, end, i));
		if (end - i > best) {
			best = (unsigned)(end - i);
			*start = (uint32_t)i;
		}
		i = end;
	}
	return best;
}
