/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.c: a lab from its folder
 *
 * Problem   "5", "05", "fork" and "05-fork" mean the same lab.
 *
 * Picture   labs/05-fork/lab.conf, tests/t01.test …, and if asked for
 *           hidden/05-fork/h01.test …
 *
 * Rules     GRADE_LABS names another folder of labs: the grader's own tests.
 *
 * Read next testfile.c.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lab/lab.h"

static const char *
labs_dir(void)
{
	const char *s = getenv("GRADE_LABS");

	return s != NULL ? s : "labs";
}

static const char *
base_name(const char *path)
{
	const char *s = strrchr(path, '/');

	return s != NULL ? s + 1 : path;
}

struct words
labs_all(void)
{
	char *pattern = xprintf("%s/[0-9]*-*/lab.conf", labs_dir());
	struct words w = { 0 };
	glob_t g;
	size_t i;

	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++) {
			g.gl_pathv[i][strlen(g.gl_pathv[i]) - 9] = '\0';
			words_add(&w, g.gl_pathv[i]);
		}
		globfree(&g);
	}
	free(pattern);
	return w;
}

/* Is dir ("…/05-fork") the lab called which? */
static bool
is_called(const char *dir, const char *which)
{
	const char *name = base_name(dir), *dash = strchr(name, '-');
	char *end;
	long nr = strtol(which, &end, 10);

	if (strcmp(name, which) == 0 || strcmp(dash + 1, which) == 0)
		return true;
	return end != which && *end == '\0' && nr == strtol(name, NULL, 10);
}

static char *
find_dir(const char *which)
{
	struct words all = labs_all();
	char *found = NULL;
	size_t i;

	for (i = 0; i < all.n && found == NULL; i++)
		if (is_called(all.v[i], which))
			found = xstrdup(all.v[i]);
	words_free(&all);
	return found;
}

/* ---- lab.conf ---- */

static bool
conf_key(struct lab *lab, const struct words *w)
{
	const struct {
		const char *key;
		char **field;
	} texts[] = { { "lab", &lab->name }, { "title", &lab->title },
		{ "file", &lab->file }, { "source", &lab->source },
		{ "part", &lab->part }, { "design", &lab->design },
		{ "chapter", &lab->chapter }, { "hours", &lab->hours } };
	const struct {
		const char *key;
		struct words *field;
	} lists[] = { { "steps", &lab->steps }, { "imports", &lab->imports },
		{ "headers", &lab->headers }, { "bootfloor", &lab->bootfloor },
		{ "allow", &lab->allow } };
	size_t i, j;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(w->v[0], texts[i].key) == 0) {
			free(*texts[i].field);
			*texts[i].field = words_join(w, 1, w->n);
			return true;
		}
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (strcmp(w->v[0], lists[i].key) == 0) {
			for (j = 1; j < w->n; j++)
				words_add(lists[i].field, w->v[j]);
			return true;
		}
	if (strcmp(w->v[0], "leakstep") == 0 && w->n == 2)
		lab->leakstep = atoi(w->v[1]);
	return strcmp(w->v[0], "leakstep") == 0;
}

static bool
conf_read(struct lab *lab, char **why)
{
	char *path = xprintf("%s/lab.conf", lab->dir), *line, *rest;
	char *text = file_read(path, NULL);
	struct words w;
	bool ok = text != NULL;

	if (!ok)
		*why = xprintf("%s: cannot be read", path);
	rest = text;
	while (ok && (line = strsep(&rest, "\n")) != NULL) {
		w = words_split(line, why);
		if (w.n > 0 && !conf_key(lab, &w)) {
			*why = xprintf("%s: unknown key %s", path, w.v[0]);
			ok = false;
		}
		words_free(&w);
	}
	if (ok && lab->file == NULL) {
		*why = xprintf("%s: file is missing", path);
		ok = false;
	}
	if (ok && lab->source == NULL)
		lab->source = xstrdup(base_name(lab->file));
	free(text);
	free(path);
	return ok;
}

/* ---- tests ---- */

static bool
tests_read(struct lab *lab, const char *pattern, char **why)
{
	glob_t g;
	size_t i;
	bool ok = true;

	if (glob(pattern, 0, NULL, &g) != 0)
		return true;
	for (i = 0; ok && i < g.gl_pathc && lab->ntests < MAX_ITEMS; i++) {
		struct test *t = test_read(g.gl_pathv[i], why);

		ok = t != NULL;
		if (ok)
			lab->test[lab->ntests++] = t;
	}
	globfree(&g);
	return ok;
}

/* A folder that is not there hides nothing; a lab may have none. */
static bool
hidden_read(struct lab *lab, const char *hidden, char **why)
{
	char *pattern = xprintf("%s/%s/h*.test", hidden, lab->name);
	struct stat st;
	bool ok = stat(hidden, &st) == 0 && S_ISDIR(st.st_mode);

	if (!ok)
		*why = xprintf("%s: no folder of hidden tests", hidden);
	ok = ok && tests_read(lab, pattern, why);
	free(pattern);
	return ok;
}

/* "…, which has 00-tour 01-vad": what one may have meant; malloc'd. */
static char *
no_lab(const char *which)
{
	struct words all = labs_all(), names = { 0 };
	char *text, *why;
	size_t i;

	for (i = 0; i < all.n; i++)
		words_add(&names, base_name(all.v[i]));
	text = words_join(&names, 0, names.n);
	why = *which == '\0'
		  ? xprintf("a lab has a name (LAB=05): %s/ has %s", labs_dir(), text)
		  : xprintf("there is no lab %s in %s/, which has %s", which,
			labs_dir(), text);
	free(text);
	words_free(&names);
	words_free(&all);
	return why;
}

struct lab *
lab_open(const char *which, const char *hidden, char **why)
{
	struct lab *lab = xalloc(sizeof *lab);
	char *pattern;
	bool ok;

	lab->dir = find_dir(which);
	if (lab->dir == NULL) {
		*why = no_lab(which);
		free(lab);
		return NULL;
	}
	lab->name = xstrdup(base_name(lab->dir));
	pattern = xprintf("%s/tests/t*.test", lab->dir);
	ok = conf_read(lab, why) && tests_read(lab, pattern, why);
	free(pattern);
	if (ok && hidden != NULL)
		ok = hidden_read(lab, hidden, why);
	if (ok)
		return lab;
	lab_free(lab);
	return NULL;
}

/* "t08" or "05/t08". */
const struct test *
lab_test(const struct lab *lab, const char *id)
{
	size_t i;

	for (i = 0; i < lab->ntests; i++)
		if (strcmp(base_name(lab->test[i]->id), base_name(id)) == 0)
			return lab->test[i];
	return NULL;
}

/* That there is none of that name, and what there is; malloc'd. */
char *
lab_no_test(const struct lab *lab, const char *id)
{
	size_t n = lab->ntests;

	while (n > 0 && lab->test[n - 1]->parent != NULL)
		n--;
	if (n == 0)
		return xprintf("%s has no tests", lab->name);
	return xprintf("%s has no test %s: they are %s to %s", lab->name, id,
	    base_name(lab->test[0]->id), base_name(lab->test[n - 1]->id));
}

void
lab_free(struct lab *lab)
{
	char *text[] = { lab->dir, lab->name, lab->title, lab->file,
		lab->source, lab->part, lab->design, lab->chapter,
		lab->hours };
	size_t i;

	for (i = 0; i < sizeof text / sizeof text[0]; i++)
		free(text[i]);
	words_free(&lab->steps);
	words_free(&lab->imports);
	words_free(&lab->headers);
	words_free(&lab->bootfloor);
	words_free(&lab->allow);
	for (i = 0; i < lab->ntests; i++)
		test_drop(lab->test[i]);
	free(lab);
}
