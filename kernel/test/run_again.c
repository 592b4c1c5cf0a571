/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_again.c: a test is run once more
 *
 * Problem   A failure is the commit's or the host's.  A test that hangs on nothing
 *           but the commit leaves the same each time.
 *
 * Picture   exact, failed     ─→ once more, alone: the same, or NOT EXACT; it failed
 *           bounded, failed   ─→ twice more, alone: two passes are "unsteady"
 *           exact, all (-2)   ─→ once more: the same, or NOT EXACT
 *
 * Rules     1. What the first run left is kept as NAME.first.*.
 *           2. Two that are unsteady do not fail a run; more do.
 *
 * Read next run.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#define MOST_UNSTEADY 2 /* more of them count as failed */
#define MOST_AGAIN 8 /* failures that are looked at again: more are no chance */

static const char *const kinds_of_output[] = { "out", "err", "log" };
#define KINDS_OF_OUTPUT 3

/* What the run that failed has left, out of the way of the next. */
static void
keep_first(const struct test *t)
{
	char *from, *to, suffix[16];
	int i;

	for (i = 0; i < KINDS_OF_OUTPUT; i++) {
		snprintf(suffix, sizeof suffix, "first.%s", kinds_of_output[i]);
		from = kept(t, kinds_of_output[i]);
		to = kept(t, suffix);
		if (rename(from, to) < 0)
			unlink(to);
		free(from);
		free(to);
	}
}

/* But for the numbers that the host gives to a process and to its files. */
static bool
same_as_first(const struct test *t)
{
	char *again = kept(t, ""), *first = kept(t, "first.");
	bool same;

	same = holds(
	    "alike() { sed 's/==[0-9]*==/====/g; s:/tmp/tmp[.][A-Za-z0-9]*:/tmp/:g' "
	    "\"$1\" 2>/dev/null; }; "
	    "for s in out err log; do "
	    "[ \"$(alike \"$1$s\"; echo .)\" = \"$(alike \"$2$s\"; echo .)\" ] || exit 1; "
	    "done", first, again);
	free(again);
	free(first);
	return same;
}

static void
run_again(struct test *t)
{
	start(t);
	wait_one();
	runner.nagain++;
	runner.again_seconds += t->seconds;
	runner.again_cpu += t->cpu;
}

/* What differs between an exact test's first run and its last; NULL: nothing. */
static const char *
differs(const struct test *t, const struct test *first)
{
	if (t->failed != first->failed)
		return t->failed ? "it failed" : "it passed";
	if (t->status != first->status)
		return "another status";
	return same_as_first(t) ? NULL : "another output";
}

void
all_the_same(void)
{
	static struct test first[MAX_TESTS];
	const char *what;
	unsigned i;

	memcpy(first, runner.test, sizeof first);
	for (i = 0; i < runner.ntests; i++)
		keep_first(&runner.test[i]);
	runner.again = true;
	run_all();
	for (i = 0; i < runner.ntests; i++) {
		struct test *t = &runner.test[i];

		what = differs(t, &first[i]);
		runner.failed += what != NULL && !first[i].failed;
		t->failed = first[i].failed || what != NULL;
		if (what != NULL)
			snprintf(t->why, sizeof t->why, "NOT EXACT, again: %s",
			    what);
	}
}

/* What failed by the commit fails again, and the same way. */
static void
expect_the_same(struct test *t)
{
	struct test first = *t;
	const char *what;

	run_again(t);
	what = differs(t, &first);
	if (t->batch != NULL)
		snprintf(t->why, sizeof t->why, "%.150s, behind others; alone it %s", first.why,
		    t->failed ? "fails, too" : "passes (OWN=1 in NEEDS?)");
	else if (what != NULL)
		snprintf(t->why, sizeof t->why, "%.150s; NOT EXACT, again: %s",
		    first.why, what);
	else
		snprintf(t->why, sizeof t->why, "%s", first.why);
	t->cpu = first.cpu;
	t->failed = true;
}

static void
expect_two_passes(struct test *t)
{
	struct test first = *t;

	run_again(t);
	if (!t->failed)
		run_again(t);
	t->unsteady = !t->failed;
	snprintf(t->why, sizeof t->why, "%s", first.why);
	t->cpu = first.cpu;
	t->failed = true;
}

void
look_again(void)
{
	unsigned i, n = 0;

	runner.again = true;
	for (i = 0; i < runner.ntests && n < MOST_AGAIN; i++) {
		struct test *t = &runner.test[i];

		if (!t->failed)
			continue;
		n++;
		t->looked = true;
		keep_first(t);
		if (t->sort == SORT_EXACT)
			expect_the_same(t);
		else
			expect_two_passes(t);
		runner.nunsteady += t->unsteady;
	}
	for (i = 0; i < runner.ntests && runner.nunsteady <= MOST_UNSTEADY; i++)
		if (runner.test[i].unsteady) {
			runner.test[i].failed = false;
			runner.failed--;
		}
}
