/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_map.c: what lies where in a graded kernel
 *
 * Problem   The witness sees addresses; whose they are only the linker knows.
 *
 * Picture   lines of grading/witness/border.c ─→ lists of ranges, and for each byte of
 *           the image: which object (two of them may share a word)
 *
 * Rules     1. Read once, before the machine runs; never changed.
 *           2. Objects and variables have numbers from 1; 0: nobody's.
 *
 * Read next witness_border.c.
 */
#include "witness/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct map map;

static void
add(struct list *l, uint64_t lo, uint64_t hi)
{
	if ((l->n & (l->n + 1)) == 0)
		l->v = realloc(l->v, (2 * l->n + 2) * sizeof *l->v);
	if (l->v == NULL)
		_exit(3);
	l->v[l->n++] = (struct range){ lo, hi };
}

const struct range *
list_find(const struct list *l, uint64_t va)
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (l->v[mid].hi <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && va >= l->v[lo].lo ? &l->v[lo] : NULL;
}

bool
list_has(const struct list *l, uint64_t va)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (va >= l->v[i].lo && va < l->v[i].hi)
			return true;
	return false;
}

/* ---- objects ---- */

static void
own(uint16_t *table, uint64_t base, uint64_t end, const unsigned long v[3])
{
	uint64_t va;

	if (table == NULL || v[0] < base || v[1] > end || v[2] > UINT16_MAX)
		return;
	for (va = v[0]; va < v[1]; va++)
		table[va - base] = (uint16_t)v[2];
}

/* "image TEXT DATA END" comes before the first "code" and "own". */
static void
image(const unsigned long v[3])
{
	map.text.lo = v[0];
	map.text.hi = v[1];
	map.image_end = v[2];
	map.code_of = calloc(v[1] - v[0], sizeof *map.code_of);
	map.data_of = calloc(v[2] - v[1], sizeof *map.data_of);
	map.lent = calloc((v[2] - v[1]) / 8 + 1, sizeof *map.lent);
	map.variable_of = calloc(v[2] - v[1], sizeof *map.variable_of);
	map.known = calloc(VARIABLES * OBJECTS, sizeof *map.known);
	if (map.code_of == NULL || map.data_of == NULL || map.lent == NULL ||
	    map.variable_of == NULL || map.known == NULL)
		_exit(3);
}

/* The next variable; what is behind the last one counts as one. */
static void
variable(const unsigned long v[3])
{
	static unsigned n;
	unsigned long mine[3] = { v[0], v[1], n };

	if (n + 1 < VARIABLES)
		mine[2] = ++n;
	own(map.variable_of, map.text.hi, map.image_end, mine);
}

unsigned
map_code_of(uint64_t pc)
{
	return pc - map.text.lo < map.text.hi - map.text.lo
		   ? map.code_of[pc - map.text.lo]
		   : 0;
}

unsigned
map_data_of(uint64_t va)
{
	return va - map.text.hi < map.image_end - map.text.hi
		   ? map.data_of[va - map.text.hi]
		   : 0;
}

bool *
map_known(uint64_t va, unsigned object)
{
	return &map.known[map.variable_of[va - map.text.hi] * OBJECTS + object];
}

/* ---- lines ---- */

static void
line_read(const char *line)
{
	static const struct {
		const char *word;
		struct list *list;
	} lists[] = { { "lab", &map.lab_code }, { "data", &map.lab_data },
		{ "import", &map.imports }, { "sealed", &map.sealed },
		{ "function", &map.functions }, { "start", &map.starts },
		{ "entry", &map.entries }, { "fill", &map.fills },
		{ "string", &map.strings }, { "word", &map.words },
		{ "lock", &map.locks }, { "copy", &map.copies },
		{ "counter", &map.counters },
		{ "cold", &map.cold } };
	static const struct {
		const char *word;
		uint64_t *lo, *hi;
	} ranges[] = { { "stubs", &map.stubs.lo, &map.stubs.hi },
		{ "bootstack", &map.boot_stack.lo, &map.boot_stack.hi },
		{ "arena", &map.arena.lo, &map.arena.hi },
		{ "kpaged", &map.kpaged.lo, &map.kpaged.hi },
		{ "base", &map.direct, &map.pfdb },
		{ "root", &map.root_at, NULL },
		{ "cells", &map.cells.lo, &map.cells.hi },
		{ "row", &map.row, NULL },
		{ "sethome", &map.set_home, NULL } };
	unsigned long v[3] = { 0 };
	char word[32];
	size_t i;

	if (sscanf(line, "%31s %lx %lx %lx", word, &v[0], &v[1], &v[2]) < 2)
		return;
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (strcmp(word, lists[i].word) == 0)
			add(lists[i].list, v[0], v[1]);
	for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (strcmp(word, ranges[i].word) == 0) {
			*ranges[i].lo = v[0];
			if (ranges[i].hi != NULL)
				*ranges[i].hi = v[1];
		}
	if (strcmp(word, "image") == 0)
		image(v);
	else if (strcmp(word, "code") == 0)
		own(map.code_of, map.text.lo, map.text.hi, v);
	else if (strcmp(word, "own") == 0)
		own(map.data_of, map.text.hi, map.image_end, v);
	else if (strcmp(word, "variable") == 0)
		variable(v);
	else if (strcmp(word, "uses") == 0 && v[1] < OBJECTS &&
		 v[0] - map.text.hi < map.image_end - map.text.hi)
		*map_known(v[0], (unsigned)v[1]) = true;
	else if (strcmp(word, "count") == 0 && v[0] < COUNTERS)
		map.counts[v[0]] = true;
	else if (v[0] >= OBJECTS)
		return;
	else if (strcmp(word, "folder") == 0)
		map.folder[v[0]] = (uint16_t)v[1];
	else if (strcmp(word, "lends") == 0)
		map.lends[v[0]] = true;
	else if (strcmp(word, "judge") == 0)
		map.judges[v[0]] = true;
	else if (strcmp(word, "helper") == 0)
		map.helpers[v[0]] = true;
	else if (strcmp(word, "test") == 0)
		map.tests[v[0]] = true;
}

bool
map_read(const char *path)
{
	char line[256];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	while (fgets(line, sizeof line, f) != NULL)
		line_read(line);
	fclose(f);
	map.saves = calloc(map.functions.n + 1, sizeof *map.saves);
	map.cold_of = calloc(map.functions.n + 1, sizeof *map.cold_of);
	return map.saves != NULL && map.cold_of != NULL && map.lab_code.n > 0 && map.data_of != NULL;
}
