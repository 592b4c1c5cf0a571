/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show.c: a road as text
 *
 * Problem   A road has some hundred places.  Whoever reads it wants to see who
 *           called whom, what it cost, and where the next file begins.
 *
 * Picture   nr  own  helpers  file  function, indented under who called it  x 12
 *
 * Rules     1. Calls of one function from one place are one line, with their
 *              number.
 *           2. A number stands where a function is met for the first time.
 *           3. In brackets: the way to what counts.
 *
 * Read next draw.c.
 */
#include <stdlib.h>
#include <string.h>

#include "road.h"

struct view {
	FILE *out;
	bool helpers;
};

static bool
is_line(const struct view *v, const struct node *n)
{
	const struct node *d;

	if (!n->shown)
		return false;
	if (!n->helper || v->helpers)
		return true;
	/* A helper that calls back, as a list of work does. */
	for (d = n->down; d != NULL; d = d->next)
		if (is_line(v, d))
			return true;
	return false;
}

static void
show_nodes(struct view *v, const struct node *n, unsigned depth)
{
	const struct node *d;
	char nr[24];

	for (d = n->down; d != NULL; d = d->next) {
		if (!is_line(v, d))
			continue;
		nr[0] = '\0';
		if (d->fn->met == d)
			snprintf(nr, sizeof nr, "%zu", d->fn->order);
		if (d->counted)
			fprintf(v->out, "%4s %8lu %8lu  ", nr, d->insns,
			    d->helper ? 0 : d->helpers);
		else
			fprintf(v->out, "%4s %8s %8s  ", "", "", "");
		fprintf(v->out, "%-26s %*s%s%s%s", d->fn->file, 2 * (int)depth,
		    "", d->counted ? "" : "(", d->fn->name,
		    d->counted ? "" : ")");
		if (d->calls > 1)
			fprintf(v->out, " x %lu", d->calls);
		fputc('\n', v->out);
		show_nodes(v, d, depth + 1);
	}
}

static void
show_others(FILE *out, const struct op *op, const struct way *w)
{
	size_t i;

	for (i = 0; i < w->nthreads; i++)
		if (!who_counts(op->who, w->thread[i]))
			fprintf(out, "left out: %s, %lu instructions\n",
			    w->thread[i]->name, w->thread[i]->insns);
	if (w->interrupts > 0)
		fprintf(out, "left out: %zu interrupts, %lu instructions\n",
		    w->interrupts, w->irq_insns);
}

/* ---- lists ---- */

static int
insns_order(const void *a, const void *b)
{
	const struct fn *f = *(struct fn *const *)a;
	const struct fn *g = *(struct fn *const *)b;

	if (f->insns != g->insns)
		return f->insns > g->insns ? -1 : 1;
	return (f->order > g->order) - (f->order < g->order);
}

static void
show_heavy(FILE *out, const struct road *r)
{
	struct fn **by = NULL;
	size_t i;

	for (i = 0; i < r->n; i++) {
		by = room(by, i, sizeof(struct fn *));
		by[i] = r->fn[i];
	}
	if (r->n > 0)
		qsort(by, r->n, sizeof(struct fn *), insns_order);
	fprintf(out, "\ninstructions  calls  function\n");
	for (i = 0; i < r->n; i++)
		fprintf(out, "%12lu %6lu  %s (%s:%u)\n", by[i]->insns,
		    by[i]->calls, by[i]->name, by[i]->file, by[i]->line);
	free(by);
}

/* Each file where it is entered first. */
static void
show_files(FILE *out, const struct road *r)
{
	size_t i, j, n, entered;
	uint64_t insns;

	fprintf(out, "\nfunctions  entered  instructions  file\n");
	for (i = 0; i < r->n; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(r->fn[j]->file, r->fn[i]->file) == 0)
				break;
		if (j < i)
			continue;
		n = entered = insns = 0;
		for (j = i; j < r->n; j++) {
			if (strcmp(r->fn[j]->file, r->fn[i]->file) != 0)
				continue;
			n++;
			insns += r->fn[j]->insns;
			entered += j == i || strcmp(r->fn[j - 1]->file,
						 r->fn[j]->file) != 0;
		}
		fprintf(out, "%9zu %8zu %13lu  %s\n", n, entered, insns,
		    r->fn[i]->file);
	}
}

void
show_figures(FILE *out, const struct road *r)
{
	fprintf(out,
	    "\nroad:       %zu functions, %zu files, %zu changes of "
	    "file, %zu returns to one left before\n",
	    r->n, r->files, r->changes, r->returns);
	fprintf(out,
	    "kernel/vm:  %zu functions, %zu files, %zu changes, "
	    "%zu returns\n",
	    r->vm_functions, r->vm_files, r->vm_changes, r->vm_returns);
	fprintf(out,
	    "instructions: %lu, of them %lu in kernel/vm, %lu in "
	    "helpers\n",
	    r->insns, r->vm_insns, r->helper_insns);
	if (r->times > 1)
		fprintf(out, "for each of %lu: %lu, of them %lu in kernel/vm\n",
		    r->times, r->insns / r->times, r->vm_insns / r->times);
}

void
show_tree(FILE *out, const struct op *op, const struct way *w,
    const struct road *r, bool helpers)
{
	struct view v = { .out = out, .helpers = helpers };
	size_t i;

	fprintf(out, "%s: %s\n\n", op->name, op->what);
	fprintf(out, "%4s %8s %8s  %-26s %s\n", "nr", "own", "helpers", "file",
	    "function");
	for (i = 0; i < w->nthreads; i++) {
		if (!who_counts(op->who, w->thread[i]))
			continue;
		fprintf(out, "%24s%s\n", "", w->thread[i]->name);
		show_nodes(&v, &w->thread[i]->root, 1);
	}
	show_files(out, r);
	show_heavy(out, r);
	show_figures(out, r);
	show_others(out, op, w);
}
