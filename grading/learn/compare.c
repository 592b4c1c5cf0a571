/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compare.c: the student's boot beside the reference's, and a boot again
 *
 * Problem   "Expected 37, got 241" raises the question what else is different.
 *
 * Picture   the same test, seed and machine with both kernels ─→ answers and
 *           counters of each region that differ, side by side, and the first
 *           event where they part (parting.c)
 *           a result file ─→ lab, test, seed ─→ the same boot again
 *
 * Read next judge/run.c, judge/parting.c.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "learn/learn.h"
#include "report/report.h"

static void
compare_region(const struct result *a, const struct result *b, const char *name)
{
	const struct words *names = &b->boot->records.names;
	int64_t x, y;
	size_t i;

	printf("region %s\n  %-24s %12s %12s\n", name, "", "yours",
	    "reference");
	for (i = 0; i < names->n; i++) {
		bool mine = judge_value(a->test, &a->draw, a->boot, name,
		    names->v[i], &x);
		bool ours = judge_value(b->test, &b->draw, b->boot, name,
		    names->v[i], &y);

		if (mine && ours && x != y)
			printf("  %-24s %12lld %12lld\n", names->v[i],
			    (long long)x, (long long)y);
		else if (mine != ours && ours && y != 0)
			printf("  %-24s %12s %12lld\n", names->v[i], "-",
			    (long long)y);
	}
	for (i = 0; i < WITNESS_NAMES; i++)
		if (judge_value(a->test, &a->draw, a->boot, name,
			witness_names[i], &x) &&
		    judge_value(b->test, &b->draw, b->boot, name,
			witness_names[i], &y) && x != y)
			printf("  %-24s %12lld %12lld\n", witness_names[i],
			    (long long)x, (long long)y);
}

static void
compare_output(const struct result *a, const struct result *b)
{
	const char *mine = a->boot->records.out, *ours = b->boot->records.out;
	char *shown;

	if (mine != NULL && ours != NULL && strcmp(mine, ours) == 0) {
		printf("output     the same\n");
		return;
	}
	shown = plain(mine != NULL ? mine : "(none)\n");
	printf("output of yours:\n%s", shown);
	free(shown);
	printf("output of the reference:\n%s", ours != NULL ? ours : "(none)\n");
}

/* Both once more, traced; false: that could not be done. */
static bool
compare_events(const struct result *a, const char *kernel, const char *keep)
{
	bool broken;
	char *why = NULL,
	     *line = parting_find(a, kernel, keep, &broken, &why);
	bool ok = why == NULL;

	if (!ok)
		printf("events     could not be compared: %s\n", why);
	else if (line == NULL)
		printf("events     the same\n");
	else
		printf("events part at\n            yours  %s\n", line);
	free(line);
	free(why);
	if (keep != NULL && ok)
		printf("traces     %s/yours.vtr %s/reference.vtr\n", keep,
		    keep);
	return ok;
}

/* False: not all could be compared. */
static bool
compare_results(const struct result *a, const struct result *b,
    const char *kernel, const char *keep)
{
	size_t i;

	printf("%s %s   yours: %s   reference: %s\n", a->test->id,
	    a->test->name, status_name(a->verdict.status),
	    status_name(b->verdict.status));
	if (a->boot == NULL || b->boot == NULL) {
		printf("could not be compared: %s did not start\n",
		    a->boot == NULL ? "yours" : "the reference");
		return false;
	}
	compare_output(a, b);
	for (i = 0; i < a->test->nregions; i++)
		compare_region(a, b, a->test->region[i].name);
	if (a->test->nregions == 0)
		compare_region(a, b, "all");
	return compare_events(a, kernel, keep);
}

/* compare LAB TEST [--seed S] [--submission F] [--out DIR] */
int
cmd_compare(const struct lab *lab, const struct options *given)
{
	struct report *mine = xalloc(sizeof *mine), *ours;
	struct options o = *given, ref = *given;
	int code;

	ours = xalloc(sizeof *ours);
	o.quiet = ref.quiet = true;
	o.out = ref.out = NULL;
	ref.kernel = "build/vadose.elf";
	code = run_lab(mine, lab, &o);
	if (mine->build.status != ST_PASS && code != GRADE_USAGE) {
		report_text(mine, false);
	} else if (code != GRADE_USAGE) {
		run_lab(ours, lab, &ref);
		if (!compare_results(&mine->result[0], &ours->result[0],
			o.kernel != NULL ? o.kernel : mine->build.kernel,
			given->out))
			code = GRADE_INFRA;
	}
	report_free(mine);
	report_free(ours);
	free(mine);
	free(ours);
	return code;
}

/* ---- again ---- */

static int
again(json_t *result, const char *test, char *const more[])
{
	const char *lab = json_string_value(json_object_get(result, "lab"));
	json_t *tests = json_object_get(result, "tests"), *t;
	char *seed, *argv[] = { (char *)"make", NULL, NULL, NULL, NULL, NULL };
	size_t i;

	json_array_foreach(tests, i, t) {
		const char *id = json_string_value(json_object_get(t, "id"));

		if (id == NULL || lab == NULL || strstr(id, test) == NULL)
			continue;
		seed = xprintf("SEED=%lld", (long long)json_integer_value(
		    json_object_get(t, "seed")));
		argv[1] = (char *)(more[0] != NULL ? more[0] + 2 : "grade");
		argv[2] = xprintf("LAB=%s", lab);
		argv[3] = xprintf("TEST=%s", test);
		argv[4] = seed;
		execvp(argv[0], argv);
	}
	fprintf(stderr, "grade: no test %s in this result\n", test);
	return GRADE_USAGE;
}

/* repro RESULT.json TEST [--gdb|--bochs|--trace]: make's own rule for it. */
int
cmd_repro(int argc, char **argv)
{
	json_t *result = argc > 2 ? json_load_file(argv[1], 0, NULL) : NULL;

	if (result == NULL) {
		fprintf(stderr, "usage: grade repro RESULT.json TEST "
				"[--gdb|--bochs|--trace]\n");
		return GRADE_USAGE;
	}
	return again(result, argv[2], argv + 3);
}
