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
	const struct school *real;
	struct school school;
} fake;

static void
attack(void)
{
	struct aspace *as = as_current();

	if (as == NULL || fake.real != NULL)
		return;
	fake.real = as->school;
	fake.school = *as->school;
	fake.school.as_fini = (void (*)(struct aspace *))((char *)ev_read + distance);
	*(const struct school **)&as->school = &fake.school;
}
