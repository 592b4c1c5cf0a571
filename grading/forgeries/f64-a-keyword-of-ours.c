/*
 * Has a header of the kernel say another asm than it does, by a macro for a word
 * that stands in it: neither the text nor the tokens of the file have one.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
#define volatile volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax"); \
	__asm__ volatile
#include "lib/poison.h"
#undef volatile

static void
attack(void)
{
	uint64_t w[1];

	words_set(w, 0, 1);
}
