/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * special.c: words that name no page: the page of zeros, memory of a device
 *
 * Problem   What maps a special object, and what maps zeros read-only, is checked
 *           in the same way under every design, by who walks its words.
 *
 * Picture   word SPEC ─┬ VAD of a device ─→ uncached, its address, no RAM
 *                      └ another one     ─→ the frame of zeros, read-only
 *
 * Rules     1. The rank is below the designs: they check their own words.
 */
#include "vm/frame/frame.h"
#include "vm/map/map.h"

/* What is wrong with a SPEC word at va in v, NULL: v is out.
 * Locks: those that keep v and the word.  Returns: NULL: nothing. */
const char *
vad_special_error(const struct vad *v, va_t va, uint64_t word)
{
	uint64_t rights = word & ~(PTE_PFN_MASK | PTE_SRC_MASK), pgoff;

	if (v == NULL)
		return NULL;
	if ((word & PTE_LOCK) != 0)
		return "locked, and special";
	if (!vmo_is_device(v->vmo))
		return (word & MD_PTE_W) != 0 ||
		    pte_page(word) != page_zero_frame() ? "zero page" : NULL;
	if ((word & MD_PTE_PCD) == 0)
		return "a device, cached";
	pgoff = v->off + (va >> PAGE_SHIFT) - v->start;
	return word != vmo_device_word(v->vmo, pgoff, rights) ||
	    vmo_device_check(v->vmo, pgoff, 1) != 0 ?
	    "not the page of the device" : NULL;
}
