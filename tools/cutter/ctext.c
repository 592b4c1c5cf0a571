/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctext: the comments of C files, or their code without them
 *
 * Problem   What lint says of names in code, or in comments, must not hang on
 *           how each of its checks takes a line of C apart.
 *
 * Picture   file ─→ csource.c: tokens ─┬─→ --code      FILE:LINE code, "" for
 *                                      │               strings; str NAME FILE
 *                                      └─→ --comments  FILE:LINE: text
 *
 * Rules     1. A line keeps its number; lines without code, or without
 *              comments, are left out.
 *           2. A string that is a name, or a path that ends so, may name a
 *              function or a file: it is told.
 *
 * Read next tools/lint/code/symbols.awk.
 */
#include "csource.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	char text[4096];
	size_t n;
};

struct reader {
	const char *file;
	bool wants_code;
	int no;
	struct line code, note;
};

static void
add(struct line *l, const char *s, size_t n)
{
	if (n > sizeof(l->text) - l->n)
		n = sizeof(l->text) - l->n;
	memcpy(l->text + l->n, s, n);
	l->n += n;
}

static void
end_line(struct reader *r)
{
	const struct line *l = r->wants_code ? &r->code : &r->note;

	if (l->n > 0)
		printf("%s:%d%s %.*s\n", r->file, r->no, r->wants_code ? "" : ":",
		    (int)l->n, l->text);
	r->code.n = r->note.n = 0;
	r->no++;
}

/* Where it ends the line of code and its own have a space. */
static void
comment(struct reader *r, const char *p, const char *end)
{
	bool is_block = p[1] == '*';

	if (is_block && end >= p + 4 && end[-2] == '*' && end[-1] == '/')
		end -= 2;
	for (p += 2; p < end; p++) {
		if (*p == '\n')
			end_line(r);
		else
			add(&r->note, p, 1);
	}
	if (is_block) {
		add(&r->note, " ", 1);
		add(&r->code, " ", 1);
	}
}

static void
quoted(struct reader *r, const char *p, const char *end)
{
	const char *name = end - 1, *t;

	add(&r->code, "\"\"", 2);
	if (!r->wants_code || *p != '"')
		return;
	while (name > p + 1 && name[-1] != '/')
		name--;
	for (t = name; t < end - 1; t++)
		if (!islower((unsigned char)*t) && !isdigit((unsigned char)*t) &&
		    *t != '_')
			return;
	if (name < end - 1)
		printf("str %.*s %s\n", (int)(end - 1 - name), name, r->file);
}

static int
read_file(const char *file, bool wants_code)
{
	struct reader r = { .file = file, .wants_code = wants_code, .no = 1 };
	struct csource c;
	const char *p, *e;
	size_t n;

	c.s = csource_read(file, &n);
	if (c.s == NULL)
		return 1;
	c.end = c.s + n;
	for (p = c.s; p < c.end; p = e) {
		e = p + 1;
		if (csource_is_comment(p)) {
			e = csource_skip_comment(&c, p);
			comment(&r, p, e);
		} else if ((*p == '"' || *p == '\'') &&
		    (e = csource_skip_quoted(&c, p)) > p + 1) {
			quoted(&r, p, e);
		} else if (*p == '\n') {
			end_line(&r);
		} else {
			add(&r.code, p, 1);
		}
	}
	end_line(&r);
	free((char *)c.s);
	return 0;
}

int
main(int argc, char **argv)
{
	bool wants_code = argc > 1 && strcmp(argv[1], "--code") == 0;
	bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
	int i, bad = 0;

	if (!wants_code && (argc < 2 || strcmp(argv[1], "--comments") != 0)) {
		fprintf(asked ? stdout : stderr,
		    "usage: ctext --code|--comments FILE.c…\n");
		return asked ? 0 : 64;
	}
	for (i = 2; i < argc; i++)
		bad |= read_file(argv[i], wants_code);
	return fflush(stdout) == 0 ? bad : 1;
}
