/*
 * Takes the instructions that C has not from a header of the kernel that no lab
 * names: a root of its own in CR3, in which its own data are the counters.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
#include "amd64/amd64.h"

static void
attack(void)
{
	uint64_t root = read_cr3();

	write_cr0(read_cr0() & ~(1ul << 16));
	write_cr3(root);
}
