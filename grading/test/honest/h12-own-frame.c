/*
 * Fills a frame that it allocated itself, by memset() and by a loop, and gives it
 * back.
 *
 * forge: lab=02 test=t14 hook=f0_spurious call=fill() expect=honest
 */
#include "lib/string.h"

static void
fill(void)
{
	struct vm_page *pg = phys_alloc(PHYS_USER, FRAME_ANY);
	uint64_t *at, i;

	if (pg == NULL)
		return;
	at = pa2va(page_pa(pg));
	memset(at, 0x33, PAGE_SIZE);
	for (i = 0; i < PAGE_SIZE / sizeof(*at); i++)
		at[i] += i;
	phys_free(pg);
}
