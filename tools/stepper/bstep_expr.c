/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_expr.c: expressions of sessions
 *
 * Problem   pte & 1 == 1 must mean what it looks like.
 *
 * Picture   weakest   ||   &&   == != < <= > >= in   |   ^   &
 *           <<  >>   + -   * / %   ~ - !   strongest
 *           0x1f   name   $name   reg cr2   "symbol"   quad ADDR   phys ADDR
 *
 * Rules     1. Comparisons bind weaker than & | ^: not as in C.
 *           2. Numbers are unsigned, of 64 bits.
 *           3. Both sides of && and || are computed: a name that is unknown is
 *              found whatever the values are.
 *
 * Read next bstep_play.c asks the machine.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

#define LEVELS 8
#define DEPTH 32 /* of parentheses */

struct reader {
	struct expr_env *env;
	const char *s;
	char *why; /* not NULL: wrong */
	unsigned depth;
};

enum op {
	OP_NONE,
	OP_OR,
	OP_AND,
	OP_EQ,
	OP_NE,
	OP_LE,
	OP_GE,
	OP_LT,
	OP_GT,
	OP_IN,
	OP_BOR,
	OP_XOR,
	OP_BAND,
	OP_SHL,
	OP_SHR,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD
};

/* The longer ones first. */
static const struct {
	const char *text;
	enum op op;
	unsigned level;
} operators[] = { { "||", OP_OR, 0 }, { "&&", OP_AND, 1 }, { "==", OP_EQ, 2 },
	{ "!=", OP_NE, 2 }, { "<=", OP_LE, 2 }, { ">=", OP_GE, 2 },
	{ "<<", OP_SHL, 6 }, { ">>", OP_SHR, 6 }, { "<", OP_LT, 2 },
	{ ">", OP_GT, 2 }, { "in ", OP_IN, 2 }, { "|", OP_BOR, 3 },
	{ "^", OP_XOR, 4 }, { "&", OP_BAND, 5 }, { "+", OP_ADD, 7 },
	{ "-", OP_SUB, 7 }, { "*", OP_MUL, 8 }, { "/", OP_DIV, 8 },
	{ "%", OP_MOD, 8 } };

static uint64_t binary(struct reader *, unsigned level);
static uint64_t unary(struct reader *);
static uint64_t primary(struct reader *);

static void
wrong(struct reader *r, char *why)
{
	if (r->why == NULL)
		r->why = why;
	else
		free(why);
}

static void
blanks(struct reader *r)
{
	r->s += strspn(r->s, " \t");
}

bool
expr_eval(struct expr_env *env, const char *text, uint64_t *v, char **why)
{
	struct reader r = { .env = env, .s = text };

	env->compared = false;
	*v = binary(&r, 0);
	blanks(&r);
	if (*r.s != '\0')
		wrong(&r, text_of("cannot read \"%s\"", r.s));
	*why = r.why;
	return r.why == NULL;
}

/* ---- two sides ---- */

/* The operator of a level that stands here, taken; or OP_NONE. */
static enum op
operator_here(struct reader *r, unsigned level)
{
	size_t i, n = sizeof operators / sizeof operators[0];

	blanks(r);
	for (i = 0; i < n; i++) {
		size_t len = strlen(operators[i].text);

		if (strncmp(r->s, operators[i].text, len) != 0)
			continue;
		if (operators[i].level != level)
			return OP_NONE;
		r->s += len;
		return operators[i].op;
	}
	return OP_NONE;
}

static uint64_t
compute(struct reader *r, enum op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case OP_OR:
		return a != 0 || b != 0;
	case OP_AND:
		return a != 0 && b != 0;
	case OP_EQ:
		return a == b;
	case OP_NE:
		return a != b;
	case OP_LE:
		return a <= b;
	case OP_GE:
		return a >= b;
	case OP_LT:
		return a < b;
	case OP_GT:
		return a > b;
	case OP_BOR:
		return a | b;
	case OP_XOR:
		return a ^ b;
	case OP_BAND:
		return a & b;
	case OP_SHL:
		return b < 64 ? a << b : 0;
	case OP_SHR:
		return b < 64 ? a >> b : 0;
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_DIV:
	case OP_MOD:
		if (b == 0) {
			wrong(r, text_of("division by 0"));
			return 0;
		}
		return op == OP_DIV ? a / b : a % b;
	case OP_NONE:
	case OP_IN:
		break;
	}
	return a;
}

/* "name" behind in or alone. */
static bool
quoted(struct reader *r, uint64_t *start, uint64_t *end)
{
	const char *close;
	char *name, *why = NULL;
	bool ok;

	blanks(r);
	close = *r->s == '"' ? strchr(r->s + 1, '"') : NULL;
	if (close == NULL) {
		wrong(r, text_of("a \"name\" is wanted at \"%s\"", r->s));
		return false;
	}
	name = strndup(r->s + 1, (size_t)(close - r->s) - 1);
	r->s = close + 1;
	ok = r->env->symbol(r->env->arg, name, start, end, &why);
	if (!ok)
		wrong(r, why);
	free(name);
	return ok;
}

static uint64_t
is_in(struct reader *r, uint64_t a)
{
	uint64_t start = 0, end = 0;

	if (!quoted(r, &start, &end))
		return 0;
	r->env->compared = false; /* two addresses would say little */
	return a >= start && a < end;
}

static uint64_t
binary(struct reader *r, unsigned level)
{
	uint64_t a, b;
	enum op op;

	if (level > LEVELS)
		return unary(r);
	a = binary(r, level + 1);
	while (r->why == NULL && (op = operator_here(r, level)) != OP_NONE) {
		if (op == OP_IN) {
			a = is_in(r, a);
			continue;
		}
		b = binary(r, level + 1);
		if (level == 2 && r->depth == 0) {
			r->env->compared = true;
			r->env->left = a;
			r->env->right = b;
		}
		a = compute(r, op, a, b);
	}
	return a;
}

/* ---- one ---- */

static uint64_t
unary(struct reader *r)
{
	blanks(r);
	switch (*r->s) {
	case '~':
		r->s++;
		return ~unary(r);
	case '-':
		r->s++;
		return -unary(r);
	case '!':
		r->s++;
		return unary(r) == 0;
	default:
		return primary(r);
	}
}

static uint64_t
number(struct reader *r)
{
	char *end;
	uint64_t v = strtoull(r->s, &end, 0);

	if (isalnum((unsigned char)*end) || *end == '_')
		wrong(r, text_of("not a number: \"%s\"", r->s));
	r->s = end;
	return v;
}

static uint64_t
inner(struct reader *r)
{
	uint64_t v;

	if (++r->depth > DEPTH) {
		wrong(r, text_of("too many parentheses"));
		return 0;
	}
	r->s++;
	v = binary(r, 0);
	blanks(r);
	if (*r->s == ')')
		r->s++;
	else
		wrong(r, text_of("a ) is missing"));
	r->depth--;
	return v;
}

static uint64_t
memory(struct reader *r, bool physical)
{
	uint64_t at = unary(r), v = 0;
	char *why = NULL;

	if (r->why == NULL &&
	    !r->env->memory(r->env->arg, physical, at, &v, &why))
		wrong(r, why);
	return v;
}

static uint64_t
named(struct reader *r)
{
	uint64_t v = 0;
	size_t n = 0;
	char *name, *why = NULL;

	while (isalnum((unsigned char)r->s[n]) || r->s[n] == '_')
		n++;
	name = strndup(r->s, n);
	r->s += n;
	if (strcmp(name, "quad") == 0 || strcmp(name, "phys") == 0)
		v = memory(r, name[0] == 'p');
	else if (!r->env->name(r->env->arg, name, &v, &why))
		wrong(r, why);
	free(name);
	return v;
}

static uint64_t
primary(struct reader *r)
{
	uint64_t v = 0, end = 0;

	if (r->why != NULL)
		return 0;
	if (strncmp(r->s, "reg", 3) == 0 && isblank((unsigned char)r->s[3])) {
		r->s += 3;
		blanks(r);
	}
	if (*r->s == '$')
		r->s++;
	if (*r->s == '(')
		return inner(r);
	if (isdigit((unsigned char)*r->s))
		return number(r);
	if (*r->s == '"')
		return quoted(r, &v, &end) ? v : 0;
	if (isalpha((unsigned char)*r->s) || *r->s == '_')
		return named(r);
	wrong(r, *r->s == '\0' ? text_of("something is missing at the end")
			       : text_of("cannot read \"%s\"", r->s));
	return 0;
}
