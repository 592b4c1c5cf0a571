/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: a lab's tests, several boots at a time
 *
 * Problem   A dozen tests, some of them many boots (schedule seeds, injected
 *           failures), must be done in a minute and give the same points
 *           whatever order they end in.
 *
 * Picture   tests ─→ units (test, schedule seed, injected hit) ─→ up to --jobs
 *           boots ─→ judge ─→ result of the test ─→ score
 *
 * Rules     1. A test passes when all its units do; the unit with the lowest
 *              place that failed is the one reported.
 *           2. Who works at a step or a test has few schedules of it; all come
 *              with the score of the lab, and with a seed that is named.
 *           3. Trouble of the host is tried once more, then said; it is never
 *              zero points in silence.
 *           4. A failing gate halves the score, a failing gate of a step takes
 *              the points of all tests of its step; a failing hidden test takes
 *              those of its parent.
 *
 *           5. Three tests of a step that ran to their limit are enough: the
 *              ones behind them, in the page's order, are not run, and have no
 *              points whichever boots had begun.
 *
 * Read next boot/boot.c, judge.c, report/text.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "judge/judge.h"

#define WALL_SECONDS 60.0
#define WALL_PER_INSN 4e-7 /* of the slowest host we would wait for */
#define MAX_JOBS 16
#define INFRA_TRIES 2
#define LIMITS_ENOUGH 3 /* tests of a step that ran to their limit */
#define FNV_PRIME 1099511628211u

struct unit {
	size_t result;
	int sched;
	int64_t inject;
	int tries;
	bool done;
};

struct runner {
	struct report *r;
	struct unit *unit;
	size_t nunits, next;
	struct boot *boot[MAX_JOBS];
	struct unit *of[MAX_JOBS];
	size_t nboots, tests_done;
	bool broken; /* a boot could not even be prepared */
};

static void units_make(struct runner *);
static void start_some(struct runner *);
static void one_ended(struct runner *, int which);
static void keep_worst(struct runner *, struct boot *, struct unit *,
    struct verdict *);
static void progress(struct runner *, const struct result *);
static void score(struct report *);

/* ---- which tests ---- */

static bool
is_wanted(const struct options *o, const struct test *t, const struct lab *lab)
{
	const struct test *parent = t->parent != NULL
				       ? lab_test(lab, t->parent) : NULL;

	/* A variant goes with its parent: its points need both. */
	if (o->only != NULL)
		return lab_test(lab, o->only) == t ||
		       (parent != NULL && lab_test(lab, o->only) == parent);
	if (parent != NULL)
		t = parent;
	return o->step == 0 || t->step <= o->step;
}

static bool
choose_tests(struct report *r, char **why)
{
	const struct lab *lab = r->lab;
	struct result *res;
	size_t i;

	for (i = 0; i < lab->ntests; i++) {
		if (!is_wanted(r->options, lab->test[i], lab))
			continue;
		res = &r->result[r->nresults++];
		res->test = lab->test[i];
		res->sched = -1;
		res->inject = -1;
		if (!draw_make(&res->draw, res->test, r->options->seed, why))
			return false;
	}
	if (r->nresults == 0)
		*why = lab_no_test(lab, r->options->only != NULL
		    ? r->options->only : "");
	return r->nresults > 0;
}

static void
unit_add(struct runner *u, size_t result, int sched, int64_t inject)
{
	u->unit = xrealloc(u->unit, (u->nunits + 1) * sizeof *u->unit);
	u->unit[u->nunits++] = (struct unit){
		.result = result, .sched = sched, .inject = inject
	};
}

/* What a test may take at most, in instructions. */
static int64_t
cost_of(const struct runner *u, const struct unit *unit)
{
	const struct test *t = u->r->result[unit->result].test;

	return t->timeout * (t->sched > 0 ? t->sched : 1);
}

/* Short ones first; of one test in their order. */
static void
units_sort(struct runner *u)
{
	struct unit x;
	size_t i, k;

	for (i = 1; i < u->nunits; i++) {
		x = u->unit[i];
		for (k = i; k > 0 && cost_of(u, &u->unit[k - 1]) > cost_of(u, &x);
		     k--)
			u->unit[k] = u->unit[k - 1];
		u->unit[k] = x;
	}
}

int
run_schedules(const struct options *o, const struct test *t)
{
	int n = o->working && t->few > 0 ? t->few : t->sched;

	return o->seeds > 0 && o->seeds < n ? o->seeds : n;
}

static void
units_make(struct runner *u)
{
	const struct test *t;
	int s, n;
	int64_t hit;
	size_t i;

	for (i = 0; i < u->r->nresults; i++) {
		t = u->r->result[i].test;
		n = run_schedules(u->r->options, t);
		for (s = 0; s < n; s++)
			unit_add(u, i, s, -1);
		for (hit = t->inject_from; t->inject != NULL &&
		     hit <= t->inject_to; hit++)
			unit_add(u, i, -1, hit);
		if (t->sched == 0 && t->inject == NULL)
			unit_add(u, i, -1, -1);
	}
	if (u->r->options->first)
		units_sort(u);
}

/* ---- boots ---- */

/* Has an earlier unit of the test failed already, or, of `first`, any? */
static bool
is_decided(const struct runner *u, const struct unit *unit)
{
	const struct report *r = u->r;
	size_t i;

	for (i = 0; r->options->first && i < r->nresults; i++)
		if (r->result[i].verdict.status != ST_PASS &&
		    r->result[i].verdict.status != ST_INFRA)
			return true;
	return u->r->result[unit->result].verdict.status != ST_PASS;
}

static void
drop_boot(struct boot *b)
{
	if (b != NULL)
		boot_free(b);
	free(b);
}

/* Of tests before it, of its step and in the page's order: do so many hang? */
static bool
is_hopeless(const struct report *r, const struct result *res)
{
	const struct result *x;
	int n = 0;

	for (x = r->result; x < res; x++)
		n += x->test->step == res->test->step &&
		     x->verdict.status == ST_TIMEOUT;
	return n >= LIMITS_ENOUGH;
}

/* It counts as one that ran to its limit. */
static void
not_run(struct result *res)
{
	struct verdict v = { .status = ST_TIMEOUT, .nfailures = 1 };

	v.failure[0].what = xstrdup("not run");
	v.failure[0].expected = xprintf("tests of step %d that end",
	    res->test->step);
	v.failure[0].got = xprintf("not run: %d before it ran to their limit",
	    LIMITS_ENOUGH);
	drop_boot(res->boot);
	res->boot = NULL;
	verdict_free(&res->verdict);
	res->verdict = v;
}

static const char *
kernel_of(const struct report *r)
{
	return r->build.kernel != NULL ? r->build.kernel : r->options->kernel;
}

/* A unit without a boot: its test has not passed, whatever the others say. */
static void
not_started(struct runner *u, struct unit *unit, char *why)
{
	struct verdict v = { .status = ST_INFRA, .nfailures = 1 };

	v.failure[0].what = xstrdup("the host's trouble");
	v.failure[0].expected = xstrdup("a machine");
	v.failure[0].got = why;
	unit->done = true;
	keep_worst(u, NULL, unit, &v);
	progress(u, &u->r->result[unit->result]);
}

static void
unit_start(struct runner *u, struct unit *unit)
{
	struct result *res = &u->r->result[unit->result];
	struct boot_job job = { .test = res->test, .draw = &res->draw,
		.kernel = kernel_of(u->r), .sched = unit->sched,
		.inject = unit->inject,
		.watched = u->r->build.kernel != NULL };
	struct boot *b = xalloc(sizeof *b);
	char *why = NULL;

	job.wall = WALL_SECONDS + (double)res->test->timeout * WALL_PER_INSN;
	if (res->begun == 0)
		res->begun = now_seconds();
	unit->tries++;
	if (boot_start(b, &job, &why)) {
		u->boot[u->nboots] = b;
		u->of[u->nboots++] = unit;
		return;
	}
	boot_free(b);
	free(b);
	not_started(u, unit, why);
}

static void
start_some(struct runner *u)
{
	size_t jobs = (size_t)u->r->options->jobs;
	struct unit *unit;

	while (u->nboots < jobs && u->nboots < MAX_JOBS &&
	       u->next < u->nunits) {
		unit = &u->unit[u->next++];
		if (!is_decided(u, unit) &&
		    !is_hopeless(u->r, &u->r->result[unit->result])) {
			unit_start(u, unit);
			continue;
		}
		unit->done = true;
		progress(u, &u->r->result[unit->result]);
	}
}

/* A number that all counters at all marks of a boot make. */
static uint64_t
fingerprint(const struct boot *b, const struct unit *unit)
{
	const struct records *rec = &b->records;
	uint64_t h = (uint64_t)(unit->sched + 1) << 32 ^
		(uint64_t)(unit->inject + 1);
	size_t m, c;

	h = h * FNV_PRIME + (uint64_t)b->witness.end[0];
	for (m = 0; m < rec->nmarks; m++)
		for (c = 0; c < rec->names.n; c++)
			h = h * FNV_PRIME + (uint64_t)rec->mark[m].value[c];
	return h;
}

/* Is this the failure to report: none yet, or a later unit's?  b: or NULL. */
static void
keep_worst(struct runner *u, struct boot *b, struct unit *unit,
    struct verdict *v)
{
	struct result *res = &u->r->result[unit->result];
	bool failed = v->status != ST_PASS;
	bool worse = failed && (res->verdict.status == ST_PASS ||
				   unit->sched < res->sched ||
				   unit->inject < res->inject);

	if (b != NULL) {
		res->insns += b->witness.end[0];
		res->print += fingerprint(b, unit);
	}
	res->seconds = now_seconds() - res->begun;
	res->tries = unit->tries;
	if (!worse &&
	    (res->boot != NULL || res->verdict.status != ST_PASS)) {
		verdict_free(v);
		drop_boot(b);
		return;
	}
	drop_boot(res->boot);
	verdict_free(&res->verdict);
	res->boot = b;
	res->verdict = *v;
	res->sched = unit->sched;
	res->inject = unit->inject;
}

static void
progress(struct runner *u, const struct result *res)
{
	size_t i, left = 0;

	for (i = 0; i < u->nunits; i++)
		left += !u->unit[i].done &&
			&u->r->result[u->unit[i].result] == res;
	if (left > 0)
		return;
	u->tests_done++;
	if (u->r->options->quiet)
		return;
	fprintf(stderr, "%s[%2zu/%zu] %s %-12s %4lld M insns %5.1f s%s",
	    isatty(2) ? "\r\033[K" : "", u->tests_done, u->r->nresults,
	    res->test->id, status_name(res->verdict.status),
	    (long long)(res->insns / 1000000), res->seconds,
	    isatty(2) && u->tests_done < u->r->nresults ? "" : "\n");
}

static void
one_ended(struct runner *u, int which)
{
	struct boot *b = u->boot[which];
	struct unit *unit = u->of[which];
	struct result *res = &u->r->result[unit->result];
	struct verdict v;

	u->nboots--;
	u->boot[which] = u->boot[u->nboots];
	u->of[which] = u->of[u->nboots];
	judge(&v, res->test, &res->draw, b, u->r->symbols);
	if (v.status == ST_INFRA && unit->tries < INFRA_TRIES) {
		verdict_free(&v);
		boot_free(b);
		free(b);
		unit_start(u, unit);
		return;
	}
	unit->done = true;
	keep_worst(u, b, unit, &v);
	progress(u, res);
}

static void
run_all(struct report *r)
{
	struct runner u = { .r = r };
	int which;

	units_make(&u);
	for (;;) {
		start_some(&u);
		if (u.nboots == 0)
			break;
		which = boots_wait(u.boot, u.nboots, 1.0);
		if (which >= 0)
			one_ended(&u, which);
	}
	free(u.unit);
}

/* ---- points ---- */

static struct result *
result_of(struct report *r, const char *id)
{
	const struct test *t = lab_test(r->lab, id);
	size_t i;

	for (i = 0; i < r->nresults; i++)
		if (r->result[i].test == t)
			return &r->result[i];
	return NULL;
}

/* Failed, and by the student's file. */
static bool
counts(const struct result *res)
{
	return res->verdict.status != ST_PASS && res->verdict.status != ST_INFRA;
}

static void
score_hidden(struct report *r, struct result *res)
{
	struct result *parent = result_of(r, res->test->parent);

	if (parent == NULL || !counts(res))
		return;
	parent->points = 0;
	free(parent->hidden);
	parent->hidden = xprintf("hidden test %s: %s", res->test->id,
	    status_name(res->verdict.status));
}

/* A gate of its step has failed: none of the step's tests has points. */
static void
score_step(struct report *r, const struct result *gate)
{
	struct result *res;

	for (res = r->result; res < r->result + r->nresults; res++) {
		if (res->test->step != gate->test->step || res->points == 0)
			continue;
		res->points = 0;
		if (res->hidden == NULL)
			res->hidden = xprintf("passed, but %s fails, and takes "
			    "the points of step %d", gate->test->id,
			    gate->test->step);
	}
}

static void
score(struct report *r)
{
	struct result *res;
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		res = &r->result[i];
		if (is_hopeless(r, res))
			not_run(res);
		if (res->verdict.status == ST_PASS)
			res->points = res->test->points;
		else if (res->test->gate && counts(res))
			r->gated = true;
		r->max += res->test->points;
	}
	for (i = 0; i < r->nresults; i++)
		if (r->result[i].test->parent != NULL)
			score_hidden(r, &r->result[i]);
	for (i = 0; i < r->nresults; i++)
		if (r->result[i].test->step_gate && counts(&r->result[i]))
			score_step(r, &r->result[i]);
	for (i = 0; i < r->nresults; i++) {
		r->score += r->result[i].points;
		if (counts(&r->result[i]))
			look_find(r, &r->result[i]);
	}
	if (r->gated)
		r->score /= 2;
}

/* ---- a whole lab ---- */

static void
not_built(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nresults; i++) {
		r->result[i].verdict.status = r->build.status;
		r->max += r->result[i].test->points;
	}
}

static void
note_start(struct report *r)
{
	time_t t = time(NULL);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static enum grade_exit
exit_of(const struct report *r)
{
	size_t i;

	if (r->build.status == ST_INFRA)
		return GRADE_INFRA;
	if (r->build.status != ST_PASS)
		return GRADE_BUILD;
	for (i = 0; i < r->nresults; i++)
		if (r->result[i].verdict.status == ST_INFRA)
			return GRADE_INFRA;
	for (i = 0; i < r->nresults; i++)
		if (r->result[i].verdict.status != ST_PASS)
			return GRADE_LOST;
	return GRADE_ALL;
}

enum grade_exit
run_lab(struct report *r, const struct lab *lab, const struct options *o)
{
	double begun = now_seconds();
	char *why = NULL;

	memset(r, 0, sizeof *r);
	r->lab = lab;
	r->options = o;
	note_start(r);
	if (!choose_tests(r, &why)) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	if (o->kernel == NULL)
		build_make(&r->build, lab, o->submission, o->seed);
	if (r->build.status != ST_PASS) {
		not_built(r);
	} else {
		r->symbols = symbols_read(kernel_of(r));
		if (r->symbols == NULL) {
			r->build.status = ST_INFRA;
			r->build.why = xprintf("%s: no symbols", kernel_of(r));
			not_built(r);
		} else {
			run_all(r);
			score(r);
		}
	}
	r->seconds = now_seconds() - begun;
	return exit_of(r);
}

void
report_free(struct report *r)
{
	size_t i, k;

	for (i = 0; i < r->nresults; i++) {
		verdict_free(&r->result[i].verdict);
		draw_free(&r->result[i].draw);
		free(r->result[i].hidden);
		for (k = 0; k < LOOKS; k++) {
			free(r->result[i].look[k]);
			free(r->result[i].look_line[k]);
		}
		if (r->result[i].boot != NULL)
			boot_free(r->result[i].boot);
		free(r->result[i].boot);
	}
	symbols_free(r->symbols);
	build_free(&r->build);
	memset(r, 0, sizeof *r);
}

void
run_quietly(struct report *r, const struct lab *lab, struct options *o)
{
	o->quiet = true;
	if (o->jobs == 0)
		o->jobs = 2;
	if (!o->seeded)
		o->seed = 20260101;
	run_lab(r, lab, o);
}
