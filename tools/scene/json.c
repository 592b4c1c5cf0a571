/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.c: a graph as the book reads it
 *
 * Rules     1. Each item, state and list of steps is a line: a change of the
 *              kernel shows as lines that differ.
 *           2. States are lists of items by number, steps lists of
 *              [action, state, outcome, note].
 */
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"
#include "tools/scene/scene.h"

static FILE *out;

static void
text(const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void
field(const char *key, const char *value)
{
	fprintf(out, "\"%s\":", key);
	text(value);
	fputs(",\n", out);
}

static void
head(const struct scene *sc, bool planted)
{
	unsigned i;

	fputs("{", out);
	field("scene", sc->id);
	field("title", sc->title);
	field("bug", planted ? sc->bug : "");
	if (sc->design[0] != '\0')
		field("design", sc->design);
	fprintf(out, "\"shows\":%u,\"pages\":%u,\"cpus\":%u,\n",
	    sc->shows, sc->npages, sc->ncpus);
	if (sc->at[sc->npages - 1] != sc->npages - 1) {
		fprintf(out, "\"at\":[%u", sc->at[0]);
		for (i = 1; i < sc->npages; i++)
			fprintf(out, ",%u", sc->at[i]);
		fputs("],\n", out);
	}
	fputs("\"procs\":[", out);
	for (i = 0; i < sc->nprocs; i++) {
		fputs(i == 0 ? "" : ",", out);
		text(sc->proc[i]);
	}
	fputs("],\n\"acts\":[", out);
	for (i = 0; sc->ncpus == 0 && i < sc->nacts; i++) {
		fprintf(out, "%s[", i == 0 ? "" : ",\n");
		text(sc->act[i].who < 0 ? "kernel" : sc->proc[sc->act[i].who]);
		fputc(',', out);
		text(sc->act[i].label);
		fputc(']', out);
	}
	for (i = 0; i < sc->ncpus; i++)
		fprintf(out, "%s[\"CPU %u\",\"goes on\"]", i == 0 ? "" : ",", i);
	fputs("],\n\"outcomes\":[", out);
	for (i = 0; i < sc->noutcomes; i++) {
		fputs(i == 0 ? "" : ",\n", out);
		text(sc->outcome[i].text);
	}
	fputs("],\n", out);
}

static void
names(const struct scene *sc, const struct graph *g)
{
	const char *comma = "";
	unsigned i;

	fputs("\"names\":[", out);
	for (i = 0; i < sc->nnames; i++) {
		if (g->name[i] == UINT32_MAX)
			continue;
		fprintf(out, "%s[", comma);
		text(sc->name[i].id);
		fprintf(out, ",%u,", g->name[i]);
		text(sc->name[i].text);
		fputc(']', out);
		comma = ",\n";
	}
	fputs("],\n\"puzzles\":[", out);
	for (i = 0; i < sc->npuzzles; i++) {
		const struct puzzle *p = &sc->puzzle[i];

		fprintf(out, "%s[%u,%d,", i == 0 ? "" : ",\n", p->steps,
		    (int)g->least[i]);
		text(p->at[0] != '\0' ? p->at : p->counter);
		fprintf(out, ",%d,", p->at[0] == '\0');
		text(p->text);
		fputc(']', out);
	}
	fputs("],\n", out);
}

/* All items in the order in which they are met; a state is their numbers. */
static void
states(const struct graph *g)
{
	static char *item[20000];
	static unsigned list[6000][48];
	unsigned n = 0, s, i, k, *at;
	char *line, *save;

	for (s = 0; s < g->nstates; s++) {
		at = list[s];
		for (line = strtok_r(g->state[s].body, "\n", &save);
		    line != NULL; line = strtok_r(NULL, "\n", &save)) {
			for (i = 0; i < n && strcmp(item[i], line) != 0; i++)
				;
			if (i == n)
				item[n++] = line;
			ASSERT(n < ARRAY_LEN(item) && at < list[s] + 47);
			*at++ = i + 1;
		}
	}
	fputs("\"items\":[", out);
	for (i = 0; i < n; i++) {
		fputs(i == 0 ? "" : ",\n", out);
		text(item[i]);
	}
	fputs("],\n\"states\":[", out);
	for (s = 0; s < g->nstates; s++) {
		fputs(s == 0 ? "[" : ",\n[", out);
		for (k = 0; list[s][k] != 0; k++)
			fprintf(out, k == 0 ? "%u" : ",%u", list[s][k] - 1);
		fputc(']', out);
	}
	fputs("],\n", out);
}

static void
steps(const struct graph *g)
{
	unsigned s, k;

	fputs("\"notes\":[", out);
	for (s = 0; s < g->nnotes; s++) {
		fputs(s == 0 ? "" : ",\n", out);
		text(g->note[s]);
	}
	fputs("],\n\"steps\":[", out);
	for (s = 0; s < g->nstates; s++) {
		fputs(s == 0 ? "[" : ",\n[", out);
		for (k = 0; k < g->state[s].nsteps; k++) {
			const struct edge *t = &g->state[s].step[k];

			fprintf(out, "%s[%u,%u,%d,%u]", k == 0 ? "" : ",",
			    t->act, t->to, t->outcome, t->note);
		}
		fputc(']', out);
	}
	fputs("]}\n", out);
}

void
json_write(const struct scene *sc, const struct graph *g, bool planted,
    FILE *file)
{
	out = file;
	head(sc, planted);
	names(sc, g);
	states(g);
	steps(g);
}
