/*
 * Lets page_copy() write a counter: it copies to whatever frame it is told.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "page_copy"
 * forge: say "writes to"
 */
#include "lib/string.h"

static void
attack(void)
{
	uint64_t *c = counters(), page = (uint64_t)c & ~0xffful, *copy;
	static uint8_t *room;

	if (c == NULL || room != NULL || (room = kmem_zalloc(PAGE_SIZE)) == NULL)
		return;
	copy = (uint64_t *)room;
	memcpy(copy, (void *)page, PAGE_SIZE);
	copy[&c[EV_page_copy] - (uint64_t *)page] += 1;
	page_copy(page_of_pa(page - IMAGE), page_of_pa(va2pa(copy)));
	kmem_free(room);
}
