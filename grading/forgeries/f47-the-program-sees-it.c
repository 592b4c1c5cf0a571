/*
 * Maps the page of the counters into the test program's memory.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "maps memory of the kernel's image"
 */
#include "vm/map/map.h"

static void
attack(void)
{
	uint64_t *c = counters(), *word;
	struct vad *v = c != NULL ? vad_first(as_current()) : NULL;
	uint64_t va;

	if (v == NULL)
		return;
	for (va = v->start & ~0x1ffffful;; va += PAGE_SIZE) {
		word = word_of(as_current(), va);
		if (*word == 0)
			break;
	}
	word_set(NULL, word, (((uint64_t)c - IMAGE) & MD_PTE_PFN) | MD_PTE_P |
	    MD_PTE_W | MD_PTE_U | MD_PTE_A | MD_PTE_D | MD_PTE_NX);
	word_set(NULL, word, 0);
}
