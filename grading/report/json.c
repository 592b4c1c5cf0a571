/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.c: the result as data (grading/schema/result-1.json)
 *
 * Problem   Other programs read results: instructors' tools, CI, the regrader.
 *
 * Rules     1. Sorted keys, so that two equal runs give equal bytes but for times.
 *           2. What came from a guest, a compiler or a file's name is made plain.
 *
 * Read next grading/schema/result-1.json, grading/course/forms.jq.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static void
put(json_t *o, const char *key, const char *text)
{
	char *shown = text != NULL ? plain(text) : NULL;

	json_object_set_new(
	    o, key, shown != NULL ? json_string(shown) : json_null());
	free(shown);
}

static void
put_number(json_t *o, const char *key, int64_t v)
{
	json_object_set_new(o, key, json_integer(v));
}

/* ---- a test ---- */

static json_t *
params_of(const struct result *res)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < res->draw.n; i++)
		put(o, res->draw.name[i], res->draw.text[i]);
	return o;
}

/* Values of these names, by region; which: all, or only what moved. */
enum which { WHICH_ALL, WHICH_MOVED };

static json_t *
values_of(const struct result *res, const char *const *names, size_t n,
    enum which which)
{
	json_t *o = json_object(), *region;
	const struct test *t = res->test;
	const char *name;
	size_t i, k;
	int64_t v;

	for (k = 0; res->boot != NULL && k <= t->nregions; k++) {
		name = k < t->nregions ? t->region[k].name : "all";
		region = json_object();
		for (i = 0; i < n; i++)
			if (judge_value(t, &res->draw, res->boot, name,
				names[i], &v) && (v != 0 || which == WHICH_ALL))
				put_number(region, names[i], v);
		json_object_set_new(o, name, region);
	}
	return o;
}

/* Counters that moved. */
static json_t *
counters_of(const struct result *res)
{
	const struct words *w;

	if (res->boot == NULL)
		return json_object();
	w = &res->boot->records.names;
	return values_of(res, (const char *const *)w->v, w->n, WHICH_MOVED);
}

static json_t *
failures_of(const struct report *r, const struct result *res)
{
	json_t *a = json_array(), *o, *look;
	const struct failure *f;
	size_t i;

	for (i = 0; i < res->verdict.nfailures; i++) {
		f = &res->verdict.failure[i];
		o = json_object();
		put(o, "what", f->what);
		put(o, "expected", f->expected);
		put(o, "got", f->got);
		put(o, "region", f->region);
		put(o, "hint", f->hint);
		look = json_object();
		put(look, "symbol", res->look[0]);
		put(look, "line", res->look_line[0]);
		json_object_set_new(o, "look", look);
		put(o, "book", res->test->book);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
test_json(const struct report *r, const struct result *res)
{
	json_t *o = json_object();
	char *again = test_again(r, res), *text;

	put(o, "id", res->test->id);
	put(o, "name", res->test->name);
	put(o, "title", res->test->title);
	put_number(o, "step", res->test->step);
	put_number(o, "points", res->points);
	put_number(o, "max", res->test->points);
	put(o, "status", status_name(res->verdict.status));
	put(o, "kind", res->test->kind);
	put_number(o, "seed", (int64_t)r->options->seed);
	put_number(o, "sched", res->sched);
	put_number(o, "inject", res->inject);
	json_object_set_new(o, "params", params_of(res));
	put_number(o, "insns", res->insns);
	put_number(o, "wall_ms", (int64_t)(res->seconds * 1000));
	json_object_set_new(o, "counters", counters_of(res));
	json_object_set_new(o, "witness",
	    values_of(res, witness_names, WITNESS_NAMES, WHICH_ALL));
	json_object_set_new(o, "failed", failures_of(r, res));
	json_object_set_new(o, "forged", json_boolean(res->verdict.forged));
	text = xprintf("make grade %s", again);
	put(o, "repro", text);
	free(text);
	put(o, "hidden", res->hidden);
	free(again);
	return o;
}

/* ---- the lab ---- */

static json_t *
steps_json(const struct report *r)
{
	json_t *a = json_array(), *o;
	int step, score, max;
	size_t i;

	for (step = 1; step < 10; step++) {
		score = max = 0;
		for (i = 0; i < r->nresults; i++) {
			if (r->result[i].test->step != step)
				continue;
			score += r->result[i].points;
			max += r->result[i].test->points;
		}
		if (max == 0)
			continue;
		o = json_object();
		put_number(o, "step", step);
		put_number(o, "score", score);
		put_number(o, "max", max);
		json_array_append_new(a, o);
	}
	return a;
}

/* One digest over all tests, in the order of their names. */
static char *
tests_digest(const struct lab *lab)
{
	char *all = xstrdup(""), *more, *one;
	size_t i;

	for (i = 0; i < lab->ntests; i++) {
		one = sha256_file(lab->test[i]->path);
		more = xprintf("%s%s\n", all, one != NULL ? one : "-");
		free(one);
		free(all);
		all = more;
	}
	more = sha256_hex(all, strlen(all));
	free(all);
	return more;
}

static char *
first_line(const char *program)
{
	const char *argv[] = { program, "--version", NULL };
	char *out = NULL;

	if (command(argv, &out) != 0) {
		free(out);
		return NULL;
	}
	out[strcspn(out, "\n")] = '\0';
	return out;
}

static json_t *
environment_json(const struct report *r)
{
	json_t *o = json_object();
	char *text[] = { sha256_file("build/vadose.elf"),
		tests_digest(r->lab), first_line("qemu-system-x86_64"),
		first_line("gcc") };

	put(o, "kernel_sha256", text[0]);
	put(o, "tests_sha256", text[1]);
	put(o, "submission_sha256", r->build.sha);
	put(o, "qemu", text[2]);
	put_number(o, "plugin_abi", 1);
	put(o, "gcc", text[3]);
	put(o, "grade", GRADE_VERSION);
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
		free(text[i]);
	return o;
}

bool
report_json(const struct report *r, const char *path)
{
	json_t *o = json_object(), *tests = json_array();
	bool full = r->build.status == ST_PASS;
	char *own = xprintf("%s/%s", r->lab->dir, r->lab->source);
	size_t i;
	int bad;

	put(o, "schema", "result-1");
	put(o, "lab", r->lab->name);
	put(o, "file", r->options->submission != NULL ? r->options->submission
						      : own);
	free(own);
	put_number(o, "score", r->score);
	put_number(o, "max", r->max);
	json_object_set_new(o, "steps", steps_json(r));
	for (i = 0; i < r->nresults; i++) {
		json_array_append_new(tests, test_json(r, &r->result[i]));
		full = full && (r->result[i].boot == NULL ||
				   r->result[i].boot->witness.valid);
	}
	json_object_set_new(o, "tests", tests);
	json_object_set_new(o, "environment", environment_json(r));
	put(o, "build", r->build.why);
	put(o, "trust", r->options->kernel != NULL ? "none" :
	    full ? "full" : "partial");
	put(o, "started", r->started);
	put_number(o, "duration_ms", (int64_t)(r->seconds * 1000));
	bad = json_dump_file(o, path, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(o);
	return bad == 0;
}
