/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_mutation.c: where a text can be wrong, and that each place is tried
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base.h"
#include "self/mutation.h"

static struct mutations all;
static const char *text;

static void
find(const char *s)
{
	mutations_free(&all);
	text = s;
	mutations_find(&all, s);
}

/* Is there a mutation that makes this of the line it is in? */
static bool
makes(const char *line)
{
	char *before, *after;
	bool found = false;
	size_t i;

	for (i = 0; i < all.n && !found; i++) {
		mutation_diff(text, &all.v[i], &before, &after);
		found = strcmp(after, line) == 0;
		free(before);
		free(after);
	}
	return found;
}

static void
each_kind(void **state)
{
	find("int\nf(struct a *x, int n)\n{\n"
	     "\tint r = 3;\n"
	     "\tif (n < 2 && !g(x, n))\n"
	     "\t\treturn -ENOMEM;\n"
	     "\th(x,\n\t    n + 1);\n"
	     "\tx->n += n;\n"
	     "\treturn n > 0 ? r : n & 1;\n}\n");
	assert_true(makes("if (!(n < 2 && !g(x, n)))"));
	assert_true(makes("if (n <= 2 && !g(x, n))"));
	assert_true(makes("if (n < 3 && !g(x, n))"));
	assert_true(makes("if (n < 1 && !g(x, n))"));
	assert_true(makes("if (n < 2 || !g(x, n))"));
	assert_true(makes("if (n < 2 && g(x, n))"));
	assert_true(makes("if (n < 2 && !g(n, x))"));
	assert_true(makes("return ENOMEM;"));
	assert_true(makes(";"));
	assert_true(makes("h(n + 1, x);"));
	assert_true(makes("n - 1);"));
	assert_true(makes("x->n -= n;"));
	assert_true(makes("return n > 0 ? n & 1 : r;"));
	assert_true(makes("return n > 0 ? r : n | 1;"));
	assert_true(makes("int r = 4;"));
	assert_string_equal(all.v[0].function, "f");
	assert_int_equal(all.v[0].line, 4);
}

/* What holds anyhow, what only tells, declarations, the end. */
static void
never(void **state)
{
	find("#define M(a) \\\n\t((a) + 1)\n"
	     "static int x = 1;\n"
	     "static const struct t t[] = { { 1, 2 } };\n"
	     "int f(int n) { ASSERT(n < 2); return n; } /* n < 3 */\n");
	assert_int_equal(all.n, 0);
	find("void f(int n) { EVENT(e, n + 1); }\n");
	assert_int_equal(all.n, 1);
	assert_true(makes("void f(int n) { ; }"));
	find("int f(int n) { for (n = 0; n; n++) ; return -n; }\n");
	assert_false(makes("int f(int n) { for (n = 0; ; n++) ; return -n; }"));
}

/* The same lines behind it, whatever is left out. */
static void
same_lines(void **state)
{
	const char *s;
	char *after;
	size_t i, n, want;

	find("void\nf(void)\n{\n\tg(1,\n\t    2,\n\t    3);\n\treturn;\n}\n");
	assert_true(all.n > 3);
	for (want = 0, s = text; *s != '\0'; s++)
		want += *s == '\n';
	for (i = 0; i < all.n; i++) {
		after = mutation_apply(text, &all.v[i]);
		for (n = 0, s = after; *s != '\0'; s++)
			n += *s == '\n';
		assert_int_equal(n, want);
		free(after);
	}
}

static void
seeds(void **state)
{
	struct mutations again;
	size_t i;

	find("int f(int a) { return a + 1 + 2 + 3 + 4 + 5 + 6 + 7; }\n");
	mutations_find(&again, text);
	mutations_shuffle(&all, 5);
	mutations_shuffle(&again, 5);
	for (i = 0; i < all.n; i++)
		assert_int_equal(all.v[i].at, again.v[i].at);
	mutations_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(never),
		cmocka_unit_test(same_lines),
		cmocka_unit_test(seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
