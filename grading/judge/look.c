/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c: where to look
 *
 * Problem   A failed test should name the function that is wrong, or the one
 *           that calls it: two names at most, or nobody reads them.
 *
 * Picture   a counter's hint that held ─→ what stands behind its "look"
 *           a hint about an answer, or words of a claim ─→ the same
 *           a hint about how it ended ─→ the same
 *           panic ─→ the innermost frame in the file
 *           LOOK of the test                           the first two of these
 *
 * Rules     1. In this order.  A name that the student's file does not define is
 *              left out (the reference has helpers that others need not have),
 *              unless no name would be left.
 *           2. The line is that of the definition in the text, in whatever layout:
 *              functions that the compiler took apart have one, too.
 *           3. The file is the one that was handed in.
 *
 * Read next judge.c, hints.c; self/mutants.c measures how often it is right.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

struct looker {
	const struct report *r;
	struct result *res;
	char *path, *text; /* the file that was graded */
	size_t n;
};

/* The file whose functions are meant, as one would open it. */
static char *
graded_file(const struct report *r)
{
	if (r->options->kernel != NULL && strcmp(r->lab->file, "none") != 0)
		return xprintf("kernel/%s", r->lab->file);
	if (r->options->submission != NULL)
		return xstrdup(r->options->submission);
	return xprintf("%s/%s", r->lab->dir, r->lab->source);
}

/* Does a function begin on the line: "name(", or its type before it and then a body? */
static bool
begins_on(const char *line, const char *name)
{
	const char *s = line, *end = line + strcspn(line, "\n");
	size_t n = strlen(name), k;

	if (!isalpha((unsigned char)*line) && *line != '_')
		return false;
	while ((s = memmem(s, (size_t)(end - s), name, n)) != NULL) {
		k = n + strspn(s + n, " \t");
		if (s[k] == '(' && s == line)
			return true;
		if (s[k] == '(' && strchr(" \t*", s[-1]) != NULL)
			return s[strcspn(s, ";{")] == '{';
		s += n;
	}
	return false;
}

/* The line on which the function begins; 0: none does. */
static int
line_of(const char *text, const char *name)
{
	int line = 1;

	for (; text != NULL && *text != '\0'; line++) {
		if (begins_on(text, name))
			return line;
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
	return 0;
}

static const char *
kernel_of(const struct report *r)
{
	return r->build.kernel != NULL ? r->build.kernel : r->options->kernel;
}

char *
look_line(const struct report *r, uint64_t pc)
{
	char *at = symbols_line(kernel_of(r), pc), *own, *moved;
	size_t n;

	own = xprintf("%s/%s:", r->lab->dir, r->lab->source);
	n = strlen(own);
	if (at != NULL && r->options->submission != NULL &&
	    strncmp(at, own, n) == 0) {
		moved = xprintf("%s:%s", r->options->submission, at + n);
		free(at);
		at = moved;
	}
	free(own);
	return at;
}

/* Where a name is; NULL: the student's kernel has no such function. */
static char *
place_of(const struct looker *l, const char *name)
{
	int line = line_of(l->text, name);

	if (line != 0)
		return xprintf("%s:%d", l->path, line);
	if (l->r->symbols == NULL)
		return NULL;
	return look_line(l->r, symbols_find(l->r->symbols, name));
}

static void
take(struct looker *l, const char *name, bool always)
{
	struct result *res = l->res;
	char *place;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(res->look[i], name) == 0)
			return;
	if (l->n == LOOKS)
		return;
	place = place_of(l, name);
	if (place == NULL && !always)
		return;
	res->look[l->n] = xstrdup(name);
	res->look_line[l->n++] = place;
}

static void
take_words(struct looker *l, const struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		take(l, w->v[i], false);
}

/* The innermost frame of a backtrace that is in the file. */
static void
take_frame(struct looker *l)
{
	const char *log = l->res->boot != NULL ? l->res->boot->log : NULL;
	const char *s = log != NULL ? strstr(log, "backtrace:") : NULL, *name;
	char *frame;

	while (s != NULL && (s = strchr(s, '\n')) != NULL && s[1] == ' ') {
		s++;
		s += strspn(s, " ");
		name = s + strcspn(s, " \n");
		name += strspn(name, " ");
		frame = strndup(name, strcspn(name, "+. \r\n"));
		if (frame != NULL && line_of(l->text, frame) != 0) {
			take(l, frame, false);
			s = NULL;
		}
		free(frame);
	}
}

/* What hints name: of counters or not, of whatever ends so or not. */
static void
take_hints(struct looker *l, bool counter, bool general)
{
	const struct verdict *v = &l->res->verdict;
	const struct failure *f;

	for (f = v->failure; f < v->failure + v->nfailures; f++)
		if (f->look != NULL && f->general == general &&
		    (f->region != NULL) == counter)
			take_words(l, f->look);
}

/* Fill in res->look of a result that is no pass. */
void
look_find(const struct report *r, struct result *res)
{
	struct looker l = { .r = r, .res = res, .path = graded_file(r) };

	l.text = file_read(l.path, NULL);
	take_hints(&l, true, false);
	take_hints(&l, false, false);
	take_hints(&l, true, true);
	take_hints(&l, false, true);
	if (res->verdict.status == ST_PANIC)
		take_frame(&l);
	take_words(&l, &res->test->look);
	if (l.n == 0 && res->test->look.n > 0)
		take(&l, res->test->look.v[0], true);
	free(l.text);
	free(l.path);
}
