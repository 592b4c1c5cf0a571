/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sheet.c: what came of a class
 *
 * Problem   Two hundred results are read as a table, by test, and one by one; what a
 *           person should look at is found without reading all.
 *
 * Picture   list.json, done/ID.json ─→ class.csv · tests.csv · index.html · odd.html ·
 *           page/ID.html
 *
 * Rules     No time and no host is in the CSV: a class that was stopped and went on has
 *           the same.  Each file is written beside and renamed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "class/class.h"

#define SLOW 3 /* times the median */

struct tally { /* of one test */
	const char *id, *name;
	size_t passed, of;
	json_t *said; /* message → how many */
};

struct sheet {
	const struct lab *lab;
	const char *out;
	json_t *list, *results; /* result: null if there is none */
	struct tally tally[MAX_ITEMS];
	size_t ntallies;
	int64_t median;
};

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static int64_t
number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

json_t *
class_result(const char *out, const char *id)
{
	char *path = xprintf("%s/done/%s.json", out, id);
	json_t *r = json_load_file(path, 0, NULL);

	free(path);
	return r;
}

static const char *
state_of(const json_t *who, const json_t *r)
{
	const char *status = text_of(
	    json_array_get(json_object_get(r, "tests"), 0), "status");

	if (json_object_get(who, "why") != NULL)
		return "not taken";
	if (json_is_null(r))
		return "not graded";
	if (json_object_get(r, "tests") != NULL && *status == '\0')
		return "does not build";
	return strcmp(status, "build") == 0  ? "does not build"
	       : strcmp(status, "gate") == 0 && text_of(r, "build")[0] != '\0'
		   ? "refused"
		   : "graded";
}

/* The file's part of a path: a folder of one run says nothing. */
static const char *
base_of(const char *path)
{
	const char *s = strrchr(path, '/');

	return s != NULL ? s + 1 : path;
}

static const char *
first_said(const json_t *test)
{
	json_t *f = json_array_get(json_object_get(test, "failed"), 0);

	return *text_of(f, "hint") != '\0' ? text_of(f, "hint")
					   : text_of(f, "what");
}

/* ---- files ---- */

static FILE *
begin(const struct sheet *s, const char *name)
{
	char *path = xprintf("%s/%s.new", s->out, name);
	FILE *f = fopen(path, "w");

	if (f == NULL)
		fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
	free(path);
	return f;
}

static bool
end(const struct sheet *s, const char *name, FILE *f)
{
	char *from = xprintf("%s/%s.new", s->out, name);
	char *to = xprintf("%s/%s", s->out, name);
	bool ok = fclose(f) == 0 && rename(from, to) == 0;

	if (!ok)
		fprintf(stderr, "grade: %s: %s\n", to, strerror(errno));
	free(from);
	free(to);
	return ok;
}

static void
head(FILE *f, const char *title)
{
	fputs("<!doctype html><meta charset=utf-8><meta http-equiv="
	      "Content-Security-Policy content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\"><title>", f);
	text_write(f, FORM_HTML, title);
	fputs("</title><style>body{font:16px sans-serif;margin:2em;max-width:"
	      "70em}td,th{padding:.2em .8em;text-align:left;border-bottom:1px "
	      "solid #ccc;overflow-wrap:anywhere}pre{white-space:pre-wrap}"
	      "</style><h1>", f);
	text_write(f, FORM_HTML, title);
	fputs("</h1>\n", f);
}

static void
cell(FILE *f, const char *text)
{
	fputs("<td>", f);
	text_write(f, FORM_HTML, text);
}

static void
link_to(FILE *f, const char *folder, const json_t *who)
{
	fprintf(f, "<td><a href=\"%s%s.html\">", folder, text_of(who, "id"));
	text_write(f, FORM_HTML, text_of(who, "name"));
	fputs("</a>", f);
}

/* ---- one student ---- */

static void
failure_write(FILE *f, json_t *failed)
{
	static const char *const keys[] = { "what", "expected", "got", "region",
		"hint" };
	json_t *look = json_object_get(failed, "look");
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (*text_of(failed, keys[i]) != '\0') {
			fprintf(f, "%-9s ", keys[i]);
			text_write(f, FORM_HTML, text_of(failed, keys[i]));
			fputc('\n', f);
		}
	if (*text_of(look, "symbol") != '\0') {
		fputs("look at   ", f);
		text_write(f, FORM_HTML, text_of(look, "symbol"));
		fputc(' ', f);
		text_write(f, FORM_HTML, base_of(text_of(look, "line")));
		fputc('\n', f);
	}
}

static bool
page_write(const struct sheet *s, const json_t *who, const json_t *r)
{
	char *name = xprintf("page/%s.html", text_of(who, "id"));
	FILE *f = begin(s, name);
	json_t *t, *failed;
	size_t i, k;
	bool ok;

	if (f == NULL) {
		free(name);
		return false;
	}
	head(f, text_of(who, "name"));
	fprintf(f, "<p>%s: <b>%lld</b> of %lld, %s. ", s->lab->name,
	    (long long)number_of(r, "score"), (long long)number_of(r, "max"),
	    state_of(who, r));
	text_write(f, FORM_HTML, text_of(who, "why"));
	fprintf(f, "<p><a href=\"../in/%s.c\">what was handed in</a>, seed %lld\n",
	    text_of(who, "id"), (long long)number_of(who, "seed"));
	if (*text_of(r, "build") != '\0') {
		fputs("<pre>", f);
		text_write(f, FORM_HTML, text_of(r, "build"));
		fputs("</pre>\n", f);
	}
	fputs("<table><tr><th>test<th>what<th>points<th>verdict\n", f);
	json_array_foreach(json_object_get(r, "tests"), i, t) {
		fputs("<tr>", f);
		cell(f, text_of(t, "id"));
		cell(f, text_of(t, "name"));
		fprintf(f, "<td>%lld/%lld", (long long)number_of(t, "points"),
		    (long long)number_of(t, "max"));
		cell(f, text_of(t, "status"));
		json_array_foreach(json_object_get(t, "failed"), k, failed) {
			fputs("<tr><td><td colspan=3><pre>", f);
			failure_write(f, failed);
			fputs("</pre>", f);
		}
		fputc('\n', f);
	}
	fputs("</table>\n", f);
	ok = end(s, name, f);
	free(name);
	return ok;
}

/* ---- tables ---- */

static bool
csv_write(const struct sheet *s)
{
	FILE *f = begin(s, "class.csv");
	json_t *who, *r, *t;
	size_t i, k;
	const char *said;

	if (f == NULL)
		return false;
	fputs("student,score,max,state,seed,message", f);
	for (k = 0; k < s->ntallies; k++)
		fprintf(f, ",%s", s->tally[k].id);
	fputc('\n', f);
	json_array_foreach(s->list, i, who) {
		r = json_array_get(s->results, i);
		said = text_of(who, "why");
		/* What the compiler says has names of folders that are gone. */
		if (strcmp(state_of(who, r), "refused") == 0)
			said = text_of(r, "build");
		json_array_foreach(json_object_get(r, "tests"), k, t)
			if (*said == '\0')
				said = first_said(t);
		text_write(f, FORM_CSV, text_of(who, "name"));
		/* What was not graded has no score: nobody reads a 0 into it. */
		if (strcmp(state_of(who, r), "not graded") == 0)
			fputs(",,", f);
		else
			fprintf(f, ",%lld,100", (long long)number_of(r, "score"));
		fprintf(f, ",%s,%lld,", state_of(who, r),
		    (long long)number_of(who, "seed"));
		text_write(f, FORM_CSV, said);
		for (k = 0; k < s->ntallies; k++) {
			t = json_array_get(json_object_get(r, "tests"), k);
			if (t != NULL)
				fprintf(f, ",%lld",
				    (long long)number_of(t, "points"));
			else
				fputc(',', f);
		}
		fputc('\n', f);
	}
	return end(s, "class.csv", f);
}

static const char *
most_said(const struct tally *t, int64_t *times)
{
	const char *key, *best = "";
	json_t *v;

	*times = 0;
	json_object_foreach(t->said, key, v)
		if (json_integer_value(v) > *times ||
		    (json_integer_value(v) == *times && strcmp(key, best) < 0)) {
			*times = json_integer_value(v);
			best = key;
		}
	return best;
}

static bool
tests_write(const struct sheet *s)
{
	FILE *f = begin(s, "tests.csv");
	int64_t times;
	const char *said;
	size_t k;

	if (f == NULL)
		return false;
	fputs("test,name,passed,of,times,most frequent message\n", f);
	for (k = 0; k < s->ntallies; k++) {
		said = most_said(&s->tally[k], &times);
		fprintf(f, "%s,%s,%zu,%zu,%lld,", s->tally[k].id,
		    s->tally[k].name, s->tally[k].passed, s->tally[k].of,
		    (long long)times);
		text_write(f, FORM_CSV, said);
		fputc('\n', f);
	}
	return end(s, "tests.csv", f);
}

static bool
index_write(const struct sheet *s)
{
	FILE *f = begin(s, "index.html");
	json_t *who, *r;
	int64_t times;
	size_t i;

	if (f == NULL)
		return false;
	head(f, s->lab->name);
	fputs("<p><a href=\"odd.html\">What looks odd</a> · <a href=\"class.csv\">"
	      "class.csv</a> · <a href=\"tests.csv\">tests.csv</a>\n<table><tr>"
	      "<th>student<th>score<th>state\n", f);
	json_array_foreach(s->list, i, who) {
		r = json_array_get(s->results, i);
		fputs("<tr>", f);
		link_to(f, "page/", who);
		fprintf(f, "<td>%lld<td>%s", (long long)number_of(r, "score"),
		    state_of(who, r));
		if (*text_of(who, "why") != '\0') {
			fputs(": ", f);
			text_write(f, FORM_HTML, text_of(who, "why"));
		}
		fputc('\n', f);
	}
	fputs("</table><h2>Tests</h2><table><tr><th>test<th>name<th>passed<th>"
	      "most frequent message\n", f);
	for (i = 0; i < s->ntallies; i++) {
		const char *said = most_said(&s->tally[i], &times);

		fputs("<tr>", f);
		cell(f, s->tally[i].id);
		cell(f, s->tally[i].name);
		fprintf(f, "<td>%zu of %zu<td>", s->tally[i].passed,
		    s->tally[i].of);
		if (times != 0)
			fprintf(f, "%lld × ", (long long)times);
		text_write(f, FORM_HTML, said);
		fputc('\n', f);
	}
	fputs("</table>\n", f);
	return end(s, "index.html", f);
}

/* ---- what looks odd ---- */

static void
odd(FILE *f, const json_t *who, const char *why)
{
	fputs("<tr>", f);
	link_to(f, "page/", who);
	cell(f, why);
	fputc('\n', f);
}

static void
odd_result(FILE *f, const struct sheet *s, const json_t *who, const json_t *r)
{
	json_t *t;
	size_t k;
	char *why;

	if (strcmp(text_of(r, "trust"), "full") != 0 && *text_of(r, "trust") != '\0' &&
	    strcmp(state_of(who, r), "graded") == 0)
		odd(f, who, "the observer was not there for all of it");
	if (s->median > 0 && number_of(r, "duration_ms") > SLOW * s->median)
		odd(f, who, "took more than three times as long as most");
	json_array_foreach(json_object_get(r, "tests"), k, t) {
		if (!json_is_true(json_object_get(t, "forged")))
			continue;
		why = xprintf("%s: does what no lab's file does: look at it yourself",
		    text_of(t, "id"));
		odd(f, who, why);
		free(why);
	}
}

static bool
odd_write(const struct sheet *s)
{
	FILE *f = begin(s, "odd.html");
	char *path = xprintf("%s/%s", s->lab->dir, s->lab->source), *why;
	char *starter = sha256_file(path);
	json_t *who, *r, *first = json_object();
	const char *sha, *same;
	size_t i;

	free(path);
	if (f == NULL) {
		json_decref(first);
		free(starter);
		return false;
	}
	head(f, "What looks odd");
	fputs("<p>Nothing here has cost points. It is for you to look at.\n"
	      "<table><tr><th>student<th>what\n", f);
	json_array_foreach(s->list, i, who) {
		r = json_array_get(s->results, i);
		sha = text_of(who, "sha");
		same = text_of(first, sha);
		if (*text_of(who, "why") != '\0')
			odd(f, who, text_of(who, "why"));
		else if (json_is_null(r))
			odd(f, who, "not graded: the host's trouble, run it again");
		else if (starter != NULL && strcmp(sha, starter) == 0)
			odd(f, who, "the starter as it was given");
		else if (*same != '\0') {
			why = xprintf("the same file as %s", same);
			odd(f, who, why);
			free(why);
		} else {
			json_object_set(first, sha, json_object_get(who, "name"));
		}
		odd_result(f, s, who, r);
	}
	fputs("</table>\n", f);
	json_decref(first);
	free(starter);
	return end(s, "odd.html", f);
}

/* ---- all ---- */

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
tally_up(struct sheet *s, const json_t *r)
{
	struct tally *y;
	const char *said;
	json_t *t;
	size_t k;

	json_array_foreach(json_object_get(r, "tests"), k, t) {
		if (k >= s->ntallies)
			break;
		y = &s->tally[k];
		y->of++;
		y->passed += strcmp(text_of(t, "status"), "pass") == 0;
		said = first_said(t);
		if (*said != '\0')
			json_object_set_new(y->said, said,
			    json_integer(number_of(y->said, said) + 1));
	}
}

static size_t
sheet_read(struct sheet *s)
{
	int64_t *ms = xalloc((json_array_size(s->list) + 1) * sizeof *ms);
	size_t i, n = 0, missing = 0;
	json_t *who, *r;

	for (i = 0; i < s->lab->ntests; i++)
		s->tally[s->ntallies++] = (struct tally){
			.id = s->lab->test[i]->id,
			.name = s->lab->test[i]->name, .said = json_object() };
	json_array_foreach(s->list, i, who) {
		r = *text_of(who, "why") == '\0'
			? class_result(s->out, text_of(who, "id")) : NULL;
		missing += r == NULL && *text_of(who, "why") == '\0';
		if (r != NULL)
			ms[n++] = number_of(r, "duration_ms");
		tally_up(s, r);
		json_array_append_new(s->results, r != NULL ? r : json_null());
	}
	qsort(ms, n, sizeof *ms, by_number);
	s->median = n > 0 ? ms[n / 2] : 0;
	free(ms);
	return missing;
}

int
class_sheet(const struct lab *lab, const char *out)
{
	struct sheet s = { .lab = lab, .out = out, .results = json_array() };
	char *path = xprintf("%s/list.json", out);
	size_t i, missing;
	json_t *who;
	bool ok = true;

	s.list = json_load_file(path, 0, NULL);
	free(path);
	if (s.list == NULL) {
		fprintf(stderr, "grade: %s is no class that was graded\n", out);
		json_decref(s.results);
		return GRADE_USAGE;
	}
	missing = sheet_read(&s);
	json_array_foreach(s.list, i, who)
		ok = page_write(&s, who, json_array_get(s.results, i)) && ok;
	ok = csv_write(&s) && tests_write(&s) && index_write(&s) &&
	     odd_write(&s) && ok;
	printf("%zu submissions, %zu not graded: %s/index.html, class.csv\n",
	    json_array_size(s.list), missing, out);
	for (i = 0; i < s.ntallies; i++)
		json_decref(s.tally[i].said);
	json_decref(s.list);
	json_decref(s.results);
	return ok && missing == 0 ? GRADE_ALL : GRADE_INFRA;
}
