/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutate.c: bugs that nobody chose, and how many of them the tests find
 *
 * Problem   The planted bugs are found because their tests were written for
 *           them.  How good the tests are, bugs by chance tell.
 *
 * Picture   our file ─→ mutation.c ─→ shuffled by the seed ─→ compiled; the same
 *           object: not counted ─→ graded as a submission ─→ a row of the table
 *           grading/mutants/LAB/survivors: which may live, and why
 *
 * Rules     1. A mutant counts if it compiles without a mixed-up pointer and
 *              makes another object.
 *           2. One that passes all tests survives.  More than 10 of 100 that no
 *              line of `survivors` explains are too many.
 *           3. A line of `survivors` that fits no place of our file has drifted,
 *              and is wrong, too.
 *
 * Read next mutation.c, mutants.c for the planted ones.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cutter/cut.h"
#include "self/self.h"
#include "self/mutation.h"
#include "self/selftest.h"

#define SURVIVORS_PERCENT 10

static const char help[] =
    "usage: grade mutate LAB [--n N] [--seed S] [--first] [--cut] [--in NAME]\n"
    "           [--jobs N] [--list]\n"
    "Changes one token, argument or statement of our file of the lab at a time,\n"
    "grades it as a submission and says which changes no test has found.\n"
    "  --n N      so many that compile and make other code (20)\n"
    "  --seed S   which: the same seed, the same changes (1)\n"
    "  --first    end each at its first failed test, short tests first, races in 8\n"
    "             schedules: quick, but without points\n"
    "  --cut      only in functions that the learner writes\n"
    "  --in NAME  only in this function\n"
    "  --list     print all places and their number; nothing is built\n"
    "Exit 0: at most 10 % live that grading/mutants/LAB/survivors does not\n"
    "explain; 1: more, or an explanation fits nothing any more.\n";

/*
 * "in F" "- line" "+ line" "why text", a blank line between.  "in F 2": only the
 * second such place of the function.
 */
struct survivor {
	char *in, *before, *after, *why;
	size_t nth;    /* 0: each */
	bool fits; /* some place of our file is this */
};

struct mutate {
	const struct lab *lab;
	struct options *options;
	const char *in;
	bool cut, list;
	size_t wanted;
	char *text;      /* our file */
	char *folder;    /* for the two objects */
	char *reference; /* digest of our object */
	struct cutlist cuts;
	struct mutations all;
	struct survivor *survivor;
	size_t nsurvivors;
	size_t counted, killed, explained, live;
};

/* ---- explained survivors ---- */

static void
survivor_line(struct mutate *m, char *line)
{
	struct survivor *s = &m->survivor[m->nsurvivors - 1];
	char *more;

	if (strncmp(line, "in ", 3) == 0) {
		m->survivor = xrealloc(m->survivor,
		    (m->nsurvivors + 1) * sizeof *m->survivor);
		s = &m->survivor[m->nsurvivors++];
		*s = (struct survivor){ .in = xstrdup(line + 3) };
		more = strchr(s->in, ' ');
		if (more != NULL) {
			*more = '\0';
			s->nth = strtoul(more + 1, NULL, 10);
		}
	} else if (m->nsurvivors > 0 && strncmp(line, "- ", 2) == 0) {
		s->before = xstrdup(line + 2);
	} else if (m->nsurvivors > 0 && strncmp(line, "+ ", 2) == 0) {
		s->after = xstrdup(line + 2);
	} else if (m->nsurvivors > 0 && strncmp(line, "why ", 4) == 0) {
		s->why = xstrdup(line + 4);
	} else if (m->nsurvivors > 0 && line[0] == ' ' && s->why != NULL) {
		more = xprintf("%s %s", s->why, line + strspn(line, " "));
		free(s->why);
		s->why = more;
	}
}

static void
survivors_read(struct mutate *m)
{
	char *path = xprintf("grading/mutants/%s/survivors", m->lab->name);
	char *text = file_read(path, NULL), *rest = text, *line;

	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '#')
			survivor_line(m, line);
	free(text);
	free(path);
}

static bool
is_like(const struct mutate *m, const struct survivor *s,
    const struct mutation *v)
{
	char *before, *after;
	bool like;

	if (strcmp(s->in, v->function) != 0)
		return false;
	mutation_diff(m->text, v, &before, &after);
	like = strcmp(s->before, before) == 0 && strcmp(s->after, after) == 0;
	free(before);
	free(after);
	return like;
}

/* Which of the places that are like s this one is, from 1 on. */
static size_t
place_of(const struct mutate *m, const struct survivor *s,
    const struct mutation *v)
{
	size_t i, n = 1;

	for (i = 0; i < m->all.n; i++)
		n += m->all.v[i].at < v->at && is_like(m, s, &m->all.v[i]);
	return n;
}

static struct survivor *
survivor_of(struct mutate *m, const struct mutation *v)
{
	struct survivor *s = m->survivor, *found = NULL;

	for (; s < m->survivor + m->nsurvivors && found == NULL; s++)
		if (s->before != NULL && s->after != NULL && s->why != NULL &&
		    is_like(m, s, v) &&
		    (s->nth == 0 || place_of(m, s, v) == s->nth))
			found = s;
	return found;
}

/* How many explanations fit no place any more. */
static int
survivors_drifted(struct mutate *m)
{
	struct survivor *s;
	int drifted = 0;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		s = survivor_of(m, &m->all.v[i]);
		if (s != NULL)
			s->fits = true;
	}
	for (i = 0; i < m->nsurvivors; i++) {
		if (m->survivor[i].fits)
			continue;
		printf("grading/mutants/%s/survivors: fits no place: %s: %s\n",
		    m->lab->name, m->survivor[i].in,
		    m->survivor[i].after != NULL ? m->survivor[i].after : "?");
		drifted++;
	}
	return drifted;
}

/* ---- one mutant ---- */

/* The step that writes a function; 0: it is given. */
static int
step_of(const struct mutate *m, const char *function)
{
	size_t i;

	for (i = 0; i < m->cuts.n; i++)
		if (strcmp(m->cuts.line[i].name, function) == 0)
			return m->cuts.line[i].step;
	return 0;
}

static bool
is_wanted(const struct mutate *m, const struct mutation *v)
{
	return (m->in == NULL || strcmp(m->in, v->function) == 0) &&
	       (!m->cut || step_of(m, v->function) > 0);
}

/*
 * The digest of the object of a text, without lines and places of the source;
 * NULL: it does not compile.
 */
static char *
object_of(const struct mutate *m, const char *text)
{
	char *source = xprintf("%s/m.c", m->folder), *out = NULL;
	char *path = xprintf("%s/m.o", m->folder), *sha = NULL;

	unlink(path);
	if (file_write(source, text, strlen(text)) &&
	    shell_within(NULL, &out, "gcc $(cat build/grading/cflags) -g0 "
		"-DASSERT_WITHOUT_TEXT -Werror=int-conversion "
		"-Werror=incompatible-pointer-types "
		"-Ibuild/grading/include -Ibuild/grading/include/gen "
		"-c \"$1\" -o \"$2\"", source, path, NULL) == 0)
		sha = sha256_file(path);
	free(out);
	free(path);
	free(source);
	return sha;
}

/* "" if all passed; else the tests that failed, in order. */
static char *
killers_of(const struct report *r)
{
	char *text = xstrdup(""), *more;
	const struct result *res;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		res = &r->result[i];
		if (res->verdict.status == ST_PASS ||
		    res->verdict.status == ST_INFRA)
			continue;
		more = xprintf("%s%s%s", text, text[0] != '\0' ? " " : "",
		    strrchr(res->test->id, '/') + 1);
		free(text);
		text = more;
	}
	return text;
}

static bool
was_disturbed(const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nresults; i++)
		if (r->result[i].verdict.status == ST_INFRA)
			return true;
	return r->build.status == ST_INFRA;
}

static void
print_row(struct mutate *m, const struct report *r, const struct mutation *v,
    const char *killers)
{
	const struct survivor *s = survivor_of(m, v);
	char *points = m->options->first ? xstrdup("  -")
					 : xprintf("%3d", r->score);
	char *before, *after;

	mutation_diff(m->text, v, &before, &after);
	printf("%3zu  %-8s %s  step %d  %s:%d: %s%s%s\n", m->counted,
	    killers[0] != '\0' ? "killed"
	    : s != NULL	       ? "explained"
			       : "SURVIVES",
	    points, step_of(m, v->function), v->function, v->line, v->kind,
	    killers[0] != '\0' ? ", by " : "", killers);
	printf("     - %s\n     + %s\n", before, after);
	if (killers[0] == '\0' && s != NULL)
		printf("     why %s\n", s->why);
	free(points);
	free(before);
	free(after);
}

/* Grade it.  False: it could not be judged, another takes its place. */
static bool
grade_mutant(struct mutate *m, const struct mutation *v, const char *text)
{
	struct report *r = xalloc(sizeof *r);
	char *path = xprintf("%s/mutant.c", m->folder), *killers;
	bool judged;

	m->options->submission = path;
	if (!file_write(path, text, strlen(text)))
		fprintf(stderr, "grade: cannot write %s\n", path);
	run_quietly(r, m->lab, m->options);
	killers = killers_of(r);
	judged = r->build.status == ST_PASS &&
		 (killers[0] != '\0' || !was_disturbed(r));
	if (!judged) {
		printf("     not judged: %s:%d: %s: %s\n", v->function, v->line,
		    v->kind, r->build.why != NULL ? r->build.why
						  : "the host's trouble");
	} else {
		m->counted++;
		if (killers[0] != '\0')
			m->killed++;
		else if (survivor_of(m, v) != NULL)
			m->explained++;
		else
			m->live++;
		print_row(m, r, v, killers);
	}
	free(killers);
	free(path);
	report_free(r);
	free(r);
	return judged;
}

static void
try_one(struct mutate *m, const struct mutation *v)
{
	char *text = mutation_apply(m->text, v);
	char *object = object_of(m, text);

	if (object != NULL && strcmp(object, m->reference) != 0)
		(void)grade_mutant(m, v, text);
	free(object);
	free(text);
}

/* ---- all ---- */

static void
list_all(struct mutate *m)
{
	char *before, *after;
	size_t i, n = 0;

	for (i = 0; i < m->all.n; i++) {
		if (!is_wanted(m, &m->all.v[i]))
			continue;
		n++;
		mutation_diff(m->text, &m->all.v[i], &before, &after);
		printf("%s:%d: %s\n- %s\n+ %s\n", m->all.v[i].function,
		    m->all.v[i].line, m->all.v[i].kind, before, after);
		free(before);
		free(after);
	}
	printf("%zu places\n", n);
}

static int
verdict_of(const struct mutate *m, int drifted)
{
	bool ok = m->counted > 0 && drifted == 0 &&
		  m->live * 100 <= m->counted * SURVIVORS_PERCENT;

	printf("%s, seed %llu: %zu mutants: %zu killed, %zu survive as explained, "
	       "%zu survive: %s\n",
	    m->lab->name, (unsigned long long)m->options->seed, m->counted,
	    m->killed, m->explained, m->live, ok ? "ok" : "WRONG");
	return !ok;
}

static int
run_all(struct mutate *m)
{
	int drifted = survivors_drifted(m);
	size_t i;

	m->reference = object_of(m, m->text);
	if (m->reference == NULL) {
		fprintf(stderr, "grade: our own file does not compile (make "
				"grader)\n");
		return GRADE_INFRA;
	}
	mutations_shuffle(&m->all, m->options->seed);
	for (i = 0; i < m->all.n && m->counted < m->wanted; i++)
		if (is_wanted(m, &m->all.v[i]))
			try_one(m, &m->all.v[i]);
	return verdict_of(m, drifted);
}

static int
mutate_lab(struct mutate *m)
{
	char *path = xprintf("kernel/%s", m->lab->file);
	char *list = xprintf("%s/cut.list", m->lab->dir);
	int r = GRADE_USAGE;

	m->text = file_read(path, NULL);
	if (m->text == NULL || cutlist_read(&m->cuts, list) != 0) {
		fprintf(stderr, "grade: lab %s has no file of ours to change: "
				"kernel/%s\n", m->lab->name, m->lab->file);
	} else {
		survivors_read(m);
		mutations_find(&m->all, m->text);
		m->folder = tidy_folder();
		if (m->list)
			list_all(m);
		r = m->list ? 0 : run_all(m);
		tidy_remove(m->folder);
	}
	free(m->text);
	free(m->folder);
	free(m->reference);
	free(list);
	free(path);
	mutations_free(&m->all);
	return r;
}

enum { OPT_N = 256, OPT_SEED, OPT_FIRST, OPT_CUT, OPT_IN, OPT_LIST, OPT_JOBS,
	OPT_HELP };

static const struct option longs[] = {
	{ "n", required_argument, NULL, OPT_N },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "first", no_argument, NULL, OPT_FIRST },
	{ "cut", no_argument, NULL, OPT_CUT },
	{ "in", required_argument, NULL, OPT_IN },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* False: not understood, or OPT_HELP. */
static bool
option_take(struct mutate *m, int c)
{
	int64_t v;

	switch (c) {
	case OPT_N:
		m->wanted = strtoul(optarg, NULL, 0);
		return m->wanted > 0;
	case OPT_SEED:
		if (!number_read(optarg, &v) || v < 0)
			return false;
		m->options->seed = (uint64_t)v;
		return true;
	case OPT_FIRST:
		m->options->first = true;
		m->options->seeds = 8;
		return true;
	case OPT_CUT:
		m->cut = true;
		return true;
	case OPT_IN:
		m->in = optarg;
		return true;
	case OPT_LIST:
		m->list = true;
		return true;
	case OPT_JOBS:
		m->options->jobs = atoi(optarg);
		return m->options->jobs > 0;
	}
	return false;
}

int
cmd_mutate(int argc, char **argv)
{
	struct options o = { .seed = 1, .seeded = true };
	struct mutate m = { .options = &o, .wanted = 20 };
	struct lab *lab;
	char *why = NULL;
	int c, r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	optind = 1;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option_take(&m, c))
			continue;
		fputs(help, c == OPT_HELP ? stdout : stderr);
		return c == OPT_HELP ? 0 : GRADE_USAGE;
	}
	if (optind + 1 != argc) {
		fputs(help, stderr);
		return GRADE_USAGE;
	}
	lab = lab_open(argv[optind], NULL, &why);
	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	m.lab = lab;
	r = mutate_lab(&m);
	lab_free(lab);
	return r;
}
