/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_extent.c: extents against an array of numbers
 *
 * Problem   Runs of all lengths, taken and given back in any order, never
 *           overlap, are the lowest that fit, and cost one tag each and one more.
 *
 * Picture   random take or give ─→ extent_*   ─→ each number, each run, all tags
 *                          └─────→ owner[number]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/extent.h"
#include "test/host/host.h"

#define FIRST 1000ul
#define NUMBERS 600u
#define RUNS 200u

static uint16_t owner[NUMBERS];    /* 0: free; else the run, from 1 on */
static struct {
	uint64_t start, n;
} run[RUNS];
static struct extents x;
static unsigned used, tags;

static struct extent *
tag_new(void)
{
	tags++;
	return calloc(1, sizeof(struct extent));
}

static void
tag_end(struct extent *tag)
{
	assert_non_null(tag);
	tags--;
	free(tag);
}

/* The lowest place for n in a row; NUMBERS: there is none. */
static unsigned
lowest(unsigned n)
{
	unsigned i, row = 0;

	for (i = 0; i < NUMBERS; i++) {
		row = owner[i] == 0 ? row + 1 : 0;
		if (row == n)
			return i + 1 - n;
	}
	return NUMBERS;
}

static void
take(unsigned n)
{
	unsigned i = 0, at = lowest(n), k;
	struct extent *tag = tag_new();
	uint64_t start = 0;

	while (i < RUNS && run[i].n != 0)
		i++;
	if (i == RUNS || !extent_take(&x, tag, n, &start)) {
		if (i != RUNS)
			assert_int_equal(at, NUMBERS);
		tag_end(tag);
		return;
	}
	assert_int_equal(start, FIRST + at);
	for (k = 0; k < n; k++)
		owner[at + k] = (uint16_t)(i + 1);
	run[i].start = start;
	run[i].n = n;
	used++;
}

static void
give(unsigned i)
{
	if (run[i].n == 0)
		return;
	tag_end(extent_give(&x, run[i].start, run[i].n));
	memset(&owner[run[i].start - FIRST], 0, run[i].n * sizeof(owner[0]));
	run[i].n = 0;
	used--;
}

/* Each number as the array says, each run of free ones in one piece. */
static void
compare(void)
{
	struct rb_node *n = rb_first(&x.tree);
	unsigned i, from;

	assert_int_equal(tags, used + 1);
	assert_false(extent_is_free(&x, FIRST - 1));
	assert_false(extent_is_free(&x, FIRST + NUMBERS));
	for (i = 0; i < NUMBERS; i++)
		assert_int_equal(extent_is_free(&x, FIRST + i), owner[i] == 0);
	for (i = 0; i < NUMBERS;) {
		for (from = i; i < NUMBERS && owner[i] == 0;)
			i++;
		if (i > from) {
			assert_non_null(n);
			assert_int_equal(CONTAINER_OF(n, struct extent,
			    rb)->start, FIRST + from);
			assert_int_equal(CONTAINER_OF(n, struct extent,
			    rb)->n, i - from);
			n = rb_next(n);
		}
		while (i < NUMBERS && owner[i] != 0)
			i++;
	}
	assert_null(n);
}

static void
runs_come_and_go(void **state)
{
	unsigned i, most = 0;

	host_seed(30);
	extents_init(&x, tag_new(), FIRST, NUMBERS);
	for (i = 0; i < 40000; i++) {
		if (host_random(2) != 0)
			take(1 + (unsigned)host_random(host_random(4) ? 8 : 120));
		else
			give((unsigned)host_random(RUNS));
		most = MAX(most, used);
		if (i % 20 == 0)
			compare();
	}
	assert_true(most > RUNS / 4);
	for (i = 0; i < RUNS; i++)
		give(i);
	compare();
	assert_int_equal(tags, 1);
	assert_int_equal(lowest(NUMBERS), 0);
}

/* All that is left in one run can be taken, and no more. */
static void
the_last_one(void **state)
{
	take(NUMBERS);
	compare();
	assert_int_equal(used, 1);
	assert_null(x.tree.node);
	take(1);
	assert_int_equal(used, 1);
	give(0);
	compare();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_come_and_go),
		cmocka_unit_test(the_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
