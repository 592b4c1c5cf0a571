/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ci.c: JUnit for test viewers, annotations for GitHub
 *
 * Problem   Where results are shown, the message must be the one that teaches.
 *
 * Picture   <testsuite name="step 4"> <testcase> <failure message="…">
 *           ::error file=…,line=…,title=05/t08::…
 *
 * Rules     What came from a guest, a compiler or a file's name is made plain and
 *           escaped: in XML, in an annotation's text, in its properties.
 *
 * Read next text.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* One sentence: expected, got, so. */
static char *
sentence(const struct report *r, const struct result *res)
{
	const struct failure *f = &res->verdict.failure[0];

	if (res->verdict.nfailures == 0)
		return xprintf("%s: %s", status_name(res->verdict.status),
		    r->build.why != NULL ? r->build.why : "");
	return xprintf("%s%s%sgot %s%s%s", f->expected ? "expected " : "",
	    f->expected ? f->expected : "", f->expected ? "; " : "",
	    f->got != NULL ? f->got : f->what, f->hint != NULL ? "; so " : "",
	    f->hint != NULL ? f->hint : "");
}

static char *
message(const struct report *r, const struct result *res)
{
	char *raw = sentence(r, res), *text = plain(raw);

	free(raw);
	return text;
}

static void
xml_text(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '&')
			fputs("&amp;", f);
		else if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else if (*s == '"')
			fputs("&quot;", f);
		else if (*s == '\n')
			fputs("&#10;", f);
		else
			fputc(*s, f);
	}
}

static void
junit_case(FILE *f, const struct report *r, const struct result *res)
{
	enum status s = res->verdict.status;
	char *text;

	fprintf(f, "  <testcase classname=\"%s\" name=\"", r->lab->name);
	xml_text(f, res->test->id);
	fputc(' ', f);
	xml_text(f, res->test->name);
	fprintf(f, "\" time=\"%.3f\">", res->seconds);
	if (s != ST_PASS) {
		text = message(r, res);
		fprintf(f, "<%s type=\"%s\" message=\"",
		    s == ST_INFRA ? "error" : "failure", status_name(s));
		xml_text(f, text);
		fprintf(f, "\"/>");
		free(text);
	}
	fprintf(f, "</testcase>\n");
}

static void
junit_suite(FILE *f, const struct report *r, int step)
{
	const struct result *res;
	int tests = 0, failed = 0, errors = 0;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		res = &r->result[i];
		if (res->test->step != step)
			continue;
		tests++;
		errors += res->verdict.status == ST_INFRA;
		failed += res->verdict.status != ST_PASS &&
			  res->verdict.status != ST_INFRA;
	}
	if (tests == 0)
		return;
	fprintf(f, " <testsuite name=\"%s step %d\" tests=\"%d\" "
		   "failures=\"%d\" errors=\"%d\" timestamp=\"%.19s\">\n",
	    r->lab->name, step, tests, failed, errors, r->started);
	for (i = 0; i < r->nresults; i++)
		if (r->result[i].test->step == step)
			junit_case(f, r, &r->result[i]);
	fprintf(f, " </testsuite>\n");
}

bool
report_junit(const struct report *r, const char *path)
{
	FILE *f = fopen(path, "we");
	int step;

	if (f == NULL)
		return false;
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (step = 0; step < 10; step++)
		junit_suite(f, r, step);
	fprintf(f, "</testsuites>\n");
	return fclose(f) == 0;
}

/* ---- GitHub ---- */

/* Annotations end at the line's end, properties at a comma, also: escaped. */
static void
command_text(FILE *f, const char *s, const char *special)
{
	for (; *s != '\0'; s++) {
		if (strchr(special, *s) != NULL)
			fprintf(f, "%%%02X", (unsigned char)*s);
		else
			fputc(*s, f);
	}
}

static void
property(FILE *f, const char *name, const char *raw)
{
	char *text = plain(raw);

	fprintf(f, "%s=", name);
	command_text(f, text, "%\n\r,:");
	free(text);
}

/*
 * Which line of which file: that of the function concerned, or the one that a
 * compiler or the gate names.
 */
static void
annotate(FILE *f, const struct report *r, const struct result *res)
{
	const char *why = r->build.why, *s, *place = res->look_line[0];
	const char *colon = place != NULL ? strrchr(place, ':') : NULL;
	char *file, *text;
	long line = 0;

	text = xprintf("%s:", r->lab->source);
	if (colon != NULL)
		line = strtol(colon + 1, NULL, 10);
	else if (why != NULL && (s = strstr(why, text)) != NULL)
		line = strtol(s + strlen(text), NULL, 10);
	else if (why != NULL && strncmp(why, "line ", 5) == 0)
		line = strtol(why + 5, NULL, 10);
	free(text);
	file = colon != NULL ? xprintf("%.*s", (int)(colon - place), place)
	     : r->options->submission != NULL
		   ? xstrdup(r->options->submission)
		   : xprintf("%s/%s", r->lab->dir, r->lab->source);
	property(f, "file", file);
	fprintf(f, ",line=%ld,", line > 0 ? line : 1);
	free(file);
}

bool
report_github(const struct report *r, const char *path)
{
	FILE *f = fopen(path, "we");
	const struct result *res;
	char *text, *title;
	size_t i;

	if (f == NULL)
		return false;
	for (i = 0; i < r->nresults; i++) {
		res = &r->result[i];
		if (res->verdict.status == ST_PASS)
			continue;
		text = message(r, res);
		title = xprintf("%s %s", res->test->id, res->test->name);
		fputs("::error ", f);
		annotate(f, r, res);
		property(f, "title", title);
		fputs("::", f);
		command_text(f, text, "%\n\r");
		fputc('\n', f);
		free(title);
		free(text);
	}
	fprintf(f, "::notice title=%s::%d of %d points\n", r->lab->name,
	    r->score, r->max);
	return fclose(f) == 0;
}
