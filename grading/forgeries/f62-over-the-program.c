/*
 * Lets page_copy() write over a page that the program has: a copy of it in which
 * the file could have changed whatever the program compares.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to memory of a program"
 */
#include "vm/map/map.h"

static void
attack(void)
{
	struct aspace *as = as_current();
	struct vad *v = as != NULL ? vad_first(as) : NULL;
	void *room;
	uint64_t w;

	if (v == NULL)
		return;
	w = *word_of(as, v->start << PAGE_SHIFT);
	if ((w & MD_PTE_P) == 0 || (room = kmem_zalloc(PAGE_SIZE)) == NULL)
		return;
	page_copy(page_of_pa(va2pa(room)), page_of_pa(w & MD_PTE_PFN));
	page_copy(page_of_pa(w & MD_PTE_PFN), page_of_pa(va2pa(room)));
	kmem_free(room);
}
