/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hint.c: make hint: a little more, and only when it was tried
 *
 * Problem   Whoever is stuck at a step wants a push, not the answer; whoever has
 *           the answer before them has nothing to find out.
 *
 * Picture   labs/NN-name/hints.md   ## Step 2: reserve
 *                                   ### 1   where to look
 *                                   ### 2   the way
 *                                   ### 3   all but the code
 *           build/hints/NN-name     "step shown failed", a line for each step
 *           grade run: a test of the step fails ─→ failed = 1
 *           grade hint: shown 0, or failed ─→ one level more, failed = 0
 *
 * Rules     1. The file is a convenience for an honest reader and guards nothing:
 *              hints.md can be read.  What it says that cannot be is not believed,
 *              and a file that cannot be written costs no run.
 *           2. A file that does not build, or a host in trouble, is no failing run.
 *
 * Read next grade.c, judge/run.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "learn/learn.h"

#define STEPS 32
#define LEVELS 3

struct tried {
	int shown[STEPS];   /* levels that were said */
	bool failed[STEPS]; /* a run since then */
};

static const char hint_text[] =
    "usage: make hint LAB=05 STEP=2    (grade hint LAB STEP)\n"
    "  Prints the first of three hints for a step; each further one comes after\n"
    "  a run in which a test of that step failed: make grade LAB=05 STEP=2.\n"
    "  Hints that you have seen are printed again.\n";

/* ---- what was tried ---- */

static char *
state_path(const struct lab *lab)
{
	return xprintf("build/hints/%s", lab->name);
}

static void
state_read(struct tried *t, const struct lab *lab)
{
	char *path = state_path(lab), *text = file_read(path, NULL), *s;
	int step, shown, failed;

	memset(t, 0, sizeof *t);
	for (s = text; s != NULL && *s != '\0'; s += *s == '\n') {
		if (sscanf(s, "%d %d %d", &step, &shown, &failed) == 3 &&
		    step > 0 && step < STEPS && shown >= 0 && shown <= LEVELS) {
			t->shown[step] = shown;
			t->failed[step] = failed != 0;
		}
		s += strcspn(s, "\n");
	}
	free(text);
	free(path);
}

static void
state_write(const struct tried *t, const struct lab *lab)
{
	char *path = state_path(lab);
	FILE *f;
	int k;

	mkdir("build", 0777);
	mkdir("build/hints", 0777);
	f = fopen(path, "w");
	for (k = 1; f != NULL && k < STEPS; k++)
		if (t->shown[k] > 0 || t->failed[k])
			fprintf(f, "%d %d %d\n", k, t->shown[k], t->failed[k]);
	if (f != NULL)
		fclose(f);
	free(path);
}

/* A learner's run has ended: which steps have a test that failed? */
void
hint_note(const struct report *r)
{
	const struct result *res;
	struct tried t;
	bool any = false;

	if (r->build.status != ST_PASS || r->options->kernel != NULL)
		return;
	state_read(&t, r->lab);
	for (res = r->result; res < r->result + r->nresults; res++) {
		if (res->verdict.status == ST_PASS ||
		    res->verdict.status == ST_INFRA ||
		    res->test->step < 1 || res->test->step >= STEPS)
			continue;
		any = any || !t.failed[res->test->step];
		t.failed[res->test->step] = true;
	}
	if (any)
		state_write(&t, r->lab);
}

/* ---- hints.md ---- */

/* Behind the line of a heading that begins so, in [s, end); NULL: there is none. */
static const char *
behind_heading(const char *s, const char *end, const char *heading)
{
	size_t n = strlen(heading);

	for (; s != NULL && s < end; s = strchr(s, '\n') != NULL
		 ? strchr(s, '\n') + 1 : NULL)
		if (strncmp(s, heading, n) == 0 &&
		    (s[n] == ':' || s[n] == '\n' || s[n] == ' '))
			return s + strcspn(s, "\n") + 1;
	return NULL;
}

/* The first heading of so many # or fewer in [s, end), or end. */
static const char *
next_heading(const char *s, const char *end, size_t level)
{
	size_t n;

	while (s < end && *s != '\0') {
		n = strspn(s, "#");
		if (n > 0 && n <= level && s[n] == ' ')
			return s;
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return end;
}

/*
 * The text of a level of a step.  The caller frees it.
 *
 * Returns:  NULL: the lab has no such hint.
 */
char *
hint_level(const struct lab *lab, int step, int level)
{
	char *path = xprintf("%s/hints.md", lab->dir);
	char *text = file_read(path, NULL), *found = NULL;
	char *head = xprintf("## Step %d", step), *sub = xprintf("### %d", level);
	const char *end = text != NULL ? text + strlen(text) : NULL;
	const char *s = text != NULL ? behind_heading(text, end, head) : NULL;

	if (s != NULL) {
		end = next_heading(s, end, 2);
		s = behind_heading(s, end, sub);
	}
	if (s != NULL) {
		end = next_heading(s, end, 3);
		s += strspn(s, "\n");
		while (end > s && end[-1] == '\n')
			end--;
		found = strndup(s, (size_t)(end - s));
	}
	free(sub);
	free(head);
	free(text);
	free(path);
	return found;
}

/* ---- the command ---- */

static void
say(const struct lab *lab, int step, int level)
{
	char *text = hint_level(lab, step, level);

	printf("%s step %d, hint %d of %d\n\n%s\n\n", lab->name, step, level,
	    LEVELS, text != NULL ? text : "(none)");
	free(text);
}

static int
hint_step(const struct lab *lab, int step)
{
	struct tried t;
	int k;

	state_read(&t, lab);
	if (t.shown[step] == 0 || (t.failed[step] && t.shown[step] < LEVELS)) {
		t.shown[step]++;
		t.failed[step] = false;
		state_write(&t, lab);
	}
	for (k = 1; k <= t.shown[step]; k++)
		say(lab, step, k);
	if (t.shown[step] == LEVELS)
		printf("There is no further hint; hints.md has one for each "
		       "test, and the book explains the subject.\n");
	else
		printf("The next one comes after a run in which a test of this "
		       "step fails:\n  make grade LAB=%.2s STEP=%d\n",
		    lab->name, step);
	return 0;
}

/* hint LAB STEP */
int
cmd_hint(int argc, char **argv)
{
	char *why = NULL, *end, *first;
	struct lab *lab;
	long step;
	int r = GRADE_USAGE;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(hint_text, stdout);
		return 0;
	}
	if (argc != 3 || argv[1][0] == '\0' || argv[2][0] == '\0') {
		fputs(hint_text, stderr);
		return GRADE_USAGE;
	}
	lab = lab_open(argv[1], NULL, &why);
	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	step = strtol(argv[2], &end, 10);
	first = hint_level(lab, 1, 1);
	if (*end != '\0' || step < 1 || step > (long)lab->steps.n)
		fprintf(stderr, "grade: %s has the steps 1 to %zu, and none that "
		    "is called %s\n", lab->name, lab->steps.n, argv[2]);
	else if (first == NULL)
		fprintf(stderr, "grade: %s/hints.md has a hint for each test, "
		    "and none by steps\n", lab->dir);
	else
		r = hint_step(lab, (int)step);
	free(first);
	lab_free(lab);
	return r;
}
