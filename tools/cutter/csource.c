/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csource.c: C as tokens, as far as its readers must know it
 *
 * Problem   Braces and names also stand in comments and strings; labcut and
 *           lint must take them for what they are, and for the same.
 *
 * Read next tools/cutter/cut.c, ctext.c.
 */
#include "csource.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
csource_read(const char *file, size_t *n)
{
	FILE *f = fopen(file, "r");
	char *text = NULL;
	size_t cap = 0;

	if (f == NULL) {
		perror(file);
		return NULL;
	}
	for (*n = 0;;) {
		cap += 65536;
		text = realloc(text, cap);
		if (text == NULL)
			break;
		*n += fread(text + *n, 1, cap - *n - 1, f);
		if (*n < cap - 1)
			break;
	}
	if (text != NULL)
		text[*n] = '\0';
	fclose(f);
	return text;
}

bool
csource_is_comment(const char *p)
{
	return p[0] == '/' && (p[1] == '*' || p[1] == '/');
}

bool
csource_at_line_start(const struct csource *c, const char *p)
{
	while (p > c->s && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p == c->s || p[-1] == '\n';
}

const char *
csource_skip_comment(const struct csource *c, const char *p)
{
	const char *e;

	if (p[1] == '/') {
		e = memchr(p, '\n', (size_t)(c->end - p));
		return e == NULL ? c->end : e;
	}
	e = strstr(p + 2, "*/");
	return e == NULL ? c->end : e + 2;
}

const char *
csource_skip_quoted(const struct csource *c, const char *p)
{
	const char *t;

	for (t = p + 1; t < c->end && *t != '\n'; t++) {
		if (*t == *p)
			return t + 1;
		if (*t == '\\' && t + 1 < c->end)
			t++;
	}
	return p + 1;
}

static const char *
skip_directive(const struct csource *c, const char *p)
{
	while (p < c->end && *p != '\n') {
		if (p[0] == '/' && p[1] == '*')
			p = csource_skip_comment(c, p);
		else
			p += *p == '\\' && p[1] == '\n' ? 2 : 1;
	}
	return p;
}

const char *
csource_skip(const struct csource *c, const char *p)
{
	if (csource_is_comment(p))
		return csource_skip_comment(c, p);
	if (*p == '"' || *p == '\'')
		return csource_skip_quoted(c, p);
	if (*p == '#' && csource_at_line_start(c, p))
		return skip_directive(c, p);
	if (isalnum((unsigned char)*p) || *p == '_') {
		while (isalnum((unsigned char)*p) || *p == '_')
			p++;
		return p;
	}
	return p + 1;
}
