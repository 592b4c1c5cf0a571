/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tally.c: the figures of a road
 *
 * Problem   How far is it from a store to its page?  Instructions say what the
 *           machine pays; functions, files and returns say what a reader pays.
 *
 * Picture   all nodes that count, by when they were met ─→ functions, each once
 *           a.c a.c b.c a.c c.c:  3 files, 3 changes, 1 return
 *
 * Rules     1. Each function counts once, where it is met first: a reader who has
 *              read it does not read it again.
 *           2. A change: the next function lies in another file.  A return: in
 *              one that was left before.
 *           3. Helpers count by their instructions only; what they ask of the
 *              machine is theirs.
 *
 * Read next show.c.
 */
#include <stdlib.h>
#include <string.h>

#include "road.h"

bool
who_counts(enum who who, const struct thread *t)
{
	switch (who) {
	case WHO_PROGRAM:
		return t->program;
	case WHO_ANOTHER:
		return t->user && !t->program;
	case WHO_ALL:
		return !t->idle;
	}
	return false;
}

/* ---- all nodes ---- */

static void
each(struct node *n, void (*fn)(struct node *, void *), void *arg)
{
	struct node *d;

	for (d = n->down; d != NULL; d = d->next) {
		fn(d, arg);
		each(d, fn, arg);
	}
}

static void
forget(struct node *n, void *arg)
{
	n->fn->order = 0;
	n->fn->calls = n->fn->insns = 0;
	n->fn->reference = false;
	n->fn->met = NULL;
}

static void
note_reference(struct node *n, void *arg)
{
	n->fn->reference = true;
}

struct list {
	struct node **node;
	size_t n;
	bool minus; /* of the program, where there is a reference */
};

/* Comes to a node after what is above it. */
static void
judge(struct node *n, void *arg)
{
	struct list *l = arg;
	struct node *up;

	n->helper = n->fn->helper || (n->up->helper && n->fn->machine);
	n->counted = !l->minus || (n->up->fn != NULL && n->up->counted) ||
	             (!n->helper && !n->fn->reference);
	if (!n->counted)
		return;
	l->node = room(l->node, l->n, sizeof(struct node *));
	l->node[l->n++] = n;
	for (up = n; up != NULL && !up->shown; up = up->up)
		up->shown = true;
	if (!n->helper)
		return;
	for (up = n->up; up->fn != NULL && up->helper; up = up->up)
		;
	up->helpers += n->insns;
}

static int
node_order(const void *a, const void *b)
{
	const struct node *m = *(struct node *const *)a;
	const struct node *n = *(struct node *const *)b;

	return (m->first > n->first) - (m->first < n->first);
}

/* ---- figures ---- */

/* Files, changes and returns of the functions, or of those of vm. */
static void
count_files(const struct road *r, bool vm, size_t *files, size_t *changes,
    size_t *returns)
{
	const char **seen = NULL, *now = NULL;
	size_t i, j;

	*files = *changes = *returns = 0;
	for (i = 0; i < r->n; i++) {
		if ((vm && !r->fn[i]->vm) ||
		    (now != NULL && strcmp(now, r->fn[i]->file) == 0))
			continue;
		*changes += now != NULL;
		now = r->fn[i]->file;
		for (j = 0; j < *files && strcmp(seen[j], now) != 0; j++)
			;
		*returns += j < *files;
		if (j < *files)
			continue;
		seen = room(seen, *files, sizeof(char *));
		seen[(*files)++] = now;
	}
	free(seen);
}

static void
count_node(struct road *r, struct node *n)
{
	struct fn *f = n->fn;

	r->insns += n->insns;
	if (f->vm)
		r->vm_insns += n->insns;
	if (n->helper) {
		r->helper_insns += n->insns;
		return;
	}
	f->calls += n->calls;
	f->insns += n->insns;
	if (f->order != 0)
		return;
	f->met = n;
	r->fn = room(r->fn, r->n, sizeof(struct fn *));
	r->fn[r->n++] = f;
	f->order = r->n;
	r->vm_functions += f->vm;
}

void
tally(struct road *r, struct way *w, enum who who, struct way *reference)
{
	struct list l = { 0 };
	size_t i;

	memset(r, 0, sizeof *r);
	r->times = 1;
	for (i = 0; i < w->nthreads; i++)
		each(&w->thread[i]->root, forget, NULL);
	for (i = 0; reference != NULL && i < reference->nthreads; i++)
		if (reference->thread[i]->program)
			each(&reference->thread[i]->root, note_reference, NULL);
	for (i = 0; i < w->nthreads; i++) {
		l.minus = reference != NULL && w->thread[i]->program;
		if (who_counts(who, w->thread[i]))
			each(&w->thread[i]->root, judge, &l);
	}
	if (l.n > 0)
		qsort(l.node, l.n, sizeof(struct node *), node_order);
	for (i = 0; i < l.n; i++)
		count_node(r, l.node[i]);
	free(l.node);
	count_files(r, false, &r->files, &r->changes, &r->returns);
	count_files(r, true, &r->vm_files, &r->vm_changes, &r->vm_returns);
}
