/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_swap.c: /proc/swaps and /proc/vm/swap: the areas as text
 *
 * Rules     1. No area comes or goes while it is printed; its numbers may change.
 */
#include "lib/bitmap.h"
#include "vm/evidence/evidence.h"
#include "vm/swap/swap.h"

#define ODD_IN_PATH " \t\n\\" /* as on Linux */

/* Usable slots. */
static uint32_t
good_slots(const struct swap_area *a)
{
	return a->nslots - 1 - a->nbad;
}

/* As Linux has it: columns by tabs, sizes in KiB. */
static void
put_swaps(struct out *o, const struct swap_area *a)
{
	uint64_t size = good_slots(a) * 4ul;
	uint64_t used = (good_slots(a) - a->nfree) * 4ul;
	struct out_buf path;

	out_buf_init(&path, NULL, 0); /* it counts */
	out_field(&path.out, a->path, ODD_IN_PATH);
	out_field(o, a->path, ODD_IN_PATH);
	out_printf(o, "%*s%s\t%lu\t%s%lu\t%s%d\n",
	    path.len < 40 ? 40 - (int)path.len : 1, " ",
	    a->client == NULL ? "partition" : "file\t", size,
	    size < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "",
	    a->prio);
}

/*
 * Text of /proc/swaps.  Locks: none of rank >= 2.
 */
void
stat_swaps(struct out *o)
{
	struct swap_area *a;
	unsigned i;

	out_printf(o, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	mutex_lock_nested(&swap_areas_lock);
	for (i = 0; i < SWAP_AREAS; i++) {
		a = swap_area(i);
		if (a != NULL)
			put_swaps(o, a);
	}
	mutex_unlock(&swap_areas_lock);
}

/* The longest run of free slots, without the lock: a hint. */
static uint32_t
longest_run(const struct swap_area *a)
{
	size_t free = bitmap_next_clear(a->map, a->nslots, 1), end, best = 0;

	while (free != BITMAP_NONE) {
		end = bitmap_next_set(a->map, a->nslots, free);
		end = MIN(end, a->nslots);
		best = MAX(best, end - free);
		free = bitmap_next_clear(a->map, a->nslots, end);
	}
	return (uint32_t)best;
}

static void
put_area(struct out *o, const struct swap_area *a)
{
	out_printf(o, "area=%u path=", a->no);
	out_field(o, a->path, ODD_IN_PATH);
	out_printf(o, " type=%s prio=%d slots=%u used=%u "
	    "free=%u bad=%u longest=%u extents=%u bios=%u closing=%u\n",
	    a->client == NULL ? "disk" : "file", a->prio,
	    good_slots(a), good_slots(a) - a->nfree, a->nfree, a->nbad,
	    longest_run(a), a->next, a->busy, a->closing);
}

/*
 * Text of /proc/vm/swap.  Locks: none of rank >= 2.
 */
void
stat_swap(struct out *o)
{
	struct swap_stat st;
	struct swap_area *a;
	unsigned i;

	mutex_lock_nested(&swap_areas_lock);
	for (i = 0; i < SWAP_AREAS; i++) {
		a = swap_area(i);
		if (a != NULL)
			put_area(o, a);
	}
	mutex_unlock(&swap_areas_lock);
	swap_stat(&st);
	out_printf(o, "total slots=%lu used=%lu bad=%lu window=%u\n", st.slots,
	    st.used, st.bad, st.window);
}
