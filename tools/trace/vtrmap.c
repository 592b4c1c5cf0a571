/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrmap.c: number → number, for the readers of traces
 *
 * Problem   Frames, slots and addresses of a trace come from a file: no array
 *           may be as large as the largest of them.
 *
 * Picture   key ─ hash ─→ cell, else the next one that is free or has the key
 *
 * Rules     At most half of the cells are used; out of memory ends the program.
 *
 * Read next vtrcheck.c.
 */
#include "vtrmap.h"

#include <stdlib.h>
#include <string.h>

static struct vtr_cell *
cell_of(const struct vtr_map *m, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15ull;
	size_t i = (size_t)(h >> 20) & (m->cap - 1);

	while (m->cell[i].used && m->cell[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->cell[i];
}

static void
grow(struct vtr_map *m)
{
	struct vtr_map old = *m;
	size_t i;

	m->cap = old.cap == 0 ? 256 : 2 * old.cap;
	m->cell = calloc(m->cap, sizeof *m->cell);
	if (m->cell == NULL)
		abort();
	for (i = 0; i < old.cap; i++)
		if (old.cell[i].used)
			*cell_of(m, old.cell[i].key) = old.cell[i];
	free(old.cell);
}

uint64_t *
vtr_map_at(struct vtr_map *m, uint64_t key)
{
	struct vtr_cell *c;

	if (2 * m->n >= m->cap)
		grow(m);
	c = cell_of(m, key);
	if (!c->used) {
		*c = (struct vtr_cell){ .key = key, .used = true };
		m->n++;
	}
	return &c->value;
}

void
vtr_map_free(struct vtr_map *m)
{
	free(m->cell);
	memset(m, 0, sizeof *m);
}
