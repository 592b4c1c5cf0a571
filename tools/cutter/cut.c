/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut.c: reads C as far as one must to take function bodies out
 *
 * Problem   Braces also stand in strings, comments and macros; a tool that
 *           counted lines would cut in the wrong place one day.
 *
 * Picture   source ─→ csource.c: tokens ─→ pieces at brace depth 0
 *             text      comments, preprocessor lines, data
 *             proto     static int f(int);
 *             function  comment above │ int f(int a) │ { body }
 *
 * Rules     1. Every function of the file is in the list, and every name of
 *              the list in the file: a new helper cannot slip into a handout.
 *           2. A comment belongs to the function that begins on the next line.
 *           3. Of a cut body only comments that begin with @hint stay.
 *
 * Read next tools/cutter/labcut.c.
 */
#include "csource.h"
#include "cut.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static int
list_bad(const struct cutlist *l, int no, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", l->file, no, what);
	return -1;
}

static struct cut_line *
list_find(const struct cutlist *l, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strlen(l->line[i].name) == n &&
		    memcmp(l->line[i].name, name, n) == 0)
			return &l->line[i];
	return NULL;
}

/* "cut NAME step 2 [return EXPR]" */
static int
list_line(struct cutlist *l, char *text, int no)
{
	struct cut_line c = { .step = 0 };
	char verb[8], word[8];
	int at = 0, got, more = 0;

	got = sscanf(text, "%7s %63s %n", verb, c.name, &at);
	if (got < 2)
		return list_bad(l, no, "want: cut|keep|drop NAME …");
	if (strcmp(verb, "cut") == 0)
		c.what = CUT_CUT;
	else if (strcmp(verb, "keep") == 0)
		c.what = CUT_KEEP;
	else if (strcmp(verb, "drop") == 0)
		c.what = CUT_DROP;
	else
		return list_bad(l, no, "want cut, keep or drop");
	if (list_find(l, c.name, strlen(c.name)) != NULL)
		return list_bad(l, no, "this name stands above already");
	if (c.what != CUT_KEEP &&
	    (sscanf(text + at, "%7s %d %n", word, &c.step, &more) < 2 ||
	    strcmp(word, "step") != 0 || c.step < 1))
		return list_bad(l, no, "want: step N");
	at += more;
	if (strncmp(text + at, "return ", 7) == 0 && c.what == CUT_CUT)
		snprintf(c.result, sizeof(c.result), "%s", text + at + 7);
	else if (text[at] != '\0')
		return list_bad(l, no, "what is this at the end of the line?");
	l->line = realloc(l->line, (l->n + 1) * sizeof(c));
	if (l->line == NULL)
		return list_bad(l, no, "no memory");
	l->line[l->n++] = c;
	return 0;
}

/* "labs/05-fork/cut.list" → "05-fork" */
static void
list_lab(struct cutlist *l)
{
	const char *end = strrchr(l->file, '/'), *p = end;

	if (end == NULL)
		return;
	while (p > l->file && p[-1] != '/')
		p--;
	snprintf(l->lab, sizeof(l->lab), "%.*s", (int)(end - p), p);
}

int
cutlist_read(struct cutlist *l, const char *file)
{
	FILE *f = fopen(file, "r");
	char text[256];
	int no = 0, r = 0;

	*l = (struct cutlist){ .file = file };
	list_lab(l);
	if (f == NULL) {
		perror(file);
		return -1;
	}
	while (r == 0 && fgets(text, sizeof(text), f) != NULL) {
		char *end = strchr(text, '#');

		no++;
		if (end == NULL)
			end = text + strlen(text);
		while (end > text && isspace((unsigned char)end[-1]))
			end--;
		*end = '\0';
		if (end > text)
			r = list_line(l, text, no);
	}
	fclose(f);
	return r;
}

/* ---- pieces ---- */

enum piece_kind { PIECE_TEXT, PIECE_PROTO, PIECE_FUNCTION };

/* [start, end) of the source: what one `;` or one body ends. */
struct piece {
	enum piece_kind kind;
	const char *start, *end;
	const char *doc;           /* its comment, or sig */
	const char *sig, *body;    /* first token; the opening brace */
	const char *name;
	size_t nname;
};

/* What has been seen of the piece so far. */
struct state {
	int round, curly;
	bool params, data;         /* had ( at depth 0; had = */
	const char *word, *word_end, *comment, *after;
};

static void
see_code(struct piece *p, struct state *st, const char *t, const char *e)
{
	if (p->sig == NULL) {
		p->sig = p->doc = t;
		/* The comment on the lines right above. */
		if (st->comment != NULL && st->after + 1 == t)
			p->doc = st->comment;
	}
	if (isalpha((unsigned char)*t) || *t == '_') {
		if (st->round == 0 && st->curly == 0 && !st->params) {
			st->word = t;
			st->word_end = e;
		}
		return;
	}
	if (*t == '(' && st->round++ == 0 && st->curly == 0 && !st->data &&
	    !st->params && st->word != NULL) {
		st->params = true;
		p->name = st->word;
		p->nname = (size_t)(st->word_end - st->word);
	}
	if (*t == ')')
		st->round--;
	if (*t == '=' && st->curly == 0)
		st->data = true;
	if (*t == '{' && st->curly++ == 0 && st->params && !st->data)
		p->body = t;
	if (*t == '}')
		st->curly--;
}

/* Does the token at t end the piece? */
static bool
ends_piece(const struct piece *p, const struct state *st, const char *t)
{
	if (st->curly != 0 || st->round != 0)
		return false;
	return *t == ';' || (*t == '}' && p->body != NULL);
}

/*
 * The piece at p->start.
 *
 * Returns:  1; 0: nothing but space and comments is left; -1: no end.
 */
static int
next_piece(const struct csource *c, struct piece *p)
{
	struct state st = { 0 };
	const char *t = p->start, *e;

	for (; t < c->end; t = e) {
		e = csource_skip(c, t);
		if (csource_is_comment(t)) {
			if (p->sig == NULL) {
				st.comment = t;
				st.after = e;
			}
			continue;
		}
		if (isspace((unsigned char)*t) || (*t == '#' && csource_at_line_start(c, t)))
			continue;
		see_code(p, &st, t, e);
		if (!ends_piece(p, &st, t))
			continue;
		p->end = e < c->end && *e == '\n' ? e + 1 : e;
		if (p->body != NULL)
			p->kind = PIECE_FUNCTION;
		else if (st.params && !st.data)
			p->kind = PIECE_PROTO;
		return 1;
	}
	p->end = c->end;
	return p->sig == NULL ? 0 : -1;
}

/* ---- writing ---- */

static void
put(FILE *out, const char *from, const char *to)
{
	fwrite(from, 1, (size_t)(to - from), out);
}

static bool
sig_has(const struct piece *p, const char *word)
{
	const char *t;
	size_t n = strlen(word);

	for (t = p->sig; t < p->name; t++)
		if (strncmp(t, word, n) == 0)
			return true;
	return false;
}

static void
put_hints(const struct csource *c, const struct piece *p, FILE *out)
{
	const char *t, *e;

	for (t = p->body + 1; t < p->end; t = e) {
		e = csource_skip(c, t);
		if (csource_is_comment(t) && strncmp(t + 2, "@hint", 5) == 0) {
			fprintf(out, "\t/*%.*s\n", (int)(e - t - 7), t + 7);
		}
	}
}

/* The stub: signature and comment stay, the body says what is to be done. */
static int
put_stub(const struct cutlist *l, const struct csource *c, const struct piece *p,
    const struct cut_line *line, FILE *out)
{
	const char *r = line->result;

	put(out, p->start, p->body);
	fprintf(out, "{\n");
	put_hints(c, p, out);
	if (r[0] == '\0' && sig_has(p, "*"))
		r = "NULL";
	else if (r[0] == '\0' && sig_has(p, "bool"))
		r = "false";
	if (r[0] == '\0' && !sig_has(p, "int\n") && !sig_has(p, "void\n")) {
		fprintf(stderr, "%s: %s: say what its stub returns\n", l->file,
		    line->name);
		return -1;
	}
	fprintf(out, "\t%slab_todo(\"%s step %d: %s\");\n",
	    r[0] == '\0' && sig_has(p, "int\n") ? "return " : "", l->lab,
	    line->step, line->name);
	if (r[0] != '\0')
		fprintf(out, "\treturn %s;\n", r);
	fprintf(out, "}\n");
	return 0;
}

/* All but the piece itself; one blank line fewer. */
static void
put_without(const struct piece *p, FILE *out)
{
	const char *e = p->doc;

	if (p->kind == PIECE_FUNCTION)
		while (e > p->start && e[-1] == '\n')
			e--;
	put(out, p->start, e);
	if (p->kind == PIECE_FUNCTION && e > p->start)
		fputc('\n', out);
}

static int
put_piece(struct cutlist *l, const char *name, const struct csource *c,
    const struct piece *p, int steps, FILE *out)
{
	struct cut_line *line = p->name == NULL ? NULL :
	    list_find(l, p->name, p->nname);

	if (p->kind == PIECE_FUNCTION) {
		if (line == NULL || line->used) {
			fprintf(stderr, "%s: %s: %.*s() %s\n", name, l->file,
			    (int)p->nname, p->name,
			    line == NULL ? "is not in the list" : "is there twice");
			return -1;
		}
		line->used = true;
	}
	if (line == NULL || p->kind == PIECE_TEXT || line->what == CUT_KEEP ||
	    line->step <= steps) {
		put(out, p->start, p->end);
		return 0;
	}
	if (line->what == CUT_DROP)
		put_without(p, out);
	else if (p->kind == PIECE_PROTO)
		put(out, p->start, p->end);
	else
		return put_stub(l, c, p, line, out);
	return 0;
}

int
cut_source(struct cutlist *l, const char *name, const char *src, size_t n,
    int steps, FILE *out)
{
	struct csource c = { src, src + n };
	struct piece p = { .start = src };
	size_t i;
	int r, bad = 0;

	while ((r = next_piece(&c, &p)) == 1) {
		if (put_piece(l, name, &c, &p, steps, out) != 0)
			bad = 1;
		p = (struct piece){ .start = p.end };
	}
	if (r < 0) {
		fprintf(stderr, "%s: the last piece has no end\n", name);
		return -1;
	}
	put(out, p.start, p.end);
	for (i = 0; i < l->n; i++) {
		if (l->line[i].used)
			continue;
		fprintf(stderr, "%s: no function %s in %s\n", l->file,
		    l->line[i].name, name);
		bad = 1;
	}
	return bad ? -1 : 0;
}
