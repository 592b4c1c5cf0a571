/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutants.c: planted bugs are found, other solutions are not punished
 *
 * Problem   A bug that no test finds is a missing test; a correct solution that
 *           fails is a wrong bound.
 *
 * Picture   grading/mutants/05-fork/m2-*.patch ─→ kernel file ─→ patched ─→ the
 *           tests whose MUTANTS names m2: at least one fails
 *           grading/variants/05-fork/NAME.c ─→ all tests: 100
 *
 * Rules     1. A mutant that does not build or apply is wrong: it drifted.
 *           2. What "look at" prints is compared with the functions that the
 *              patch changes, and with those that call one directly.  Fewer than
 *              95 of 100 are wrong.
 *
 * Read next selftest.c.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "self/self.h"
#include "self/selftest.h"

#define LOOK_PERCENT 95

struct mutant {
	char *name;   /* m2 */
	char *file;   /* the patched kernel file */
	struct words inside; /* the functions that were changed */
};

static struct {
	int shown, right; /* killed; of them with a name that leads there */
} messages;

/* "m2" of "…/m2-overlap.patch". */
static char *
name_of(const char *path)
{
	const char *s = strrchr(path, '/') + 1;

	return strndup(s, strcspn(s, "-_."));
}

/* The function of a file that a line lies in: the last "name(" before it. */
static char *
function_at(const char *text, long line)
{
	const char *name = NULL;
	size_t n = 0, len;

	for (; line > 0 && *text != '\0'; line--) {
		len = strcspn(text, "(\n ;=");
		if (len > 0 && text[len] == '(' &&
		    (isalpha((unsigned char)*text) || *text == '_')) {
			name = text;
			n = len;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return name != NULL ? strndup(name, n) : NULL;
}

/*
 * The functions that the mutant changes, in our file as it is now: the patch may
 * be older.  A line that is only added lies in the function of the line before.
 */
static void
functions_of(struct mutant *m, const struct lab *lab)
{
	char *path = xprintf("kernel/%s", lab->file), *name, *diff = NULL;
	const char *argv[] = { "diff", "-u", path, m->file, NULL };
	char *text = file_read(path, NULL);
	const char *s = NULL;
	long line = 0;

	(void)command(argv, &diff); /* not equal is no failure */
	if (diff != NULL)
		s = strstr(diff, "\n@@ -");
	for (; text != NULL && s != NULL; s = strchr(s + 1, '\n')) {
		if (strncmp(s + 1, "@@ -", 4) == 0)
			line = strtol(s + 5, NULL, 10) - 1;
		else if (s[1] == ' ' || s[1] == '-')
			line++;
		if (s[1] != '-' && s[1] != '+')
			continue;
		name = function_at(text, line);
		if (name != NULL && !words_has(&m->inside, name))
			words_add(&m->inside, name);
		free(name);
	}
	free(diff);
	free(path);
	free(text);
}

static bool
mutant_make(struct mutant *m, const struct lab *lab, const char *patch)
{
	char *from = xprintf("kernel/%s", lab->file);
	bool ok;

	m->name = name_of(patch);
	m->file = tidy_file("mutant.c");
	ok = shell_within(NULL, NULL, "cp \"$1\" \"$2\" && "
	    "patch -s -F 0 \"$2\" <\"$3\"", from, m->file, patch, NULL) == 0;
	if (ok)
		functions_of(m, lab);
	free(from);
	return ok;
}

static void
mutant_free(struct mutant *m)
{
	tidy_remove(m->file);
	free(m->name);
	free(m->file);
	words_free(&m->inside);
}

/* Does the body of caller, in the kernel's file, call name? */
static bool
calls(const char *text, const char *caller, const char *name)
{
	char *head = xprintf("\n%s(", caller), *call = xprintf("%s(", name);
	const char *s = strstr(text, head), *end, *hit = NULL;

	s = s != NULL ? strstr(s, "\n{\n") : NULL;
	end = s != NULL ? strstr(s, "\n}\n") : NULL;
	if (end != NULL)
		hit = strstr(s, call);
	while (hit != NULL && hit < end &&
	       (isalnum((unsigned char)hit[-1]) || hit[-1] == '_'))
		hit = strstr(hit + 1, call);
	free(head);
	free(call);
	return hit != NULL && hit < end;
}

/* Is one of the names a changed function, or one that calls it directly? */
static bool
looks_there(const struct lab *lab, char *const look[LOOKS],
    const struct words *inside)
{
	char *path = xprintf("kernel/%s", lab->file);
	char *text = file_read(path, NULL);
	bool found = false;
	size_t i, k;

	for (i = 0; i < LOOKS && look[i] != NULL; i++) {
		found = found || words_has(inside, look[i]);
		for (k = 0; text != NULL && k < inside->n; k++)
			found = found || calls(text, look[i], inside->v[k]);
	}
	free(path);
	free(text);
	return found;
}

/* A sentence about the mechanism: a hint, or a claim of the kernel test. */
static bool
teaches(const struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->nfailures; i++)
		if (v->failure[i].hint != NULL ||
		    strncmp(v->failure[i].what, "a claim", 7) == 0)
			return true;
	return false;
}

/* Does this test kill it?  How, and does what it prints point there? */
static bool
killed_by(const struct mutant *m, const struct lab *lab, const struct test *t)
{
	struct options o = { .submission = m->file, .only = t->id, .jobs = 1 };
	struct report *r = xalloc(sizeof *r);
	const struct verdict *v = &r->result[0].verdict;
	char *const *look = r->result[0].look;
	bool killed, there, taught;

	run_quietly(r, lab, &o);
	killed = r->build.status == ST_PASS && v->status != ST_PASS &&
		 v->status != ST_INFRA;
	there = looks_there(lab, look, &m->inside);
	taught = teaches(v);
	messages.shown += killed;
	messages.right += killed && there;
	printf("%s %-4s by %s: %s%s%s  look %s%s%s %s%s%s\n", lab->name,
	    m->name, t->id,
	    r->build.status == ST_PASS ? status_name(v->status)
				       : "does not build",
	    v->nfailures > 0 ? ", " : "",
	    v->nfailures > 0 ? v->failure[0].what : "",
	    look[0] != NULL ? look[0] : "-", look[1] != NULL ? " " : "",
	    look[1] != NULL ? look[1] : "", there ? "ok" : "not at ",
	    there || m->inside.n == 0 ? "" : m->inside.v[0],
	    !killed ? "  SURVIVES" : taught ? "" : "  WITHOUT A HINT");
	report_free(r);
	free(r);
	return killed && taught;
}

static int
mutant_of(const struct lab *lab, const char *patch)
{
	struct mutant m = { 0 };
	int wrong = 0, killers = 0;
	size_t i;

	if (!mutant_make(&m, lab, patch)) {
		printf("%s %s: does not apply\n", lab->name, patch);
		mutant_free(&m);
		return 1;
	}
	for (i = 0; i < lab->ntests; i++) {
		if (!words_has(&lab->test[i]->mutants, m.name))
			continue;
		killers++;
		wrong += !killed_by(&m, lab, lab->test[i]);
	}
	if (killers == 0)
		printf("%s %s: no test names it\n", lab->name, m.name);
	mutant_free(&m);
	return wrong + (killers == 0);
}

static const char *only; /* one mutant, or NULL: all */

static int
mutants_of(const struct lab *lab)
{
	char *pattern = xprintf("grading/mutants/%s/%s.patch", lab->name,
	    only != NULL ? only : "*");
	int wrong = 0;
	glob_t g;
	size_t i;

	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			wrong += mutant_of(lab, g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
	return wrong;
}

int
cmd_mutants(const char *lab, const char *mutant)
{
	int wrong;

	only = mutant;
	setvbuf(stdout, NULL, _IOLBF, 0);
	wrong = each_lab(lab, mutants_of);
	if (messages.shown > 0)
		printf("look at: %d of %d lead to the bug\n", messages.right,
		    messages.shown);
	if (only == NULL && messages.right * 100 < messages.shown * LOOK_PERCENT)
		wrong = 1;
	return wrong;
}

/* ---- variants ---- */

/* What its heading says of it: ` * Judged 96 t16 "slow"`; else it is worth all. */
struct judgement {
	int64_t score;
	char *test, *says; /* malloc'd, or NULL */
};

static struct judgement
judgement_read(const char *file)
{
	struct judgement g = { .score = 100 };
	char *text = file_read(file, NULL);
	const char *s = text != NULL ? strstr(text, " * Judged ") : NULL;
	struct words w = { 0 };

	if (s != NULL)
		w = line_words(s, " * Judged ");
	if (w.n == 5 && number_read(w.v[2], &g.score)) {
		g.test = xstrdup(w.v[3]);
		g.says = xstrdup(w.v[4]);
	}
	words_free(&w);
	free(text);
	return g;
}

/* The first failure of its test has these words. */
static bool
says(const struct report *r, const struct judgement *g)
{
	const struct test *t = lab_test(r->lab, g->test);
	const struct failure *f;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		f = &r->result[i].verdict.failure[0];
		if (r->result[i].test == t && r->result[i].verdict.nfailures > 0 &&
		    ((f->got != NULL && strstr(f->got, g->says) != NULL) ||
			(f->hint != NULL && strstr(f->hint, g->says) != NULL)))
			return true;
	}
	return false;
}

static int
variant_of(const struct lab *lab, const char *file)
{
	struct options o = { .submission = file };
	struct judgement g = judgement_read(file);
	struct report *r = xalloc(sizeof *r);
	bool ok;

	run_quietly(r, lab, &o);
	ok = r->score == g.score && (g.says == NULL || says(r, &g));
	free(g.test);
	free(g.says);
	printf("%s: %d/%d  %s\n", file, r->score, r->max, ok ? "ok" : "WRONG");
	if (!ok)
		report_text(r, false);
	report_free(r);
	free(r);
	return !ok;
}

static int
variants_of(const struct lab *lab)
{
	char *pattern = xprintf("grading/variants/%s/*.c", lab->name);
	int wrong = 0;
	glob_t g;
	size_t i;

	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			wrong += variant_of(lab, g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
	return wrong;
}

int
cmd_variants(const char *lab)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	return each_lab(lab, variants_of);
}
