/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_tree.c: a tree in the order of a number, against an array of numbers
 *
 * Problem   Whoever asks for the first element from a number on, from the root
 *           or from one that was found before, gets the one that an array has.
 *
 * Picture   random in or out ─→ rb_add, rb_remove ─→ rb_check; each number asked for
 *                      └──────→ element[number].is_in
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/tree.h"
#include "test/host/host.h"

#define NUMBERS 300u

/* The number lies before the node or behind it. */
struct element {
	uint64_t twice;
	struct rb_node node;
	uint64_t number;
	bool is_in;
};

#define NUMBER RB_NUMBER(struct element, node, number)
#define TWICE RB_NUMBER(struct element, node, twice)

static struct element element[NUMBERS];
static struct rb_root root;

/* As the tree ought to answer; NULL. */
static struct rb_node *
first_from(unsigned number)
{
	while (number < NUMBERS && !element[number].is_in)
		number++;
	return number < NUMBERS ? &element[number].node : NULL;
}

static void
ask_for_each(void)
{
	struct rb_node *near = first_from((unsigned)host_random(NUMBERS));
	unsigned i;

	assert_true(rb_check(&root) >= 0);
	assert_ptr_equal(rb_first(&root), first_from(0));
	for (i = 0; i <= NUMBERS; i++) {
		assert_ptr_equal(rb_from(&root, NUMBER, i), first_from(i));
		assert_ptr_equal(rb_from(&root, TWICE, 2 * i), first_from(i));
		assert_ptr_equal(rb_from_near(&root, NUMBER, i, near), first_from(i));
		assert_ptr_equal(rb_from_near(&root, NUMBER, i, first_from(i)),
		    first_from(i));
		assert_ptr_equal(rb_from_near(&root, NUMBER, i, NULL), first_from(i));
	}
	assert_null(rb_from(&root, NUMBER, UINT64_MAX));
}

static void
elements_come_and_go(void **state)
{
	struct element *e;
	unsigned i;

	host_seed(31);
	for (i = 0; i < 6000; i++) {
		e = &element[host_random(NUMBERS)];
		e->number = (uint64_t)(e - element);
		e->twice = 2 * e->number;
		e->is_in = !e->is_in;
		if (e->is_in)
			rb_add(&root, &e->node, i % 2 == 0 ? NUMBER : TWICE);
		else
			rb_remove(&root, &e->node, NULL);
		if (i % 20 == 0)
			ask_for_each();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
