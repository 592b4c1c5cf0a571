/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selftest.c: is the grader right?
 *
 * Problem   Bounds that fit only our own solution, tests that a stub passes,
 *           mutants that nobody kills, counts that differ from run to run: each
 *           is found by running the grader against files whose score is known.
 *
 * Picture   grade selftest --reference [LAB]     100 each
 *                          --starter [LAB]         0 each, nothing hangs
 *                          --steps [LAB]         steps ≤ k give STEP=k's total
 *                          --determinism N [--seeds S] [LAB]  N runs, the
 *                                                same counters
 *                          --honest N [--one] [--from F] [LAB]  a table of N
 *                                                honest runs of a lab: honest.c
 *                          --infra               killed emulator: no points lost
 *                          --ends [eNN]          each bad end has its name
 *                          --allowed [hNN]       honest pieces are not refused
 *           grade mutants [LAB]   the tests that name a mutant kill it
 *           grade variants [LAB]  other correct solutions: 100
 *
 * Rules     One line per case; the last says how many were wrong.
 *
 * Read next judge/run.c, forge.c.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self/self.h"
#include "self/selftest.h"

static const char *
base_of(const char *path)
{
	const char *s = strrchr(path, '/');

	return s != NULL ? s + 1 : path;
}

/* Run fn for the lab, or for all of them; the wrong ones are added up. */
int
each_lab(const char *which, int (*fn)(const struct lab *))
{
	struct words all = labs_all();
	struct lab *lab;
	char *why = NULL;
	int wrong = 0;
	size_t i;

	for (i = 0; i < all.n; i++) {
		lab = lab_open(which != NULL ? which : base_of(all.v[i]), NULL,
		    &why);
		if (lab == NULL) {
			printf("%s\n", why);
			free(why);
			wrong++;
		} else {
			wrong += fn(lab);
			lab_free(lab);
		}
		if (which != NULL)
			break;
	}
	words_free(&all);
	printf("%d wrong\n", wrong);
	return wrong != 0;
}

static int
expect_score(const struct lab *lab, struct options *o, const char *what,
    int want)
{
	struct report *r = xalloc(sizeof *r);
	bool ok;
	size_t i;

	run_quietly(r, lab, o);
	ok = r->score == want && r->build.status == ST_PASS;
	printf("%-10s %-16s %3d/%d  %5.1f s  %s\n", lab->name, what, r->score,
	    r->max, r->seconds, ok ? "ok" : "WRONG");
	for (i = 0; !ok && i < r->nresults; i++)
		printf("    %s %s\n", r->result[i].test->id,
		    status_name(r->result[i].verdict.status));
	if (r->build.why != NULL)
		printf("    %s\n", r->build.why);
	report_free(r);
	free(r);
	return !ok;
}

/* ---- reference, starter, steps ---- */

static int
reference_of(const struct lab *lab)
{
	struct options o = { .kernel = "build/vadose.elf" };

	return lab->ntests == 0 ? 0 : expect_score(lab, &o, "reference", 100);
}

static int
starter_of(const struct lab *lab)
{
	struct options o = { 0 };

	return lab->ntests == 0 ? 0 : expect_score(lab, &o, "starter", 0);
}

/* The published total of steps 1 to k. */
static int
total_of(const struct lab *lab, int k)
{
	int sum = 0;
	size_t i;

	for (i = 0; i < lab->ntests; i++)
		if (lab->test[i]->parent == NULL && lab->test[i]->step <= k)
			sum += lab->test[i]->points;
	return sum;
}

/* The checkpoint of each step: the functions of steps ≤ k pass its tests. */
static int
steps_of(const struct lab *lab)
{
	int k, wrong = 0, last = 0;
	char *file, *step, *what, *cuts = xprintf("%s/cut.list", lab->dir);
	char *from = xprintf("kernel/%s", lab->file);
	size_t i;

	for (i = 0; i < lab->ntests; i++)
		if (lab->test[i]->step > last)
			last = lab->test[i]->step;
	for (k = 1; k < last; k++) {
		struct options o = { .step = k };

		file = tidy_file("step.c");
		step = xprintf("%d", k);
		what = xprintf("steps to %d", k);
		o.submission = file;
		if (shell_within(NULL, NULL, "build/tools/labcut --partial \"$1\" "
		    "\"$2\" \"$3\" >\"$4\"", step, cuts, from, file, NULL) != 0)
			wrong++;
		else
			wrong += expect_score(lab, &o, what, total_of(lab, k));
		tidy_remove(file);
		free(file);
		free(step);
		free(what);
	}
	free(cuts);
	free(from);
	return wrong;
}

/* ---- determinism ---- */

static int runs_wanted = 3, seeds_wanted;
static uint64_t seed_from = 1000;

/* All counters and instruction numbers of a run as one text. */
static char *
fingerprint(const struct report *r)
{
	char *text = xstrdup(""), *more;
	const struct result *res;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		res = &r->result[i];
		if (res->boot == NULL || strcmp(res->test->disk, "mem") != 0)
			continue;
		more = xprintf("%s%s %s %lld %016llx\n", text, res->test->id,
		    status_name(res->verdict.status), (long long)res->insns,
		    (unsigned long long)res->print);
		free(text);
		text = more;
	}
	return text;
}

static int
determinism_of(const struct lab *lab)
{
	char *first = NULL, *now;
	int i, differ = 0;

	for (i = 0; i < runs_wanted && lab->ntests > 0; i++) {
		struct options o = { .kernel = "build/vadose.elf",
			.seeds = seeds_wanted };
		struct report *r = xalloc(sizeof *r);

		run_quietly(r, lab, &o);
		now = fingerprint(r);
		if (first == NULL)
			first = xstrdup(now);
		if (strcmp(first, now) != 0) {
			differ++;
			printf("%s", now);
		}
		free(now);
		report_free(r);
		free(r);
	}
	if (first != NULL)
		printf("%s%s: %d of %d runs differ\n", first, lab->name, differ,
		    runs_wanted);
	free(first);
	return differ;
}

/* ---- honest files ---- */

static bool one_wanted;

static int
honest_of(const struct lab *lab)
{
	struct honest_job job = { runs_wanted, seed_from, one_wanted };

	return honest_table(lab, &job);
}

/* ---- trouble of the host ---- */

/* An emulator that is killed: infra, never lost points. */
static int
infra_of(const struct lab *lab)
{
	const struct test *t = lab->ntests > 0 ? lab->test[0] : NULL;
	struct boot_job job = { .test = t, .kernel = "build/vadose.elf",
		.sched = -1, .inject = -1, .wall = 60 };
	struct boot *b = xalloc(sizeof *b);
	struct verdict v;
	struct draw d;
	char *why = NULL;
	bool ok;

	if (t == NULL || !draw_make(&d, t, 1, &why))
		return t != NULL;
	job.draw = &d;
	if (!boot_start(b, &job, &why))
		return 1;
	kill(-b->pid, SIGKILL); /* at once: it has not ended yet, and has a group */
	while (boots_wait(&b, 1, 5) < 0)
		;
	judge(&v, t, &d, b, NULL);
	ok = v.status == ST_INFRA;
	printf("%-10s killed emulator: %s  %s\n", lab->name,
	    status_name(v.status), ok ? "ok" : "WRONG");
	verdict_free(&v);
	boot_free(b);
	free(b);
	draw_free(&d);
	return !ok;
}

int
cmd_selftest(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int at = 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((strcmp(what, "--determinism") == 0 ||
		strcmp(what, "--honest") == 0) && argc > 2)
		runs_wanted = atoi(argv[at++]);
	if (argc > at + 1 && strcmp(argv[at], "--seeds") == 0) {
		seeds_wanted = atoi(argv[at + 1]);
		at += 2;
	}
	if (argc > at && strcmp(argv[at], "--one") == 0) {
		one_wanted = true;
		at++;
	}
	if (argc > at + 1 && strcmp(argv[at], "--from") == 0) {
		seed_from = strtoull(argv[at + 1], NULL, 0);
		at += 2;
	}
	argv += at;
	if (strcmp(what, "--reference") == 0)
		return each_lab(argv[0], reference_of);
	if (strcmp(what, "--starter") == 0)
		return each_lab(argv[0], starter_of);
	if (strcmp(what, "--steps") == 0)
		return each_lab(argv[0], steps_of);
	if (strcmp(what, "--determinism") == 0)
		return each_lab(argv[0], determinism_of);
	if (strcmp(what, "--honest") == 0)
		return each_lab(argv[0], honest_of);
	if (strcmp(what, "--infra") == 0)
		return each_lab(argv[0], infra_of);
	if (strcmp(what, "--ends") == 0)
		return ends_named(argv[0]);
	if (strcmp(what, "--allowed") == 0)
		return allowed_named(argv[0]);
	fprintf(stderr, "usage: grade selftest --reference | --starter | "
			"--steps | --determinism N [--seeds S] |\n"
			"             --honest N [--one] [--from F] | --infra"
			"  [LAB]\n"
			"       grade selftest --ends [eNN] | --allowed [hNN]\n");
	return GRADE_USAGE;
}
