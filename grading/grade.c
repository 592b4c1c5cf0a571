/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grade.c: the grader's commands
 *
 * Problem   One program for the learner, the teacher and the tests of both.
 *
 * Picture   list · run · compare · explain · repro · lint · mutants · variants
 *           · forgeries · selftest · doctor
 *
 * Rules     Exit status: 0 all points, 1 points lost, 2 does not build or is
 *           refused, 3 a fault of the host, 64 wrong usage.
 *
 * Read next run.c.
 */
#include <gcrypt.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "class/class.h"
#include "gate/gate.h"
#include "learn/learn.h"
#include "report/report.h"
#include "self/self.h"

static const char usage_text[] =
    "usage: grade COMMAND\n"
    "  list [LAB]                 labs, tests, points\n"
    "  run LAB [--submission F|reference] [--step N] [--test T] [--seed S]\n"
    "      [--jobs N] [--format text,json] [--out DIR]\n"
    "      [--hidden DIR] [--kernel ELF] [--key FILE] [--quiet]\n"
    "      --key seals the result.json of --out DIR --format json\n"
    "  compare LAB TEST [--seed S] [--out DIR]  your counters beside the\n"
    "      reference's, and the first event that differs; DIR: for both traces\n"
    "  gdb LAB TEST [--seed S]    that boot under gdb, stopped where it fails\n"
    "  bochs LAB TEST [--seed S]  the same in Bochs' debugger\n"
    "  explain LAB TEST           what a test checks, in prose\n"
    "  hint LAB STEP              one of three; the next after a run that failed\n"
    "  repro RESULT.json TEST [--gdb|--bochs|--trace]\n"
    "  verify RESULT.json KEY     is the result unchanged since it was sealed?\n"
    "  validate RESULT.json [SCHEMA.json]  does it fit the schema?\n"
    "  lint [LAB]                 test files: points, deeds, names\n"
    "  mutate LAB [--n N] [--seed S]  random bugs: do the tests find them?\n"
    "  mutants [LAB [mN]]  variants [LAB]  selftest …  doctor\n"
    "  forgeries [--lab LAB] [fNN]  attacks on the grader, built into a lab's file\n"
    "  collect LAB DIR OUT SEED [HIDDEN]  what each learner of a class handed in\n";

static int
usage(void)
{
	fputs(usage_text, stderr);
	return GRADE_USAGE;
}

static struct lab *
open_or_say(const char *which, const char *hidden)
{
	char *why = NULL;
	struct lab *lab = lab_open(which, hidden, &why);
	size_t i, n = 0;

	if (lab == NULL)
		fprintf(stderr, "grade: %s\n", why);
	for (i = 0; lab != NULL && i < lab->ntests; i++)
		n += lab->test[i]->parent != NULL;
	if (lab != NULL && hidden != NULL && n == 0)
		fprintf(stderr, "grade: no hidden tests of %s in %s\n",
		    lab->name, hidden);
	free(why);
	return lab;
}

/* ---- list ---- */

static int
list_one(const char *which)
{
	struct lab *lab = open_or_say(which, NULL);
	const struct test *t;
	size_t i;

	if (lab == NULL)
		return GRADE_USAGE;
	printf("%s  %s\n", lab->name, lab->title != NULL ? lab->title : "");
	for (i = 0; i < lab->ntests; i++) {
		t = lab->test[i];
		printf("  %s  step %d  %3d  %s  %s\n", t->id, t->step,
		    t->points, t->kind, t->title);
	}
	lab_free(lab);
	return 0;
}

static int
cmd_list(int argc, char **argv)
{
	struct words all = labs_all();
	size_t i;
	int r = 0;

	if (argc > 1)
		r = list_one(argv[1]);
	for (i = 0; argc == 1 && i < all.n; i++)
		if (list_one(strrchr(all.v[i], '/') + 1) != 0)
			r = GRADE_USAGE;
	words_free(&all);
	return r;
}

/* ---- run ---- */

enum { OPT_SUBMISSION = 256, OPT_STEP, OPT_TEST, OPT_SEED, OPT_JOBS,
	OPT_FORMAT, OPT_OUT, OPT_HIDDEN, OPT_KERNEL, OPT_QUIET, OPT_KEY };

static const struct option longs[] = {
	{ "submission", required_argument, NULL, OPT_SUBMISSION },
	{ "step", required_argument, NULL, OPT_STEP },
	{ "test", required_argument, NULL, OPT_TEST },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "hidden", required_argument, NULL, OPT_HIDDEN },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ 0 },
};

static bool
number_take(const char *what, int64_t least, int64_t most, int64_t *out)
{
	if (number_read(optarg, out) && *out >= least && *out <= most)
		return true;
	fprintf(stderr, "grade: %s %s: not such a number\n", what, optarg);
	return false;
}

/* Another word would be no report at all. */
static bool
formats_known(const char *formats)
{
	static const char *const known[] = { "text", "json", "text,json" };
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i], formats) == 0)
			return true;
	fprintf(stderr, "grade: --format %s: text, json, or text,json\n",
	    formats);
	return false;
}

static bool
option_take(struct options *o, int c)
{
	int64_t v;

	switch (c) {
	case OPT_SUBMISSION:
		o->submission = optarg;
		return true;
	case OPT_STEP:
		if (!number_take("--step", 1, 99, &v))
			return false;
		o->step = (int)v;
		return true;
	case OPT_TEST:
		o->only = optarg;
		return true;
	case OPT_SEED:
		if (!number_take("--seed", 0, INT64_MAX, &v))
			return false;
		o->seed = (uint64_t)v;
		o->seeded = true;
		return true;
	case OPT_JOBS:
		if (!number_take("--jobs", 1, 999, &v))
			return false;
		o->jobs = (int)v;
		return true;
	case OPT_FORMAT:
		o->formats = optarg;
		return formats_known(optarg);
	case OPT_OUT:
		o->out = optarg;
		return true;
	case OPT_HIDDEN:
		o->hidden = optarg;
		return true;
	case OPT_KERNEL:
		o->kernel = optarg;
		return true;
	case OPT_KEY:
		o->key = optarg;
		return true;
	case OPT_QUIET:
		o->quiet = true;
		return true;
	}
	return false;
}

static bool
options_read(struct options *o, int argc, char **argv)
{
	uint32_t seed;
	int c;

	*o = (struct options){ .jobs = 2, .formats = "text" };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!option_take(o, c))
			return false;
	if (o->key != NULL &&
	    (o->out == NULL || strstr(o->formats, "json") == NULL)) {
		fprintf(stderr, "grade: --key seals result.json: it needs "
			"--out DIR and --format json\n");
		return false;
	}
	if (!o->seeded) {
		random_bytes(&seed, sizeof seed);
		o->seed = seed % 1000000;
	}
	o->working = (o->step != 0 || o->only != NULL) && !o->seeded;
	if (o->submission != NULL && strcmp(o->submission, "reference") == 0) {
		o->submission = NULL;
		o->kernel = "build/vadose.elf";
	}
	return true;
}

static bool
write_reports(const struct report *r)
{
	const struct options *o = r->options;
	char *path;
	bool ok;

	if (strstr(o->formats, "text") != NULL)
		report_text(r, isatty(1) != 0);
	if (o->out != NULL)
		mkdir(o->out, 0777);
	if (strstr(o->formats, "json") == NULL)
		return true;
	path = o->out != NULL ? xprintf("%s/result.json", o->out)
			      : xstrdup("/dev/stdout");
	ok = report_json(r, path) && (o->key == NULL || seal_write(path, o->key));
	if (!ok)
		fprintf(stderr, "grade: cannot write %s\n", path);
	free(path);
	return ok;
}

static int
cmd_run(int argc, char **argv)
{
	struct report *r = xalloc(sizeof *r);
	struct options o;
	struct lab *lab;
	int code;

	if (!options_read(&o, argc, argv) || optind + 1 != argc)
		return usage();
	if (access("build/vadose.elf", R_OK) != 0) {
		fprintf(stderr, "grade: no build/vadose.elf: make grader\n");
		return GRADE_INFRA;
	}
	lab = open_or_say(argv[optind], o.hidden);
	if (lab == NULL)
		return GRADE_USAGE;
	code = run_lab(r, lab, &o);
	/* Reports in a folder of their own are of somebody else's file, as in a class. */
	if (code != GRADE_USAGE && o.out == NULL)
		hint_note(r);
	if (code != GRADE_USAGE && !write_reports(r))
		code = GRADE_INFRA;
	report_free(r);
	free(r);
	lab_free(lab);
	return code;
}

/* ---- the rest ---- */

/* A command of one test: LAB TEST behind the options. */
static int
with_test(int argc, char **argv,
    int (*fn)(const struct lab *, const struct options *))
{
	struct options o;
	struct lab *lab;
	int code;

	if (!options_read(&o, argc, argv) || optind + 2 != argc)
		return usage();
	lab = open_or_say(argv[optind], o.hidden);
	if (lab == NULL)
		return GRADE_USAGE;
	o.only = argv[optind + 1];
	code = fn(lab, &o);
	lab_free(lab);
	return code;
}

static int
cmd_forgeries_args(int argc, char **argv)
{
	bool lab = argc > 2 && strcmp(argv[1], "--lab") == 0;

	if (lab)
		return cmd_forgeries(argv[2], argc > 3 ? argv[3] : NULL);
	return cmd_forgeries(NULL, argc > 1 ? argv[1] : NULL);
}

/* One of the functions; a word that need not be there is NULL. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	int (*test)(const struct lab *, const struct options *);
	int (*words)(const char *, const char *);
	int (*word)(const char *);
	int least; /* of the words */
} commands[] = {
	{ "list", .run = cmd_list },
	{ "run", .run = cmd_run },
	{ "lint", .word = lint_labs },
	{ "explain", .words = cmd_explain, .least = 2 },
	{ "hint", .run = cmd_hint },
	{ "imports", .word = cmd_imports, .least = 1 },
	{ "compare", .test = cmd_compare },
	{ "gdb", .test = cmd_gdb },
	{ "bochs", .test = cmd_bochs },
	{ "repro", .run = cmd_repro },
	{ "selftest", .run = cmd_selftest },
	{ "mutants", .words = cmd_mutants },
	{ "mutate", .run = cmd_mutate },
	{ "variants", .word = cmd_variants },
	{ "forgeries", .run = cmd_forgeries_args },
	{ "verify", .words = cmd_verify, .least = 2 },
	{ "validate", .words = cmd_validate, .least = 1 },
	{ "collect", .run = cmd_collect },
	{ "doctor", .run = cmd_doctor },
};

static int
command_run(const struct command *c, int argc, char **argv)
{
	const char *a = argc > 1 ? argv[1] : NULL, *b = argc > 2 ? argv[2] : NULL;

	if (c->run != NULL)
		return c->run(argc, argv);
	if (c->test != NULL)
		return with_test(argc, argv, c->test);
	if (argc - 1 < c->least || argc - 1 > (c->words != NULL ? 2 : 1))
		return usage();
	return c->words != NULL ? c->words(a, b) : c->word(a);
}

int
main(int argc, char **argv)
{
	size_t i;

	tidy_init();
	gcry_check_version(NULL);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	for (i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return command_run(&commands[i], argc - 1, argv + 1);
	return usage();
}
