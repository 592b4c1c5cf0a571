/*@ gap_in_subtree */
/*@ gap_before */
/*@ vad_find_gap */
/* 0: the smallest hole that has room, 1: the largest, 2: the lowest. */
#define FIT @fit@
#define HIGHER @higher@ /* of two of the same size */
#define TOP @top@       /* at the upper end of the hole */

/* Is a hole of this size, above the best one so far, taken instead? */
static bool
is_better(uint64_t size, uint64_t best)
{
	if (best == 0)
		return true;
	if (FIT == 2)
		return false;
	if (size == best)
		return HIGHER != 0;
	return FIT == 0 ? size < best : size > best;
}

/* A hole of [lo, hi) for so many pages.
 * Locks: [M] shared or exclusive.
 * Returns: 0 with the start in *vpn, -ENOMEM. */
int
vad_find_gap(struct aspace *as, uint64_t pages, uint64_t lo, uint64_t hi,
    uint64_t *vpn)
{
	uint64_t at = lo, end, best = 0;
	struct vad *v = vad_first(as);

	HELD_SHARED(&as->map_lock);
	ASSERT(pages > 0 && lo < hi);
	while (at < hi) {
		end = v == NULL ? hi : MIN(hi, v->start);
		if (end > at && end - at >= pages && is_better(end - at, best)) {
			best = end - at;
			*vpn = TOP ? end - pages : at;
		}
		if (v == NULL)
			break;
		at = MAX(at, v->end);
		v = vad_next(v);
	}
	return best == 0 ? -ENOMEM : 0;
}
