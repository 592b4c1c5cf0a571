/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop.c: the event at which a test has failed
 *
 * Problem   "got 241, expected 37" happened at the 38th copy: that is where one
 *           wants to stand, not at the first.
 *
 * Picture   verdict ─→ a counter above its bound: the event that is too many
 *                      an exit, a finding, a claim, a wait graph: who says it
 *                      a panic: there      an endless loop: where it turned
 *                      anything else, too few: where LOOK says, in the region
 *
 * Rules     1. The first failure decides, as in the report.
 *           2. What is too few has no event: the region's end is a stop, too.
 *           3. Where nothing that is looked for runs in the region, what went
 *              wrong came before it, so one stops there; what also runs before
 *              the program begins (BOOTFLOOR) is no place to stop.
 *
 * Read next learn/debug.c.
 */
#include <stdlib.h>
#include <string.h>

#include "judge/verdict.h"
#include "judge/stop.h"

/* The calls that the witness counts, by what it calls them. */
static const struct {
	const char *name, *function;
} calls[] = { { "w.page_zero", "page_zero" }, { "w.page_copy", "page_copy" },
	{ "w.phys_alloc", "phys_given" }, { "w.phys_free", "phys_returned" },
	{ "w.tlb_ipi", "apic_send" }, { "w.ram_copy", "ram_copy" },
	{ "w.root_rd_ops", "root_rd_op" }, { "w.root_wr_ops", "root_wr_op" },
	{ "w.swap_rd_ops", "swap_rd_op" }, { "w.swap_wr_ops", "swap_wr_op" } };

static void in_region(struct stop *, const struct test *, const char *region);
static void at_look(struct stop *, const struct result *);

void
stop_free(struct stop *s)
{
	free(s->says);
	free(s->region);
	words_free(&s->at);
}

/* ---- counters ---- */

static const struct claim *
claim_of(const struct test *t, const struct failure *f)
{
	size_t i;

	for (i = 0; f->region != NULL && i < t->nclaims; i++)
		if (strcmp(t->claim[i].left, f->what) == 0 &&
		    strcmp(t->claim[i].region, f->region) == 0)
			return &t->claim[i];
	return NULL;
}

/* The most that a claim allows; false: it has no such bound. */
static bool
most(const struct claim *c, const struct result *res, int64_t *bound)
{
	struct judge j = { .t = res->test, .d = &res->draw, .b = res->boot };
	const char *right = c->high != NULL ? c->high : c->right;

	if (strcmp(c->op, ">=") == 0 || strcmp(c->op, ">") == 0 ||
	    !judge_eval(&j, c->region, right, bound, NULL))
		return false;
	*bound -= strcmp(c->op, "<") == 0;
	return true;
}

/* A claim whose counter went too far: the event behind the last good one. */
static bool
too_many(struct stop *s, const struct result *res, const struct failure *f)
{
	const struct claim *c = claim_of(res->test, f);
	int64_t bound, got;
	size_t i;

	if (c == NULL || !most(c, res, &bound) || bound < 0 ||
	    !judge_value(
		res->test, &res->draw, res->boot, c->region, c->left, &got) ||
	    got <= bound)
		return false;
	s->counter = records_counter(&res->boot->records, c->left);
	s->bound = bound;
	for (i = 0; s->counter < 0 && i < sizeof calls / sizeof calls[0]; i++)
		if (strcmp(calls[i].name, c->left) == 0) {
			words_add(&s->at, calls[i].function);
			s->skip = bound;
		}
	if (s->counter < 0 && s->at.n == 0)
		return false;
	in_region(s, res->test, c->region);
	s->says = xprintf("%s in region \"%s\": number %lld, the first that is "
			  "too many of %lld",
	    c->left, c->region, (long long)bound + 1, (long long)got);
	return true;
}

/* ---- those who say that something is wrong ---- */

static void
at_function(struct stop *s, const char *function, const char *why)
{
	words_add(&s->at, function);
	s->says = xstrdup(why);
}

/* An end that the program or a signal chose. */
static void
at_exit_of(struct stop *s, const struct result *res)
{
	const struct records *r = &res->boot->records;

	if (r->exit_kind == 1) {
		at_function(s, "sig_force", "the signal that ends the program");
		return;
	}
	at_function(s, "sys_exit_group", "a program ends with another status");
	s->reg = "rdi";
	s->points = true;
	number_read(res->test->exit, &s->differs);
}

static bool
at_reporter(struct stop *s, const struct result *res, const struct failure *f)
{
	if (strcmp(f->what, "a claim of the kernel test") == 0)
		at_function(s, "selftest_fail",
		    "the first claim of the kernel test that does not hold");
	else if (strcmp(f->what, "vm_check") == 0) {
		at_function(s, "graded_check", "the check that has findings");
		s->reg = "rdx";
	} else if (strcmp(f->what, "deadlock") == 0)
		at_function(
		    s, "graded_say", "the kernel says who waits for whom");
	else if (strcmp(f->what, "exit") == 0 && res->test->selftest == NULL)
		at_exit_of(s, res);
	else if (strcmp(f->what, "panic") == 0)
		s->says = xstrdup("the panic");
	return s->says != NULL;
}

/* A loop: the function in which it was when its time was over. */
static bool
at_loop(struct stop *s, const struct report *r, const struct result *res)
{
	const struct witness *w = &res->boot->witness;
	const char *name = NULL;
	size_t i;

	for (i = w->npcs; name == NULL && i-- > 0;)
		name = symbols_at(r->symbols, w->pc[i]);
	if (res->verdict.status != ST_TIMEOUT || name == NULL)
		return false;
	words_add(&s->at, name);
	s->says = xprintf("%s, which ran when the time was over", name);
	in_region(s, res->test, NULL);
	return true;
}

/* ---- which part of the boot, and the default ---- */

/* The marks around a region; NULL: of the test's first. */
static void
in_region(struct stop *s, const struct test *t, const char *region)
{
	const struct region *g = region != NULL    ? test_region(t, region)
	                         : t->nregions > 0 ? &t->region[0]
	                                           : NULL;

	s->mark = g != NULL ? g->first : 0;
	s->last = g != NULL ? g->last : 0;
}

static void
at_look(struct stop *s, const struct result *res)
{
	size_t i;

	for (i = 0; i < LOOKS && res->look[i] != NULL; i++)
		words_add(&s->at, res->look[i]);
	if (s->at.n == 0 && res->test->look.n > 0)
		words_add(&s->at, res->test->look.v[0]);
	in_region(s, res->test, NULL);
	s->looks = s->at.n > 0 && s->last != 0;
	s->region = xstrdup(
	    s->last != 0 ? res->test->region[0].name : "the whole");
	s->says = xprintf("%s in the work that is tested, or its end",
	    s->at.n > 0 ? s->at.v[0] : "nothing");
}

/* "a, b, c", for a sentence. */
static char *
listed(const struct words *w)
{
	char *names = xstrdup(""), *more;
	size_t i;

	for (i = 0; i < w->n; i++) {
		more = xprintf("%s%s%s", names, i > 0 ? ", " : "", w->v[i]);
		free(names);
		names = more;
	}
	return names;
}

/* All that the test's LOOK names, but what runs before any program does. */
void
stop_before(struct stop *s, const struct lab *lab, const struct test *t)
{
	struct words before = { 0 };
	char *names = listed(&s->at), *first;
	size_t i;

	for (i = 0; i < t->look.n; i++)
		if (!words_has(&s->at, t->look.v[i]))
			words_add(&s->at, t->look.v[i]);
	for (i = 0; i < s->at.n; i++)
		if (!words_has(&lab->bootfloor, s->at.v[i]))
			words_add(&before, s->at.v[i]);
	free(s->says);
	first = listed(&before);
	if (before.n > 0) {
		s->says = xprintf("the first of %s, before region \"%s\" begins, "
				  "or its end: in it nothing of %s runs, so what "
				  "went wrong came before", first, s->region, names);
		s->mark = 0;
		words_free(&s->at);
		s->at = before;
	} else {
		s->says = xprintf("the end of region \"%s\": in it nothing of %s "
				  "runs, so what went wrong came before its begin, "
				  "or was never begun",
		    s->region, names);
	}
	free(first);
	free(names);
}

void
stop_find(struct stop *s, const struct report *r, const struct result *res)
{
	const struct failure *f = &res->verdict.failure[0];
	bool failed = res->verdict.nfailures > 0 && res->boot != NULL;

	*s = (struct stop){ .counter = -1 };
	if (!failed || (!too_many(s, res, f) && !at_reporter(s, res, f) &&
			   !at_loop(s, r, res)))
		at_look(s, res);
}
