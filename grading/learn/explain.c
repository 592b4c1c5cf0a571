/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.c: a test in prose
 *
 * Problem   Before writing code a learner wants to know what will be asked.
 *
 * Read next lab/testfile.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/learn.h"

static void
explain_program(const struct test *t)
{
	char *words = words_join(&t->program, 0, t->program.n);

	if (t->selftest != NULL)
		printf("The kernel test %s runs before any program.\n",
		    t->selftest);
	else
		printf("The program: %s\n", words);
	printf("The machine: %lld MiB, %d CPU%s, %s.\n",
	    (long long)(t->mem >> 20), t->cpus, t->cpus > 1 ? "s" : "",
	    strcmp(t->disk, "mem") == 0 ? "no disk" : "an emulated disk");
	free(words);
}

static void
explain_params(const struct test *t)
{
	size_t i;

	for (i = 0; i < t->nparams; i++)
		if (t->param[i].kind == PARAM_RANGE)
			printf("$%s is drawn from %lld to %lld.\n",
			    t->param[i].name, (long long)t->param[i].lo,
			    (long long)t->param[i].hi);
		else if (t->param[i].kind == PARAM_EXPR)
			printf("$%s is %s.\n", t->param[i].name,
			    t->param[i].expr);
}

static void
explain_claims(const struct test *t)
{
	const struct claim *c;
	size_t i;

	for (i = 0; i < t->nanswers; i++)
		printf("- its answer \"%s\" must be right\n",
		    t->answer[i].name);
	for (i = 0; i < t->nclaims; i++) {
		c = &t->claim[i];
		if (c->high != NULL)
			printf("- %s: %s between %s and %s%s\n", c->region,
			    c->left, c->right, c->high,
			    c->deed ? " (the deed)" : "");
		else
			printf("- %s: %s %s %s%s\n", c->region, c->left, c->op,
			    c->right, c->deed ? " (the deed)" : "");
	}
	if (t->check_vm)
		printf("- vm_check finds nothing\n");
	if (t->check_leak)
		printf("- no page and no object is lost\n");
}

int
cmd_explain(const char *which, const char *id)
{
	char *why = NULL;
	struct lab *lab = lab_open(which, NULL, &why);
	const struct test *t = lab != NULL ? lab_test(lab, id) : NULL;

	if (t == NULL) {
		if (lab != NULL)
			why = lab_no_test(lab, id);
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		if (lab != NULL)
			lab_free(lab);
		return GRADE_USAGE;
	}
	printf("%s %s: %d points, step %d\n%s\n\n", t->id, t->name, t->points,
	    t->step, t->title);
	if (t->step_gate)
		printf("The points of step %d count only when it passes.\n\n",
		    t->step);
	explain_program(t);
	if (t->sched > 0)
		printf("It runs with %d schedules, seeds 0 and up", t->sched);
	if (t->few > 0)
		printf("; %d of them when a step or a test is named", t->few);
	if (t->sched > 0)
		printf(".\n");
	explain_params(t);
	explain_claims(t);
	if (t->book[0] != '\0')
		printf("Book: chapter %s\n", t->book);
	lab_free(lab);
	return 0;
}
