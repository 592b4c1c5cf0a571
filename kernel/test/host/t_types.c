/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_types.c: min and max ask once
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/types.h"

static unsigned grown;

/* What others make larger all the time: the size of a file, a count. */
static unsigned
growing(void)
{
	return grown += 10;
}

/* What came out is what was compared, whichever is the lesser. */
static void
once(void **state)
{
	grown = 0;
	assert_int_equal(MIN(15u, growing()), 10);
	assert_int_equal(MIN(15u, growing()), 15);
	assert_int_equal(MAX(growing(), 25u), 30);
	assert_int_equal(MAX(growing(), 45u), 45);
	assert_int_equal(MIN(MAX(growing(), 55u), MIN(growing(), 65u)), 55);
	assert_int_equal(grown, 60);
}

/* They take the type of both, as the operators do. */
static void
types(void **state)
{
	const uint8_t few = 200;
	const int64_t below = -1;

	assert_int_equal(MIN(few + 100, 1000), 300);
	assert_true(MIN(below, 1) == -1);
	assert_true(MAX((uint64_t)1 << 40, 7u) == (uint64_t)1 << 40);
	assert_ptr_equal(MAX(&grown, &grown + 1), &grown + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
