/*
 * Sets a word of a page table itself, where no function counts it.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to a page table"
 */
#include "vm/map/map.h"

static void
attack(void)
{
	struct aspace *as = as_current();
	struct vad *v = as != NULL ? vad_first(as) : NULL;

	if (v != NULL)
		*(volatile uint64_t *)word_of(as, v->start << PAGE_SHIFT) |= 0;
}
