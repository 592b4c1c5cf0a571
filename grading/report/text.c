/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c: messages that teach
 *
 * Problem   A learner reads what was expected, what came, what follows from it,
 *           where to look, and how to see it again.
 *
 * Picture   05/t08 fork-write                              0/10   step 4
 *             A store in the child copies one page, no more.
 *             expected  …   got  …   so  …   look at  …   again  …
 *
 * Rules     Never only a number: whatever failed has all of these lines that
 *           are known.  What a submission said reaches no terminal as it is.
 *
 * Read next judge/judge.c fills them in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

#define PARTINGS 3u
#define WARNED 20 /* lines */

static FILE *out; /* the report, before it is made plain */

static const char *
kernel_of(const struct report *r)
{
	return r->build.kernel != NULL ? r->build.kernel : r->options->kernel;
}

/* For make, in words of a shell: the file is named where it was. */
char *
test_again(const struct report *r, const struct result *res)
{
	const char *t = strrchr(res->test->id, '/');
	const char *file = r->options->submission;
	char *word = file != NULL ? shell_word(file) : xstrdup("");
	char *again = xprintf("LAB=%.2s TEST=%s SEED=%llu%s%s", r->lab->name,
	    t != NULL ? t + 1 : res->test->id,
	    (unsigned long long)r->options->seed,
	    file != NULL ? " FILE=" : "", word);

	free(word);
	return again;
}

/* What stands behind "so" already is not said again. */
static void
print_failure(const struct failure *f, const char *said)
{
	if (f->expected != NULL)
		fprintf(out, "  expected  %s\n", f->expected);
	fprintf(out, "  got       %s\n", f->got != NULL ? f->got : f->what);
	if (f->hint != NULL && (said == NULL || strcmp(f->hint, said) != 0))
		fprintf(out, "  so        %s\n", f->hint);
}

/* One frame of the backtrace: "  ADDRESS name+0x12". */
static void
print_frame(const struct report *r, const char *line, bool students)
{
	const char *file = r->options->submission != NULL ?
	    r->options->submission : r->lab->dir;
	uint64_t pc = strtoull(line, NULL, 16);
	char *at = look_line(r, pc - 1);
	bool own = at != NULL && strncmp(at, file, strlen(file)) == 0;

	if (own == students)
		fprintf(out, "            %.*s  %s\n", (int)strcspn(line, "\r\n"),
		    line, at != NULL ? at : "");
	free(at);
}

/* One of the functions that say the panic. */
static bool
is_of_panic(const char *line)
{
	static const char *const names[] = { " report+", " panic+", " panic_assert+" };
	size_t i, n = strcspn(line, "\r\n");

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (memmem(line, n, names[i], strlen(names[i])) != NULL)
			return true;
	return false;
}

/* The frames of a panic, those in the student's file first. */
static void
print_panic(const struct report *r, const struct result *res)
{
	const char *log = res->boot != NULL ? res->boot->log : NULL, *s;
	int lines, pass;

	for (pass = 0; pass < 2; pass++) {
		s = log != NULL ? strstr(log, "backtrace:") : NULL;
		for (lines = 0; s != NULL && lines < 8; lines++) {
			s = strchr(s, '\n');
			if (s == NULL || s[1] != ' ')
				break;
			s++;
			if (is_of_panic(s))
				lines--;
			else
				print_frame(r, s + strspn(s, " "), pass == 0);
		}
	}
}

/* Costs two boots: for the first failures only, which are what one mends. */
static void
print_parting(const struct report *r, const struct result *res)
{
	const struct result *other;
	unsigned before = 0;
	char *line;

	for (other = r->result; other < res; other++)
		before += other->verdict.status != ST_PASS;
	line = before < PARTINGS ? parting_line(res, kernel_of(r)) : NULL;
	if (line != NULL)
		fprintf(out, "  %s\n", line);
	free(line);
}

static void
print_where(const struct report *r, const struct result *res)
{
	char *again = test_again(r, res);
	size_t i;

	for (i = 0; i < LOOKS && res->look[i] != NULL; i++)
		fprintf(out, "  %-9s %-20s %s%s%s\n", i == 0 ? "look at" : "",
		    res->look[i],
		    res->look_line[i] != NULL ? res->look_line[i] : "",
		    i == 0 && res->test->book[0] != '\0' ? "   book " : "",
		    i == 0 ? res->test->book : "");
	print_parting(r, res);
	if (res->sched >= 0)
		fprintf(out, "  schedule  seed %d of %d\n", res->sched,
		    res->test->sched);
	if (res->inject >= 0)
		fprintf(out, "  injected  %s, hit %lld\n", res->test->inject,
		    (long long)res->inject);
	fprintf(out, "  again     make grade %s\n", again);
	fprintf(out, "            make gdb %s\n", again);
	if (res->test->root == 0) /* it cannot load a disk into memory */
		fprintf(out, "            make bochs %s\n", again);
	if (parting_may_be_told(res))
		fprintf(out, "  see it    make trace %s\n", again);
	free(again);
}

/* What the kernel said about a function of this step that is not written yet. */
static void
print_unwritten(const struct result *res)
{
	char *todo = res->boot == NULL
			 ? NULL
			 : judge_unwritten(res->boot, res->test->step);

	if (todo != NULL)
		fprintf(out, "  not written yet: %s\n", todo);
	free(todo);
}

/* What a test has measured, whether it passed or not. */
static void
print_shown(const struct result *res)
{
	static const char key[] = "show ";
	const struct words *text;
	size_t i;

	if (res->boot == NULL)
		return;
	text = &res->boot->records.text;
	for (i = 0; i < text->n; i++)
		if (strncmp(text->v[i], key, strlen(key)) == 0)
			fprintf(out, "  %s\n", text->v[i] + strlen(key));
}

static void
print_result(const struct report *r, const struct result *res)
{
	const struct test *t = res->test;
	size_t i;
	int at;

	at = fprintf(out, "%s %s", t->id, t->name);
	fprintf(out, "%*s", at < 52 ? 52 - at : 1, "");
	if (t->parent != NULL)
		fprintf(out, "%s   of %s\n", status_name(res->verdict.status),
		    t->parent);
	else if (res->verdict.status == ST_INFRA)
		fprintf(out, "  -/%d   step %d   not run: the host's trouble\n",
		    t->points, t->step);
	else if (t->step_gate && t->points == 0)
		fprintf(out, "%s   gate of step %d\n",
		    status_name(res->verdict.status), t->step);
	else if (t->gate)
		fprintf(out, "%s   gate\n", status_name(res->verdict.status));
	else
		fprintf(out, "%3d/%d   step %d\n", res->points, t->points, t->step);
	if (res->hidden != NULL)
		fprintf(out, "  %s\n", res->hidden);
	print_shown(res);
	if (res->verdict.status == ST_PASS)
		return;
	fprintf(out, "  %s\n", t->title);
	print_unwritten(res);
	for (i = 0; i < res->verdict.nfailures && i < 3; i++)
		print_failure(&res->verdict.failure[i],
		    i > 0 ? res->verdict.failure[i - 1].hint : NULL);
	if (res->verdict.forged)
		fprintf(out, "  forged?   the observer counted otherwise, or saw what no "
		    "lab's file does: a person must look at it\n");
	if (res->verdict.status == ST_PANIC)
		print_panic(r, res);
	print_where(r, res);
}

/* Tests that had fewer schedules than the score of the lab has. */
static void
print_few(const struct report *r)
{
	const struct test *t;
	size_t i;
	int n;

	for (i = 0; r->build.status == ST_PASS && i < r->nresults; i++) {
		t = r->result[i].test;
		n = run_schedules(r->options, t);
		if (n < t->sched)
			fprintf(out, "%s ran %d of its %d schedules; make grade "
			    "LAB=%.2s, without STEP and TEST, runs all\n",
			    t->id, n, t->sched, r->lab->name);
	}
}

static void
print_build(const struct report *r)
{
	static const struct {
		enum status s;
		const char *text;
	} rows[] = { { ST_BUILD, "does not compile or link" },
		{ ST_GATE, "is refused" },
		{ ST_INFRA, "cannot be built here (not your fault)" } };
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].s == r->build.status)
			fprintf(out, "%s: the file %s:\n%s\n", r->lab->name,
			    rows[i].text, r->build.why);
}

/* What the compiler took, and called odd: often it is the bug. */
static void
print_warnings(const struct report *r)
{
	const char *s = r->build.warns;
	int n, k;

	if (s == NULL)
		return;
	fputs("the compiler warns:\n", out);
	for (k = 0; *s != '\0' && k < WARNED; k++) {
		n = (int)strcspn(s, "\n");
		fprintf(out, "  %.*s\n", n, s);
		s += n + (s[n] == '\n');
	}
	if (*s != '\0')
		fprintf(out, "  … all of it: make kernel LAB=%.2s\n", r->lab->name);
}

void
report_text(const struct report *r, bool colour)
{
	char *text = NULL, *shown;
	size_t i, n, troubled = 0;

	out = open_memstream(&text, &n);
	if (out == NULL)
		abort();
	for (i = 0; i < r->nresults; i++)
		troubled += r->result[i].verdict.status == ST_INFRA;
	if (r->build.status != ST_PASS)
		print_build(r);
	else if (r->options->kernel != NULL)
		fprintf(out, "note: this kernel was not linked by the grader: nobody "
		       "watched what its code does; it gets no points\n");
	else if (!r->build.sandboxed)
		fprintf(out, "note: bubblewrap is missing; the compiler saw the "
		       "whole host\n");
	if (r->build.status == ST_PASS)
		print_warnings(r);
	for (i = 0; r->build.status == ST_PASS && i < r->nresults; i++)
		print_result(r, &r->result[i]);
	print_few(r);
	if (r->gated)
		fprintf(out, "a gate failed: the points count half\n");
	if (troubled > 0)
		fprintf(out, "%zu of %zu tests could not be run: the host's trouble, "
		       "not your fault; run it again\n",
		    troubled, r->nresults);
	fprintf(out, "%s  %d/%d   seed %llu   %.1f s\n", r->lab->name, r->score,
	    r->max, (unsigned long long)r->options->seed, r->seconds);
	fclose(out);
	shown = plain(text);
	fputs(shown, stdout);
	free(shown);
	free(text);
}
