/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrmap.h: number → number, for the readers of traces
 *
 * Typical:  struct vtr_map m = { 0 }; *vtr_map_at(&m, pfn) = 7; vtr_map_free(&m)
 */
#ifndef TOOLS_VTRMAP_H
#define TOOLS_VTRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vtr_cell {
	uint64_t key, value;
	bool used;
};

struct vtr_map {
	struct vtr_cell *cell;
	size_t cap, n;
};

/* The value of a key, 0 where it is new; until the next call. */
uint64_t *vtr_map_at(struct vtr_map *, uint64_t key);
void vtr_map_free(struct vtr_map *);

#endif
