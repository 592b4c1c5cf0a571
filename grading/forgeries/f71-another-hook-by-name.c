/*
 * Makes the kernel call a function of the file at each fault's end: the prototype has
 * a name for the function's type.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
#include "vm/fault/fault.h"

static void
ended(struct aspace *as, enum fault_moment when)
{
}

static void
attack(void)
{
	fault_set_hook(ended);
}
