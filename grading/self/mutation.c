/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutation.c: where a C file could be wrong by one token
 *
 * Problem   Planted bugs are those that somebody thought of.  What tests miss is
 *           found by bugs that nobody chose: one condition negated, one call
 *           left out, one argument in the other's place.
 *
 * Picture   text ─→ tokens ─→ bodies of functions ─→ places
 *             if (a < b) return f(x, y);
 *                 if (!(a < b)) …   a <= b   a > b   f(y, x)   if (…) ;
 *
 * Rules     1. Nothing inside of ASSERT() and EVENT(): the first only says what
 *              holds, of the second only whether it is there can be graded.  In
 *              CHECK() arguments, but not what is compared.
 *           2. As many lines as before: __LINE__ of all the rest stays, so an
 *              object that differs is code that differs.
 *           3. The last return of a function is not dropped: what comes then is
 *              the compiler's choice.  Nor are declarations.
 *
 * Read next mutate.c.
 */
#include "self/mutation.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum token_kind { TK_WORD, TK_NUMBER, TK_TEXT, TK_OP };

struct token {
	enum token_kind kind;
	size_t at, len;
	size_t mate; /* of a bracket: the other one's place; 0: none */
};

struct scan {
	struct mutations *out;
	const char *text;
	struct token *t;
	size_t n;
	char *function;
	size_t checks; /* up to here: inside of CHECK */
};

/* ---- tokens ---- */

static size_t
token_end(const char *s, enum token_kind *kind)
{
	static const char *const ops[] = { "<<=", ">>=", "...", "->", "++",
		"--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=",
		"-=", "|=", "&=", "*=", "/=", "%=", "^=" };
	size_t n = 1, i;

	*kind = TK_OP;
	if (isalnum((unsigned char)*s) || *s == '_') {
		*kind = isdigit((unsigned char)*s) ? TK_NUMBER : TK_WORD;
		while (isalnum((unsigned char)s[n]) || s[n] == '_')
			n++;
		return n;
	}
	if (*s == '"' || *s == '\'') {
		*kind = TK_TEXT;
		while (s[n] != '\0' && s[n] != *s)
			n += s[n] == '\\' ? 2 : 1;
		return n + 1;
	}
	for (i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (strncmp(s, ops[i], strlen(ops[i])) == 0)
			return strlen(ops[i]);
	return 1;
}

/* Behind blanks, comments and lines of the preprocessor. */
static const char *
skip_space(const char *text, const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (s[0] == '/' && s[1] == '*' && strstr(s + 2, "*/") != NULL)
			s = strstr(s + 2, "*/") + 2;
		else if (s[0] == '/' && s[1] == '/')
			s += strcspn(s, "\n");
		else if (*s == '#' && (s == text || s[-1] == '\n'))
			while (*s != '\0' && *s != '\n')
				s += s[0] == '\\' && s[1] == '\n' ? 2 : 1;
		else
			return s;
	}
}

static void
tokens_read(struct scan *c)
{
	const char *s = skip_space(c->text, c->text);
	size_t cap = strlen(c->text) + 1, depth = 0;
	size_t *open = xalloc(cap * sizeof *open);
	struct token *t;

	c->t = xalloc(cap * sizeof *c->t);
	for (; *s != '\0'; s = skip_space(c->text, s + t->len)) {
		t = &c->t[c->n];
		t->at = (size_t)(s - c->text);
		t->len = token_end(s, &t->kind);
		if (t->kind == TK_OP && strchr("([{", *s) != NULL) {
			open[depth++] = c->n;
		} else if (t->kind == TK_OP && strchr(")]}", *s) != NULL &&
		    depth > 0) {
			t->mate = open[--depth];
			c->t[t->mate].mate = c->n;
		}
		c->n++;
	}
	free(open);
}

static bool
is(const struct scan *c, size_t i, const char *word)
{
	return i < c->n && c->t[i].len == strlen(word) &&
	       strncmp(c->text + c->t[i].at, word, c->t[i].len) == 0;
}

static bool
is_any(const struct scan *c, size_t i, const char *const *words)
{
	for (; *words != NULL; words++)
		if (is(c, i, *words))
			return true;
	return false;
}

static size_t
end_of(const struct scan *c, size_t i)
{
	return c->t[i].at + c->t[i].len;
}

/* Does a value end with this token, so that the next operator has two sides? */
static bool
ends_value(const struct scan *c, size_t i)
{
	static const char *const no[] = { "return", "case", "else", NULL };

	return (c->t[i].kind != TK_OP && !is_any(c, i, no)) || is(c, i, ")") ||
	       is(c, i, "]");
}

/* ---- adding ---- */

static char *
cut(const char *text, size_t at, size_t len)
{
	return xprintf("%.*s", (int)len, text + at);
}

static void
add(struct scan *c, const char *kind, size_t at, size_t len, char *with)
{
	struct mutations *m = c->out;
	struct mutation *v;
	size_t i;

	m->v = xrealloc(m->v, (m->n + 1) * sizeof *m->v);
	v = &m->v[m->n++];
	*v = (struct mutation){ .at = at, .len = len, .with = with,
		.kind = kind, .function = xstrdup(c->function), .line = 1 };
	for (i = 0; i < at; i++)
		v->line += c->text[i] == '\n';
}

static void
add_token(struct scan *c, const char *kind, size_t i, const char *with)
{
	add(c, kind, c->t[i].at, c->t[i].len, xstrdup(with));
}

/* [from, to) goes; its line ends stay. */
static void
add_drop(struct scan *c, const char *kind, size_t from, size_t to)
{
	size_t i, n = 1;
	char *with = xalloc(to - from + 2);

	with[0] = ';';
	for (i = from; i < to; i++)
		if (c->text[i] == '\n')
			with[n++] = '\n';
	add(c, kind, from, to - from, with);
}

/* Tokens [a, b] and [x, y] change places; what lies between stays. */
static void
add_exchange(struct scan *c, const char *kind, size_t a, size_t b, size_t x,
    size_t y)
{
	size_t at = c->t[a].at, mid = end_of(c, b), next = c->t[x].at;
	char *first = cut(c->text, at, mid - at);
	char *second = cut(c->text, next, end_of(c, y) - next);

	if (strcmp(first, second) != 0)
		add(c, kind, at, end_of(c, y) - at,
		    xprintf("%s%.*s%s", second, (int)(next - mid),
			c->text + mid, first));
	free(first);
	free(second);
}

/* ---- operators, numbers ---- */

/* Operators with a value on their left. */
static const struct {
	const char *from, *to, *kind;
} exchanges[] = {
	{ "<", "<=", "off by one" }, { "<=", "<", "off by one" },
	{ ">", ">=", "off by one" }, { ">=", ">", "off by one" },
	{ "==", "!=", "operator exchanged" },
	{ "!=", "==", "operator exchanged" },
	{ "&&", "||", "operator exchanged" },
	{ "||", "&&", "operator exchanged" },
	{ "+", "-", "operator exchanged" },
	{ "-", "+", "operator exchanged" },
	{ "+=", "-=", "operator exchanged" },
	{ "-=", "+=", "operator exchanged" },
	{ "|=", "&=", "operator exchanged" },
	{ "&=", "|=", "operator exchanged" },
	{ "&", "|", "operator exchanged" },
	{ "|", "&", "operator exchanged" },
	{ "<<", ">>", "operator exchanged" },
	{ ">>", "<<", "operator exchanged" },
	{ "++", "--", "operator exchanged" },
	{ "--", "++", "operator exchanged" },
};

/* Words and operators in front of a value. */
static const struct {
	const char *from, *to;
} words[] = { { "MIN", "MAX" }, { "MAX", "MIN" }, { "true", "false" },
	{ "false", "true" }, { "!", "" }, { "~", "" }, { "++", "--" },
	{ "--", "++" } };

static void
see_number(struct scan *c, size_t i)
{
	const char *s = c->text + c->t[i].at, *tail;
	char *end;
	unsigned long n = strtoul(s, &end, 10);
	int len;

	tail = end;
	len = (int)(s + c->t[i].len - tail);
	if (*s == '0' && c->t[i].len > 1)
		return; /* hexadecimal, a mask */
	add(c, "off by one", c->t[i].at, c->t[i].len,
	    xprintf("%lu%.*s", n + 1, len, tail));
	if (n > 0)
		add(c, "off by one", c->t[i].at, c->t[i].len,
		    xprintf("%lu%.*s", n - 1, len, tail));
}

static void
see_operator(struct scan *c, size_t i)
{
	bool two_sides = i > 0 && ends_value(c, i - 1);
	size_t k;

	if (c->t[i].kind == TK_NUMBER) {
		see_number(c, i);
		return;
	}
	for (k = 0; two_sides && k < sizeof exchanges / sizeof exchanges[0]; k++)
		if (is(c, i, exchanges[k].from))
			add_token(c, exchanges[k].kind, i, exchanges[k].to);
	for (k = 0; !two_sides && k < sizeof words / sizeof words[0]; k++)
		if (is(c, i, words[k].from))
			add_token(c, "operator exchanged", i, words[k].to);
	if (!two_sides && is(c, i, "-") && c->t[i + 1].kind == TK_WORD)
		add_token(c, "sign dropped", i, "");
}

/* a ? b : c becomes a ? c : b. */
static void
see_choice(struct scan *c, size_t i)
{
	size_t k, colon = 0, nested = 0;

	for (k = i + 1; k < c->n; k++) {
		if (is(c, k, "(") || is(c, k, "[")) {
			k = c->t[k].mate;
		} else if (is(c, k, "?")) {
			nested++;
		} else if (is(c, k, ":") && nested > 0) {
			nested--;
		} else if (is(c, k, ":") && colon == 0) {
			colon = k;
		} else if (is(c, k, ";") || is(c, k, ",") || is(c, k, ")") ||
		    is(c, k, "]") || is(c, k, ":")) {
			break;
		}
	}
	if (colon > i + 1 && k > colon + 1)
		add_exchange(c, "condition negated", i + 1, colon - 1, colon + 1,
		    k - 1);
}

/* ---- calls, conditions ---- */

static const char *const controls[] = { "if", "while", "for", "switch",
	"sizeof", "return", "offsetof", NULL };
static const char *const silent[] = { "ASSERT", "EVENT", "EVENT_ADD", NULL };

static bool
is_call(const struct scan *c, size_t i)
{
	return c->t[i].kind == TK_WORD && is(c, i + 1, "(") &&
	       !is_any(c, i, controls);
}

/* Each argument changes places with the next. */
static void
see_call(struct scan *c, size_t i)
{
	size_t end = c->t[i + 1].mate, from = i + 2, before = 0, last = 0, k;

	for (k = from; k <= end; k++) {
		if (k < end && (is(c, k, "(") || is(c, k, "["))) {
			k = c->t[k].mate;
			continue;
		}
		if (k < end && !is(c, k, ","))
			continue;
		if (before != 0 && k > from)
			add_exchange(c, "arguments exchanged", before, last,
			    from, k - 1);
		before = from;
		last = k - 1;
		from = k + 1;
	}
}

static void
see_condition(struct scan *c, size_t i)
{
	size_t open = i + 1, end = c->t[open].mate;
	size_t at = end_of(c, open), len = c->t[end].at - at;

	add(c, "condition negated", at, len,
	    xprintf("!(%.*s)", (int)len, c->text + at));
}

/* ---- statements ---- */

static size_t
statement_end(const struct scan *c, size_t i)
{
	while (i < c->n && !is(c, i, ";")) {
		if (is(c, i, "{") || is(c, i, "}"))
			return 0;
		i = is(c, i, "(") || is(c, i, "[") ? c->t[i].mate + 1 : i + 1;
	}
	return i < c->n ? i : 0;
}

static bool
begins_statement(const struct scan *c, size_t i)
{
	static const char *const before[] = { ";", "{", "}", "else", "do",
		NULL };
	static const char *const heads[] = { "if", "while", "for", NULL };
	size_t k = i - 1, open;

	if (is_any(c, k, before))
		return true;
	if (is(c, k, ")")) {
		open = c->t[k].mate;
		return open > 0 && is_any(c, open - 1, heads);
	}
	if (!is(c, k, ":"))
		return false;
	while (k > 0 && !is(c, k, ";") && !is(c, k, "{") && !is(c, k, "}") &&
	    !is(c, k, "?") && !is(c, k, "case") && !is(c, k, "default"))
		k--;
	return is(c, k, "case") || is(c, k, "default");
}

/* "struct vad *v = x;", "bool a, b;" */
static bool
is_declaration(const struct scan *c, size_t i)
{
	return c->t[i].kind == TK_WORD && !is(c, i, "return") &&
	       !is(c, i, "goto") &&
	       (c->t[i + 1].kind == TK_WORD ||
		   (is(c, i + 1, "*") && c->t[i + 2].kind == TK_WORD));
}

static bool
has_assignment(const struct scan *c, size_t i, size_t end)
{
	static const char *const ops[] = { "=", "+=", "-=", "|=", "&=", "++",
		"--", "<<=", ">>=", "*=", "/=", "%=", "^=", NULL };

	for (; i < end; i++) {
		if (is(c, i, "(") || is(c, i, "["))
			i = c->t[i].mate;
		else if (is_any(c, i, ops))
			return true;
	}
	return false;
}

static void
see_statement(struct scan *c, size_t i, size_t last)
{
	static const char *const never[] = { "if", "while", "for", "switch",
		"do", "else", "case", "default", "ASSERT", ";", "}", "{", NULL };
	size_t end = statement_end(c, i);
	const char *kind = NULL;

	if (end == 0 || is_any(c, i, never) || is_declaration(c, i))
		return;
	if (is(c, i, "return"))
		kind = end + 1 < last ? "return dropped" : NULL;
	else if (is(c, i, "break") || is(c, i, "continue") || is(c, i, "goto"))
		kind = "jump dropped";
	else if (has_assignment(c, i, end))
		kind = "assignment dropped";
	else
		kind = "call dropped";
	if (kind != NULL)
		add_drop(c, kind, c->t[i].at, end_of(c, end));
}

static void
see_body(struct scan *c, size_t open)
{
	size_t i, last = c->t[open].mate, quiet = 0, header = 0;

	for (i = open + 1; i < last; i++) {
		if (is(c, i, "for") && is(c, i + 1, "("))
			header = c->t[i + 1].mate;
		if (i > header && begins_statement(c, i))
			see_statement(c, i, last);
		if (is_any(c, i, silent) && is(c, i + 1, "("))
			quiet = c->t[i + 1].mate;
		if (i <= quiet)
			continue;
		if (is(c, i, "CHECK") && is(c, i + 1, "("))
			c->checks = c->t[i + 1].mate;
		if ((is(c, i, "if") || is(c, i, "while")) && is(c, i + 1, "("))
			see_condition(c, i);
		if (is_call(c, i) && !is(c, i, "CHECK"))
			see_call(c, i);
		if (is(c, i, "?"))
			see_choice(c, i);
		if (i > c->checks)
			see_operator(c, i);
	}
}

/* ---- the file ---- */

void
mutations_find(struct mutations *m, const char *text)
{
	struct scan c = { .out = m, .text = text };
	size_t i, name = 0;

	*m = (struct mutations){ 0 };
	tokens_read(&c);
	for (i = 0; i < c.n; i++) {
		if (is(&c, i, ";") || is(&c, i, "=")) {
			name = 0;
		} else if (is(&c, i, "(")) {
			if (name == 0 && i > 0)
				name = i - 1;
			i = c.t[i].mate;
		} else if (is(&c, i, "{")) {
			if (name != 0) {
				c.function = cut(text, c.t[name].at,
				    c.t[name].len);
				see_body(&c, i);
				free(c.function);
			}
			name = 0;
			i = c.t[i].mate;
		}
	}
	free(c.t);
}

void
mutations_free(struct mutations *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].with);
		free(m->v[i].function);
	}
	free(m->v);
	*m = (struct mutations){ 0 };
}

char *
mutation_apply(const char *text, const struct mutation *m)
{
	return xprintf("%.*s%s%s", (int)m->at, text, m->with,
	    text + m->at + m->len);
}

/* Runs of blanks become one; none at the ends. */
static char *
squeeze(char *s)
{
	char *to = s;
	const char *from = s;

	for (; *from != '\0'; from++)
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > s && to[-1] != ' ')
			*to++ = ' ';
	while (to > s && to[-1] == ' ')
		to--;
	*to = '\0';
	return s;
}

void
mutation_diff(const char *text, const struct mutation *m, char **before,
    char **after)
{
	size_t from = m->at, to = m->at + m->len;

	while (from > 0 && text[from - 1] != '\n')
		from--;
	to += strcspn(text + to, "\n");
	*before = squeeze(cut(text, from, to - from));
	*after = squeeze(xprintf("%.*s%s%.*s", (int)(m->at - from), text + from,
	    m->with, (int)(to - m->at - m->len), text + m->at + m->len));
}

void
mutations_shuffle(struct mutations *m, unsigned long long seed)
{
	unsigned long long x = seed;
	struct mutation swap;
	size_t i, k;

	for (i = m->n; i > 1; i--) {
		/* splitmix64 */
		unsigned long long z = x += 0x9e3779b97f4a7c15ull;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		k = (size_t)((z ^ z >> 31) % i);
		swap = m->v[k];
		m->v[k] = m->v[i - 1];
		m->v[i - 1] = swap;
	}
}
