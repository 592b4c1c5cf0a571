/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c: the whole machine as it was, for the next schedule
 *
 * Problem   A hundred thousand schedules begin in the same state; to boot for
 *           each would take most of the time, and a state that is almost the
 *           same would not replay.
 *
 * Rules     1. The world is: initialised and zero data of this program, the
 *              RAM in use, the disk, the stacks of the daemons.
 *           2. Copied by words, not by memcpy: the sanitizer keeps gaps
 *              between variables that memcpy may not touch.
 *           3. Bytes of free frames are not put back: nobody may read them.
 *
 * Read next sim.h, rule 2.
 */
#include <string.h>

#include "boot/boot.h"
#include "test/sim/sim.h"

extern uint64_t __data_start[], _end[];

struct kept {
	uint64_t *data;
	uint8_t *ram;
	uint8_t *stack[SIM_FIBERS];
	unsigned nfibers;
};

static struct kept *kept; /* constant from the first save on */

__attribute__((no_sanitize_address, optimize("no-tree-loop-distribute-patterns")))
static void
copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
	while (n-- > 0)
		*to++ = *from++;
}

static size_t
data_words(void)
{
	return (size_t)(_end - __data_start);
}

void
world_save(void)
{
	size_t n, bytes = boot_info()->top;
	unsigned i;

	if (kept == NULL) {
		kept = sim_alloc(sizeof(*kept));
		kept->data = sim_alloc(data_words() * 8);
		kept->ram = sim_alloc(bytes);
	}
	kept->nfibers = sim.nfibers;
	memcpy(kept->ram, pa2va(0), bytes);
	for (i = 0; i < sim.nfibers; i++) {
		uint8_t *stack = sim_stack(i, &n);
		size_t used = (size_t)(stack + n - (uint8_t *)sim.fiber[i].sp);

		kept->stack[i] = sim_alloc(used);
		memcpy(kept->stack[i], sim.fiber[i].sp, used);
	}
	sim_disk_keep();
	copy_words(kept->data, __data_start, data_words());
}

void
world_restore(void)
{
	size_t n, bytes = boot_info()->top;
	uint8_t *ram = pa2va(0);
	unsigned i;

	copy_words(__data_start, kept->data, data_words());
	sim_disk_restore();
	window_forget_all();
	for (i = 1; i < bytes >> PAGE_SHIFT; i++)
		if (pfdb[i].state != PG_FREE)
			memcpy(ram + i * PAGE_SIZE, kept->ram + i * PAGE_SIZE,
			    PAGE_SIZE);
	for (i = 0; i < kept->nfibers; i++) {
		uint8_t *stack = sim_stack(i, &n);

		memcpy(sim.fiber[i].sp, kept->stack[i],
		    (size_t)(stack + n - (uint8_t *)sim.fiber[i].sp));
	}
}
