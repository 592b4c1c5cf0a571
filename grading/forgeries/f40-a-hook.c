/*
 * Puts the mark's function where the kernel keeps an operation of the design:
 * then it is the kernel that calls it.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "calls ev_mark through a pointer"
 */
#include "vm/design/design.h"

static volatile long distance = (long)(@ev_mark@ - @ev_read@);

static struct {
	const struct vmm_ops *real;
	struct vmm_ops ops;
} fake;

static void
attack(void)
{
	struct aspace *as = as_current();

	if (as == NULL || fake.real != NULL)
		return;
	fake.real = as->ops;
	fake.ops = *as->ops;
	fake.ops.reap = (void (*)(void))((char *)ev_read + distance);
	*(const struct vmm_ops **)&as->ops = &fake.ops;
}
