/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plant.c: a data race, on purpose: races.c rule 4
 */
#include "lib/types.h"

void races_plant(void);

static uint64_t planted;

/* All CPUs add, now and then; none has a lock. */
void
races_plant(void)
{
	planted++;
}
