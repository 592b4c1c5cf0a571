/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.c: bounds of tests are arithmetic over parameters and counters
 *
 * Problem   "$writes + 4", "page.alloc - page.free", "first(table.n_priv)":
 *           the same small language in every line of a test file.
 *
 * Picture   sum = product ± product …; product = factor times, by or modulo
 *           factor …;
 *           factor = number, $name, counter, function(…), (sum), -factor
 *
 * Rules     1. The first thing that is wrong stops the reading; its reason is
 *              kept, all values after it are 0.
 *           2. Names mean what the scope says; this file knows none.
 *
 * Read next lab/testfile.c, judge/judge.c.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define NAME_MAX_CHARS 96
#define ARGS_MAX 3

struct reader {
	const char *at;
	const struct scope *scope;
	char *why;
};

static int64_t sum(struct reader *);
static int64_t product(struct reader *);
static int64_t factor(struct reader *);
static int64_t named(struct reader *);
static int64_t function(struct reader *, const char *fn);

bool
expr_eval(const char *text, const struct scope *scope, int64_t *out, char **why)
{
	struct reader r = { .at = text, .scope = scope };

	*out = sum(&r);
	if (r.why == NULL && *r.at != '\0')
		r.why = xprintf("'%s' is too much", r.at);
	if (r.why == NULL)
		return true;
	if (why != NULL)
		*why = r.why;
	else
		free(r.why);
	*out = 0;
	return false;
}

/* The next character that means something. */
static char
peek(struct reader *r)
{
	r->at += strspn(r->at, " \t");
	return *r->at;
}

static bool
take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static int64_t
wrong(struct reader *r, const char *what)
{
	if (r->why == NULL)
		r->why = xprintf("%s at '%s'", what, r->at);
	r->at += strlen(r->at);
	return 0;
}

static int64_t
sum(struct reader *r)
{
	int64_t v = product(r);
	char c;

	while ((c = peek(r)) == '+' || c == '-') {
		r->at++;
		v = c == '+' ? v + product(r) : v - product(r);
	}
	return v;
}

static int64_t
product(struct reader *r)
{
	int64_t v = factor(r), w;
	char c;

	while ((c = peek(r)) == '*' || c == '/' || c == '%') {
		r->at++;
		w = factor(r);
		if (c == '*')
			v *= w;
		else if (w == 0)
			return r->why != NULL ? 0 : wrong(r, "division by 0");
		else
			v = c == '/' ? v / w : v % w;
	}
	return v;
}

static int64_t
number(struct reader *r)
{
	char *end;
	int64_t v = strtoll(r->at, &end, 0);

	r->at = end;
	if (*end == 'K' || *end == 'M' || *end == 'G') {
		v <<= *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
		r->at++;
	}
	return v;
}

static int64_t
factor(struct reader *r)
{
	int64_t v;
	char c = peek(r);

	if (isdigit((unsigned char)c))
		return number(r);
	if (take(r, '-'))
		return -factor(r);
	if (take(r, '(')) {
		v = sum(r);
		return take(r, ')') ? v : wrong(r, "no )");
	}
	if (c == '$' || isalpha((unsigned char)c))
		return named(r);
	return wrong(r, "no value");
}

/* A name of letters, digits, _ and dots within. */
static bool
name_read(struct reader *r, char *buf, size_t size)
{
	size_t n = 0;

	peek(r);
	while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' ||
	       (r->at[n] == '.' && isalnum((unsigned char)r->at[n + 1])))
		n++;
	if (n == 0 || n >= size)
		return false;
	memcpy(buf, r->at, n);
	buf[n] = '\0';
	r->at += n;
	return true;
}

static int64_t
value(struct reader *r, const char *name, const char *how)
{
	int64_t v = 0;

	if (r->why == NULL && !r->scope->name(r->scope->arg, name, how, &v))
		r->why = xprintf("%s is not known here", name);
	return v;
}

static int64_t
named(struct reader *r)
{
	char name[NAME_MAX_CHARS] = "param.";
	size_t skip = take(r, '$') ? strlen(name) : 0;

	if (!name_read(r, name + skip, sizeof name - skip))
		return wrong(r, "no name");
	if (skip == 0 && peek(r) == '(')
		return function(r, name);
	return value(r, name, "");
}

static int64_t
function(struct reader *r, const char *fn)
{
	char name[NAME_MAX_CHARS];
	int64_t v[ARGS_MAX] = { 0 }, out = 0;
	size_t n = 0;

	take(r, '(');
	if (strcmp(fn, "first") == 0 || strcmp(fn, "last") == 0 ||
	    strcmp(fn, "delta") == 0) {
		if (!name_read(r, name, sizeof name) || !take(r, ')'))
			return wrong(r, "no counter");
		return value(r, name, fn);
	}
	do {
		if (n == ARGS_MAX)
			return wrong(r, "too many arguments");
		v[n++] = sum(r);
	} while (take(r, ','));
	if (!take(r, ')'))
		return wrong(r, "no )");
	if (n == 2 && strcmp(fn, "min") == 0)
		return v[0] < v[1] ? v[0] : v[1];
	if (n == 2 && strcmp(fn, "max") == 0)
		return v[0] > v[1] ? v[0] : v[1];
	if (r->scope->call == NULL ||
	    !r->scope->call(r->scope->arg, fn, v, n, &out))
		return wrong(r, "no such function");
	return out;
}

/* ---- relations ---- */

bool
op_known(const char *op)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
	size_t i;

	for (i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

bool
op_holds(int64_t a, const char *op, int64_t b)
{
	bool or_equal = op[1] == '=';

	switch (op[0]) {
	case '=':
		return a == b;
	case '!':
		return a != b;
	case '<':
		return or_equal ? a <= b : a < b;
	case '>':
		return or_equal ? a >= b : a > b;
	}
	return false;
}
