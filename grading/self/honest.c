/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * honest.c: is anybody accused who only solves the lab, or fails to?
 *
 * Problem   A grader that calls one honest file a forgery is not believed any more.
 *           Whether it does, only many files and many machines tell.
 *
 * Picture   run i of N ─→ whose turn: ours, a variant, ours rewritten, ours with a
 *           bug by chance ─→ a seed of its own (another link, other numbers) ─→
 *           graded ─→ a row of the table: all points, lost, refused, flagged
 *
 * Rules     1. Nothing is refused or flagged; what has no bug has all points.
 *           2. A rewrite changes no meaning: no comments, other names of static
 *              functions, other line ends, all in one line, marked, as the bits of the
 *              run's number say.
 *           3. A variant whose heading says "Judged" is slow or wrong by design: it may
 *              lose points, as a bug may.
 *           4. A bug that does not compile is none; the next place has its turn.
 *           5. --one: a run is one test, chosen by its seed.
 *
 * Read next selftest.c, mutation.c.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"
#include "self/mutation.h"
#include "self/self.h"
#include "self/selftest.h"

/* Runs take turns with the first four. */
enum kind { OURS, VARIANT, REWRITTEN, BUG, JUDGED, KINDS };
#define TURNS JUDGED

static const char *const kind_names[KINDS] = { "ours", "variant", "rewritten",
	"bug", "judged" };

struct row {
	unsigned runs, full, lost, refused, flagged, host;
};

struct table {
	const struct honest_job *job;
	const struct lab *lab;
	char *text, *path;          /* our file; where a submission is written */
	struct mutations bugs;
	size_t bug;                 /* the next one */
	struct row row[KINDS];
	int wrong;
};

/* ---- rewrites ---- */

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool
ends_in(const char *text, const char *s, const char *end)
{
	size_t n = strlen(end);

	return (size_t)(s - text) >= n && strncmp(s - n, end, n) == 0;
}

/* A use of the name at s, not a member, a path or an event that is called so. */
static bool
is_use(const char *text, const char *s)
{
	return s == text || (!is_name(s[-1]) && strchr(".\">", s[-1]) == NULL &&
	    !ends_in(text, s, "EVENT(") && !ends_in(text, s, "EVENT_ADD("));
}

/* Every use of a name: my_NAME. */
static char *
rename_all(char *text, const char *name, size_t n)
{
	char *out = xalloc(2 * strlen(text) + 1), *to = out, *s;

	for (s = text; *s != '\0'; s++) {
		if (strncmp(s, name, n) == 0 && !is_name(s[n]) && is_use(text, s))
			to = stpcpy(to, "my_");
		*to++ = *s;
	}
	*to = '\0';
	free(text);
	return out;
}

/* "static …" and a line that begins with the name of what it is. */
static char *
rename_statics(char *text)
{
	struct words names = { 0 };
	const char *s = text, *line;
	char *name;
	size_t i, n;

	while ((s = strstr(s, "\nstatic ")) != NULL) {
		s++;
		line = s + strcspn(s, "\n");
		if (*line == '\0')
			break;
		for (n = 0; is_name(line[1 + n]); n++)
			;
		if (n > 3 && line[1 + n] == '(') {
			name = strndup(line + 1, n);
			words_add(&names, name);
			free(name);
		}
	}
	for (i = 0; i < names.n; i++)
		text = rename_all(text, names.v[i], strlen(names.v[i]));
	words_free(&names);
	return text;
}

/* As a system writes text whose lines end with two bytes. */
static char *
two_byte_ends(char *text)
{
	char *out = xalloc(2 * strlen(text) + 1), *to = out, *s;

	for (s = text; *s != '\0'; *to++ = *s++)
		if (*s == '\n')
			*to++ = '\r';
	*to = '\0';
	free(text);
	return out;
}

/* Lines as long as can be; those of directives stay.  There are no comments. */
static char *
long_lines(char *text)
{
	bool directive = false, goes_on = false;
	char *s = text, *end;

	for (; *s != '\0'; s = end + 1) {
		directive = goes_on || s[strspn(s, " \t")] == '#';
		end = s + strcspn(s, "\n");
		if (*end == '\0')
			break;
		goes_on = directive && end > s && end[-1] == '\\';
		if (!directive && end[1 + strspn(end + 1, " \t\n")] != '#')
			*end = ' ';
	}
	return text;
}

/* As some editors write it: a mark of byte order, and no end of the last line. */
static char *
marked(char *text)
{
	char *out = xprintf("\xef\xbb\xbf%s", text);
	size_t n = strlen(out);

	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		out[--n] = '\0';
	free(text);
	return out;
}

static char *
rewritten(const struct table *t, int run)
{
	unsigned ways = 1 + (unsigned)run % 31;
	char *text = xstrdup(t->text);

	if (ways & (1 | 8))
		(void)text_blank_comments(text);
	if (ways & 2)
		text = rename_statics(text);
	if (ways & 8)
		text = long_lines(text);
	if (ways & 4)
		text = two_byte_ends(text);
	return ways & 16 ? marked(text) : text;
}

/* ---- runs ---- */

static void
count(struct table *t, enum kind kind, const struct report *r, uint64_t seed)
{
	struct row *row = &t->row[kind];
	bool flagged = false, host = r->build.status == ST_INFRA, wrong;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		flagged = flagged || r->result[i].verdict.forged;
		host = host || r->result[i].verdict.status == ST_INFRA;
	}
	row->runs++;
	row->host += host;
	row->flagged += flagged;
	row->refused += r->build.status == ST_GATE;
	row->full += r->score == r->max;
	row->lost += r->score < r->max;
	wrong = flagged || r->build.status == ST_GATE ||
		(!host && kind < BUG && r->score < r->max);
	if (!wrong)
		return;
	t->wrong++;
	printf("%s, %s, seed %llu: WRONG\n", t->lab->name, kind_names[kind],
	    (unsigned long long)seed);
	report_text(r, false);
}

/* False: it does not compile, and is a bug by chance. */
static bool
grade_text(struct table *t, enum kind kind, const char *text, uint64_t seed)
{
	struct options o = { .submission = t->path, .seed = seed, .seeded = true,
		.seeds = 1, .first = kind == BUG };
	struct report *r = xalloc(sizeof *r);
	bool judged;

	if (t->job->one)
		o.only = t->lab->test[seed % t->lab->ntests]->id;
	if (!file_write(t->path, text, strlen(text)))
		fprintf(stderr, "grade: cannot write %s\n", t->path);
	run_quietly(r, t->lab, &o);
	judged = kind != BUG || r->build.status != ST_BUILD;
	if (judged)
		count(t, kind, r, seed);
	report_free(r);
	free(r);
	return judged;
}

static void
bug_run(struct table *t, uint64_t seed)
{
	bool judged = false;
	char *text;

	while (!judged && t->bug < t->bugs.n) {
		text = mutation_apply(t->text, &t->bugs.v[t->bug++]);
		judged = grade_text(t, BUG, text, seed);
		free(text);
	}
}

static void
one_run(struct table *t, int run, const glob_t *variants, size_t nvariants)
{
	uint64_t seed = t->job->from + (uint64_t)run;
	enum kind kind = (enum kind)(run % TURNS);
	char *text = NULL;

	if (kind == BUG) {
		bug_run(t, seed);
		return;
	}
	if (kind == VARIANT && nvariants > 0)
		text = file_read(variants->gl_pathv[(size_t)(run / TURNS) %
		    nvariants], NULL);
	else if (kind == REWRITTEN)
		text = rewritten(t, run / TURNS);
	if (kind == VARIANT && text != NULL && strstr(text, " * Judged ") != NULL)
		kind = JUDGED;
	if (text == NULL) {
		kind = OURS;
		text = xstrdup(t->text);
	}
	grade_text(t, kind, text, seed);
	free(text);
}

static void
print_table(const struct table *t)
{
	const struct row *row;
	int k;

	for (k = 0; k < KINDS; k++) {
		row = &t->row[k];
		if (row->runs > 0)
			printf("%-14s %-10s %5u runs %5u full %5u lost %3u "
			       "refused %3u flagged %3u host\n", t->lab->name,
			    kind_names[k], row->runs, row->full, row->lost,
			    row->refused, row->flagged, row->host);
	}
}

/* How many were accused, refused or lost points without a bug. */
int
honest_table(const struct lab *lab, const struct honest_job *job)
{
	char *pattern = xprintf("grading/variants/%s/*.c", lab->name);
	char *own = xprintf("kernel/%s", lab->file), *folder = tidy_folder();
	struct table t = { .job = job, .lab = lab,
		.text = file_read(own, NULL) };
	bool some;
	glob_t g;
	int i;

	t.path = xprintf("%s/%s", folder, lab->source);
	if (t.text != NULL && lab->ntests > 0) {
		mutations_find(&t.bugs, t.text);
		mutations_shuffle(&t.bugs, job->from);
		some = glob(pattern, 0, NULL, &g) == 0;
		for (i = 0; i < job->runs; i++)
			one_run(&t, i, &g, some ? g.gl_pathc : 0);
		if (some)
			globfree(&g);
		mutations_free(&t.bugs);
		print_table(&t);
	}
	tidy_remove(folder);
	free(t.path);
	free(t.text);
	free(folder);
	free(own);
	free(pattern);
	return t.wrong;
}
